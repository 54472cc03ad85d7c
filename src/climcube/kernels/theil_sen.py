"""Slopes of given ranks among the slopes of all pairs (Theil 1950, Sen 1968), exactly.

Few pairs: all slopes are written down and selected from. Many pairs: how many slopes are below
a trial slope s is the number of inversions of x - s t, an O(n log n) count. Trials close in on
a rank until the bracket holds a few slopes for each sample; only these are listed (they are the
pairs that change order between both ends of the bracket) and selected from. No sampling
decides, so the answer is a slope that occurs. Only where more slopes than that are equal to
within the rounding of ``x - s t`` is one of them taken for the others.

Samples come in groups (seasons), one behind the other: pairs are those within a group.
"""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.inversions import count_inversions, list_inversions, sort_with_index
from climcube.kernels.selection import middle_value, select

__all__ = ["FEW_PAIRS", "add_count", "all_slopes", "begin_counts", "count_pairs", "slope_of_rank"]

FEW_PAIRS = 5000  # a hundred samples: writing all slopes down is faster than counting
_LISTED = 3  # slopes listed for each sample
_TRIALS = 200
_STUBBORN = 8  # trials after which many equal slopes are suspected


@compiled
def count_pairs(starts: Array) -> int:
    """Return the number of pairs within groups that begin at ``starts`` (last: the end)."""
    pairs = 0
    for g in range(starts.size - 1):
        size = starts[g + 1] - starts[g]
        pairs += size * (size - 1) // 2
    return pairs


@compiled
def all_slopes(t: Array, x: Array, starts: Array, slopes: Array) -> int:
    """Write the slope of every pair; return how many."""
    k = 0
    for g in range(starts.size - 1):
        end = starts[g + 1]
        for i in range(starts[g], end - 1):
            t0, x0 = t[i], x[i]
            for j in range(i + 1, end):
                slopes[k + j - i - 1] = (x[j] - x0) / (t[j] - t0)
            k += end - i - 1
    return k


@compiled
def _turned(t: Array, x: Array, slope: float, start: int, end: int, out: Array) -> None:
    """Write x - slope t; at an infinite slope, what orders in the same way."""
    for i in range(start, end):
        if abs(slope) < np.inf:
            out[i] = x[i] - slope * t[i]
        else:
            out[i] = -t[i] if slope > 0 else t[i]


@compiled
def _count_below(t: Array, x: Array, starts: Array, slope: float, keys: Array, spare: Array) -> int:
    """Return how many pairs have a lesser slope."""
    below = 0
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        _turned(t, x, slope, start, end, keys)
        below += count_inversions(keys[start:end], spare[start:end])
    return below


@compiled
def _list_between(
    t: Array, x: Array, starts: Array, low: float, high: float, limit: int, slopes: Array
) -> int:
    """Write the slopes from ``low`` to below ``high``, at most ``limit``; return how many."""
    n, found = x.size, 0
    keys, spare = np.empty(n), np.empty(n)
    index, spare_index = np.empty(n, np.int64), np.empty(n, np.int64)
    first, second = np.empty(limit, np.int64), np.empty(limit, np.int64)
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        own = slice(start, end)
        _turned(t, x, low, start, end, keys)
        index[own] = np.arange(start, end)
        sort_with_index(keys[own], index[own], spare[own], spare_index[own])
        _turned(t, x, high, start, end, spare)
        for i in range(start, end):
            keys[i] = spare[index[i]]
        count = list_inversions(
            keys[own], index[own], spare[own], spare_index[own], first, second, limit - found
        )
        for k in range(count):
            slopes[found + k] = (x[second[k]] - x[first[k]]) / (t[second[k]] - t[first[k]])
        found += count
    return found


