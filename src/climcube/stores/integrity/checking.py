"""Compare a store with its manifest: every object, every document, and what else is there."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from zarr import AsyncArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.config import config
from zarr.core.sync import sync
from zarr.storage import MemoryStore, StorePath

from climcube.errors import IntegrityError
from climcube.stores.damage import DamagedChunk
from climcube.stores.integrity.digests import document_digest
from climcube.stores.integrity.documents import document_key
from climcube.stores.integrity.grids import Grid, Index
from climcube.stores.integrity.header import GROUP
from climcube.stores.integrity.ledger import Manifest
from climcube.stores.integrity.records import EMPTY, WRITTEN, Entry, candidates, describe
from climcube.stores.integrity.verification import Problem
from climcube.stores.integrity.verifying import Verifying
from climcube.stores.versioned.repositories import damage_of

__all__ = ["Checked", "check_manifest"]


@dataclass
class Checked:
    """What was looked at, and what was wrong with it."""

    objects: int = 0
    bytes: int = 0
    empty: int = 0
    unread: int = 0
    documents: int = 0
    findings: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_manifest(
    store: Any, manifest: Manifest, share: float, advance: Callable[[int], None]
) -> Checked:
    """Compare a store with its manifest.

    Parameters
    ----------
    store
        Zarr store.
    manifest
        Of the store, sealed.
    share
        Of the objects whose content is compared; of others only presence.
    advance
        Told of objects as they are done.
    """
    work = _Work(store, manifest, share, advance)
    sync(work.all())
    return work.found


@dataclass
class _Work:
    store: Any
    manifest: Manifest
    share: float
    advance: Callable[[int], None]
    found: Checked = field(default_factory=Checked)
    _strange: dict[bytes, list[int]] = field(default_factory=dict)

    async def all(self) -> None:
        """Check documents, then objects, then what else there is."""
        documents = await self._documents()
        present = await self._listed(_other_grids(documents, self.manifest))
        for path, grid in self.manifest.grids.items():
            await self._array(path, grid, documents.get(path), present.get(path))
        await self._name_origins()

    async def _documents(self) -> dict[str, bytes]:
        """Compare all metadata documents, and the copies of them that others hold."""
        known = self.manifest.documents
        checker = Verifying(self.store, self.manifest, "always")
        good: dict[str, bytes] = {}
        prototype = default_buffer_prototype()
        for path in known:
            self.found.documents += 1
            try:
                raw = await checker._document(document_key(path), prototype)
            except IntegrityError as error:
                own = path.startswith(f"{GROUP}/")
                kind, variable = ("manifest", "") if own else ("metadata", path)
                key = document_key(path) if own else "zarr.json"
                self._add(kind, variable, key, found=str(error.found))
                continue
            assert raw is not None
            good[path] = raw.to_bytes()
        self._compare_copies(good.get("", b"{}"))
        return good

    def _compare_copies(self, root: bytes) -> None:
        """Consolidated metadata must be all of the metadata, that of the manifest included."""
        consolidated = json.loads(root).get("consolidated_metadata") or {}
        copies = consolidated.get("metadata")
        if copies is None:
            return
        missing = sorted({*self.manifest.documents, GROUP} - {"", *copies})
        own = document_digest(self.manifest.algorithm, self.manifest.document)
        if GROUP in copies and document_digest(self.manifest.algorithm, copies[GROUP]) != own:
            missing.append(f"that of {GROUP}")
        if missing:
            found = f"consolidated metadata without {', '.join(missing)}"
            self._add("metadata", "", "zarr.json", found=found)

    async def _listed(self, others: dict[str, Grid]) -> dict[str, npt.NDArray[np.bool_]]:
        """List all keys; report those that nothing accounts for, return which objects are there."""
        grids = self.manifest.grids
        self.found.notes += [
            f"no digests of variable {path!r}: it was not checked"
            for path in others
            if not path.startswith(f"{GROUP}/")
        ]
        if not self.store.supports_listing:
            self.found.notes.append("the store cannot be listed: unexpected objects go unnoticed")
            return {}
        present = {path: np.zeros(grid.counts, bool) for path, grid in grids.items()}
        try:
            async for key in self.store.list():
                place = self.manifest.locate(key)
                if place is None:
                    self._account_for(key, others)
                else:
                    present[place[0]][place[1]] = True
        except Exception as error:
            lost = damage_of(error, "")
            if lost is None:
                raise
            self._add("metadata", "", "", found=f"objects cannot be listed: {lost.found}")
            return {}
        return present

    def _account_for(self, key: str, others: dict[str, Grid]) -> None:
        """Report an object that is neither a document nor a chunk of any array."""
        if _of_a_desktop(key):
            self.found.notes.append(f"{key!r} was left there by a file browser; nobody reads it")
            return
        if key.endswith("zarr.json"):
            path = key.removesuffix("zarr.json").rstrip("/")
            if path not in self.manifest.documents and path != GROUP:
                self._add("unexpected", "", key, found="metadata that were never written")
            return
        owners = ((path, rest) for path, rest in candidates(key) if path in others)
        if all(others[path].index(rest) is None for path, rest in owners):
            self._add("unexpected", "", key, found="an object that was never written")

    async def _array(
        self,
        path: str,
        grid: Grid,
        document: bytes | None,
        present: npt.NDArray[np.bool_] | None,
    ) -> None:
        try:
            starts = await self.manifest.starts(self.store, path)
        except IntegrityError as error:
            self._add("manifest", path, "records", found=str(error.found))
            return
        limit = asyncio.Semaphore(config.get("async.concurrency"))
        for start in starts:
            try:
                page = await self.manifest.page(self.store, path, start)
            except IntegrityError as error:
                self._add("manifest", path, "records", found=str(error.found))
                continue

            async def one(index: Index, entry: Entry) -> None:
                async with limit:
                    await self._object(path, grid, index, entry, document, present)
                self.advance(1)

            cells = np.ndindex(page.shape[: len(grid.counts)])
            places = (
                (cell, tuple(a + b for a, b in zip(start, cell, strict=True))) for cell in cells
            )
            await asyncio.gather(*(one(index, page[cell]) for cell, index in places))

    async def _object(
        self,
        path: str,
        grid: Grid,
        index: Index,
        entry: Entry,
        document: bytes | None,
        present: npt.NDArray[np.bool_] | None,
    ) -> None:
        """Check one object."""
        state = int(entry[0, 0])
        skipped = state == WRITTEN and random.random() >= self.share
        if present is not None and (state != WRITTEN or skipped) and not present[index]:
            data = None
        elif skipped:
            self.found.unread += 1
            return
        else:
            try:
                raw = await Verifying(self.store, self.manifest, "never")._fetched(
                    _key(path, grid, index), default_buffer_prototype(), (path, index)
                )
            except DamagedChunk as error:
                self._blame(error.kind, path, grid, index, str(error.found))
                return
            data = None if raw is None else raw.as_numpy_array()
        if data is None:
            if state == EMPTY:
                self.found.empty += 1
            else:
                expected = f"{entry[0, 1]} bytes" if state == WRITTEN else "never written"
                self._blame("missing", path, grid, index, f"nothing there, {expected}")
            return
        self.found.objects += 1
        self.found.bytes += len(data)
        if state != WRITTEN:
            self._blame("unexpected", path, grid, index, f"{len(data)} bytes, none were written")
            return
        now = describe(data, grid, self.manifest.algorithm)
        if (now[0] != entry[0]).any():
            await self._changed(path, grid, index, entry, now, data, document)
        elif (now != entry).any():
            self._add("manifest", path, grid.key(index), found="other chunks within the object")

    async def _changed(
        self,
        path: str,
        grid: Grid,
        index: Index,
        entry: Entry,
        now: Entry,
        data: npt.NDArray[np.uint8],
        document: bytes | None,
    ) -> None:
        """Say what became of an object that is not what was written."""
        length, expected = len(data), int(entry[0, 1])
        sizes = f"{length} bytes" + (f" instead of {expected}" if length != expected else "")
        if document is not None and await _decodes(document, grid, index, data):
            self._strange.setdefault(now[0, 2:].tobytes(), []).append(len(self.found.findings))
            self._blame("other content", path, grid, index, f"a valid object of {sizes}")
        elif length < expected:
            self._blame("truncated", path, grid, index, sizes)
        else:
            self._blame("damaged", path, grid, index, f"{sizes}, of another digest")

    async def _name_origins(self) -> None:
        """Say of valid objects in a wrong place where they belong, if they are of this store."""
        if not self._strange:
            return
        for path, grid in self.manifest.grids.items():
            try:
                for start in await self.manifest.starts(self.store, path):
                    page = await self.manifest.page(self.store, path, start)
                    rows = page.reshape(-1, *page.shape[len(grid.counts) :])[:, 0]
                    for number, row in enumerate(rows):
                        for place in self._strange.get(row[2:].tobytes(), ()):
                            cell = np.unravel_index(number, page.shape[: len(grid.counts)] or (1,))
                            index = tuple(int(a + b) for a, b in zip(start, cell, strict=False))
                            self._explain(place, f"that of {_key(path, grid, index)}")
            except IntegrityError:  # reported already
                continue

    def _explain(self, place: int, origin: str) -> None:
        old = self.found.findings[place]
        self.found.findings[place] = Problem(
            old.kind, old.variable, old.key, old.place, f"{old.found}: {origin}", old.region
        )

    def _blame(self, kind: str, path: str, grid: Grid, index: Index, found: str) -> None:
        region = tuple((part.start, part.stop) for part in grid.region(index))
        self.found.findings.append(Problem(kind, path, grid.key(index), "", found, region))

    def _add(self, kind: str, variable: str, key: str, *, found: str) -> None:
        self.found.findings.append(Problem(kind, variable, key, "", found))


def _key(path: str, grid: Grid, index: Index) -> str:
    return f"{path}/{grid.key(index)}" if path else grid.key(index)


def _other_grids(documents: dict[str, bytes], manifest: Manifest) -> dict[str, Grid]:
    """Return the cuts of arrays without entries: those of the manifest itself, and any others."""
    grids = {path: Grid.of(json.loads(raw)) for path, raw in documents.items()}
    return {p: grid for p, grid in grids.items() if grid is not None and p not in manifest.grids}


async def _decodes(document: bytes, grid: Grid, index: Index, data: npt.NDArray[np.uint8]) -> bool:
    """Whether the codecs of the array accept an object."""
    buffer = default_buffer_prototype().buffer
    store = MemoryStore(
        {
            "zarr.json": buffer.from_bytes(document),
            grid.key(index): buffer.from_bytes(data.tobytes()),
        }
    )
    try:
        array: Any = await AsyncArray.open(StorePath(store), zarr_format=3)
        await array.getitem(grid.region(index))
    except Exception:  # noqa: BLE001 - whatever a codec makes of bytes that are not its own
        return False
    return True


def _of_a_desktop(key: str) -> bool:
    """Whether an object is one that file browsers leave in every folder that they show."""
    name = key.rpartition("/")[2]
    return name in (".DS_Store", "Thumbs.db", "desktop.ini", ".directory") or name.startswith("._")
