"""Slopes of given ranks among the slopes of all pairs (Theil 1950, Sen 1968), exactly.

Few pairs: all slopes are written down and selected from. Many pairs: two samples change places
in the order of x - s t where the trial slope s passes theirs. So the order at one trial, sorted
anew for the next, tells how many slopes lie between the two (inversions) and which ones. Trials
come close to a rank, ever cheaper as the order changes less, and the last step lists the few
slopes that it crosses, which are selected from. No sampling decides, so the answer is a slope
that occurs. Only where more slopes than that are equal to within the rounding of ``x - s t`` is
one of them taken for the others.

Samples come in groups (seasons), one behind the other: pairs are those within a group.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.inversions import list_inversions
from climcube.kernels.selection import middle_value, select

__all__ = [
    "FEW_PAIRS",
    "LISTED",
    "Order",
    "all_slopes",
    "count_pairs",
    "move",
    "sample_slopes",
    "slope_of_rank",
]

FEW_PAIRS = 2500  # seventy samples: writing all slopes down is faster than sorting again and again
LISTED = 3  # slopes listed for each sample
_SURE = 0.04  # of what may be listed: how far to go beyond a rank at least
_TRIALS = 200
_STUBBORN = 8  # trials after which many equal slopes are suspected


class Order(NamedTuple):
    """Room for bringing samples into another order: of all samples, of the listed slopes."""

    keys: Array
    spare: Array
    spare_order: Array
    first: Array
    second: Array
    slopes: Array


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
def _turned(t: Array, x: Array, slope: float, order: Array, out: Array) -> None:
    """Write x - slope t in a given order; at an infinite slope, what orders in the same way."""
    if abs(slope) < np.inf:
        for i in range(order.size):
            out[i] = x[order[i]] - slope * t[order[i]]
    else:
        for i in range(order.size):
            out[i] = -t[order[i]] if slope > 0 else t[order[i]]


@compiled
def move(
    t: Array,
    x: Array,
    starts: Array,
    slope: float,
    order: Array,
    state: Array,
    counts: Array,
    known: int,
    room: Order,
    limit: int,
) -> int:
    """Put samples in the order of x - slope t; return how many slopes were crossed.

    The pairs of at most ``limit`` of them are written. Samples that come out equal stay as they
    were, so that slopes equal to this one are below if the order comes from above. ``order``
    and ``state`` (its slope, how many slopes are below, slopes for each unit of slope) are
    changed; the new slope and count are appended to ``counts``.
    """
    found = 0
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        own = slice(start, end)
        keys = room.keys[own]
        _turned(t, x, slope, order[own], keys)
        found += list_inversions(
            keys, order[own], room.spare, room.spare_order,
            room.first[found:], room.second[found:], max(limit - found, 0),
        )  # fmt: skip
    width = slope - state[0]
    if found >= max(8, x.size // 8) and 0 < abs(width) < np.inf:
        state[2] = found / abs(width)
    state[1] += found if width > 0 else -found
    state[0] = slope
    counts[known, 0], counts[known, 1] = slope, state[1]
    return found


@compiled
def sample_slopes(t: Array, x: Array, starts: Array, room: Array) -> tuple[float, float]:
    """Return about where the median of all slopes is, and about how dense they are there.

    From those of pairs half the length apart. NaN where there are few of them.
    """
    k, sample = 0, np.empty(16)
    for g in range(starts.size - 1):
        half = (starts[g + 1] - starts[g]) // 2
        for i in range(starts[g], starts[g] + half):
            room[k] = (x[i + half] - x[i]) / (t[i + half] - t[i])
            k += 1
    if k < 4:
        return np.nan, 0.0
    centre = middle_value(room, 0, k, sample)
    spread = select(room, k // 2, k, 3 * k // 4, sample) - select(room, 0, k // 2, k // 4, sample)
    # As of a normal distribution; pairs are a third of the length apart on average, not a half.
    return centre, 0.36 * count_pairs(starts) / spread if spread > 0 else 0.0


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
def _aim(
    rank: int, state: Array, low: float, below: int, high: float, above: int, limit: int, trial: int
) -> float:
    """Return the next slope to go to.

    So far beyond the rank that it is surely crossed, if few slopes are crossed on the way;
    else straight at it.
    """
    here, count, density = state[0], state[1], state[2]
    if above - below <= limit:  # from one end to the other
        return high if here == low else low
    upwards = (rank >= count and low > -np.inf) or high == np.inf
    near, there = (low, below) if upwards else (high, above)  # here, or nearer to the rank
    if abs(near) == np.inf:
        return 0.0
    away = abs(rank + 0.5 - there)
    beyond = away + _SURE * limit + 0.2 * away
    listed = beyond + abs(there - count) <= 0.8 * limit
    least = max(abs(near) * 1e-3, 1e-6)
    step = (beyond if listed else away) / density if density > 0 else least
    if high == np.inf or low == -np.inf:  # ever further after each failure
        step = max(step * 2.0 ** max(trial - 2, 0), least * 4.0 ** (trial - 8))
        return near + step if upwards else near - step
    slope = near + step if upwards else near - step
    if trial > 3 or not low < slope < high:
        share = min(max((rank + 0.5 - below) / (above - below), 0.05), 0.95)
        slope = low + (high - low) * (0.5 if trial % 4 == 3 else share)
    return slope


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
def _write_slopes(t: Array, x: Array, room: Order, found: int) -> None:
    for k in range(found):
        i, j = room.first[k], room.second[k]
        room.slopes[k] = (x[j] - x[i]) / (t[j] - t[i])


@compiled
def _one_of_many(
    t: Array,
    x: Array,
    starts: Array,
    low: float,
    high: float,
    order: Array,
    state: Array,
    counts: Array,
    known: int,
    room: Order,
) -> tuple[float, int]:
    """Return a slope that may be what fills the bracket, between the last two trials."""
    if state[0] != low:
        move(t, x, starts, low, order, state, counts, known, room, 0)
        known += 1
    limit = room.first.size
    found = min(limit, move(t, x, starts, high, order, state, counts, known, room, limit))
    known += 1
    if found == 0:
        return np.nan, known
    _write_slopes(t, x, room, found)
    equal = middle_value(room.slopes, 0, found - 1 + found % 2, np.empty(16))
    near = _rounding(t, x, equal)
    move(t, x, starts, equal + near, order, state, counts, known, room, 0)
    move(t, x, starts, equal - near, order, state, counts, known + 1, room, 0)
    return equal, known + 2


@compiled
def slope_of_rank(
    rank: int,
    t: Array,
    x: Array,
    starts: Array,
    order: Array,
    state: Array,
    counts: Array,
    known: int,
    room: Order,
) -> tuple[float, float, int]:
    """Return the slopes of a rank (from 0) and of the one before, and how many trials there are.

    The one before is NaN where it was not come across. ``counts`` holds at least 256 rows.
    """
    pairs, limit = count_pairs(starts), LISTED * x.size
    for trial in range(_TRIALS):
        low, below, high, above = _bracket(rank, counts, known, pairs)
        if known + 5 >= counts.shape[0] or not low < high:
            break
        if trial >= _STUBBORN and trial % 2 == 0 and above - below > limit:
            # Many equal slopes fill the bracket: is it one of them?
            equal, known = _one_of_many(t, x, starts, low, high, order, state, counts, known, room)
            if counts[known - 1, 1] <= rank < counts[known - 2, 1]:
                return equal, equal if counts[known - 1, 1] < rank else np.nan, known
            continue
        slope = _aim(rank, state, low, below, high, above, limit, trial)
        if above - below > limit and not low < slope < high:
            slope = 0.5 * (low + high)
            if not low < slope < high:
                break  # nothing between them: both ends are this slope
        before = int(state[1])
        found = move(t, x, starts, slope, order, state, counts, known, room, limit)
        known += 1
        first = min(before, int(state[1]))
        if first <= rank < first + found and found <= limit:
            _write_slopes(t, x, room, found)
            answer = select(room.slopes, 0, found, rank - first, np.empty(16))
            previous = room.slopes[: rank - first].max() if rank > first else np.nan
            return answer, previous, known
    low, below, high, above = _bracket(rank, counts, known, pairs)
    return 0.5 * (low + high), np.nan, known
