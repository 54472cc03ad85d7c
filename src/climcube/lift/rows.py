"""Carry a kernel that finds a varying number of rows in each cell (events) to a cube.

The result is one lazy part for each spatial tile, never one table of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import Delayed

from climcube.cubes.chunks import is_lazy, require_whole
from climcube.cubes.packing import Packing
from climcube.lift.series import load_kernel, tile_blocks
from climcube.options import get_option

__all__ = ["RowPart", "lift_rows"]


@dataclass(frozen=True)
class RowPart:
    """Rows of one tile: the number of each row's cell in the whole cube, and the values."""

    cells: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]


def lift_rows(
    kernel: str,
    cubes: Sequence[tuple[xr.DataArray, str]],
    *,
    tables: tuple[Any, ...] = (),
    purpose: str,
) -> list[Delayed]:
    """Apply a kernel that returns ``(cell of each row, rows)`` to every tile.

    Parameters
    ----------
    kernel, cubes, tables, purpose
        As for `climcube.lift.series.lift_series`; all cubes have the cells of the first.

    Returns
    -------
    list of Delayed
        One `RowPart` each, in the order of the tiles. Cells are numbered in C order over the
        first cube's dimensions without its core dimension.
    """
    subject, core = cubes[0]
    require_whole(subject, core, purpose)
    dims = [d for d in subject.dims if d != core]
    tiles = {d: subject.chunksizes.get(d, (subject.sizes[d],)) for d in dims}
    stacked = [_tiled(cube, dim, dims, tiles) for cube, dim in cubes]
    shape = tuple(subject.sizes[d] for d in dims)
    corners = [np.concatenate([[0], np.cumsum(tiles[d])[:-1]]) for d in dims]
    shared = dask.delayed(tables, pure=True, traverse=False)
    packings = tuple(Packing.of(cube) for cube, _ in cubes)
    parts = []
    for place in np.ndindex(*(len(c) for c in corners)):
        corner = tuple(int(c[i]) for c, i in zip(corners, place, strict=True))
        blocks = [blocks_of[(*place, 0)] for blocks_of in stacked]
        parts.append(
            dask.delayed(run_rows, pure=True)(
                shared, *blocks, reference=kernel, packings=packings,
                corner=corner, shape=shape, block_cells=get_option("block_cells"),
            )  # fmt: skip
        )
    return parts


def run_rows(
    tables: tuple[Any, ...],
    *tiles: npt.NDArray[Any],
    reference: str,
    packings: tuple[Packing | None, ...],
    corner: tuple[int, ...],
    shape: tuple[int, ...],
    block_cells: int,
) -> RowPart:
    """Run a kernel over one tile and number its cells within the whole cube."""
    kernel = load_kernel(reference)
    tile_shape = tiles[0].shape[:-1]
    parts = []
    for rows, blocks in tile_blocks(tiles, packings, block_cells):
        cells, values = kernel(*blocks, *tables)
        parts.append((cells + rows.start, values))
    local = np.concatenate([cells for cells, _ in parts])
    if shape:
        places = np.unravel_index(local, tile_shape)
        whole = [p + c for p, c in zip(places, corner, strict=True)]
        local = np.ravel_multi_index(whole, shape).astype("int64")
    return RowPart(local, np.concatenate([values for _, values in parts]))


def _tiled(
    cube: xr.DataArray, core: str, dims: list[Any], tiles: dict[Any, tuple[int, ...]]
) -> npt.NDArray[Any]:
    """Return the grid of a cube's tiles as delayed arrays, core dimension last and whole."""
    ordered = cube.transpose(*dims, core)
    lazy = ordered if is_lazy(ordered) else ordered.chunk()
    grid: npt.NDArray[Any] = lazy.chunk({**tiles, core: -1}).data.to_delayed()
    return grid
