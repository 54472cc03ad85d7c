"""Regions with outlines: polygons, files of them, and those that regionmask knows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.regions import REGIONS, Region, find_region
from climcube.errors import ParameterError, StoreError, require_module, suggest

__all__ = ["Shape", "cells_inside", "find_place"]

_EXTRA = "regions"
_SUFFIXES = (".shp", ".geojson", ".json", ".gpkg", ".fgb", ".zip", ".parquet", ".geoparquet")
# Collections of regionmask by the name before the colon; those that it downloads once say so.
COLLECTIONS = {
    "giorgi": "giorgi",
    "srex": "srex",
    "ar6": "ar6.all",
    "ar6.land": "ar6.land",
    "ar6.ocean": "ar6.ocean",
    "ocean_basins": "natural_earth_v5_0_0.ocean_basins_50",
    "countries": "natural_earth_v5_0_0.countries_110",
}


@dataclass(frozen=True, eq=False)
class Shape:
    """A region with an outline in degrees; a cell belongs if its centre lies inside or on it.

    ``geometry`` is a shapely polygon (or several), with longitudes of either convention.
    """

    geometry: Any
    name: str = "shape"

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return (west, east, south, north) of the box around it."""
        west, south, east, north = (float(edge) for edge in self.geometry.bounds)
        return west, east, south, north

    def contains(self, latitude: Any, longitude: Any) -> npt.NDArray[np.bool_]:
        """Whether points lie inside, whatever the convention of longitudes; NaN does not."""
        shapely = require_module("shapely", _EXTRA)
        shapely.prepare(self.geometry)
        lat, lon = np.broadcast_arrays(
            np.asarray(latitude, "float64"), np.asarray(longitude, "float64")
        )
        west, east, south, north = self.as_tuple()
        inside = np.zeros(lat.shape, bool)
        for turn in (-360.0, 0.0, 360.0):  # an outline may cross the dateline as -190 or as 190
            moved = (lon + 180) % 360 - 180 + turn
            near = (moved >= west) & (moved <= east) & (lat >= south) & (lat <= north)
            inside[near] |= shapely.intersects_xy(self.geometry, moved[near], lat[near])
        return inside


def find_place(region: Any) -> Region | Shape:
    """Return a region from anything that says where it is.

    What `climcube.cubes.regions.find_region` takes; ``"collection:name"`` of regionmask
    (``"srex:MED"``); the path of a file with polygons; a GeoDataFrame or GeoSeries (all of
    its outlines together); a shapely polygon; a region of regionmask.
    """
    if isinstance(region, str):
        head, colon, tail = region.partition(":")
        if colon and head.lower() in COLLECTIONS:
            return _of_collection(head.lower(), tail.strip())
        if region.lower() in REGIONS:
            return find_region(region)
        if region.lower().endswith(_SUFFIXES):
            return _of_file(region)
    if isinstance(region, os.PathLike):
        return _of_file(os.fspath(region))
    if hasattr(region, "total_bounds"):
        return _of_frame(region, "shape")
    if hasattr(region, "geom_type"):
        return _checked(region, "shape")
    if hasattr(region, "polygon") and hasattr(region, "abbrev"):
        return _checked(region.polygon, str(region.abbrev))
    return find_region(region)


def cells_inside(
    place: Region | Shape, latitude: xr.DataArray, longitude: xr.DataArray
) -> xr.DataArray:
    """Return which cells lie in a region, by all dimensions of both coordinates; lazy if they are.

    Without coordinates.
    """
    bare = [c.drop_vars(list(c.coords)).drop_attrs() for c in (latitude, longitude)]
    inside: xr.DataArray = xr.apply_ufunc(
        place.contains, *bare, dask="parallelized", output_dtypes=[bool], keep_attrs=False
    )
    return inside


def _of_collection(collection: str, name: str) -> Shape:
    known = require_module("regionmask", _EXTRA).defined_regions
    try:
        for part in COLLECTIONS[collection].split("."):
            known = getattr(known, part)
        names = {str(r.abbrev).lower(): r for r in known} | {str(r.name).lower(): r for r in known}
    except (OSError, ValueError) as error:
        raise StoreError(
            "regionmask could not fetch these regions", where=f"region='{collection}:{name}'",
            found=type(error).__name__,
            remedy="it downloads them once: try again online, or pass a file of outlines",
        ) from error  # fmt: skip
    if name.lower() not in names:
        raise ParameterError(
            f"no such region among those of {collection!r}",
            where=f"region='{collection}:{name}'",
            remedy=suggest(name.lower(), names, limit=40),
        )
    found = names[name.lower()]
    return _checked(found.polygon, f"{collection}:{found.abbrev}")


def _of_file(path: str) -> Shape:
    geopandas = require_module("geopandas", _EXTRA)
    if "://" not in path and not Path(path.partition("!")[0]).exists():
        raise ParameterError(
            "no such file of outlines", where=f"region={path!r}",
            expected="a shapefile, GeoJSON, GeoPackage ...", remedy="check the path",
        )  # fmt: skip
    read = geopandas.read_parquet if path.endswith("parquet") else geopandas.read_file
    try:
        frame = read(path)
    except Exception as error:
        raise ParameterError(
            "the file of outlines cannot be read", where=f"region={path!r}",
            found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            expected="a shapefile, GeoJSON, GeoPackage ...",
        ) from error  # fmt: skip
    return _of_frame(frame, Path(path).stem)


def _of_frame(frame: Any, name: str) -> Shape:
    """Unite all outlines of a GeoDataFrame or GeoSeries, in degrees."""
    if not len(frame):
        raise ParameterError("no outline in the region", where=name, expected="at least one row")
    geometry = frame.geometry
    if geometry.crs is not None and not geometry.crs.is_geographic:
        geometry = geometry.to_crs(4326)
    return _checked(geometry.union_all(), name)


def _checked(geometry: Any, name: str) -> Shape:
    kind = str(geometry.geom_type)
    if kind not in ("Polygon", "MultiPolygon") or geometry.is_empty:
        raise ParameterError(
            "a region needs an outline", where=f"region {name!r}",
            expected="a Polygon or MultiPolygon with longitudes and latitudes in degrees",
            found=f"an empty {kind}" if geometry.is_empty else kind,
        )  # fmt: skip
    west, south, east, north = geometry.bounds
    if south < -90.001 or north > 90.001 or east - west > 360.001 or abs(west) > 540:
        raise ParameterError(
            "the outline is not in degrees", where=f"region {name!r}",
            expected="longitudes and latitudes in degrees",
            found=f"{west:g} to {east:g}, {south:g} to {north:g}",
            remedy="bring it to longitude and latitude: frame.to_crs(4326)",
        )  # fmt: skip
    if not geometry.is_valid:
        geometry = require_module("shapely", _EXTRA).make_valid(geometry)
    return Shape(geometry, name)
