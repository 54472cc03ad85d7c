"""Mann-Kendall's S, its variance with ties, and the variance that memory adds to it."""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.inversions import (
    count_inversions,
    list_inversions,
    sort_with_index,
    tie_sums,
)

__all__ = [
    "ar1_factor",
    "centred_ranks",
    "correlation",
    "hamed_rao_factor",
    "kendall_score",
    "lag_one",
    "score_and_order",
    "standard_score",
    "yue_wang_factor",
]

_SHORT = 100  # samples up to which all pairs are compared
_SAME = 1e-12  # departures that differ by less, as a share of the largest, are equal
_LARGEST_R1 = 0.98
_SIGNIFICANT = 1.959963984540054  # Hamed & Rao's lags: 5 %, whatever the confidence asked for


@compiled
def kendall_score(x: Array, starts: Array, keys: Array, spare: Array) -> tuple[int, float, int]:
    """Return S, its variance for independent values, and the number of tied pairs.

    Pairs are those within groups. ``keys`` and ``spare`` are room for as many values.
    """
    score, variance, tied = 0, 0.0, 0
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        n = end - start
        weighted = 0
        if n <= _SHORT:
            own, equal = _all_pairs(x, start, end)
            if equal > 0:
                keys[start:end] = x[start:end]
                count_inversions(keys[start:end], spare[start:end])
                _, weighted = tie_sums(keys[start:end])
        else:
            keys[start:end] = x[start:end]
            discordant = count_inversions(keys[start:end], spare[start:end])
            equal, weighted = tie_sums(keys[start:end])
            own = n * (n - 1) // 2 - equal - 2 * discordant
        score += own
        tied += equal
        variance += (n * (n - 1) * (2 * n + 5) - weighted) / 18.0
    return score, variance, tied


@compiled
def score_and_order(
    x: Array, starts: Array, order: Array, keys: Array, spare: Array, spare_order: Array
) -> tuple[int, float, int]:
    """Return what `kendall_score` does, and write the order of each group's values."""
    score, variance, tied = 0, 0.0, 0
    for g in range(starts.size - 1):
        start, end = starts[g], starts[g + 1]
        n, own = end - start, keys[start:end]
        own[:] = x[start:end]
        for i in range(start, end):
            order[i] = i
        discordant = list_inversions(
            own, order[start:end], spare, spare_order, spare_order, spare_order, 0
        )
        equal, weighted = tie_sums(own)
        score += n * (n - 1) // 2 - equal - 2 * discordant
        tied += equal
        variance += (n * (n - 1) * (2 * n + 5) - weighted) / 18.0
    return score, variance, tied


@compiled
def _all_pairs(x: Array, start: int, end: int) -> tuple[int, int]:
    score, differ = 0, 0
    for i in range(start, end - 1):
        first = x[i]
        less, more = 0, 0
        for j in range(i + 1, end):
            less += 1 if x[j] < first else 0
            more += 1 if x[j] > first else 0
        score += more - less
        differ += more + less
    n = end - start
    return score, n * (n - 1) // 2 - differ


@compiled
def standard_score(score: float, variance: float) -> float:
    """Return z with continuity correction; 0 where all values are tied."""
    if score == 0 and variance >= 0:
        return 0.0
    if not variance > 0:
        return np.nan
    return float((score - np.sign(score)) / np.sqrt(variance))


@compiled
def correlation(departure: Array, place: Array, lag: int) -> float:
    """Return sum(e_i e_j) / sum(e^2) over pairs whose places are ``lag`` steps apart.

    Places increase. NaN where all departures are zero.
    """
    together, total, j = 0.0, 0.0, 0
    n = departure.size
    for i in range(n):
        total += departure[i] * departure[i]
        while j < n and place[j] < place[i] + lag:
            j += 1
        if j < n and place[j] == place[i] + lag:
            together += departure[i] * departure[j]
    return together / total if total > 0 else np.nan


@compiled
def lag_one(departure: Array, place: Array) -> float:
    """Return the lag-1 autocorrelation, sum(e_i e_i+1) / sum(e^2) where nothing is missing.

    Where some neighbours are, the sum has fewer terms than it should, and the mean of those
    that there are stands for the others. NaN without any, and where all departures are zero.
    """
    together, total, pairs = 0.0, 0.0, 0
    n = departure.size
    for i in range(n):
        total += departure[i] * departure[i]
        if i > 0 and place[i] == place[i - 1] + 1:
            together += departure[i - 1] * departure[i]
            pairs += 1
    if pairs == 0 or not total > 0:
        return np.nan
    return float(together / total * ((n - 1.0) / pairs))


@compiled
def ar1_factor(n: int, r1: float, corrected: bool) -> float:
    """Return max(1, 1 + 2 sum_j (1 - j/n) r^j) over j = 1..n-1, of an AR(1) process.

    ``corrected`` first takes the bias out of r1: r = (n r1 + 2) / (n - 4). NaN where there are
    too few values to do so.
    """
    if np.isnan(r1) or (corrected and n <= 4):
        return np.nan
    r = (n * r1 + 2.0) / (n - 4.0) if corrected else r1
    r = min(max(r, 0.0), _LARGEST_R1)
    # The sum in closed form.
    total = r / (1.0 - r) - r * (1.0 - r**n) / (n * (1.0 - r) ** 2)
    return max(1.0, 1.0 + 2.0 * total)


@compiled
def hamed_rao_factor(departure: Array, place: Array, lags: int) -> float:
    """Return Hamed & Rao's (1998) n/n* from the significant autocorrelations of the ranks."""
    n = departure.size
    ranks = centred_ranks(departure)
    total = 0.0
    for lag in range(1, min(lags, n - 1) + 1):
        r = correlation(ranks, place, lag)
        if abs(r) > _SIGNIFICANT / np.sqrt(n):
            total += (n - lag) * (n - lag - 1.0) * (n - lag - 2.0) * r
    return 1.0 + 2.0 * total / (n * (n - 1.0) * (n - 2.0))


@compiled
def yue_wang_factor(departure: Array, place: Array, lags: int) -> float:
    """Return Yue & Wang's (2004) n/n* = 1 + 2 sum_j (1 - j/n) r_j from the given lags."""
    n = departure.size
    total = 0.0
    for lag in range(1, min(lags, n - 1) + 1):
        total += (1.0 - lag / n) * correlation(departure, place, lag)
    return 1.0 + 2.0 * total


@compiled
def centred_ranks(values: Array) -> Array:
    """Return ranks, equal values sharing their mean one, minus the mean of all.

    Values that differ by rounding are equal: where the median slope is that of one pair, the
    departures of both are the same, and it must not be left to the last digit which is less.
    """
    n = values.size
    keys, index = values.copy(), np.arange(n)
    sort_with_index(keys, index, np.empty(n), np.empty(n, np.int64))
    ranks, start = np.empty(n), 0
    rounding = _SAME * max(abs(keys[0]), abs(keys[n - 1]))
    for i in range(1, n + 1):
        if i < n and keys[i] - keys[start] <= rounding:
            continue
        shared = 0.5 * (start + i - 1) - 0.5 * (n - 1)
        for k in range(start, i):
            ranks[index[k]] = shared
        start = i
    return ranks
