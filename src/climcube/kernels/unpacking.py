"""From a tile as it was read to series: contiguous, float64, packed values exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["decode_exact", "decode_floats", "decode_integers", "exact_series", "turn_series"]

_TIMES = 8  # copied at once, by code without a loop


@compiled
def turn_series(block: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Copy ``(cells, time)`` values that lie time by time to contiguous series.

    Memory is read in the order in which it lies, a few times of all cells together: the more
    cells, the longer the stretches. Lines of the cache that lie a whole map apart would displace
    each other if one cell were read after another.
    """
    cells, times = block.shape
    for first in range(0, times, _TIMES):
        maps, few = block[:, first : first + _TIMES], out[:, first : first + _TIMES]
        for cell in range(cells):
            given, taken = maps[cell], few[cell]
            if given.size == _TIMES:
                for i in range(_TIMES):
                    taken[i] = given[i]
            else:
                for i in range(given.size):
                    taken[i] = given[i]


@compiled
def decode_exact(
    block: npt.NDArray[Any],
    scale: float,
    offset: float,
    lowest: float,
    highest: float,
    rounding: float,
    out: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Decode each series that lies on the packed grid exactly; return which do.

    ``value = integer * scale + offset`` with integers from ``lowest`` to ``highest``. Values
    were decoded in a type whose relative spacing is ``rounding``, which rounds at most twice:
    once each for scale and offset. A series with a single value off the grid is copied as it is.
    """
    exact = np.zeros(block.shape[0], np.bool_)
    per_step, limit = 1.0 / scale, abs(scale) / 4
    for cell in range(block.shape[0]):
        given, decoded = block[cell], out[cell]
        off_grid = 0
        for i in range(given.size):
            value = np.float64(given[i])
            # A value on the grid is so close to its integer that this rounds to it, too.
            integer = np.rint((value - offset) * per_step)
            decoded[i] = integer * scale + offset
            tolerance = min(2 * rounding * (abs(value) + abs(offset)), limit)
            off_grid += abs(decoded[i] - value) > tolerance
            off_grid += (integer < lowest) | (integer > highest)
        exact[cell] = off_grid == 0
        if off_grid > 0:
            decoded[:] = given
    return exact


@compiled
def decode_integers(
    block: npt.NDArray[Any],
    scale: float,
    offset: float,
    fills: npt.NDArray[Any],
    out: npt.NDArray[np.float64],
) -> None:
    """Decode integers as stored; those that mean "missing" become NaN.

    The numbers are those of ``decode_exact``, to the bit.
    """
    for cell in range(block.shape[0]):
        given, decoded = block[cell], out[cell]
        for i in range(given.size):
            decoded[i] = given[i] * scale + offset
        for fill in fills:
            for i in range(given.size):
                decoded[i] = np.nan if given[i] == fill else decoded[i]


@compiled
def decode_floats(
    block: npt.NDArray[Any],
    scale: float,
    offset: float,
    fills: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """Decode integers as stored in the float type of ``out``, scale and offset; fills are NaN.

    The numbers are those of ``climcube.cubes.packing.Decoding.apply``, to the bit: the product
    and the sum are rounded to that type, each by itself.
    """
    for t in range(block.shape[0]):
        given, values = block[t], out[t]
        for i in range(given.size):
            values[i] = given[i]
        for i in range(given.size):
            values[i] = values[i] * scale + offset
        for fill in fills:
            for i in range(given.size):
                values[i] = np.nan if given[i] == fill else values[i]


def exact_series(
    block: npt.NDArray[np.float64],
    scale: float,
    offset: float,
    lowest: float,
    highest: float,
    rounding: float,
) -> npt.NDArray[np.bool_]:
    """Do the same in place."""
    return decode_exact(block.copy(), scale, offset, lowest, highest, rounding, block)
