"""Look at the objects of a store that nobody noted when they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from climcube.stores.integrity.documents import read_documents
from climcube.stores.integrity.grids import Grid, Index
from climcube.stores.integrity.header import GROUP
from climcube.stores.integrity.records import Entry, Records, describe

__all__ = ["add_unnoted", "array_grids"]


def array_grids(store: Any) -> dict[str, Grid]:
    """Return the cuts of all arrays of a store, but those of its manifest."""
    import zarr

    root = zarr.open_group(store, mode="r", use_consolidated=False)
    paths = [p for p, _ in root.members(max_depth=None) if not f"{p}/".startswith(f"{GROUP}/")]
    grids = {path: Grid.of(document) for path, document in read_documents(store, paths).items()}
    return {path: grid for path, grid in grids.items() if grid is not None}


def add_unnoted(store: Any, records: Records) -> Records:
    """Add the objects that other processes wrote, or nobody did, by reading what is there.

    Returns
    -------
    Records
        With an entry for every object of every array of the store.
    """
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.common import concurrent_map
    from zarr.core.config import config
    from zarr.core.sync import sync

    grids = array_grids(store)

    def unnoted() -> Iterator[tuple[str, Index]]:
        for path, grid in grids.items():
            noted = records.entries.get(path, {})
            yield from ((path, index) for index in grid.indices() if index not in noted)

    async def look(path: str, index: Index) -> tuple[str, Index, Entry]:
        grid = grids[path]
        key = f"{path}/{grid.key(index)}" if path else grid.key(index)
        raw = await store.get(key, default_buffer_prototype())
        data = None if raw is None else raw.as_numpy_array()
        return path, index, describe(data, grid, records.algorithm)

    async def look_at_all() -> list[tuple[str, Index, Entry]]:
        return list(await concurrent_map(list(unnoted()), look, config.get("async.concurrency")))

    found = Records(records.algorithm)
    for path, index, entry in sync(look_at_all()):
        found.entries.setdefault(path, {})[index] = entry
    return records + found
