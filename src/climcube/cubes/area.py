"""The area of every cell: from what the data set says, else from its coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.coordinates import SpatialAxes, find_spatial
from climcube.cubes.repeats import column_shares, shared_areas
from climcube.cubes.sphere import EARTH_RADIUS, polygon_areas
from climcube.cubes.units import unquantify
from climcube.errors import AxisError, CubeError, ParameterError

__all__ = ["bounds_of", "cell_areas", "longitude_widths"]

_AREA_NAMES = ("areacella", "areacello", "cell_area", "area_t")
_SAME_PLACE = 1e-4  # degrees; coordinates of one grid in two files differ by rounding
_POLE = 90.0
_CORRECT = "correct the coordinate"
_WHOLE = "pass the whole Dataset, with its cell areas or the bounds of its coordinates"

Floats = npt.NDArray[np.float64]


def cell_areas(
    given: Any, cube: xr.DataArray, weights: Any = None, *, argument: str | None = "weights"
) -> tuple[xr.DataArray, str]:
    """Return the area of every cell, lazily where it has to be read, and where it comes from.

    In this order: the weights given; the cell measures of the data set; the bounds or corner
    polygons of its cells; else exact zonal bands, from the mid-points between latitudes, times
    the width in longitude.

    Parameters
    ----------
    given
        What the user passed (a Dataset brings cell areas and bounds along).
    cube
        The plain cube whose cells are meant.
    weights
        DataArray by some of the cube's dimensions; any unit.
    argument
        What the user's function calls them, for messages; None where it takes none.

    Returns
    -------
    DataArray, str
        Areas by the cube's horizontal dimensions (m2, or the unit of the weights), without
        coordinates; and one of ``"weights"``, ``"cell_measures"``, ``"bounds"``, ``"bands"``.

    Notes
    -----
    Columns that repeat others (0 and 360 degrees; the halo of an ORCA grid) share the area of
    one cell. Weights that are given are taken as they are.
    """
    if weights is not None:
        return _given_weights(weights, cube, argument or "weights"), "weights"
    axes = find_spatial(cube)
    latitude, longitude = cube[axes.latitude], cube[axes.longitude]
    try:
        area, origin = _own_areas(given, cube, axes)
    except AxisError as error:
        raise _renamed(error, argument) from None
    if origin == "cell_measures" or longitude.ndim > 1:
        area = shared_areas(area, latitude, longitude)  # of widths they are shared already
    return area, origin


def _own_areas(given: Any, cube: xr.DataArray, axes: SpatialAxes) -> tuple[xr.DataArray, str]:
    """Return the areas that travel with the data, or that its coordinates tell."""
    measured = _measures(given, cube, axes)
    if measured is not None:
        return _placed(measured, cube, "cell_measures"), "cell_measures"
    latitude, longitude = cube[axes.latitude], cube[axes.longitude]
    shared = latitude.ndim > 0 and set(latitude.dims) == set(longitude.dims)
    bounds = [bounds_of(given, cube, c) for c in (latitude, longitude)]
    if shared:
        return _polygons(bounds, latitude, longitude, cube), "bounds"
    if bounds[0] is not None and latitude.ndim == 1:
        band = _bounded_bands(bounds[0])
        width = longitude_widths(longitude, bounds[1])
        return _product(band, latitude, width, longitude), "bounds"
    band = _bands(_values(latitude, "latitude"), axes.latitude)
    return _product(band, latitude, longitude_widths(longitude, bounds[1]), longitude), "bands"


def _renamed(error: AxisError, argument: str | None) -> AxisError:
    """Return an error whose remedy names the areas as the user's function does."""
    remedy = error.remedy or ""
    if argument is not None:
        remedy = remedy.replace("weights=", f"{argument}=")
    elif "weights=" in remedy:
        remedy = _CORRECT if remedy.startswith(_CORRECT) else _WHOLE
    return AxisError(
        error.what, where=error.where, expected=error.expected, found=error.found,
        remedy=remedy or None,
    )  # fmt: skip


def longitude_widths(longitude: xr.DataArray, bounds: xr.DataArray | None = None) -> Floats:
    """Width in radians of each cell of a 1-D longitude axis; 1 degree for a single longitude.

    Columns at one place (0 and 360 degrees) share one cell's width.
    """
    return _widths(longitude, bounds) * column_shares(_values(longitude, "longitude"))


