"""Carry a statistic of consecutive stretches of samples (the hours of a day) to a cube.

Unlike a reduction, its result is about as long as the cube: chunks along time stay chunks, once
their cuts are moved to where a stretch begins.
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.layers import ArraySliceDep

from climcube.cubes.chunks import is_lazy
from climcube.lift.common import Array, Tables, load_kernel, share
from climcube.lift.costs import Cost, Outline, costs

__all__ = ["lift_stretches"]


def lift_stretches(
    kernel: str,
    cube: xr.DataArray,
    coordinate: xr.DataArray,
    start: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64],
    options: tuple[Any, ...],
) -> xr.DataArray:
    """Apply a kernel to each stretch of samples.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, start, weight, *options, out)`` with
        ``(times, cells)`` blocks that hold whole stretches, and the float64 array to fill.
    cube
        NumPy or Dask, chunked in any way.
    coordinate
        Of the result, along the dimension that it is named after.
    start
        First sample of each stretch, and one past the last one's end; equal for an empty one.
    weight
        Of each sample.
    options
        Further arguments of the kernel.
    """
    dim = str(coordinate.dims[0])
    axis = cube.dims.index(dim)
    known: dict[str, Any] = {"reference": kernel, "axis": axis, "options": options}
    tables = Tables((start, weight))
    kept = cube.coords.to_dataset().drop_dims(dim, errors="ignore").coords
    if not is_lazy(cube):
        whole = (slice(0, len(start) - 1),)
        values: Any = stretch_block(cube.values, whole, tables.scalar(), **known)
    else:
        cuts = _cuts(np.cumsum(cube.chunksizes[dim]), start)
        sizes = tuple(int(n) for n in np.diff(start[cuts]))
        lengths = tuple(int(n) for n in np.diff(cuts))
        letters = tuple(range(cube.ndim))
        data = cube.chunk({dim: sizes}).data
        values = da.blockwise(
            stretch_block, letters, data, letters, ArraySliceDep((lengths,)), (axis,),
            share((start, weight)), None, **known, adjust_chunks={axis: lengths},
            align_arrays=False, meta=np.empty((0,) * cube.ndim), name=None,
        )  # fmt: skip
    result = xr.DataArray(values, kept, cube.dims, name=cube.name)
    return result.assign_coords({dim: coordinate})


def _cost(block: Outline, where: tuple[slice, ...], shared: Any, *, axis: int, **work: Any) -> Cost:
    """Return what one task takes: the block turned, and as floats that the kernel knows."""
    shape = list(block.shape)
    shape[axis] = where[0].stop - where[0].start
    known = block.dtype in (np.float32, np.float64)
    room = (block.nbytes if axis else 0) + (0 if known else 8 * block.size)
    return Cost(Outline(tuple(shape), "float64"), room)


@costs(_cost)
def stretch_block(
    block: Array,
    where: tuple[slice, ...],
    shared: Any,
    *,
    reference: str,
    axis: int,
    options: tuple[Any, ...],
) -> Array:
    """Work on one block of whole stretches (the work of one task)."""
    start, weight = Tables.unwrap(shared)
    own = start[where[0].start : where[0].stop + 1]
    moved = np.moveaxis(block, axis, 0)
    flat = moved.reshape(len(moved), int(np.prod(moved.shape[1:])))
    out = np.empty((len(own) - 1, flat.shape[1]))
    load_kernel(reference)(flat, own - own[0], weight[own[0] : own[-1]], *options, out)
    return np.moveaxis(out.reshape(len(out), *moved.shape[1:]), 0, axis)


def _cuts(ends: npt.NDArray[np.int64], start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the stretches at which chunks begin: the first ones after the chunks' own ends."""
    last = len(start) - 1
    found = np.minimum(np.searchsorted(start, ends), last)
    return np.unique(np.concatenate([[0], found, [last]]))
