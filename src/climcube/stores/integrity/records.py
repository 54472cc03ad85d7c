"""What a manifest says of one object, and the store through which objects are written.

An entry is a table of numbers of 64 bits. Its first row is the object: state, length, digest. One
row follows for each piece that can be read alone: offset, length, digest; chunks in C order,
then their index.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, override

import numpy as np
import numpy.typing as npt
from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import WrapperStore

from climcube.stores.integrity.digests import ALGORITHMS, DEFAULT, digest_words
from climcube.stores.integrity.grids import Grid, Index
from climcube.stores.integrity.header import GROUP

__all__ = ["EMPTY", "UNKNOWN", "WRITTEN", "Entry", "Recorder", "Records", "candidates", "describe"]

UNKNOWN, WRITTEN, EMPTY = 0, 1, 2  # states of an object; empty: left out, nothing but fill values

Entry = npt.NDArray[np.uint64]


def describe(data: npt.NDArray[np.uint8] | None, grid: Grid, algorithm: str = DEFAULT) -> Entry:
    """Return the entry of an object; ``None`` for one that was left out."""
    entry = np.zeros((1 + grid.pieces, 2 + ALGORITHMS[algorithm]), np.uint64)
    if data is None:
        entry[0, 0] = EMPTY
        return entry
    entry[0, :2] = WRITTEN, len(data)
    entry[0, 2:] = digest_words(algorithm, data)
    parts = grid.parts(data)
    if parts is not None:
        entry[1:, :2] = parts
        for row, (start, size) in enumerate(parts.tolist(), 1):
            if size:
                entry[row, 2:] = digest_words(algorithm, data[start : start + size])
    return entry


@dataclass
class Records:
    """What was written: an entry for each object, by array; and what was removed before.

    Records add up; of two entries for one object the later one holds.
    """

    algorithm: str = DEFAULT
    entries: dict[str, dict[Index, Entry]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    def __add__(self, later: Records) -> Records:
        both = Records(self.algorithm, {p: dict(e) for p, e in self.entries.items()}, self.removed)
        for prefix in later.removed:
            both.remove(prefix)
        for path, entries in later.entries.items():
            both.entries.setdefault(path, {}).update(entries)
        return both

    def __radd__(self, nothing: int) -> Records:
        return self  # so that sum() adds records

    def __bool__(self) -> bool:
        return bool(self.entries or self.removed)

    def remove(self, prefix: str) -> None:
        """Forget what was written below a prefix, and note that it was removed."""
        whole = f"{prefix}/" if prefix else ""
        gone = [p for p in self.entries if not prefix or p == prefix or p.startswith(whole)]
        for path in gone:
            del self.entries[path]
        self.removed = (*self.removed, prefix)

    @property
    def objects(self) -> int:
        """How many objects there are entries for."""
        return sum(map(len, self.entries.values()))

    def facts(self) -> dict[str, Any]:
        """Return the entries as a JSON document, to be kept until they are in a manifest."""
        arrays = {
            path: [
                [list(index), len(entry), base64.b64encode(entry.tobytes()).decode()]
                for index, entry in sorted(entries.items())
            ]
            for path, entries in sorted(self.entries.items())
        }
        return {"digest": self.algorithm, "arrays": arrays}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Records:
        """Return the entries that `facts` described."""
        entries = {
            path: {
                tuple(index): np.frombuffer(base64.b64decode(text), "<u8").reshape(rows, -1)
                for index, rows, text in found
            }
            for path, found in facts["arrays"].items()
        }
        return cls(facts["digest"], entries)


class Recorder(WrapperStore[Store]):
    """A store that notes the digests of all chunks written through it.

    Parameters
    ----------
    store
        Where to write.
    algorithm
        Of the digests: one of ``climcube.stores.integrity.digests.ALGORITHMS``.
    grids
        How arrays are cut, where that is known already, by path; of others it is read.

    Notes
    -----
    What another process writes through a copy of it is noted there: take it there and bring it
    home.
    """

    def __init__(
        self,
        store: Store,
        algorithm: str = DEFAULT,
        grids: Mapping[str, Grid | None] | None = None,
    ) -> None:
        super().__init__(store)
        self._algorithm = algorithm
        self._records = Records(algorithm)
        self._grids: dict[str, Grid | None] = dict(grids or {})
        self._lock = threading.Lock()

    @override
    def _with_store(self, store: Store) -> Recorder:
        twin = Recorder(store, self._algorithm)
        twin._records, twin._lock = self._records, self._lock
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {"_store": self._store, "_algorithm": self._algorithm}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**{k.removeprefix("_"): v for k, v in state.items()})  # type: ignore[misc]

    def take(self) -> Records:
        """Return what was written since the last call; it can be pickled and added up."""
        with self._lock:
            taken = Records(self._algorithm, self._records.entries, self._records.removed)
            self._records.entries, self._records.removed = {}, ()
        return taken

    @override
    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)
        await self._note(key, value)

    @override
    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        await self._store.set_if_not_exists(key, value)
        if not key.endswith("zarr.json") and not key.startswith(f"{GROUP}/"):
            value = await self._store.get(key, default_buffer_prototype()) or value
        await self._note(key, value)

    @override
    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        pairs = list(values)
        await self._store._set_many(pairs)
        for key, value in pairs:
            await self._note(key, value)

    @override
    async def delete(self, key: str) -> None:
        await self._store.delete(key)
        await self._note(key, None)

    @override
    async def delete_dir(self, prefix: str) -> None:
        await self._store.delete_dir(prefix)
        self._removed(prefix.strip("/"))

    @override
    async def clear(self) -> None:
        await self._store.clear()
        self._removed("")

    @property
    def _supports_sync_io(self) -> bool:
        return False  # one way of writing is enough; zarr takes the other one

    @override
    def set_sync(self, key: str, value: Buffer) -> None:
        sync(self.set(key, value))

    @override
    def delete_sync(self, key: str) -> None:
        sync(self.delete(key))

    def _removed(self, prefix: str) -> None:
        with self._lock:
            self._records.remove(prefix)
        self._grids.clear()

    async def _note(self, key: str, value: Buffer | None) -> None:
        if key.startswith(f"{GROUP}/"):
            return
        if key.endswith("zarr.json"):
            self._grids.pop(key.rpartition("/")[0], None)
            return
        found = await self._place(key)
        if found is None:
            return
        path, grid, index = found
        entry = describe(None if value is None else value.as_numpy_array(), grid, self._algorithm)
        with self._lock:
            self._records.entries.setdefault(path, {})[index] = entry

    async def _place(self, key: str) -> tuple[str, Grid, Index] | None:
        """Return the array that an object belongs to, and its index there."""
        for path, rest in candidates(key):
            if path not in self._grids:
                self._grids[path] = await _read_grid(self._store, path)
            grid = self._grids[path]
            index = None if grid is None else grid.index(rest)
            if grid is not None and index is not None:
                return path, grid, index
        return None


def candidates(key: str) -> Iterator[tuple[str, str]]:
    """Yield the arrays that an object may belong to, with the rest of its key; likely ones first.

    >>> next(candidates("annual/days/c/0/1"))
    ('annual/days', 'c/0/1')
    """
    path, mark, rest = key.rpartition("/c/")
    if mark:
        yield path, f"c/{rest}"
    parts = key.split("/")
    for count in range(len(parts) - 1, -1, -1):
        yield "/".join(parts[:count]), "/".join(parts[count:])


async def _read_grid(store: Store, path: str) -> Grid | None:
    name = f"{path}/zarr.json" if path else "zarr.json"
    raw = await store.get(name, default_buffer_prototype())
    return None if raw is None else Grid.of(json.loads(raw.to_bytes()))
