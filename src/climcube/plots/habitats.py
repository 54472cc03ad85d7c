"""Habitats: what is gained and lost on a map, and how much of it there is in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.analysis.habitats.results import Habitat
from climcube.analysis.means import annual_mean
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, UnitsError
from climcube.plots.dates import date_axis, positions
from climcube.plots.geography import MapGrid, require_map, require_values
from climcube.plots.map_axes import map_canvas, projection_of
from climcube.plots.maps import draw_codes, side_legend
from climcube.plots.selection import plain, require_variable
from climcube.plots.style import (
    LAND,
    MUTED,
    OCEAN,
    RED,
    SEAS,
    THRESH,
    canvas,
    clauses,
    drawing,
    headline,
    legend_below,
    page,
    swatch,
)
from climcube.plots.words import period_words, span_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["habitat_area", "habitat_map"]

# As the flags of the result: 0 unsuitable in both, 1 stable, 2 gain, 3 loss. Green and violet
# stay apart for colour-blind readers.
_STATES = (("Unsuitable", OCEAN), ("Stable", "#8fb8de"), ("Gain", "#1b7837"), ("Loss", "#762a83"))
_LINES = (SEAS, RED, THRESH, "#8d2fb0", "#b8860b", MUTED)
_FEW = 80  # values: more are drawn thin, with the means of years over them
_YEAR = 300  # days


@drawing
def habitat_map(
    change: xr.Dataset, *, projection: Any = None, ax: Axes | None = None
) -> Axes:  # fmt: skip
    """Draw where a habitat is stable, gained and lost between two periods.

    Parameters
    ----------
    change : Dataset
        Result of ``cc.habitat(...).change(period_a, period_b)``, of one species.
    projection
        As for `climcube.plot.map`.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        The legend gives the areas. Cells that are unknown (land) are grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, several species, an empty selection, or no cell that is known.
    VariableError
        No ``state``.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(6, 12)).sst
    >>> found = cc.habitat(sst, thermal_range=(5, 10, 20, 25), units="degC")
    >>> cc.plot.habitat_map(found.change((2000, 2001), (2002, 2003))).get_title(loc="left")
    'Change of habitat from 2000–2001 to 2002–2003'
    """
    require_variable(change, "state", "change of habitat", "cc.habitat(...).change(...)")
    state = plain(change["state"])
    require_map(state, "habitat_map")
    areas = {n: plain(change[f"area_{n}"]) for n in ("stable", "gain", "loss")
             if f"area_{n}" in change}  # fmt: skip
    grid = MapGrid.of(state)
    projection = projection_of(ax, projection, grid)
    computed = xr.Dataset({"state": grid.thin(state), **areas}).compute()
    codes = np.asarray(grid.picture(computed["state"]), "float64")
    codes = np.where(codes < 0, np.nan, codes)
    require_values(np.isfinite(codes), "variable 'state'")
    with map_canvas(ax, grid, 1.9, projection) as axes:
        draw_codes(axes, grid, codes, [c for _, c in _STATES], 0)
        handles = []
        for name, colour in _STATES:
            known = name.lower() in areas
            size = f" {_area(float(computed[name.lower()]))}" if known else ""
            handles.append(swatch(colour, name + size))
        if np.isnan(codes).any():
            handles.append(swatch(LAND, "Unknown"))
        side_legend(axes, handles, "Habitat")
        title = str(change.attrs.get("title", "change of habitat"))
        headline(axes, span_words(f"{title[:1].upper()}{title[1:]}"), _range_words(change))
    return axes


@drawing
def habitat_area(habitat: Habitat | xr.DataArray, *, ax: Axes | None = None) -> Axes:
    """Draw the suitable area in time: a line a species.

    Parameters
    ----------
    habitat : Habitat or DataArray
        Result of `climcube.habitat` on a map; or its ``area``, opened from a store.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Of more than 80 values a year or less apart every value is a thin line, and the means of
        years lie over it.

    Raises
    ------
    AxisError
        A station has no area.
    UnitsError
        A DataArray that is not in km2.
    CubeError
        Further dimensions than time and one other, or no value at all.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(6, 12)).sst
    >>> found = cc.habitat(sst, thermal_range=(5, 10, 20, 25), units="degC")
    >>> cc.plot.habitat_area(found).get_ylabel()
    'Suitable area (million km²)'
    """
    area = plain(habitat.area if isinstance(habitat, Habitat) else _as_area(habitat)).compute()
    axis = TimeAxis.of(area)
    species = [str(d) for d in area.dims if d != axis.name]
    if len(species) > 1:
        raise CubeError(
            "habitat_area draws a line a species", where=f"variable {area.name!r}",
            expected="time and one other dimension",
            found="dimensions " + ", ".join(map(str, area.dims)),
        )  # fmt: skip
    require_values(np.isfinite(np.asarray(area.values, "float64")), f"variable {area.name!r}")
    factor, unit = _scale(float(np.nanmax(area.values)))
    with canvas(ax, page(7.2, 3.3)) as axes:
        many = len(axis) > _FEW and float(np.median(np.diff(axis.ordinal))) < _YEAR
        lines = [area] if not species else [area.isel({species[0]: n}) for n in
                                            range(area.sizes[species[0]])]  # fmt: skip
        for number, line in enumerate(lines):
            label = _label(line, species[0], number) if species else ""
            _draw(axes, axis, line / factor, _LINES[number % len(_LINES)], label, many)
        x = positions(axis, np.asarray(area[axis.name].values))
        date_axis(axes, axis, slice(0, len(axis)), x)
        axes.set_ylabel(f"Suitable area ({unit})")
        if species:
            handles = [h for h in axes.get_lines() if not str(h.get_label()).startswith("_")]
            legend_below(axes, handles, 4)
        detail = _range_words(area)
        means = "thin: every value, thick: means of years" if many else ""
        headline(axes, f"Suitable area, {period_words(axis)}", clauses(detail, means))
    return axes


def _as_area(area: Any) -> xr.DataArray:
    expected = "what cc.habitat(...) returns, or its area"
    if not isinstance(area, xr.DataArray):
        raise CubeError("no suitable area to draw", expected=expected, found=type(area).__name__)
    units = plain(area).attrs.get("units")
    if units != "km2":
        raise UnitsError("no area to draw", where=f"variable {area.name!r}",
                         expected=f"{expected}, in km2", found=f"units {units!r}")  # fmt: skip
    return area


def _label(line: xr.DataArray, dim: str, number: int) -> str:
    return str(line.coords[dim].item()) if dim in line.coords else f"{dim} {number}"


def _draw(
    ax: Axes, axis: TimeAxis, line: xr.DataArray, colour: str, label: str, many: bool
) -> None:
    y: npt.NDArray[Any] = np.asarray(line.values, "float64")
    x = positions(axis, np.asarray(line[axis.name].values))
    name = label or "_"
    if not many:
        marker = "o" if len(y) <= _FEW else None
        ax.plot(x, y, color=colour, linewidth=1.2, marker=marker, markersize=3, label=name)
        return
    ax.plot(x, y, color=colour, linewidth=0.4, alpha=0.5, label="_")
    yearly = annual_mean(line.assign_attrs(units="1")).compute()
    own = TimeAxis.of(yearly)
    begins = positions(own, np.asarray(yearly[own.name].values))
    half = np.diff(x[[0, -1]])[0] / max(1, axis.ordinal[-1] - axis.ordinal[0]) * 182
    ax.plot(begins + half, yearly.values, color=colour, linewidth=1.6, marker="o", markersize=3,
            label=name)  # fmt: skip


def _scale(largest: float) -> tuple[float, str]:
    if largest >= 1e6:
        return 1e6, "million km²"
    return (1e3, "thousand km²") if largest >= 1e4 else (1.0, "km²")


def _area(km2: float) -> str:
    if not np.isfinite(km2):
        return "unknown"
    if km2 >= 1e6:
        return f"{km2 / 1e6:.3g} million km²"
    return f"{float(f'{km2:.3g}'):,.0f} km²"


def _range_words(result: xr.Dataset | xr.DataArray) -> str:
    """Return what the habitat is defined by, as far as the result says so."""
    steps = [s for s in provenance.read(result).get("steps", [])
             if str(s.get("function", "")).startswith("habitat")]  # fmt: skip
    ranges = steps[-1].get("parameters", {}).get("ranges", {}) if steps else {}
    parts = []
    for name, rows in ranges.items() if isinstance(ranges, dict) else ():
        bounds = np.atleast_2d(np.asarray(rows, "float64"))
        if bounds.shape != (1, 4):
            return ""  # several species: each has its own
        low, best, most, high = bounds[0]
        preferred = "" if (low, high) == (best, most) else f", preferred {best:g} to {most:g}"
        parts.append(f"{name} {low:g} to {high:g}{preferred}")
    threshold = steps[-1].get("parameters", {}).get("threshold") if steps else None
    if parts and threshold is not None and isinstance(result, xr.Dataset):
        parts.append(f"mean suitability above {threshold:g}")
    return "; ".join(parts)
