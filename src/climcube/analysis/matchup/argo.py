"""What Argo files say of their values: quality flags, and which values are adjusted.

Argo User's Manual 3.41 (doi 10.13155/29825): reference table 2 (flags), section 2.2.4 on
``DATA_MODE`` (R real time, A real time with adjusted values, D delayed mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["chosen", "flag_numbers", "position_flags", "texts", "trusted"]

_NO_FLAG = -1


def flag_numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return quality flags as integers, whether bytes, text or numbers; -1 where there is none."""
    if np.issubdtype(values.dtype, np.number):
        known = np.isfinite(values.astype("float64"))
        return np.where(known, np.where(known, values, 0), _NO_FLAG).astype("int64")
    unique, inverse = np.unique(texts(values), return_inverse=True)
    numbers = [int(float(t)) if t.replace(".", "", 1).isdigit() else _NO_FLAG for t in unique]
    return np.array(numbers, "int64")[inverse.reshape(values.shape)]


def texts(values: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Return bytes or text, of any type that files give, as text without blanks."""
    flat = values.reshape(-1).tolist()
    words = [v.decode("ascii", "replace") if isinstance(v, bytes) else str(v) for v in flat]
    return np.array([w.strip() for w in words] or [""], "U")[: len(flat)].reshape(values.shape)


def chosen(table: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Return a variable and its quality flags, adjusted in the profiles whose mode says so.

    In the modes A and D the adjusted value counts, even where it is missing: it was removed.
    """
    raw, flags = table[name], _member(table, f"{name}_QC")
    adjusted = _member(table, f"{name}_ADJUSTED")
    mode = _mode(table, name)
    if adjusted is None or mode is None:
        return raw, flags
    better = xr.DataArray(np.isin(texts(mode.values), ("A", "D")), dims=mode.dims)
    value = adjusted.where(better, raw)
    if flags is not None:
        corrected = _member(table, f"{name}_ADJUSTED_QC")
        own = flags if corrected is None else corrected
        flags = _numbered(own).where(better, _numbered(flags))
    return value.assign_attrs(raw.attrs), flags


def trusted(flags: xr.DataArray, qc: Sequence[int]) -> xr.DataArray:
    """Return which values have one of the flags that are accepted."""
    return flags.copy(data=np.isin(flag_numbers(flags.values), list(qc)))


def position_flags(table: xr.Dataset, names: Sequence[str]) -> list[xr.DataArray]:
    """Return the quality flags of place and time that a table has."""
    known = ["POSITION_QC", *(f"{name}_QC" for name in names)]
    found = (_member(table, name) for name in dict.fromkeys(known))
    return [flags for flags in found if flags is not None]


def _numbered(flags: xr.DataArray) -> xr.DataArray:
    return flags.copy(data=flag_numbers(flags.values))


def _member(table: xr.Dataset, name: str) -> xr.DataArray | None:
    for known in table.variables:
        if str(known).lower() == name.lower():
            return table[known]
    return None


def _mode(table: xr.Dataset, name: str) -> xr.DataArray | None:
    """Return the mode of one parameter: profiles of biogeochemical floats have one for each."""
    own = _member(table, f"{name}_DATA_MODE")
    if own is not None:
        return own
    several, parameters = (
        _member(table, "PARAMETER_DATA_MODE"),
        _member(table, "STATION_PARAMETERS"),
    )
    if several is not None and parameters is not None and several.dims == parameters.dims:
        letters = texts(several.values)
        here = texts(parameters.values) == name.upper()
        first = np.take_along_axis(letters, here.argmax(axis=-1)[..., None], axis=-1)[..., 0]
        return several.isel({several.dims[-1]: 0}).copy(data=np.where(here.any(-1), first, "R"))
    return _member(table, "DATA_MODE")
