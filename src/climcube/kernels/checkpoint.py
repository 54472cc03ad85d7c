"""Heatwaves day by day: what a cell must remember so that new days alone need be looked at.

A cell's checkpoint is a row of numbers of fixed length, however long the record or an event
that is under way: the tally of that event, the last valid value, and the sample up to which
everything is settled. Going on from a checkpoint does the operations of
`climcube.kernels.heatwave` in their order, so the results have the same bits.

A sample is settled when no later value can change what it counts for. Short runs wait until
they are long enough, an event until it can no longer be joined, missing values until they can
no longer be interpolated; so a cell lags behind by fewer than ``min_duration + max_gap +
max_pad`` samples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.annual import ANNUAL, add_day, add_metrics, begin_years
from climcube.kernels.compiled import Array, compiled
from climcube.kernels.events import (
    TALLY,
    WIDTH,
    anomaly_of,
    begin_event,
    category_of,
    exceedance_limits,
    extend_event,
    finish_event,
    severity_of,
)
from climcube.kernels.runs import is_after_hole

__all__ = ["SLOTS", "Clock", "empty_checkpoint", "empty_sums", "fill_on", "go_on"]

SLOTS = (
    "position",  # number of samples settled
    "exact",  # whether values are decoded exactly from packed integers; NaN: not yet known
    "valid_day",  # of the last settled sample that has a value
    "valid_value",
    "before",  # anomaly of the last settled sample
    "closed",  # number of events that are over
    "open",  # whether an event is under way, up to the last settled sample
    "start",  # its first sample, the year of that, the anomaly of the sample before
    "start_year",
    "edge",
    *TALLY,
)
(_POSITION, _EXACT, _VALID_DAY, _VALID, _BEFORE, _CLOSED, _OPEN, _START, _YEAR, _EDGE) = range(10)
_TALLY = 10
_MISSING, _UNDEFINED = ANNUAL.index("days_missing"), ANNUAL.index("days_undefined")
_MAX = ANNUAL.index("intensity_max_max")


class Clock(NamedTuple):
    """What the kernels know of time: tables along the samples of the block."""

    days: npt.NDArray[np.int64]  # ordinal of each sample's day
    group: npt.NDArray[np.int64]  # its row of the climatology
    row: npt.NDArray[np.int64]  # its row of ``years``
    years: npt.NDArray[np.int64]  # calendar years of the annual sums
    first: int  # number of the block's first sample in the record
    stop: int  # number of samples of the block that are looked at
    holes: npt.NDArray[np.int64]  # samples before which too many days for one event are absent


def empty_checkpoint() -> npt.NDArray[np.float64]:
    """Return the slots of a cell without samples."""
    slots = np.zeros(len(SLOTS))
    slots[[_EXACT, _VALID_DAY, _VALID, _YEAR]] = np.nan
    return slots


def empty_sums() -> npt.NDArray[np.float64]:
    """Return the annual sums of a year without events, by `climcube.kernels.annual.ANNUAL`."""
    sums = np.zeros(len(ANNUAL))
    sums[_MAX] = np.nan
    return sums


@compiled
def go_on(
    block: Array,
    checkpoint: Array,
    seas: Array,
    thresh: Array,
    sums: Array,
    clock: tuple[Any, ...],
    settings: tuple[Any, ...],
    final: bool,
    numbers: Array,
    categories: Array,
) -> tuple[Array, Array]:
    """Go on from each cell's checkpoint; return the cell and the row of each event that closed.

    Parameters
    ----------
    block, checkpoint, seas, thresh
        ``(cells, samples)``, ``(cells, slots)``, ``(cells, groups)``, signs turned for cold
        spells, values exact. Gaps are filled in the block, the checkpoint moves on.
    sums
        ``(cells, years, columns)``, added to.
    clock, settings
        A `Clock` and ``min_duration, max_gap, max_pad, sign, ties``.
    final
        The record ends with the block: everything is settled, an event under way ends.
    numbers, categories
        ``(cells, samples)`` to be filled in, or without cells where they are not wanted.
    """
    limit = np.empty(seas.shape[1])
    missing = np.empty(block.shape[1], np.bool_)
    most = clock[5] // settings[0] + 2
    cells, rows, size = np.empty(most, np.int64), np.empty((most, WIDTH)), 0
    for cell in range(block.shape[0]):
        if size + most > cells.size:
            room = 2 * (size + most)
            more_cells, more_rows = np.empty(room, np.int64), np.empty((room, WIDTH))
            more_cells[:size], more_rows[:size] = cells[:size], rows[:size]
            cells, rows = more_cells, more_rows
        exceedance_limits(seas[cell], thresh[cell], settings[4], limit)
        wanted = min(cell, numbers.shape[0] - 1)
        marks = numbers[wanted : wanted + 1], categories[wanted : wanted + 1]
        data = block[cell], seas[cell], thresh[cell], limit
        found = _one_series(
            data,
            checkpoint[cell],
            sums[cell].T,
            clock,
            settings,
            final,
            missing,
            marks,
            rows[size:],
        )
        cells[size : size + found] = cell
        size += found
    return cells[:size].copy(), rows[:size].copy()


@compiled
def _one_series(
    data: tuple[Any, ...],
    slots: Array,
    columns: Array,
    clock: tuple[Any, ...],
    settings: tuple[Any, ...],
    final: bool,
    missing: Array,
    marks: tuple[Any, ...],
    rows: Array,
) -> int:
    """Settle what can be settled of one series; everything, where the record ends with it."""
    series, limit, group, days, holes = data[0], data[3], clock[1], clock[0], clock[6]
    min_duration, max_gap, max_pad, sign, _ = settings
    begun = i = int(slots[_POSITION]) - clock[4]
    end = fill_on(series, days, missing, i, clock[5], max_pad, slots)
    if final:
        end = clock[5]
    found = 0
    while True:
        if slots[_OPEN] > 0:
            if not is_after_hole(holes, i):
                stop = _run_end(series, limit, group, holes, i, end)
                i = _extend(data, slots, columns, clock, marks, i, stop)
            first, last = _next_run(series, limit, group, holes, i, end, min_duration)
            # Days between the event and that run, or the earliest one that may still come.
            upto = days[first] - 1 if first < end else days[end - 1]
            gap = upto - days[i - 1] if i < end else 0
            if gap <= max_gap and last - first >= min_duration:
                i = _extend(data, slots, columns, clock, marks, i, last)
            elif gap <= max_gap and not final:
                break
            else:
                _close(data, slots, columns, clock, begun, i, sign, rows[found])
                found += 1
        else:
            first, last = _next_run(series, limit, group, holes, i, end, min_duration)
            if last - first < min_duration:
                i = end if final else first
                break
            _open(data, slots, clock, begun, first)
            i = _extend(data, slots, columns, clock, marks, first, last)
    _settle(data, slots, columns, clock, missing, begun, i)
    return found


@compiled
def fill_on(
    series: Array, days: Array, missing: Array, begin: int, stop: int, longest: int, slots: Array
) -> int:
    """Interpolate gaps as `climcube.kernels.runs.fill_gaps`; return how many samples are certain.

    The others are missing at the end, and a value to come may still fill them. ``missing`` says
    which samples were given without a value.
    """
    value, day = slots[_VALID], 0 if np.isnan(slots[_VALID_DAY]) else int(slots[_VALID_DAY])
    some = not np.isnan(slots[_VALID_DAY])
    before = begin - 1
    for i in range(begin, stop):
        missing[i] = np.isnan(series[i])
        if missing[i]:
            continue
        if longest > 0 and some and i > before + 1 and days[i] - day - 1 <= longest:
            slope = (series[i] - value) / (days[i] - day)
            for j in range(before + 1, i):
                series[j] = value + slope * (days[j] - day)
        some, value, day, before = True, series[i], days[i], i
    if longest > 0 and some and before < stop - 1 and days[stop - 1] - day <= longest:
        return before + 1
    return stop


@compiled
def _run_end(series: Array, limit: Array, group: Array, holes: Array, first: int, end: int) -> int:
    """Return the first sample from ``first`` on that is no exceedance, or is after a hole."""
    i = first
    while i < end and series[i] > limit[group[i]]:
        i += 1
        if is_after_hole(holes, i):
            break
    return i


@compiled
def _next_run(
    series: Array,
    limit: Array,
    group: Array,
    holes: Array,
    first: int,
    end: int,
    min_duration: int,
) -> tuple[int, int]:
    """Return start and end of the next run that is long enough.

    Where there is none: the start of a shorter one that reaches the end and may grow, else the
    end.
    """
    i = first
    while i < end:
        if not series[i] > limit[group[i]]:
            i += 1
            continue
        stop = _run_end(series, limit, group, holes, i, end)
        if stop - i >= min_duration or stop == end:
            return i, stop
        i = stop
    return end, end


@compiled
def _open(data: tuple[Any, ...], slots: Array, clock: tuple[Any, ...], begun: int, i: int) -> None:
    """Begin an event at sample ``i``."""
    series, seas, thresh, _ = data
    group, shift = clock[1], clock[4]
    slots[_OPEN] = 1.0
    slots[_START] = i + shift
    slots[_YEAR] = clock[3][clock[2][i]]
    if i + shift == 0:
        slots[_EDGE] = np.nan
    elif is_after_hole(clock[6], i):
        slots[_EDGE] = 0.0
    elif i == begun:
        slots[_EDGE] = slots[_BEFORE]
    else:
        slots[_EDGE] = anomaly_of(series, seas, group, i - 1)
    begin_event(series, seas, thresh, group, i, slots[_TALLY:])


@compiled
def _extend(
    data: tuple[Any, ...],
    slots: Array,
    columns: Array,
    clock: tuple[Any, ...],
    marks: tuple[Any, ...],
    first: int,
    end: int,
) -> int:
    """Add the samples from ``first`` up to ``end`` to the event; return ``end``."""
    if end == first:
        return end
    series, seas, thresh, limit = data
    group, row = clock[1], clock[2]
    extend_event(series, seas, thresh, limit, group, first, end - 1, clock[4], slots[_TALLY:])
    for i in range(first, end):
        g = group[i]
        add_day(series[i], seas[g], thresh[g], limit[g], row[i], columns)
    numbers, categories = marks
    if numbers.shape[0] > 0:
        for i in range(first, end):
            g = group[i]
            numbers[0, i] = int(slots[_CLOSED]) + 1
            if not np.isinf(limit[g]):
                categories[0, i] = category_of(severity_of(series[i], seas[g], thresh[g]))
    return end


@compiled
def _close(
    data: tuple[Any, ...],
    slots: Array,
    columns: Array,
    clock: tuple[Any, ...],
    begun: int,
    i: int,
    sign: float,
    row: Array,
) -> None:
    """End the event at the sample before ``i`` and add it to the year it started in."""
    series, seas, group = data[0], data[1], clock[1]
    last = anomaly_of(series, seas, group, i - 1) if i > begun else slots[_BEFORE]
    after = np.nan
    if i < clock[5]:
        after = 0.0 if is_after_hole(clock[6], i) else anomaly_of(series, seas, group, i)
    start, end = int(slots[_START]), i - 1 + clock[4]
    finish_event(slots[_TALLY:], start, end, slots[_EDGE], last, after, sign, row)
    year = np.searchsorted(clock[3], int(slots[_YEAR]))
    if year < clock[3].size and clock[3][year] == int(slots[_YEAR]):
        add_metrics(row, int(year), sign, columns)
    slots[_CLOSED] += 1.0
    slots[_OPEN] = 0.0
    slots[_YEAR] = np.nan


@compiled
def _settle(
    data: tuple[Any, ...],
    slots: Array,
    columns: Array,
    clock: tuple[Any, ...],
    missing: Array,
    begun: int,
    end: int,
) -> None:
    """Let go of the samples before ``end``: count their gaps, keep what the next ones need."""
    if end == begun:
        return
    series, seas, _, limit = data
    days, group, row, years, first, _, _ = clock
    counted = np.zeros((years.size, columns.shape[0])).T
    begin_years(
        series[begun:end], limit, group[begun:end], row[begun:end],
        np.zeros(years.size, np.int64), counted,
    )  # fmt: skip
    columns[_MISSING] += counted[_MISSING]
    columns[_UNDEFINED] += counted[_UNDEFINED]
    slots[_POSITION] = end + first
    slots[_BEFORE] = anomaly_of(series, seas, group, end - 1)
    valid = end - 1
    while valid >= begun and missing[valid]:
        valid -= 1
    if valid >= begun:
        slots[_VALID], slots[_VALID_DAY] = series[valid], days[valid]
