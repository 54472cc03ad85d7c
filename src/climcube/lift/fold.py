"""Carry a weighted mean or sum over some dimensions to a cube: one task a chunk, then sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, as_stored
from climcube.lift.common import Array, load_kernel
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.pieces import PIECE, floats

__all__ = ["Bands", "lift_weighted"]


@dataclass(frozen=True)
class Bands:
    """Bands that cells are sorted into, where not all of them make one number.

    ``label`` numbers the band of each cell, -1 for none, by some of the dimensions that are
    folded and without coordinates; ``coordinate`` is that of the bands.
    """

    label: xr.DataArray
    coordinate: xr.DataArray


def lift_weighted(
    kernel: str,
    cube: xr.DataArray,
    weights: xr.DataArray,
    dims: tuple[str, ...],
    *,
    total: bool = False,
    bands: Bands | None = None,
) -> xr.DataArray:
    """Return the weighted mean of a cube over ``dims``, in float64.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, weights)`` with ``(rows, cells)``
        blocks, ``weights`` perhaps of one row, returning weighted sum and sum of weights,
        ``(rows, 2)``. With bands: ``function(block, weights, label, number)``, the label of each
        cell and the number of bands, returning the same pairs for each band, ``(rows, 2 n)``.
    cube
        NumPy or Dask, chunked in any way.
    weights
        By any of the cube's dimensions, without coordinates.
    dims
        Dimensions that are folded; those that are left keep their order, bands come last.
    total
        Return the weighted sum in place of the mean; NaN where no cell has a value.
    bands
        Fold each band by itself.
    """
    kept = [d for d in cube.dims if d not in dims]
    stored, decoding = as_stored(cube)
    ordered = _bare(stored).transpose(*kept, *dims)  # coordinates may have chunks of their own
    operands = [_operand(weights.astype("float64"), ordered)]
    if bands is not None:
        label = bands.label.broadcast_like(ordered.isel(dict.fromkeys(kept, 0), drop=True))
        operands.append(_operand(label.astype("int32"), ordered))
    number = 1 if bands is None else bands.coordinate.size
    options: dict[str, Any] = {
        "reference": kernel,
        "decoding": decoding,
        "rows": len(kept),
        "present": tuple(d in weights.dims for d in ordered.dims),
        "number": number,
    }
    if any(is_lazy(each) for each in (ordered, *operands)):
        data: Any = _lazy(ordered, operands, len(kept), options, total)
    else:
        sums = sum_block(ordered.values, *(o.values for o in operands), **options)
        data = _finish(sums, len(kept), number, total)
    coords = {name: c for name, c in cube.coords.items() if not set(c.dims) & set(dims)}
    if bands is None:
        return xr.DataArray(data[..., 0], dims=kept, coords=coords, name=cube.name)
    dim = str(bands.coordinate.dims[0])
    coords = {n: c for n, c in coords.items() if n != dim} | {dim: bands.coordinate}
    return xr.DataArray(data, dims=[*kept, dim], coords=coords, name=cube.name)


def _bare(cube: xr.DataArray) -> xr.DataArray:
    return cube.drop_vars(list(cube.coords))


def _operand(array: xr.DataArray, ordered: xr.DataArray) -> xr.DataArray:
    return array.transpose(*[d for d in ordered.dims if d in array.dims])


def _lazy(
    cube: xr.DataArray,
    operands: list[xr.DataArray],
    rows: int,
    options: dict[str, Any],
    total: bool,
) -> da.Array:
    cube = cube if is_lazy(cube) else cube.chunk()
    letters = {d: i for i, d in enumerate(cube.dims)}
    arguments: list[Any] = [cube.data, tuple(range(cube.ndim))]
    for each in operands:
        arguments += [each.chunk({d: cube.chunksizes[d] for d in each.dims}).data]
        arguments += [tuple(letters[d] for d in each.dims)]
    folded, number = tuple(range(rows, cube.ndim)), options["number"]
    sums = da.blockwise(
        sum_block, tuple(range(cube.ndim + 1)), *arguments,
        adjust_chunks=dict.fromkeys(folded, 1), new_axes={cube.ndim: 2 * number},
        meta=np.empty((0,) * (cube.ndim + 1)), **options,
    )  # fmt: skip
    whole = sums.sum(axis=folded, keepdims=True) if folded else sums
    result: da.Array = whole.map_blocks(
        _finish, rows, number, total, drop_axis=list(range(rows, cube.ndim)),
        chunks=(*whole.chunks[:rows], (number,)), meta=np.empty((0,) * (rows + 1)),
    )  # fmt: skip
    return result


def _cost(block: Outline, weights: Outline, label: Outline | None = None, **work: Any) -> Cost:
    """Return what one task takes: weights spread over its cells, and a piece as floats."""
    rows, number = work["rows"], work["number"]
    shape = block.shape[:rows]
    cells = math.prod(block.shape[rows:])
    same = not any(work["present"][:rows])
    piece = block.size if work["decoding"] is None else min(block.size, max(PIECE, cells))
    spread = cells if same else block.size
    result = Outline((*shape, *(1,) * (block.ndim - rows), 2 * number), "float64")
    return Cost(result, 8 * (3 * spread + piece) + result.nbytes)


@costs(_cost)
def sum_block(
    block: Array,
    weights: Array,
    label: Array | None = None,
    *,
    reference: str,
    decoding: Decoding | None,
    rows: int,
    present: tuple[bool, ...],
    number: int,
) -> npt.NDArray[np.float64]:
    """Return the sums of one block, its folded dimensions of length 1, pairs at the end."""
    shape, cells = block.shape[:rows], math.prod(block.shape[rows:])
    sizes = iter(weights.shape)
    whole = weights.reshape([next(sizes) if here else 1 for here in present])
    same = not any(present[:rows])  # the same weights for every row
    spread = np.broadcast_to(whole, (*((1,) * rows if same else shape), *block.shape[rows:]))
    count = 1 if same else math.prod(shape)
    more = () if label is None else (label.reshape(cells), number)
    flat, heavy = block.reshape(math.prod(shape), cells), spread.reshape(count, cells)
    sums = np.empty((len(flat), 2 * number))
    steps = len(flat) if decoding is None else PIECE // max(1, cells)
    for first in range(0, len(flat), max(1, steps)):
        here = slice(first, first + max(1, steps))
        own = heavy if same else heavy[here]
        sums[here] = load_kernel(reference)(floats(flat[here], decoding), own, *more)
    return sums.reshape(*shape, *(1,) * (block.ndim - rows), 2 * number)


def _finish_cost(sums: Outline, rows: int, number: int, total: bool) -> Cost:
    return Cost(Outline((*sums.shape[:rows], number), "float64"), sums.nbytes)


@costs(_finish_cost)
def _finish(
    sums: npt.NDArray[np.float64], rows: int, number: int, total: bool
) -> npt.NDArray[np.float64]:
    """Return the mean or the sum of each band, ``(..., bands)``."""
    pairs = sums.reshape(*sums.shape[:rows], number, 2)
    if total:
        return np.where(pairs[..., 1] > 0, pairs[..., 0], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: npt.NDArray[np.float64] = pairs[..., 0] / pairs[..., 1]
    return mean
