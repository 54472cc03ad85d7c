"""Which column of a table of observations is which, by the names and attributes in use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climcube.errors import ParameterError, VariableError, suggest

__all__ = ["find_column", "find_observed", "optional_column", "table_of"]

# The first that is there counts.
_NAMES = {
    "longitude": ("longitude", "lon", "long", "lons", "longitudes"),
    "latitude": ("latitude", "lat", "lats", "latitudes"),
    "time": ("juld", "time", "date", "datetime", "date_time", "timestamp", "times"),
    "depth": ("depth", "depth_m", "deph", "depths"),
    "pressure": ("pres", "pressure", "pres_dbar", "sea_water_pressure"),
}
_STANDARD_NAMES = {"pressure": ("sea_water_pressure",)}
_KINDS = {
    "temperature": ("temp", "temperature", "sst", "sea_surface_temperature", "thetao", "tos"),
    "salinity": ("psal", "salinity", "sal", "so", "sos", "sss"),
    "oxygen": ("doxy", "oxygen", "o2"),
    "chlorophyll": ("chla", "chl", "chlor_a"),
}
# Columns that tell of the observation, and are not one.
_HELPERS = ("_qc", "_error", "_dm", "_data_mode", "_flag", "_bnds", "_bounds")
_NUMBERS = ("cycle_number", "platform_number", "n_points", "n_prof", "n_levels", "profile",
            "level", "station", "cast", "id", "wmo", "index", "config_mission_number")  # fmt: skip


def table_of(profiles: Any) -> xr.Dataset:
    """Return observations as a Dataset: a pandas table, a mapping of columns, an xarray object.

    Raises
    ------
    ParameterError
        They are none of these.
    """
    if isinstance(profiles, xr.DataArray):
        name = "value" if profiles.name is None else str(profiles.name)
        return profiles.to_dataset(name=name)
    if isinstance(profiles, xr.Dataset):
        return profiles
    if isinstance(profiles, dict):
        try:
            profiles = pd.DataFrame(profiles)
        except ValueError as error:
            raise ParameterError(
                "columns of the observations do not fit", where="profiles", found=error
            ) from None
    if not isinstance(profiles, pd.DataFrame):
        raise ParameterError(
            "observations not understood", where="profiles",
            expected="a file, an xarray Dataset, a pandas table or a mapping of columns",
            found=type(profiles).__name__,
        )  # fmt: skip
    named = any(name is not None for name in profiles.index.names)
    dated = isinstance(profiles.index, pd.DatetimeIndex)
    if dated and not named:
        profiles = profiles.rename_axis("time")
    plain = profiles.reset_index() if named or dated else profiles
    repeated = plain.columns[plain.columns.duplicated()]
    if len(repeated):
        raise VariableError(
            "several columns have one name", where="table of observations", found=repr(repeated[0])
        )
    return xr.Dataset({str(c): ("row", _values(plain[c])) for c in plain.columns})


def _values(column: Any) -> Any:
    if column.dtype == object:
        column = column.infer_objects()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    elif isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_extension_array_dtype(column.dtype):
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        return column.to_numpy("float64", na_value=np.nan) if numeric else column.to_numpy(object)
    return column.to_numpy()


def optional_column(table: xr.Dataset, kind: str) -> str | None:
    """Return the column of that kind, by its name, else by its CF standard name."""
    names = {str(name).lower(): str(name) for name in reversed(list(table.variables))}
    for known in _NAMES[kind]:
        if known in names:
            return names[known]
    wanted = _STANDARD_NAMES.get(kind, (kind,))
    for name, variable in table.variables.items():
        if variable.attrs.get("standard_name") in wanted:
            return str(name)
    return None


def find_column(table: xr.Dataset, kind: str) -> str:
    """Do the same for a column that must be there.

    Raises
    ------
    VariableError
        It is not; the message names the columns.
    """
    found = optional_column(table, kind)
    if found is None:
        raise VariableError(
            f"no {kind} of the observations", where="profiles",
            expected="a column named " + ", ".join(_NAMES[kind][:3]) + " or the like",
            found=", ".join(map(str, table.variables)) or "no columns",
            remedy=f"rename it: table.rename(columns={{...: '{_NAMES[kind][0]}'}})",
        )  # fmt: skip
    return found


def find_observed(table: xr.Dataset, variable: str | None, cube: xr.DataArray) -> str:
    """Return the column of what was observed: the one named, or the one that the cube suggests.

    In this order: the cube's own name, its standard name, the usual names of such a quantity,
    the only column of numbers that is left.

    Raises
    ------
    VariableError
        There is none, or several qualify.
    """
    known = {str(n): v for n, v in table.variables.items()}
    if variable is not None:
        if variable not in known:
            raise VariableError(
                "no such variable among the observations", where="profiles",
                found=repr(variable), remedy=suggest(variable, known),
            )  # fmt: skip
        return variable
    left = _candidates(table)
    standard = cube.attrs.get("standard_name")
    same = [n for n in left if standard and known[n].attrs.get("standard_name") == standard]
    for choice in (_named(left, (str(cube.name),)), same, _named(left, _usual(cube)), left):
        if len(choice) == 1:
            return choice[0]
        if choice and choice is not left:
            return choice[0]
    raise VariableError(
        "which variable was observed is not clear" if left else "no observed variable",
        where="profiles",
        found=", ".join(left) or "only " + ", ".join(known),
        remedy="pass variable=..., one of these" if left else None,
    )


def _named(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    lower = {name.lower(): name for name in names}
    return [lower[w.lower()] for w in wanted if w.lower() in lower]


def _usual(cube: xr.DataArray) -> tuple[str, ...]:
    """Return the usual names of observations of what a cube holds."""
    from climcube.cubes.units import Units

    words = f"{cube.attrs.get('standard_name', '')} {cube.attrs.get('long_name', '')} {cube.name}"
    for kind, names in _KINDS.items():
        if kind in words.lower() or str(cube.name).lower() in names:
            return names
    text = cube.attrs.get("units")
    return _KINDS["temperature"] if text is not None and Units.of(cube).is_temperature else ()


def _candidates(table: xr.Dataset) -> list[str]:
    placed = {optional_column(table, kind) for kind in _NAMES}
    return [
        str(name)
        for name, variable in table.variables.items()
        if name not in placed
        and variable.ndim
        and name not in table.dims
        and np.issubdtype(variable.dtype, np.number)
        and not str(name).lower().endswith(_HELPERS)
        and "_adjusted" not in str(name).lower()
        and str(name).lower() not in _NUMBERS
        and not any(str(name).lower() in names for names in _NAMES.values())
    ]
