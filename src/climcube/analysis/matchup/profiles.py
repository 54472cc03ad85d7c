"""Read observations: Argo files, argopy's data sets, tables of any kind."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from climcube.analysis.matchup.argo import chosen, position_flags, trusted
from climcube.analysis.matchup.columns import (
    find_column,
    find_observed,
    optional_column,
    table_of,
)
from climcube.analysis.matchup.observations import Observations
from climcube.analysis.matchup.pressure import depth_of_pressure
from climcube.analysis.matchup.scales import values_in_units_of
from climcube.cubes.units import Units
from climcube.errors import (
    CubeError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
    UnitsError,
    require_module,
)

__all__ = ["described", "read_observations"]

_METRES = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "km": 1000.0,
           "cm": 0.01}  # fmt: skip
_DECIBARS = ("dbar", "decibar", "decibars")
_ARGO_EPOCH = np.datetime64("1950-01-01", "ns")
_FLAGGED = "another quality flag"
_PLATFORM = ("PLATFORM_NUMBER", "CYCLE_NUMBER", "DIRECTION")


def read_observations(
    profiles: Any,
    variable: str | None,
    qc: Sequence[int] | None,
    cube: xr.DataArray,
    units: str | None = None,
) -> Observations:
    """Read observations of what a cube holds, in its units, without what cannot be compared.

    Raises
    ------
    CubeError
        None is left, or places are impossible.
    UnitsError
        Units do not fit the cube's.
    """
    tables = [table_of(source) for source in _sources(profiles)]
    # Each source by itself: files of several years need not agree in their units.
    parts = [_in_units_of(cube, _observations(t, variable, qc, cube), units) for t in tables]
    found = Observations.joined(parts).complete()
    if not len(found):
        counts = ", ".join(f"{count} with {reason}" for reason, count in found.dropped)
        flagged = any(reason == _FLAGGED for reason, _ in found.dropped)
        raise CubeError(
            "no observation to compare", where="profiles",
            expected="rows with a value, a place, a time"
            + (f" and a flag of {', '.join(map(str, qc or ()))}" if flagged else ""),
            found=counts or "an empty table",
            remedy="qc=None takes every flag" if flagged else None,
        )  # fmt: skip
    return found


def described(profiles: Any) -> str:
    """Return what to write down of the observations given."""
    if isinstance(profiles, str | os.PathLike):
        return str(profiles)
    if isinstance(profiles, list | tuple):
        return ", ".join(described(p) for p in profiles[:3]) + (", ..." if profiles[3:] else "")
    return type(profiles).__name__


def _sources(profiles: Any) -> list[Any]:
    """Return tables in memory of what was given, files read."""
    if isinstance(profiles, list | tuple):
        if not profiles:
            raise ParameterError("no observations", where="profiles", found="an empty list")
        return [source for one in profiles for source in _sources(one)]
    if not isinstance(profiles, str | os.PathLike):
        return [profiles]
    name = os.path.expanduser(os.fspath(profiles))
    paths = sorted(glob.glob(name)) if glob.has_magic(name) and not Path(name).exists() else [name]
    if not paths or not Path(paths[0]).is_file():
        raise StoreNotFoundError(
            "no such file of observations", where=name, expected="a netCDF, .csv or .parquet file"
        )
    return [_read(Path(path)) for path in paths]


def _read(path: Path) -> Any:
    if path.suffix == ".parquet":
        require_module("pyarrow", "parquet")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix in (".csv", ".txt", ".gz"):
            return pd.read_csv(path)
        with xr.open_dataset(path) as dataset:
            return dataset.load()
    except (OSError, ValueError) as error:
        raise StoreError(
            "the observations cannot be read", where=str(path),
            expected="netCDF, .csv or .parquet", found=str(error).partition("\n")[0],
        ) from error  # fmt: skip


def _observations(
    table: xr.Dataset, variable: str | None, qc: Sequence[int] | None, cube: xr.DataArray
) -> Observations:
    """Return all rows of one table, but for those whose flags are not accepted."""
    names = {kind: find_column(table, kind) for kind in ("longitude", "latitude", "time")}
    observed = find_observed(table, variable, cube)
    value, flags = chosen(table, observed)
    template = value.drop_vars(list(value.coords))

    def rows(part: xr.DataArray) -> npt.NDArray[Any]:
        bare = part.drop_vars(list(part.coords))
        return np.asarray(_spread(bare, template, observed)).reshape(-1)

    levels, pressures, pressure_flags = _vertical(table)
    checks = [c for c in (flags, pressure_flags) if c is not None]
    checks += position_flags(table, list(names.values()))
    place = {kind: rows(_numbers(table[names[kind]])) for kind in ("longitude", "latitude")}
    pressure = None if pressures is None else rows(pressures)
    depth, source = None if levels is None else rows(levels), None
    if depth is None and pressure is not None:
        depth, source = depth_of_pressure(pressure, place["latitude"])
    profile, level = _origin(table, template, [rows(table[n]) for n in names.values()])
    found = Observations(
        rows(_numbers(value)), place["longitude"], place["latitude"],
        rows(_dates(table[names["time"]])), depth, pressure, profile, level,
        np.arange(template.size), observed, _units(value), source,
    )  # fmt: skip
    if qc is None or not checks:
        return found
    keep = np.logical_and.reduce([rows(trusted(check, qc)) for check in checks])
    # A value that is missing has a blank flag: it is not the flag that drops it.
    return found.kept(keep | ~np.isfinite(found.value), _FLAGGED)


def _in_units_of(cube: xr.DataArray, found: Observations, given: str | None) -> Observations:
    own = Units.of(cube)
    values = values_in_units_of(cube, own, found.value, found.name, given or found.units)
    return replace(found, value=values, units=own.text)


def _spread(part: xr.DataArray, template: xr.DataArray, observed: str) -> npt.NDArray[Any]:
    if not set(part.dims) <= set(template.dims):
        raise CubeError(
            "observations and their places do not fit", where=f"variable {part.name!r}",
            expected=f"dimensions of {observed!r}: " + ", ".join(map(str, template.dims)),
            found=", ".join(map(str, part.dims)),
        )  # fmt: skip
    data = part.transpose(*[d for d in template.dims if d in part.dims]).values
    shape = [template.sizes[d] if d in part.dims else 1 for d in template.dims]
    return np.broadcast_to(data.reshape(shape), template.shape)


def _vertical(
    table: xr.Dataset,
) -> tuple[xr.DataArray | None, xr.DataArray | None, xr.DataArray | None]:
    """Return depth in metres, pressure in dbar and the flags of the latter, where known."""
    name, other = optional_column(table, "depth"), optional_column(table, "pressure")
    depth = pressure = flags = None
    if other is not None:
        pressure, flags = chosen(table, other)
        pressure = _numbers(pressure)
    if name is not None:
        depth = _numbers(table[name])
        units = str(depth.attrs.get("units", "m")).strip().lower()
        if units in _DECIBARS:
            return None, depth if pressure is None else pressure, flags
        if units not in _METRES:
            raise UnitsError(
                "unknown units of depth", where=f"variable {name!r}",
                expected="m, km, cm or dbar", found=repr(units),
            )  # fmt: skip
        sign = -1.0 if str(depth.attrs.get("positive", "")).lower() == "up" else 1.0
        depth = depth * (sign * _METRES[units])
    return depth, pressure, flags


def _numbers(values: xr.DataArray) -> xr.DataArray:
    try:
        return values.astype("float64")
    except (TypeError, ValueError):
        raise _not(values, "numbers") from None


def _dates(values: xr.DataArray) -> xr.DataArray:
    """Return times as datetime64, of the standard calendar and UTC."""
    if np.issubdtype(values.dtype, np.datetime64):
        return values
    if np.issubdtype(values.dtype, np.number):
        if str(values.name).lower() != "juld":
            raise _not(values, "dates")
        days = values.astype("float64").values  # Argo's days since 1950, not decoded
        known = np.isfinite(days) & (days < 999_999)
        step = np.where(known, days, 0.0) * 86_400e9
        dates = _ARGO_EPOCH + step.astype("timedelta64[ns]")
        return values.copy(data=np.where(known, dates, np.datetime64("NaT", "ns")))
    flat = values.values.reshape(-1)
    calendar = next((d.calendar for d in flat if hasattr(d, "calendar")), "standard")
    if calendar not in ("standard", "gregorian", "proleptic_gregorian"):
        raise _not(values, "dates", f"dates of the calendar {calendar}")
    words = [d.isoformat() if hasattr(d, "isoformat") else d for d in flat]
    try:
        found = pd.to_datetime(pd.Series(words), utc=True, format="ISO8601")
    except (TypeError, ValueError):
        raise _not(values, "dates", repr(flat[0])) from None
    plain = found.dt.tz_localize(None).to_numpy("datetime64[ns]")
    return values.copy(data=plain.reshape(values.shape))


def _origin(
    table: xr.Dataset, template: xr.DataArray, places: list[npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return profile and level number of each row.

    In a table of rows a profile is a platform's cycle, else one place and time.
    """
    if template.ndim != 1:
        number = np.arange(template.size)
        levels = template.shape[-1] if template.ndim else 1
        return np.asarray(number // levels, "int64"), np.asarray(number % levels, "int64")
    named = [n for n in _PLATFORM if n in table.variables and table[n].dims == template.dims]
    keys = [table[n].values for n in named] if "CYCLE_NUMBER" in named else places
    frame = pd.DataFrame({str(i): key for i, key in enumerate(keys)})
    groups = frame.groupby(list(frame.columns), sort=False, dropna=False)
    return np.asarray(groups.ngroup(), "int64"), np.asarray(groups.cumcount(), "int64")


def _units(value: xr.DataArray) -> str | None:
    text = value.attrs.get("units")
    return None if text is None else str(text)


def _not(values: xr.DataArray, wanted: str, found: str | None = None) -> CubeError:
    return CubeError(
        f"a column of the observations does not hold {wanted}", where=f"column {values.name!r}",
        expected=wanted, found=found or str(values.dtype),
    )  # fmt: skip
