"""Percentile and mean of sliding windows over one series, exactly, in float64.

Values are sorted once into coarse bins of equal width (a monotone map, so bins are ordered as
values are). Each bin keeps a short list of the window's values that fall into it, and a pointer
follows the bin that holds the order statistic. Moving the window by a day touches some sixty
values, and only the few values of one bin are ever compared. Ties and duplicates need no care:
the values themselves decide inside the bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["sliding_statistics"]

BINS = 1024
_NONE = -1


@njit(nogil=True, cache=True, error_model="numpy")
def _bin_values(
    series: npt.NDArray[np.float64],
    samples: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    bins: npt.NDArray[np.int32],
) -> float:
    """Copy each node's value and give it a bin; return the lowest value (NaN if none)."""
    low, high = np.inf, -np.inf
    for node in range(samples.size):
        value = series[samples[node]]
        values[node] = value
        if np.isfinite(value):
            low, high = min(low, value), max(high, value)
    if low > high:
        bins[:] = _NONE
        return np.nan
    scale = (BINS - 1) / (high - low) if high > low else 0.0
    if not np.isfinite(scale):
        scale = 0.0
    for node in range(samples.size):
        value = values[node]
        bins[node] = int((value - low) * scale) if np.isfinite(value) else _NONE
    return low


@njit(nogil=True, cache=True, error_model="numpy")
def _take(
    node: int, bins: npt.NDArray[np.int32], head: npt.NDArray[np.int32], following: npt.NDArray[np.int32]
) -> None:
    """Unlink a node from the list of its bin."""
    here = bins[node]
    if head[here] == node:
        head[here] = following[node]
        return
    before = head[here]
    while following[before] != node:
        before = following[before]
    following[before] = following[node]


@njit(nogil=True, cache=True, error_model="numpy")
def _collect(
    first: int,
    following: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    out: npt.NDArray[np.float64],
) -> int:
    """Copy the values of one bin to ``out``, sorted; return how many they are."""
    size = 0
    node = first
    while node != _NONE:
        out[size] = values[node]
        size += 1
        node = following[node]
    if size > 32:  # values that crowd into one bin (an outlier stretched the range)
        out[:size].sort()
        return size
    for i in range(1, size):
        value = out[i]
        j = i
        while j > 0 and out[j - 1] > value:
            out[j] = out[j - 1]
            j -= 1
        out[j] = value
    return size


@njit(nogil=True, cache=True, error_model="numpy")
def _order_statistic(
    position: float,
    bin_: int,
    below: int,
    head: npt.NDArray[np.int32],
    following: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    buffer: npt.NDArray[np.float64],
) -> float:
    """Interpolate between the order statistics around ``position`` (Hyndman-Fan type 7)."""
    rank = int(np.floor(position))
    fraction = position - rank
    size = _collect(head[bin_], following, values, buffer)
    lower = buffer[rank - below]
    if fraction <= 0.0:
        return lower
    if rank - below + 1 < size:
        upper = buffer[rank - below + 1]
    else:
        bin_ += 1
        while head[bin_] == _NONE:
            bin_ += 1
        _collect(head[bin_], following, values, buffer)
        upper = buffer[0]
    return lower + fraction * (upper - lower)


@njit(nogil=True, cache=True, error_model="numpy")
def _slide(
    series: npt.NDArray[np.float64],
    samples: npt.NDArray[np.int32],
    groups: npt.NDArray[np.int32],
    enter: npt.NDArray[np.int32],
    enter_start: npt.NDArray[np.int32],
    leave: npt.NDArray[np.int32],
    leave_start: npt.NDArray[np.int32],
    quantile: float,
    mean: npt.NDArray[np.float64],
    percentile: npt.NDArray[np.float64],
    count: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    bins: npt.NDArray[np.int32],
    following: npt.NDArray[np.int32],
    head: npt.NDArray[np.int32],
    number: npt.NDArray[np.int32],
    buffer: npt.NDArray[np.float64],
) -> None:
    """Visit every window of one series."""
    origin = _bin_values(series, samples, values, bins)
    if np.isnan(origin):
        return
    head[:] = _NONE
    number[:] = 0
    total, size, pointer, below = 0.0, 0, 0, 0
    for k in range(groups.size):
        for i in range(leave_start[k], leave_start[k + 1]):
            node = leave[i]
            here = bins[node]
            if here != _NONE:
                _take(node, bins, head, following)
                number[here] -= 1
                below -= here < pointer
                size -= 1
                total -= values[node] - origin
        for i in range(enter_start[k], enter_start[k + 1]):
            node = enter[i]
            here = bins[node]
            if here != _NONE:
                following[node] = head[here]
                head[here] = node
                number[here] += 1
                below += here < pointer
                size += 1
                total += values[node] - origin
        if size == 0:
            continue
        position = (size - 1) * quantile
        rank = int(np.floor(position))
        while below > rank:
            pointer -= 1
            below -= number[pointer]
        while below + number[pointer] <= rank:
            below += number[pointer]
            pointer += 1
        group = groups[k]
        count[group] = size
        mean[group] = origin + total / size
        percentile[group] = _order_statistic(
            position, pointer, below, head, following, values, buffer
        )


@njit(nogil=True, cache=True, error_model="numpy")
def sliding_statistics(
    block: npt.NDArray[np.float64],
    size: int,
    quantile: float,
    samples: npt.NDArray[np.int32],
    groups: npt.NDArray[np.int32],
    enter: npt.NDArray[np.int32],
    enter_start: npt.NDArray[np.int32],
    leave: npt.NDArray[np.int32],
    leave_start: npt.NDArray[np.int32],
) -> Any:
    """Return mean, percentile and count of each group's window, each ``(cells, size)``.

    Parameters
    ----------
    block
        ``(cells, time)``; values that are not finite are missing.
    size
        Number of groups in the output; groups never visited or without data stay NaN, count 0.
    quantile
        Between 0 and 1.
    samples, groups, enter, enter_start, leave, leave_start
        See `climcube.kernels.windows.Windows`.
    """
    cells = block.shape[0]
    mean = np.full((cells, size), np.nan)
    percentile = np.full((cells, size), np.nan)
    count = np.zeros((cells, size), np.int32)
    values = np.empty(samples.size)
    bins = np.empty(samples.size, np.int32)
    following = np.empty(samples.size, np.int32)
    head = np.empty(BINS + 1, np.int32)
    number = np.empty(BINS + 1, np.int32)
    buffer = np.empty(samples.size)
    for cell in range(cells):
        _slide(
            block[cell], samples, groups, enter, enter_start, leave, leave_start, quantile,
            mean[cell], percentile[cell], count[cell],
            values, bins, following, head, number, buffer,
        )  # fmt: skip
    return mean, percentile, count