def _widths(longitude: xr.DataArray, bounds: xr.DataArray | None) -> Floats:
    if bounds is not None and longitude.ndim == 1:
        edges = np.asarray(bounds.values, "float64")
        width = np.abs(edges[:, 1] - edges[:, 0])
        return np.asarray(np.deg2rad(np.where(width > 180, np.abs(360 - width), width)))
    values = _values(longitude, "longitude")
    if len(values) < 2:
        return np.deg2rad(np.ones(len(values)))
    around = np.unwrap(values, period=360.0)
    step = np.diff(around)
    _require_order(step, str(longitude.name), "longitudes")
    # Around the globe the last cell's neighbour is the first; else it is as wide as its inner half.
    closing = np.sign(step[0]) * 360 - (around[-1] - around[0])
    wraps = 0 < closing / step[-1] < 1.5
    before, after = (closing, closing) if wraps else (step[0], step[-1])
    whole = np.concatenate([[before], step, [after]])
    return np.asarray(np.deg2rad(np.abs(whole[1:] + whole[:-1]) / 2))


def _bands(latitude: Floats, name: str) -> Floats:
    """Area per radian of longitude of each zonal band on the unit sphere: differences of sine."""
    if (np.abs(latitude) > _POLE + _SAME_PLACE).any():
        raise AxisError(
            "latitudes beyond the pole", where=name, expected="-90 to 90",
            found=f"{latitude[np.abs(latitude).argmax()]:g}",
            remedy=f"{_CORRECT}, or pass weights=",
        )  # fmt: skip
    if len(latitude) == 1:
        half = np.array([latitude[0] - 0.5, latitude[0] + 0.5])
        return np.asarray(np.abs(np.diff(np.sin(np.deg2rad(np.clip(half, -_POLE, _POLE))))))
    step = np.diff(latitude)
    _require_order(step, name, "latitudes")
    middle = latitude[:-1] + step / 2
    edges = np.concatenate([[_end(latitude[0], -step[0])], middle, [_end(latitude[-1], step[-1])]])
    return np.asarray(np.abs(np.diff(np.sin(np.deg2rad(edges)))))


def _end(latitude: float, step: float) -> float:
    """Outer edge of the outermost row; it is the pole where no further row would fit."""
    beyond = latitude + step
    if abs(beyond) > _POLE + _SAME_PLACE:
        return float(np.copysign(_POLE, beyond))
    return latitude + step / 2


def _bounded_bands(bounds: xr.DataArray) -> Floats:
    edges = np.clip(np.asarray(bounds.values, "float64"), -_POLE, _POLE)
    return np.asarray(np.abs(np.sin(np.deg2rad(edges[:, 1])) - np.sin(np.deg2rad(edges[:, 0]))))


def _product(
    band: Floats, latitude: xr.DataArray, width: Floats, longitude: xr.DataArray
) -> xr.DataArray:
    """Multiply bands by widths: an outer product, or one of them where the other is a scalar."""
    rows = xr.DataArray(band.reshape(latitude.shape), dims=latitude.dims)
    columns = xr.DataArray(width.reshape(longitude.shape), dims=longitude.dims)
    return (rows * columns * EARTH_RADIUS**2).assign_attrs(units="m2")


