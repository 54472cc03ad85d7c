"""Weighted means of consecutive stretches of samples: the hours of a day."""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled

__all__ = ["mean"]


@compiled
def _mean(block: Array, start: Array, weight: Array, least: float, out: Array) -> None:
    covered = np.empty(block.shape[1])
    for k in range(start.size - 1):
        covered[:] = 0.0
        out[k] = 0.0
        for i in range(start[k], start[k + 1]):
            for cell in range(block.shape[1]):
                value = block[i, cell]
                if np.isfinite(value):
                    covered[cell] += weight[i]
                    out[k, cell] += weight[i] * value
        for cell in range(block.shape[1]):
            enough = covered[cell] > 0 and covered[cell] >= least
            out[k, cell] = out[k, cell] / covered[cell] if enough else np.nan


def mean(block: Array, start: Array, weight: Array, least: float, out: Array) -> None:
    """Write the mean of samples ``start[k]`` to ``start[k + 1]`` of ``(times, cells)`` values.

    Values that are not finite carry no weight; less weight than ``least`` gives NaN.
    """
    # One compiled version each for the two float types; integers are few and small.
    known = block if block.dtype in (np.float32, np.float64) else block.astype("float64")
    _mean(known, start, weight, least, out)
