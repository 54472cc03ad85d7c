"""Days of any calendar on an axis, and days named by the caller found in a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.cubes.calendar import TimeAxis
from climcube.errors import ParameterError
from climcube.plots.style import MONTHS, date_words, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "date_axis",
    "date_ticks",
    "day_index",
    "month_starts",
    "period_window",
    "positions",
    "sample_index",
    "sample_words",
    "year_axis",
]

_FEW = 75  # days: below, days of the month are marked, too
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def day_index(axis: TimeAxis, date: object) -> int:
    """Return the index of a day given as text, datetime64, datetime or cftime date.

    Raises
    ------
    ParameterError
        The date is not a day of the record; the message names the nearest there is.
    """
    fields = _fields(date)
    if len(fields) != 3:
        raise ParameterError(
            "date not understood", where=f"date={date!r}", expected="a day such as '2016-02-15'"
        )
    year, month, day = fields
    match = (axis.year == year) & (axis.month == month) & (axis.day == day)
    if not match.any():
        raise ParameterError(
            "the date is not in the record",
            where=f"date={str(date)[:10]}",
            expected=f"a day from {axis.label(0)} to {axis.label(len(axis) - 1)}",
        )
    return int(np.argmax(match))


def sample_index(axis: TimeAxis, date: object) -> int:
    """Return the index of a day, or of the one value of a month or year, as `day_index` does.

    Raises
    ------
    ParameterError
        The date is not in the record, or stands for several values.
    """
    fields = _fields(date)
    if not 1 <= len(fields) <= 2:
        return day_index(axis, date)
    match = axis.year == fields[0]
    if len(fields) == 2:
        match &= axis.month == fields[1]
    if not match.any():
        raise ParameterError(
            "the date is not in the record", where=f"date={date}",
            expected=f"a time from {axis.label(0)} to {axis.label(len(axis) - 1)}",
        )  # fmt: skip
    if match.sum() > 1:
        raise ParameterError(
            "the date stands for several values", where=f"date={date}",
            expected="one of them", found=f"{int(match.sum())} in the record",
            remedy=f"pass a day, such as {axis.label(int(np.argmax(match)))!r}",
        )  # fmt: skip
    return int(np.argmax(match))


def sample_words(axis: TimeAxis, index: int) -> str:
    """Return the date of a sample as its record calls for: a day, a month, or a year."""
    step = float(np.median(np.diff(axis.ordinal))) if len(axis) > 1 else 1.0
    if step > 300:
        return str(int(axis.year[index]))
    if step > 27:
        return f"{MONTHS[axis.month[index] - 1]} {int(axis.year[index])}"
    return date_words(axis.label(index))


def period_window(axis: TimeAxis, period: object) -> slice:
    """Return the samples from the first to the last of two years, months or days, both included.

    Raises
    ------
    ParameterError
        The period is not a pair of dates, is upside down, or has no day of the record.
    """
    pair = list(period) if isinstance(period, tuple | list) else []
    fields = [_fields(date) for date in pair]
    if len(fields) != 2 or not all(fields):
        raise ParameterError(
            "period not understood", where=f"period={period!r}",
            expected="a first and a last year, month or day, such as ('2010-07', '2012')",
        )  # fmt: skip
    first, last = fields
    begin = _key(*first, *(1, 1)[len(first) - 1 :])
    end = _key(*last, *(12, 31)[len(last) - 1 :])
    if begin > end:
        raise ParameterError("period is upside down", where=f"period={period!r}",
                             remedy="swap the two")  # fmt: skip
    days = _key(axis.year, axis.month, axis.day)
    window = slice(int(np.searchsorted(days, begin)), int(np.searchsorted(days, end, "right")))
    if window.start >= window.stop:
        raise ParameterError(
            "no day of the record is in the period", where=f"period={period!r}",
            expected=f"days from {axis.label(0)} to {axis.label(len(axis) - 1)}",
        )  # fmt: skip
    return window


def _fields(date: object) -> list[int]:
    """Return year, month and day, or as many as are given; nothing where that is no date."""
    parts = str(date)[:10].split("-")
    if isinstance(date, bool) or not all(p.isdigit() for p in parts) or len(parts) > 3:
        return []
    return [int(p) for p in parts]


def _key(year: Any, month: Any, day: Any) -> Any:
    return (year * 100 + month) * 100 + day


def positions(axis: TimeAxis, time: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Dates where matplotlib knows the calendar, day numbers elsewhere."""
    return time if np.issubdtype(time.dtype, np.datetime64) else axis.seconds / 86_400


