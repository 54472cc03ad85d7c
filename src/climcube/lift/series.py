"""Carry a whole-series kernel to a labelled cube: one task is one spatial tile over all time.

A kernel takes ``(cells, time)`` float64 blocks and plain tables, and returns one
``(cells, k)`` array for each output. Everything else happens here: dimension order, tiles,
blocks, exact decoding of packed values, laziness. A task ships the *name* of the kernel; the
compiled object is looked up on the worker (rebuilding it at every unpickling costs far more).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.chunks import is_lazy, require_whole
from climcube.cubes.packing import Packing
from climcube.lift.common import Array, Output, Tables, dress, load_kernel, share
from climcube.options import get_option

__all__ = ["Output", "lift_series", "load_kernel"]


def lift_series(
    kernel: str,
    cubes: Sequence[tuple[xr.DataArray, str]],
    outputs: Sequence[Output],
    *,
    tables: tuple[Any, ...] = (),
    coordinates: Mapping[str, xr.DataArray] | None = None,
    purpose: str,
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
        The public function, for messages.

    Raises
    ------
    ChunkError
        A Dask cube is cut along its core dimension.
    """
    known = dict(coordinates or {})
    for cube, dim in cubes:
        require_whole(cube, dim, purpose)
    sizes = {dim: cube.sizes[dim] for cube, dim in reversed(cubes)}
    sizes |= {str(name): coordinate.size for name, coordinate in known.items()}
    arrays = xr.apply_ufunc(
        run_tile,
        _shared(tables, lazy=any(is_lazy(cube) for cube, _ in cubes)),
        *[cube for cube, _ in cubes],
        input_core_dims=[[], *([dim] for _, dim in cubes)],
        output_core_dims=[[] if o.dim is None else [f"{o.dim}__out"] for o in outputs],
        exclude_dims={dim for _, dim in cubes},
        dask="parallelized",
        output_dtypes=[o.dtype for o in outputs],
        dask_gufunc_kwargs={
            "output_sizes": {f"{o.dim}__out": sizes[o.dim] for o in outputs if o.dim is not None}
        },
        keep_attrs=False,
        kwargs={
            "reference": kernel,
            "dtypes": tuple(o.dtype for o in outputs),
            "lengths": tuple(None if o.dim is None else sizes[o.dim] for o in outputs),
            "packings": tuple(Packing.of(cube) for cube, _ in cubes),
            "block_cells": get_option("block_cells"),
        },
    )
    arrays = (arrays,) if len(outputs) == 1 else arrays
    subject, core = cubes[0]
    return xr.Dataset(
        {
            o.name: dress(_renamed(a, o), o, subject, core, known)
            for o, a in zip(outputs, arrays, strict=True)
        }
    )


def run_tile(
    tables: Any,
    *tiles: Array,
    reference: str,
    dtypes: tuple[str, ...],
    lengths: tuple[int | None, ...],
    packings: tuple[Packing | None, ...],
    block_cells: int,
) -> tuple[Array, ...] | Array:
    """Run a kernel over one tile, a block of cells at a time (the work of one task)."""
    kernel, shared = load_kernel(reference), Tables.unwrap(tables)
    shape = np.broadcast_shapes(*(tile.shape[:-1] for tile in tiles))
    cells = math.prod(shape)
    results = [
        np.empty((cells,) if n is None else (cells, n), dtype)
        for n, dtype in zip(lengths, dtypes, strict=True)
    ]
    for rows, blocks in tile_blocks(tiles, packings, block_cells):
        for result, part in zip(results, kernel(*blocks, *shared), strict=True):
            result[rows] = part
    shaped = tuple(r.reshape(shape + r.shape[1:]) for r in results)
    return shaped if len(shaped) > 1 else shaped[0]


def tile_blocks(
    tiles: Sequence[Array], packings: Sequence[Packing | None], block_cells: int
) -> Iterator[tuple[slice, list[npt.NDArray[np.float64]]]]:
    """Yield blocks of cells of one tile: their rows, and a float64 ``(cells, n)`` copy of each."""
    shape = np.broadcast_shapes(*(tile.shape[:-1] for tile in tiles))
    cells = math.prod(shape)
    # The series axis comes last as a view of the tile as it was read; merging the cell axes
    # keeps it a view, so no second tile is allocated here.
    flat = [np.broadcast_to(t, (*shape, t.shape[-1])).reshape(cells, t.shape[-1]) for t in tiles]
    for start in range(0, cells, block_cells):
        rows = slice(start, min(start + block_cells, cells))
        yield rows, [_wide(f[rows], packing) for f, packing in zip(flat, packings, strict=True)]


def _shared(tables: tuple[Any, ...], *, lazy: bool) -> xr.DataArray:
    """Wrap the tables as a scalar: on Dask one graph node, sent to each worker once."""
    if not lazy:
        return xr.DataArray(Tables(tables).scalar())
    meta = np.empty((), object)
    node = da.from_delayed(share(tables), shape=(), dtype=object, meta=meta)  # type: ignore[no-untyped-call]
    return xr.DataArray(node)


def _wide(block: Array, packing: Packing | None) -> npt.NDArray[np.float64]:
    """Return a C-ordered float64 copy that the kernel may overwrite."""
    # Copy first: numpy then works along the series, not across the map.
    series = np.array(block, order="C", copy=True)
    if packing is not None and np.issubdtype(series.dtype, np.floating):
        return packing.exact(series)
    return series.astype("float64", copy=False)


def _renamed(array: xr.DataArray, output: Output) -> xr.DataArray:
    return array if output.dim is None else array.rename({f"{output.dim}__out": output.dim})
