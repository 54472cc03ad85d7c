"""From a tile as it was read to series: float64, contiguous, packed values exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["exact_series", "gather_series"]

_STRETCH = 64  # times copied at once: what one cell needs stays in the cache for the next cells


@compiled
def gather_series(block: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return a contiguous float64 copy of ``(cells, time)`` values that lie time by time."""
    cells, times = block.shape
    out = np.empty((cells, times))
    for first in range(0, times, _STRETCH):
        last = min(first + _STRETCH, times)
        for cell in range(cells):
            for i in range(first, last):
                out[cell, i] = block[cell, i]
    return out


@compiled
def exact_series(
    block: npt.NDArray[np.float64],
    scale: float,
    offset: float,
    lowest: float,
    highest: float,
    rounding: float,
) -> npt.NDArray[np.bool_]:
    """Decode each series exactly, in place, if all of it lies on the packed grid; return which.

    ``value = integer * scale + offset`` with integers from ``lowest`` to ``highest``. Values
    were decoded in a type whose relative spacing is ``rounding``, which rounds at most twice:
    once each for scale and offset. A series with a single value off the grid is left as it is.
    """
    decoded = np.empty(block.shape[1])
    exact = np.zeros(block.shape[0], np.bool_)
    for cell in range(block.shape[0]):
        series = block[cell]
        off_grid = 0
        for i in range(series.size):
            integer = np.rint((series[i] - offset) / scale)
            decoded[i] = integer * scale + offset
            tolerance = min(2 * rounding * (abs(series[i]) + abs(offset)), abs(scale) / 4)
            off_grid += abs(decoded[i] - series[i]) > tolerance
            off_grid += (integer < lowest) | (integer > highest)
        if off_grid == 0:
            series[:] = decoded
            exact[cell] = True
    return exact
