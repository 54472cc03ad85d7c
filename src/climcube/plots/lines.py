"""Series: a mean with its trend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError
from climcube.plots.dates import date_axis, positions
from climcube.plots.selection import plain
from climcube.plots.style import SEAS, canvas, decimals, headline, number, unit_words
from climcube.plots.words import period_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["time_series"]


def time_series(
    series: xr.DataArray,
    *,
    trend: xr.Dataset | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a series, such as an area mean, and its trend.

    Parameters
    ----------
    series : DataArray
        One value a time step.
    trend : Dataset, optional
        Result of `climcube.trend` on it: a line through the mean with its slope, and the
        slope with its confidence limits in words.
    title
        Heading; default the name of the series. The period is added.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    CubeError
        Further dimensions than time, or no value at all.
    """
    values = plain(series).compute()
    axis = TimeAxis.of(values)
    if values.ndim != 1:
        raise CubeError(
            "time_series draws one series",
            where=f"variable {series.name!r}",
            expected="the time dimension only",
            found="dimensions " + ", ".join(map(str, values.dims)),
            remedy="take cc.area_mean(cube), or select a cell",
        )
    y = np.asarray(values.values, "float64")
    if not np.isfinite(y).any():
        raise CubeError("there is nothing to draw", where=f"variable {series.name!r}",
                        found="missing values only")  # fmt: skip
    x = positions(axis, np.asarray(values[axis.name].values))
    units = unit_words(values.attrs.get("units"))
    with canvas(ax, (7.2, 3.3)) as axes:
        few = len(y) <= 80
        axes.plot(x, y, color=SEAS, linewidth=1.2, marker="o" if few else None, markersize=3)
        detail = "" if trend is None else _draw_trend(axes, axis, x, y, trend)
        date_axis(axes, axis, slice(0, len(axis)), x)
        name = str(values.attrs.get("long_name") or series.name or "series")
        axes.set_ylabel(f"{name} ({units})" if units else name, wrap=True)
        name = title or name
        headline(axes, f"{name[:1].upper()}{name[1:]}, {period_words(axis)}", detail)
    return axes


def _draw_trend(
    ax: Axes, axis: TimeAxis, x: npt.NDArray[Any], y: npt.NDArray[Any], trend: xr.Dataset
) -> str:
    numbers = {n: float(plain(trend[n]).values) for n in ("slope", "ci_low", "ci_high")}
    units = str(plain(trend["slope"]).attrs.get("units", ""))
    years = 10.0 if "decade-1" in units else 1.0
    t = axis.decimal_year
    middle = float(np.nanmean(np.where(np.isfinite(y), t, np.nan)))
    line = float(np.nanmean(y)) + numbers["slope"] / years * (t - middle)
    ax.plot(x, line, color="#c0392b", linewidth=1.3, label="Trend")
    digits = decimals(numbers["slope"])
    shown = {name: number(value, digits, sign=True) for name, value in numbers.items()}
    text = f"trend {shown['slope']} {unit_words(units)}".rstrip()
    if np.isfinite(numbers["ci_low"]):
        text += f" (95 % CI {shown['ci_low']} to {shown['ci_high']})"
    return text
