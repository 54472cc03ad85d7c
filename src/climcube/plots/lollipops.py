"""All events of one cell as stems on a time line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from climcube.errors import ParameterError, require_choice
from climcube.plots.cells import Series, one_cell
from climcube.plots.dates import date_axis, positions
from climcube.plots.selection import require_heatwaves
from climcube.plots.style import (
    CATEGORIES,
    EDGE,
    INK,
    MUTED,
    canvas,
    date_words,
    drawing,
    headline,
    legend_below,
    page,
    palette,
)
from climcube.plots.words import basis_words, is_cold, kind_words, metric_words, period_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["lolliplot"]

Floats = npt.NDArray[np.float64]

_DATES = ("date_peak", "date_start", "date_end")
_REFERENCES = ("", "_relThresh", "_abs")
_METRICS = (
    "duration",
    *(f"duration_{name.lower()}" for name in CATEGORIES),
    *(f"intensity_{s}{r}" for r in _REFERENCES for s in ("max", "mean", "var", "cumulative")),
    "rate_onset",
    "rate_decline",
)


@drawing
def lolliplot(
    mhw: Any,
    *,
    cell: Mapping[str, float] | None = None,
    metric: str = "intensity_max",
    xaxis: str = "date_peak",
    event_count: int = 3,
    ax: Axes | None = None,
) -> Axes:
    """Draw every event of a cell as a stem, coloured by its category.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`.
    cell : mapping, optional
        Coordinates of the place, for instance ``dict(lat=-29.4, lon=112.6)``; the nearest cell
        is taken, and it alone is computed. Default: the cell of the event with the largest
        intensity, which takes a pass over all cells.
    metric
        Length of the stems: a column of ``mhw.events()`` such as ``"intensity_max"``,
        ``"duration"``, ``"intensity_cumulative"`` or ``"rate_onset"``.
    xaxis
        Where they stand: ``"date_peak"``, ``"date_start"`` or ``"date_end"``.
    event_count
        So many of the largest are labelled with that date, where there is room. The largest of
        cold spells' intensities are the most negative (of absolute values, the lowest).
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Stems start at 0, those of absolute values at the edge of the frame; intensities of cold
        spells hang down. The colour is the category of the event's
        worst day. A cell without any event gives an empty frame that says so.

    Raises
    ------
    CubeError
        The cell has no values; or there is no event anywhere and ``cell`` is not given.
    ParameterError
        ``cell`` does not exist, or another argument is unknown.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> cc.plot.lolliplot(mhw, metric="duration").get_ylabel()
    'Duration (days)'
    """
    require_heatwaves(mhw)
    require_choice("metric", metric, _METRICS)
    require_choice("xaxis", xaxis, _DATES)
    if isinstance(event_count, bool) or not isinstance(event_count, int) or event_count < 0:
        raise ParameterError(
            "event_count out of range", where=f"event_count={event_count!r}",
            expected="a whole number, at least 0",
        )  # fmt: skip
    series = one_cell(mhw, cell)
    table = series.found.events()
    stems = _Stems.of(series, table, metric, xaxis, cold=is_cold(mhw))
    with canvas(ax, page(7.2, 3.7)) as axes:
        axes.set_ylim(*stems.limits)
        axes.set_xlim(*stems.ends)
        _draw_axes(axes, series, stems, metric)
        _draw_stems(axes, stems, palette(is_cold(mhw)))
        _label_largest(axes, stems, event_count)
        _describe(axes, mhw, series, len(table), xaxis)
    return axes


@dataclass(frozen=True)
class _Stems:
    """Where the stems stand, how long they are, and the frame they need."""

    x: npt.NDArray[Any]
    y: Floats
    base: float
    down: bool  # do they hang
    limits: tuple[float, float]
    ends: tuple[Any, Any]
    category: npt.NDArray[Any]
    dates: list[str]

    @classmethod
    def of(
        cls, series: Series, table: pd.DataFrame, metric: str, xaxis: str, *, cold: bool
    ) -> _Stems:
        time = positions(series.axis, series.time)
        y = table[metric].to_numpy("float64")
        absolute = metric.endswith("_abs")
        signed = metric.startswith("intensity") and not metric.startswith("intensity_var")
        down = cold and signed
        shown = y[np.isfinite(y)]
        if not absolute or not shown.size:
            shown = np.append(shown, 0.0)
        low, high = float(shown.min()), float(shown.max())
        room = 0.19 * max(high - low, 1e-6)  # for the labels
        limits = low - room * (absolute or low < 0), high + room * (absolute or high > 0)
        if low == high:  # no event
            limits = (-1.0, 0.0) if down else (0.0, 1.0)
        base = (limits[1] if down else limits[0]) if absolute else 0.0
        # A little room for the heads at the ends of the record.
        margin = (time[-1] - time[0]) * 0.015 if len(time) > 1 else time[0] - time[0] + 1
        return cls(
            time[table[xaxis.replace("date_", "index_")].to_numpy("int64")], y, base, down, limits,
            (time[0] - margin, time[-1] + margin), table["category"].to_numpy(str),
            [date_words(str(date)[:10]) for date in table[xaxis]],
        )  # fmt: skip

    def largest(self, count: int) -> npt.NDArray[np.int64]:
        """Return the places of the largest, largest first."""
        size = np.nan_to_num(-self.y if self.down else self.y, nan=-np.inf)
        return np.argsort(-size, kind="stable")[:count]


def _draw_axes(ax: Axes, series: Series, stems: _Stems, metric: str) -> None:
    time = positions(series.axis, series.time)
    date_axis(ax, series.axis, slice(0, len(series.axis)), time)
    ax.set_ylabel(metric_words(metric, series.units))
    if stems.limits[0] < 0:
        ax.axhline(0, color=EDGE, linewidth=0.6, zorder=1)
    if not stems.y.size:
        ax.set_yticks([])


def _draw_stems(ax: Axes, stems: _Stems, colours: tuple[str, ...]) -> None:
    # The palest colours vanish as thin lines on white: a grey edge keeps them visible.
    ax.vlines(stems.x, stems.base, stems.y, color=EDGE, linewidth=1.8, zorder=2)
    for place, (name, colour) in enumerate(zip(CATEGORIES, colours, strict=True)):
        own = stems.category == name
        if own.any():
            x, y = stems.x[own], stems.y[own]
            ax.vlines(x, stems.base, y, color=colour, linewidth=1.0, zorder=2.1)
            ax.plot(
                x, y, "o", color=colour, markersize=6, markeredgecolor=INK, markeredgewidth=0.5,
                label=f"{name} ({int(own.sum())})", zorder=3 + place / 10,
            )  # fmt: skip


def _label_largest(ax: Axes, stems: _Stems, count: int) -> None:
    """Write the dates of the largest, aside where another stem or label is in the way."""
    from matplotlib.font_manager import FontProperties  # optional extra

    figure = ax.get_figure(root=True)
    if figure is None or not stems.y.size:
        return
    (low, high), ends = stems.limits, _numbers(np.array(stems.ends))
    box = ax.get_position(original=True)
    width, height = 72 * figure.get_size_inches() * (box.width, box.height)
    across = (_numbers(stems.x) - ends[0]) / (ends[1] - ends[0]) * width
    up, base = ((v - low) / (high - low) * height for v in (stems.y, stems.base))
    bodies = [
        (float(p - 3), float(p + 3), float(min(q, base) - 3), float(max(q, base) + 3))
        for p, q in zip(across, up, strict=True)
    ]
    letter = 0.66 * FontProperties(size="small").get_size_in_points()
    taken: list[_Box] = []
    for i in stems.largest(count):
        text = stems.dates[i]
        others = taken + bodies[:i] + bodies[i + 1 :]
        found = _free_side(across[i], up[i], letter * len(text), width, stems.down, others)
        if found is None:
            continue  # no room: a label over another could not be read
        style, rectangle = found
        taken.append(rectangle)
        ax.annotate(
            text, (stems.x[i], stems.y[i]), textcoords="offset points", fontsize="small",
            color=INK, zorder=5, **style,
        )  # fmt: skip


_Box = tuple[float, float, float, float]
_LINE = 11.0  # points that a line of small text takes


def _free_side(
    x: float, y: float, text: float, width: float, down: bool, taken: list[_Box]
) -> tuple[dict[str, Any], _Box] | None:
    """Return how to write a text beside a point, all in points, clear of the boxes taken."""
    sides: list[tuple[dict[str, Any], _Box]] = []
    for gap in (6.0, 9.0 + _LINE):  # beyond the head, or one line further
        rows = (y - gap - _LINE, y - gap) if down else (y + gap, y + gap + _LINE)
        for ha, left in (("center", x - text / 2), ("left", x - 4), ("right", x + 4 - text)):
            shift = {"center": 0.0, "left": -4.0, "right": 4.0}[ha]
            style = {"ha": ha, "va": "top" if down else "bottom"}
            offset = (shift, -gap if down else gap)
            sides.append((style | {"xytext": offset}, (left, left + text, *rows)))
    beside = (y - _LINE / 2, y + _LINE / 2)
    for ha, left, shift in (("left", x + 7, 7.0), ("right", x - 7 - text, -7.0)):
        style = {"ha": ha, "va": "center"}
        sides.insert(-3, (style | {"xytext": (shift, 0.0)}, (left, left + text, *beside)))
    for style, (left, right, low, high) in sides:
        clear = all(right < a or left > b or high < c or low > d for a, b, c, d in taken)
        if clear and left > 0 and right < width + 4:
            return style, (left, right, low, high)
    return None


def _numbers(time: npt.NDArray[Any]) -> Floats:
    if np.issubdtype(time.dtype, np.datetime64):
        return time.astype("datetime64[s]").astype("float64") / 86_400
    return np.asarray(time, "float64")


def _describe(ax: Axes, mhw: Any, series: Series, count: int, xaxis: str) -> None:
    kind, years = kind_words(mhw), period_words(series.axis)
    place = f" at {series.place}" if series.place else ""
    detail = basis_words(mhw, series.axis)
    if count:
        dated = xaxis.removeprefix("date_")
        detail = f"{count} event{'' if count == 1 else 's'} by category, at their {dated}; {detail}"
        handles = [h for h in ax.lines if not str(h.get_label()).startswith("_")]
        legend_below(ax, list(handles), 4)
    else:
        ax.text(
            0.5, 0.5, f"No marine {kind} in {years}", transform=ax.transAxes, ha="center",
            va="center", color=MUTED,
        )  # fmt: skip
    headline(ax, f"Marine {kind}s{place}, {years}", detail)
