"""The cube of `climcube.track` laid out as its kernels want it: time, depth, rows, columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import Delayed

from climcube.cubes.adjacency import axis_closes, columns_close
from climcube.cubes.area import cell_areas
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.sphere import unit_vectors
from climcube.cubes.subject import require_cells
from climcube.cubes.units import unquantify
from climcube.cubes.vertical import is_vertical, level_depths, level_thickness
from climcube.errors import AxisError, CubeError, UnitsError
from climcube.kernels.objects import Ground, Rules
from climcube.lift.common import Tables, share

__all__ = ["TrackGrid"]

_SQUARE_KILOMETRES = {
    "m2": 1e-6, "m^2": 1e-6, "m**2": 1e-6, "meter ** 2": 1e-6, "": 1e-6,
    "km2": 1.0, "km^2": 1.0, "km**2": 1.0, "kilometer ** 2": 1.0,
}  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrackGrid:
    """A boolean cube and the meaning of its dimensions.

    Attributes
    ----------
    mask
        As it was given, plain.
    axis
        Its time axis.
    latitude, longitude
        Names of the coordinates.
    rows, columns
        Dimensions along which cells touch; empty where the cube has none.
    depth
        The vertical dimension, if the cube has one of several levels.
    """

    mask: xr.DataArray
    axis: TimeAxis
    latitude: str
    longitude: str
    rows: str
    columns: str
    depth: str | None

    @classmethod
    def of(cls, mask: xr.DataArray) -> TrackGrid:
        """Find out what the dimensions of a cube are.

        Raises
        ------
        AxisError
            A coordinate is missing or out of order, or cells have no neighbours that are known.
        CubeError
            A dimension is neither time, depth, latitude nor longitude.
        """
        require_cells(mask, "track")
        axis = TimeAxis.of(mask)
        axis.require_daily("track")
        axes = find_spatial(mask)
        rows, columns = _horizontal(mask[axes.latitude], mask[axes.longitude])
        others = [
            str(d) for d in mask.dims if d not in (axis.name, rows, columns) and mask.sizes[d] != 1
        ]
        depth = next((d for d in others if is_vertical(mask, d)), None)
        strange = [d for d in others if d != depth]
        if strange:
            raise CubeError(
                "track follows cells in time, depth, latitude and longitude",
                where=f"dimension {strange[0]!r}",
                remedy=f"select one: cube.isel({strange[0]}=0), or, if it is depth, set "
                f"cube[{strange[0]!r}].attrs['axis'] = 'Z'",
            )
        return cls(mask, axis, axes.latitude, axes.longitude, rows, columns, depth)

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions in the order of the kernels, with stand-ins for those that are not there."""
        names = (self.axis.name, self.depth, self.rows, self.columns)
        return tuple(n or f"_{i}" for i, n in enumerate(names))

    @cached_property
    def shape(self) -> tuple[int, int, int, int]:
        """Days, levels, rows and columns."""
        sizes = [self.mask.sizes.get(d, 1) for d in self.dims]
        return (sizes[0], sizes[1], sizes[2], sizes[3])

    @cached_property
    def dates(self) -> npt.NDArray[Any]:
        """The day of each time, whatever hour it is stamped with."""
        return np.asarray(self.mask[self.axis.name].dt.floor("D").values)

    def arranged(self, cube: xr.DataArray, chunks: Any = None) -> da.Array:
        """Return a cube with the mask's dimensions as a Dask array in the order of the kernels."""
        plain = cube.drop_vars(list(cube.coords))
        plain = plain.isel({d: 0 for d in plain.dims if d not in self.dims})
        missing = [d for d in self.dims if d not in plain.dims]
        data = plain.expand_dims(missing).transpose(*self.dims).data
        if not isinstance(data, da.Array):
            data = da.from_array(data, chunks=chunks or -1, name=False)
        if chunks is None:  # empty chunks have no first day, and no neighbours
            chunks = tuple(tuple(n for n in c if n) for c in data.chunks)
        cut: da.Array = data.rechunk(chunks)
        return cut

    def restored(self, data: da.Array, name: str, attrs: dict[str, Any]) -> xr.DataArray:
        """Return such an array with the dimensions and coordinates of the mask."""
        array = xr.DataArray(data, dims=self.dims)
        array = array.isel({d: 0 for d in self.dims if d not in self.mask.dims})
        array = array.expand_dims([d for d in self.mask.dims if d not in self.dims])
        array = array.transpose(*self.mask.dims).assign_coords(self.mask.coords)
        return array.rename(name).assign_attrs(attrs)

    def place(self, cell: npt.NDArray[np.int64]) -> tuple[Any, Any, Any]:
        """Return latitude, longitude and depth (metres) of cells, numbered within a day."""
        level, row, column = np.unravel_index(cell, self.shape[1:])
        latitude, longitude = (
            np.broadcast_to(np.asarray(c), self.shape[2:])[row, column] for c in self._degrees()
        )
        depth = None if self.depth is None else level_depths(self.mask, self.depth)[level]
        return latitude, longitude, depth

    def grounds(self, given: Any, areas: Any, chunks: Any) -> da.Array:
        """Return a lazy `Ground` in place of each chunk of rows and columns.

        Raises
        ------
        UnitsError
            The areas are no areas, or the levels no lengths.
        """
        area = da.broadcast_to(da.asarray(self._areas(given, areas)), self.shape[2:])
        thickness = depths = np.zeros(1)
        if self.depth is not None:
            thickness = level_thickness(given, self.mask, self.depth) / 1000
            depths = level_depths(self.mask, self.depth)
        total = area.sum()
        places = [
            da.asarray(a).rechunk(
                tuple(c if n > 1 else (n,) for c, n in zip(chunks, a.shape, strict=True))
            )
            for a in self._degrees()
        ]
        grounds: da.Array = da.map_blocks(
            _ground, area.rechunk(chunks), *places, total=total, thickness=thickness, depth=depths,
            dtype=object, meta=np.empty((0, 0), object),
        )  # fmt: skip
        return grounds

    def rules(self, wrap: bool | None, **options: Any) -> Delayed:
        """Return the node of the `Rules`; ``wrap=None`` finds out from the coordinates."""
        rules = Rules(
            shape=self.shape,
            continues=np.concatenate([[False], np.diff(self.axis.ordinal) == 1]),
            wraps=False,
            **options,
        )
        closes = self._closes() if wrap is None else wrap
        if isinstance(closes, bool):
            return share((rules._replace(wraps=closes),))
        node: Delayed = dask.delayed(_closed, pure=True)(share((rules,)), closes)
        return node

    def _closes(self) -> bool | Delayed:
        """Whether the last column touches the first; lazily where the coordinates are."""
        longitude = self.mask[self.longitude]
        if longitude.ndim == 1:
            return axis_closes(unquantify(longitude)[0].values, self.longitude)
        if longitude.ndim == 0 or self.shape[3] < 4:
            return False
        rows, columns = (c[:, [0, 1, -2, -1]] for c in self._degrees())
        if isinstance(rows, da.Array) or isinstance(columns, da.Array):
            found: Delayed = dask.delayed(columns_close, pure=True)(rows, columns, self.longitude)
            return found
        return columns_close(rows, columns, self.longitude)

    def _degrees(self) -> tuple[Any, Any]:
        """Return latitudes and longitudes by (rows, columns), or what broadcasts to that."""
        return self._flat(self.mask[self.latitude]), self._flat(self.mask[self.longitude])

    def _areas(self, given: Any, areas: Any) -> Any:
        """Return the cells' areas in km2 by (rows, columns), or what broadcasts to that."""
        area, _ = cell_areas(given, self.mask, areas, argument="areas")
        units = str(area.attrs.get("units", "")).strip()
        if units not in _SQUARE_KILOMETRES:
            raise UnitsError(
                "cell areas are no areas", where="areas" if areas is not None else "cell_measures",
                expected="m2 or km2", found=f"units {units!r}",
            )  # fmt: skip
        return self._flat(area.fillna(0) * _SQUARE_KILOMETRES[units])

    def _flat(self, array: xr.DataArray) -> Any:
        wanted = self.dims[2:]
        plain = unquantify(array)[0].drop_vars(list(array.coords)).astype("float64")
        missing = [d for d in wanted if d not in plain.dims]
        return plain.expand_dims(missing).transpose(*wanted).data


