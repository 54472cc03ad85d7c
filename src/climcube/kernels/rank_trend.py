"""Theil-Sen slope with limits and Mann-Kendall test of one series after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from climcube.kernels import mann_kendall as mk
from climcube.kernels.compiled import Array, compiled
from climcube.kernels.mann_kendall import (
    kendall_score,
    lag_one,
    score_and_order,
    standard_score,
)
from climcube.kernels.rank_settings import (
    AR1,
    AR1_UNCORRECTED,
    HAMED_RAO,
    PRE_WHITENING,
    TFPW,
    YUE_WANG,
    RankSettings,
)
from climcube.kernels.selection import middle_value, select
from climcube.kernels.theil_sen import (
    FEW_PAIRS,
    LISTED,
    Order,
    all_slopes,
    count_pairs,
    move,
    sample_slopes,
    slope_of_rank,
)

__all__ = ["rank_trend"]

Floats = npt.NDArray[np.float64]

# Columns of the result.
SLOPE, INTERCEPT, LOW, HIGH, Z, S, VAR_S, TAU, N, N_EFF, R1 = range(11)
_COLUMNS = 11
# Residuals below this share of the total sum of squares are rounding: the series is a line.
_RESOLVED = 1e-13


def rank_trend(
    block: Floats, times: Floats, places: Array, order: Array, starts: Array, settings: RankSettings
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return slope, intercept, limits, p-value, z, S, var S, tau, n, n_eff and r1.

    Parameters
    ----------
    block
        ``(cells, time)``; NaN is missing.
    times
        In years, from the first sample.
    places
        Number of the record's steps since its first sample: neighbours differ by one.
    order, starts
        Samples by season, those of one season in time order; where each season begins in it,
        and the end. One season for a test that knows none.

    Raises
    ------
    FloatingPointError
        The block holds an infinite value.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    out = np.full((len(block), _COLUMNS), np.nan)
    quantile = float(ndtri((1 + settings.confidence) / 2))
    _loop(
        block, times, places, order, starts,
        settings.memory, settings.lags, settings.min_valid, quantile, out,
    )  # fmt: skip
    slope, intercept, low, high, z, score, variance, tau, n, n_eff, r1 = out.T
    per = settings.per
    pvalue = 2 * ndtr(-np.abs(z))
    return (
        slope * per, intercept, low * per, high * per, pvalue, z, score, variance, tau,
        n.astype("int64"), n_eff, r1,
    )  # fmt: skip


@compiled
def _loop(
    block: Array,
    times: Array,
    places: Array,
    order: Array,
    starts: Array,
    memory: int,
    lags: int,
    min_valid: int,
    quantile: float,
    out: Array,
) -> None:
    length = times.size
    whole = count_pairs(starts)
    slopes = np.empty(max(LISTED * length + 16, min(whole, FEW_PAIRS)))
    room = Order(
        np.empty(length), np.empty(length), np.empty(length, np.int64),
        np.empty(LISTED * length, np.int64), np.empty(LISTED * length, np.int64), slopes,
    )  # fmt: skip
    counts, sample, state = np.empty((256, 2)), np.empty(16), np.empty(3)
    sample_order = np.empty(length, np.int64)
    t, x, index = np.empty(length), np.empty(length), np.empty(length, np.int64)
    own_starts = np.empty(starts.size, np.int64)
    for cell in range(block.shape[0]):
        row = out[cell]
        n = _valid(block[cell], times, order, starts, t, x, index, own_starts)
        row[N] = n
        if n < min_valid or count_pairs(own_starts) == 0:
            continue
        _one(
            t[:n], x[:n], index[:n], own_starts, times, places,
            memory, lags, quantile, room, sample_order[:n], state, counts, sample, row,
        )  # fmt: skip


@compiled
def _valid(
    series: Array,
    times: Array,
    order: Array,
    starts: Array,
    t: Array,
    x: Array,
    index: Array,
    own_starts: Array,
) -> int:
    """Write times and values of the valid samples, season after season; return how many."""
    n = 0
    for g in range(starts.size - 1):
        own_starts[g] = n
        for k in range(starts[g], starts[g + 1]):
            value = series[order[k]]
            if not np.isnan(value):
                t[n], x[n], index[n] = times[order[k]], value, order[k]
                n += 1
    own_starts[starts.size - 1] = n
    return n


@compiled
def _one(
    t: Array,
    x: Array,
    index: Array,
    starts: Array,
    times: Array,
    places: Array,
    memory: int,
    lags: int,
    quantile: float,
    room: Order,
    order: Array,
    state: Array,
    counts: Array,
    sample: Array,
    row: Array,
) -> None:
    """Write the results of one series."""
    n, pairs = x.size, count_pairs(starts)
    few, known = pairs <= FEW_PAIRS, 0
    keys, spare = room.keys, room.spare
    if few:
        score, variance, tied = kendall_score(x, starts, keys, spare)
        all_slopes(t, x, starts, room.slopes)
        slope = middle_value(room.slopes, 0, pairs, sample)
    else:
        score, variance, tied = score_and_order(x, starts, order, keys, spare, room.spare_order)
        state[0], state[1] = 0.0, (pairs - tied - score) // 2
        slope, known = _slope(t, x, starts, pairs, order, state, counts, room)
    row[SLOPE] = slope
    row[INTERCEPT] = _intercept(t, x, slope, keys, sample)
    departure, place, exact = _in_time_order(t, x, index, starts, places, slope)
    r1 = np.nan if exact else lag_one(departure, place)
    row[R1] = r1
    untied = np.sqrt(float(pairs - tied) * pairs)
    tested = n
    if memory >= PRE_WHITENING:
        score, variance, untied, tested = _whitened(t, x, place, departure, slope, r1, memory)
        factor = 1.0
    else:
        factor = 1.0 if exact else _factor(departure, place, r1, memory, lags)
    variance *= factor
    row[S], row[VAR_S] = score, variance
    row[TAU] = score / untied if untied > 0 else np.nan
    row[Z] = standard_score(score, variance)
    row[N_EFF] = tested / factor if factor > 0 else np.nan
    if memory < PRE_WHITENING and variance >= 0:  # limits of a whitened series are of that one
        width = quantile * np.sqrt(variance)
        _limits(width, few, t, x, starts, order, state, counts, known, room, sample, row)


@compiled
def _slope(
    t: Array,
    x: Array,
    starts: Array,
    pairs: int,
    order: Array,
    state: Array,
    counts: Array,
    room: Order,
) -> tuple[float, int]:
    """Return the median slope of many, and how many trials it took.

    The order at slope 0, from which S came, is the first trial.
    """
    counts[0, 0], counts[0, 1] = state[0], state[1]
    known = 1
    centre, state[2] = sample_slopes(t, x, starts, room.slopes)
    if abs(centre) > 0:
        move(t, x, starts, centre, order, state, counts, known, room, 0)
        known += 1
    slope, lower, known = slope_of_rank(pairs // 2, t, x, starts, order, state, counts, known, room)
    if pairs % 2 == 0:
        if np.isnan(lower):
            rank = pairs // 2 - 1
            lower, _, known = slope_of_rank(rank, t, x, starts, order, state, counts, known, room)
        slope = 0.5 * (slope + lower)
    return slope, known


@compiled
def _in_time_order(
    t: Array, x: Array, index: Array, starts: Array, places: Array, slope: float
) -> tuple[Array, Array, bool]:
    """Return departures from the line, their places, and whether there are none to speak of."""
    departure, total = _departures(t, x, starts, slope)
    place = places[index]
    if starts.size > 2:  # from season after season back into time order
        by_time = np.argsort(index)
        departure, place = departure[by_time], place[by_time]
    return departure, place, np.sum(departure * departure) <= _RESOLVED * total


@compiled
def _limits(
    width: float,
    few: bool,
    t: Array,
    x: Array,
    starts: Array,
    order: Array,
    state: Array,
    counts: Array,
    known: int,
    room: Order,
    sample: Array,
    row: Array,
) -> None:
    """Write the slopes at both ends of so many ranks; none where there are not so many."""
    pairs = count_pairs(starts)
    low, high = int(np.rint((pairs - width) / 2)) - 1, int(np.rint((pairs + width) / 2))
    if low < 0 or high >= pairs:
        return
    if few:  # which are parted at the median already
        half = pairs // 2
        row[LOW] = select(room.slopes, 0, half if low < half else pairs, low, sample)
        row[HIGH] = select(room.slopes, half if high >= half else 0, pairs, high, sample)
        return
    row[LOW], _, known = slope_of_rank(low, t, x, starts, order, state, counts, known, room)
    row[HIGH], _, known = slope_of_rank(high, t, x, starts, order, state, counts, known, room)


@compiled
def _intercept(t: Array, x: Array, slope: float, keys: Array, sample: Array) -> float:
    """Return median(x) - slope median(t) (Conover 1980), at time 0."""
    n = x.size
    keys[:n] = x
    level = middle_value(keys, 0, n, sample)
    keys[:n] = t
    return float(level - slope * middle_value(keys, 0, n, sample))


@compiled
def _departures(t: Array, x: Array, starts: Array, slope: float) -> tuple[Array, float]:
    """Return the departures from lines of that slope, one for each season, and x's variance."""
    departure, total = np.empty(x.size), 0.0
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        if start == end:
            continue
        level, mean, origin = 0.0, 0.0, x[start]
        for i in range(start, end):
            departure[i] = (x[i] - origin) - slope * t[i]
            level += departure[i]
            mean += x[i] - origin
        level, mean = level / (end - start), mean / (end - start)
        for i in range(start, end):
            departure[i] -= level
            total += (x[i] - origin - mean) ** 2
    return departure, total


