"""Carry a kernel that finds a varying number of rows in each cell (events) to a cube.

The result is one lazy part for each spatial tile, never one table of everything.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import Delayed

from climcube.cubes.packing import Decoding, Packing
from climcube.lift.common import Array, Tables, load_kernel, share
from climcube.lift.tiles import TiledCubes, blocks_of_tile
from climcube.options import get_option

__all__ = ["RowPart", "lift_rows"]


@dataclass(frozen=True)
class RowPart:
    """Rows of one tile: the number of each row's cell in the whole cube, and the values."""

    cells: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Work:
    """What every task knows."""

    reference: str
    axis: int
    packings: tuple[Packing | Decoding | None, ...]
    shape: tuple[int, ...]
    block_cells: int


def lift_rows(
    kernel: str,
    cubes: Sequence[tuple[xr.DataArray, str]],
    *,
    tables: tuple[Any, ...] = (),
    purpose: str,
    block_cells: int | None = None,
) -> list[Delayed]:
    """Apply a kernel that returns ``(cell of each row, rows)`` to every tile.

    Parameters
    ----------
    kernel, cubes, tables, purpose, block_cells
        As for `climcube.lift.series.lift_series`; all cubes have the cells of the first.

    Returns
    -------
    list of Delayed
        One `RowPart` each, in the order of the tiles. Cells are numbered in C order over the
        first cube's dimensions without its core dimension.
    """
    tiled = TiledCubes(tuple(cubes), purpose)
    shape = tuple(tiled.subject.sizes[d] for d in tiled.cells)
    corners = [np.concatenate([[0], np.cumsum(sizes)[:-1]]) for sizes in tiled.chunks]
    block = block_cells or get_option("block_cells")
    work = _Work(kernel, tiled.axis, tiled.packings, shape, block)
    node = share(tables)
    grids = [_delayed_grid(array, tiled.axis) for array in tiled.arrays]
    run = dask.delayed(run_rows, pure=True)
    return [
        run(
            node,
            [grid[place] for grid in grids],
            work=work,
            corner=tuple(int(c[i]) for c, i in zip(corners, place, strict=True)),
        )
        for place in np.ndindex(*map(len, corners))
    ]


def run_rows(
    tables: Any, tiles: Sequence[Array], *, work: _Work, corner: tuple[int, ...]
) -> RowPart:
    """Run a kernel over one tile and number its cells within the whole cube."""
    kernel, shared = load_kernel(work.reference), Tables.unwrap(tables)
    parts = []
    for rows, blocks in blocks_of_tile(tiles, work.axis, work.packings, work.block_cells):
        cells, values = kernel(*blocks, *shared)
        parts.append((cells + rows.start, values))
    local = np.concatenate([cells for cells, _ in parts])
    if work.shape:
        tile_shape = tiles[0].shape[: work.axis] + tiles[0].shape[work.axis + 1 :]
        places = np.unravel_index(local, tile_shape)
        whole = tuple(p + c for p, c in zip(places, corner, strict=True))
        local = np.ravel_multi_index(whole, work.shape).astype("int64")
    return RowPart(local, np.concatenate([values for _, values in parts]))


def _delayed_grid(array: Any, axis: int) -> npt.NDArray[Any]:
    """Return one delayed block for each tile; the core dimension has one block only."""
    if not isinstance(array, da.Array):
        alone = np.empty((1,) * (array.ndim - 1), object)
        # A name of its own: to name it by its contents, dask would copy and hash all of it.
        alone[...] = dask.delayed(array, name=f"tile-{uuid.uuid4().hex}", traverse=False)
        return alone
    grid: npt.NDArray[Any] = np.asarray(array.to_delayed())
    first: npt.NDArray[Any] = np.take(grid, 0, axis=axis)
    return first
