"""Metadata documents of a Zarr 3 store, as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["document_key", "read_documents"]


def document_key(path: str) -> str:
    """Return the key of the document of a node.

    >>> document_key(""), document_key("annual/days")
    ('zarr.json', 'annual/days/zarr.json')
    """
    return f"{path}/zarr.json" if path else "zarr.json"


def read_documents(store: Any, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the documents of nodes by their paths, without those that are not there."""
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.common import concurrent_map
    from zarr.core.config import config
    from zarr.core.sync import sync

    async def read(path: str) -> tuple[str, dict[str, Any] | None]:
        raw = await store.get(document_key(path), default_buffer_prototype())
        return path, None if raw is None else json.loads(raw.to_bytes())

    async def read_all() -> list[tuple[str, dict[str, Any] | None]]:
        limit = config.get("async.concurrency")
        return list(await concurrent_map([(path,) for path in paths], read, limit))

    return {path: document for path, document in sync(read_all()) if document is not None}
