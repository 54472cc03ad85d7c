"""From a tile as it was read to series: float64, contiguous, packed values exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["exact_series", "gather_exact", "gather_series"]

_STRETCH = 32  # times copied at once: what one cell needs stays in the cache for the next cells


@compiled
def gather_series(block: npt.NDArray[Any], out: npt.NDArray[np.float64]) -> None:
    """Copy ``(cells, time)`` values that lie time by time to rows of float64."""
    cells, times = block.shape
    few = np.empty((cells, _STRETCH))
    for first in range(0, times, _STRETCH):
        size = min(_STRETCH, times - first)
        _turn(block, first, size, few)
        for cell in range(cells):
            out[cell, first : first + size] = few[cell, :size]


@compiled
def _turn(block: npt.NDArray[Any], first: int, size: int, few: npt.NDArray[np.float64]) -> None:
    """Copy a few times of all cells, map by map.

    The values of a map lie together; reading cell by cell would fetch each cache line once for
    every cell, because lines a whole map apart displace each other.
    """
    for i in range(size):
        for cell in range(block.shape[0]):
            few[cell, i] = block[cell, first + i]


@compiled
def gather_exact(
    block: npt.NDArray[Any],
    scale: float,
    offset: float,
    lowest: float,
    highest: float,
    rounding: float,
    out: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Gather ``(cells, time)`` values and decode each series that lies on the packed grid.

    ``value = integer * scale + offset`` with integers from ``lowest`` to ``highest``. Values
    were decoded in a type whose relative spacing is ``rounding``, which rounds at most twice:
    once each for scale and offset. A series with a single value off the grid is gathered as it
    is. Returns which of them are exact.
    """
    cells, times = block.shape
    off_grid = np.zeros(cells, np.int64)
    few = np.empty((cells, _STRETCH))
    per_step, limit = 1.0 / scale, abs(scale) / 4
    for first in range(0, times, _STRETCH):
        size = min(_STRETCH, times - first)
        _turn(block, first, size, few)
        for cell in range(cells):
            given, decoded = few[cell], out[cell, first : first + size]
            off = 0
            for i in range(size):
                # A value on the grid is so close to its integer that this rounds to it, too.
                integer = np.rint((given[i] - offset) * per_step)
                decoded[i] = integer * scale + offset
                tolerance = min(2 * rounding * (abs(given[i]) + abs(offset)), limit)
                off += abs(decoded[i] - given[i]) > tolerance
                off += (integer < lowest) | (integer > highest)
            off_grid[cell] += off
    for cell in range(cells):
        if off_grid[cell] > 0:
            out[cell] = block[cell]
    return off_grid == 0


@compiled
def exact_series(
    block: npt.NDArray[np.float64],
    scale: float,
    offset: float,
    lowest: float,
    highest: float,
    rounding: float,
) -> npt.NDArray[np.bool_]:
    """Decode each series in place as `gather_exact` does; return which are exact."""
    series = np.empty_like(block)
    exact = gather_exact(block, scale, offset, lowest, highest, rounding, series)
    block[:] = series
    return exact
