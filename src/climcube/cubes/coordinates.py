"""Find the axes of a cube by their CF attributes, whatever their names."""

from __future__ import annotations

from dataclasses import dataclass

import cftime
import numpy as np
import xarray as xr

from climcube.errors import AxisError, VariableError, suggest

__all__ = [
    "SpatialAxes",
    "cell_dims",
    "find_spatial",
    "find_time",
    "helper_variables",
    "require_signs",
    "select_variable",
]

_LATITUDE_NAMES = ("lat", "latitude", "nav_lat", "gphit", "xc_lat", "yc", "tlat", "geolat")
_LONGITUDE_NAMES = ("lon", "longitude", "nav_lon", "glamt", "long", "tlong", "tlon", "geolon")


@dataclass(frozen=True)
class SpatialAxes:
    """Names of the horizontal coordinates; 1-D or 2-D."""

    latitude: str
    longitude: str
    dims: tuple[str, ...]


def find_time(cube: xr.DataArray | xr.Dataset) -> str:
    """Return the name of the one time dimension.

    A time dimension is one whose coordinate holds dates (``datetime64`` or cftime); of several,
    the one marked ``axis="T"``.

    Raises
    ------
    AxisError
        When there is none, or when several dimensions qualify equally.
    """
    dated = [str(dim) for dim in cube.dims if dim in cube.coords and is_dated(cube[dim])]
    where = _describe(cube)
    if not dated:
        raw = [str(d) for d in cube.dims if d in cube.coords and _marked_as_time(cube[d])]
        found = (
            f"'{raw[0]}' with values that are not dates ({cube[raw[0]].dtype})"
            if raw
            else "dimensions " + (", ".join(map(str, cube.dims)) or "none")
        )
        raise AxisError(
            "no time axis",
            where=where,
            expected="a dimension whose coordinate holds dates",
            found=found,
            remedy="give the time dimension a decoded CF time coordinate (xr.decode_cf)",
        )
    if len(dated) > 1:
        marked = [d for d in dated if cube[d].attrs.get("axis") == "T"]
        if len(marked) != 1:
            raise AxisError(
                "several time axes",
                where=where,
                expected="one dimension that holds dates",
                found=", ".join(dated),
                remedy="select one value along the others, or set "
                f"cube['{dated[0]}'].attrs['axis'] = 'T'",
            )
        dated = marked
    return dated[0]


def find_spatial(cube: xr.DataArray | xr.Dataset) -> SpatialAxes:
    """Return the latitude and longitude coordinates of a cube.

    Raises
    ------
    AxisError
        When one is missing or several qualify.
    """
    latitude = _find_horizontal(cube, "latitude", _LATITUDE_NAMES)
    longitude = _find_horizontal(cube, "longitude", _LONGITUDE_NAMES)
    dims = tuple(
        dict.fromkeys(str(d) for name in (latitude, longitude) for d in (cube[name].dims or ()))
    )
    return SpatialAxes(latitude, longitude, dims)


def cell_dims(cube: xr.DataArray, time: str) -> tuple[str, ...]:
    """Return every dimension but time: together they number the cells."""
    return tuple(str(d) for d in cube.dims if d != time)


def select_variable(
    dataset: xr.Dataset, variable: str | None, where: str, *, option: str | None = "variable="
) -> xr.DataArray:
    """Return one data variable: the one named, or the only gridded one.

    ``option`` is what takes the name where the caller has such a thing.

    Raises
    ------
    VariableError
        When the name is unknown (with near names), or no name is given and several qualify.
    """
    names = [str(name) for name in dataset.data_vars]
    if variable is not None:
        if variable not in names:
            raise VariableError(
                "no such variable",
                where=where,
                found=repr(variable),
                remedy=suggest(variable, names),
            )
        return dataset[variable]
    helpers = helper_variables(dataset)
    gridded = [
        n
        for n in names
        if dataset[n].ndim > 0 and n not in helpers and not n.endswith(("_bnds", "_bounds"))
    ]
    if len(gridded) != 1:
        remedy = None
        if gridded and option:
            remedy = f"pass {option}..., one of these"
        elif gridded:
            remedy = f"pass one of these: dataset[{gridded[0]!r}]"
        raise VariableError(
            "which variable is meant is not clear" if gridded else "no data variable",
            where=where,
            found=", ".join(gridded) or None,
            remedy=remedy,
        )
    return dataset[gridded[0]]


def helper_variables(dataset: xr.Dataset) -> set[str]:
    """Return the names of variables that only describe others: bounds, cell areas."""
    named: set[str] = set()
    for variable in dataset.variables.values():
        facts = variable.encoding | variable.attrs
        named.add(str(facts.get("bounds", "")))
        named.update(str(facts.get("cell_measures", "")).split())
    return named


def is_dated(coordinate: xr.DataArray) -> bool:
    """Whether a coordinate holds decoded dates."""
    if np.issubdtype(coordinate.dtype, np.datetime64):
        return True
    if coordinate.dtype != object or coordinate.size == 0:
        return False
    return isinstance(coordinate.values.flat[0], cftime.datetime)


def _marked_as_time(coordinate: xr.DataArray) -> bool:
    attrs = coordinate.attrs
    return (
        attrs.get("axis") == "T"
        or attrs.get("standard_name") == "time"
        or coordinate.name == "time"
    )


def require_signs(units: object, where: str) -> None:
    """Refuse degrees that are counted southwards or westwards.

    Raises
    ------
    AxisError
        Half of the world would be taken for the other half.
    """
    text = str(units).strip().lower()
    if text in ("degrees_south", "degree_south", "degrees_west", "degree_west"):
        north = text.endswith("south")
        raise AxisError(
            "latitudes are counted southwards" if north else "longitudes are counted westwards",
            where=where, expected="degrees_north" if north else "degrees_east", found=text,
            remedy="change their sign and their units",
        )  # fmt: skip


def _find_horizontal(
    cube: xr.DataArray | xr.Dataset, kind: str, usual_names: tuple[str, ...]
) -> str:
    import cf_xarray  # noqa: F401 - registers .cf; half of the start-up time, so only here

    bounds = {str(c.attrs.get("bounds")) for c in cube.coords.values()}
    candidates = [str(n) for n in cube.cf.coordinates.get(kind, []) if str(n) not in bounds]
    if not candidates:
        candidates = [str(n) for n in cube.coords if str(n).lower() in usual_names]
    if len(candidates) > 1:  # a dimension coordinate outranks auxiliary ones
        candidates = [n for n in candidates if n in cube.dims] or candidates
    if len(candidates) != 1:
        raise AxisError(
            f"no {kind} coordinate" if not candidates else f"several {kind} coordinates",
            where=_describe(cube),
            expected=f"one coordinate with standard_name '{kind}' or its CF units",
            found=", ".join(candidates or map(str, cube.coords)) or "no coordinates",
            remedy=f"set cube[name].attrs['standard_name'] = '{kind}' on the right one",
        )
    name = candidates[0]
    require_signs(cube[name].attrs.get("units"), f"{_describe(cube)}, coordinate {name!r}")
    return name


def _describe(cube: xr.DataArray | xr.Dataset) -> str:
    if isinstance(cube, xr.DataArray):
        return f"variable {cube.name!r}"
    return "dataset with " + ", ".join(map(repr, list(cube.data_vars)[:4]))
