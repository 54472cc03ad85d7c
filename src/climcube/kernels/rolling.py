"""Weighted means of windows that move over samples, in time that does not grow with the window.

The record is cut into blocks as long as a window. A window is then the end of one block and the
beginning of the next: the sums of all ends and of all beginnings are each one pass, and nothing
is ever subtracted, so that no value leaves rounding errors behind it. Blocks are cut by the number
of the sample on the whole record, so results do not depend on how time was cut into chunks.

What a window's valid samples weigh is the same kind of sum, of ones where there is a value: once
for all cells without gaps together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["RollingTables", "rolling_mean"]

Floats = npt.NDArray[np.float64]


class RollingTables(NamedTuple):
    """Windows of samples: what depends on the time axis only.

    The window of sample ``i`` holds the samples from ``begin[i]`` up to ``end[i]``, at most
    ``length`` of them; ``weight`` is each sample's, ``least[i]`` what the window's valid samples
    must weigh.
    """

    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    weight: Floats
    least: Floats
    length: int


def rolling_mean(
    block: npt.NDArray[Any],
    start: int,
    first: int,
    last: int,
    column: int,
    out: Floats,
    tables: RollingTables,
) -> None:
    """Write the means of the windows of samples ``first`` up to ``last``, ``(times, cells)``.

    ``block`` holds the samples from number ``start`` on, ``(times, cells)``, all that those
    windows need; its first cell belongs to that ``column`` of ``out``. Values that are not finite
    carry no weight; NaN where too little is left.
    """
    known = block if block.dtype in (np.float32, np.float64) else block.astype("float64")
    known = np.ascontiguousarray(known)
    place = (start, first, last)
    whole = np.ones((len(known), 1), known.dtype)
    _write_means(known, whole, place, tables, column, out)  # NaN where a cell has a gap
    gaps, missing = np.zeros((2, known.shape[1]), "int64")
    _count_gaps(known, gaps, missing)
    gappy = np.flatnonzero((gaps > 0) & (missing < len(known)))
    if len(gappy):
        values = known.take(gappy, 1)
        present = np.isfinite(values)
        values[~present] = 0
        means = np.empty((last - first, len(gappy)))
        _write_means(values, present.astype(values.dtype), place, tables, 0, means)
        out[:, column + gappy] = means


def _write_means(
    values: Array,
    present: Array,
    place: tuple[int, int, int],
    tables: RollingTables,
    column: int,
    out: Floats,
) -> None:
    """Write weighted sums over the weight of what is present, of all cells alike or of each."""
    begin, end, weight, least, length = tables
    _, first, last = place
    days, one = np.empty((last - first, present.shape[1])), np.ones((last - first, 1))
    _sums(present, *place, begin, end, weight, length, one, 0, days)
    enough = (days > 0.0) & (days >= least[first:last, None])
    divisor = np.where(enough, days, np.nan)
    _sums(values, *place, begin, end, weight, length, divisor, column, out)


@compiled
def _count_gaps(block: Array, gaps: Array, missing: Array) -> None:
    """Count the values of each cell that are not finite, and those that are NaN."""
    for t in range(block.shape[0]):
        row = block[t]
        for c in range(row.size):
            gaps[c] += row[c] - row[c] != 0.0
            missing[c] += row[c] != row[c]  # noqa: PLR0124 - NaN is not equal to itself


@compiled
def _sums(
    block: Array,
    start: int,
    first: int,
    last: int,
    begin: Array,
    end: Array,
    weight: Array,
    length: int,
    divisor: Array,
    column: int,
    out: Array,
) -> None:
    """Write the weighted sum of every window over its divisor, one for all cells or one each."""
    cells = block.shape[1]
    # From each sample of one block to the block's end; and from a block's beginning so far.
    tail, head, total = np.zeros((length + 1, cells)), np.zeros(cells), np.zeros(cells)
    nothing = np.zeros(cells)
    known, reached = -1, begin[first]
    for i in range(first, last):
        a, b = begin[i], end[i]
        own = a // length
        if own != known:
            known = own
            stop = min((own + 1) * length, start + block.shape[0])
            _tails(block, start, own * length, a, stop, weight, tail)
        for k in range(reached, b):
            if k % length == 0:
                head[:] = 0.0
            _add(block[k - start], weight[k], head)
        reached = b
        here = a - own * length
        one, other = tail[here], nothing
        if own != (b - 1) // length:
            other = head
        elif here == 0:
            one = head
        elif b % length != 0 and b != weight.size:  # beside a gap in time: few samples
            total[:] = 0.0
            for k in range(a, b):
                _add(block[k - start], weight[k], total)
            one = total
        _divide(one, other, divisor[i - first], out[i - first, column : column + cells])


@compiled
def _tails(
    block: Array, start: int, zero: int, begin: int, stop: int, weight: Array, tail: Array
) -> None:
    """Write the sums from each sample on up to ``stop``; sample ``k`` has row ``k - zero``."""
    tail[stop - zero] = 0.0
    for k in range(stop - 1, begin - 1, -1):
        row, w, here, after = block[k - start], weight[k], tail[k - zero], tail[k - zero + 1]
        for c in range(row.size):
            here[c] = after[c] + w * row[c]


@compiled
def _add(row: Array, weight: float, total: Array) -> None:
    """Add one sample to the sums."""
    for c in range(row.size):
        total[c] += weight * row[c]


@compiled
def _divide(one: Array, other: Array, divisor: Array, out: Array) -> None:
    """Write (one + other) / divisor."""
    if divisor.size == 1:
        whole = divisor[0]
        for c in range(out.size):
            out[c] = (one[c] + other[c]) / whole
    else:
        for c in range(out.size):
            out[c] = (one[c] + other[c]) / divisor[c]
