"""Years against days of the year: the categories of one cell, the share of a region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, require_choice
from climcube.plots.cells import one_cell
from climcube.plots.colours import colour_bar
from climcube.plots.dates import month_starts, year_axis
from climcube.plots.geography import require_values
from climcube.plots.selection import area_weights, daily_share, require_heatwaves, within
from climcube.plots.style import (
    CATEGORIES,
    MISSING,
    MONTHS,
    OCEAN,
    canvas,
    drawing,
    headline,
    legend_below,
    page,
    palette,
    round_up,
    swatch,
    width_of,
)
from climcube.plots.words import (
    basis_words,
    is_cold,
    kind_words,
    period_words,
    region_words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

__all__ = ["category_calendar", "draw_share_calendar", "share_calendar"]

Floats = npt.NDArray[np.float64]

_ABSENT = -1.0  # a day of the record without a value


@drawing
def category_calendar(
    mhw: Any, *, cell: Mapping[str, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the category of every day of a cell: years upwards, days of the year across.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`.
    cell : mapping, optional
        Coordinates of the place, for instance ``dict(lat=-29.4, lon=112.6)``; the nearest cell
        is taken, and it alone is computed. Default: the cell of the event with the largest
        intensity, which takes a pass over all cells.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Colours as in Hobday et al. (2018), blue for cold spells; the legend counts the days of
        each. Days without a value are grey, days before and after the record white. The days
        of the year are those of the cube's calendar; where a common year has no 29 February
        the column repeats the 28th.

    Raises
    ------
    CubeError
        The cell has no values; or there is no event anywhere and ``cell`` is not given.
    ParameterError
        ``cell`` does not exist.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> cc.plot.category_calendar(mhw).get_ylabel()
    'Year'
    """
    require_heatwaves(mhw)
    series = one_cell(mhw, cell)
    axis, cold, kind = series.axis, is_cold(mhw), kind_words(mhw)
    known = np.isfinite(series.value) | (series.event > 0)
    codes = _by_year(axis, np.where(known, series.category, _ABSENT))
    with canvas(ax, _size(axis, 1.1, 1.35)) as axes:
        _draw_codes(axes, axis, codes, palette(cold))
        days = [int((series.category == k).sum()) for k in range(1, 5)]
        handles = [
            swatch(colour, f"{name} ({count} days)")
            for name, colour, count in zip(CATEGORIES, palette(cold), days, strict=True)
        ]
        handles.append(swatch(OCEAN, f"No {kind}"))
        if (codes == _ABSENT).any():
            handles.append(swatch(MISSING, "No data"))
        legend_below(axes, handles, 3)
        place = f" at {series.place}" if series.place else ""
        none = "" if any(days) else f"no {kind} in the record; "
        headline(
            axes,
            f"Marine {kind} categories{place}, {period_words(axis)}",
            f"{none}each day by category; {basis_words(mhw, axis)}",
        )
    return axes


@drawing
def share_calendar(
    mhw: Any, *, region: Any = None, category: str = "Moderate", ax: Axes | None = None
) -> Axes:
    """Draw the share of a region's area in a heatwave: years upwards, days of the year across.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves` on a cube of several cells.
    region
        A name (``"nino34"``), ``(west, east, south, north)`` in degrees, or a boolean
        DataArray, as for `climcube.area_mean`; default all of the cube. Only tiles that the
        region touches are computed.
    category
        Count cells in this category or a worse one: ``"Moderate"`` (every day beyond the
        threshold in an event), ``"Strong"``, ``"Severe"`` or ``"Extreme"``.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Share, in %, of the ocean area that has a value on the day. Days without any value are
        grey, days before and after the record white; 29 February as in `category_calendar`.

    Raises
    ------
    CubeError
        The cube is a single series, or has no value at all.
    ParameterError
        ``region`` or ``category`` is not understood.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> ax = cc.plot.share_calendar(mhw, region=(0, 180, -60, 60))
    """
    require_heatwaves(mhw)
    require_choice("category", category, CATEGORIES)
    if mhw.cube.ndim == 1:
        raise CubeError(
            "a share needs several cells", where=f"variable {mhw.cube.name!r}",
            found="a single series", remedy="draw category_calendar",
        )  # fmt: skip
    part = within(mhw, region)
    share = daily_share(part, CATEGORIES.index(category) + 1).compute()
    return draw_share_calendar(part, share, category=category, ax=ax)


