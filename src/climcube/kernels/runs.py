"""Gaps to fill and runs of days above a threshold, in one series."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = [
    "drop_infinite",
    "fill_gaps",
    "find_events",
    "is_after_hole",
    "long_holes",
    "mark_exceedances",
    "remove_trend",
    "restrict_events",
    "stretches",
]


@compiled
def drop_infinite(block: npt.NDArray[np.float64]) -> None:
    """Make infinite values missing, in place: a division by zero is no weather."""
    for cell in range(block.shape[0]):
        series = block[cell]
        some = False  # a truth value: the usual case is over in one vectorised pass
        for i in range(series.size):
            some |= abs(series[i]) == np.inf
        if some:
            for i in range(series.size):
                series[i] = series[i] if abs(series[i]) < np.inf else np.nan


@compiled
def fill_gaps(block: npt.NDArray[np.float64], days: npt.NDArray[np.int64], longest: int) -> None:
    """Interpolate gaps of at most ``longest`` days linearly in time, in place.

    A gap lies between two valid values; its length counts the days between them by date. Values
    missing at either end of the record are no gap.
    """
    if longest <= 0:
        return
    for cell in range(block.shape[0]):
        series = block[cell]
        before = -1
        for i in range(series.size):
            if np.isnan(series[i]):
                continue
            length = days[i] - days[before] - 1
            if before >= 0 and i - before > 1 and length <= longest:
                slope = (series[i] - series[before]) / (days[i] - days[before])
                for j in range(before + 1, i):
                    series[j] = series[before] + slope * (days[j] - days[before])
            before = i


@compiled
def stretches(group: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return where each stretch of consecutive groups begins, and the end of the last.

    Days of year run on from day to day, but for New Year and 29 February; within a stretch
    they are compared as two plain rows, which compilers turn into vector instructions.
    """
    begins = np.empty(group.size + 1, np.int64)
    size = 0
    for i in range(group.size):
        if i == 0 or np.int64(group[i]) != np.int64(group[i - 1]) + 1:
            begins[size] = i
            size += 1
    begins[size] = group.size
    return begins[: size + 1].copy()


@compiled
def mark_exceedances(
    series: npt.NDArray[np.float64],
    limit: npt.NDArray[np.float64],
    group: npt.NDArray[Any],
    begins: npt.NDArray[np.int64],
    above: npt.NDArray[np.uint8],
) -> None:
    """Mark values strictly above the limit of their group (missing values never are)."""
    for k in range(begins.size - 1):
        own = series[begins[k] : begins[k + 1]]
        limits = limit[group[begins[k]] :]
        marks = above[begins[k] : begins[k + 1]]
        for i in range(own.size):
            marks[i] = own[i] > limits[i]


@compiled
def long_holes(days: npt.NDArray[np.int64], max_gap: int, max_pad: int) -> npt.NDArray[np.int64]:
    """Return the samples before which too many days are absent for an event to go on.

    More than may lie between runs that are joined, and more than would be filled in.
    """
    longest = max(max_gap, max_pad)
    holes = np.empty(days.size, np.int64)
    size = 0
    for i in range(1, days.size):
        if days[i] - days[i - 1] - 1 > longest:
            holes[size] = i
            size += 1
    return holes[:size].copy()


@compiled
def is_after_hole(holes: npt.NDArray[np.int64], sample: int) -> bool:
    """Whether a sample is one of ``holes``, ascending; mostly there is none."""
    place = np.searchsorted(holes, sample)
    return bool(place < holes.size and holes[place] == sample)


@compiled
def find_events(
    above: npt.NDArray[np.uint8],
    days: npt.NDArray[np.int64],
    holes: npt.NDArray[np.int64],
    min_duration: int,
    max_gap: int,
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
) -> int:
    """Find the events of one series; write first and last samples, return how many.

    ``above`` marks exceedances; it goes on past the record, unmarked, to a whole number of
    words. A run ends before each of ``holes``. Runs shorter than ``min_duration`` samples are
    dropped first; then neighbours at most ``max_gap`` days apart are joined.
    """
    begins = _begin_runs(above, min_duration)
    for hole in holes:
        begins[max(0, hole - min_duration + 1) : hole] = 0
    words = begins.view(np.uint64)
    found = 0
    i = 0
    while i < begins.size:
        if begins[i] == 0:
            # Most days are none: look at eight at once.
            i += 8 if i % 8 == 0 and words[i // 8] == 0 else 1
            continue
        first = i
        # Runs of one sample are not parted by what was cleared above.
        while begins[i] != 0 and (i == first or not is_after_hole(holes, i)):
            i += 1
        last = i + min_duration - 2
        if found > 0 and days[first] - days[end[found - 1]] - 1 <= max_gap:
            end[found - 1] = last
        else:
            start[found], end[found] = first, last
            found += 1
    return found


@compiled
def _begin_runs(above: npt.NDArray[np.uint8], length: int) -> npt.NDArray[np.uint8]:
    """Mark where ``length`` marked samples begin; the last sample is unmarked.

    Most runs are short. To tell them one by one costs a mispredicted branch or two each; whole
    rows shifted and multiplied, doubling what is known, have none.
    """
    begins, known = above.copy(), 1
    while known < length:
        step = min(known, length - known)
        before = begins.copy()
        later = before[step:]
        begins[later.size :] = 0
        for i in range(later.size):
            begins[i] = before[i] & later[i]
        known += step
    return begins


@compiled
def restrict_events(
    allowed: npt.NDArray[np.float64],
    days: npt.NDArray[np.int64],
    min_duration: int,
    max_gap: int,
    found: int,
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
) -> int:
    """Keep of the events only runs of samples that are allowed; return how many there are.

    ``allowed`` is nonzero where a sample meets the second criterion. Runs within an event that
    are shorter than ``min_duration`` samples are dropped first; then neighbours at most
    ``max_gap`` days apart are joined, also those of two events.
    """
    if allowed.size == 0:
        return found
    first, last = start[:found].copy(), end[:found].copy()
    kept = 0
    for k in range(found):
        i = first[k]
        while i <= last[k]:
            begin = i
            while i <= last[k] and allowed[i] > 0:
                i += 1
            if i - begin >= min_duration:
                if kept > 0 and days[begin] - days[end[kept - 1]] - 1 <= max_gap:
                    end[kept - 1] = i - 1
                else:
                    start[kept], end[kept] = begin, i - 1
                    kept += 1
            i += 1
    return kept


@compiled
def remove_trend(block: npt.NDArray[np.float64], days: npt.NDArray[np.int64]) -> None:
    """Subtract from each series its least-squares line over the days, in place; keep its mean."""
    for cell in range(block.shape[0]):
        series = block[cell]
        size, day, value = 0, 0.0, 0.0
        for i in range(series.size):
            if np.isfinite(series[i]):
                size += 1
                day += (days[i] - days[0] - day) / size
                value += (series[i] - value) / size
        square = product = 0.0
        for i in range(series.size):
            if np.isfinite(series[i]):
                distance = days[i] - days[0] - day
                square += distance * distance
                product += distance * (series[i] - value)
        if square > 0:
            for i in range(series.size):
                series[i] -= product / square * (days[i] - days[0] - day)
