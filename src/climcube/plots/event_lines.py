"""Daily values of one cell beside climatology and threshold: one event, or many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.errors import ParameterError
from climcube.plots.cells import Series, event_number, one_cell
from climcube.plots.dates import date_axis, period_window, positions
from climcube.plots.selection import require_heatwaves
from climcube.plots.style import (
    CATEGORIES,
    INK,
    MUTED,
    SEAS,
    THRESH,
    canvas,
    clauses,
    date_words,
    drawing,
    headline,
    legend_below,
    number,
    page,
    palette,
    swatch,
    unit_words,
)
from climcube.plots.words import (
    basis_words,
    is_cold,
    kind_words,
    percentile_words,
    value_words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["event_line", "flame"]

Floats = npt.NDArray[np.float64]

_DASHES = (0, (4, 3))
# All exceedances, those in an event, the event that is pointed out.
_WARM_FLAME = ("#fbcdb4", "#ee4b2b", "#8f0d0d")
_COLD_FLAME = ("#cfe0ea", "#5f93bd", "#152a52")
_LINE = 7.0  # points that the smallest letters take
_AROUND = 365  # days drawn on either side of the event, where no period is given


@drawing
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
        is taken, and it alone is computed. Default: the cell of the event with the largest
        intensity, which takes a pass over all cells.
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

    See Also
    --------
    flame : exceedances of a longer period.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> ax = cc.plot.event_line(mhw, padding_days=30)
    """
    require_heatwaves(mhw)
    if isinstance(padding_days, bool) or not isinstance(padding_days, int) or padding_days < 0:
        raise ParameterError(
            "padding_days out of range", where=f"padding_days={padding_days!r}",
            expected="a whole number of days, at least 0",
        )  # fmt: skip
    series = one_cell(mhw, cell)
    first, last = _span(series, event_number(mhw, series, event))
    window = slice(max(0, first - padding_days), last + padding_days + 1)
    with canvas(ax, page(7.2, 4.1)) as axes:
        reached = _fill_categories(axes, mhw, series, window)
        _draw_lines(axes, mhw, series, window)
        _level_names(axes, series, window, reached)
        _mark_peak(axes, mhw, series, slice(first, last + 1))
        _label_event(axes, mhw, series, slice(first, last + 1))
    return axes


