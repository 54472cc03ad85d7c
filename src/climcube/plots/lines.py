"""Series: a mean, with its trend and how well that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError
from climcube.plots.dates import date_axis, positions
from climcube.plots.fitted_lines import draw_fit, require_fit
from climcube.plots.geography import require_values
from climcube.plots.selection import plain
from climcube.plots.style import SEAS, canvas, clauses, drawing, headline, page
from climcube.plots.words import axis_words, name_words, period_words, source_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["computed", "require_series", "time_series"]

_FEW, _MANY = 80, 800  # values: up to the first each has a marker; beyond the second, thin lines


@drawing
def time_series(
    series: xr.DataArray,
    *,
    trend: xr.Dataset | None = None,
    band: bool = True,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a series, such as an area mean, and its trend.

    Parameters
    ----------
    series : DataArray
        One value a time step.
    trend : Dataset, optional
        Result of `climcube.trend` on it, or on the same series over part of its years: its own
        line (not one fitted anew), and in words slope, confidence limits, p-value, effective
        sample size and test. Of `climcube.quantile_trend` every quantile's line, without bands.
    band
        Whether to shade what is known of the line, at the confidence of ``trend``. Of least
        squares this is the confidence band of a regression line, ::

            line(t) +- (ci_high - ci_low) / 2 sqrt((t - mean t)^2 + sum (t_i - mean t)^2 / n)

        with the times t of the n valid values; the effective sample size is within the limits.
        A Theil-Sen line has no standard error: shaded are all lines with slopes between the
        limits through its point at the median time, which leaves out that the height is not
        known exactly. The words say which.
    title
        Heading; default the name of the series. The period is added.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Where the trend is NaN only the series is drawn, and the words say so.

    Raises
    ------
    CubeError
        Further dimensions than time, or no value at all; or the trend is of another record, of
        another number of values, or of many cells.
    VariableError
        ``trend`` is no trend.
    UnitsError
        The trend is in other units than the series, or its unit of time is not known.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=8, shape=(4, 6)).sst
    >>> mean = cc.annual_mean(cc.area_mean(sst))
    >>> cc.plot.time_series(mean, trend=cc.trend(mean)).get_ylabel()[-4:]
    '(°C)'
    """
    cube = require_series(series, "time_series")
    if trend is not None:
        require_fit(trend, cube)
    values, trend = computed(cube, trend)
    axis = TimeAxis.of(values)
    y = np.asarray(values.values, "float64")
    x = positions(axis, np.asarray(values[axis.name].values))
    with canvas(ax, page(7.2, 3.3)) as axes:
        few = len(y) <= _FEW
        axes.plot(
            x, y, color=SEAS, linewidth=1.2 if len(y) <= _MANY else 0.5,
            marker="o" if few else None, markersize=3,
        )  # fmt: skip
        detail = "" if trend is None else draw_fit(axes, axis, x, values, trend, band)
        date_axis(axes, axis, slice(0, len(axis)), x)
        axes.set_ylabel(axis_words(values))
        headline(
            axes, f"{title or name_words(values)}, {period_words(axis)}",
            clauses(source_words(values), detail),
        )  # fmt: skip
    return axes


def require_series(series: Any, purpose: str) -> xr.DataArray:
    """Return a plain series of one value a time, still lazy; `CubeError` where it is none."""
    if not isinstance(series, xr.DataArray):
        raise CubeError(
            f"{purpose} draws one series", expected="a DataArray by time",
            found=type(series).__name__,
        )  # fmt: skip
    cube = plain(series)
    TimeAxis.of(cube)  # says what is wrong with the time axis, before anything is computed
    if cube.ndim != 1:
        raise CubeError(
            f"{purpose} draws one series",
            where=f"variable {series.name!r}",
            expected="the time dimension only",
            found="dimensions " + ", ".join(map(str, cube.dims)),
            remedy="take cc.area_mean(cube), or select a cell",
        )  # fmt: skip
    return cube


def computed(series: xr.DataArray, other: Any = None) -> tuple[xr.DataArray, Any]:
    """Compute a series, and what is drawn with it, in one pass; `CubeError` without any value."""
    values, other = dask.compute(series, other)
    require_values(np.isfinite(np.asarray(values.values, "float64")), f"variable {series.name!r}")
    return values, other
