"""Check a store without a manifest: every chunk is decoded, for what its codecs notice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.config import config
from zarr.core.sync import sync

from climcube.errors import ClimcubeError
from climcube.stores.integrity.checking import Checked
from climcube.stores.integrity.header import GROUP
from climcube.stores.integrity.verification import Problem
from climcube.stores.versioned.repositories import damage_of, is_icechunk_error

__all__ = ["arrays_of", "check_chunks", "count_objects"]

_CHECKSUMS = ("crc32", "adler32", "fletcher32", "gzip", "zlib", "lookup3")


def arrays_of(store: Any) -> dict[str, Any]:
    """Return the arrays of a store by their paths, but those of a manifest."""
    root = zarr.open(store, mode="r")
    if isinstance(root, zarr.Array):
        return {"": root}
    found = root.members(max_depth=None)
    inside = f"{GROUP}/"
    return {p: a for p, a in found if isinstance(a, zarr.Array) and not p.startswith(inside)}


def count_objects(arrays: dict[str, Any]) -> int:
    """Return how many objects the arrays may have."""
    return sum(len(list(_indices(array))) for array in arrays.values())


def check_chunks(
    store: Any, arrays: dict[str, Any], share: float, advance: Callable[[int], None]
) -> Checked:
    """Decode the chunks of a store, and say what that cannot find.

    Parameters
    ----------
    store, arrays
        A Zarr store and its arrays.
    share
        Of the chunks that are read.
    advance
        Told of objects as they are done.
    """
    found = Checked(documents=len(arrays))
    found.notes.append(
        "no manifest: chunks that were exchanged, or are of an earlier version, go unnoticed"
    )
    plain = [path for path, array in arrays.items() if not _has_checksum(array)]
    if plain:
        found.notes.append(
            f"no checksum on the chunks of {', '.join(plain)}: "
            "what decodes to other numbers goes unnoticed"
        )
    sync(_check_all(store, arrays, share, advance, found))
    if found.empty:
        found.notes.append(
            f"{found.empty} chunks are not there: whether left out on purpose or lost "
            "is not recorded"
        )
    return found


async def _check_all(
    store: Any,
    arrays: dict[str, Any],
    share: float,
    advance: Callable[[int], None],
    found: Checked,
) -> None:
    import random

    limit = asyncio.Semaphore(config.get("async.concurrency"))

    async def one(path: str, array: Any, index: tuple[int, ...]) -> None:
        async with limit:
            if random.random() < share:
                await _chunk(store, path, array, index, found)
            else:
                found.unread += 1
        advance(1)

    for path, array in arrays.items():
        for some in itertools.batched(_indices(array), 4096):
            await asyncio.gather(*(one(path, array, index) for index in some))


async def _chunk(store: Any, path: str, array: Any, index: tuple[int, ...], found: Checked) -> None:
    key = array.metadata.encode_chunk_key(index)
    region = tuple(
        (i * size, min((i + 1) * size, n))
        for i, size, n in zip(index, array.shards or array.chunks, array.shape, strict=True)
    )
    try:
        raw = await store.get(f"{path}/{key}" if path else key, default_buffer_prototype())
        if raw is None:
            found.empty += 1
            return
        found.objects += 1
        found.bytes += len(raw)
        await array.async_array.getitem(tuple(slice(*ends) for ends in region))
    except ClimcubeError:
        raise
    except Exception as error:
        if isinstance(error, OSError):
            raise
        if is_icechunk_error(error) and damage_of(error, path) is None:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        found.findings.append(Problem("damaged", path, key, "", reason, region))


def _indices(array: Any) -> Any:
    sizes = array.shards or array.chunks
    return itertools.product(
        *(range(-(-n // size)) for n, size in zip(array.shape, sizes, strict=True))
    )


def _has_checksum(array: Any) -> bool:
    """Whether a codec of an array notices bytes that are not its own."""
    codecs = [str(c).lower() for c in (*_codecs(array),)]
    return any(
        any(word in codec for word in _CHECKSUMS)
        or ("zstd" in codec and "checksum=true" in codec.replace(" ", ""))
        for codec in codecs
    )


def _codecs(array: Any) -> list[Any]:
    metadata = array.metadata
    if hasattr(metadata, "codecs"):
        inner = [c for codec in metadata.codecs for c in getattr(codec, "codecs", ())]
        return [*(c for c in metadata.codecs if not hasattr(c, "codecs")), *inner]
    return [c for c in (metadata.compressor, *(metadata.filters or ())) if c is not None]
