"""Which cells of a cube lie in a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.regions import Region, selected
from climcube.cubes.shapes import Shape, cells_inside, find_place
from climcube.cubes.subject import finish_array, plain_cube
from climcube.errors import ClimcubeError, ParameterError

__all__ = ["mask", "restrict"]

_SAME_PLACE = 1e-4  # degrees; coordinates of one grid in two files differ by rounding


def mask(cube: xr.DataArray, region: Any) -> xr.DataArray:
    """Return which cells of a cube lie in a region.

    ``cube.where(cc.mask(cube, region))`` blanks the others; ``~mask`` is all but the region;
    ``mask_a & mask_b`` is what both have, and any such mask can be a ``region`` in turn.

    Parameters
    ----------
    cube
        Latitude and longitude, 1-D, 2-D or unstructured; NumPy or Dask, of which no value is read.
    region
        One of:

        * a name (``"nino34"``; see `climcube.cubes.regions.REGIONS`);
        * ``(west, east, south, north)`` or ``{"lon": (west, east), "lat": (south, north)}`` in
          degrees, in either convention of longitude, across the dateline too;
        * a shapely polygon, a GeoDataFrame or GeoSeries (all its outlines together), or the path
          of a shapefile, GeoJSON or GeoPackage, in degrees or with a projection that says so;
        * a region of regionmask, or ``"srex:MED"``, ``"giorgi:AUS"``, ``"ar6.ocean:NPO"``,
          ``"ocean_basins:..."``, by abbreviation or name (it downloads the latter two once);
        * a boolean DataArray by dimensions of the cube, on its grid.

        A cell belongs if its centre lies inside or on the edge.

    Returns
    -------
    DataArray
        bool, by the horizontal dimensions of the cube, in its order.

    Raises
    ------
    AxisError
        No latitude or longitude.
    DependencyError
        An outline without the packages that read it (extra ``regions``).
    ParameterError
        A region that is not understood, or without any cell of the cube.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(18, 36)).sst
    >>> inside = cc.mask(sst, (170, -120, -20, 20))
    >>> inside.dims, int(inside.sum())
    (('lat', 'lon'), 42)
    """
    plain, _ = plain_cube(cube, "mask")
    parameters: dict[str, Any] = {"region": region}
    if isinstance(region, xr.DataArray):
        inside, place = _given(region, plain), None
    else:
        place = find_place(region)
        parameters["region"] = _named(region, place)
        inside = _inside(plain, place)
    inside = _checked(inside, inside, place)
    dims = [d for d in plain.dims if d in inside.dims]
    kept = {n: c for n, c in plain.coords.items() if c.ndim and set(c.dims) <= set(dims)}
    result = inside.transpose(*dims).assign_coords(kept).rename("mask")
    label = "the region" if place is None else place.name
    result.attrs = {"long_name": f"cells whose centre lies in {label}"}
    return finish_array(result, "mask", parameters, [cube])


def restrict(
    cube: xr.DataArray, areas: xr.DataArray, region: Any
) -> tuple[xr.DataArray, xr.DataArray, Any]:
    """Restrict cube and areas to a region, reading no more of the cube than needed.

    Returns the cube, cut where rows or columns hold no cell; the areas, 0 outside; and how the
    region is written down.
    """
    if region is None:
        return cube, areas, None
    if isinstance(region, xr.DataArray):
        inside = _given(region, cube)
        return cube, _checked(areas.where(inside, 0.0), inside, None), region
    place = find_place(region)
    named = _named(region, place)
    axes = find_spatial(cube)
    latitude, longitude = cube[axes.latitude], cube[axes.longitude]
    if isinstance(place, Region) and not set(latitude.dims) & set(longitude.dims):
        return (*_cut_box(cube, areas, place, (latitude, longitude)), named)
    inside = _inside(cube, place)
    areas = _checked(areas.where(inside, 0.0), inside, place)
    if is_lazy(inside) or set(latitude.dims) & set(longitude.dims):
        return cube, areas, named
    for coordinate in (latitude, longitude):
        for dim in coordinate.dims:
            along = inside.any([d for d in inside.dims if d != dim]) if dim in inside.dims else None
            if along is not None:
                places = {dim: selected(along.values)}
                cube, areas = cube.isel(places), areas.isel(places, missing_dims="ignore")
    return cube, areas, named


def _cut_box(
    cube: xr.DataArray,
    areas: xr.DataArray,
    box: Region,
    coordinates: tuple[xr.DataArray, xr.DataArray],
) -> tuple[xr.DataArray, xr.DataArray]:
    contains = (box.contains_latitude, box.contains_longitude)
    for coordinate, inside in zip(coordinates, contains, strict=True):
        chosen = inside(coordinate.values)
        if not chosen.any():
            raise _no_cells(box)
        if coordinate.ndim:
            places = {coordinate.dims[0]: selected(chosen)}
            cube, areas = cube.isel(places), areas.isel(places, missing_dims="ignore")
    return cube, areas


def _inside(cube: xr.DataArray, place: Region | Shape) -> xr.DataArray:
    axes = find_spatial(cube)
    return cells_inside(place, cube[axes.latitude], cube[axes.longitude])


def _given(mask: xr.DataArray, cube: xr.DataArray) -> xr.DataArray:
    """Return a mask that the user brought, without its coordinates."""
    if mask.dtype != bool or not set(mask.dims) <= set(cube.dims):
        raise ParameterError(
            "region not understood", where="region",
            expected="a boolean DataArray by the cube's dimensions",
            found=f"{mask.dtype} by {', '.join(map(str, mask.dims))}",
        )  # fmt: skip
    for dim in mask.dims:
        if mask.sizes[dim] != cube.sizes[dim]:
            raise ParameterError(
                "region and cube lie on different grids", where=f"dimension {dim!r}",
                expected=f"{cube.sizes[dim]} cells", found=f"{mask.sizes[dim]}",
            )  # fmt: skip
        if dim in mask.coords and dim in cube.coords:
            _require_same_places(mask[dim].values, cube[dim].values, str(dim))
    return mask.drop_vars(list(mask.coords))


def _require_same_places(own: Any, theirs: Any, dim: str) -> None:
    """A mask may come from a grid turned over, or of the other convention: as many cells."""
    numbers = np.issubdtype(own.dtype, np.number) and np.issubdtype(theirs.dtype, np.number)
    if not numbers or np.allclose(own, theirs, atol=_SAME_PLACE, equal_nan=True):
        return
    raise ParameterError(
        "region and cube lie on different grids", where=f"coordinate {dim!r}",
        expected=f"{theirs[0]:g} to {theirs[-1]:g}", found=f"{own[0]:g} to {own[-1]:g}",
        remedy="region.reindex_like(cube, method='nearest', fill_value=False)",
    )  # fmt: skip


def _checked(
    values: xr.DataArray, inside: xr.DataArray, place: Region | Shape | None
) -> xr.DataArray:
    """Refuse a region without cells; where that is lazy, its check is, too."""
    if not is_lazy(inside):
        result: xr.DataArray = _refuse_empty(values, inside.any(), place)
        return result
    checked: xr.DataArray = xr.apply_ufunc(
        _refuse_empty, values, inside.any(), kwargs={"place": place},
        dask="parallelized", output_dtypes=[values.dtype],
    )  # fmt: skip
    return checked


def _refuse_empty(values: Any, some: Any, place: Region | Shape | None) -> Any:
    if not some:
        raise _no_cells(place)
    return values


def _named(region: Any, place: Region | Shape) -> Any:
    """Return how a region is written down: by its name, else by the box around it."""
    return place.name if isinstance(region, str) else place.as_tuple()


def _no_cells(place: Region | Shape | None) -> ClimcubeError:
    where = "region" if place is None else f"region {place.name!r} = {place.as_tuple()}"
    return ParameterError(
        "the region has no cell of the cube", where=where,
        expected="at least one cell centre inside",
        remedy="the order is (west, east, south, north); or pass a wider region",
    )  # fmt: skip
