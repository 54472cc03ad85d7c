"""Carry an elementwise kernel that looks values up in a table (an annual cycle) to a cube.

Each block of the cube gives one block of the result: chunks stay as they are, one task each.
Packed integers are decoded as they are worked on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.layers import ArraySliceDep

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, as_stored
from climcube.lift.common import Array, Tables, load_kernel, share
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.pieces import PIECE, floats

__all__ = ["lift_gather"]


def lift_gather(
    kernel: str,
    cube: xr.DataArray,
    dim: str,
    tables: Sequence[xr.DataArray],
    table_dim: str,
    index: npt.NDArray[Any],
    dtype: str,
) -> xr.DataArray:
    """Apply a kernel to every value and its row of the tables.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, index, *tables, out)`` with a
        ``(times, cells)`` block in the cube's own type, the table row of each time, tables
        ``(rows, cells)`` in float64 and the ``(times, cells)`` array to fill.
    cube, dim
        NumPy or Dask, chunked in any way; and the dimension that the index is along.
    tables, table_dim
        Arrays by ``table_dim`` and any of the cube's other dimensions.
    index
        Row of the tables for each element along ``dim``.
    dtype
        Type of the result.
    """
    axis = cube.dims.index(dim)
    names = [table_dim if d == dim else d for d in cube.dims]
    ordered = [table.transpose(*[d for d in names if d in table.dims]) for table in tables]
    rows = np.asarray(index, "int32")
    stored, decoding = as_stored(cube)
    options: dict[str, Any] = {
        "reference": kernel,
        "decoding": decoding,
        "axis": axis,
        "out_dtype": dtype,
        "present": tuple(tuple(d in table.dims for d in names) for table in ordered),
    }
    everything = (slice(0, len(rows)),)
    if not is_lazy(cube):
        plain = (table.values for table in ordered)
        boxed = Tables((rows,)).scalar()
        return cube.copy(data=gather_block(cube.values, everything, boxed, *plain, **options))
    letters = {d: i for i, d in enumerate(cube.dims)} | {table_dim: cube.ndim}
    arguments: list[Any] = [stored.data, tuple(range(cube.ndim))]
    # Where a block lies along the dimension, without a task of its own to say so.
    arguments += [ArraySliceDep((cube.data.chunks[axis],)), (axis,), share((rows,)), None]
    for table in ordered:
        chunks = {d: cube.chunksizes.get(d, -1) for d in table.dims}
        lazy = table.chunk(chunks | {table_dim: -1}).data
        arguments += [lazy, tuple(letters[d] for d in table.dims)]
    out = da.blockwise(
        gather_block, tuple(range(cube.ndim)), *arguments, **options,
        align_arrays=False, meta=np.empty((0,) * cube.ndim, dtype), name=None,
    )  # fmt: skip
    return cube.copy(data=out)


def _cost(block: Outline, where: Any, shared: Any, *tables: Any, **work: Any) -> Cost:
    """Return what one task takes: tables spread over its cells, and a piece as floats."""
    axis, present = work["axis"], work["present"]
    cells = block.size // max(1, block.shape[axis])
    spread = 0
    for table, there in zip(tables, present, strict=True):
        own = table[0] if isinstance(table, list) else table
        rows = own.shape[sum(there[:axis])] if there[axis] else 1
        spread += rows * cells + own.size
    piece = block.size if work["decoding"] is None else min(block.size, max(PIECE, cells))
    turned = block.size if axis else 0  # cells beside each other: a copy
    return Cost(Outline(block.shape, work["out_dtype"]), 8 * (spread + piece + turned))


@costs(_cost)
def gather_block(
    block: Array,
    where: tuple[slice, ...],
    shared: Any,
    *tables: Any,
    reference: str,
    decoding: Decoding | None,
    axis: int,
    out_dtype: str,
    present: tuple[tuple[bool, ...], ...],
) -> Array:
    """Work on one block of the cube (the work of one task)."""
    index = Tables.unwrap(shared)[0][where[0]]
    moved = np.moveaxis(block, axis, 0)
    out = np.empty(moved.shape, out_dtype)
    shape = (len(moved), int(np.prod(moved.shape[1:])))
    flat = [_rows(t, p, axis, moved.shape[1:]) for t, p in zip(tables, present, strict=True)]
    given, found = moved.reshape(shape), out.reshape(shape)
    steps = shape[0] if decoding is None else PIECE // max(1, shape[1])
    for first in range(0, shape[0], max(1, steps)):
        here = slice(first, first + max(1, steps))
        load_kernel(reference)(floats(given[here], decoding), index[here], *flat, found[here])
    return np.moveaxis(out, 0, axis)


def _rows(
    table: Any, present: tuple[bool, ...], axis: int, cells: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return a table as ``(rows, cells)``, repeated along the dimensions that it lacks."""
    # Dask hands over the one block along the table's own dimension as a list.
    array = np.asarray(table[0] if isinstance(table, list) else table, "float64")
    sizes = iter(array.shape)
    whole = array.reshape([next(sizes) if here else 1 for here in present])
    moved = np.moveaxis(whole, axis, 0)
    spread = np.broadcast_to(moved, (len(moved), *cells))
    return np.ascontiguousarray(spread.reshape(len(moved), int(np.prod(cells))))
