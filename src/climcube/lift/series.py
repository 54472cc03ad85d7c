"""Carry a whole-series kernel to a labelled cube: one task is one spatial tile over all time.

A kernel takes ``(cells, time)`` float64 blocks and plain tables, and returns one
``(cells, k)`` array for each output. Everything else happens here: dimension order, tiles,
blocks, exact decoding of packed values, laziness. A task ships the *name* of the kernel; the
compiled object is looked up on the worker (rebuilding it at every unpickling costs far more).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.packing import Decoding, Packing
from climcube.lift.common import (
    Array,
    Output,
    Tables,
    dress,
    load_kernel,
    pick,
    refused,
    require_free_names,
    share,
)
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.tiles import TiledCubes, blocks_of_tile, room_of_blocks
from climcube.options import get_option

__all__ = ["Output", "lift_series"]

_COPIES = 6  # of a block of series that a kernel makes at most


@dataclass(frozen=True)
class _Work:
    """What every task of one lift knows."""

    reference: str
    where: str
    axis: int
    dtypes: tuple[str, ...]
    lengths: tuple[int | None, ...]
    packings: tuple[Packing | Decoding | None, ...]
    block_cells: int


def lift_series(
    kernel: str,
    cubes: Sequence[tuple[xr.DataArray, str]],
    outputs: Sequence[Output],
    *,
    tables: tuple[Any, ...] = (),
    coordinates: Mapping[str, xr.DataArray] | None = None,
    purpose: str,
    block_cells: int | None = None,
) -> xr.Dataset:
    """Apply a whole-series kernel to every cell.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, ..., *tables)`` with one float64
        block ``(cells, n)`` for each cube, returning one array ``(cells, k)`` (or
        ``(cells,)`` where the output has no dimension) for each output.
    cubes
        Pairs of cube and its core dimension. The first is the subject: outputs get its
        dimension order, the output's dimension standing where the subject's core dimension was.
    outputs
        What the kernel returns, in order.
    tables
        Arrays and numbers that depend on the time axis and options only; shared by all tasks.
    coordinates
        Coordinates of the dimensions that outputs introduce; their sizes are taken from here
        or from the cubes.
    purpose
        The public function, for messages and for the names of tasks.
    block_cells
        Cells that the kernel works on at once; default the option of that name.

    Returns
    -------
    Dataset
        Lazy where any cube is; nothing is computed while the graph is built.

    Raises
    ------
    ChunkError
        A Dask cube is cut along its core dimension.
    CubeError
        At compute: the kernel met values that it cannot take (it raises FloatingPointError).
    """
    known = dict(coordinates or {})
    subject, core = cubes[0]
    require_free_names(subject, core, known, purpose, outputs)
    tiled = TiledCubes(tuple(cubes), purpose)
    sizes = {dim: cube.sizes[dim] for cube, dim in reversed(cubes)}
    sizes |= {name: coordinate.size for name, coordinate in known.items()}
    work = _Work(
        kernel,
        f"{purpose} of variable {subject.name!r}",
        tiled.axis,
        tuple(o.dtype for o in outputs),
        tuple(None if o.dim is None else sizes[o.dim] for o in outputs),
        tiled.packings,
        block_cells or get_option("block_cells"),
    )
    if tiled.lazy:
        arrays = _build(tiled, work, tables, purpose)
    else:
        arrays = list(_run(tiled.arrays, Tables(tables), work=work))
    return dress(arrays, outputs, subject, core, known)


def _build(tiled: TiledCubes, work: _Work, tables: tuple[Any, ...], purpose: str) -> list[Any]:
    """Write the graph: one task for each tile, one pick for each output."""
    node = share(tables)
    arrays = tiled.arrays
    name = f"{purpose}-{tokenize([a.name for a in arrays], node.key, work)}"
    run = partial(_run, work=work)
    layer: dict[Any, Any] = {
        (name, *place): (run, tiled.keys(place), node.key)
        for place in np.ndindex(*map(len, tiled.chunks))
    }
    dependencies: Any = [*arrays, node]
    graph = HighLevelGraph.from_collections(name, layer, dependencies=dependencies)
    return [
        pick(graph, name, name, tiled.chunks, work.axis, number, length, dtype)
        for number, (length, dtype) in enumerate(zip(work.lengths, work.dtypes, strict=True))
    ]


def _cost(tiles: Sequence[Outline], tables: Any, *, work: _Work) -> Cost:
    """Return what one task takes: its results, and a block's series several times over."""
    shape = tiles[0].shape[: work.axis] + tiles[0].shape[work.axis + 1 :]
    results = [
        Outline(shape if n is None else (*shape[: work.axis], n, *shape[work.axis :]), dtype)
        for n, dtype in zip(work.lengths, work.dtypes, strict=True)
    ]
    block = min(work.block_cells, math.prod(shape))
    numbers = _COPIES * sum(tile.shape[work.axis] for tile in tiles)
    numbers += 2 * sum(n or 1 for n in work.lengths)
    room = room_of_blocks(tiles, work.axis, work.block_cells)
    return Cost(tuple(results), room + 8 * block * numbers)


@costs(_cost)
def _run(tiles: Sequence[Array], tables: Any, *, work: _Work) -> tuple[Array, ...]:
    """Run a kernel over one tile, a block of cells at a time (the work of one task)."""
    kernel, shared = load_kernel(work.reference), Tables.unwrap(tables)
    shape = tiles[0].shape[: work.axis] + tiles[0].shape[work.axis + 1 :]
    results = [
        np.empty((math.prod(shape),) if n is None else (math.prod(shape), n), dtype)
        for n, dtype in zip(work.lengths, work.dtypes, strict=True)
    ]
    for rows, blocks in blocks_of_tile(tiles, work.axis, work.packings, work.block_cells):
        try:
            parts = kernel(*blocks, *shared)
        except FloatingPointError as error:
            raise refused(error, work.where) from None
        for result, part in zip(results, parts, strict=True):
            result[rows] = part
    return tuple(
        r.reshape(shape) if r.ndim == 1 else np.moveaxis(r.reshape(*shape, -1), -1, work.axis)
        for r in results
    )
