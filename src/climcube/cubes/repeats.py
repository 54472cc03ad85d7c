"""Cells that a grid holds twice: they share one cell's area, so that no place counts twice.

Files often repeat a column, so that maps close (0 and 360 degrees, -180 and 180), and ocean models
repeat columns and the row along their northern fold (the halo of ORCA grids).
"""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.chunks import is_lazy
from climcube.cubes.units import unquantify

__all__ = ["column_shares", "shared_areas"]

_SAME_PLACE = 1e-4  # degrees; 0 and 360 in single precision differ by less
_STEPS = 10_000  # of a degree, within which places of a curved grid are looked for
_DEEP = 3  # rows and columns along each side that may repeat others
_MOST = 4  # cells at one place; more are a fill value, not a repetition
_CIRCLE = 360.0

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Shares = tuple[Integers, Floats]  # flat numbers of the cells that repeat, and their shares


def column_shares(longitude: Floats) -> Floats:
    """Return 1 over the number of columns at the place of each, for a 1-D longitude axis.

    >>> column_shares(np.array([0.0, 120.0, 240.0, 360.0])).tolist()
    [0.5, 1.0, 1.0, 0.5]
    """
    place = _places(longitude)
    return np.asarray(1.0 / np.bincount(place)[place])


def _places(longitude: Floats) -> Integers:
    """Number the places of columns; those a whole turn apart are one."""
    around = longitude % _CIRCLE
    order = np.argsort(around, kind="stable")
    number = np.concatenate([[0], np.cumsum(np.diff(around[order]) > _SAME_PLACE)])
    if around[order[0]] + _CIRCLE - around[order[-1]] <= _SAME_PLACE:
        number[number == number[-1]] = 0
    place = np.empty(len(longitude), "int64")
    place[order] = number
    return place


def shared_areas(
    area: xr.DataArray, latitude: xr.DataArray, longitude: xr.DataArray
) -> xr.DataArray:
    """Return the areas of cells, shared out where several cells lie at one place.

    Cells whose area is 0, as data sets have it where a halo does not count, leave the whole to
    the others.

    Parameters
    ----------
    area
        By the dimensions of the coordinates, or some of them; lazy or not.
    latitude, longitude
        Both 1-D, or both by the same two dimensions: then the cells of the outer three rows and
        columns are compared, lazily where the coordinates are lazy.
    """
    if longitude.ndim == 1 and longitude.dims[0] in area.dims and latitude.ndim < 2:
        return _by_column(area, longitude) if longitude.dims != latitude.dims else area
    if longitude.ndim != 2 or set(latitude.dims) != set(longitude.dims) or area.ndim != 2:
        return area
    degrees = [unquantify(c)[0].transpose(*area.dims) for c in (latitude, longitude)]
    strips = _strips(area.shape)
    south, west, own = ([a.data[strip] for strip in strips] for a in (*degrees, area))
    shape = (area.shape[0], area.shape[1])
    if not any(is_lazy(a) for a in degrees) and not len(_shares(south, west, None, shape)[0]):
        return area
    if not any(is_lazy(a) for a in (area, *degrees)):
        return area.copy(
            data=_multiplied(area.values, _shares(south, west, own, shape), (0, 0), shape)
        )
    node = dask.delayed(_shares, pure=True)(south, west, own, shape)
    shared = da.map_blocks(
        _of_block, da.asarray(area.data), node, shape,
        dtype="float64", meta=np.empty((0, 0)),
    )  # fmt: skip
    return area.copy(data=shared)


def _by_column(area: xr.DataArray, longitude: xr.DataArray) -> xr.DataArray:
    values = np.asarray(unquantify(longitude)[0].values, "float64")
    if not np.isfinite(values).all() or (column_shares(values) == 1).all():
        return area
    dim, place = str(longitude.dims[0]), _places(values)
    counted = (area > 0).astype("float64")
    number = xr.zeros_like(counted)
    for column in np.flatnonzero(column_shares(values) < 1):
        same = xr.DataArray(place == place[column], dims=dim)
        number = number + counted.isel({dim: int(column)}, drop=True) * same
    shared = area / number.where(number > 1, 1.0)
    return shared.transpose(*area.dims).assign_attrs(area.attrs)


def _strips(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return the outer rows and columns of a grid, no cell twice."""
    rows, columns = shape
    if rows <= 2 * _DEEP or columns <= 2 * _DEEP:
        return [(slice(0, rows), slice(0, columns))]
    inner = slice(_DEEP, rows - _DEEP)
    return [
        (slice(0, _DEEP), slice(0, columns)), (slice(rows - _DEEP, rows), slice(0, columns)),
        (inner, slice(0, _DEEP)), (inner, slice(columns - _DEEP, columns)),
    ]  # fmt: skip


def _shares(latitude: Any, longitude: Any, area: Any, shape: tuple[int, int]) -> Shares:
    """Return which cells of the strips repeat others, and what is theirs of one cell's area."""
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    cell = np.concatenate([number[strip].ravel() for strip in _strips(shape)])
    south, west = (
        np.concatenate([np.asarray(part, "float64").ravel() for part in parts])
        for parts in (latitude, longitude)
    )
    counts = np.isfinite(south) & np.isfinite(west)
    if area is not None:
        counts &= np.concatenate([np.asarray(part).ravel() for part in area]) > 0
    cell, south, west = cell[counts], south[counts], west[counts] % _CIRCLE
    count = np.ones(len(cell), "int64")
    for shift in (0.0, 0.5):  # a place on the border of two boxes lies within one of the others
        boxes = np.stack([
            np.floor(south * _STEPS + shift), np.floor(west * _STEPS + shift) % (360 * _STEPS)
        ])  # fmt: skip
        _, box, size = np.unique(boxes, axis=1, return_inverse=True, return_counts=True)
        count = np.maximum(count, size[box.reshape(-1)])
    repeats = (count > 1) & (count <= _MOST)
    return cell[repeats], 1.0 / count[repeats]


def _of_block(block: Any, shares: Shares, shape: Any, block_info: Any = None) -> Floats:
    corner = tuple(first for first, _ in block_info[0]["array-location"])
    return _multiplied(block, shares, corner, shape)


def _multiplied(area: Any, shares: Shares, corner: Any, shape: Any) -> Floats:
    """Return a block of areas times the shares of those of its cells that have one."""
    found = np.array(area, "float64")
    row, column = np.divmod(shares[0], shape[1])
    row, column = row - corner[0], column - corner[1]
    inside = (row >= 0) & (row < found.shape[0]) & (column >= 0) & (column < found.shape[1])
    found[row[inside], column[inside]] *= shares[1][inside]
    return found
