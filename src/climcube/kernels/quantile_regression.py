"""Quantile regression on time, with limits and errors, of one series after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.inference import student
from climcube.kernels.mann_kendall import centred_ranks, lag_one
from climcube.kernels.quantile_line import (
    Pieces,
    begin_pieces,
    level_of,
    make_room,
    slope_where,
    split_share,
)
from climcube.kernels.quantile_settings import MEMORIES, TESTS, QuantileSettings
from climcube.kernels.selection import select

__all__ = ["quantile_trend"]

Floats = npt.NDArray[np.float64]

# Columns of the result, for each quantile.
SLOPE, INTERCEPT, STDERR, LOW, HIGH, Z, N_EFF, R1 = range(8)
_COLUMNS = 8
_NONE, _AR1 = MEMORIES.index("none"), MEMORIES.index("ar1")
_RANK_SCORE = TESTS.index("rank_score")
_LARGEST_R1 = 0.98
# Residuals below this share of the total sum of squares are rounding: the series is a line.
_RESOLVED = 1e-13
# Derivatives below this share of the largest are rounding: the loss is level there.
_LEVEL = 1e-12
_NO_MORE = 1e-9  # terms of a series that do not matter


def quantile_trend(
    block: Floats,
    times: Floats,
    places: Array,
    quantiles: Floats,
    memories: Floats,
    widths: Floats,
    settings: QuantileSettings,
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return slope, intercept, stderr, limits, p-value, n, n_eff and r1.

    All ``(cells, quantiles)``, n ``(cells,)``.

    Parameters
    ----------
    block
        ``(cells, time)``; NaN is missing.
    times
        In years, from the first sample, increasing.
    places
        Number of the record's steps since its first sample: neighbours differ by one.
    quantiles
        Between 0 and 1.
    memories, widths
        `crossing_memory` of the quantiles; their `density_widths` up to the record's length.

    Raises
    ------
    FloatingPointError
        The block holds an infinite value.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    out = np.full((len(block), quantiles.size, _COLUMNS), np.nan)
    counts = np.zeros(len(block), np.int64)
    by_ranks = settings.test == _RANK_SCORE
    reach = float(ndtri((1 + settings.confidence) / 2)) if by_ranks else np.nan
    _loop(
        block, times, places, quantiles, memories, widths,
        settings.memory, settings.min_valid, reach, counts, out,
    )  # fmt: skip
    slope, intercept, stderr, low, high, z, n_eff, r1 = np.moveaxis(out, -1, 0)
    pvalue = 2 * ndtr(-np.abs(z))
    if not by_ranks:
        n_eff[~(n_eff > 2)] = np.nan
        stderr[np.isnan(n_eff)] = np.nan
        pvalue, half = student(slope, stderr, n_eff - 2, settings.confidence)
        low, high = slope - half, slope + half
    per = settings.per
    return (
        slope * per, intercept, stderr * per, low * per, high * per, pvalue, counts, n_eff, r1,
    )  # fmt: skip


@compiled
def _loop(
    block: Array,
    times: Array,
    places: Array,
    quantiles: Array,
    memories: Array,
    widths: Array,
    memory: int,
    min_valid: int,
    reach: float,
    counts: Array,
    out: Array,
) -> None:
    length = times.size
    pieces = make_room(length)
    t, x, place = np.empty(length), np.empty(length), np.empty(length, np.int64)
    for cell in range(block.shape[0]):
        n = 0
        for i in range(length):
            if not np.isnan(block[cell, i]):
                t[n], x[n], place[n] = times[i], block[cell, i], places[i]
                n += 1
        counts[cell] = n
        if n < min_valid:
            continue
        origin, middle = x[0], t[:n].mean()  # about which few digits are lost
        x[:n] -= origin
        t[:n] -= middle
        for q in range(quantiles.size):
            row = out[cell, q]
            _one(
                t[:n], x[:n], place[:n], quantiles[q], memories[q], widths[q, n],
                memory, reach, pieces, row,
            )  # fmt: skip
            row[INTERCEPT] += origin - row[SLOPE] * middle


@compiled
def _one(
    t: Array,
    x: Array,
    place: Array,
    tau: float,
    memories: Array,
    width: float,
    memory: int,
    reach: float,
    pieces: Pieces,
    row: Array,
) -> None:
    """Write the results of one series and one quantile; the intercept at time 0."""
    n = t.size
    whole, part = split_share(n, tau)
    known = begin_pieces(t, whole, part, pieces)
    level = _LEVEL * np.abs(t).sum()
    slope, beyond, known = slope_where(-level, t, x, whole, part, pieces, known)
    if abs(beyond) <= level:  # a stretch of slopes is as good: its middle
        end, _, known = slope_where(level, t, x, whole, part, pieces, known)
        slope = 0.5 * (slope + end)
    row[SLOPE], row[INTERCEPT] = slope, level_of(t, x, slope, whole, part, pieces)
    factor = _errors(t, x, place, tau, memories, width, memory, pieces, row)
    if np.isnan(reach) or np.isnan(factor):
        return
    squares = np.sum(t * t) * _score_squares(n, tau, whole, part) / (n - 1)
    deviation = np.sqrt(factor * squares)
    row[Z] = _score(t, x, whole, part, pieces) / deviation
    far = reach * deviation * (1.0 + _LEVEL)
    for column, target in ((LOW, -far), (HIGH, far)):
        limit, _, known = slope_where(target, t, x, whole, part, pieces, known)
        row[column] = limit if abs(limit) < np.inf else np.nan


@compiled
def _errors(
    t: Array,
    x: Array,
    place: Array,
    tau: float,
    memories: Array,
    width: float,
    memory: int,
    pieces: Pieces,
    row: Array,
) -> float:
    """Write r1, n_eff and stderr of the line in ``row``; return what memory multiplies by."""
    n = t.size
    departures = pieces.departures[:n]
    departures[:] = x - row[SLOPE] * t - row[INTERCEPT]
    spread, total = departures - departures.mean(), x - x.mean()
    if np.sum(spread * spread) <= _RESOLVED * np.sum(total * total):
        row[N_EFF], row[STDERR] = n, 0.0  # a line or a constant: nothing is left to remember
        return 1.0
    factor = _remember(departures, place, memories, memory, row)
    density = _density(departures, width, pieces.keys, pieces.sample)
    row[N_EFF] = n / factor
    row[STDERR] = np.sqrt(tau * (1.0 - tau) * factor / np.sum(t * t)) / density
    return factor


@compiled
def _score_squares(n: int, tau: float, whole: int, part: float) -> float:
    """Sum the squares of the scores tau - w of n samples, none of them tied."""
    above = n - whole - 1
    return float(whole * (1.0 - tau) ** 2 + (tau - part) ** 2 + above * tau**2)


@compiled
def _score(t: Array, x: Array, whole: int, part: float, pieces: Pieces) -> float:
    """Return the rank score of no trend: the derivative of the loss at slope 0.

    Where samples at the quantile are tied, the least one (in size) that they allow.
    """
    n, keys = t.size, pieces.keys
    keys[:n] = x
    pivot = select(keys, 0, n, whole, pieces.sample)
    below, left, tied = 0.0, whole + part, 0
    for k in range(n):
        if x[k] < pivot:
            below += t[k]
            left -= 1.0
        elif x[k] == pivot:
            keys[tied] = t[k]
            tied += 1
    least, most = below, below
    for k in range(tied):
        weight = min(max(left - k, 0.0), 1.0)
        least += weight * keys[k]
        most += weight * keys[tied - 1 - k]
    return max(least, 0.0) + min(most, 0.0)


@compiled
def _remember(departures: Array, place: Array, memories: Array, memory: int, row: Array) -> float:
    """Write r1; return by what memory multiplies variances, NaN where that cannot be known."""
    n = departures.size
    ranked = lag_one(centred_ranks(departures), place)
    row[R1] = 2.0 * np.sin(np.pi / 6.0 * ranked)
    if memory == _NONE:
        return 1.0
    r = row[R1]
    if memory == _AR1:
        r = (n * r + 2.0) / (n - 4.0) if n > 4 else np.nan
    if np.isnan(r):
        return np.nan
    return _variance_factor(min(max(r, 0.0), _LARGEST_R1), n, memories)


@compiled
def _variance_factor(r: float, n: int, memories: Array) -> float:
    """Return 1 + 2 sum_j (1 - j/n) rho_j, rho_j = sum_k c_k r^(j k), over j = 1..n-1."""
    total, power, last, whole = 0.0, 1.0, 1.0, r**n
    for k in range(memories.size):
        power *= r  # r^k, and r^(n k)
        last *= whole
        if power < _NO_MORE:
            break
        spare = 1.0 - power
        total += memories[k] * power * (1.0 - (1.0 - last) / (n * spare)) / spare
    return 1.0 + 2.0 * total


@compiled
def _density(departures: Array, width: float, keys: Array, sample: Array) -> float:
    """Return the density of departures at 0 (Epanechnikov's kernel)."""
    n = departures.size
    spread = np.std(departures)
    quarters = _quartile(departures, 0.75, keys, sample) - _quartile(departures, 0.25, keys, sample)
    reach = min(spread, quarters / 1.34) * width
    if not reach > 0.0:
        return np.nan
    total = 0.0
    for departure in departures:
        share = departure / reach
        total += 0.75 * max(0.0, 1.0 - share * share)
    return total / (n * reach) if total > 0.0 else np.nan


@compiled
def _quartile(values: Array, share: float, keys: Array, sample: Array) -> float:
    """Return a quantile, interpolated linearly (Hyndman & Fan's type 7)."""
    n = values.size
    keys[:n] = values
    place = share * (n - 1)
    rank = int(place)
    low = select(keys, 0, n, rank, sample)
    if rank + 1 >= n:
        return float(low)
    high = select(keys, rank + 1, n, rank + 1, sample)
    return float(low + (place - rank) * (high - low))
