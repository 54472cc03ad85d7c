"""A manifest as a reader needs it: its header in memory, its pages fetched when asked for."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from zarr import AsyncArray
from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import StorePath

from climcube.errors import ClimcubeError, IntegrityError
from climcube.stores.integrity.digests import ALGORITHMS, canonical, document_digest
from climcube.stores.integrity.documents import document_key
from climcube.stores.integrity.grids import Grid, Index
from climcube.stores.integrity.header import FORMAT, GROUP, seal_digest
from climcube.stores.integrity.pages import load_inline, page_digest, page_places, seals_digest
from climcube.stores.integrity.records import Entry, candidates
from climcube.stores.versioned.repositories import damage_of

__all__ = ["Manifest", "damaged_manifest", "fetch_manifest", "load_manifest"]

_CACHE_BYTES = 32 * 2**20  # of pages, in each process
_REMEDY = "restore the store from a copy, or read it with verify='never'"


class Manifest:
    """The sealed manifest of a store; travels to workers as its header.

    Parameters
    ----------
    text
        The manifest's own document.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.document = json.loads(text)
        self.head: dict[str, Any] = self.document["attributes"]
        self.algorithm: str = self.head["digest"]
        self.seal: str = self.head["seal"]
        self.documents: Mapping[str, str] = self.head["documents"]
        self._scope: str = self.seal  # what is cached is named by content
        self._pages: dict[str, Index] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _manifest, (self._text,)

    @cached_property
    def grids(self) -> dict[str, Grid]:
        """The cuts of every array that there are entries for."""
        return {path: Grid.from_facts(f["grid"]) for path, f in self.head["arrays"].items()}

    @cached_property
    def _inline(self) -> dict[str, npt.NDArray[np.uint64]]:
        facts = self.head["arrays"]
        return {
            path: load_inline(facts[path], grid, self.algorithm)
            for path, grid in self.grids.items()
            if "records" in facts[path]
        }

    def locate(self, key: str) -> tuple[str, Index] | None:
        """Return the array and the index of the object with a key; ``None`` for other keys."""
        for path, rest in candidates(key):
            grid = self.grids.get(path)
            index = None if grid is None else grid.index(rest)
            if index is not None:
                return path, index
        return None

    def anew(self) -> Manifest:
        """Return the same manifest, with nothing of it cached: to look whether it is there."""
        twin = Manifest(self._text)
        twin._scope = uuid.uuid4().hex
        return twin

    async def entry(self, store: Store, path: str, index: Index) -> Entry:
        """Return what was written of one object."""
        inline = self._inline.get(path)
        if inline is not None:
            return inline[index]  # type: ignore[no-any-return]
        page = self._pages.get(path)
        if page is None:
            array = await self._array(store, path, "records")
            page = self._pages[path] = array.chunks[: len(index)]
        number = tuple(i // p for i, p in zip(index, page, strict=True))
        content = _cache.get((self._scope, path, number))
        if content is None:
            start = tuple(n * p for n, p in zip(number, page, strict=True))
            content = await self._cached((path, number), lambda: self.page(store, path, start))
        return content[tuple(i % p for i, p in zip(index, page, strict=True))]  # type: ignore[no-any-return]

    async def starts(self, store: Store, path: str) -> list[Index]:
        """Return the index of the first object of each page of an array."""
        counts = self.grids[path].counts
        if path in self._inline:
            return [tuple(0 for _ in counts)] if all(counts) else []
        array = await self._array(store, path, "records")
        steps = (range(0, n, p) for n, p in zip(counts, array.chunks, strict=False))
        return list(itertools.product(*steps))

    async def page(self, store: Store, path: str, start: Index) -> npt.NDArray[np.uint64]:
        """Return the entries of the page that begins at an object, over its grid; not cached."""
        if path in self._inline:
            return self._inline[path]
        array = await self._array(store, path, "records")
        page = array.chunks[: len(start)]
        number = tuple(i // p for i, p in zip(start, page, strict=True))
        return await self._page(store, path, array, page, number)

    async def _page(
        self, store: Store, path: str, array: Any, page: Index, number: Index
    ) -> npt.NDArray[np.uint64]:
        counts = self.grids[path].counts
        low = [n * p for n, p in zip(number, page, strict=True)]
        high = [min(a + p, c) for a, p, c in zip(low, page, counts, strict=True)]
        seals = await self._cached((path, "seals"), lambda: self._seals(store, path))
        content = np.asarray(await _sound(path, array.getitem(tuple(map(slice, low, high)))))
        size = array.shape[len(page) :]
        for place, part in page_places(low, high, page):
            found = page_digest(content[part], page, size, self.algorithm)
            if found != np.asarray(seals[place], "<u8").tobytes():
                raise damaged_manifest(path, f"page {'/'.join(map(str, place))} is another one")
        return content

    async def _seals(self, store: Store, path: str) -> npt.NDArray[np.uint64]:
        array = await self._array(store, path, "seals")
        seals = np.asarray(await _sound(path, array.getitem(...)))
        if seals_digest(seals, self.algorithm) != self.head["arrays"][path]["root"]:
            raise damaged_manifest(path, "its seals are others")
        return seals

    async def _array(self, store: Store, path: str, name: str) -> Any:
        """Open an array of the manifest; its document must be the one that was sealed."""

        async def opened() -> Any:
            where = f"{GROUP}/{path}/{name}"
            await self._require_document(store, where, path)
            array = await _sound(path, AsyncArray.open(StorePath(store, where), zarr_format=3))
            counts = self.grids[path].counts
            if name == "records" and array.shape[: len(counts)] != counts:
                raise damaged_manifest(path, "it is of another size")
            return array.metadata

        metadata = await self._cached((path, name, "metadata"), opened)
        return AsyncArray(metadata, StorePath(store, f"{GROUP}/{path}/{name}"))

    async def _require_document(self, store: Store, where: str, path: str) -> None:
        wanted = store.get(document_key(where), default_buffer_prototype())
        raw = await _sound(path, wanted)
        try:
            document = None if raw is None else json.loads(raw.to_bytes())
            found = document and document_digest(self.algorithm, document)
        except (ValueError, AttributeError) as error:
            raise damaged_manifest(path, error) from error
        if found is None or found != self.documents.get(where):
            reason = "missing" if raw is None else "another one"
            raise damaged_manifest(path, f"{document_key(where)} is {reason}")

    async def _cached(self, key: tuple[Any, ...], make: Callable[[], Awaitable[Any]]) -> Any:
        """Return a part of the manifest; several readers at once fetch it once."""
        whole = (self._scope, *key)
        found = _cache.get(whole)
        if found is not None:
            return found
        waiting = (id(asyncio.get_running_loop()), *whole)
        task = _under_way.get(waiting)
        if task is None:
            task = asyncio.ensure_future(make())
            _under_way[waiting] = task
            task.add_done_callback(lambda _: _under_way.pop(waiting, None))
        made = await asyncio.shield(task)
        _cache.put(whole, made)
        return made


@lru_cache(maxsize=16)
def _manifest(text: bytes) -> Manifest:
    return Manifest(text)


def load_manifest(store: Store) -> Manifest | None:
    """Read the manifest of a store; ``None`` where it has none.

    Raises
    ------
    IntegrityError
        It is lost, was not sealed, or is not as it was sealed.
    """
    return sync(fetch_manifest(store))


async def fetch_manifest(store: Store) -> Manifest | None:
    """Do what `load_manifest` does, for what runs on zarr's loop already."""
    root, raw = await _read(store, ["zarr.json", f"{GROUP}/zarr.json"])
    if isinstance(root, BaseException):
        raise damage_of(root, "zarr.json") or root
    marked = root is not None and GROUP in _attributes(root)
    if isinstance(raw, BaseException):
        if marked:
            raise damage_of(raw, f"{GROUP}/zarr.json") or raw
        raw = None  # stores of others may refuse what is not there
    if raw is None:
        if marked:
            raise IntegrityError(
                "the manifest of the store is missing", expected=f"{GROUP}/zarr.json",
                found="nothing there", remedy=_REMEDY,
            )  # fmt: skip
        return None
    return _checked(raw)


def _checked(raw: bytes) -> Manifest:
    try:
        document = json.loads(raw)
        head = document["attributes"]
        if not isinstance(head.get("digest"), str):
            raise ValueError("no name of an algorithm")
        known = {k: head.get(k) for k in FORMAT} == FORMAT and head["digest"] in ALGORITHMS
        sealed = head.get("seal")
        good = known and sealed is not None and sealed == seal_digest(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged_manifest("", error) from error
    if not good:
        reason = "it is not as it was sealed" if sealed else "it was never sealed"
        raise damaged_manifest("", reason if known else "its format is unknown")
    return _manifest(canonical(document))


def damaged_manifest(path: str, reason: object) -> IntegrityError:
    """Return the error that says that the manifest itself is wrong."""
    found = (str(reason).strip() or type(reason).__name__).splitlines()[0]
    return IntegrityError(
        "the manifest of the store is damaged", where=f"variable {path!r}" if path else None,
        found=found, remedy=_REMEDY,
    )  # fmt: skip


async def _sound(path: str, wanted: Awaitable[Any]) -> Any:
    """Await a part of the manifest; what its codecs refuse, or Icechunk lost, is damage."""
    try:
        return await wanted
    except ClimcubeError:
        raise
    except Exception as error:
        lost = damage_of(error, path)
        if lost is None and not isinstance(error, RuntimeError | ValueError | KeyError):
            raise
        raise damaged_manifest(path, lost.found if lost else error) from error


def _attributes(raw: bytes) -> Mapping[str, Any]:
    try:
        return dict(json.loads(raw).get("attributes", {}))
    except (ValueError, AttributeError, TypeError):
        return {}


async def _read(store: Store, keys: list[str]) -> list[bytes | BaseException | None]:
    await store._ensure_open()
    wanted = (store.get(key, default_buffer_prototype()) for key in keys)
    found = await asyncio.gather(*wanted, return_exceptions=True)
    return [
        raw if raw is None or isinstance(raw, BaseException) else raw.to_bytes() for raw in found
    ]


class _Cache:
    """What was used last, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._held = limit, 0
        self._items: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Any, value: Any) -> None:
        size = int(getattr(value, "nbytes", 0)) + 1024 if isinstance(value, np.ndarray) else 4096
        with self._lock:
            if key in self._items:
                return
            self._items[key] = (value, size)
            self._held += size
            while self._held > self._limit and len(self._items) > 1:
                self._held -= self._items.popitem(last=False)[1][1]


_cache = _Cache(_CACHE_BYTES)
_under_way: dict[Any, asyncio.Future[Any]] = {}
