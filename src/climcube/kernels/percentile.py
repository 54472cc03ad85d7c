"""Percentile and mean of sliding windows over one series, exactly, in float64.

A window is a row of values, some forty of which change from one day of year to the next. The
values are put into bins that order as they do, the bins of the window are counted, and a
pointer to the bin that holds the order statistic follows from day to day: a change touches one
count, and the pointer moves by a few bins. Integers that were packed are their own bins, so
the pointer *is* the order statistic. Of other values the few that share the pointer's bin are
looked up and put in order. No sampling, no approximation; ties count as often as they occur.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["sliding_statistics"]

Floats = npt.NDArray[np.float64]
Bins = npt.NDArray[np.int32]
Index = npt.NDArray[np.uint32]  # unsigned: a number below zero would be tested at each use

_MISSING = -(2**31)
_BINS = 2**12  # of values that are no integers: a hundredth of their range or less each
_LARGEST = 2**30  # of the integers of packed series that are counted
_MOST_BINS = 2**17  # packed series of a wider range are not worth counting
_STRETCH = 32  # slots of a window compared at once
_FEW = 16  # values that are sorted by insertion


@compiled
def _pack(series: Floats, scale: float, offset: float, bins: Bins) -> tuple[int, int]:
    """Write the integers of a packed series, counted from the least one.

    Return that, and what stands for missing values, one above the greatest. ``_MISSING`` comes
    first where a value is not exactly ``integer * scale + offset``.
    """
    per_step = 1.0 / scale
    off_grid = 0
    for i in range(series.size):
        known = abs(series[i]) < np.inf
        integer = np.rint((series[i] - offset) * per_step) if known else 0.0
        off_grid += known & ((integer * scale + offset != series[i]) | (abs(integer) > _LARGEST))
        bins[i] = np.int32(integer) if known else _MISSING
    if off_grid > 0:
        return _MISSING, 0
    least, most = np.int32(_LARGEST), np.int32(-_LARGEST)
    for i in range(series.size):
        most = max(most, bins[i])
        least = min(least, bins[i] if bins[i] != _MISSING else np.int32(_LARGEST))
    if least > most or most - least >= _MOST_BINS:
        return _MISSING, 0
    nothing = most - least + 1
    for i in range(series.size):
        bins[i] = bins[i] - least if bins[i] != _MISSING else nothing
    return int(least), int(nothing)


@compiled
def _sort_into_bins(series: Floats, bins: Bins) -> bool:
    """Write the bin of each value, all equally wide; that of missing ones is above the others.

    Return whether there is any value.
    """
    lowest, highest = np.inf, -np.inf
    for i in range(series.size):
        if abs(series[i]) < np.inf:
            lowest, highest = min(lowest, series[i]), max(highest, series[i])
    # Rounding is monotonic, so bins order as values do, whatever the range.
    factor = (_BINS - 1) / (highest - lowest) if highest > lowest else 0.0
    for i in range(series.size):
        place = (series[i] - lowest) * factor
        known = abs(series[i]) < np.inf
        bins[i] = np.int32(place if place < _BINS else 0.0) if known else _BINS
    return highest >= lowest


@compiled
def _look_up(
    row: Index, values: Floats, low: Any, high: Any, rank: int, found: Floats
) -> tuple[float, float]:
    """Return the value of a rank within the bin ``low``, and the one that follows it.

    That is the next one of the same bin, or where ``high`` is another bin the least one there.
    """
    size, least = 0, np.inf
    for begin in range(0, row.size, _STRETCH):
        hit = False  # a truth value keeps the comparison of integers vectorised, a sum does not
        for j in range(begin, begin + _STRETCH):
            hit |= (row[j] == low) | (row[j] == high)
        if not hit:
            continue
        for j in range(begin, begin + _STRETCH):
            if row[j] == low:
                found[size] = values[j]
                size += 1
            elif row[j] == high:
                least = min(least, values[j])
    _sort(found[:size])
    return found[rank], least if high != low else found[min(rank + 1, size - 1)]


@compiled
def _sort(few: Floats) -> None:
    if few.size > _FEW:
        few.sort()
        return
    for i in range(1, few.size):
        value, j = few[i], i
        while j > 0 and few[j - 1] > value:
            few[j] = few[j - 1]
            j -= 1
        few[j] = value


@compiled
def _follow(counts: Bins, pointer: int, below: int, rank: int) -> tuple[int, int]:
    """Move the pointer to the bin of a rank; ``below`` are the values in lower bins."""
    while below > rank:
        pointer -= 1
        below -= counts[pointer]
    while below + counts[pointer] <= rank:
        below += counts[pointer]
        pointer += 1
    return pointer, below


@compiled
def _following_bin(counts: Bins, pointer: int, below: int, rank: int) -> int:
    """Return the bin of the rank after the pointer's."""
    above = pointer
    if below + counts[pointer] <= rank + 1:
        above += 1
        while counts[above] == 0:
            above += 1
    return above


@compiled
def _two_values(work: tuple[Any, ...], low: int, high: int, rank: int) -> tuple[float, float]:
    """Return the value of a rank within bin ``low``, and the one that follows it."""
    counts, latest, row, values, found = work
    alone = counts[low] == 1 and row[latest[low]] == low
    if alone and high != low:
        alone = counts[high] == 1 and row[latest[high]] == high
    if alone:
        return values[latest[low]], values[latest[high]]
    return _look_up(row, values, np.uint32(low), np.uint32(high), rank, found)


