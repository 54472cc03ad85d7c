"""Take single values out of a cube: of a lazy one, each chunk that is needed once."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import delayed

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, undecoded
from climcube.lift.common import Tables, share

__all__ = ["weighted_values"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def weighted_values(cube: xr.DataArray, index: dict[str, Integers], weight: Floats) -> Any:
    """Return a weighted sum of values of a cube for each row, in float64; lazy if the cube is.

    Parameters
    ----------
    cube
        NumPy or Dask, in any chunks.
    index
        Position along each dimension, ``(rows, neighbours)``; a dimension that is not named has
        one element.
    weight
        ``(rows, neighbours)``. Neighbours of no weight are not read; a row of none is NaN.

    Notes
    -----
    Where any neighbour is missing the sum is. The sum runs over neighbours in the order given,
    so that chunks do not matter. Of packed values the integers are read, and only those taken
    are decoded.
    """
    wanted = weight != 0
    places = tuple(
        index[str(d)][wanted] if d in index else np.zeros(int(wanted.sum()), "int64")
        for d in cube.dims
    )
    if not is_lazy(cube):
        return _summed(_picked(cube, places), Tables((wanted, weight)).scalar(), None)
    stored, decoding = undecoded(cube) or (cube, None)
    # vindex makes one task of each chunk and merges what they give: measured, it reads none twice.
    values = stored.data.vindex[places] if places else stored.data.reshape(1)
    summed = delayed(_summed, pure=True)(values, share((wanted, weight)), decoding)
    return da.from_delayed(summed, (len(weight),), dtype="float64")


def _picked(cube: xr.DataArray, places: tuple[Integers, ...]) -> npt.NDArray[Any]:
    """Read no more of a cube that still lies in its file than the box around the places."""
    box = tuple(slice(int(p.min(initial=0)), int(p.max(initial=-1)) + 1) for p in places)
    read = cube.isel(dict(zip(cube.dims, box, strict=True))).values
    values: npt.NDArray[Any] = read[tuple(p - b.start for p, b in zip(places, box, strict=True))]
    return values


def _summed(values: Any, tables: Any, decoding: Decoding | None) -> Floats:
    wanted, weight = Tables.unwrap(tables)
    plain = np.asarray(values) if decoding is None else decoding.apply(np.asarray(values))
    spread = np.zeros(weight.shape)
    spread[wanted] = plain
    total = np.zeros(len(weight))
    for neighbour in range(weight.shape[1]):
        total += weight[:, neighbour] * spread[:, neighbour]
    total[~wanted.any(axis=1)] = np.nan
    return total
