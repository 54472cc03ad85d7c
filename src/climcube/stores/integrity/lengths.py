"""What a manifest knows of the objects of an array at once, to count bytes before they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from zarr.abc.store import Store
from zarr.core.sync import sync

from climcube.stores.integrity.grids import Grid
from climcube.stores.integrity.records import WRITTEN
from climcube.stores.integrity.verifying import Verifying

__all__ = ["Lengths", "lengths_of"]


class Lengths:
    """Offsets and lengths of the objects of one array, and of the chunks in them.

    Parameters
    ----------
    grid
        How the array is cut into objects.
    entries
        Of the manifest: over the objects, then what can be read alone, then numbers.
    """

    def __init__(self, grid: Grid, entries: npt.NDArray[np.uint64]) -> None:
        self.grid, self._entries = grid, entries

    def objects(self, places: tuple[Any, ...]) -> int:
        """Return the bytes of the objects at the places given along each axis."""
        part = self._entries[np.ix_(*places)] if places else self._entries
        there = part[..., 0, 0] == WRITTEN
        return int(np.where(there, part[..., 0, 1], 0).sum())

    def chunks(self, index: tuple[int, ...]) -> npt.NDArray[np.int64] | None:
        """Return offset and length of the chunks of one object, in C order, then of its index.

        ``None`` where the object was left out on purpose.
        """
        entry = self._entries[index]
        if entry[0, 0] != WRITTEN:
            return None
        pieces: npt.NDArray[np.int64] = entry[1:, :2].astype("int64")
        return pieces


def lengths_of(store: Store, path: str) -> Lengths | None:
    """Look up the lengths of the objects of an array; ``None`` where there is no manifest.

    Parameters
    ----------
    store
        As `verifying` made it; of another kind nothing is known.
    path
        Of the array.
    """
    manifest = store.manifest if isinstance(store, Verifying) else None
    if manifest is None or path not in manifest.grids:
        return None
    return sync(_lengths(store, manifest, path))


async def _lengths(store: Any, manifest: Any, path: str) -> Lengths:
    grid: Grid = manifest.grids[path]
    whole: Any = None
    for start in await manifest.starts(store._store, path):
        page = await manifest.page(store._store, path, start)
        if page.shape[: len(grid.counts)] == grid.counts:
            return Lengths(grid, page)
        if whole is None:
            whole = np.zeros((*grid.counts, *page.shape[len(grid.counts) :]), page.dtype)
        here = tuple(slice(a, a + n) for a, n in zip(start, page.shape, strict=False))
        whole[here] = page
    return Lengths(grid, whole)