@compiled
def begin_counts(t: Array, x: Array, starts: Array, counts: Array, room: Array) -> int:
    """Write first trial slopes and how many slopes are below; return how many rows.

    Medians of the slopes of distant pairs are close to the median of all. Rows of ``counts``
    are (slope, count).
    """
    known, sample = 0, np.empty(16)
    k = 0
    for g in range(starts.size - 1):
        half = (starts[g + 1] - starts[g]) // 2
        for i in range(starts[g], starts[g] + half):
            room[k] = (x[i + half] - x[i]) / (t[i + half] - t[i])
            k += 1
    if k < 4:
        return 0
    centre = middle_value(room, 0, k, sample)
    low = select(room, 0, k, k // 4, sample)
    high = select(room, 0, k, 3 * k // 4, sample)
    step = (high - low) / np.sqrt(2.0 * k)
    if step > 0:
        for slope in (centre - step, centre + step):
            known = add_count(t, x, starts, slope, counts, known, room)
    return known


@compiled
def add_count(
    t: Array, x: Array, starts: Array, slope: float, counts: Array, known: int, room: Array
) -> int:
    """Append a trial slope; return how many there are now."""
    n = x.size
    counts[known, 0] = slope
    counts[known, 1] = _count_below(t, x, starts, slope, room[:n], room[n : 2 * n])
    return known + 1


@compiled
def _bracket(rank: int, counts: Array, known: int, pairs: int) -> tuple[float, int, float, int]:
    """Return the nearest trials on both sides of a rank, with their counts."""
    low, below, high, above = -np.inf, 0, np.inf, pairs
    for k in range(known):
        slope, count = counts[k, 0], int(counts[k, 1])
        if count <= rank and slope > low:
            low, below = slope, count
        elif count > rank and slope < high:
            high, above = slope, count
    return low, below, high, above


@compiled
def _outward(rank: int, counts: Array, known: int, pad: int, sign: float, trial: int) -> float:
    """Return a trial beyond all others, on the side that ``sign`` says.

    As far as the density of slopes so far says, but ever further after each failure.
    """
    if known == 0:
        return 0.0
    far, near = 0, 0
    for k in range(known):
        if sign * counts[k, 0] > sign * counts[far, 0]:
            far = k
        if sign * counts[k, 0] < sign * counts[near, 0]:
            near = k
    width = abs(counts[far, 0] - counts[near, 0])
    change = abs(counts[far, 1] - counts[near, 1])
    least = max(width, abs(counts[far, 0]) * 1e-3, 1e-6)
    step = least
    if change > 0:
        step = width * (abs(rank - counts[far, 1]) + pad) / change
    shortest = 0.02 * 4.0 ** min(trial, 20)
    step = min(max(step, shortest * least), max(4.0, shortest) * least)
    return float(counts[far, 0] + sign * step)


@compiled
def _rounding(t: Array, x: Array, slope: float) -> float:
    """Return by how much rounding may move the slope at which two neighbours change order."""
    step = np.inf
    for i in range(1, t.size):
        if t[i] > t[i - 1]:
            step = min(step, t[i] - t[i - 1])
    largest = np.abs(x).max() + abs(slope) * np.abs(t).max()
    return float(4.0 * 2.3e-16 * largest / step)


@compiled
def slope_of_rank(
    rank: int, t: Array, x: Array, starts: Array, counts: Array, known: int, room: Array
) -> tuple[float, float, int]:
    """Return the slopes of a rank (from 0) and of the one before, and how many trials there are.

    The one before is NaN where it was not come across.

    ``room`` holds at least three values for each sample, ``counts`` at least 256 rows.
    """
    pairs, limit = count_pairs(starts), _LISTED * x.size
    pad = limit // 3
    sample = np.empty(16)
    for trial in range(_TRIALS):
        low, below, high, above = _bracket(rank, counts, known, pairs)
        if above - below <= limit:
            found = _list_between(t, x, starts, low, high, above - below, room)
            if found > rank - below:
                slope = select(room, 0, found, rank - below, sample)
                before = room[: rank - below].max() if rank > below else np.nan
                return slope, before, known
        if known + 2 >= counts.shape[0]:
            break
        if high == np.inf or low == -np.inf:
            slope = _outward(rank, counts, known, pad, 1.0 if high == np.inf else -1.0, trial)
        elif trial >= _STUBBORN and trial % 2 == 0:
            # Many equal slopes fill the bracket: is it one of them?
            found = _list_between(t, x, starts, low, high, limit, room)
            equal = middle_value(room, 0, found - 1 + found % 2, sample)
            near = _rounding(t, x, equal)
            known = add_count(t, x, starts, equal - near, counts, known, room)
            known = add_count(t, x, starts, equal + near, counts, known, room)
            if counts[known - 2, 1] <= rank < counts[known - 1, 1]:
                return equal, equal if counts[known - 2, 1] < rank else np.nan, known
            continue
        else:
            far_below = rank - below > above - rank
            aim = max(rank - pad, below + 1) if far_below else min(rank + pad, above - 1)
            slope = low + (high - low) * (aim - below) / (above - below)
            if trial % 4 == 3 or not low < slope < high:
                slope = 0.5 * (low + high)
        if not low < slope < high:
            break  # nothing between them: both ends are this slope
        known = add_count(t, x, starts, slope, counts, known, room)
    low, below, high, above = _bracket(rank, counts, known, pairs)
    return 0.5 * (low + high), np.nan, known
