"""Series: one event with its categories, and a mean with its trend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, ParameterError
from climcube.plots.selection import (
    Series,
    base_period_words,
    day_index,
    is_cold,
    kind_words,
    one_cell,
    period_words,
    plain,
)
from climcube.plots.style import (
    CATEGORIES,
    INK,
    MONTHS,
    MUTED,
    canvas,
    date_words,
    decimals,
    headline,
    number,
    palette,
    unit_words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["event_line", "time_series"]

_DASHES = (0, (4, 3))
_SEAS = "#2f6f9f"
_THRESH = "#2b8a5a"


def event_line(
    mhw: Any,
    *,
    cell: Mapping[str, float] | None = None,
    event: object = None,
    padding_days: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """Draw one event: the series, its climatology and threshold, filled by category.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`.
    cell : mapping, optional
        Coordinates of the place, for instance ``dict(lat=-29.4, lon=112.6)``; the nearest cell
        is taken. Default: the cell of the event with the largest intensity.
    event : int or date, optional
        Number of the event in its cell (as in ``mhw.daily["event"]``), or any day of it.
        Default: the one with the largest intensity in the cell.
    padding_days
        Days drawn before its start and after its end.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Each day of an event is filled from the threshold upwards; where the series passes
        2, 3 and 4 times the distance from climatology to threshold the colour changes
        (Hobday et al. 2018). Missing days are gaps in the line.

    Raises
    ------
    CubeError
        There is no event, or the cell has no values.
    ParameterError
        ``cell`` or ``event`` does not exist.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> ax = cc.plot.event_line(mhw, padding_days=30)
    """
    if isinstance(padding_days, bool) or not isinstance(padding_days, int) or padding_days < 0:
        raise ParameterError(
            "padding_days out of range", where=f"padding_days={padding_days!r}",
            expected="a whole number of days, at least 0",
        )  # fmt: skip
    series = one_cell(mhw, cell)
    number = _event_number(mhw, series, event)
    days = np.flatnonzero(series.event == number)
    first, last = int(days[0]), int(days[-1])
    window = slice(max(0, first - padding_days), last + padding_days + 1)
    with canvas(ax, (7.2, 4.1)) as axes:
        _draw_event(axes, mhw, series, window)
        _mark_peak(axes, mhw, series, slice(first, last + 1))
        _label_event(axes, mhw, series, slice(first, last + 1))
    return axes


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
    x = _positions(axis, np.asarray(values[axis.name].values))
    units = unit_words(values.attrs.get("units"))
    with canvas(ax, (7.2, 3.3)) as axes:
        few = len(y) <= 80
        axes.plot(x, y, color=_SEAS, linewidth=1.2, marker="o" if few else None, markersize=3)
        detail = "" if trend is None else _draw_trend(axes, axis, x, y, trend)
        _date_axis(axes, axis, slice(0, len(axis)), x)
        name = str(values.attrs.get("long_name") or series.name or "series")
        axes.set_ylabel(f"{name} ({units})" if units else name, wrap=True)
        name = title or name
        headline(axes, f"{name[:1].upper()}{name[1:]}, {period_words(axis)}", detail)
    return axes


def _event_number(mhw: Any, series: Series, event: object) -> int:
    kind = kind_words(mhw)
    known = int(series.event.max(initial=0))
    if known == 0:
        raise CubeError(
            f"there is no {kind} in the cell",
            where=series.place or f"variable {mhw.cube.name!r}",
            expected="at least one event",
            remedy="pass another cell=dict(lat=..., lon=...)",
        )
    if event is None:
        return series.strongest(is_cold(mhw))
    if isinstance(event, int | np.integer) and not isinstance(event, bool):
        if (series.event == event).any() and event > 0:
            return int(event)
        raise ParameterError(
            "no such event", where=f"event={event}", expected=f"a number from 1 to {known}",
            remedy="or pass a day of the event, such as event='2011-02-28'",
        )  # fmt: skip
    number = int(series.event[day_index(series.axis, event)])
    if number == 0:
        raise ParameterError(
            f"there is no {kind} on that day", where=f"event={str(event)[:10]}",
            expected="a day of an event", remedy="leave event= out for the strongest one",
        )  # fmt: skip
    return number


def _draw_event(ax: Axes, mhw: Any, series: Series, window: slice) -> None:
    cold = is_cold(mhw)
    time = _positions(series.axis, series.time)[window]
    value, seas, thresh = (a[window] for a in (series.value, series.seas, series.thresh))
    step = thresh - seas
    sign = -1.0 if cold else 1.0
    # A day on either side lets the fill end where the series crosses the level.
    inside = series.event > 0
    near = inside | np.append(inside[1:], False) | np.insert(inside[:-1], 0, False)
    event_value = np.where(near[window], value, np.nan)
    reached = _reached(series, window)
    for level, (name, colour) in enumerate(zip(CATEGORIES, palette(cold), strict=True), start=1):
        edge = seas + level * step
        if level <= reached:
            ax.fill_between(
                time, edge, event_value, where=sign * (event_value - edge) > 0,
                interpolate=True, color=colour, linewidth=0, label=name, zorder=1.5 + level / 100,
            )  # fmt: skip
        if 1 < level <= min(4, reached + 1):
            ax.plot(time, edge, color=MUTED, linewidth=0.6, linestyle=_DASHES, zorder=2)
    rank = _percentile_words(mhw)
    ax.plot(time, seas, color=_SEAS, linewidth=1.3, label="Climatology", zorder=3)
    ax.plot(time, thresh, color=_THRESH, linewidth=1.3, label=f"Threshold ({rank})", zorder=3)
    ax.plot(time, value, color=INK, linewidth=1.1, label="Daily value", zorder=4)
    _frame(ax, time, np.concatenate([value, seas, thresh]))
    _level_names(ax, time, seas, step, reached)
    _date_axis(ax, series.axis, window, time)


def _reached(series: Series, window: slice) -> int:
    """Return the largest category of any event day drawn."""
    with np.errstate(invalid="ignore"):
        severity = np.where(series.event[window] > 0, series.severity[window], np.nan)
    best = np.nanmax(severity, initial=0.0)
    return int(np.clip(np.floor(best), 0, 4)) if np.isfinite(best) else 4


def _frame(ax: Axes, time: npt.NDArray[Any], values: npt.NDArray[np.float64]) -> None:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(high - low, 1e-6)
    ax.set_ylim(low - 0.06 * room, high + 0.1 * room)
    ax.set_xlim(time[0], time[-1])


def _level_names(
    ax: Axes, time: npt.NDArray[Any], seas: npt.NDArray[Any], step: npt.NDArray[Any], reached: int
) -> None:
    """Name the dashed multiples at the right end, where they fall inside the frame."""
    low, high = ax.get_ylim()
    for level in range(2, min(4, reached + 1) + 1):
        height = float(seas[-1] + level * step[-1])
        if low < height < high:
            ax.annotate(
                f"{level}×", (time[-1], height), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize="x-small", color=MUTED, annotation_clip=False,
            )  # fmt: skip


def _mark_peak(ax: Axes, mhw: Any, series: Series, span: slice) -> None:
    sign = -1.0 if is_cold(mhw) else 1.0
    anomaly = series.value[span] - series.seas[span]
    peak = span.start + int(np.nanargmax(sign * anomaly))
    units = unit_words(series.units)
    x = _positions(series.axis, series.time)[peak]
    ax.plot([x], [series.value[peak]], "o", color=INK, markersize=4, zorder=5)
    ax.annotate(
        f"{anomaly[peak - span.start]:+.2f}{' ' + units if units else ''}".replace("-", "−"),
        (x, series.value[peak]), xytext=(0, 5 * sign), textcoords="offset points",
        ha="center", va="bottom" if sign > 0 else "top", fontsize="small", zorder=6,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": ax.get_facecolor(), "edgecolor": "none",
              "alpha": 0.85},
    )  # fmt: skip


def _label_event(ax: Axes, mhw: Any, series: Series, span: slice) -> None:
    axis = series.axis
    begin, end = date_words(axis.label(span.start)), date_words(axis.label(span.stop - 1))
    severity = np.nanmax(series.severity[span])
    name = CATEGORIES[int(np.clip(np.floor(severity), 1, 4)) - 1] if np.isfinite(severity) else ""
    units = unit_words(series.units)
    ax.set_ylabel(_value_words(mhw, units))
    place = f" at {series.place}" if series.place else ""
    where = f"{name} marine {kind_words(mhw)}".strip()
    headline(
        ax,
        f"{where[:1].upper()}{where[1:]}{place}",
        f"{begin} to {end}, {span.stop - span.start} days; climatology "
        f"{base_period_words(mhw, axis)}",
    )
    _legend(ax)


def _legend(ax: Axes) -> None:
    """Lines in the upper row, categories in the lower one."""
    from matplotlib.lines import Line2D  # optional extra

    handles, labels = ax.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    fills = [(n, known.pop(n)) for n in CATEGORIES if n in known]
    dashes = Line2D([], [], color=MUTED, linewidth=0.6, linestyle=_DASHES)
    lines = [*reversed(known.items()), ("Category thresholds", dashes)]
    blank = Line2D([], [], linestyle="none")
    fills += [("", blank)] * (len(lines) - len(fills))
    pairs = [item for pair in zip(lines, fills, strict=True) for item in pair]
    ax.legend(
        [handle for _, handle in pairs], [label for label, _ in pairs], loc="upper center",
        bbox_to_anchor=(0.5, -0.15), ncols=len(lines), borderaxespad=0, handleheight=0.9,
    )  # fmt: skip


def _value_words(mhw: Any, units: str) -> str:
    attrs = mhw.cube.attrs
    name = str(attrs.get("long_name") or attrs.get("standard_name") or mhw.cube.name or "value")
    name = name.replace("_", " ")
    name = name if len(name) <= 40 else str(mhw.cube.name)
    return f"{name[:1].upper()}{name[1:]}" + (f" ({units})" if units else "")


def _percentile_words(mhw: Any) -> str:
    rank = float(mhw.parameters.get("percentile", 90))
    rank = 100 - rank if is_cold(mhw) else rank
    return f"{rank:g}th percentile"


def _positions(axis: TimeAxis, time: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Dates where matplotlib knows the calendar, day numbers elsewhere."""
    return time if np.issubdtype(time.dtype, np.datetime64) else axis.seconds / 86_400


def _date_axis(ax: Axes, axis: TimeAxis, window: slice, x: npt.NDArray[Any]) -> None:
    """Mark months, or years on a long record, in any calendar."""
    year, month = axis.year[window], axis.month[window]
    starts = np.flatnonzero(np.diff(year * 12 + month, prepend=-1))
    starts = starts[1:] if len(starts) > 2 and axis.day[window][0] > 20 else starts
    yearly = len(x) > 1 and float(np.median(np.diff(axis.ordinal[window]))) > 300
    if len(starts) <= 30 and not yearly:
        step = 1 if len(starts) <= 14 else 2
        chosen = starts[::step]
        labels = [
            MONTHS[month[i] - 1] + (f"\n{year[i]}" if n == 0 or month[i] <= step else "")
            for n, i in enumerate(chosen)
        ]
    else:
        chosen = np.flatnonzero(np.diff(year, prepend=-1))
        step = max(1, -(-len(chosen) // 10))
        step = next((s for s in (1, 2, 5, 10, 20, 50, 100) if s >= step), step)
        chosen = chosen[year[chosen] % step == 0]
        labels = [str(year[i]) for i in chosen]
    ax.set_xticks(x[chosen], labels)


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
