"""Means and sums over areas."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.masks import restrict
from climcube.cubes.area import cell_areas, longitude_widths
from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.subject import finish_array, own_units, plain_cube
from climcube.cubes.units import Units
from climcube.errors import AxisError, ParameterError, UnitsError, require_choice
from climcube.lift.fold import Bands, lift_weighted

__all__ = ["area_mean", "area_sum", "zonal_mean"]

_KERNELS = "climcube.kernels.weighted"
_SQUARE_METRES = {"m2": 1.0, "km2": 1e6}
_BAND = 1.0  # degrees of latitude, on grids whose rows are no circles
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
        A name (``"nino34"``), ``(west, east, south, north)``, an outline, a boolean DataArray
        ...: see `climcube.mask`. A cell belongs if its centre lies inside or on the edge.
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
    value carry no weight; where none has one the mean is NaN. Columns that the grid holds twice
    (0 and 360 degrees; the halo of an ORCA grid) share one cell's area.

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
    cut, areas, named = restrict(plain, areas, region)
    result = lift_weighted(f"{_KERNELS}:weighted_sums", cut, areas, dims)
    result.attrs = _attributes(plain, f"area: mean (comment: {_ORIGINS[origin]})")
    if isinstance(region, str):
        result = result.assign_coords(region=named)
    parameters = {"region": named, "weights": weights}
    return finish_array(result, "area_mean", parameters, [cube], quantified)


def area_sum(
    cube: xr.DataArray,
    *,
    region: Any = None,
    weights: xr.DataArray | None = None,
    unit: str = "m2",
) -> xr.DataArray:
    """Return the integral of a cube over its area, or over a region of it.

    sum(area * value) over the cells that have a value: a flux by area becomes a flux, a share of
    ice becomes an area of ice, and True or False (``sst > 28``) the area where it is true.

    Parameters
    ----------
    cube
        As for `climcube.area_mean`, numbers or truth values.
    region
        As for `climcube.area_mean`.
    weights
        Area of each cell with its units (``attrs["units"]``: m2, km2 ...).
    unit
        Of areas: ``"m2"`` or ``"km2"``.

    Returns
    -------
    DataArray
        float64, in the cube's units times ``unit``, without the horizontal dimensions.

    Notes
    -----
    Areas are found as for `climcube.area_mean`; those from coordinates are of a sphere of radius
    6,371 km. Cells without a finite value add nothing: a sum over half of the cells is about half
    as large. Where no cell has a value the sum is NaN.

    Raises
    ------
    AxisError, CubeError, ParameterError
        As for `climcube.area_mean`.
    UnitsError
        The areas given are in no unit of area.

    Examples
    --------
    >>> import numpy as np, xarray as xr, climcube as cc
    >>> lat, lon = np.arange(-87.5, 90, 5), np.arange(2.5, 360, 5)
    >>> sst = xr.DataArray(np.full((36, 72), 18.5), [("lat", lat), ("lon", lon)], name="sst")
    >>> everywhere = cc.area_sum(sst > 18, unit="km2")
    >>> round(float(everywhere) / 1e6, 3), everywhere.units  # 4 pi 6371**2
    (510.064, 'km2')
    """
    require_choice("unit", unit, _SQUARE_METRES)
    if isinstance(cube, xr.DataArray) and cube.dtype == bool:
        cube = cube.astype("float32").assign_attrs(units="1")
    plain, quantified = plain_cube(cube, "area_sum")
    areas, origin = cell_areas(cube, plain, weights)
    if origin != "weights" or weights is None:
        areas = areas / _SQUARE_METRES[unit]  # metres squared, as CF has it
    else:
        areas = areas * _unit_of_area(weights, unit)
    dims = _horizontal(plain, areas)
    cut, areas, named = restrict(plain, areas, region)
    result = lift_weighted(f"{_KERNELS}:weighted_sums", cut, areas, dims, total=True)
    result.attrs = _attributes(plain, f"area: sum (comment: {_ORIGINS[origin]})")
    result.attrs.pop("standard_name", None)
    result.attrs |= Units.of(plain).product(unit)
    if isinstance(region, str):
        result = result.assign_coords(region=named)
    parameters = {"region": named, "weights": weights, "unit": unit}
    return finish_array(result, "area_sum", parameters, [cube], quantified)


def zonal_mean(
    cube: xr.DataArray,
    *,
    region: Any = None,
    band: float | None = None,
    weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Return the mean along each circle of latitude, or of each band of latitudes.

    Parameters
    ----------
    cube
        As for `climcube.area_mean`.
    region
        As for `climcube.area_mean` (an ocean basin, say).
    band
        Width of the bands in degrees; their edges lie at its multiples from the south pole. Default
        for a cube with a 1-D longitude: no bands, each row by itself, weighted by the width of
        its cells. Default for other grids (curvilinear, unstructured): 1.
    weights
        As for `climcube.area_mean`; for bands.

    Returns
    -------
    DataArray
        float64, in the cube's units, without the longitude dimension; with bands, their middles
        as a last dimension ``lat``, from the southernmost that has a cell to the northernmost.
        NaN where no cell of a row or band has a value.

    Raises
    ------
    AxisError
        No latitude or longitude, latitudes that are missing; or 2-D coordinates without cell areas
        and corners.
    ParameterError
        A band that is not between 0 and 90 degrees; a region without any cell.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst
    >>> cc.zonal_mean(sst).dims
    ('time', 'lat')
    >>> cc.zonal_mean(sst, band=30).lat.values
    array([-45., -15.,  15.,  45.])
    """
    plain, quantified = plain_cube(cube, "zonal_mean")
    axes = find_spatial(plain)
    latitude, longitude = plain[axes.latitude], plain[axes.longitude]
    _refuse_missing(latitude)
    rows = longitude.ndim == 1 and longitude.name in plain.dims
    if band is None and weights is None and rows:
        own = xr.DataArray(longitude_widths(longitude), dims=longitude.dims)
        cut, own, named = restrict(plain, own, region)
        along = (str(longitude.dims[0]),)
        result = lift_weighted(f"{_KERNELS}:weighted_sums", cut, own, along)
        result.attrs = _attributes(plain, f"{longitude.name}: mean")
    else:
        width = _require_band(_BAND if band is None else band)
        areas, origin = cell_areas(cube, plain, weights)
        cut, areas, named = restrict(plain, areas, region)
        bands = _bands(cut[latitude.name], width, region)
        dims = tuple(d for d in axes.dims if d in plain.dims)
        result = lift_weighted(f"{_KERNELS}:banded_sums", cut, areas, dims, bands=bands)
        method = f"mean (comment: bands of {width:g} degrees, {_ORIGINS[origin]})"
        result.attrs = _attributes(plain, f"longitude: {method}")
    parameters = {"region": named, "band": band, "weights": weights}
    return finish_array(result, "zonal_mean", parameters, [cube], quantified)