def _polygons(
    bounds: list[xr.DataArray | None],
    latitude: xr.DataArray,
    longitude: xr.DataArray,
    cube: xr.DataArray,
) -> xr.DataArray:
    """Areas from the corners of each cell."""
    corners = [b for b in bounds if b is not None and b.ndim == latitude.ndim + 1]
    if len(corners) != 2:
        raise AxisError(
            "the area of the cells of this grid is not known",
            where=f"variable {cube.name!r}, coordinates {latitude.name!r} and {longitude.name!r} "
            f"by {', '.join(map(str, latitude.dims))}",
            expected="cell areas, or the corners of each cell",
            found="neither",
            remedy="pass weights= (the cell areas, for instance areacello or e1t * e2t), or the "
            "whole Dataset with the bounds of its coordinates",
        )
    vertex = next(d for d in corners[0].dims if d not in latitude.dims)
    ordered = [c.transpose(*latitude.dims, ...).drop_vars(list(c.coords)) for c in corners]
    areas: xr.DataArray = xr.apply_ufunc(
        polygon_areas, *ordered, input_core_dims=[[vertex], [_other(ordered[1], latitude)]],
        dask="parallelized", output_dtypes=["float64"],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip
    return areas.assign_attrs(units="m2")


def _other(bounds: xr.DataArray, coordinate: xr.DataArray) -> Any:
    return next(d for d in bounds.dims if d not in coordinate.dims)


def _measures(given: Any, cube: xr.DataArray, axes: SpatialAxes) -> xr.DataArray | None:
    """Find the cell areas that travel with the data: named by cell_measures, or by custom."""
    facts = cube.encoding | cube.attrs
    words = str(facts.get("cell_measures", "")).split()
    named = [words[i + 1] for i, w in enumerate(words[:-1]) if w == "area:"]
    known = given.variables if isinstance(given, xr.Dataset) else given.coords
    candidates = [n for n in (*named, *_AREA_NAMES) if n in known]
    candidates += [str(n) for n in known if known[n].attrs.get("standard_name") == "cell_area"]
    for name in candidates:
        area: xr.DataArray = given[name]
        if area.ndim and set(area.dims) <= set(axes.dims):
            return area
    return None


def bounds_of(given: Any, cube: xr.DataArray, coordinate: xr.DataArray) -> xr.DataArray | None:
    """Return the bounds that a coordinate names, if they travel with the data."""
    facts = coordinate.encoding | coordinate.attrs
    name = facts.get("bounds")
    known = given.variables if isinstance(given, xr.Dataset) else given.coords
    if name is None or name not in known:
        return None
    bounds: xr.DataArray = given[name]
    if bounds.ndim != coordinate.ndim + 1 or not set(coordinate.dims) <= set(bounds.dims):
        return None
    return bounds


def _given_weights(weights: Any, cube: xr.DataArray, argument: str) -> xr.DataArray:
    if not isinstance(weights, xr.DataArray):
        raise ParameterError(
            f"{argument} need dimensions",
            where=argument,
            expected="an xarray DataArray by the cube's dimensions",
            found=type(weights).__name__,
            remedy=f"xr.DataArray({argument}, dims=('lat', 'lon'))",
        )
    weights = unquantify(weights)[0]
    extra = [str(d) for d in weights.dims if d not in cube.dims]
    if extra or not weights.ndim:
        raise CubeError(
            f"{argument} have " + ("dimensions that the cube lacks" if extra else "no dimension"),
            where=argument,
            expected="dimensions among " + ", ".join(map(str, cube.dims)),
            found=", ".join(map(str, weights.dims)) or "a number",
        )
    return _placed(weights, cube, argument)


def _placed(area: xr.DataArray, cube: xr.DataArray, what: str) -> xr.DataArray:
    """Check that areas lie on the cube's grid; drop coordinates, which may differ by rounding."""
    for dim in area.dims:
        if area.sizes[dim] != cube.sizes[dim]:
            raise CubeError(
                f"{what} and cube lie on different grids", where=f"dimension {dim!r}",
                expected=f"{cube.sizes[dim]} cells", found=f"{area.sizes[dim]}",
            )  # fmt: skip
        if dim not in area.coords or dim not in cube.coords:
            continue
        own, theirs = area[dim].values, cube[dim].values
        if np.issubdtype(own.dtype, np.number) and not np.allclose(own, theirs, atol=_SAME_PLACE):
            raise CubeError(
                f"{what} and cube lie on different grids", where=f"coordinate {dim!r}",
                expected=f"{theirs[0]:g} to {theirs[-1]:g}", found=f"{own[0]:g} to {own[-1]:g}",
                remedy=None if what == "cell_measures"
                else f"{what}.sel(...) or {what}.reindex_like(cube)",
            )  # fmt: skip
    return area.drop_vars(list(area.coords))


def _values(coordinate: xr.DataArray, kind: str) -> Floats:
    """Return a coordinate as a vector of finite numbers."""
    values = np.atleast_1d(np.asarray(coordinate.values, "float64"))
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise AxisError(
            f"{kind} has missing values", where=str(coordinate.name),
            expected="finite degrees", found=f"{bad} of {values.size} missing",
            remedy=f"{_CORRECT}, or pass weights=",
        )  # fmt: skip
    return values


def _require_order(step: Floats, name: str, kind: str) -> None:
    if not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            f"{kind} are not in order", where=name, expected="strictly rising or falling",
            remedy=f"sort them: cube.sortby({name!r})",
        )  # fmt: skip
