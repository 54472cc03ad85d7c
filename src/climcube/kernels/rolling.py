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
    cells = block.shape[1]
    # From each sample of one block to the block's end; and from a block's beginning so far.
    tail, tail_days = np.zeros((length + 1, cells)), np.zeros((length + 1, cells))
    head, head_days = np.zeros(cells), np.zeros(cells)
    total, days = np.zeros(cells), np.zeros(cells)
    known, reached = -1, begin[first]
    for i in range(first, last):
        a, b = begin[i], end[i]
        own = a // length
        if own != known:
            known = own
            stop = min((own + 1) * length, start + block.shape[0])
            _tails(block, start, own * length, a, stop, weight, tail, tail_days)
        for k in range(reached, b):
            if k % length == 0:
                head[:], head_days[:] = 0.0, 0.0
            _add(block[k - start], weight[k], head, head_days)
        reached = b
        here = a - own * length
        if own != (b - 1) // length:
            for c in range(cells):
                total[c] = tail[here, c] + head[c]
                days[c] = tail_days[here, c] + head_days[c]
        elif here == 0:
            total[:], days[:] = head, head_days
        elif b % length == 0 or b == weight.size:
            total[:], days[:] = tail[here], tail_days[here]
        else:  # beside a gap in time: few samples
            total[:], days[:] = 0.0, 0.0
            for k in range(a, b):
                _add(block[k - start], weight[k], total, days)
        target, enough = out[i - first], least[i]
        for c in range(cells):
            valid = (days[c] > 0.0) & (days[c] >= enough)
            target[c] = total[c] / days[c] if valid else np.nan


@compiled
def _tails(
    block: Array,
    start: int,
    zero: int,
    begin: int,
    stop: int,
    weight: Array,
    tail: Array,
    tail_days: Array,
) -> None:
    """Write the sums from each sample on up to ``stop``; sample ``k`` has row ``k - zero``."""
    tail[stop - zero], tail_days[stop - zero] = 0.0, 0.0
    for k in range(stop - 1, begin - 1, -1):
        row, w, here = block[k - start], weight[k], k - zero
        for c in range(row.size):
            value = np.float64(row[c])
            valid = value - value == 0.0
            tail[here, c] = tail[here + 1, c] + (w * value if valid else 0.0)
            tail_days[here, c] = tail_days[here + 1, c] + (w if valid else 0.0)


@compiled
def _add(row: Array, weight: float, total: Array, days: Array) -> None:
    """Add one sample to the sums."""
    for c in range(row.size):
        value = np.float64(row[c])
        valid = value - value == 0.0
        total[c] += weight * value if valid else 0.0
        days[c] += weight if valid else 0.0
