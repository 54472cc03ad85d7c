"""Bring several cubes onto one set of spatial tiles, each whole along its core dimension."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.chunks import is_lazy, require_whole
from climcube.cubes.packing import Decoding, Packing, undecoded
from climcube.lift.common import Array, load_kernel
from climcube.lift.costs import Outline

__all__ = ["TiledCubes", "blocks_of_tile", "exact_blocks", "room_of_blocks"]

_KERNELS = "climcube.kernels.unpacking"  # by name: the lift imports no kernel

_COMPILED = (np.float32, np.float64, np.int16)  # one compiled version each is enough
_BLOCKS = 16  # blocks of cells that are made contiguous at once

Chunks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class TiledCubes:
    """Cubes with the cells of the first, cut into its tiles.

    Parameters
    ----------
    cubes
        Pairs of cube and its core dimension. Cubes may lack cell dimensions of the first (their
        values then serve all its cells) and may have any dimension order and chunks.
    purpose
        The public function, for messages.
    """

    cubes: tuple[tuple[xr.DataArray, str], ...]
    purpose: str

    def __post_init__(self) -> None:
        for cube, core in self.cubes:
            require_whole(cube, core, self.purpose)

    @property
    def subject(self) -> xr.DataArray:
        """The first cube, which gives the dimension order."""
        return self.cubes[0][0]

    @property
    def axis(self) -> int:
        """Position of the core dimension."""
        return self.subject.dims.index(self.cubes[0][1])

    @property
    def cells(self) -> tuple[Any, ...]:
        """Every dimension of the first cube but its core dimension."""
        return self.subject.dims[: self.axis] + self.subject.dims[self.axis + 1 :]

    @cached_property
    def lazy(self) -> bool:
        """Whether any of the cubes is backed by Dask."""
        return any(is_lazy(cube) for cube, _ in self.cubes)

    @cached_property
    def chunks(self) -> Chunks:
        """Sizes of the tiles along each cell dimension."""
        cut = self.subject.chunksizes
        return tuple(tuple(cut.get(d, (self.subject.sizes[d],))) for d in self.cells)

    @cached_property
    def packings(self) -> tuple[Packing | Decoding | None, ...]:
        """Packing that each cube's encoding claims, or how the integers read decode."""
        return tuple(how for _, how in self._sources)

    @cached_property
    def arrays(self) -> list[Any]:
        """NumPy or Dask arrays, all in the first cube's order, chunked to its tiles if lazy."""
        template = self.subject.isel({self.cubes[0][1]: 0}, drop=True).drop_vars(
            list(self.subject.coords), errors="ignore"
        )
        cores = [core for _, core in self.cubes]
        return [
            self._aligned(cube, core, template)
            for (cube, _), core in zip(self._sources, cores, strict=True)
        ]

    def keys(self, place: tuple[int, ...]) -> list[Any]:
        """Graph keys of one tile's block of each cube."""
        before, after = place[: self.axis], place[self.axis :]
        return [(array.name, *before, 0, *after) for array in self.arrays]

    @cached_property
    def _sources(self) -> list[tuple[xr.DataArray, Packing | Decoding | None]]:
        """Each cube as it is read: as stored, where it is lazy and only decoded since."""
        return [undecoded(cube) or (cube, Packing.of(cube)) for cube, _ in self.cubes]

    def _aligned(self, cube: xr.DataArray, core: str, template: xr.DataArray) -> Any:
        plain = cube.drop_vars(list(cube.coords), errors="ignore")
        if set(plain.dims) - {core} != set(self.cells):
            plain = plain.broadcast_like(template)
        order = [*self.cells[: self.axis], core, *self.cells[self.axis :]]
        plain = plain.transpose(*order)
        if not self.lazy:
            return plain.values
        whole = dict(zip(self.cells, self.chunks, strict=True)) | {core: -1}
        return plain.chunk(whole).data


def blocks_of_tile(
    tiles: Sequence[Array],
    axis: int,
    packings: Sequence[Packing | Decoding | None],
    block_cells: int,
) -> Iterator[tuple[slice, list[npt.NDArray[np.float64]]]]:
    """Yield blocks of cells of one tile: their rows, and a float64 ``(cells, n)`` copy of each.

    A block's copies serve the next block, too.
    """
    # Series last, as a view of the tile as it was read: merging the cell axes keeps it a view,
    # so no second tile is allocated here.
    moved = [np.moveaxis(tile, axis, -1) for tile in tiles]
    cells = math.prod(moved[0].shape[:-1])
    flat = [m.reshape(cells, m.shape[-1]) for m in moved]
    # One allocation for all blocks: fresh memory costs more than what is computed in it.
    rooms = [np.empty((min(block_cells, cells), f.shape[1])) for f in flat]
    for stretch, turned in _turned(flat, _BLOCKS * block_cells):
        for start in range(stretch.start, stretch.stop, block_cells):
            rows = slice(start, min(start + block_cells, stretch.stop))
            series = [room[: rows.stop - start] for room in rooms]
            local = slice(start - stretch.start, rows.stop - stretch.start)
            for values, packing, out in zip(turned, packings, series, strict=True):
                exact_blocks(values[local], packing, out)
            yield rows, series


def _turned(flat: Sequence[Array], most: int) -> Iterator[tuple[slice, list[Array]]]:
    """Yield stretches of at most ``most`` cells, each series contiguous, in one room for all."""
    cells = len(flat[0])
    apart = [f.dtype in _COMPILED and f.strides[-1] != f.itemsize and f.size > 0 for f in flat]
    rooms = [
        np.empty((min(most, cells), f.shape[1]), f.dtype) if turn else None
        for f, turn in zip(flat, apart, strict=True)
    ]
    for start in range(0, cells, most):
        stretch = slice(start, min(start + most, cells))
        turned = []
        for values, room in zip(flat, rooms, strict=True):
            given = values[stretch]
            if room is not None:
                given, lying = room[: len(given)], given
                load_kernel(f"{_KERNELS}:turn_series")(lying, given)
            turned.append(given)
        yield stretch, turned


def room_of_blocks(tiles: Sequence[Outline], axis: int, block_cells: int) -> int:
    """Return the bytes that `blocks_of_tile` needs beside the tiles."""
    room = 0
    for tile in tiles:
        length = tile.shape[axis]
        cells = tile.size // max(1, length)
        room += 8 * min(block_cells, cells) * length
        if tile.dtype in _COMPILED:
            room += tile.dtype.itemsize * min(_BLOCKS * block_cells, cells) * length
        if 0 < axis < tile.ndim - 1:  # the axes of the cells cannot be merged in a view
            room += tile.nbytes
    return room


def exact_blocks(
    block: Array, packing: Packing | Decoding | None, out: npt.NDArray[np.float64]
) -> None:
    """Write a float64 copy that the kernel may overwrite, packed values exact."""
    if isinstance(packing, Decoding):
        integers, fills = block.astype(np.int16, copy=False), np.array(packing.fills, np.int16)
        load_kernel(f"{_KERNELS}:decode_integers")(
            integers, packing.scale, packing.offset, fills, out
        )
    elif packing is None or block.dtype not in _COMPILED:
        out[:] = block
    else:
        rounding = float(np.finfo(block.dtype).eps)
        load_kernel(f"{_KERNELS}:decode_exact")(block, *packing.grid(), rounding, out)
