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
Index = npt.NDArray[np.uint32]

_MISSING = -(2**31)
_BINS = 2**12  # of values that are no integers: a hundredth of their range or less each
_LARGEST = 2**30  # of the integers of packed series that are counted
_MOST_BINS = 2**17  # packed series of a wider range are not worth counting
_STRETCH = 32  # slots of a window compared at once
_FEW = 16  # values that are sorted by insertion


@compiled
def _pack(series: Floats, scale: float, offset: float, bins: Bins) -> int:
    """Write the integers of a packed series, counted from the least one, and return that.

    ``_MISSING`` is returned where one value is not exactly ``integer * scale + offset``.
    """
    per_step = 1.0 / scale
    off_grid = 0
    for i in range(series.size):
        known = abs(series[i]) < np.inf
        integer = np.rint((series[i] - offset) * per_step) if known else 0.0
        off_grid += known & ((integer * scale + offset != series[i]) | (abs(integer) > _LARGEST))
        bins[i] = np.int32(integer) if known else _MISSING
    if off_grid > 0:
        return _MISSING
    least, most = np.int32(_LARGEST), np.int32(-_LARGEST)
    for i in range(series.size):
        most = max(most, bins[i])
        least = min(least, bins[i] if bins[i] != _MISSING else np.int32(_LARGEST))
    if least > most or most - least >= _MOST_BINS:
        return _MISSING
    for i in range(series.size):
        bins[i] = bins[i] - least if bins[i] != _MISSING else _MISSING
    return int(least)


@compiled
def _sort_into_bins(series: Floats, bins: Bins) -> None:
    """Write the bin of each value, all equally wide, from the least value to the greatest."""
    lowest, highest = np.inf, -np.inf
    for i in range(series.size):
        if abs(series[i]) < np.inf:
            lowest, highest = min(lowest, series[i]), max(highest, series[i])
    # Rounding is monotonic, so bins order as values do, whatever the range.
    factor = (_BINS - 1) / (highest - lowest) if highest > lowest else 0.0
    for i in range(series.size):
        place = (series[i] - lowest) * factor
        known = abs(series[i]) < np.inf
        bins[i] = np.int32(place if place < _BINS else 0.0) if known else _MISSING


@compiled
def _look_up(
    row: Bins, values: Floats, low: int, high: int, rank: int, found: Floats
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
    return _look_up(row, values, low, high, rank, found)


@compiled
def _slide(
    series: Floats,
    bins: Bins,
    packed: bool,
    grid: tuple[float, float, float],
    quantile: float,
    windows: tuple[Any, ...],
    work: tuple[Any, ...],
    tables: tuple[Any, ...],
) -> None:
    """Visit every window of one series; write mean, percentile and count of each."""
    first, scale, offset = grid
    groups, start, slots, samples = windows
    counts, latest, row, values, _ = work
    mean, percentile, count = tables
    row[:] = _MISSING
    origin = np.nan  # sums about a value of the series lose no digits
    total, whole, size, pointer, below = 0.0, 0, 0, 0, 0
    for k in range(groups.size):
        for i in range(start[k], start[k + 1]):
            slot, sample = slots[i], samples[i]
            old, new = row[slot], bins[sample]
            row[slot] = new
            if old != _MISSING:
                counts[old] -= 1
                size -= 1
                below -= old < pointer
                whole -= old
                if not packed:
                    total -= values[slot] - origin
            if new != _MISSING:
                counts[new] += 1
                size += 1
                below += new < pointer
                whole += new
                if not packed:
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
        if packed:
            low, high = (first + pointer) * scale + offset, (first + above) * scale + offset
            mean[group] = (first * size + whole) / size * scale + offset
        else:
            low, high = _two_values(work, pointer, above, rank - below)
            mean[group] = origin + total / size
        # Hyndman-Fan type 7: interpolate between this rank and the next.
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
    row, values, found = np.empty(room, np.int32), np.empty(room), np.empty(room)
    bins = np.empty(times + 1, np.int32)
    bins[times] = _MISSING  # the sample that stands for nothing
    counts = np.empty(_BINS, np.int32)
    latest = np.empty(_BINS, np.int32)  # slot of the value that came into a bin last
    for cell in range(cells):
        series = block[cell]
        first = _MISSING
        if grid[0] > 0:
            first = _pack(series, grid[0], grid[1], bins[:times])
        packed = first != _MISSING
        if not packed:
            _sort_into_bins(series, bins[:times])
        used = bins.max() + 1
        if used <= 0:
            continue
        if used > counts.size:
            counts, latest = np.empty(used, np.int32), np.empty(used, np.int32)
        counts[:used] = 0
        _slide(
            series, bins, packed, (float(first), grid[0], grid[1]), quantile,
            (groups, start, slots, samples), (counts, latest, row, values, found),
            (mean[cell], percentile[cell], count[cell]),
        )  # fmt: skip
    return mean, percentile, count
