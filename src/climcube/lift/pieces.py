"""Read the blocks of a task piece by piece as floats: packed integers are decoded in the cache.

To decode a block as a whole costs more than most statistics of it: its floats are written to
memory, two or four times as many bytes as were read, and read from there again. So a task is
handed the integers as they are stored (see `climcube.cubes.packing.undecoded`), and a kernel meets
the floats, the very ones of the decoded cube, a piece at a time.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from climcube.cubes.packing import Decoding
from climcube.lift.common import Array, load_kernel

__all__ = ["PIECE", "Slab", "Stretch", "floats", "slabs"]

PIECE = 2**17  # numbers: as floats they lie in the cache of the core that decoded them
_DECODE = "climcube.kernels.unpacking:decode_floats"  # by name: the lift imports no kernel

Slab = tuple[tuple[Any, ...], slice]  # some cells: their index, and their flat numbers


def floats(block: Array, decoding: Decoding | None) -> Array:
    """Return the values of a ``(rows, cells)`` block: itself, or decoded where it is packed."""
    if decoding is None:
        return block
    integers = np.ascontiguousarray(block, np.int16)
    values = np.empty(block.shape, decoding.dtype)
    kind = values.dtype.type
    # Minus zero leaves every number as it is; plus zero would turn -0.0 into 0.0.
    offset = kind(decoding.offset or -0.0)
    fills = np.array(decoding.fills, np.int16)
    load_kernel(_DECODE)(integers, kind(decoding.scale), offset, fills, values)
    return values


@dataclass(frozen=True)
class Stretch:
    """Consecutive blocks of one tile, time first: floats, or integers and how they decode."""

    blocks: list[Array]
    decoding: Decoding | None

    @property
    def steps(self) -> int:
        """Number of times."""
        return self._edges[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the cell dimensions."""
        return self.blocks[0].shape[1:]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def in_rows(self) -> bool:
        """Whether all cells of one time lie side by side in memory."""
        return all(block.flags.c_contiguous for block in self.blocks)

    def pieces(self, slab: Slab, steps: int) -> Iterator[Array]:
        """Yield the values of a slab, ``(times, cells)``, so many times at once; one at least."""
        for first in range(0, max(1, self.steps), steps):
            yield self.read(slab, first, first + steps)

    def read(self, slab: Slab, first: int, stop: int) -> Array:
        """Return the values of a slab at some times, ``(times, cells)``."""
        where, rows = slab
        parts = [
            part[(slice(None), *where)].reshape(len(part), rows.stop - rows.start)
            for part in self._between(first, stop)
        ]
        return floats(parts[0] if len(parts) == 1 else np.concatenate(parts), self.decoding)

    def _between(self, first: int, stop: int) -> list[Array]:
        """Return what each block has of some times; one without any where there are none."""
        edges = self._edges
        members = range(bisect_right(edges, first) - 1, bisect_left(edges, stop, hi=len(edges) - 1))
        cut = [self.blocks[i][max(0, first - edges[i]) : stop - edges[i]] for i in members]
        return [part for part in cut if len(part)] or [self.blocks[0][:0]]

    @cached_property
    def _edges(self) -> list[int]:
        return list(accumulate(map(len, self.blocks), initial=0))


def slabs(shape: tuple[int, ...], limit: int) -> Iterator[Slab]:
    """Cut cell dimensions into slabs of consecutive cells, at most ``limit`` each."""
    if math.prod(shape) <= limit or not shape:
        yield tuple(slice(None) for _ in shape), slice(0, math.prod(shape))
        return
    inner = list(np.cumprod((1, *shape[:0:-1]))[::-1])  # cells below one step of each dimension
    cut = next(d for d, below in enumerate(inner) if below <= limit)
    step = max(1, limit // int(inner[cut]))
    flat = 0
    for lead in np.ndindex(*shape[:cut]):
        for first in range(0, shape[cut], step):
            stop = min(first + step, shape[cut])
            count = (stop - first) * int(inner[cut])
            yield (*lead, slice(first, stop)), slice(flat, flat + count)
            flat += count