@compiled
def _slide_integers(
    bins: Index,
    nothing: int,
    grid: tuple[int, float, float],
    quantile: float,
    windows: tuple[Any, ...],
    work: tuple[Any, ...],
    tables: tuple[Any, ...],
) -> None:
    """Visit every window of a packed series; write mean, percentile and count of each.

    What is missing fills the bin ``nothing`` above all others, so no value needs a test.
    """
    first, scale, offset = grid
    groups, start, slots, samples = windows
    counts, _, row, _, _ = work
    mean, percentile, count = tables
    row[:] = nothing
    counts[nothing] = row.size
    whole, pointer, below = nothing * row.size, 0, 0
    for k in range(groups.size):
        for i in range(start[k], start[k + 1]):
            old, new = row[slots[i]], bins[samples[i]]
            row[slots[i]] = new
            counts[old] -= 1
            counts[new] += 1
            below += int(new < pointer) - int(old < pointer)
            whole += np.int64(new) - np.int64(old)
        size = row.size - counts[nothing]
        if size == 0:
            continue
        group, position = groups[k], (size - 1) * quantile
        rank = int(np.floor(position))
        pointer, below = _follow(counts, pointer, below, rank)
        above = _following_bin(counts, pointer, below, rank) if position > rank else pointer
        low, high = (first + pointer) * scale + offset, (first + above) * scale + offset
        mean[group] = (first * size + whole - nothing * counts[nothing]) / size * scale + offset
        # Hyndman-Fan type 7: interpolate between this rank and the next.
        percentile[group] = low + (position - rank) * (high - low)
        count[group] = size


@compiled
def _slide_values(
    series: Floats,
    bins: Index,
    nothing: int,
    quantile: float,
    windows: tuple[Any, ...],
    work: tuple[Any, ...],
    tables: tuple[Any, ...],
) -> None:
    """Do the same for any series: values that share a bin are looked up."""
    groups, start, slots, samples = windows
    counts, latest, row, values, _ = work
    mean, percentile, count = tables
    row[:] = nothing
    origin = np.nan  # sums about a value of the series lose no digits
    total, size, pointer, below = 0.0, 0, 0, 0
    for k in range(groups.size):
        for i in range(start[k], start[k + 1]):
            slot, sample = slots[i], samples[i]
            old, new = row[slot], bins[sample]
            row[slot] = new
            if old != nothing:
                counts[old] -= 1
                size -= 1
                below -= old < pointer
                total -= values[slot] - origin
            if new != nothing:
                counts[new] += 1
                size += 1
                below += new < pointer
                values[slot] = series[sample]
                latest[new] = slot
                origin = values[slot] if np.isnan(origin) else origin
                total += values[slot] - origin
        if size == 0:
            continue
        group, position = groups[k], (size - 1) * quantile
        rank = int(np.floor(position))
        pointer, below = _follow(counts, pointer, below, rank)
        above = _following_bin(counts, pointer, below, rank) if position > rank else pointer
        low, high = _two_values(work, pointer, above, rank - below)
        mean[group] = origin + total / size
        percentile[group] = low + (position - rank) * (high - low)
        count[group] = size


@compiled
def sliding_statistics(
    block: Floats,
    size: int,
    quantile: float,
    grid: tuple[float, float],
    capacity: int,
    groups: Index,
    start: Index,
    slots: Index,
    samples: Index,
) -> Any:
    """Return mean, percentile and count of each group's window, each ``(cells, size)``.

    Parameters
    ----------
    block
        ``(cells, time)``; values that are not finite are missing.
    size
        Number of groups in the output; groups never visited or without data stay NaN, count 0.
    quantile
        Between 0 and 1.
    grid
        Scale (above 0) and offset of values that may have been packed, else
        ``climcube.kernels.settings.NO_GRID``. It is verified on each series.
    capacity, groups, start, slots, samples
        See `climcube.kernels.windows.Windows`.
    """
    cells, times = block.shape
    mean = np.full((cells, size), np.nan)
    percentile = np.full((cells, size), np.nan)
    count = np.zeros((cells, size), np.int32)
    room = (capacity + _STRETCH - 1) // _STRETCH * _STRETCH
    row, values, found = np.empty(room, np.uint32), np.empty(room), np.empty(room)
    bins = np.empty(times + 1, np.int32)  # the last one stands for nothing
    counts = np.empty(_BINS + 1, np.int32)
    latest = np.empty(_BINS, np.uint32)  # slot of the value that came into a bin last
    windows = (groups, start, slots, samples)
    for cell in range(cells):
        series, tables = block[cell], (mean[cell], percentile[cell], count[cell])
        first, nothing = _MISSING, _BINS
        if grid[0] > 0:
            first, nothing = _pack(series, grid[0], grid[1], bins[:times])
        packed = first != _MISSING
        if not packed:
            nothing = _BINS
            if not _sort_into_bins(series, bins[:times]):
                continue
        bins[times] = nothing
        if nothing >= counts.size:
            counts = np.empty(nothing + 1, np.int32)
        counts[: nothing + 1] = 0
        work, own = (counts, latest, row, values, found), bins.view(np.uint32)
        if packed:
            scaled = (first, grid[0], grid[1])
            _slide_integers(own, nothing, scaled, quantile, windows, work, tables)
        else:
            _slide_values(series, own, nothing, quantile, windows, work, tables)
    return mean, percentile, count
