"""Percentile and mean of sliding windows over one series, exactly, in float64.

A window is a short contiguous row of values, some sixty of which change from one day of year
to the next. Yesterday's order statistic is off by a few ranks at most, so it is moved rank by
rank: each step is a pass over the row that compares and counts. Values are compared as the
integers that order as they do, for which compilers write vector instructions. No sorting, no
approximation; ties count as often as they occur.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["sliding_statistics"]

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]
Key = np.int64
Index = npt.NDArray[np.uint32]

_HIGHEST = np.int64(2**63 - 1)  # what is missing ranks last
_LOWEST = np.int64(-(2**63))


@compiled
def _turn(keys: Keys) -> None:
    """Turn the bits of floats into integers of the same order, or back, in place."""
    for i in range(keys.size):
        keys[i] ^= (keys[i] >> 63) & _HIGHEST


@compiled
def _count_below(row: Keys, key: Key) -> int:
    count = 0
    for i in range(row.size):
        count += row[i] < key
    return count


@compiled
def _next_above(row: Keys, key: Key) -> Key:
    least = _HIGHEST
    for i in range(row.size):
        least = min(least, row[i] if row[i] > key else _HIGHEST)
    return least


@compiled
def _next_below(row: Keys, key: Key) -> Key:
    most = _LOWEST
    for i in range(row.size):
        most = max(most, row[i] if row[i] < key else _LOWEST)
    return most


@compiled
def _order_statistic(row: Keys, rank: int, guess: Key) -> tuple[Key, int]:
    """Return the key of a rank (from 0), and how many keys do not exceed it."""
    key = guess
    below, up_to = _count_below(row, key), _count_below(row, key + 1)
    while up_to <= rank:
        key = _next_above(row, key)
        up_to = _count_below(row, key + 1)
        below = rank  # or less: the key before was too low
    while below > rank:
        key = _next_below(row, key)
        up_to, below = below, _count_below(row, key)
    return key, up_to


@compiled
def _slide(
    series: Floats,
    keys: Keys,
    quantile: float,
    groups: Index,
    start: Index,
    slots: Index,
    samples: Index,
    mean: Floats,
    lower: Keys,
    upper: Keys,
    count: npt.NDArray[np.int32],
    row: Keys,
    values: Floats,
) -> None:
    """Visit every window of one series; write mean, two order statistics and count."""
    row[:] = _HIGHEST
    values[:] = np.nan
    origin = np.nan  # sums about a value of the series lose no digits
    total, size, key = 0.0, 0, np.int64(0)
    for k in range(groups.size):
        for i in range(start[k], start[k + 1]):
            slot, sample = slots[i], samples[i]
            if row[slot] != _HIGHEST:
                total -= values[slot] - origin
                size -= 1
            row[slot], values[slot] = keys[sample], series[sample]
            if row[slot] != _HIGHEST:
                if np.isnan(origin):
                    origin = values[slot]
                    key = row[slot]
                total += values[slot] - origin
                size += 1
        if size == 0:
            continue
        position = (size - 1) * quantile
        rank = int(np.floor(position))
        key, up_to = _order_statistic(row, rank, key)
        group = groups[k]
        lower[group] = upper[group] = key
        if position > rank and up_to <= rank + 1:
            upper[group] = _next_above(row, key)
        count[group] = size
        mean[group] = origin + total / size


@compiled
def sliding_statistics(
    block: Floats,
    size: int,
    quantile: float,
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
    capacity, groups, start, slots, samples
        See `climcube.kernels.windows.Windows`.
    """
    cells, times = block.shape
    mean = np.full((cells, size), np.nan)
    percentile = np.full((cells, size), np.nan)
    count = np.zeros((cells, size), np.int32)
    row, values = np.empty(capacity, np.int64), np.empty(capacity)
    series = np.full(times + 1, np.nan)
    keys = series.view(np.int64).copy()
    lower, upper = np.empty(size, np.int64), np.empty(size, np.int64)
    for cell in range(cells):
        series[:times] = block[cell]
        keys[:] = series.view(np.int64)
        _turn(keys)
        for i in range(times + 1):
            keys[i] = keys[i] if abs(series[i]) < np.inf else _HIGHEST
        _slide(
            series, keys, quantile, groups, start, slots, samples,
            mean[cell], lower, upper, count[cell], row, values,
        )  # fmt: skip
        _turn(lower)
        _turn(upper)
        low, high = lower.view(np.float64), upper.view(np.float64)
        for group in range(size):
            if count[cell, group] > 0:
                # Hyndman-Fan type 7: interpolate between this rank and the next.
                position = (count[cell, group] - 1) * quantile
                fraction = position - np.floor(position)
                percentile[cell, group] = low[group] + fraction * (high[group] - low[group])
    return mean, percentile, count
