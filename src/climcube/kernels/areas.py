"""Sums over the cells of a map, of weights that may have either sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled_with

__all__ = ["known_weights", "signed_sums"]

Floats = npt.NDArray[np.float64]


def signed_sums(block: npt.NDArray[Any], weights: Floats) -> Floats:
    """Return the sum of weight * value over the finite values of each row, and 1.

    As `climcube.kernels.weighted.weighted_sums`, but a row without a value has the sum 0.
    """
    return _summed(block, weights, values=True)


def known_weights(block: npt.NDArray[Any], weights: Floats) -> Floats:
    """Return the sum of the weights of the finite values of each row, and 1."""
    return _summed(block, weights, values=False)


def _summed(block: npt.NDArray[Any], weights: Floats, *, values: bool) -> Floats:
    out = np.ones((block.shape[0], 2))
    plain = np.ascontiguousarray(block, "float64")
    _sums(plain, np.ascontiguousarray(weights, "float64"), values, out)
    return out


# Reassociation lets the sums run in vector lanes: the order differs, the accuracy does not.
@compiled_with(fastmath={"reassoc", "nsz"})
def _sums(block: Array, weights: Array, values: bool, out: Array) -> None:
    for t in range(block.shape[0]):
        row, weight = block[t], weights[t if weights.shape[0] > 1 else 0]
        total = 0.0
        for c in range(row.size):
            v = row[c] if values else 1.0
            total += weight[c] * v if np.isfinite(row[c]) else 0.0
        out[t, 0] = total
