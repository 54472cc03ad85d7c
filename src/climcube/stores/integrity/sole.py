"""A new store with one writer: what it wrote of metadata, it need not ask for again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, override

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import MemoryStore, WrapperStore

__all__ = ["Sole"]


class Sole(WrapperStore[Store]):
    """A store that answers from memory which nodes it has, and what their documents say.

    Making a small store with a manifest asks for its documents some sixty times, each time a
    request to an object store. Only for a store that is empty at first, and whose documents are
    written through this object alone; other processes may write chunks, and get the store within.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._documents = MemoryStore()

    def __reduce__(self) -> tuple[Any, ...]:
        return _within, (self._store,)

    @override
    def _with_store(self, store: Store) -> Sole:
        twin = Sole(store)
        twin._documents = self._documents
        return twin

    @override
    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        if _is_document(key):
            return await self._documents.get(key, prototype, byte_range)
        return await self._store.get(key, prototype, byte_range)

    @override
    async def exists(self, key: str) -> bool:
        return await (self._documents if _is_document(key) else self._store).exists(key)

    @override
    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)
        if _is_document(key):
            await self._documents.set(key, value)

    @override
    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        if not await self.exists(key):
            await self.set(key, value)

    @override
    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        for key, value in values:
            await self.set(key, value)

    @override
    async def delete(self, key: str) -> None:
        await self._store.delete(key)
        await self._documents.delete(key)

    @override
    async def delete_dir(self, prefix: str) -> None:
        await self._store.delete_dir(prefix)
        await self._documents.delete_dir(prefix)

    @override
    async def clear(self) -> None:
        await self._store.clear()
        await self._documents.clear()

    @override
    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self._documents.list_dir(prefix)

    @property
    def _supports_sync_io(self) -> bool:
        return False


def _is_document(key: str) -> bool:
    names = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
    return key.rpartition("/")[2] in names


def _within(store: Store) -> Store:
    return store