def draw_share_calendar(
    mhw: Any, share: xr.DataArray, *, category: str = "Moderate", ax: Axes | None = None
) -> Axes:
    """Draw a computed `daily_share`."""
    axis, kind = TimeAxis.of(mhw.cube), kind_words(mhw)
    values = np.asarray(share.values, "float64")
    require_values(np.isfinite(values), f"variable {mhw.cube.name!r}")
    shares = _by_year(axis, np.where(np.isfinite(values), 100 * values, _ABSENT))
    measure = area_weights(mhw)[1] or "cells"
    worse = "" if category == CATEGORIES[-1] else " or worse"
    where = region_words(mhw.cube)
    with canvas(ax, _size(axis, 1.9, 0.95)) as axes:
        _draw_shares(axes, axis, shares, is_cold(mhw), f"Share of the ocean {measure} (%)")
        headline(
            axes,
            f"Share of the ocean in a marine {kind}, {period_words(axis)}",
            (f"{where}; " if where else "")
            + f"{measure} in category {category}{worse} each day; {basis_words(mhw, axis)}",
        )
    return axes


def _size(axis: TimeAxis, least: float, room: float) -> tuple[float, float]:
    """Return a figure size: the rows of many years are thinner, those of a few not huge."""
    return page(7.2, float(np.clip(0.115 * len(axis.years), least, 4.2)) + room)


def _by_year(axis: TimeAxis, values: Floats) -> Floats:
    """Lay the days out by year and day of year; NaN outside the record, `_ABSENT` in its gaps."""
    table = np.full((len(axis.years), axis.days_of_year), np.nan)
    flat = table.reshape(-1)
    place = (axis.year - axis.year[0]) * axis.days_of_year + axis.dayofyear
    flat[place[0] : place[-1] + 1] = _ABSENT
    flat[place] = values
    if axis.leap_day is not None:
        common = axis.days_of_years < axis.days_of_year
        table[common, axis.leap_day] = table[common, axis.leap_day - 1]
    return table


def _draw_codes(ax: Axes, axis: TimeAxis, codes: Floats, colours: tuple[str, ...]) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap  # optional extra

    shades = [MISSING, OCEAN, *colours]
    norm = BoundaryNorm(np.arange(-1.5, 5), len(shades))
    _draw_days(ax, axis, codes, cmap=ListedColormap(shades), norm=norm)


def _draw_shares(ax: Axes, axis: TimeAxis, shares: Floats, cold: bool, label: str) -> None:
    from matplotlib import colormaps  # optional extra

    colours = colormaps["Blues" if cold else "OrRd"].with_extremes(under=MISSING)
    largest = float(np.nanmax(shares))
    limit = min(100.0, round_up(largest)) if largest > 0 else 1.0
    mesh = _draw_days(ax, axis, shares, cmap=colours, vmin=0.0, vmax=limit)
    # An inset: beside the axes, the layout would move it away from a long title.
    colour_bar(ax, mesh, (1.015, 0.0, 0.024, 1.0), label)
    if (shares == _ABSENT).any():
        legend_below(ax, [swatch(MISSING, "No data")], 1)


def _draw_days(ax: Axes, axis: TimeAxis, table: Floats, **style: Any) -> QuadMesh:
    x = np.arange(axis.days_of_year + 1)
    y = np.append(axis.years - 0.5, axis.years[-1] + 0.5)
    mesh = ax.pcolormesh(x, y, np.ma.masked_invalid(table), rasterized=True, **style)
    starts = month_starts(axis)
    middles = (starts + np.append(starts[1:], axis.days_of_year)) / 2
    ax.set_xticks(starts, [""] * len(starts))
    names = MONTHS if width_of(ax) > 4.5 else [month[0] for month in MONTHS]
    ax.set_xticks(middles, names, minor=True)
    ax.tick_params(axis="x", which="minor", length=0)
    year_axis(ax, axis.years, upright=True)
    ax.set_xlim(0, axis.days_of_year)
    ax.set_ylim(y[0], y[-1])
    ax.set_ylabel("Year")
    ax.set_xlabel(
        "Day of the year" if axis.days_of_year == 366 else f"Day of the year ({axis.calendar})"
    )
    for spine in ax.spines.values():
        spine.set_visible(True)
    return mesh
