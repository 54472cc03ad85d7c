"""Take single values out of a cube: of a lazy one, each chunk that is needed once."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, as_stored
from climcube.lift.common import Tables

__all__ = ["one_task", "weighted_values"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def weighted_values(
    cube: xr.DataArray, index: dict[str, Integers], weight: Floats, choices: int | None = None
) -> Any:
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
    choices
        The last so many neighbours are alternatives, each with a sum of its own; the first that
        has a value counts, and its number is a second column of the result.

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
        return _summed(_picked(cube, places), Tables((wanted, weight)).scalar(), None, choices)
    stored, decoding = as_stored(cube)
    # vindex makes one task of each chunk and merges what they give: measured, it reads none twice.
    values = stored.data.vindex[places] if places else stored.data.reshape(1)
    shape = (len(weight),) if choices is None else (len(weight), 2)
    tables = (wanted, weight)
    return one_task(_summed, values, tables, decoding, choices, shape=shape, dtype="float64")


def one_task(
    function: Any, values: da.Array, tables: tuple[Any, ...], *more: Any, shape: Any, dtype: str
) -> da.Array:
    """Return ``function(values, tables, ...)`` of a Dask array by one dimension, as one task.

    Built by hand: `dask.delayed` optimizes its arguments on the spot, under new names, and what
    two of them share would be read twice.
    """
    whole = values.rechunk(-1)
    name = f"{function.__name__.strip('_')}-{tokenize(values.name, tables, *more)}"
    key: Any = (name, *(0 for _ in shape))
    task = (function, (whole.name, *(0 for _ in whole.shape)), Tables(tables).scalar(), *more)
    graph = HighLevelGraph.from_collections(name, {key: task}, dependencies=[whole])
    meta = np.empty((0,) * len(shape), dtype)
    return da.Array(graph, name, tuple((n,) for n in shape), meta=meta)


def _picked(cube: xr.DataArray, places: tuple[Integers, ...]) -> npt.NDArray[Any]:
    """Read no more of a cube that still lies in its file than the box around the places."""
    box = tuple(slice(int(p.min(initial=0)), int(p.max(initial=-1)) + 1) for p in places)
    read = cube.isel(dict(zip(cube.dims, box, strict=True))).values
    values: npt.NDArray[Any] = read[tuple(p - b.start for p, b in zip(places, box, strict=True))]
    return values


def _summed(
    values: Any, tables: Any, decoding: Decoding | None, choices: int | None = None
) -> Floats:
    wanted, weight = Tables.unwrap(tables)
    plain = np.asarray(values) if decoding is None else decoding.apply(np.asarray(values))
    spread = np.zeros(weight.shape)
    spread[wanted] = plain
    if choices is not None:
        return _first_valid(spread, weight, choices)
    total = np.zeros(len(weight))
    for neighbour in range(weight.shape[1]):
        total += weight[:, neighbour] * spread[:, neighbour]
    total[~wanted.any(axis=1)] = np.nan
    return total


def _first_valid(spread: Floats, weight: Floats, choices: int) -> Floats:
    """Return the first of the alternatives that has a value, and its number (0 without any)."""
    parts = (len(weight), -1, choices)
    values, shares = spread.reshape(parts), weight.reshape(parts)
    total = np.zeros((len(weight), choices))
    for part in range(values.shape[1]):
        total += shares[:, part] * values[:, part]
    total[~(shares != 0).any(axis=1)] = np.nan
    number = np.isfinite(total).argmax(axis=1)
    chosen = total[np.arange(len(total)), number]
    return np.stack([chosen, number.astype("float64")], axis=1)
