"""How an array lies in its store: the objects that it is cut into, and the chunks in them."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.planning.prices import kind_of_store
from climcube.stores.integrity.lengths import Lengths, lengths_of

__all__ = ["Grid", "Touched"]

Index = tuple[int, ...]
Places = npt.NDArray[np.int64]
Touched = list[tuple[int, Places]]  # along one axis: number of an object, its chunks that are read


class Grid:
    """The objects of one array in a store, each a shard of chunks or one chunk.

    Attributes
    ----------
    chunks, objects
        Sizes of a chunk, and of an object.
    sharded
        Whether objects are shards.
    inner
        Chunks of a shard along each axis.
    itemsize
        Bytes of one value.
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        self.chunks = tuple(map(int, array.chunks))
        shards = getattr(array, "shards", None)
        self.objects = self.chunks if shards is None else tuple(map(int, shards))
        self.sharded = shards is not None
        self.inner = tuple(o // c for o, c in zip(self.objects, self.chunks, strict=True))
        self.itemsize = int(array.dtype.itemsize)

    @cached_property
    def lengths(self) -> Lengths | None:
        """What the manifest knows."""
        store = getattr(self.array, "store", None)
        return None if store is None else lengths_of(store, self.array.path)

    @cached_property
    def order(self) -> Places:
        """Place of each chunk within a shard, in C order of the chunks.

        Zarr writes them along a Z curve, unless it was told otherwise: the bits of the indices
        in turn, the first axis the lowest.
        """
        index = np.indices(self.inner).reshape(len(self.inner), -1)
        bits = [int(n - 1).bit_length() for n in self.inner]
        code, shift = np.zeros(math.prod(self.inner), "int64"), 0
        for bit in range(max(bits, default=0)):
            for axis in (axis for axis, count in enumerate(bits) if bit < count):
                code |= ((index[axis] >> bit) & 1) << shift
                shift += 1
        places: Places = np.argsort(np.argsort(code))
        return places

    @cached_property
    def kind(self) -> str:
        """Where the store is."""
        return kind_of_store(getattr(self.array, "store", None))

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of one chunk, decoded."""
        return math.prod(self.chunks) * self.itemsize

    @cached_property
    def object_bytes(self) -> int:
        """Bytes of one object, decoded."""
        return math.prod(self.objects) * self.itemsize

    def touched(self, axis: int, places: Places) -> Touched:
        """Return the objects that hold some places along an axis, and their chunks with them."""
        chunks = np.unique(places // self.chunks[axis])
        each = self.inner[axis]
        owners = chunks // each
        return [(int(n), chunks[owners == n] - n * each) for n in np.unique(owners)]

    def parted(self, touched: list[Touched]) -> tuple[list[Touched], list[tuple[Index, Any]]]:
        """Part the objects that one request reads whole from those whose chunks are asked for."""
        if not self.sharded:
            return touched, []
        whole = [
            [(n, chunks) for n, chunks in axis if len(chunks) == count]
            for axis, count in zip(touched, self.inner, strict=True)
        ]
        if all(len(a) == len(b) for a, b in zip(whole, touched, strict=True)):
            return whole, []
        full = [{n for n, _ in axis} for axis in whole]
        return whole, [
            (tuple(n for n, _ in place), [chunks for _, chunks in place])
            for place in itertools.product(*touched)
            if not all(n in known for (n, _), known in zip(place, full, strict=True))
        ]

    def some_chunks(self, index: Index, chunks: list[Places]) -> tuple[int, int]:
        """Return requests and bytes for some chunks of a shard: its index, then ranges.

        Without a manifest all chunks are taken to be there, side by side, as long as decoded.
        """
        count = math.prod(self.inner)
        numbers = np.ravel_multi_index(np.ix_(*chunks), self.inner).reshape(-1)
        if self.lengths is None:
            begin = self.order[numbers] * self.chunk_bytes
            spans = _merged(begin, np.full_like(begin, self.chunk_bytes))
            return 1 + len(spans), 16 * count + 4 + sum(stop - start for start, stop in spans)
        known = self.lengths.chunks(index)
        if known is None:
            return 1, 0
        begin, size = known[numbers].T
        there = size > 0
        spans = _merged(begin[there], size[there])
        head = int(known[count, 1]) if len(known) > count else 16 * count
        return 1 + len(spans), head + sum(stop - start for start, stop in spans)


def _merged(begin: Any, size: Any) -> list[tuple[int, int]]:
    """Merge near ranges as Zarr does."""
    import zarr

    gap = int(zarr.config.get("array.sharding_coalesce_max_gap_bytes", 2**20))
    most = int(zarr.config.get("array.sharding_coalesce_max_bytes", 2**24))
    spans: list[tuple[int, int]] = []
    for i in np.argsort(begin, kind="stable"):
        start, stop = int(begin[i]), int(begin[i] + size[i])
        if spans and start - spans[-1][1] <= gap:
            last = max(spans[-1][1], stop)
            if last - spans[-1][0] <= most:
                spans[-1] = (spans[-1][0], last)
                continue
        spans.append((start, stop))
    return spans
