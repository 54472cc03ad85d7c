"""A store whose readers get the bytes that were written, or an error that names the object."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, override

import numpy as np
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import WrapperStore

from climcube.errors import IntegrityError, require_choice
from climcube.stores.damage import REMEDY, DamagedChunk
from climcube.stores.integrity.digests import digest, document_digest
from climcube.stores.integrity.grids import Index
from climcube.stores.integrity.header import GROUP
from climcube.stores.integrity.ledger import Manifest, fetch_manifest, load_manifest
from climcube.stores.integrity.records import UNKNOWN, WRITTEN, Entry
from climcube.stores.versioned.repositories import damage_of

__all__ = ["MODES", "Verifying", "verifying"]

MODES = ("always", "sample", "never")
_SHARE = 1 / 16  # of objects whose digests a sample checks
_INLINE = {"kind": "inline", "must_understand": False}  # of consolidated metadata
_SLOW = 2**20  # bytes above which a slow digest leaves the event loop


def verifying(store: Store, mode: str = "always") -> Store:
    """Return a store that checks what is read from it against its manifest.

    Parameters
    ----------
    store
        Zarr store; one without a manifest is returned as it is.
    mode
        ``"always"``: presence, length and digest of everything that is read, whole objects and
        single chunks of shards. ``"sample"``: presence and length, the digest of every 16th by
        chance. ``"never"``: only that what is missing was left out on purpose.

    Raises
    ------
    IntegrityError
        The manifest is lost or damaged. Later, at reading: what is read is.
    """
    require_choice("verify", mode, MODES)
    manifest = None if mode == "never" else load_manifest(store)
    if manifest is None and mode != "never":
        return store
    return Verifying(store, manifest, mode)


class Verifying(WrapperStore[Store]):
    """See `verifying`; travels to workers with the header of the manifest.

    Parameters
    ----------
    store
        Where the bytes are.
    manifest
        Its manifest; ``None``: looked for when something is missing.
    mode
        One of `MODES`.
    """

    def __init__(self, store: Store, manifest: Manifest | None, mode: str) -> None:
        super().__init__(store)
        self.manifest, self.mode = manifest, mode
        self._lacking = False  # known to have no manifest: it is looked for once

    @override
    def _with_store(self, store: Store) -> Verifying:
        return Verifying(store, self.manifest, self.mode)

    @override
    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        if key.startswith(f"{GROUP}/"):
            return await self._store.get(key, prototype, byte_range)
        if self.manifest is None:
            return await self._present(key, prototype, byte_range)
        if key.endswith("zarr.json"):
            return await self._document(key, prototype)
        place = self.manifest.locate(key)
        if place is None:
            return await self._store.get(key, prototype, byte_range)
        entry = await self.manifest.entry(self._store, *place)
        if byte_range is None or entry[0, 0] != WRITTEN:
            return await self._whole(key, prototype, place, entry)
        start, stop = _limits(byte_range, int(entry[0, 1]))
        rows = _pieces(entry, start, stop)
        if not rows:
            whole = await self._whole(key, prototype, place, entry)
            return None if whole is None else whole[start:stop]
        part = await self._fetched(key, prototype, place, byte_range)
        if part is None:
            raise self._damage("missing", place, found="nothing there")
        self._require_length(place, stop - start, len(part))
        data = part.as_numpy_array()
        for row, first, size in rows:
            piece = data[first - start : first - start + size]
            await self._require_digest(place, piece, entry[row, 2:])
        return part

    async def _fetched(
        self,
        key: str,
        prototype: BufferPrototype,
        place: tuple[str, Index],
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read an object; what a versioned store lost is a damage with a place, too."""
        try:
            return await self._store.get(key, prototype, byte_range)
        except Exception as error:
            own = damage_of(error, key)
            if own is None:
                raise
            lost = "object-not-found" in str(getattr(error, "kind", ""))
            kind = "missing" if lost else "damaged"
            raise self._damage(kind, place, found=own.found) from error

    async def _whole(
        self, key: str, prototype: BufferPrototype, place: tuple[str, Index], entry: Entry
    ) -> Buffer | None:
        data = await self._fetched(key, prototype, place)
        if data is None:
            if entry[0, 0] == WRITTEN or entry[0, 0] == UNKNOWN:
                raise self._damage("missing", place, found="nothing there")
            return None
        if entry[0, 0] != WRITTEN:
            raise self._damage("unexpected", place, found=f"{len(data)} bytes")
        self._require_length(place, int(entry[0, 1]), len(data))
        await self._require_digest(place, data.as_numpy_array(), entry[0, 2:])
        return data

    def _require_length(self, place: tuple[str, Index], expected: int, found: int) -> None:
        if found == expected:
            return
        kind = "truncated" if found < expected else "damaged"
        raise self._damage(kind, place, expected=f"{expected} bytes", found=f"{found} bytes")

    async def _require_digest(self, place: tuple[str, Index], data: Any, expected: Entry) -> None:
        assert self.manifest is not None
        if self.mode == "sample" and random.random() >= _SHARE:
            return
        algorithm = self.manifest.algorithm
        if algorithm.startswith("xxh") or len(data) < _SLOW:  # quicker than another thread is
            found = digest(algorithm, data)
        else:
            found = await asyncio.to_thread(digest, algorithm, data)
        if found != np.asarray(expected, "<u8").tobytes():
            raise self._damage("damaged", place, found="bytes of another digest")

    def _damage(
        self, kind: str, place: tuple[str, Index], *, expected: object = None, found: object = None
    ) -> DamagedChunk:
        assert self.manifest is not None
        path, index = place
        grid = self.manifest.grids[path]
        region = tuple((s.start, s.stop) for s in grid.region(index))
        return DamagedChunk(kind, path, grid.key(index), region, expected=expected, found=found)

    async def _document(self, key: str, prototype: BufferPrototype) -> Buffer | None:
        """Read a metadata document; it must say what was sealed, and so must copies in it."""
        assert self.manifest is not None
        path = key.removesuffix("zarr.json").rstrip("/")
        known = self.manifest.documents
        try:
            raw = await self._store.get(key, prototype)
        except Exception as error:
            lost = damage_of(error, key)
            if lost is None:
                raise
            raise _changed(key, lost.found) from error
        if raw is None:
            if path in known:
                raise _changed(key, "nothing there")
            return None
        try:
            found = dict(_digests(self.manifest.algorithm, path, json.loads(raw.to_bytes())))
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise _changed(key, error) from error
        found.pop(GROUP, None)
        for name, own in found.items():
            if known.get(name) != own:
                raise _changed(key, f"other metadata of {name!r}" if name else "other content")
        return raw

    async def _present(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer | None:
        """Read without checks, but for what is missing: a lost chunk is never fill values."""
        found = await self._store.get(key, prototype, byte_range)
        names = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
        if found is not None or self._lacking or key.endswith(names):
            return found
        # Never in a thread that waits for this loop: the loop's own reading needs those threads.
        manifest = await fetch_manifest(self._store)
        self._lacking = manifest is None
        place = None if manifest is None else manifest.locate(key)
        if manifest is not None and place is not None:
            entry = await manifest.entry(self._store, *place)
            if entry[0, 0] == WRITTEN:
                twin = Verifying(self._store, manifest, "never")
                raise twin._damage("missing", place, found="nothing there")
        return None

    @override
    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    @override
    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_concurrency: int | None = None,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        wanted = {
            "max_concurrency": max_concurrency,
            "max_gap_bytes": max_gap_bytes,
            "max_coalesced_bytes": max_coalesced_bytes,
        }
        given: dict[str, Any] = {k: v for k, v in wanted.items() if v is not None}
        # The inherited way merges near ranges and reads them through `get`, which checks them.
        try:
            async for group in Store.get_ranges(
                self, key, byte_ranges, prototype=prototype, **given
            ):
                yield group
        except BaseExceptionGroup as error:
            ours: Any = error.subgroup(IntegrityError)
            while isinstance(ours, BaseExceptionGroup):
                ours = ours.exceptions[0]
            raise (ours or error) from None

    @override
    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncGenerator[tuple[str, Buffer | None], None]:
        for key, prototype, byte_range in requests:
            yield key, await self.get(key, prototype, byte_range)

    @property
    def _supports_sync_io(self) -> bool:
        return False  # all reading goes through `get`

    @override
    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        return sync(self.get(key, prototype or default_buffer_prototype(), byte_range))


def _digests(algorithm: str, path: str, document: Any) -> Iterator[tuple[str, str]]:
    """Yield the digests of a document, and of the copies of others within it."""
    yield path, document_digest(algorithm, document)
    copies = document.get("consolidated_metadata")
    if copies is None:
        return
    if {k: v for k, v in copies.items() if k != "metadata"} != _INLINE:
        raise ValueError("consolidated metadata of an unknown kind")
    for name, copy in copies["metadata"].items():
        yield from _digests(algorithm, f"{path}/{name}" if path else name, copy)


def _changed(key: str, reason: object) -> IntegrityError:
    found = (str(reason).strip() or type(reason).__name__).splitlines()[0]
    return IntegrityError(
        "a metadata document is not what was written", where=key, found=found, remedy=REMEDY
    )


def _limits(request: ByteRequest, length: int) -> tuple[int, int]:
    """Return first and last byte (exclusive) of a request, as for an object of this length."""
    if isinstance(request, RangeByteRequest):
        return request.start, min(request.end, length)
    if isinstance(request, OffsetByteRequest):
        return min(request.offset, length), length
    assert isinstance(request, SuffixByteRequest)
    return max(0, length - request.suffix), length


def _pieces(entry: Entry, start: int, stop: int) -> list[tuple[int, int, int]]:
    """Return row, offset and length of the pieces that a part of an object is made of.

    None where the part is not made of whole pieces, each with a digest of its own.
    """
    found = [
        (row, first, size)
        for row, (first, size) in enumerate(entry[1:, :2].tolist(), 1)
        if size and first >= start and first + size <= stop
    ]
    return found if sum(size for _, _, size in found) == stop - start else []
