"""Where one series after another changes its level most: Pettitt's test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.inference import TWO_MEANS, effective_size, memory
from climcube.kernels.mann_kendall import lag_one

__all__ = ["change_point"]

Floats = npt.NDArray[np.float64]

# Columns of what the loop finds.
LAST, U, BEFORE, AFTER, N, R1, STILL = range(7)
_COLUMNS = 7


def change_point(
    block: Floats, years: Floats, places: Array, autocorrelation: str, min_valid: int
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return year, shift, mean_before, mean_after, u, pvalue, n, n_eff, r1.

    Parameters
    ----------
    block
        ``(cells, time)``; NaN is missing.
    years
        Calendar year with its fraction, of each sample.
    places
        Number of the record's steps since its first sample: neighbours differ by one.
    autocorrelation
        One of `climcube.kernels.inference.AUTOCORRELATION`.
    min_valid
        Samples below which a cell gets NaN.

    Raises
    ------
    FloatingPointError
        The block holds an infinite value.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    out = np.full((len(block), _COLUMNS), np.nan)
    _loop(block, places, min_valid, out)
    last, u, before, after, n, r1, still = out.T
    found = np.isfinite(last)
    year = np.full(len(block), np.nan)
    year[found] = years[last[found].astype("int64")]
    known = np.where(still == 1, 0.0, r1)  # no departure has a memory
    with np.errstate(invalid="ignore", divide="ignore"):
        n_eff = effective_size(n, memory(n, known, autocorrelation, TWO_MEANS))
        pvalue = np.minimum(1.0, 2 * np.exp(-6 * u**2 / (n**3 + n**2) * n_eff / n))
    n_eff = np.where(n >= min_valid, n_eff, np.nan)
    return year, after - before, before, after, u, pvalue, n.astype("int64"), n_eff, r1


@compiled
def _loop(block: Array, places: Array, min_valid: int, out: Array) -> None:
    length = block.shape[1]
    x, place, index = np.empty(length), np.empty(length, np.int64), np.empty(length, np.int64)
    for cell in range(block.shape[0]):
        n = 0
        for i in range(length):
            if not np.isnan(block[cell, i]):
                x[n], place[n], index[n] = block[cell, i], places[i], i
                n += 1
        out[cell, N] = n
        if n < min_valid:
            continue
        border, out[cell, U] = _largest(_twice_ranks(x[:n]))
        out[cell, STILL] = border < 0
        if border < 0:  # all values are equal: they are their own mean, and there is no change
            continue
        before, after = _mean(x[: border + 1]), _mean(x[border + 1 : n])
        departure = x[:n].copy()
        departure[: border + 1] -= before
        departure[border + 1 :] -= after
        out[cell, LAST] = index[border]
        out[cell, BEFORE], out[cell, AFTER] = before, after
        out[cell, STILL] = (departure == 0).all()
        if out[cell, STILL] == 0:
            out[cell, R1] = lag_one(departure, place[:n])


@compiled
def _twice_ranks(x: Array) -> Array:
    """Return twice the rank of each value (a whole number), ties having their mean rank."""
    order = np.argsort(x)
    ranks, start, n = np.empty(x.size, np.int64), 0, x.size
    while start < n:
        end = start + 1
        while end < n and x[order[end]] == x[order[start]]:
            end += 1
        for k in range(start, end):
            ranks[order[k]] = start + 1 + end
        start = end
    return ranks


@compiled
def _largest(ranks: Array) -> tuple[int, int]:
    """Return the first sample after which |U| is largest, and that U; -1 and 0 without any."""
    total, found, border = 0, 0, -1
    for k in range(ranks.size - 1):
        total += ranks[k] - (ranks.size + 1)
        if abs(total) > abs(found):
            found, border = total, k
    return border, found


@compiled
def _mean(x: Array) -> float:
    total = 0.0
    for value in x:
        total += value - x[0]
    return float(x[0] + total / x.size)