def month_starts(axis: TimeAxis) -> npt.NDArray[np.int64]:
    """Return the day of year, from 0, on which each month begins in the calendar."""
    months = np.arange(1, 13)
    zeros = np.zeros(12, "int64")
    return TimeAxis(axis.name, axis.calendar, zeros, months, zeros + 1, zeros).dayofyear


def year_axis(ax: Axes, years: npt.NDArray[Any], *, upright: bool = False) -> None:
    """Mark round years along an axis of years, as many as there is room for."""
    axis = ax.yaxis if upright else ax.xaxis
    most = 12 if upright else min(12, max(3, 2 * width_of(ax)))
    step = next((s for s in _STEPS if len(years) / s <= most), 2 * _STEPS[-1])
    axis.set_ticks([int(y) for y in years if y % step == 0])


def date_axis(ax: Axes, axis: TimeAxis, window: slice, x: npt.NDArray[Any]) -> None:
    """Mark days, months or years, whatever suits the length of the window, in any calendar."""
    room = min(1.0, width_of(ax) / 5)  # in a narrow panel fewer labels fit
    chosen, labels = date_ticks(axis, window, room)
    ax.set_xticks(x[chosen], labels)


def date_ticks(
    axis: TimeAxis, window: slice, room: float
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return which samples of a window are marked, and their labels.

    Of ``room`` 1 has space for about fourteen labels.
    """
    year, month, day = axis.year[window], axis.month[window], axis.day[window]
    count = len(year)
    starts = np.flatnonzero(np.diff(year * 12 + month, prepend=-1))
    ordinal = axis.ordinal[window]
    if len(starts) > 2 and starts[1] < count / (14 * room):
        starts = starts[1:]  # the end of a month has no room for its name
    yearly = count > 1 and float(np.median(np.diff(ordinal))) > 300
    if count > 1 and not yearly and ordinal[-1] - ordinal[0] < _FEW:
        return _days(year, month, day, room)
    if len(starts) <= 40 and not yearly:
        step = next(s for s in (1, 2, 3, 4, 6) if len(starts) / s <= 14 * room or s == 6)
        chosen = starts[(month[starts] - 1) % step == 0]
        return chosen, [
            MONTHS[month[i] - 1] + (f"\n{year[i]}" if n == 0 or month[i] == 1 else "")
            for n, i in enumerate(chosen)
        ]
    chosen = np.flatnonzero(np.diff(year, prepend=-1))
    step = next((s for s in _STEPS if len(chosen) / s <= 10 * room), _STEPS[-1])
    chosen = chosen[year[chosen] % step == 0]
    return chosen, [str(year[i]) for i in chosen]


def _days(
    year: npt.NDArray[Any], month: npt.NDArray[Any], day: npt.NDArray[Any], room: float
) -> tuple[npt.NDArray[Any], list[str]]:
    """Mark the 1st, 11th and 21st; short windows every fifth day."""
    step = 10 if len(day) > 25 * room else 5
    marked = (day % step == 1) & (day < 31)
    chosen = np.flatnonzero(marked)
    chosen = chosen if len(chosen) else np.array([0])
    labels = []
    for n, i in enumerate(chosen):
        new = n == 0 or month[i] != month[chosen[n - 1]]
        text = f"{day[i]}" + (f"\n{MONTHS[month[i] - 1]}" if new else "")
        labels.append(text + (f" {year[i]}" if n == 0 or (new and month[i] == 1) else ""))
    return chosen, labels
