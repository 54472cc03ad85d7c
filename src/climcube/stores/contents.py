"""What tells one content of an address from another, without reading it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from climcube.errors import StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system

__all__ = ["ZARR_DOCUMENTS", "content_token"]

ZARR_DOCUMENTS = ("zarr.json", ".zmetadata", ".zattrs")

# What a server says of an object that is another one when it was written again.
_MARKS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "created", "generation")


def content_token(
    address: str, options: Mapping[str, Any] | None = None, documents: Sequence[str] = ()
) -> tuple[Any, ...]:
    """Return what names of Dask arrays are made of: the same in every process, until it changes.

    Parameters
    ----------
    address
        A file, or a folder.
    options
        Of its file system.
    documents
        In a folder, those of which one at least is written again whenever its content changes.
        Of a remote one the first that is there is looked at, of a local one all are.

    Returns
    -------
    tuple
        With a random number in it, where a server says neither when an object was written nor
        which one it is.
    """
    if is_remote(address):
        state = _remote_state(address, options, documents) or (os.urandom(8).hex(),)
        return (redact(address), *state)
    marks = [os.path.join(address, name) for name in documents]
    parts = [address, *(mark for mark in marks if os.path.exists(mark))]
    states = [os.stat(part) for part in parts]
    return (os.path.abspath(address), *((s.st_ino, s.st_mtime_ns, s.st_size) for s in states))


def _remote_state(
    address: str, options: Mapping[str, Any] | None, documents: Sequence[str]
) -> tuple[Any, ...] | None:
    """Ask for the marks of a file, or of the first document that is there."""
    # Any file system may raise anything; an unknown state is no error, the content is just new.
    with suppress(Exception):
        system, path = file_system(address, options)
        for name in [f"{path.rstrip('/')}/{name}" for name in documents] or [path]:
            with suppress(FileNotFoundError, StoreNotFoundError):
                system.invalidate_cache(name)
                found = system.info(name)
                known = {mark: str(found[mark]) for mark in _MARKS if found.get(mark)}
                return (name, found.get("size"), *known.items()) if known else None
    return None
