"""Open one Zarr store as stored, lazily."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from climcube.errors import ClimcubeError, StoreError, StoreNotFoundError, suggest
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import own_error, zarr_target
from climcube.stores.guard import guard

__all__ = ["open_zarr"]


def open_zarr(address: str, options: Mapping[str, Any], group: str | None = None) -> xr.Dataset:
    """Open a Zarr store (format 2 or 3) undecoded.

    Raises
    ------
    StoreNotFoundError
        No store there, or no such group in it.
    StoreError
        It cannot be read, or holds groups only.
    """
    where = redact(address) + (f", group '{group}'" if group else "")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*consolidated.*")
            target = zarr_target(address, options, read_only=True)
            dataset = xr.open_dataset(
                target["store"],
                engine="zarr",
                group=group,
                decode_cf=False,
                chunks=None,
                cache=False,
                backend_kwargs={"storage_options": target["storage_options"]},
            )
    except ClimcubeError:
        raise
    except (FileNotFoundError, KeyError) as error:
        groups = _groups(address, options)
        raise StoreNotFoundError(
            "no such group" if group and groups is not None else "no Zarr store",
            where=where,
            found=", ".join(groups) if groups else None,
            remedy="check the address; netCDF files need their suffix (.nc)"
            if is_remote(address)
            else (suggest(group, groups) if group and groups else None),
        ) from error
    except Exception as error:
        own = own_error(error)
        if own is not None:
            raise own from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StoreError(
            "the store cannot be read", where=where, found=redact(reason),
            remedy="check address, credentials and network",
        ) from error  # fmt: skip
    if not dataset.variables:
        groups = _groups(address, options, group) or []
        raise StoreError(
            "the store holds no variable at its top" if groups else "the store is empty",
            where=where,
            found=f"groups {', '.join(groups)}" if groups else None,
            remedy=f"pass group={groups[0]!r}" if groups else None,
        )
    return guard(dataset, where)


def _groups(address: str, options: Mapping[str, Any], group: str | None = None) -> list[str] | None:
    """Return the names of the groups of a store; ``None`` where there is no store."""
    import zarr

    if not is_remote(address) and not Path(address).exists():
        return None
    try:
        target = zarr_target(address, options, read_only=True)
        root = zarr.open_group(path=group or "", mode="r", **target)
        return sorted(name for name, _ in root.groups())
    except (OSError, ValueError, KeyError, TypeError):  # no store whose groups could be named
        return None
