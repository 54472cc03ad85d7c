"""Zarr stores in S3-compatible object storage through obstore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Literal

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.common import BytesLike

from climcube.stores.s3.answers import Malformed
from climcube.stores.s3.connection import Connection, judge
from climcube.stores.s3.requests import timely

__all__ = ["S3Objects"]

_MULTIPART = 100 * 2**20  # bytes from which an object is written in parts
_PART = 50 * 2**20


class S3Objects(Store):
    """A prefix of a bucket as a Zarr store.

    Parameters
    ----------
    connection
        Bucket and options. Pickles hold these, never what was made of them: credentials that
        came from the environment are those of the process that reads.
    prefix
        Path of the store in the bucket.
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, connection: Connection, prefix: str, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self._connection = connection
        self._prefix = prefix.strip("/")

    def with_read_only(self, read_only: bool = False) -> S3Objects:
        """Return the same store, to be read only or not."""
        return type(self)(self._connection, self._prefix, read_only=read_only)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, S3Objects)
            and self._connection == other._connection
            and self._prefix == other._prefix
            and self.read_only == other.read_only
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"s3://{self._connection.bucket}/{self._prefix}"

    def __repr__(self) -> str:
        return f"<S3Objects({self})>"

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return an object or a part of it; ``None`` where there is none."""
        options = _range_options(byte_range)
        if options is not None and options["range"] in ({"suffix": 0}, (0, 0)):
            return prototype.buffer.from_bytes(b"")

        async def request(store: Any) -> Any:
            import obstore

            answer = await obstore.get_async(store, self._path(key), options=options)
            if not answer.meta["e_tag"]:
                raise Malformed("an answer that is none of an object store")
            data = await answer.bytes_async()
            first, last = answer.range
            if len(data) != last - first or (not data and options is None):
                # No object of a Zarr store is empty.
                raise Malformed(f"{len(data)} bytes instead of {last - first}")
            return data

        try:
            return prototype.buffer.from_bytes(await self._timely(key, request))
        except FileNotFoundError:
            return None
        except self._connection.errors() as error:
            if judge(error).status == 416:  # nothing in that range, as s3fs says, too
                return prototype.buffer.from_bytes(b"")
            raise

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of objects."""
        return list(await asyncio.gather(*(self.get(k, prototype, r) for k, r in key_ranges)))

    async def exists(self, key: str) -> bool:
        """Whether there is an object of that name."""
        try:
            await self.getsize(key)
        except FileNotFoundError:
            return False
        return True

    async def getsize(self, key: str) -> int:
        """Return the length of an object in bytes."""

        async def request(store: Any) -> int:
            import obstore

            found = await obstore.head_async(store, self._path(key))
            if not found["e_tag"]:
                raise Malformed("an answer that is none of an object store")
            return int(found["size"])

        return await self._timely(key, request)

    async def set(self, key: str, value: Buffer) -> None:
        """Write an object."""
        self._check_writable()
        await self._put(key, value.as_buffer_like(), "overwrite")

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write an object unless there is one of that name."""
        self._check_writable()
        try:
            await self._put(key, value.as_buffer_like(), "create")
        except self._connection.errors() as error:
            if type(error).__name__ not in ("AlreadyExistsError", "PreconditionError"):
                raise

    async def _put(self, key: str, value: BytesLike, mode: Literal["overwrite", "create"]) -> None:
        parts = len(value) >= _MULTIPART and mode == "overwrite"

        async def request(store: Any) -> None:
            import obstore

            done = await obstore.put_async(
                store, self._path(key), value, mode=mode,
                use_multipart=parts, chunk_size=_PART, max_concurrency=2,
            )  # fmt: skip
            if not done["e_tag"]:
                raise Malformed("an answer that is none of an object store")

        await self._timely(key, request)

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        self._check_writable()

        async def request(store: Any) -> None:
            import obstore

            await obstore.delete_async(store, self._path(key))

        try:
            await self._timely(key, request)
        except FileNotFoundError:
            return

    async def delete_dir(self, prefix: str) -> None:
        """Remove all objects below a prefix."""
        self._check_writable()
        keys = [key async for key in self.list_prefix(prefix and prefix.rstrip("/") + "/")]
        await asyncio.gather(*(self.delete(key) for key in keys))

    def list(self) -> AsyncIterator[str]:
        """All keys of the store."""
        return self.list_prefix("")

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """All keys that begin with a prefix."""
        folder, _, stem = self._path(prefix).rpartition("/")
        for path in await self._lister()._find(f"{self._connection.bucket}/{folder}", prefix=stem):
            key = path.removeprefix(f"{self._connection.bucket}/")
            if key.startswith(self._path(prefix)):
                yield key.removeprefix(self._path(""))

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names of what is directly below a prefix."""
        folder = f"{self._connection.bucket}/{self._path(prefix)}".rstrip("/")
        try:
            found = await self._lister()._ls(folder, detail=False)
        except FileNotFoundError:
            return
        for path in found:
            name = path.rstrip("/").removeprefix(f"{folder}/")
            if name and name != path:
                yield name

    def _lister(self) -> Any:
        """Return what lists: obstore takes any page of a proxy for an empty listing."""
        from climcube.stores.s3.filesystem import S3

        return S3(asynchronous=True, **dict(sorted(self._connection.options.items())))

    async def _timely[T](self, key: str, request: Callable[[Any], Awaitable[T]]) -> T:
        connection = self._connection

        async def attempt() -> T:
            return await request(await connection.store())

        where = f"s3://{connection.bucket}/{self._path(key)}".rstrip("/")
        return await timely(where, connection.deadline, attempt, judge, connection.forget)

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


def _range_options(byte_range: ByteRequest | None) -> Any:
    if byte_range is None:
        return None
    if isinstance(byte_range, RangeByteRequest):
        empty = byte_range.end <= byte_range.start
        return {"range": (0, 0) if empty else (byte_range.start, byte_range.end)}
    if isinstance(byte_range, OffsetByteRequest):
        return {"range": {"offset": byte_range.offset}}
    if isinstance(byte_range, SuffixByteRequest):
        return {"range": {"suffix": byte_range.suffix}}
    raise ValueError(f"unexpected byte range: {byte_range!r}")
