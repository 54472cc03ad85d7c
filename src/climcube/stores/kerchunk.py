"""References in JSON, as kerchunk writes them: read as a Zarr store, from allowed places only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zarr.storage import WrapperStore

from climcube.errors import ClimcubeError, StoreError, require_module
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.files.filechunks import store_of
from climcube.stores.filesystems import open_file, reporting
from climcube.stores.versioned.references import Sources, allowed, homes_of

__all__ = ["references_store"]

_LARGEST = 2**29  # bytes of a JSON file that is read at all
_REMEDY = "if you trust them: cc.open(..., sources=[that place])"


def references_store(
    address: str, options: Mapping[str, Any], group: str | None, sources: Sources | None
) -> Any:
    """Return a Zarr store to read of a file of references.

    All places are known before one is read: any that is not allowed is refused at once. There
    are no templates, and nothing tells whether a file was changed since.

    Raises
    ------
    StoreError
        The file is no JSON of references; one leads to a place that is not allowed.
    DependencyError
        The extra ``virtual`` is not installed.
    """
    require_module("virtualizarr", "virtual")
    from obspec_utils.registry import ObjectStoreRegistry
    from virtualizarr.manifests import ManifestStore
    from virtualizarr.parsers.kerchunk.translator import manifestgroup_from_kerchunk_refs

    refs = _read(address, options)
    root = None if is_remote(address) else Path(address).absolute().parent.as_uri() + "/"
    try:
        parsed = manifestgroup_from_kerchunk_refs(refs, group=group, fs_root=root)
    except Exception as error:
        raise _unknown(address, (str(error) or type(error).__name__).splitlines()[0]) from error
    places = sorted({
        entry["path"]
        for array in parsed.arrays.values()
        for entry in array.manifest.dict().values()
        if "://" in entry["path"]
    })  # fmt: skip
    named = homes_of(places) if places else []
    chosen = allowed(named, sources, options if address.startswith("s3") else {})
    for place in places:
        if not any(place.startswith(prefix) for prefix in chosen) or ".." in place.split("/"):
            raise StoreError(
                "the values lie in files elsewhere, which may not be read unasked",
                where=redact(address), found=redact(place), remedy=_REMEDY,
            )  # fmt: skip
    registry: Any = ObjectStoreRegistry()
    for prefix, known in chosen.items():
        host, store, _ = store_of(prefix + "x", known, whole=True)
        registry.register(host, store)
    for array in parsed.arrays.values():
        _write_fill(array.metadata)
    store = ManifestStore(group=parsed, registry=registry)
    return _References(store, redact(address), frozenset(parsed.arrays))


def _write_fill(metadata: Any) -> None:
    """Write a fill value as xarray expects it in Zarr 3; kerchunk writes it as in Zarr 2."""
    from xarray.backends.zarr import FillValueCoder

    fill, dtype = metadata.attributes.get("_FillValue"), metadata.dtype.to_native_dtype()
    if isinstance(fill, int | float) and dtype.kind == "f":
        metadata.attributes["_FillValue"] = FillValueCoder.encode(dtype.type(fill), dtype)


def _read(address: str, options: Mapping[str, Any]) -> Any:
    place = address if is_remote(address) else f"file://{os.path.abspath(address)}"
    with reporting("the references cannot be read", address), open_file(place, options) as stream:
        text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise _unknown(address, f"more than {_LARGEST // 2**20} MB")
    try:
        refs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unknown(address, str(error)) from error
    if not isinstance(refs, dict) or not isinstance(refs.get("refs"), dict):
        raise _unknown(address, "no 'refs'")
    if refs.get("templates") or refs.get("gen"):
        raise _unknown(address, "templates, which are not evaluated")
    return refs


def _unknown(address: str, found: str) -> StoreError:
    return StoreError(
        "not a file of references that climcube reads", where=redact(address),
        expected="kerchunk's JSON, version 1, without templates", found=redact(found),
    )  # fmt: skip


class _References(WrapperStore[Any]):
    """A store of references whose errors are ours."""

    def __init__(self, store: Any, where: str, arrays: frozenset[str]) -> None:
        super().__init__(store)
        self._where, self._arrays = where, arrays

    @property
    def supports_consolidated_metadata(self) -> bool:
        return False

    def _with_store(self, store: Any) -> _References:
        return _References(store, self._where, self._arrays)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        from obstore.exceptions import BaseError

        # Asked for what it does not have, the store answers with what is above it.
        if key != "zarr.json" and key.partition("/")[0] not in self._arrays:
            return None
        try:
            return await self._store.get(key, prototype, byte_range)
        except ClimcubeError:
            raise
        except (BaseError, OSError) as error:
            reason = redact((str(error).strip() or type(error).__name__).splitlines()[0])
            raise StoreError(
                "a file that the cube refers to cannot be read", where=f"{self._where}, {key}",
                found=reason, remedy="restore the file, or make the references again",
            ) from error  # fmt: skip
