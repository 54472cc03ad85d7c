"""The value of one rank among many, in linear time, without sorting them all."""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled

__all__ = ["middle_value", "select"]

_FEW = 24  # values that are sorted by insertion
_SAMPLE = 15


@compiled
def select(values: Array, left: int, right: int, rank: int, sample: Array) -> float:
    """Return what sorting ``values[left:right]`` would put at ``rank``, and put it there.

    What stands before ``rank`` afterwards is no greater, what stands behind it no less.
    ``sample`` is room for at least 15 values.
    """
    while right - left > _FEW:
        pivot = _pivot(values, left, right, rank, sample)
        border = left
        for i in range(left, right):  # without a branch: swap always, move on if less
            value = values[i]
            values[i] = values[border]
            values[border] = value
            border += 1 if value < pivot else 0
        if rank < border:
            right = border
            continue
        equal = border
        for i in range(border, right):
            value = values[i]
            if value == pivot:
                values[i] = values[equal]
                values[equal] = value
                equal += 1
        if rank < equal:
            return float(pivot)
        left = equal
    _insertion(values, left, right)
    return float(values[rank])


@compiled
def _pivot(values: Array, left: int, right: int, rank: int, sample: Array) -> float:
    """Return the value whose place in a sample is that of the rank among all."""
    size = right - left
    taken = min(_SAMPLE, 3 + size // 40)
    for k in range(taken):
        sample[k] = values[left + (2 * k + 1) * size // (2 * taken)]
    _insertion(sample, 0, taken)
    return float(sample[min(taken - 1, (rank - left) * taken // size)])


@compiled
def _insertion(values: Array, left: int, right: int) -> None:
    for j in range(left + 1, right):
        moving, k = values[j], j
        while k > left and values[k - 1] > moving:
            values[k] = values[k - 1]
            k -= 1
        values[k] = moving


@compiled
def middle_value(values: Array, left: int, right: int, sample: Array) -> float:
    """Return the median of ``values[left:right]``, which is put in some other order."""
    size = right - left
    if size == 0:
        return np.nan
    rank = left + size // 2
    upper = select(values, left, right, rank, sample)
    if size % 2 == 1:
        return float(upper)
    lower = values[left]
    for i in range(left + 1, rank):
        lower = max(lower, values[i])
    return float(0.5 * (lower + upper))