def _horizontal(latitude: xr.DataArray, longitude: xr.DataArray) -> tuple[str, str]:
    """Return the dimensions along which cells touch; '' where there is none."""
    if latitude.ndim == 2:
        if set(latitude.dims) == set(longitude.dims):
            return str(latitude.dims[0]), str(latitude.dims[1])
    elif max(latitude.ndim, longitude.ndim) < 2 and not set(latitude.dims) & set(longitude.dims):
        for coordinate, period in ((latitude, None), (longitude, 360.0)):
            _require_order(coordinate, period)
        return str([*latitude.dims, ""][0]), str([*longitude.dims, ""][0])
    raise AxisError(
        "which cells touch is not known", where=f"coordinates {latitude.name!r} by "
        f"{', '.join(map(str, latitude.dims))}, {longitude.name!r} by "
        f"{', '.join(map(str, longitude.dims))}",
        expected="latitude and longitude each by a dimension of its own, or both by the same two",
        remedy="put unstructured cells on a grid first",
    )  # fmt: skip


def _require_order(coordinate: xr.DataArray, period: float | None) -> None:
    values = np.atleast_1d(np.asarray(unquantify(coordinate)[0].values, "float64"))
    step = np.diff(values if period is None else np.unwrap(values, period=period))
    if not np.isfinite(values).all() or not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            f"neighbours are not known where {coordinate.name} is not in order",
            where=f"coordinate {coordinate.name!r}", expected="strictly rising or falling",
            remedy=f"sort them: cube.sortby({coordinate.name!r})",
        )  # fmt: skip


def _ground(
    area: Floats, latitude: Any, longitude: Any, *, total: float, thickness: Floats, depth: Floats
) -> Ground:
    """Return what the kernels know of one tile's cells, sizes rounded to multiples of a quantum."""
    flat = np.asarray(area, "float64").ravel()
    latitude, longitude = np.broadcast_arrays(latitude, longitude)
    vector = np.nan_to_num(unit_vectors(latitude, longitude))
    area = _rounded(flat, float(total))
    weight = area[None]
    if len(thickness) > 1:
        weight = _rounded(thickness[:, None] * flat, float(total) * thickness.sum())
    return Ground(weight, area, vector.reshape(-1, 3), depth)


def _rounded(sizes: Floats, total: float) -> Floats:
    """Round sizes (by 1e-10 or so) so that float64 holds every sum of them exactly."""
    if not total > 0:
        return np.zeros_like(sizes)
    quantum = 2.0 ** (np.ceil(np.log2(total)) - 52)
    return np.asarray(np.rint(sizes / quantum) * quantum)


def _closed(rules: Any, closes: bool) -> Any:
    (plain,) = Tables.unwrap(rules)
    return Tables((plain._replace(wraps=bool(closes)),)).scalar()
