"""Maps of trends and of changes between periods, marked where they can be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from climcube.plots.geography import MapGrid, require_map, require_values
from climcube.plots.map_axes import draw_diverging, map_canvas, projection_of
from climcube.plots.selection import plain, require_variable
from climcube.plots.significance import Rule, draw_marks, marked, tested_words
from climcube.plots.style import clauses, drawing, headline, in_sentence, unit_words
from climcube.plots.words import span_words, with_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["change_map", "trend_map"]


@dataclass(frozen=True)
class _Kind:
    """What is mapped: its variable, its name, and the function that makes it."""

    variable: str
    noun: str
    function: str


_TREND = _Kind("slope", "Trend", "trend_map")
_CHANGE = _Kind("change", "Change", "change_map")


@drawing
def trend_map(
    trend: xr.Dataset,
    *,
    alpha: float = 0.05,
    marks: str | None = "stippling",
    field_significance: bool = True,
    period: str | None = None,
    projection: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a map of trends, marked where they are significant or where they are not.

    Parameters
    ----------
    trend : Dataset
        Result of `climcube.trend`, or of one quantile of `climcube.quantile_trend`: ``slope``
        and ``pvalue`` by cell. Without ``pvalue`` there are no marks.
    alpha
        Level of significance; what it is a level of says ``field_significance``.
    marks : {"stippling", "hatching"} or None
        Dots where the trend is significant; or hatching where it is not, as IPCC AR6 does (cells
        with a trend but without a p-value are hatched, too); or nothing.
    field_significance
        True: ``alpha`` is the false discovery rate over all cells (`climcube.fdr`: Benjamini &
        Hochberg 1995; Wilks 2016), so that marks are not chance. False: cells are significant
        where p < ``alpha``, each by itself.
    period
        Words for the years covered, such as ``"1982–2016"``; default what the result says.
    projection
        As for `climcube.plot.map`.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Diverging colours, symmetric about zero, saturating at the 98th percentile of the
        slopes' size; cells without a trend are grey. The line under the title says the rule,
        the test, and whether it took autocorrelation into account. Maps of more than 100 cells
        along a side have fewer dots than cells, which the line says, too; of more than 400, the
        middle cell of each block decides on its hatching.

    Raises
    ------
    VariableError
        No slope.
    CubeError
        No horizontal dimensions, further dimensions, an empty selection, no value at all, or a
        p-value outside 0..1.
    ParameterError
        ``alpha`` is not between 0 and 1, or ``marks`` is unknown.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=6, shape=(4, 6)).sst
    >>> ax = cc.plot.trend_map(cc.trend(cc.annual_mean(sst)), marks="hatching")
    >>> ax.get_title(loc="left")[:8]
    'Trend of'
    """
    return _draw(_TREND, trend, Rule(alpha, field_significance, marks), period, projection, ax)


@drawing
def change_map(
    change: xr.Dataset,
    *,
    alpha: float = 0.05,
    marks: str | None = "stippling",
    field_significance: bool = True,
    period: str | None = None,
    projection: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a map of the change between two periods, marked as by `trend_map`.

    Parameters
    ----------
    change : Dataset
        Result of `climcube.change`: ``change`` and ``pvalue`` by cell.
    alpha, marks, field_significance, projection, ax
        As for `trend_map`.
    period
        Words for the periods; default what the result says, such as
        ``"1991–2020 minus 1961–1990"``.

    Returns
    -------
    matplotlib Axes
        As by `trend_map`.

    Raises
    ------
    VariableError
        No change.
    CubeError, ParameterError
        As by `trend_map`.

    Examples
    --------
    >>> import climcube as cc
    >>> annual = cc.annual_mean(cc.testing.synthetic_ocean(years=8, shape=(4, 6)).sst)
    >>> first, last = int(annual.time.dt.year[0]), int(annual.time.dt.year[-1])
    >>> found = cc.change(annual, (first, first + 3), (last - 3, last))
    >>> cc.plot.change_map(found).get_title(loc="left")[:9]
    'Change of'
    """
    return _draw(_CHANGE, change, Rule(alpha, field_significance, marks), period, projection, ax)


def _draw(
    kind: _Kind,
    result: xr.Dataset,
    rule: Rule,
    period: str | None,
    projection: Any,
    ax: Axes | None,
) -> Axes:
    noun = kind.noun.lower()
    require_variable(result, kind.variable, noun, f"cc.{noun}(...)")
    values = plain(result[kind.variable])
    require_map(values, kind.function)
    grid = MapGrid.of(values)
    projection = projection_of(ax, projection, grid)
    # Field significance looks at every cell, so the map (one value a cell) is held whole.
    lazy = plain(result["pvalue"]) if "pvalue" in result and rule.marks else None
    values, pvalue = dask.compute(values, lazy)
    require_values(np.isfinite(values.values), f"variable {kind.variable!r}")
    sentences = ["significance is not marked"]
    with map_canvas(ax, grid, 0.9, projection) as axes:
        label = with_units(kind.noun, unit_words(values.attrs.get("units")))
        draw_diverging(axes, grid, grid.picture(grid.thin(values)), label)
        if pvalue is not None:
            cells, sentence = marked(rule, values, pvalue)
            sentences = [sentence, draw_marks(axes, grid, rule, cells), tested_words(result)]
        words = _period_of(result) if period is None else period
        title = kind.noun + _about(values) + (f", {words}" if words else "")
        headline(axes, title, clauses(*sentences))
    return axes


def _about(values: xr.DataArray) -> str:
    """Return what the trend or change is of, from its long name."""
    name = str(values.attrs.get("long_name", "")).removeprefix("linear ")
    name = re.sub(r", \S+ minus \S+$", "", re.sub(r"^(trend|change) of ", "", name)).strip()
    if not name or name in ("slope", "trend", "change"):
        return ""
    quantile = values.coords.get("quantile")
    if quantile is not None and name.startswith("quantiles of "):
        rest = in_sentence(name.removeprefix("quantiles of "))
        return f" of the {float(quantile):g} quantile of {rest}"
    return f" of {in_sentence(name)}"


def _period_of(result: xr.Dataset) -> str:
    attrs = result.attrs
    if "period_a" in attrs and "period_b" in attrs:
        first, last = (span_words(str(attrs[f"period_{x}"])) for x in "ab")
        return f"{last} minus {first}"
    for holder in (result, *result.data_vars.values()):
        first = str(holder.attrs.get("time_coverage_start", ""))[:4]
        last = str(holder.attrs.get("time_coverage_end", ""))[:4]
        if first and last:
            return first if first == last else f"{first}–{last}"
    return ""
