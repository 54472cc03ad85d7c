"""What the data set is: the facts at the head of a report."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import cell_dims, find_spatial
from climcube.errors import AxisError
from climcube.plots.geography import continuous_longitude, east_west, north_south
from climcube.plots.style import date_words, unit_words

__all__ = ["describe", "name_of", "sources"]

# Attributes that data providers use, and what they are called on the page.
_ORIGIN = {
    "title": "Title",
    "institution": "Institution",
    "source": "Source",
    "references": "References",
    "license": "Licence",
    "licence": "Licence",
    "citation": "Citation",
}
_CALENDARS = {
    "proleptic_gregorian": "standard (Gregorian)",
    "standard": "standard (Gregorian)",
    "gregorian": "standard (Gregorian)",
    "noleap": "365 days (no leap years)",
    "365_day": "365 days (no leap years)",
    "360_day": "360 days",
}
_LONGEST = 400


def name_of(cube: xr.DataArray) -> str:
    """Return what the cube holds, in words."""
    attrs = cube.attrs
    text = attrs.get("long_name") or attrs.get("standard_name") or cube.name or "the cube"
    return str(text).replace("_", " ")


def describe(cube: xr.DataArray, axis: TimeAxis) -> list[tuple[str, str]]:
    """Return label and value of each fact, in reading order; no value is computed."""
    first, last = date_words(axis.label(0)), date_words(axis.label(len(axis) - 1))
    facts = [
        ("Variable", f"{name_of(cube)} ({cube.name})" if cube.name else name_of(cube)),
        ("Units", unit_words(cube.attrs.get("units")) or "not given"),
        ("Period", f"{first} to {last} ({len(axis):,} days)".replace(",", "\u202f")),
        ("Calendar", _CALENDARS.get(axis.calendar, axis.calendar)),
        ("Grid", _grid(cube, axis)),
    ]
    region = _region(cube)
    if region:
        facts.append(("Region", region))
    seen = {label for label, _ in facts}
    for key, label in _ORIGIN.items():
        if cube.attrs.get(key) and label not in seen:
            facts.append((label, str(cube.attrs[key])[:_LONGEST]))
            seen.add(label)
    for source in sources(cube):
        for key, value in source.items():
            label = _ORIGIN.get(key, key.capitalize())
            if label not in seen:
                facts.append((label, str(value)[:_LONGEST]))
                seen.add(label)
    return facts


def sources(cube: xr.DataArray) -> list[dict[str, Any]]:
    """Return where the cube came from, as its provenance says."""
    found = provenance.read(cube).get("sources", [])
    return [s for s in found if isinstance(s, dict)]


def _grid(cube: xr.DataArray, axis: TimeAxis) -> str:
    dims = cell_dims(cube, axis.name)
    if not dims:
        return "one series"
    sizes = " × ".join(str(cube.sizes[d]) for d in dims)
    text = f"{sizes} cells ({', '.join(dims)})"
    steps = [_step(cube[d]) for d in dims if d in cube.coords]
    known = sorted({s for s in steps if s})
    return text + (f", step {' and '.join(known)}" if known else "")


def _step(coordinate: xr.DataArray) -> str:
    if coordinate.size < 2 or not np.issubdtype(coordinate.dtype, np.number):
        return ""
    if "degree" not in str(coordinate.attrs.get("units", "degrees")):
        return ""
    steps = np.abs(np.diff(np.asarray(coordinate.values, "float64")))
    return f"{np.median(steps):.4g}°"


def _spacing(values: npt.NDArray[np.float64]) -> float:
    steps = np.diff(np.unique(values[np.isfinite(values)]))
    return float(np.median(steps)) if steps.size else 0.0


def _region(cube: xr.DataArray) -> str:
    try:
        axes = find_spatial(cube)
    except AxisError:
        return ""
    lat = np.asarray(cube[axes.latitude].values, "float64")
    lon = continuous_longitude(np.asarray(cube[axes.longitude].values, "float64"))
    if not (np.isfinite(lat).any() and np.isfinite(lon).any()):
        return ""
    south, north = (north_south(round(float(v), 3)) for v in (np.nanmin(lat), np.nanmax(lat)))
    if np.ptp(lon[np.isfinite(lon)]) + 1.5 * _spacing(lon) >= 360:
        return f"{south} to {north}, all longitudes"
    west, east = (east_west(round(float(v), 3)) for v in (np.nanmin(lon), np.nanmax(lon)))
    return (
        f"{south} to {north}, {west} to {east}" if lat.size * lon.size > 1 else f"{south}, {west}"
    )
