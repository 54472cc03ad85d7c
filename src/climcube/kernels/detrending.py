"""Remove a straight line or a parabola from one series after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["remove_polynomial"]


def remove_polynomial(
    block: npt.NDArray[np.float64], times: npt.NDArray[np.float64], degree: int, keep_mean: bool
) -> tuple[npt.NDArray[np.float64]]:
    """Return values minus the least-squares polynomial of their times, NaN where missing.

    Series with no more valid values than the polynomial has coefficients become NaN.

    Raises
    ------
    FloatingPointError
        The block holds an infinite value.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    _loop(block, times, degree, keep_mean)
    return (block,)


@compiled
def _loop(block: Array, times: Array, degree: int, keep_mean: bool) -> None:
    n = times.size
    linear, square = np.empty(n), np.empty(n)
    for cell in range(block.shape[0]):
        series = block[cell]
        count, time, level, origin = 0, 0.0, 0.0, np.nan
        for i in range(n):
            if not np.isnan(series[i]):
                if count == 0:
                    origin = series[i]  # sums of departures from a value lose nothing at 290 K
                count += 1
                time += times[i]
                level += series[i] - origin
        if count < degree + 2:
            series[:] = np.nan
            continue
        level = origin + level / count
        for i in range(n):
            series[i] -= level
            linear[i] = times[i] - time / count
        _project(series, linear)
        if degree == 2:
            _orthogonal(series, linear, square, count)
            _project(series, square)
        if keep_mean:
            for i in range(n):
                series[i] += level


@compiled
def _project(series: Array, basis: Array) -> None:
    """Take away the part of a series that lies along a basis."""
    along, length = 0.0, 0.0
    for i in range(series.size):
        if not np.isnan(series[i]):
            along += series[i] * basis[i]
            length += basis[i] * basis[i]
    slope = along / length
    for i in range(series.size):
        series[i] -= slope * basis[i]


@compiled
def _orthogonal(series: Array, linear: Array, square: Array, count: int) -> None:
    """Write the parabola that has no mean and no slope over the valid samples."""
    second, third = 0.0, 0.0
    for i in range(series.size):
        if not np.isnan(series[i]):
            second += linear[i] ** 2
            third += linear[i] ** 3
    for i in range(series.size):
        square[i] = linear[i] ** 2 - second / count - third / second * linear[i]
