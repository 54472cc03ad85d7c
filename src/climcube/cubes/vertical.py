"""The vertical axis of a cube: which dimension it is, and how thick its levels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.area import bounds_of
from climcube.errors import AxisError, UnitsError

__all__ = ["is_vertical", "level_depths", "level_thickness"]

_NAMES = ("depth", "deptht", "lev", "level", "olevel", "st_ocean", "z", "z_l", "z_t", "height")
_STANDARD_NAMES = ("depth", "height", "altitude", "ocean_depth")
_METRES = {
    "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0,
    "km": 1000.0, "kilometers": 1000.0, "kilometres": 1000.0, "cm": 0.01, "centimeters": 0.01,
}  # fmt: skip

Floats = npt.NDArray[np.float64]


def is_vertical(cube: xr.DataArray, dim: str) -> bool:
    """Whether a dimension is depth or height, by its CF attributes or its name."""
    if dim.lower() in _NAMES:
        return True
    attrs = cube[dim].attrs if dim in cube.coords else {}
    return (
        attrs.get("axis") == "Z"
        or str(attrs.get("positive", "")).lower() in ("up", "down")
        or attrs.get("standard_name") in _STANDARD_NAMES
    )


def level_depths(cube: xr.DataArray, dim: str) -> Floats:
    """Return the coordinate of each level in metres.

    Raises
    ------
    AxisError
        The levels have no coordinate, or are out of order.
    UnitsError
        They are not lengths: layers of pressure or sigma have no fixed thickness.
    """
    if dim not in cube.coords:
        raise AxisError(
            "the thickness of the levels is not known", where=f"dimension {dim!r}",
            expected="a coordinate in metres",
            remedy=f"cube.assign_coords({dim}=depths), with attribute units='m'",
        )  # fmt: skip
    factor = _metres(cube[dim])
    values = np.asarray(cube[dim].values, "float64") * factor
    step = np.diff(values)
    if not np.isfinite(values).all() or not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            "levels are not in order", where=f"coordinate {dim!r}",
            expected="strictly rising or falling", remedy=f"sort them: cube.sortby({dim!r})",
        )  # fmt: skip
    return values


def level_thickness(given: Any, cube: xr.DataArray, dim: str) -> Floats:
    """Return the thickness of each level in metres: from its bounds, else between mid-points.

    The outermost levels reach as far out as in, but not beyond the surface.
    """
    values = level_depths(cube, dim)
    bounds = bounds_of(given, cube, cube[dim])
    if bounds is not None:
        edges = np.asarray(bounds.values, "float64") * _metres(cube[dim])
        return np.asarray(np.abs(edges[:, 1] - edges[:, 0]))
    if len(values) < 2:
        raise AxisError(
            "the thickness of a single level is not known", where=f"coordinate {dim!r}",
            remedy=f"give it bounds, or drop the dimension: cube.isel({dim}=0)",
        )  # fmt: skip
    middle = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
    if (values >= 0).all():
        edges = np.maximum(edges, 0)
    elif (values <= 0).all():
        edges = np.minimum(edges, 0)
    return np.asarray(np.abs(np.diff(edges)))


def _metres(coordinate: xr.DataArray) -> float:
    units = str(coordinate.attrs.get("units", "")).strip()
    if units not in _METRES:
        raise UnitsError(
            "the thickness of the levels is not known", where=f"coordinate {coordinate.name!r}",
            expected="levels in metres", found=f"units {units!r}" if units else "no units",
            remedy=f"cube[{coordinate.name!r}].attrs['units'] = 'm', if they are",
        )  # fmt: skip
    return _METRES[units]
