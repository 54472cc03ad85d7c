"""Maps: heatwave categories on one day, trends, anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.trends.significance import fdr
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, ParameterError, VariableError
from climcube.plots.dates import day_index
from climcube.plots.geography import MapGrid, draw_cells, drawn_size, map_size, require_map
from climcube.plots.selection import (
    area_weights,
    ocean,
    plain,
    require_heatwaves,
    worst_day,
)
from climcube.plots.style import (
    CATEGORIES,
    INK,
    LAND,
    MISSING,
    OCEAN,
    canvas,
    date_words,
    headline,
    in_sentence,
    palette,
    round_up,
    swatch,
    unit_words,
)
from climcube.plots.words import basis_words, is_cold, kind_words, period_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.spines import Spine

__all__ = ["anomaly_map", "category_map", "trend_map"]

_DIVERGING = "RdBu_r"
_MAX_DOTS = 70  # along one side; more would be a grey veil


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
    _require_values(wet.values, f"variable {cube.name!r}")
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


def trend_map(
    trend: xr.Dataset, *, alpha: float = 0.05, period: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a map of trends, dotted where they are significant.

    Parameters
    ----------
    trend : Dataset
        Result of `climcube.trend`: ``slope`` and ``pvalue`` by cell.
    alpha
        Level of significance. Where the package can, it is the false discovery rate over all
        cells (Benjamini and Hochberg 1995; Wilks 2016), so that dots are not chance; the
        figure says which rule it used.
    period
        Words for the years covered, such as ``"1982–2016"``; default what the result says.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Diverging colours, symmetric about zero, saturating at the 98th percentile of the
        slopes' size; cells without a trend are grey.

    Raises
    ------
    CubeError
        No slope, no horizontal dimensions, an empty selection, or no value at all.
    ParameterError
        ``alpha`` is not between 0 and 1.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=6, shape=(4, 6)).sst
    >>> ax = cc.plot.trend_map(cc.trend(cc.annual_mean(sst)))
    >>> ax.get_ylabel()
    'Latitude'
    """
    if not 0 < alpha < 1:
        raise ParameterError(
            "alpha out of range", where=f"alpha={alpha!r}", expected="a number between 0 and 1"
        )
    if not isinstance(trend, xr.Dataset) or "slope" not in trend:
        raise VariableError(
            "no trend to draw",
            expected="a Dataset with 'slope', as cc.trend(...) returns",
            found=type(trend).__name__,
        )
    slope = plain(trend["slope"])
    require_map(slope, "trend_map")
    grid = MapGrid.of(slope)
    # Field significance looks at every cell, so the slope map (one value a cell) is held whole.
    slope, pvalue = dask.compute(slope, plain(trend["pvalue"]) if "pvalue" in trend else None)
    _require_values(np.isfinite(slope.values), "variable 'slope'")
    marks, rule = (None, "") if pvalue is None else _significant_cells(pvalue, alpha)
    values = grid.picture(grid.thin(slope))
    units = unit_words(slope.attrs.get("units"))
    with canvas(ax, map_size(grid, 0.9), compressed=True) as axes:
        _draw_diverging(axes, grid, values, f"Trend ({units})" if units else "Trend")
        if marks is not None:
            _stipple(axes, grid, np.asarray(grid.picture(grid.thin(marks)), "float64") == 1)
        words = period or _period_of(trend)
        name = (
            str(slope.attrs.get("long_name", ""))
            .removeprefix("linear ")
            .removeprefix("trend of ")
            .strip()
        )
        about = f" of {in_sentence(name)}" if name and name not in ("slope", "trend") else ""
        headline(axes, f"Trend{about}" + (f", {words}" if words else ""), rule)
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
    _require_values(np.isfinite(values), f"variable {cube.name!r}, {axis.label(index)}")
    units = unit_words(cube.attrs.get("units"))
    with canvas(ax, map_size(grid, 0.9), compressed=True) as axes:
        _draw_diverging(axes, grid, values, f"Anomaly ({units})" if units else "Anomaly")
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


def _draw_diverging(ax: Axes, grid: MapGrid, values: npt.NDArray[Any], label: str) -> None:
    size = np.abs(values[np.isfinite(values)])
    limit = round_up(float(np.quantile(size, 0.98)) if size.size else 0.0)
    mesh = draw_cells(ax, grid, values, cmap=_DIVERGING, vmin=-limit, vmax=limit)
    clipped = bool(size.size and size.max() > limit * (1 + 1e-9))
    figure = ax.get_figure(root=True)
    if figure is None:  # pragma: no cover - an Axes that was removed from its figure
        return
    # An inset follows the map's box, which its proportions make smaller than its share.
    inch = 1 / max(0.5, drawn_size(ax, grid)[0])
    inset = ax.inset_axes((1 + 0.12 * inch, 0.0, 0.13 * inch, 1.0))
    bar = figure.colorbar(mesh, cax=inset, extend="both" if clipped else "neither")
    bar.set_label(label)
    cast("Spine", bar.outline).set_linewidth(0.4)


def _significant_cells(pvalue: xr.DataArray, alpha: float) -> tuple[xr.DataArray, str]:
    """Return the cells to be dotted, and the sentence that says why."""
    marks = fdr(pvalue, alpha=alpha)
    rate = f"at a false discovery rate of {alpha:g} (Benjamini–Hochberg)"
    return marks, f"dots: significant {rate}" if marks.any() else f"no cell is significant {rate}"


def _stipple(ax: Axes, grid: MapGrid, marks: npt.NDArray[np.bool_]) -> None:
    rows, columns = marks.shape
    step = max(1, -(-max(rows, columns) // _MAX_DOTS))
    chosen = np.zeros_like(marks)
    chosen[step // 2 :: step, step // 2 :: step] = marks[step // 2 :: step, step // 2 :: step]
    y, x = np.nonzero(chosen)
    across = max(rows, columns) / step
    ax.scatter(
        grid.longitude[x], grid.latitude[y], s=min(5.0, 90.0 / max(across, 1.0)), c=INK,
        linewidths=0, alpha=0.75, gid="significant",
    )  # fmt: skip


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"


def _period_of(trend: xr.Dataset) -> str:
    for holder in (trend, trend["slope"]):
        first = str(holder.attrs.get("time_coverage_start", ""))[:4]
        last = str(holder.attrs.get("time_coverage_end", ""))[:4]
        if first and last:
            return first if first == last else f"{first}–{last}"
    return ""


def _require_values(valid: npt.NDArray[Any], where: str) -> None:
    if valid.size and np.asarray(valid, bool).any():
        return
    raise CubeError(
        "there is nothing to draw",
        where=where,
        expected="at least one value",
        found="an empty selection" if not valid.size else "missing values only",
        remedy="select a region with ocean",
    )
