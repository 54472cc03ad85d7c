"""The line below which a given share of the values lies (Koenker & Bassett 1978), exactly.

With times and values about some origin and the share tau of n samples written as ``whole +
part``, the least loss that a line of slope b can have is ::

    F(b) = max over w of sum_k w_k (b t_k - x_k),  0 <= w_k <= 1,  sum w = n tau

attained by w = 1 for the ``whole`` samples with the least x - b t, ``part`` for the next one
(the pivot), 0 for the rest. F is convex and made of straight pieces; on one of them the weights
do not change and its derivative is g = sum w_k t_k (times about their mean). Two pieces meet at
the slope ``sum dw_k x_k / sum dw_k t_k``, dw the difference of their weights: in that sum all
samples but those that changed sides cancel without rounding, and where two pieces are
neighbours it is the slope between two samples.

So the slope at which the derivative passes some number is found from both sides: a trial where
the best known pieces meet either lies on both, and then it is the answer, or it cuts a
piece off. The pieces at infinite slopes are known from the start. Derivatives near 0 give the
least loss; derivatives near +-c give the limits of the rank-score test.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.selection import select

__all__ = ["Pieces", "begin_pieces", "level_of", "make_room", "slope_where", "split_share"]

_ROWS = 48
_MOST_TRIALS = 20_000
_FEW = 6  # samples that differ between two pieces: they may be neighbours
_NEAR = 0.25
_WHOLE = 1e-9
_ROUNDING = 8 * 2.3e-16


class Pieces(NamedTuple):
    """What is known of the loss of one series: one row for each piece; and room to work in."""

    slopes: Array  # of the trial that found it
    derivatives: Array
    weights: Array  # (pieces, samples)
    departures: Array
    keys: Array
    sample: Array


@compiled
def make_room(length: int) -> Pieces:
    """Return room for series of at most that length."""
    return Pieces(
        np.empty(_ROWS), np.empty(_ROWS), np.empty((_ROWS, length)),
        np.empty(length), np.empty(length), np.empty(16),
    )  # fmt: skip


@compiled
def split_share(n: int, tau: float) -> tuple[int, float]:
    """Return n tau as whole samples and a part of one; a part that is rounding is none."""
    share = n * tau
    whole = min(int(np.floor(share + _WHOLE)), n - 1)
    part = share - whole
    return whole, 0.0 if part < _WHOLE else min(part, 1.0)


@compiled
def begin_pieces(t: Array, whole: int, part: float, pieces: Pieces) -> int:
    """Write the pieces at slopes of minus and plus infinity; return how many pieces there are.

    Times increase.
    """
    n = t.size
    for row in range(2):
        weights = pieces.weights[row, :n]
        weights[:] = 0.0
        for k in range(whole):
            weights[k if row == 0 else n - 1 - k] = 1.0
        weights[whole if row == 0 else n - 1 - whole] = part
        pieces.slopes[row] = -np.inf if row == 0 else np.inf
        pieces.derivatives[row] = np.sum(weights * t)
    return 2


@compiled
def _try(
    slope: float, t: Array, x: Array, whole: int, part: float, pieces: Pieces, row: int
) -> None:
    """Write, as a row, the piece on which this slope lies."""
    n = t.size
    weights, departures, keys = pieces.weights[row], pieces.departures, pieces.keys
    for k in range(n):
        departures[k] = x[k] - slope * t[k]
        keys[k] = departures[k]
    pivot = select(keys, 0, n, whole, pieces.sample)
    tied, total = whole, 0.0
    for k in range(n):
        below = departures[k] < pivot
        weights[k] = 1.0 if below else 0.0
        tied -= 1 if below else 0
        total += t[k] if below else 0.0
    # Of those at the pivot's height as many as are wanted, in order of time.
    for k in range(n):
        if departures[k] == pivot:
            weights[k] = 1.0 if tied > 0 else part
            total += weights[k] * t[k]
            tied -= 1
            if tied < 0:
                break
    pieces.slopes[row], pieces.derivatives[row] = slope, total


@compiled
def _meeting(t: Array, x: Array, first: Array, second: Array) -> tuple[float, int]:
    """Return the slope at which two pieces meet, and how many samples differ between them."""
    rise, run, changed = 0.0, 0.0, 0
    for k in range(t.size):
        change = second[k] - first[k]
        rise += change * x[k]
        run += change * t[k]
        changed += 1 if change != 0.0 else 0
    return (rise / run if run != 0.0 else np.nan), changed


@compiled
def _lies_on(low: int, own: int, pivot: float, size: float, n: int, pieces: Pieces) -> bool:
    """Say whether the loss of a trial is what another piece says it is at least, but rounding."""
    excess, moved = 0.0, 0.0
    for k in range(n):
        change = pieces.weights[low, k] - pieces.weights[own, k]
        if change != 0.0:
            excess += change * (pieces.departures[k] - pivot)
            moved += abs(change)
    return excess <= _ROUNDING * size * moved


@compiled
def _bracket(target: float, pieces: Pieces, known: int) -> tuple[int, int]:
    """Return the nearest pieces whose derivatives are less than a target, and not."""
    low, high = 0, 1
    for k in range(2, known):
        if pieces.derivatives[k] < target:
            if pieces.slopes[k] > pieces.slopes[low]:
                low = k
        elif pieces.slopes[k] < pieces.slopes[high]:
            high = k
    return low, high


@compiled
def slope_where(
    target: float, t: Array, x: Array, whole: int, part: float, pieces: Pieces, known: int
) -> tuple[float, float, int]:
    """Return the slope where the derivative reaches a target, what it is beyond, and ``known``.

    An infinite slope where no line has such a derivative.
    """
    n = t.size
    if pieces.derivatives[0] >= target:
        return -np.inf, pieces.derivatives[0], known
    if pieces.derivatives[1] < target:
        return np.inf, pieces.derivatives[1], known
    largest_x, largest_t = np.abs(x).max(), np.abs(t).max()
    pace = _pace(t, x, (whole + part) / n)
    low, high, meeting = 0, 1, 0.0
    for trial in range(_MOST_TRIALS):
        low, high = _bracket(target, pieces, known)
        if known == _ROWS:
            known = _forget(low, high, pieces)
            low, high = _bracket(target, pieces, known)
        meeting, changed = _meeting(t, x, pieces.weights[low], pieces.weights[high])
        if not pieces.slopes[low] < meeting < pieces.slopes[high]:
            break
        slope = meeting
        if changed > _FEW and trial % 3 != 2:
            slope = _secant(target, low, high, meeting, pace, pieces)
        _try(slope, t, x, whole, part, pieces, known)
        known += 1
        size = largest_x + abs(slope) * largest_t
        if slope == meeting and _lies_on(low, known - 1, pieces.keys[whole], size, n, pieces):
            if pieces.derivatives[known - 1] >= target:
                high = known - 1
            break
    return meeting, pieces.derivatives[high], known


@compiled
def _pace(t: Array, x: Array, tau: float) -> float:
    """Return roughly by how much the slope grows with the derivative, around a level line.

    The derivative's own is the density of the values about the line times sum t^2.
    """
    return float(np.std(x) / (tau * (1.0 - tau) * np.sum(t * t)))


@compiled
def _secant(
    target: float, low: int, high: int, meeting: float, pace: float, pieces: Pieces
) -> float:
    """Return about where the derivative would reach the target if it grew evenly.

    As far again beyond that from a near end: the target is then shut in from both sides.
    """
    left, right = pieces.slopes[low], pieces.slopes[high]
    first, last = pieces.derivatives[low], pieces.derivatives[high]
    share = (target - first) / (last - first)
    if left == -np.inf and right == np.inf:
        return meeting
    if right == np.inf:
        slope = left + pace * (target - first)
    elif left == -np.inf:
        slope = right - pace * (last - target)
    else:
        if share < _NEAR:
            share *= 2.0
        elif share > 1.0 - _NEAR:
            share = 2.0 * share - 1.0
        slope = left + share * (right - left)
    return slope if left < slope < right else meeting


@compiled
def _forget(low: int, high: int, pieces: Pieces) -> int:
    """Keep the pieces at infinite slopes and two others; return how many rows are left."""
    place = 2
    for row in (min(low, high), max(low, high)):
        if row >= 2:
            pieces.slopes[place] = pieces.slopes[row]
            pieces.derivatives[place] = pieces.derivatives[row]
            pieces.weights[place] = pieces.weights[row]
            place += 1
    return place


@compiled
def level_of(t: Array, x: Array, slope: float, whole: int, part: float, pieces: Pieces) -> float:
    """Return the best height of a line of given slope, at time 0; the middle of several."""
    n, keys = t.size, pieces.keys
    for k in range(n):
        keys[k] = x[k] - slope * t[k]
    level = select(keys, 0, n, whole, pieces.sample)
    if part > 0.0 or whole == 0:
        return float(level)
    lower = keys[0]
    for k in range(1, whole):
        lower = max(lower, keys[k])
    return float(0.5 * (lower + level))
