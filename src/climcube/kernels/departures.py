"""Departures of samples from the value of their group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["departure", "standardized"]

Floats = npt.NDArray[np.float64]


def departure(
    block: npt.NDArray[Any], index: npt.NDArray[np.int32], mean: Floats, out: npt.NDArray[Any]
) -> None:
    """Write value minus group mean; ``block`` is ``(times, cells)``, ``mean`` ``(groups, cells)``.

    Samples of no group (index -1) become NaN.
    """
    _departure(_native(block), index, mean, out)


def standardized(
    block: npt.NDArray[Any],
    index: npt.NDArray[np.int32],
    mean: Floats,
    deviation: Floats,
    out: npt.NDArray[Any],
) -> None:
    """Write (value - mean) / standard deviation; NaN where that deviation is zero."""
    _standardized(_native(block), index, mean, deviation, out)


def _native(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    dtype = "float32" if block.dtype in (np.float16, np.float32) else "float64"
    return np.ascontiguousarray(block, dtype)


@compiled
def _departure(block: Array, index: Array, mean: Array, out: Array) -> None:
    for t in range(block.shape[0]):
        row, target = block[t], out[t]
        if index[t] < 0:
            target[:] = np.nan
            continue
        middle = mean[index[t]]
        for c in range(row.size):
            target[c] = row[c] - middle[c]


@compiled
def _standardized(block: Array, index: Array, mean: Array, deviation: Array, out: Array) -> None:
    for t in range(block.shape[0]):
        row, target = block[t], out[t]
        if index[t] < 0:
            target[:] = np.nan
            continue
        middle, spread = mean[index[t]], deviation[index[t]]
        for c in range(row.size):
            step = row[c] - middle[c]
            target[c] = step / spread[c] if spread[c] > 0.0 else np.nan