@compiled
def _factor(departure: Array, place: Array, r1: float, memory: int, lags: int) -> float:
    """Return by what memory multiplies the variance of S."""
    if memory in (AR1, AR1_UNCORRECTED):
        return mk.ar1_factor(departure.size, r1, memory == AR1)
    if memory == HAMED_RAO:
        return mk.hamed_rao_factor(departure, place, lags)
    if memory == YUE_WANG:
        return mk.yue_wang_factor(departure, place, lags)
    return 1.0


@compiled
def _whitened(
    t: Array, x: Array, place: Array, departure: Array, slope: float, r1: float, memory: int
) -> tuple[int, float, float, int]:
    """Return S, its variance, what tau divides by, and the number of values without memory.

    Each value minus r times the one a step before: of the series itself (pre-whitening) or
    of the departures from the line, which is put back (trend-free pre-whitening).
    """
    n = x.size
    values = departure if memory == TFPW else x - x.mean()
    r = r1 if memory == TFPW else lag_one(values, place)
    if np.isnan(r):  # a constant or a line: there is nothing to take away
        r = 0.0
    white, count = np.empty(n), 0
    for i in range(1, n):
        if place[i] == place[i - 1] + 1:
            white[count] = values[i] - r * values[i - 1]
            if memory == TFPW:
                white[count] += slope * t[i]
            count += 1
    if count < 3:
        return 0, np.nan, np.nan, count
    starts = np.array([0, count])
    score, variance, tied = kendall_score(white, starts, np.empty(n), np.empty(n))
    pairs = count * (count - 1) / 2.0
    return score, variance, np.sqrt((pairs - tied) * pairs), count
