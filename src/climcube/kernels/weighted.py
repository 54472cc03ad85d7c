"""Weighted sums over cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled_with

__all__ = ["banded_sums", "weighted_sums"]

Floats = npt.NDArray[np.float64]


def weighted_sums(block: npt.NDArray[Any], weights: Floats) -> Floats:
    """Return sum of weight * value and sum of weight, over the valid cells of each row.

    ``block`` is ``(rows, cells)``; ``weights`` is ``(rows, cells)``, or ``(1, cells)`` for the
    same in every row. Cells whose value or weight is not finite carry no weight. The result is
    ``(rows, 2)``.
    """
    out = np.empty((block.shape[0], 2))
    _weighted_sums(_native(block), _known(weights), out)
    return out


def banded_sums(
    block: npt.NDArray[Any], weights: Floats, label: npt.NDArray[np.int32], number: int
) -> Floats:
    """Return the same two sums for each of ``number`` bands, ``(rows, 2 * number)``.

    ``label`` is the band of each cell, -1 for none.
    """
    out = np.zeros((block.shape[0], 2 * number))
    edges = np.flatnonzero(np.diff(label)) + 1
    begin = np.concatenate([[0], edges, [len(label)]]) if len(label) else np.zeros(1, int)
    _banded_sums(_native(block), _known(weights), np.ascontiguousarray(label), begin, out)
    return out


def _native(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    dtype = "float32" if block.dtype in (np.float16, np.float32) else "float64"
    return np.ascontiguousarray(block, dtype)


def _known(weights: Floats) -> Floats:
    finite = np.isfinite(weights)
    return np.ascontiguousarray(weights if finite.all() else np.where(finite, weights, 0.0))


# Reassociation lets the sums run in vector lanes: the order differs, the accuracy does not.
@compiled_with(fastmath={"reassoc", "nsz"})
def _weighted_sums(block: Array, weights: Array, out: Array) -> None:
    for t in range(block.shape[0]):
        row, weight = block[t], weights[t if weights.shape[0] > 1 else 0]
        total = 0.0
        seen = 0.0
        for c in range(row.size):
            v = np.float64(row[c])
            w = weight[c] if np.isfinite(v) else 0.0
            total += w * v if np.isfinite(v) else 0.0
            seen += w
        out[t, 0] = total
        out[t, 1] = seen


# Neighbours are mostly of one band: a run of cells is summed as a whole row is.
@compiled_with(fastmath={"reassoc", "nsz"})
def _banded_sums(block: Array, weights: Array, label: Array, begin: Array, out: Array) -> None:
    for t in range(block.shape[0]):
        row, weight = block[t], weights[t if weights.shape[0] > 1 else 0]
        for k in range(begin.size - 1):
            band = label[begin[k]]
            if band < 0:
                continue
            total = 0.0
            seen = 0.0
            # Cut out, so that no index can be negative: lanes again.
            values, heavy = row[begin[k] : begin[k + 1]], weight[begin[k] : begin[k + 1]]
            for c in range(values.size):
                v = np.float64(values[c])
                w = heavy[c] if np.isfinite(v) else 0.0
                total += w * v if np.isfinite(v) else 0.0
                seen += w
            out[t, 2 * band] += total
            out[t, 2 * band + 1] += seen
