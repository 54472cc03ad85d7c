"""Open one Zarr store as stored, lazily."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from climcube.errors import (
    ClimcubeError,
    IntegrityError,
    StoreError,
    StoreNotFoundError,
    suggest,
)
from climcube.options import get_option
from climcube.provenance import redact
from climcube.stores.addresses import is_remote, is_versioned_name
from climcube.stores.damage import DamagedChunk
from climcube.stores.filesystems import own_error, zarr_target
from climcube.stores.integrity.guard import guard
from climcube.stores.integrity.verifying import verifying
from climcube.stores.versioned.references import Sources
from climcube.stores.versioned.repositories import is_icechunk_error, is_repository, translated
from climcube.stores.versioned.snapshots import Version, open_snapshot

__all__ = ["VERSION", "open_references", "open_zarr", "zarr_store"]

VERSION = "climcube_version"  # in `encoding`: the snapshot that was opened


def open_zarr(
    address: str,
    options: Mapping[str, Any],
    group: str | None = None,
    version: Version | None = None,
    *,
    versioned: bool | None = None,
    verify: str | None = None,
    sources: Sources | None = None,
    complete: bool = False,
) -> xr.Dataset:
    """Open a Zarr store (format 2 or 3), or a version of a versioned one, undecoded.

    Parameters
    ----------
    version
        Of a versioned store; its id is in ``encoding[VERSION]`` of what is returned.
    versioned
        Whether it is one; None: by its name, and where no plain store is found, by looking.
    verify
        What is checked against the manifest (`climcube.stores.integrity.verifying`); None: as the
        option ``verify`` says.
    sources
        Places of other files that a virtual cube may be read from.
    complete
        Whether it is known that every chunk was written: one that is missing was lost, also
        where no manifest says so. Of plain stores only.

    Raises
    ------
    StoreNotFoundError
        No store there, no such version, or no such group in it.
    StoreError
        It cannot be read, or holds groups only; a version is asked for where there are none.
    IntegrityError
        Its metadata, or its manifest, are not what was written.
    """
    mode = get_option("verify") if verify is None else verify
    sure = versioned or (versioned is None and is_versioned_name(address))
    if not sure and version is not None:
        sure = _require_versions(address, options)
    if sure:
        store, snapshot = open_snapshot(address, options, version, sources)
        dataset = _open(address, {"store": store, "storage_options": None}, group, mode)
        dataset.encoding[VERSION] = snapshot
        return dataset
    try:
        return _open(address, zarr_target(address, options, read_only=True), group, mode, complete)
    except StoreNotFoundError:
        if versioned is None and is_repository(address, options):
            return open_zarr(
                address, options, group, version,
                versioned=True, verify=verify, sources=sources,
            )  # fmt: skip
        raise


def open_references(
    address: str, options: Mapping[str, Any], group: str | None, sources: Sources | None
) -> xr.Dataset:
    """Open a file of references (kerchunk's JSON) undecoded; see `climcube.stores.kerchunk`."""
    from climcube.stores.kerchunk import references_store

    store = references_store(address, options, group, sources)
    return _open(address, {"store": store, "storage_options": None}, None, "always")


def _require_versions(address: str, options: Mapping[str, Any]) -> bool:
    if not is_repository(address, options):
        # Whatever is there is opened without a version, so what is missing is said there.
        raise StoreError(
            "the store keeps no versions", where=redact(address), expected="a versioned store",
            remedy="leave version= out",
        )  # fmt: skip
    return True


def _open(
    address: str, target: Mapping[str, Any], group: str | None, mode: str, complete: bool = False
) -> xr.Dataset:
    """Open one store as xarray does, with errors of ours."""
    where = redact(address) + (f", group '{group}'" if group else "")
    try:
        dataset = _read(verifying(zarr_store(target), mode), group)
    except IntegrityError as error:
        raise _placed(error, where) from error
    except ClimcubeError:
        raise
    except (FileNotFoundError, KeyError) as error:
        groups = _groups(address, target)
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
        if is_icechunk_error(error):
            raise translated(error, "the store cannot be read", where) from error
        if _is_array(target, group):
            name = (group or redact(address)).rstrip("/").rpartition("/")[2]
            raise StoreNotFoundError(
                "no such group" if group else "no Zarr store", where=where, found="an array alone",
                remedy=f"open the store that it lies in, with variable={name!r}",
            ) from error  # fmt: skip
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StoreError(
            "the store cannot be read", where=where, found=redact(reason),
            remedy="check address, credentials and network",
        ) from error  # fmt: skip
    if not dataset.variables:
        groups = _groups(address, target, group) or []
        raise StoreError(
            "the store holds no variable at its top" if groups else "the store is empty",
            where=where,
            found=f"groups {', '.join(groups)}" if groups else None,
            remedy=f"pass group={groups[0]!r}" if groups else None,
        )
    return guard(dataset, where, complete=complete)


def _read(store: Any, group: str | None) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*consolidated.*")
        opened = xr.backends.ZarrStore.open_group(store, mode="r", group=group, consolidated=None)
        dataset = xr.open_dataset(opened, decode_cf=False, chunks=None, cache=False)
    if opened.zarr_group.metadata.consolidated_metadata is None:
        # Listed in no order, another one each time: what is made of it would be another result.
        return dataset[sorted(map(str, dataset.variables))]
    return dataset


def _is_array(target: Mapping[str, Any], group: str | None) -> bool:
    """Whether an array lies where a group of arrays was looked for."""
    import zarr

    try:
        zarr.open_array(path=group or "", mode="r", **target)
    except Exception:  # noqa: BLE001 - whatever it is then, it was said already
        return False
    return True


def _placed(error: IntegrityError, where: str) -> IntegrityError:
    """Return the error with the store in it."""
    if isinstance(error, DamagedChunk):  # of a coordinate, which is read at once
        return error.placed(where, error.array, "")
    known = str(error.where or "")
    return IntegrityError(
        error.what, where=known if where in known else ", ".join(filter(None, (where, known))),
        expected=error.expected, found=error.found, remedy=error.remedy,
    )  # fmt: skip


def zarr_store(target: Mapping[str, Any], *, read_only: bool = True) -> Any:
    """Return a Zarr store of what `zarr_target` says."""
    from zarr.storage import FsspecStore, LocalStore

    store = target["store"]
    if not isinstance(store, str):
        return store
    if is_remote(store) and not store.startswith("file://"):
        return FsspecStore.from_url(store, target["storage_options"], read_only=read_only)
    return LocalStore(store.removeprefix("file://"), read_only=read_only)


def _groups(address: str, target: Mapping[str, Any], group: str | None = None) -> list[str] | None:
    """Return the names of the groups of a store; ``None`` where there is no store."""
    import zarr

    if not is_remote(address) and not Path(address).exists():
        return None
    try:
        root = zarr.open_group(path=group or "", mode="r", **target)
        return sorted(name for name, _ in root.groups() if not name.startswith("climcube_"))
    except (OSError, ValueError, KeyError, TypeError):  # no store whose groups could be named
        return None
