"""What figures and reports say about a result: its kind, place, period, baseline and metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from climcube import provenance
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.errors import AxisError
from climcube.plots.geography import continuous_longitude, east_west, north_south
from climcube.plots.style import in_sentence, unit_words

__all__ = [
    "axis_words",
    "base_period_words",
    "basis_words",
    "is_cold",
    "kind_words",
    "metric_words",
    "name_words",
    "ordinal",
    "percentile_words",
    "period_words",
    "place_words",
    "region_words",
    "source_words",
    "span_words",
    "value_words",
    "with_units",
]

_STATISTICS = {
    "max": "Maximum intensity",
    "mean": "Mean intensity",
    "var": "Standard deviation of intensity",
    "cumulative": "Cumulative intensity",
}
_MEANS = {
    "monthly_mean": "monthly means",
    "seasonal_mean": "seasonal means",
    "annual_mean": "annual means",
    "area_mean": "area mean",
}
_LONG = 40  # letters: longer names run off an axis
_REFERENCES = {"": "", "relThresh": ", relative to threshold", "abs": ", absolute"}


def is_cold(mhw: Any) -> bool:
    """Whether a result is of cold spells."""
    return bool(mhw.parameters.get("cold", False))


def kind_words(mhw: Any) -> str:
    """Return "heatwave" or "cold spell"."""
    return "cold spell" if is_cold(mhw) else "heatwave"


def period_words(axis: TimeAxis) -> str:
    """Return first and last year of a record, as read on a figure."""
    first, last = int(axis.year[0]), int(axis.year[-1])
    return str(first) if first == last else f"{first}–{last}"


def span_words(text: str) -> str:
    """Write spans of years within a text for readers; a single year once.

    >>> span_words("from 2000-2000 to 2001-2004")
    'from 2000 to 2001–2004'
    """
    once = re.sub(r"\b(\d{4})-\1\b", r"\1", text)
    return re.sub(r"(?<=\d)-(?=\d)", "–", once)


def base_period_words(mhw: Any, axis: TimeAxis) -> str:
    """Return what the climatology is made from, to stand after "over"."""
    parameters = mhw.parameters
    if parameters.get("climatology") is not None:
        return "a separate data set"
    if parameters.get("baseline") == "shifting":
        return f"the {parameters.get('baseline_years', 30)} years before each year"
    period = parameters.get("base_period")
    if period is None:
        return period_words(axis)
    return span_words("-".join(str(p)[:4] for p in period))


def basis_words(mhw: Any, axis: TimeAxis) -> str:
    """Return what a heatwave is measured against, as read under the title of a figure."""
    parameters = mhw.parameters
    years = base_period_words(mhw, axis)
    text = f"climatology {'' if years[0].isdigit() else 'of '}{years}"
    if parameters.get("baseline") == "detrended":
        text += ", linear trend removed"
    if float(parameters.get("percentile", 90)) != 90:
        text += f", {percentile_words(mhw)}"
    if parameters.get("second_threshold") is not None:
        text += ", days that meet a second threshold"
    if parameters.get("ice") is not None or parameters.get("min_temperature") is not None:
        text += ", days under ice left out"
    return text


def percentile_words(mhw: Any) -> str:
    """Return the rank of the threshold among the values themselves: the 10th for cold spells."""
    rank = float(mhw.parameters.get("percentile", 90))
    rank = 100 - rank if is_cold(mhw) else rank
    return f"{ordinal(rank)} percentile"


def ordinal(rank: float) -> str:
    """Write a rank for readers.

    >>> ordinal(3), ordinal(11), ordinal(97.5)
    ('3rd', '11th', '97.5th')
    """
    teens = rank != int(rank) or int(rank) % 100 in (11, 12, 13)
    return f"{rank:g}" + ("th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(int(rank) % 10, "th"))


def value_words(mhw: Any, units: str) -> str:
    """Return name and units of the values of the cube, to stand along an axis."""
    removed = ", trend removed" if mhw.parameters.get("baseline") == "detrended" else ""
    return with_units(_short_name(mhw.cube) + removed, units)


def axis_words(cube: xr.DataArray) -> str:
    """Return name and units of a cube, to stand along an axis."""
    return with_units(_short_name(cube), unit_words(cube.attrs.get("units")))


def with_units(name: str, units: str) -> str:
    """Return a name with its units, if it has any.

    >>> with_units("Anomaly", "°C"), with_units("Share", "")
    ('Anomaly (°C)', 'Share')
    """
    return f"{name} ({units})" if units else name


def name_words(cube: xr.DataArray) -> str:
    """Return what a cube calls its values, at the beginning of a title."""
    attrs = cube.attrs
    name = str(attrs.get("long_name") or attrs.get("standard_name") or "").replace("_", " ")
    if not name:
        return str(cube.name or "value")  # a name of a variable stays as it is written
    name = in_sentence(name) if "anomaly of " in name else name
    return f"{name[:1].upper()}{name[1:]}"


def _short_name(cube: xr.DataArray) -> str:
    name = name_words(cube)
    return name if len(name) <= _LONG else str(cube.name or name)


def source_words(cube: Any) -> str:
    """Return what means a cube is of, and what it departs from, as recorded with it."""
    steps = provenance.read(cube).get("steps", [])
    parts = [_MEANS[s["function"]] for s in steps if s.get("function") in _MEANS]
    based = [s for s in steps if "base_period" in s.get("parameters", {})]
    if based:
        parts.append(_climatology_words(str(based[-1].get("function")), based[-1]["parameters"]))
    return "; ".join(dict.fromkeys(p for p in parts if p))


def _climatology_words(function: str, parameters: Mapping[str, Any]) -> str:
    if parameters.get("climatology") is not None:
        return "climatology of a separate data set"
    if parameters.get("baseline", "fixed") != "fixed":
        return f"{parameters['baseline']} baseline"
    period = parameters["base_period"]
    if period is None:
        moving = function == "oni"  # thirty years centred on every five, as NOAA has it
        return "moving 30-year climatologies" if moving else "climatology of the whole record"
    return span_words("climatology " + "-".join(str(p)[:4] for p in period))


def metric_words(metric: str, units: str | None) -> str:
    """Return name and units of a column of the event table.

    >>> metric_words("intensity_cumulative", "degC"), metric_words("duration", "degC")
    ('Cumulative intensity (°C days)', 'Duration (days)')
    """
    degrees = unit_words(units)
    name, _, rest = metric.partition("_")
    if name == "duration":
        return (f"Days in category {rest.capitalize()}" if rest else "Duration") + " (days)"
    if name == "rate":
        return f"Rate of {rest}" + (f" ({degrees} per day)" if degrees else "")
    statistic, _, reference = rest.partition("_")
    text = _STATISTICS[statistic] + _REFERENCES[reference]
    shown = f"{degrees} days" if degrees and statistic == "cumulative" else degrees
    return f"{text} ({shown})" if shown else text


def place_words(cube: xr.DataArray, where: Mapping[str, int]) -> str:
    """Return where a cell of the cube lies, and the level or member that was chosen."""
    cell = cube.isel(where)
    parts: list[str] = []
    horizontal: tuple[str, ...] = ()
    try:
        axes = find_spatial(cell)
        names = {axes.latitude: north_south, axes.longitude: east_west}
        horizontal = find_spatial(cube).dims
    except AxisError:
        names = {}
    if all(cell[name].size == 1 for name in names):
        parts = [words(float(cell[name].item())) for name, words in names.items()]
    for dim, index in where.items():
        if dim not in horizontal and cube.sizes[dim] > 1:
            parts.append(_along(cube, dim, index))
    return ", ".join(parts)


def _along(cube: xr.DataArray, dim: str, index: int) -> str:
    if dim not in cube.coords:
        return f"{dim} {index}"
    coordinate = cube[dim]
    value = coordinate.values[index]
    shown = f"{value:g}" if np.issubdtype(coordinate.dtype, np.number) else str(value)
    return f"{dim} {shown} {unit_words(coordinate.attrs.get('units'))}".strip()


def region_words(cube: xr.DataArray) -> str:
    """Return the range of latitudes and longitudes that a cube covers; "" where it has none."""
    try:
        axes = find_spatial(cube)
    except AxisError:
        return ""
    y = np.asarray(cube[axes.latitude].values, "float64")
    x = continuous_longitude(np.asarray(cube[axes.longitude].values, "float64").ravel())
    if not (np.isfinite(y).any() and np.isfinite(x).any()):
        return ""
    if y.size == x.size == 1:
        return f"{north_south(float(y.ravel()[0]))}, {east_west(float(x[0]))}"
    south, north = (north_south(round(float(v), 2)) for v in (np.nanmin(y), np.nanmax(y)))
    west, east = float(np.nanmin(x)), float(np.nanmax(x))
    step = (east - west) / max(1, np.unique(x).size - 1)
    parts = [south if south == north else f"{south} to {north}"]
    if east - west + 1.5 * step < 360:
        first, last = east_west(round(west, 2)), east_west(round(east, 2))
        parts.append(first if first == last else f"{first} to {last}")
    else:
        parts.append("all longitudes")
    return ", ".join(parts)
