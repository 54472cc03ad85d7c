"""Carry a weighted mean over some dimensions to a cube: one task a chunk, then sums."""

from __future__ import annotations

import math
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.chunks import is_lazy
from climcube.lift.common import Array, load_kernel

__all__ = ["lift_weighted_mean"]


def lift_weighted_mean(
    kernel: str, cube: xr.DataArray, weights: xr.DataArray, dims: tuple[str, ...]
) -> xr.DataArray:
    """Return the weighted mean of a cube over ``dims``, in float64.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, weights)`` with ``(rows, cells)``
        blocks, ``weights`` perhaps of one row, returning weighted sum and sum of weights,
        ``(rows, 2)``.
    cube
        NumPy or Dask, chunked in any way.
    weights
        By any of the cube's dimensions, without coordinates.
    dims
        Dimensions that are averaged; those that are left keep their order.
    """
    kept = [d for d in cube.dims if d not in dims]
    ordered = cube.transpose(*kept, *dims)
    present = [d for d in ordered.dims if d in weights.dims]
    weight = weights.transpose(*present).astype("float64")
    options: dict[str, Any] = {
        "reference": kernel,
        "rows": len(kept),
        "present": tuple(d in weights.dims for d in ordered.dims),
    }
    if is_lazy(ordered) or is_lazy(weight):
        data: Any = _lazy(
            ordered if is_lazy(ordered) else ordered.chunk(), weight, len(kept), options
        )
    else:
        data = _divide(sum_block(ordered.values, weight.values, **options), len(kept))
    coords = {name: c for name, c in cube.coords.items() if not set(c.dims) & set(dims)}
    return xr.DataArray(data, dims=kept, coords=coords, name=cube.name)


def _lazy(
    cube: xr.DataArray, weights: xr.DataArray, rows: int, options: dict[str, Any]
) -> da.Array:
    letters = {d: i for i, d in enumerate(cube.dims)}
    weight = weights.chunk({d: cube.chunksizes[d] for d in weights.dims}).data
    folded = tuple(range(rows, cube.ndim))
    sums = da.blockwise(
        sum_block, tuple(range(cube.ndim + 1)),
        cube.data, tuple(range(cube.ndim)), weight, tuple(letters[d] for d in weights.dims),
        adjust_chunks=dict.fromkeys(folded, 1), new_axes={cube.ndim: 2},
        meta=np.empty((0,) * (cube.ndim + 1)), **options,
    )  # fmt: skip
    whole = sums.sum(axis=folded, keepdims=True) if folded else sums
    mean: da.Array = whole.map_blocks(
        _divide, rows, drop_axis=list(range(rows, cube.ndim + 1)), meta=np.empty((0,) * rows)
    )
    return mean


def sum_block(
    block: Array, weights: Array, *, reference: str, rows: int, present: tuple[bool, ...]
) -> npt.NDArray[np.float64]:
    """Return the sums of one block, its averaged dimensions of length 1, a pair at the end."""
    shape, cells = block.shape[:rows], math.prod(block.shape[rows:])
    sizes = iter(weights.shape)
    whole = weights.reshape([next(sizes) if here else 1 for here in present])
    same = not any(present[:rows])  # the same weights for every row
    spread = np.broadcast_to(whole, (*((1,) * rows if same else shape), *block.shape[rows:]))
    count = 1 if same else math.prod(shape)
    sums = load_kernel(reference)(
        block.reshape(math.prod(shape), cells), spread.reshape(count, cells)
    )
    out: npt.NDArray[np.float64] = sums.reshape(*shape, *(1,) * (block.ndim - rows), 2)
    return out


def _divide(sums: npt.NDArray[np.float64], rows: int) -> npt.NDArray[np.float64]:
    pairs = sums.reshape(*sums.shape[:rows], 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: npt.NDArray[np.float64] = pairs[..., 0] / pairs[..., 1]
    return mean
