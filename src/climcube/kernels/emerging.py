"""When a smooth signal has left the noise of a series behind, one series after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["emergence", "emergence_driven"]

Floats = npt.NDArray[np.float64]

_SINGULAR = 1e-9  # share of a column's own length below which others say all that it says


def emergence(
    block: Floats,
    years: Floats,
    basis: Floats,
    base: slice,
    threshold: float,
    min_valid: int,
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return signal, signal_to_noise, noise, year and n.

    Parameters
    ----------
    block
        ``(cells, time)``; NaN is missing.
    years
        Calendar year of each sample.
    basis
        ``(time, k)``: what the signal is a combination of, the first column constant.
    base
        The samples of the period that the signal is relative to.
    threshold
        The ratio that must be exceeded from then on.
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
    cells, length = block.shape
    signal, found = np.full((cells, length), np.nan), np.full((cells, 3), np.nan)
    _loop(block, years, basis, base.start, base.stop, threshold, min_valid, signal, found)
    noise, year, n = found.T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = signal / noise[:, None]
    return signal, ratio, noise, year, n.astype("int64")


def emergence_driven(
    block: Floats, driver: Floats, years: Floats, base: slice, threshold: float, min_valid: int
) -> tuple[npt.NDArray[np.generic], ...]:
    """Do the same with the regression on a series, which every row of ``driver`` repeats.

    Raises
    ------
    FloatingPointError
        The driver lacks a value or never changes, or the block holds an infinite value.
    """
    values = driver[0]
    if not np.isfinite(values).all():
        at = int(np.argmax(~np.isfinite(values)))
        raise FloatingPointError(
            f"the driver has no value in {years[at]:g}", "one for each year of the cube",
            "interpolate it, or select the years that it has",
        )  # fmt: skip
    spread = values - values.mean()
    largest = np.abs(spread).max()
    if largest == 0:
        raise FloatingPointError(
            "the driver never changes", "a series that changes", "leave driver out"
        )
    basis = np.stack([np.ones_like(spread), spread / largest], axis=1)
    return emergence(block, years, basis, base, threshold, min_valid)


@compiled
def _loop(
    block: Array,
    years: Array,
    basis: Array,
    base_start: int,
    base_end: int,
    threshold: float,
    min_valid: int,
    signal: Array,
    found: Array,
) -> None:
    length, columns = basis.shape
    gram, weights = np.empty((columns, columns)), np.empty(columns)
    for cell in range(block.shape[0]):
        series = block[cell]
        n = _normal_equations(series, basis, gram, weights)
        found[cell, 2] = n
        if n < min_valid or not _solve(gram, weights):
            continue
        noise = np.sqrt(_squares(series, basis, weights) / (n - columns))
        found[cell, 0] = noise
        first, last = _ends(series)
        # A fit says nothing beyond its data, and nothing is relative to years without any.
        start, end = max(first, base_start), min(last + 1, base_end)
        if _valid(series[base_start:base_end]) * 2 < base_end - base_start:
            continue
        level = 0.0
        for i in range(start, end):
            level += _combined(basis[i], weights) / (end - start)
        for i in range(first, last + 1):
            signal[cell, i] = _combined(basis[i], weights) - level
        if last == length - 1:
            found[cell, 1] = _year(signal[cell, first:], years[first:], threshold * noise)


@compiled
def _ends(series: Array) -> tuple[int, int]:
    """Return the first and the last valid sample of a series that has some."""
    first, last = 0, series.size - 1
    while np.isnan(series[first]):
        first += 1
    while np.isnan(series[last]):
        last -= 1
    return first, last


@compiled
def _valid(series: Array) -> int:
    n = 0
    for value in series:
        n += 0 if np.isnan(value) else 1
    return n


@compiled
def _combined(row: Array, weights: Array) -> float:
    total = 0.0
    for k in range(1, weights.size):  # a constant is no signal
        total += weights[k] * row[k]
    return total


@compiled
def _normal_equations(series: Array, basis: Array, gram: Array, weights: Array) -> int:
    """Fill in sums of products over the valid samples, of departures from the first one."""
    gram[:], weights[:] = 0.0, 0.0
    n, origin = 0, 0.0
    for i in range(series.size):
        if np.isnan(series[i]):
            continue
        if n == 0:
            origin = series[i]
        n += 1
        for k in range(basis.shape[1]):
            weights[k] += basis[i, k] * (series[i] - origin)
            for m in range(k + 1):
                gram[k, m] += basis[i, k] * basis[i, m]
    return n


@compiled
def _solve(gram: Array, weights: Array) -> bool:
    """Solve for the weights in place (Cholesky); False where a column adds nothing."""
    for k in range(weights.size):
        own = gram[k, k]
        for m in range(k + 1):
            total = gram[k, m]
            for j in range(m):
                total -= gram[k, j] * gram[m, j]
            if m < k:
                gram[k, m] = total / gram[m, m]
            elif total <= _SINGULAR * own:
                return False
            else:
                gram[k, k] = np.sqrt(total)
        for j in range(k):
            weights[k] -= gram[k, j] * weights[j]
        weights[k] /= gram[k, k]
    for k in range(weights.size - 1, -1, -1):
        for j in range(k + 1, weights.size):
            weights[k] -= gram[j, k] * weights[j]
        weights[k] /= gram[k, k]
    return True


@compiled
def _squares(series: Array, basis: Array, weights: Array) -> float:
    """Sum of squared residuals (the first weight is found anew: it was of departures)."""
    n, mean = 0, 0.0
    residual = np.empty(series.size)
    for i in range(series.size):
        if not np.isnan(series[i]):
            value = series[i]
            for k in range(1, weights.size):
                value -= weights[k] * basis[i, k]
            residual[n] = value
            mean += value - residual[0]
            n += 1
    mean = residual[0] + mean / n
    total = 0.0
    for i in range(n):
        total += (residual[i] - mean) ** 2
    return total


@compiled
def _year(signal: Array, years: Array, bound: float) -> float:
    """Return the first year from which the signal stays beyond the bound, on one side."""
    last = signal.size - 1
    if not abs(signal[last]) > bound:
        return np.nan
    first = last
    while first > 0 and abs(signal[first - 1]) > bound and signal[first - 1] * signal[last] > 0:
        first -= 1
    return float(years[first])