def _bands(latitude: xr.DataArray, width: float, region: Any) -> Bands:
    """Number the band of each cell; of lazy latitudes every band from pole to pole is kept."""
    edges = np.minimum(-90 + width * np.arange(int(np.ceil(180 / width - 1e-9)) + 1), 90.0)
    bare = latitude.drop_vars(list(latitude.coords)).drop_attrs()
    place = ((bare.astype("float64") + 90) / width + 1e-9) // 1
    label = place.where(place < len(edges) - 1, len(edges) - 2).where(bare.notnull(), -1)
    middle = (edges[1:] + edges[:-1]) / 2
    if not is_lazy(latitude):
        first, last = int(label.where(label >= 0).min()), int(label.max())
        label, middle = label.where(label < 0, label - first), middle[first : last + 1]
    attrs = {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}
    coordinate = xr.DataArray(middle, dims="lat", attrs=attrs, name="lat")
    return Bands(label.astype("int32"), coordinate)


def _refuse_missing(latitude: xr.DataArray) -> None:
    """A curved grid may lack the place of some cells (land); a row without latitude is a fault."""
    if is_lazy(latitude):
        return
    missing = ~np.isfinite(latitude.values)
    if missing.all() or (latitude.ndim == 1 and missing.any()):
        raise AxisError(
            "latitude has missing values", where=str(latitude.name), expected="finite degrees",
            found=f"{int(missing.sum())} of {missing.size} missing",
            remedy="correct the coordinate",
        )  # fmt: skip


def _require_band(band: Any) -> float:
    number = isinstance(band, int | float | np.number) and not isinstance(band, bool)
    if not number or not 0 < band <= 90:
        raise ParameterError(
            "band out of range", where=f"band={band!r}",
            expected="a width in degrees, above 0 and at most 90",
        )  # fmt: skip
    return float(band)


def _unit_of_area(weights: xr.DataArray, unit: str) -> float:
    """Return how many ``unit`` one unit of the weights is."""
    text = plain_cube(weights, "area_sum")[0].attrs.get("units")
    for known, factor in _SQUARE_METRES.items():
        if text is not None and Units(known).agree(text):
            return factor / _SQUARE_METRES[unit]
    raise UnitsError(
        "a sum needs areas in a unit of area", where="weights", expected="units m2 or km2",
        found=repr(text), remedy="set weights.attrs['units'] = 'm2' if that is what they are",
    )  # fmt: skip


def _horizontal(cube: xr.DataArray, areas: xr.DataArray) -> tuple[str, ...]:
    """Return the dimensions to average over; weights settle it where coordinates do not."""
    try:
        dims = find_spatial(cube).dims
    except AxisError:
        dims = ()
    return tuple(d for d in dims if d in cube.dims) or tuple(str(d) for d in areas.dims)


def _attributes(cube: xr.DataArray, method: str) -> dict[str, Any]:
    kept = {k: v for k, v in cube.attrs.items() if k in ("standard_name", "long_name")}
    before = cube.attrs.get("cell_methods")
    methods = method if before is None else f"{before} {method}"
    return kept | own_units(cube, Units.of(cube)) | {"cell_methods": methods}
