"""Weighted means of windows that move over samples, in time that does not grow with the window.

The record is cut into blocks as long as a window. A window is then the end of one block and the
beginning of the next: the sums of all ends and of all beginnings are each one pass, and nothing
is ever subtracted, so that no value leaves rounding errors behind it. Blocks are cut by the number
of the sample on the whole record, so results do not depend on how time was cut into chunks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["RollingTables", "rolling_mean"]


class RollingTables(NamedTuple):
    """Windows of samples: what depends on the time axis only.

    The window of sample ``i`` holds the samples from ``begin[i]`` up to ``end[i]``, at most
    ``length`` of them; ``weight`` is each sample's, ``least[i]`` what the window's valid samples
    must weigh.
    """

    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    least: npt.NDArray[np.float64]
    length: int


def rolling_mean(
    block: npt.NDArray[Any], start: int, first: int, last: int, tables: RollingTables
) -> npt.NDArray[np.float64]:
    """Return the means of the windows of samples ``first`` up to ``last``, ``(times, cells)``.

    ``block`` holds the samples from number ``start`` on, ``(times, cells)``, all that those
    windows need. Values that are not finite carry no weight; NaN where too little is left.
    """
    known = block if block.dtype in (np.float32, np.float64) else block.astype("float64")
    out = np.empty((last - first, block.shape[1]))
    _rolling(np.ascontiguousarray(known), start, first, last, *tables, out)
    return out


@compiled
def _rolling(
    block: Array,
    start: int,
    first: int,
    last: int,
    begin: Array,
    end: Array,
    weight: Array,
    least: Array,
    length: int,
    out: Array,
) -> None:
    times, cells = block.shape
    ends, tails = np.zeros((times + 1, cells)), np.zeros((times + 1, cells))
    heads, leads = np.zeros((times + 1, cells)), np.zeros((times + 1, cells))
    for k in range(times - 1, -1, -1):  # from each sample to the end of its block
        closes = (start + k + 1) % length == 0
        _add(block[k], weight[start + k], ends[k + 1], tails[k + 1], closes, ends[k], tails[k])
    for k in range(times):  # from the beginning of its block to each sample
        opens = (start + k) % length == 0
        _add(block[k], weight[start + k], heads[k], leads[k], opens, heads[k + 1], leads[k + 1])
    total, seen = np.empty(cells), np.empty(cells)
    for i in range(first, last):
        a, b = begin[i], end[i]
        if a // length != (b - 1) // length:
            for c in range(cells):
                total[c] = ends[a - start, c] + heads[b - start, c]
                seen[c] = tails[a - start, c] + leads[b - start, c]
        elif a % length == 0:
            total[:], seen[:] = heads[b - start], leads[b - start]
        elif b % length == 0 or b == weight.size:
            total[:], seen[:] = ends[a - start], tails[a - start]
        else:  # beside a gap in time: few samples
            total[:], seen[:] = 0.0, 0.0
            for k in range(a, b):
                _add(block[k - start], weight[k], total, seen, False, total, seen)
        for c in range(cells):
            enough = seen[c] > 0.0 and seen[c] >= least[i]
            out[i - first, c] = total[c] / seen[c] if enough else np.nan


@compiled
def _add(
    row: Array, weight: float, total: Array, seen: Array, anew: bool, sums: Array, weights: Array
) -> None:
    """Write the sums so far, or none where they begin anew, with one more sample."""
    for c in range(row.size):
        value = np.float64(row[c])
        valid = value - value == 0.0
        before, known = (0.0, 0.0) if anew else (total[c], seen[c])
        sums[c] = before + (weight * value if valid else 0.0)
        weights[c] = known + (weight if valid else 0.0)
