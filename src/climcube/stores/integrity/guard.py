"""A lost or damaged chunk is an error that names it and its place, never a field of NaN.

Stores with a manifest are read through their own store (see `verifying`). In others zarr reads a
chunk that is not there as fill values, since a writer may leave chunks of nothing but fill
values out; what their checksummed codecs refuse is reported here.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends.zarr import ZarrArrayWrapper

from climcube.errors import ClimcubeError, StoreError
from climcube.provenance import redact
from climcube.stores.damage import REMEDY, DamagedChunk
from climcube.stores.integrity.header import GROUP
from climcube.stores.integrity.ledger import load_manifest
from climcube.stores.integrity.verifying import Verifying
from climcube.stores.integrity.whereabouts import describe_place
from climcube.stores.versioned.repositories import is_icechunk_error, translated

__all__ = ["guard"]

_MOST = 256  # chunks that are tried one by one, to find the one that cannot be read


def guard(dataset: xr.Dataset, where: str, *, complete: bool = False) -> xr.Dataset:
    """Make the lazy variables of an opened Zarr store report what is wrong with a chunk.

    Parameters
    ----------
    dataset
        As xarray opened it, not chunked; changed in place and returned without our marks.
    where
        The store, for messages.
    complete
        Whether every chunk was written: none is read as fill values.
    """
    dataset.attrs.pop(GROUP, None)
    for name, variable in dataset.variables.items():
        holder: Any = variable._data
        while holder is not None and not isinstance(
            getattr(holder, "array", None), ZarrArrayWrapper
        ):
            holder = getattr(holder, "array", None)
        if holder is not None:
            raw = holder.array.get_array()
            if complete:
                raw = raw.with_config({"read_missing_chunks": False})
            holder.array = _Guarded(raw, where, str(name))
    return dataset


class _Guarded(ZarrArrayWrapper):
    """One array of a store; travels to workers with its names and its strictness."""

    __slots__ = ("_name", "_where")

    def __init__(self, array: Any, where: str, name: str) -> None:
        super().__init__(array)  # type: ignore[no-untyped-call]
        self._where, self._name = where, name

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)  # type: ignore[no-untyped-call]
        except Exception as error:  # those of Icechunk have no base but this one
            own = self._reported(error, key)
            if own is error:
                raise  # an error that is its own cause cannot be pickled
            raise own from error

    async def async_getitem(self, key: Any) -> Any:
        """Read for those who wait otherwise."""
        try:
            return await super().async_getitem(key)  # type: ignore[no-untyped-call]
        except Exception as error:
            own = await asyncio.to_thread(self._reported, error, key)
            if own is error:
                raise
            raise own from error

    def _reported(self, error: Exception, key: Any) -> ClimcubeError:
        """Return the error to raise: it names the chunk, and where that is."""
        if isinstance(error, DamagedChunk):
            if _replaced(self._array):
                return StoreError(
                    "the store was written anew since it was opened", where=self._where,
                    remedy="open it again",
                )  # fmt: skip
            if not error.region:
                error.region = _region(self._array, error.key)
            place = describe_place(self._array, error.region)
            return error.placed(self._where, self._name, place)
        if isinstance(error, ClimcubeError):
            return error
        where = f"{self._where}, variable {self._name!r}"
        if is_icechunk_error(error):
            return translated(error, "a chunk cannot be read", where)
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        if type(error).__name__ == "ChunkNotFoundError":
            chunks = [line for line in lines if line.startswith("chunk '")]
            more = f" and {len(chunks) - 1} more" if len(chunks) > 1 else ""
            found = f"no {chunks[0]}{more}"
            return DamagedChunk("missing", self._name, "", (), store=self._where, found=found)
        reason = redact(lines[0]) if lines else type(error).__name__
        blamed = None if isinstance(error, OSError) else _unreadable(self._array, key)
        if blamed is None:
            return StoreError("a chunk cannot be read", where=where, found=reason, remedy=REMEDY)
        key, region = blamed
        damage = DamagedChunk("damaged", self._name, key, region, found=reason)
        return damage.placed(self._where, self._name, describe_place(self._array, region))


def _replaced(array: Any) -> bool:
    """Whether the store holds another manifest by now than when it was opened."""
    store = array.store_path.store
    if not isinstance(store, Verifying) or store.manifest is None:
        return False
    try:
        now = load_manifest(store._store)
    except Exception:  # noqa: BLE001 - what went wrong first is the error to report
        return False
    return now is None or now.seal != store.manifest.seal


def _unreadable(array: Any, key: Any) -> tuple[str, tuple[tuple[int, int], ...]] | None:
    """Find the first chunk of what was asked for that its codecs refuse.

    ``None`` where none does when it is read again, or there are too many to try.
    """
    sizes = array.shards or array.chunks
    asked = [_ends(k, n) for k, n in zip(key.tuple, array.shape, strict=True)]
    places = [range(a // size, -(-b // size)) for (a, b), size in zip(asked, sizes, strict=True)]
    for index in itertools.islice(itertools.product(*places), _MOST):
        region = tuple(
            (i * size, min((i + 1) * size, n))
            for i, size, n in zip(index, sizes, array.shape, strict=True)
        )
        try:
            array[tuple(slice(*ends) for ends in region)]
        except (RuntimeError, ValueError):
            return array.metadata.encode_chunk_key(index), region
        except Exception:  # noqa: BLE001 - the first error is the one to report
            return None
    return None


def _region(array: Any, key: str) -> tuple[tuple[int, int], ...]:
    """Return first and last index (exclusive) of a chunk ``c/2/0`` along each dimension."""
    sizes, index = array.shards or array.chunks, [int(part) for part in key.split("/")[1:]]
    return tuple(
        (i * size, min((i + 1) * size, n))
        for i, size, n in zip(index, sizes, array.shape, strict=True)
    )


def _ends(key: Any, size: int) -> tuple[int, int]:
    """Return first and last place (exclusive) that a key asks for along one dimension."""
    if isinstance(key, slice):
        steps = range(*key.indices(size))
        return (min(steps), max(steps) + 1) if steps else (0, 0)
    places = np.asarray(key) % size
    return int(places.min()), int(places.max()) + 1
