"""Read again what was just written, before anybody is told of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from climcube.errors import IntegrityError
from climcube.stores.integrity.documents import read_documents
from climcube.stores.integrity.grids import Grid
from climcube.stores.integrity.manifest import Records
from climcube.stores.integrity.records import describe

__all__ = ["require_written"]


def require_written(store: Any, records: Records) -> None:
    """Compare the objects of a store with what was written of them.

    Parameters
    ----------
    store
        Where they were written to.
    records
        What was written.

    Raises
    ------
    IntegrityError
        An object is lost, or holds other bytes.
    """
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.common import concurrent_map
    from zarr.core.config import config
    from zarr.core.sync import sync

    documents = read_documents(store, records.entries)
    grids = {path: Grid.of(documents[path]) for path in records.entries}

    async def compare(path: str, index: Any, entry: Any) -> None:
        grid = grids[path]
        assert grid is not None
        key = f"{path}/{grid.key(index)}"
        found = await store.get(key, default_buffer_prototype())
        data = None if found is None else found.as_numpy_array()
        if not np.array_equal(describe(data, grid, records.algorithm), entry):
            raise IntegrityError(
                "what was written is not what is there", where=key,
                expected=f"{int(entry[0, 1])} bytes of known digest",
                found="no object" if data is None else f"{len(data)} other bytes",
                remedy="write it again; if it happens again, the storage is at fault",
            )  # fmt: skip

    async def compare_all() -> None:
        objects = [(p, i, e) for p, entries in records.entries.items() for i, e in entries.items()]
        await concurrent_map(objects, compare, config.get("async.concurrency"))

    sync(compare_all())
