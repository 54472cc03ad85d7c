"""Count what reading takes: requests, stored bytes, decoded bytes, buffers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from climcube.planning.costs.sources import Places, Source
from climcube.planning.prices import kind_of_store
from climcube.stores.integrity.lengths import Lengths, lengths_of

__all__ = ["Layout", "Reading", "Readings"]

Index = tuple[int, ...]
Touched = list[tuple[int, Places]]  # along one axis: number of an object, its chunks that are read


@dataclass(frozen=True)
class Reading:
    """What one task's reading takes.

    Attributes
    ----------
    requests
        Of data, without repetitions.
    stored
        Bytes of them; of packed values where `known` is False.
    known
        Whether the store says how long its objects are.
    moved
        Bytes of the values that those decode to, as they are stored.
    needed
        Bytes of those of them that are asked for.
    buffers
        Bytes that Zarr needs meanwhile, beside what it gives back.
    across
        Objects side by side in space: into so many tiles it can be cut at no cost.
    kind
        Where the store is: see `climcube.planning.prices`.
    """

    requests: int
    stored: int
    known: bool
    moved: int
    needed: int
    buffers: int
    across: int
    kind: str


@dataclass
class Layout:
    """How one array lies in its store."""

    array: Any

    def __post_init__(self) -> None:
        self.chunks = tuple(map(int, self.array.chunks))
        shards = getattr(self.array, "shards", None)
        self.objects = self.chunks if shards is None else tuple(map(int, shards))
        self.sharded = shards is not None
        self.inner = tuple(o // c for o, c in zip(self.objects, self.chunks, strict=True))
        self.itemsize = int(self.array.dtype.itemsize)

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

    @property
    def object_bytes(self) -> int:
        """Bytes of one object, decoded."""
        return math.prod(self.objects) * self.itemsize

    def touched(self, places: tuple[Places, ...]) -> list[Touched]:
        """Return objects and their chunks that are read, along each axis."""
        found: list[Touched] = []
        for here, size, chunk in zip(places, self.objects, self.chunks, strict=True):
            chunks = np.unique(here // chunk)
            owners = chunks // (size // chunk)
            numbers = np.unique(owners)
            found.append([(int(n), chunks[owners == n] - n * (size // chunk)) for n in numbers])
        return found


@dataclass
class Readings:
    """Adds up readings; `seen` counts how often each object is read."""

    seen: Counter[Any] = field(default_factory=Counter)
    parts: set[Any] = field(default_factory=set)
    _layouts: dict[int, Layout] = field(default_factory=dict)

    def layout(self, array: Any) -> Layout:
        """Return how an array lies in its store."""
        return self._layouts.setdefault(id(array), Layout(array))

    def of(self, source: Source) -> Reading:
        """Return what it takes to read a part of an array."""
        layout = self.layout(source.array)
        touched = layout.touched(source.places)
        whole, parted = _split(touched, layout)
        requests = math.prod(map(len, whole))
        lengths = layout.lengths
        chunk = math.prod(layout.chunks) * layout.itemsize
        if lengths is None:
            stored = requests * layout.object_bytes
        else:
            stored = lengths.objects(tuple([n for n, _ in axis] for axis in whole))
        moved = requests * layout.object_bytes
        for index, chunks in parted:
            own, size = _partial(layout, index, chunks)
            requests += own
            stored += size
            moved += math.prod(map(len, chunks)) * chunk
        for index in itertools.product(*([n for n, _ in axis] for axis in touched)):
            self.seen[id(source.array), index] += 1
        need = 0 if source.token in self.parts else source.size * layout.itemsize
        self.parts.add(source.token)
        buffers = _buffers(layout, touched, source)
        across = math.prod(len(axis) for axis in touched[1:])
        known = lengths is not None
        return Reading(requests, stored, known, moved, need, buffers, across, layout.kind)


def _split(
    touched: list[Touched], layout: Layout
) -> tuple[list[Touched], list[tuple[Index, list[Places]]]]:
    """Part the objects that one request reads whole from those whose chunks are asked for."""
    if not layout.sharded:
        return touched, []
    whole = [
        [(n, chunks) for n, chunks in axis if len(chunks) == count]
        for axis, count in zip(touched, layout.inner, strict=True)
    ]
    full = [{n for n, _ in axis} for axis in whole]
    parted: list[tuple[Index, list[Places]]] = []
    if any(len(a) != len(b) for a, b in zip(whole, touched, strict=True)):
        parted = [
            (tuple(n for n, _ in place), [chunks for _, chunks in place])
            for place in itertools.product(*touched)
            if not all(n in known for (n, _), known in zip(place, full, strict=True))
        ]
    return whole, parted


def _partial(layout: Layout, index: Index, chunks: list[Places]) -> tuple[int, int]:
    """Return requests and bytes for some chunks of a shard: its index, then ranges.

    Without a manifest all chunks are taken to be there, side by side, as long as decoded.
    """
    count = math.prod(layout.inner)
    numbers = np.ravel_multi_index(np.ix_(*chunks), layout.inner).reshape(-1)
    if layout.lengths is None:
        size = math.prod(layout.chunks) * layout.itemsize
        begin = layout.order[numbers] * size
        spans = _merged(begin, np.full_like(begin, size), layout)
        return 1 + len(spans), 16 * count + 4 + sum(stop - start for start, stop in spans)
    known = layout.lengths.chunks(index)
    if known is None:
        return 1, 0
    begin, size = known[numbers].T
    there = size > 0
    spans = _merged(begin[there], size[there], layout)
    head = int(known[count, 1]) if len(known) > count else 16 * count
    return 1 + len(spans), head + sum(stop - start for start, stop in spans)


def _merged(begin: Any, size: Any, layout: Layout) -> list[tuple[int, int]]:
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


def _buffers(layout: Layout, touched: list[Touched], source: Source) -> int:
    """Return the bytes that Zarr holds at most: objects on their way, stored and decoded."""
    import zarr

    at_once = min(int(zarr.config.get("async.concurrency", 10)), math.prod(map(len, touched)))
    chunk = math.prod(layout.chunks) * layout.itemsize
    most = chunk
    if layout.sharded:
        read = [max((len(c) for _, c in axis), default=0) for axis in touched]
        inner = min(10, math.prod(read))
        most = math.prod(read) * chunk + inner * chunk
    stored = layout.object_bytes
    if layout.lengths is not None:
        objects = tuple([n for n, _ in axis] for axis in touched)
        count = max(1, math.prod(map(len, objects)))
        stored = 2 * layout.lengths.objects(objects) // count
    elif layout.sharded:
        stored = math.prod(read) * chunk
    room = at_once * (most + stored)
    if source.decoded:  # the integers, and where they are fill values
        room += source.size * (layout.itemsize + 1)
    return room
