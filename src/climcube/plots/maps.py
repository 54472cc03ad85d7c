"""Maps of one day: heatwave categories, anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.plots.dates import day_index
from climcube.plots.geography import (
    MapGrid,
    draw_cells,
    draw_diverging,
    map_size,
    require_map,
    require_values,
)
from climcube.plots.selection import (
    area_weights,
    ocean,
    plain,
    require_heatwaves,
    worst_day,
)
from climcube.plots.style import (
    CATEGORIES,
    LAND,
    MISSING,
    OCEAN,
    canvas,
    date_words,
    headline,
    palette,
    swatch,
    unit_words,
)
from climcube.plots.words import basis_words, is_cold, kind_words, period_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["anomaly_map", "category_map"]


def category_map(mhw: Any, date: object = None, *, ax: Axes | None = None) -> Axes:
    """Draw the heatwave categories of one day (Hobday et al. 2018).

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves` on a cube with two horizontal dimensions.
    date : str, datetime64 or cftime date, optional
        The day. Default: the worst day, which is the day with the largest ocean area weighted
        by category (1 Moderate to 4 Extreme).
    ax : matplotlib Axes, optional
        Where to draw; default a new figure, at ``.figure`` of what is returned.

    Returns
    -------
    matplotlib Axes
        Colours as in Hobday et al. (2018), blue for cold spells; the legend gives the share of
        the ocean's area. Land (cells without any value) is grey, missing values light grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, an empty selection, no value at all, or (without ``date``)
        no heatwave on any day.
    ParameterError
        ``date`` is not in the record.
    DependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> ax = cc.plot.category_map(mhw)
    >>> ax.get_xlabel()
    'Longitude'
    """
    require_heatwaves(mhw)
    cube = plain(mhw.cube)
    axis = TimeAxis.of(cube)
    require_map(cube.isel({axis.name: 0}), "category_map")
    grid = MapGrid.of(cube)
    index = worst_day(mhw) if date is None else day_index(axis, date)
    category = plain(mhw.daily["category"]).isel({axis.name: index})
    sea = ocean(mhw)
    weights, measure = area_weights(mhw)
    areas = [(weights * (sea & (category == k))).sum() for k in range(1, 5)]
    shown, wet, present, total, *areas = dask.compute(
        grid.thin(category),
        grid.thin(sea),
        grid.thin(cube.isel({axis.name: index}).notnull()),
        (weights * sea).sum(),
        *areas,
    )
    require_values(wet.values, f"variable {cube.name!r}")
    codes = np.where(
        grid.picture(wet) == 1,
        np.where(grid.picture(present) == 1, grid.picture(shown), -1.0),
        np.nan,
    )
    shares = [float(a) / float(total) for a in areas]
    with canvas(ax, map_size(grid, 1.7), compressed=True) as axes:
        _draw_categories(axes, grid, codes, shares, is_cold(mhw), measure)
        headline(
            axes,
            f"Marine {kind_words(mhw)}s, {date_words(axis.label(index))}",
            ("worst day of " if date is None else "record ")
            + f"{period_words(axis)}; {basis_words(mhw, axis)}",
        )
    return axes


def anomaly_map(anomaly: xr.DataArray, date: object = None, *, ax: Axes | None = None) -> Axes:
    """Draw the anomalies of one day (or month).

    Parameters
    ----------
    anomaly : DataArray
        Result of `climcube.anomaly`, or ``mhw.daily["anomaly"]``.
    date
        The time to draw, as text or a date; default the last of the record.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Diverging colours, symmetric about zero; missing values are grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, an empty selection, or no value on that day.
    ParameterError
        ``date`` is not in the record.
    """
    cube = plain(anomaly)
    axis = TimeAxis.of(cube)
    require_map(cube.isel({axis.name: 0}), "anomaly_map")
    grid = MapGrid.of(cube)
    index = len(axis) - 1 if date is None else day_index(axis, date)
    values = grid.picture(grid.thin(cube.isel({axis.name: index})).compute())
    require_values(np.isfinite(values), f"variable {cube.name!r}, {axis.label(index)}")
    units = unit_words(cube.attrs.get("units"))
    with canvas(ax, map_size(grid, 0.9), compressed=True) as axes:
        draw_diverging(axes, grid, values, f"Anomaly ({units})" if units else "Anomaly")
        headline(axes, f"Anomaly, {date_words(axis.label(index))}", f"record {period_words(axis)}")
    return axes


def _draw_categories(
    ax: Axes, grid: MapGrid, codes: npt.NDArray[Any], shares: list[float], cold: bool, measure: str
) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap  # optional extra

    colours = [MISSING, OCEAN, *palette(cold)]
    norm = BoundaryNorm(np.arange(-1.5, 5), len(colours))
    draw_cells(ax, grid, codes, cmap=ListedColormap(colours), norm=norm)
    handles = [
        swatch(colour, f"{name} {_percent(s)}")
        for name, colour, s in zip(CATEGORIES, palette(cold), shares, strict=True)
    ]
    rest = 1 - sum(shares)
    handles.insert(0, swatch(OCEAN, f"None {_percent(rest)}"))
    if np.isnan(codes).any():
        handles.append(swatch(LAND, "Land"))
    if (codes == -1).any():
        handles.append(swatch(MISSING, "No data that day"))
    _side_legend(ax, grid, handles, f"Category, share\nof ocean {measure}")


def _side_legend(ax: Axes, grid: MapGrid, handles: list[Any], title: str) -> None:
    """Put the legend to the right of the map, where it cannot hide cells."""
    legend = ax.legend(
        handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0, handlelength=1.2, handleheight=1.0, labelspacing=0.5, alignment="left",
    )  # fmt: skip
    legend.get_title().set_fontsize("small")


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"
