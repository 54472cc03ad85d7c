"""What lies around each cell of a map: the spatial gradient of a field, over any tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from climcube.cubes.adjacency import axis_closes, columns_close, require_known
from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.units import unquantify
from climcube.errors import AxisError
from climcube.kernels.gradient import gradient

__all__ = ["spatial_gradient"]

_LEAST = 2  # cells along each axis: one row or column alone has no gradient across it
_COMPONENT = "component"
_POLE = 90 + 1e-4  # coordinates in single precision


def spatial_gradient(field: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the eastward and northward gradient of a map, per km, by the map's dimensions.

    Each task sees its tile and a rim of one cell around it, so that tiles leave no trace.

    Raises
    ------
    AxisError
        The cells are not on a grid of rows and columns, or those are out of order.
    """
    grid = _Grid.of(field)
    ordered = field.astype("float64").transpose(..., *grid.dims)
    values = ordered.data if is_lazy(ordered) else ordered.values
    closes = grid.closes()
    degrees = [grid.degrees(name) for name in (grid.latitude, grid.longitude)]
    column = np.arange(float(grid.shape[1]))[None]
    arrays = [values, *degrees, column]
    kernel = partial(gradient, curved=grid.curved)
    ring = closes is not False
    if any(isinstance(a, da.Array) for a in (*arrays, closes)):
        both: Any = _lazy(kernel, arrays, closes, ring)
    else:
        both = kernel(*(_padded(a, ring) for a in arrays), closes=closes)
    found = xr.DataArray(both, dims=(_COMPONENT, *ordered.dims)).transpose(..., *field.dims)
    east, north = (field.copy(data=found.isel({_COMPONENT: i}).data) for i in range(2))
    return east, north


@dataclass(frozen=True)
class _Grid:
    """Rows and columns of a map, and the names of its coordinates."""

    field: xr.DataArray
    latitude: str
    longitude: str
    dims: tuple[str, str]

    @classmethod
    def of(cls, field: xr.DataArray) -> _Grid:
        axes = find_spatial(field)
        latitude, longitude = field[axes.latitude], field[axes.longitude]
        dims = latitude.dims if latitude.ndim == 2 else (*latitude.dims, *longitude.dims)
        known = len(dims) == len(set(dims)) == 2 and latitude.ndim == longitude.ndim
        if not known or set(longitude.dims) - set(dims):
            raise AxisError(
                "which cells are neighbours is not known", where=f"coordinates {axes.latitude!r} "
                f"and {axes.longitude!r}",
                expected="latitude and longitude each by a dimension of its own, or both by the "
                "same two",
                found=", ".join(map(str, axes.dims)) or "single values",
                remedy="pass a map: put unstructured cells on a grid first",
            )  # fmt: skip
        grid = cls(field, axes.latitude, axes.longitude, (str(dims[0]), str(dims[1])))
        grid._check()
        return grid

    @property
    def curved(self) -> bool:
        return self.field[self.latitude].ndim == 2

    @property
    def shape(self) -> tuple[int, int]:
        return self.field.sizes[self.dims[0]], self.field.sizes[self.dims[1]]

    def degrees(self, name: str) -> Any:
        """Return a coordinate by rows and columns; of a 1-D axis the other one has length 1."""
        plain = unquantify(self.field[name])[0].astype("float64")
        if self.curved:
            ordered = plain.transpose(*self.dims)
            return ordered.data if is_lazy(ordered) else ordered.values
        return plain.values[:, None] if plain.dims[0] == self.dims[0] else plain.values[None]

    def closes(self) -> Any:
        """Whether the last column touches the first: a 0-d Dask array where coordinates are lazy.

        A longitude axis closes whichever of the two dimensions it has; curved grids may close
        along their second.
        """
        if not self.curved:
            return axis_closes(self.degrees(self.longitude)[0], self.longitude)
        if self.shape[1] < 4:
            return False
        edges = [self.degrees(n)[:, [0, 1, -2, -1]] for n in (self.latitude, self.longitude)]
        if not any(isinstance(e, da.Array) for e in edges):
            return columns_close(edges[0], edges[1], self.longitude)
        node = dask.delayed(columns_close, pure=True)(*edges, self.longitude)
        return da.from_delayed(node, (), dtype=bool)

    def _check(self) -> None:
        if min(self.shape) < _LEAST:
            raise AxisError(
                "a map of one row or column has no spatial gradient",
                where=f"variable {self.field.name!r}",
                expected=f"at least {_LEAST} cells along each horizontal dimension",
                found=", ".join(
                    f"{d}: {n}" for d, n in zip(self.dims, self.shape, strict=True)
                ),
                remedy="select a region with neighbours on all sides",
            )  # fmt: skip
        if self.curved:
            return
        latitude = self.degrees(self.latitude)[:, 0]
        require_known(latitude, self.latitude, "latitude")
        if (np.abs(latitude) > _POLE).any():
            raise AxisError(
                "latitudes beyond the pole", where=self.latitude, expected="-90 to 90",
                found=f"{latitude[np.abs(latitude).argmax()]:g}", remedy="correct the coordinate",
            )  # fmt: skip
        step = np.diff(latitude)
        if not ((step > 0).all() or (step < 0).all()):
            raise AxisError(
                "latitudes are not in order", where=self.latitude,
                expected="strictly rising or falling",
                remedy=f"sort them: cube.sortby({self.latitude!r})",
            )  # fmt: skip


def _padded(array: Any, ring: bool) -> Any:
    """Put a rim of one cell around the last two axes; an axis of length 1 stands for all cells."""
    still, (rows, columns) = [(0, 0)] * (array.ndim - 2), _rim(array)
    tall = np.pad(array, [*still, (rows, rows), (0, 0)], constant_values=np.nan)
    wide = [*still, (0, 0), (columns, columns)]
    return np.pad(tall, wide, mode="wrap") if ring else np.pad(tall, wide, constant_values=np.nan)


def _rim(array: Any) -> tuple[int, int]:
    rows, columns = array.shape[-2:]
    return int(rows > 1), int(columns > 1)


def _lazy(kernel: Any, arrays: list[Any], closes: Any, ring: bool) -> da.Array:
    values = arrays[0] if isinstance(arrays[0], da.Array) else da.from_array(arrays[0])
    tiles = values.chunks[-2:]
    maps = [
        da.asarray(a).rechunk(
            tuple(c if n > 1 else (1,) for c, n in zip(tiles, a.shape, strict=True))
        )
        for a in arrays[1:]
    ]
    rims = [_overlapped(a, ring) for a in (values, *maps)]
    both: da.Array = da.map_blocks(
        kernel, *rims, closes=closes, dtype="float64", new_axis=0,
        chunks=((2,), *values.chunks), meta=np.empty((0,) * (values.ndim + 1)),
    )  # fmt: skip
    return both


def _overlapped(array: da.Array, ring: bool) -> da.Array:
    rows, columns = array.ndim - 2, array.ndim - 1
    boundary = {rows: np.nan, columns: "periodic" if ring else np.nan}
    depth = dict(zip((rows, columns), _rim(array), strict=True))
    found: da.Array = da.overlap.overlap(array, depth=depth, boundary=boundary)
    return found
