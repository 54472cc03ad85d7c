"""Count what reading takes: requests, stored bytes, decoded bytes, buffers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from climcube.planning.costs.grids import Grid, Touched
from climcube.planning.costs.sources import Along, Source, source_of

__all__ = ["Reading", "Readings"]

_AT_ONCE = 10  # chunks of a shard that Zarr decodes at the same time


@dataclass(frozen=True, slots=True)
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
        Bytes of those of them that are asked for, and that nothing before asked for.
    buffers
        Bytes that Zarr needs meanwhile, beside what it gives back.
    values
        How many are asked for.
    across, chunks_across
        Objects, and chunks in them, side by side in space: into so many tiles it can be cut, and
        no more requests are made, and no more bytes read.
    kind
        Where the store is: see `climcube.planning.prices`.
    """

    requests: int
    stored: int
    known: bool
    moved: int
    needed: int
    buffers: int
    values: int
    across: int
    chunks_across: int
    kind: str


class Readings:
    """Counts what is read, and what of it was read before."""

    def __init__(self) -> None:
        self._seen: Counter[Any] = Counter()
        self._asked: set[Any] = set()
        self._grids: dict[int, Grid] = {}
        self._sources: dict[int, tuple[Any, Source | None]] = {}

    @property
    def repeated(self) -> int:
        """Objects that were read more than once."""
        return sum(count > 1 for count in self._seen.values())

    def forget(self) -> None:
        """Begin anew: nothing was read before."""
        self._seen.clear()
        self._asked.clear()

    def buffers(self, array: Any, index: Any) -> int | None:
        """Return the bytes that reading a part needs meanwhile; ``None`` of what is unknown."""
        found = self._part(array, index)
        return None if found is None else _buffers(*found)

    def of(self, array: Any, index: Any) -> Reading | None:
        """Count the reading of a part of an array-like; ``None`` where nothing is known of it."""
        found = self._part(array, index)
        if found is None:
            return None
        source, part = found
        grid, touched = source.grid, [along.touched for along in part]
        whole, parted = grid.parted(touched)
        requests = math.prod(map(len, whole))
        moved = stored = requests * grid.object_bytes
        if grid.lengths is not None:
            stored = grid.lengths.objects(tuple([n for n, _ in axis] for axis in whole))
        for place, chunks in parted:
            own, size = grid.some_chunks(place, chunks)
            requests += own
            stored += size
            moved += math.prod(map(len, chunks)) * grid.chunk_bytes
        for place in itertools.product(*([n for n, _ in axis] for axis in touched)):
            self._seen[id(source.array), place] += 1
        return Reading(
            requests,
            stored,
            grid.lengths is not None,
            moved,
            self._newly_needed(source, part),
            _buffers(source, part),
            math.prod(along.count for along in part),
            math.prod(map(len, touched[1:])),
            math.prod(sum(len(chunks) for _, chunks in axis) for axis in touched[1:]),
            grid.kind,
        )

    def _newly_needed(self, source: Source, part: tuple[Along, ...]) -> int:
        asked = (id(source.array), *((along.ends, along.count) for along in part))
        if asked in self._asked:
            return 0
        self._asked.add(asked)
        return math.prod(along.count for along in part) * source.grid.itemsize

    def _part(self, array: Any, index: Any) -> tuple[Source, tuple[Along, ...]] | None:
        # The array is kept beside, so that no other one gets its number.
        _, source = self._sources.get(id(array), (None, None))
        if id(array) not in self._sources:
            source = source_of(array, self._grid)
            self._sources[id(array)] = array, source
        part = None if source is None else source.part(index)
        return None if source is None or part is None else (source, part)

    def _grid(self, array: Any) -> Grid:
        return self._grids.setdefault(id(array), Grid(array))


def _buffers(source: Source, part: tuple[Along, ...]) -> int:
    """Return the bytes that Zarr holds at most: objects on their way, stored and decoded."""
    import zarr

    grid, touched = source.grid, [along.touched for along in part]
    objects = math.prod(map(len, touched))
    at_once = min(int(zarr.config.get("async.concurrency", 10)), objects)
    decoded, stored = grid.chunk_bytes, grid.object_bytes
    if grid.sharded:
        most = math.prod(_most_chunks(axis) for axis in touched)
        decoded = (most + min(_AT_ONCE, most)) * grid.chunk_bytes
        stored = most * grid.chunk_bytes
    if grid.lengths is not None:
        places = tuple([n for n, _ in axis] for axis in touched)
        stored = 2 * grid.lengths.objects(places) // max(1, objects)
    room = at_once * (decoded + stored)
    if source.decoded:  # the integers, and where they are fill values
        room += math.prod(along.count for along in part) * (grid.itemsize + 1)
    return room


def _most_chunks(axis: Touched) -> int:
    return max((len(chunks) for _, chunks in axis), default=0)
