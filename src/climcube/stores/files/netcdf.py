"""Open one netCDF file as stored, lazily."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from climcube.errors import ClimcubeError, StoreError, StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.credentials import cause
from climcube.stores.files.classic import classic_format, require_whole
from climcube.stores.files.rawfile import unreadable
from climcube.stores.files.selfcontained import require_self_contained
from climcube.stores.filesystems import open_file

__all__ = ["open_netcdf", "open_opendap"]


def open_netcdf(address: str, options: Mapping[str, Any], group: str | None = None) -> xr.Dataset:
    """Open a netCDF file undecoded, with an engine that bears threads.

    HDF5-based files are read by h5netcdf (the netCDF library crashes under threads), classic
    ones by SciPy, 64-bit data files (CDF-5) by the netCDF library.

    Raises
    ------
    StoreNotFoundError
        It has no such group.
    StoreError
        The file is truncated, not netCDF, or reads other files.
    """
    try:
        target, head = _file_and_head(address, options)
        engine = {0: "h5netcdf", 5: "netcdf4"}.get(classic_format(head), "scipy")
        if engine == "h5netcdf":
            require_self_contained(target, address)
        if engine == "scipy" and (group or "").strip("/"):
            raise _no_group(address, group)
        extra: dict[str, Any] = {} if engine == "scipy" else {"group": group}
        return xr.open_dataset(
            target, engine=engine, decode_cf=False, cache=False, chunks=None, **extra
        )
    except ClimcubeError:
        raise
    except (OSError, ValueError, RuntimeError, TypeError, IndexError, KeyError) as error:
        if group and "group not found" in str(error):
            raise _no_group(address, group) from error
        raise unreadable(address, error) from cause(address, error)


def open_opendap(address: str, options: Mapping[str, Any], group: str | None = None) -> xr.Dataset:
    """Open an OPeNDAP address undecoded; the netCDF library fetches what is asked for."""
    try:
        return xr.open_dataset(address, engine="netcdf4", decode_cf=False, cache=False, chunks=None)
    except (OSError, ValueError, RuntimeError) as error:
        raise StoreError(
            "the server's data set cannot be opened",
            where=redact(address),
            found=redact(str(error).strip().splitlines()[0]),
            remedy="check address and network",
        ) from error


def _no_group(address: str, group: str | None) -> StoreNotFoundError:
    return StoreNotFoundError(
        "no such group", where=f"{redact(address)}, group {group!r}",
        remedy="leave group= out for what lies at the top of the file",
    )  # fmt: skip


def _file_and_head(address: str, options: Mapping[str, Any]) -> tuple[Any, bytes]:
    if is_remote(address):
        stream = open_file(address, options)
        head = stream.read(8)
        stream.seek(0)
        return stream, head
    with open(address, "rb") as file:
        head = file.read(8)
        if classic_format(head):
            require_whole(file)
        return address, head