@drawing
def flame(
    mhw: Any,
    *,
    cell: Mapping[str, float] | None = None,
    period: tuple[object, object] | None = None,
    event: object = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a longer period: all days beyond the threshold, and which of them are heatwaves.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`.
    cell : mapping, optional
        Coordinates of the place, as for `event_line`.
    period : pair, optional
        First and last year, month or day to draw, both included: ``(2010, 2012)``,
        ``("2010-07", "2011-06")``. Default: from a year before the event that is pointed out to
        a year after it.
    event : int or date, optional
        The event to point out: its number, or any day of it. Default: the one with the largest
        intensity of the period.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Days beyond the threshold are filled in a pale colour, those that belong to an event in
        a full one, and the event pointed out in a dark one. A period without any event is drawn
        as such, and says so.

    Raises
    ------
    CubeError
        The cell has no values; or there is no event anywhere and ``cell`` is not given.
    ParameterError
        ``cell``, ``event`` or ``period`` does not exist.

    See Also
    --------
    event_line : one event, filled by category.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> ax = cc.plot.flame(mhw, period=(2001, 2002))
    """
    require_heatwaves(mhw)
    series = one_cell(mhw, cell)
    size = len(series.axis)
    window = slice(0, size) if period is None else period_window(series.axis, period)
    chosen = (
        series.strongest(is_cold(mhw), window)
        if event is None
        else event_number(mhw, series, event)
    )
    if period is None:
        first, last = _span(series, chosen) if chosen else (size - 1, size - 1)
        window = slice(max(0, first - _AROUND), min(size, last + _AROUND + 1))
    with canvas(ax, page(7.2, 3.9)) as axes:
        fills = _fill_events(axes, mhw, series, window, chosen)
        _draw_lines(axes, mhw, series, window)
        _label_period(axes, mhw, series, window, chosen)
        legend_below(axes, [*_line_handles(axes), *fills], 3)
    return axes


def _span(series: Series, event: int) -> tuple[int, int]:
    """Return first and last sample of an event."""
    days = np.flatnonzero(series.event == event)
    return int(days[0]), int(days[-1])


def _fill_beyond(
    ax: Axes, series: Series, window: slice, days: npt.NDArray[np.bool_], level: Floats,
    sign: float, **style: Any,
) -> bool:  # fmt: skip
    """Fill between a level and the series on some days; return whether it lies beyond on any."""
    # A day on either side lets the fill end where the series crosses the level.
    near = days | np.append(days[1:], False) | np.insert(days[:-1], 0, False)
    value = np.where(near, series.value, np.nan)[window]
    edge = level[window]
    with np.errstate(invalid="ignore"):
        beyond = sign * (value - edge) > 0
    ax.fill_between(
        positions(series.axis, series.time)[window], edge, value, where=beyond,
        interpolate=True, linewidth=0, **style,
    )  # fmt: skip
    return bool((beyond & days[window]).any())


def _fill_categories(ax: Axes, mhw: Any, series: Series, window: slice) -> int:
    """Fill the events by category; return the largest category of any day drawn."""
    cold = is_cold(mhw)
    time = positions(series.axis, series.time)[window]
    step = series.thresh - series.seas
    reached = _reached(series, window)
    for level, (name, colour) in enumerate(zip(CATEGORIES, palette(cold), strict=True), start=1):
        edge = series.seas + level * step
        if level <= reached:
            _fill_beyond(
                ax, series, window, series.event > 0, edge, -1.0 if cold else 1.0, color=colour,
                label=name, zorder=1.5 + level / 100,
            )  # fmt: skip
        if 1 < level <= min(4, reached + 1):
            ax.plot(
                time, edge[window], color=MUTED, linewidth=0.6, linestyle=_DASHES, zorder=2,
                label="_level",
            )  # fmt: skip
    return reached


def _fill_events(ax: Axes, mhw: Any, series: Series, window: slice, chosen: int) -> list[Any]:
    """Fill exceedances, events and the event pointed out; return their boxes for the legend."""
    sign = -1.0 if is_cold(mhw) else 1.0
    inside = series.event > 0
    side = "below" if is_cold(mhw) else "above"
    with np.errstate(invalid="ignore"):
        beyond = sign * (series.value - series.thresh) > 0
    kinds = (
        (beyond & ~inside, f"Days {side} the threshold"),
        (inside & (series.event != chosen), f"Marine {kind_words(mhw)}"),
        (series.event == (chosen or -1), _chosen_words(series, window, chosen, sign)),
    )
    handles = []
    colours = _COLD_FLAME if is_cold(mhw) else _WARM_FLAME
    for place, ((days, label), colour) in enumerate(zip(kinds, colours, strict=True)):
        drawn = _fill_beyond(
            ax, series, window, days, series.thresh, sign, color=colour, label=label,
            zorder=1.5 + place / 100,
        )  # fmt: skip
        if drawn:
            handles.append(swatch(colour, label))
    return handles


def _chosen_words(series: Series, window: slice, chosen: int, sign: float) -> str:
    return "Strongest" if chosen == series.strongest(sign < 0, window) else "Event chosen"


def _draw_lines(ax: Axes, mhw: Any, series: Series, window: slice) -> None:
    """Draw the series, its climatology and its threshold, and mark the time."""
    time = positions(series.axis, series.time)[window]
    value, seas, thresh = (a[window] for a in (series.value, series.seas, series.thresh))
    thin = 0.5 if len(time) > 1500 else 1.0  # a thick line would hide the fills
    threshold = f"Threshold ({percentile_words(mhw)})"
    ax.plot(time, seas, color=SEAS, linewidth=1.3 * thin, label="Climatology", zorder=3)
    ax.plot(time, thresh, color=THRESH, linewidth=1.3 * thin, label=threshold, zorder=3)
    ax.plot(time, value, color=INK, linewidth=1.1 * thin, label="Daily value", zorder=4)
    drawn = np.concatenate([value, seas, thresh])
    drawn = drawn[np.isfinite(drawn)]
    low, high = (float(drawn.min()), float(drawn.max())) if drawn.size else (0.0, 1.0)
    room = max(high - low, 1e-6)
    below, above = (0.12, 0.06) if is_cold(mhw) else (0.06, 0.12)  # room for the peak's number
    ax.set_ylim(low - below * room, high + above * room)
    if len(time) > 1:
        ax.set_xlim(time[0], time[-1])
    ax.set_ylabel(value_words(mhw, unit_words(series.units)))
    date_axis(ax, series.axis, window, time)


def _reached(series: Series, window: slice) -> int:
    """Return the largest category of any event day drawn."""
    with np.errstate(invalid="ignore"):
        severity = np.where(series.event[window] > 0, series.severity[window], np.nan)
    best = np.nanmax(severity, initial=0.0)
    return int(np.clip(np.floor(best), 0, 4)) if np.isfinite(best) else 4


def _level_names(ax: Axes, series: Series, window: slice, reached: int) -> None:
    """Name the dashed multiples at the right end, where they fall inside the frame and apart."""
    last = window.stop - 1 if window.stop <= len(series.axis) else -1
    x = positions(series.axis, series.time)[last]
    seas, step = series.seas[last], series.thresh[last] - series.seas[last]
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    inches = figure.get_size_inches()[1] if figure is not None else 4.0
    points = 72 * float(inches) * ax.get_position(original=True).height / (high - low)
    if abs(step) * points < _LINE:
        return
    for level in range(2, min(4, reached + 1) + 1):
        height = float(seas + level * step)
        if low < height < high:
            ax.annotate(
                f"{level}×", (x, height), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize="small", color=MUTED, annotation_clip=False,
            )  # fmt: skip


def _mark_peak(ax: Axes, mhw: Any, series: Series, span: slice) -> None:
    sign = -1.0 if is_cold(mhw) else 1.0
    anomaly = series.value[span] - series.seas[span]
    peak = span.start + int(np.nanargmax(sign * anomaly))
    x = positions(series.axis, series.time)[peak]
    ax.plot([x], [series.value[peak]], "o", color=INK, markersize=4, zorder=5)
    ax.annotate(
        _signed(float(anomaly[peak - span.start]), series),
        (x, series.value[peak]), xytext=(0, 5 * sign), textcoords="offset points",
        ha="center", va="bottom" if sign > 0 else "top", fontsize="small", zorder=6,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": ax.get_facecolor(), "edgecolor": "none",
              "alpha": 0.85},
    )  # fmt: skip


def _signed(anomaly: float, series: Series) -> str:
    return f"{number(anomaly, sign=True)} {unit_words(series.units)}".strip()


def _label_event(ax: Axes, mhw: Any, series: Series, span: slice) -> None:
    severity = np.nanmax(series.severity[span])
    name = CATEGORIES[int(np.clip(np.floor(severity), 1, 4)) - 1] if np.isfinite(severity) else ""
    what = f"{name} marine {kind_words(mhw)}".strip()
    headline(
        ax,
        f"{what[:1].upper()}{what[1:]}" + (f" at {series.place}" if series.place else ""),
        f"{_days_words(series, span)}, {span.stop - span.start} days; "
        f"{basis_words(mhw, series.axis)}",
    )
    # Columns of the legend are filled from above: a line in the upper row, a fill below it.
    from matplotlib.lines import Line2D  # optional extra

    fills: list[Any] = [c for c in ax.collections if c.get_label() in CATEGORIES]
    lines = [*_line_handles(ax), Line2D([], [], color=MUTED, linewidth=0.6, linestyle=_DASHES,
                                        label="Category thresholds")]  # fmt: skip
    fills += [Line2D([], [], linestyle="none", label="")] * (len(lines) - len(fills))
    pairs = [item for pair in zip(lines, fills, strict=True) for item in pair]
    legend_below(ax, pairs, len(lines))


def _line_handles(ax: Axes) -> list[Any]:
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    return lines[::-1]


def _label_period(ax: Axes, mhw: Any, series: Series, window: slice, chosen: int) -> None:
    axis, kind = series.axis, kind_words(mhw)
    years = sorted({int(axis.year[window.start]), int(axis.year[window.stop - 1])})
    known = len(np.unique(series.event[window][series.event[window] > 0]))
    count = f"{known or 'no'} marine {kind}{'' if known == 1 else 's'}"
    parts = [f"{count} from {_days_words(series, window)}"]
    if chosen and (series.event[window] == chosen).any():
        first, last = _span(series, chosen)
        event = slice(first, last + 1)
        anomaly = series.value[event] - series.seas[event]
        peak = np.nanmin(anomaly) if is_cold(mhw) else np.nanmax(anomaly)
        parts.append(f"darkest: {_days_words(series, event)}, {_signed(float(peak), series)}")
    headline(
        ax,
        f"Marine {kind}s" + (f" at {series.place}" if series.place else "")
        + ", " + "–".join(map(str, years)),
        clauses(*parts, basis_words(mhw, axis)),
    )  # fmt: skip


def _days_words(series: Series, span: slice) -> str:
    first, last = series.axis.label(span.start), series.axis.label(span.stop - 1)
    return f"{date_words(first)} to {date_words(last)}"
