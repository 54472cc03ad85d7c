"""Means over areas."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.cubes.area import cell_areas, longitude_widths
from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.regions import Region, contains_cells, find_region, selected
from climcube.cubes.subject import finish_array, own_units, plain_cube
from climcube.cubes.units import Units
from climcube.errors import AxisError, ClimcubeError, ParameterError
from climcube.lift.fold import lift_weighted_mean

__all__ = ["area_mean", "zonal_mean"]

_KERNEL = "climcube.kernels.weighted:weighted_sums"
_ORIGINS = {
    "weights": "weights given",
    "cell_measures": "weighted by cell_measures",
    "bounds": "weighted by areas from cell bounds",
    "bands": "weighted by areas of zonal bands",
}


def area_mean(
    cube: xr.DataArray, *, region: Any = None, weights: xr.DataArray | None = None
) -> xr.DataArray:
    """Return the mean over the area of a cube, or of a region of it.

    sum(area * value) / sum(area) over the cells that have a value.

    Parameters
    ----------
    cube
        Latitude and longitude, 1-D, 2-D or unstructured, and any other dimensions in any
        order; NumPy or Dask in any chunks; plain or pint-quantified. Pass the whole Dataset
        where cell areas or the corners of cells travel with it.
    region
        A name (``"nino34"``; see `climcube.cubes.regions.REGIONS`), ``(west, east, south,
        north)`` in degrees, ``{"lon": (west, east), "lat": (south, north)}``, or a boolean
        DataArray on the cube's grid. A cell belongs if its centre lies inside or on the edge;
        boxes may cross the dateline, in either convention of longitude.
    weights
        Area of each cell, any unit, by some of the cube's dimensions.

    Returns
    -------
    DataArray
        float64, in the cube's units, without the horizontal dimensions.

    Notes
    -----
    Areas are, in this order: ``weights``; the cell measures of the data set (``areacella``
    ...); the bounds or corner polygons of the cells; else exact zonal bands (differences of
    sin(latitude) at mid-points, the outermost row reaching the pole where no further row would
    fit) times the width in longitude. ``cell_methods`` says which. Cells without a finite
    value carry no weight; where none has one the mean is NaN.

    Raises
    ------
    AxisError
        No latitude or longitude; or 2-D coordinates without cell areas and corners.
    CubeError
        Weights lie on another grid.
    ParameterError
        A region that is not understood, or without any cell.

    Examples
    --------
    >>> import numpy as np, xarray as xr, climcube as cc
    >>> lat, lon = np.arange(-87.5, 90, 5), np.arange(2.5, 360, 5)
    >>> sst = xr.DataArray(np.full((36, 72), 18.5), [("lat", lat), ("lon", lon)], name="sst")
    >>> float(cc.area_mean(sst, region="nino34").round(12))
    18.5
    """
    plain, quantified = plain_cube(cube, "area_mean")
    areas, origin = cell_areas(cube, plain, weights)
    dims = _horizontal(plain, areas)
    parameters: dict[str, Any] = {"region": region, "weights": weights}
    if isinstance(region, xr.DataArray):
        cut, areas = plain, _masked(areas, region, plain)
    elif region is not None:
        box = find_region(region)
        cut, areas = _cut(plain, areas, box)
        parameters["region"] = box.name if isinstance(region, str) else box.as_tuple()
    else:
        cut = plain
    result = lift_weighted_mean(_KERNEL, cut, areas, dims)
    result.attrs = _attributes(plain, f"area: mean (comment: {_ORIGINS[origin]})")
    if isinstance(region, str):
        result = result.assign_coords(region=region.lower())
    return finish_array(result, "area_mean", parameters, [cube], quantified)


def zonal_mean(cube: xr.DataArray) -> xr.DataArray:
    """Return the mean along each circle of latitude, weighted by the width of the cells.

    Parameters
    ----------
    cube
        A cube with a 1-D longitude; otherwise as for `climcube.area_mean`.

    Returns
    -------
    DataArray
        float64, in the cube's units, without the longitude dimension.

    Raises
    ------
    AxisError
        No longitude, or one of two dimensions.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst
    >>> cc.zonal_mean(sst).dims
    ('time', 'lat')
    """
    plain, quantified = plain_cube(cube, "zonal_mean")
    longitude = plain[find_spatial(plain).longitude]
    if longitude.ndim != 1 or longitude.name not in plain.dims:
        raise AxisError(
            "circles of latitude are not along a dimension",
            where=f"longitude {longitude.name!r}",
            expected="a longitude by its own dimension",
            found="dimensions " + (", ".join(map(str, longitude.dims)) or "none"),
        )
    weights = xr.DataArray(longitude_widths(longitude), dims=longitude.dims)
    result = lift_weighted_mean(_KERNEL, plain, weights, (str(longitude.dims[0]),))
    result.attrs = _attributes(plain, f"{longitude.name}: mean")
    return finish_array(result, "zonal_mean", {}, [cube], quantified)


def _horizontal(cube: xr.DataArray, areas: xr.DataArray) -> tuple[str, ...]:
    """Return the dimensions to average over; weights settle it where coordinates do not."""
    try:
        dims = find_spatial(cube).dims
    except AxisError:
        dims = ()
    return tuple(d for d in dims if d in cube.dims) or tuple(str(d) for d in areas.dims)


def _cut(
    cube: xr.DataArray, areas: xr.DataArray, region: Region
) -> tuple[xr.DataArray, xr.DataArray]:
    """Restrict cube and areas to a region, reading no more of the cube than needed."""
    axes = find_spatial(cube)
    latitude, longitude = cube[axes.latitude], cube[axes.longitude]
    if set(latitude.dims) & set(longitude.dims):
        return cube, _masked(areas, contains_cells(region, latitude, longitude), cube, region)
    for coordinate, contains in (
        (latitude, region.contains_latitude),
        (longitude, region.contains_longitude),
    ):
        mask = contains(coordinate.values)
        if not mask.any():
            raise _no_cells(region)
        if coordinate.ndim:
            places = {coordinate.dims[0]: selected(mask)}
            cube, areas = cube.isel(places), areas.isel(places, missing_dims="ignore")
    return cube, areas


def _masked(
    areas: xr.DataArray, mask: xr.DataArray, cube: xr.DataArray, region: Region | None = None
) -> xr.DataArray:
    """Take the weight from cells outside a mask; where that is lazy, its check is, too."""
    if mask.dtype != bool or not set(mask.dims) <= set(cube.dims):
        raise ParameterError(
            "region not understood", where="region",
            expected="a boolean DataArray by the cube's dimensions",
            found=f"{mask.dtype} by {', '.join(map(str, mask.dims))}",
        )  # fmt: skip
    inside = mask.drop_vars(list(mask.coords))
    if not is_lazy(inside):
        kept: xr.DataArray = _refuse_empty(areas.where(inside, 0.0), inside.any(), region)
        return kept
    checked: xr.DataArray = xr.apply_ufunc(
        _refuse_empty, areas.where(inside, 0.0), inside.any(), kwargs={"region": region},
        dask="parallelized", output_dtypes=["float64"],
    )  # fmt: skip
    return checked


def _refuse_empty(areas: Any, some: Any, region: Region | None) -> Any:
    if not some:
        raise _no_cells(region)
    return areas


def _no_cells(region: Region | None) -> ClimcubeError:
    where = "region" if region is None else f"region {region.name!r} = {region.as_tuple()}"
    return ParameterError(
        "the region has no cell of the cube", where=where,
        expected="at least one cell centre inside",
        remedy="the order is (west, east, south, north); or pass a wider region",
    )  # fmt: skip


def _attributes(cube: xr.DataArray, method: str) -> dict[str, Any]:
    kept = {k: v for k, v in cube.attrs.items() if k in ("standard_name", "long_name")}
    before = cube.attrs.get("cell_methods")
    methods = method if before is None else f"{before} {method}"
    return kept | own_units(cube, Units.of(cube)) | {"cell_methods": methods}
