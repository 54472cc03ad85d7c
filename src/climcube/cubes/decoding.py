"""From a data set as stored to one with meaning: CF decoding, lazily, packed integers apart."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.coders import CFDatetimeCoder

from climcube.cubes.coordinates import is_dated
from climcube.cubes.packing import Decoding, decode, require_packing
from climcube.errors import CalendarError, CubeError

__all__ = ["decode_cf", "decode_packed", "load_coordinates"]

_LARGEST_COORDINATE = 2**24  # numbers; larger auxiliary coordinates stay lazy


def decode_cf(raw: xr.Dataset, where: str, *, use_cftime: bool | None = None) -> xr.Dataset:
    """Decode all but the packed integers, and make coordinates of what CF names as such.

    Parameters
    ----------
    raw
        As stored (``decode_cf=False``), not chunked.
    where
        The source, for messages.
    use_cftime
        Hold dates as cftime objects whatever the calendar; by default where needed.

    Raises
    ------
    CalendarError
        Times that cannot be decoded.
    CubeError
        A scale or offset that no number can have been packed with.
    """
    for name, variable in raw.variables.items():
        require_packing(variable.attrs, f"{where}, variable {name!r}")
        if _encodes_dates(variable) and name in raw.xindexes and np.isinf(variable.values).any():
            raise CalendarError(  # xarray would take it for the day that its units begin with
                "a time is infinite", where=where, expected="numbers of " + variable.attrs["units"],
                remedy="correct the time coordinate, or leave the file out",
            )  # fmt: skip
    # xarray would decode packed integers in three passes; `decode_packed` does it in one.
    masks: Any = {str(name): not _ours(variable) for name, variable in raw.variables.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xr.SerializationWarning)
            decoded = xr.decode_cf(
                raw, mask_and_scale=masks, decode_times=CFDatetimeCoder(use_cftime=use_cftime)
            )
    except Exception as error:
        # What xarray advises is for its own callers.
        said = str(error).strip().partition(" Try opening your dataset")[0].rstrip(".")
        lines = said.splitlines() or [type(error).__name__]
        kind = CalendarError if "time" in lines[0] or "calendar" in lines[0] else CubeError
        raise kind(
            "cannot be decoded by the CF conventions", where=where, found=lines[0],
            remedy="correct units and calendar of the time coordinate",
        ) from error  # fmt: skip
    return _date_dimensions(decoded.set_coords(_named_coordinates(decoded)))


def decode_packed(dataset: xr.Dataset) -> xr.Dataset:
    """Decode the packed integers, lazily where they are chunked."""
    packed = [n for n, v in dataset.variables.items() if n not in dataset.xindexes and _ours(v)]
    coordinates = [n for n in packed if n in dataset.coords]
    decoded = dataset.assign({n: _flags_or_floats(dataset[n]) for n in packed})
    return decoded.set_coords(coordinates)


def load_coordinates(dataset: xr.Dataset) -> xr.Dataset:
    """Bring coordinates other than long series into memory: they are needed to build graphs."""
    small = [
        name
        for name, coordinate in dataset.coords.items()
        if coordinate.size <= _LARGEST_COORDINATE
    ]
    loaded = {name: dataset[name].variable.load() for name in small}
    return dataset.assign_coords(loaded) if loaded else dataset


def _date_dimensions(dataset: xr.Dataset) -> xr.Dataset:
    """Give a dimension without dates the one auxiliary coordinate along it that holds them.

    NEMO numbers its ``time_counter`` and keeps the dates in ``time_centered``.
    """
    found: dict[str, list[str]] = {}
    for name, coordinate in dataset.coords.items():
        auxiliary = coordinate.ndim == 1 and name != coordinate.dims[0]
        meant = coordinate.attrs.get("standard_name") in ("time", None)
        if auxiliary and meant and is_dated(coordinate):
            found.setdefault(str(coordinate.dims[0]), []).append(str(name))
    for dim, names in found.items():
        if len(names) == 1 and not (dim in dataset.coords and is_dated(dataset[dim])):
            dates = dataset[names[0]].variable.to_base_variable()
            dates.attrs = {"axis": "T", **dates.attrs}
            dataset = dataset.assign_coords({dim: dates})
    return dataset


def _flags_or_floats(stored: xr.DataArray) -> xr.DataArray:
    decoded = decode(stored)
    if decoded is stored:  # flags stay integers; their fill value belongs to the encoding
        decoded = stored.copy()
        fill = {k: decoded.attrs.pop(k) for k in ("_FillValue",) if k in stored.attrs}
        decoded.encoding = dict(stored.encoding) | fill
    return decoded


def _encodes_dates(variable: xr.Variable) -> bool:
    return variable.dtype.kind == "f" and " since " in str(variable.attrs.get("units", ""))


def _ours(variable: xr.Variable) -> bool:
    """Whether a stored variable is left to `decode_packed` (flags: as they are)."""
    if variable.dtype.kind not in "iu" or "since" in str(variable.attrs.get("units", "")):
        return False
    if Decoding.of(variable.attrs, variable.dtype) is not None:
        return True
    return any(name in variable.attrs for name in ("flag_values", "flag_masks", "flag_meanings"))


def _named_coordinates(dataset: xr.Dataset) -> list[str]:
    """Names of data variables that others name as bounds, cell measures or grid mapping."""
    named: set[str] = set()
    for variable in dataset.variables.values():
        named |= set(_words(variable.attrs, "bounds"))
        named |= set(_words(variable.attrs, "climatology"))
        named |= set(_words(variable.attrs, "grid_mapping"))
        measures = str(_either(variable, "cell_measures"))
        named |= set(re.findall(r"\w+:\s*(\S+)", measures))
    return sorted(str(name) for name in named if name in dataset.data_vars)


def _either(variable: xr.Variable, name: str) -> Any:
    return variable.attrs.get(name) or variable.encoding.get(name) or ""


def _words(attrs: Mapping[Any, Any], name: str) -> list[str]:
    return str(attrs.get(name, "")).replace(":", " ").split()
