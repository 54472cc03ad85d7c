"""How a store is copied into another layout: what lies in memory at once, and what it costs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from climcube.recipes.layout import Layout, StoreLayout

__all__ = ["Grid", "Slabs", "choose_slabs"]

Sizes = Mapping[str, int]

_INNER_VALUES = 2**20  # of a map, in a chunk that is read alone
_ENOUGH_VALUES, _SHARD_VALUES = 2**22, 2**25  # of maps in one object
_SLAB = 64 * 2**20  # bytes below which many slabs cost more than they spare
_COPIES = 2.5  # of a slab: as it is read, as it is cut, and compressed
_BESIDE = 8 * 2**20  # bytes that any slab takes
_LESS_TIME, _LESS_SPACE = 0.35, 0.5  # so much worse is an object of part of a year, of a map
_TOGETHER = 10  # stored chunks that are decompressed at the same time


@dataclass(frozen=True)
class Grid:
    """What is to be copied.

    Attributes
    ----------
    sizes
        Of each dimension, in their order.
    time
        The dimension of time.
    itemsize
        Bytes of one value.
    units
        Values along each dimension that are stored as one chunk.
    repeats
        ``repeats(dim, size)``: how often stored chunks are read on average, if a dimension is
        read in such sizes.
    """

    sizes: Sizes
    time: str
    itemsize: int
    units: Sizes
    repeats: Callable[[str, int], float]


@dataclass(frozen=True)
class Slabs:
    """How a cube is read, and how it is written.

    Attributes
    ----------
    sizes
        Of a slab, by dimension: what is read, and then written as whole objects.
    shards, chunks
        Of the copy: objects, and what can be read alone of them.
    repeats
        How often each stored chunk of the source is read, on average.
    nbytes
        Of the values of a slab.
    memory
        That one slab takes while it is read and written, at most.
    count
        Number of slabs.
    """

    sizes: Sizes
    shards: Sizes
    chunks: Sizes
    repeats: float
    nbytes: int
    memory: int
    count: int


def choose_slabs(grid: Grid, layout: str, room: int) -> tuple[Slabs | None, Slabs]:
    """Choose slabs for a copy.

    Parameters
    ----------
    grid
        What is copied.
    layout
        ``"series"`` or ``"maps"``.
    room
        Bytes of memory for one slab.

    Returns
    -------
    tuple
        The best that fits, if any does, and the one that takes least memory. Good is to read each
        stored chunk once, and to write objects that are neither tiny nor many; where both cannot
        be had within the memory, chunks are read several times or objects hold less time.
    """
    cost = lru_cache(maxsize=None)(grid.repeats)
    best: tuple[tuple[float, ...], Slabs] | None = None
    least: Slabs | None = None
    for shards, chunks, penalty in _targets(grid, layout):
        for sizes in _multiples(grid, shards):
            slabs = _slabs(grid, sizes, shards, chunks, cost)
            if least is None or slabs.memory < least.memory:
                least = slabs
            if slabs.memory > room:
                continue
            score = round(slabs.repeats * penalty, 3)
            few = -math.prod(shards.values())
            key = (score, max(0, _SLAB - slabs.nbytes), slabs.nbytes, few)
            if best is None or key < best[0]:
                best = key, slabs
    assert least is not None
    return (None if best is None else best[1]), least


def _slabs(
    grid: Grid, sizes: Sizes, shards: Sizes, chunks: Sizes, cost: Callable[[str, int], float]
) -> Slabs:
    nbytes = grid.itemsize * math.prod(min(sizes[d], n) for d, n in grid.sizes.items())
    unit = grid.itemsize * math.prod(min(grid.units[d], n) for d, n in grid.sizes.items())
    touched = math.prod(-(-min(sizes[d], n) // grid.units[d]) for d, n in grid.sizes.items())
    return Slabs(
        sizes, shards, chunks,
        repeats=math.prod(cost(d, sizes[d]) for d in grid.sizes),
        nbytes=nbytes,
        memory=int(_COPIES * nbytes) + 2 * min(touched, _TOGETHER) * unit + _BESIDE,
        count=math.prod(-(-n // sizes[d]) for d, n in grid.sizes.items()),
    )  # fmt: skip


def _multiples(grid: Grid, shards: Sizes) -> Iterator[dict[str, int]]:
    """Yield sizes of slabs: whole numbers of shards, doubling, up to the whole."""

    def along(dim: str) -> list[int]:
        most = -(-grid.sizes[dim] // shards[dim])
        numbers = {2**k for k in range(most.bit_length())} | {most}
        # So many as stored chunks begin and end with, too.
        aligned = math.lcm(shards[dim], grid.units[dim]) // shards[dim]
        return [n * shards[dim] for n in sorted(numbers | {min(aligned, most)}) if n <= most]

    for sizes in itertools.product(*map(along, grid.sizes)):
        yield dict(zip(grid.sizes, sizes, strict=True))


def _targets(grid: Grid, layout: str) -> Iterator[tuple[Sizes, Sizes, float]]:
    """Yield sizes of shards and chunks, and how much worse they are than the best."""
    if layout == "series":
        yield from _for_series(grid)
    else:
        yield from _for_maps(grid)


def _for_series(grid: Grid) -> Iterator[tuple[Sizes, Sizes, float]]:
    """As ingests do: a year, a square tile, small chunks. Less time to an object: a wider tile."""
    dims, whole = tuple(grid.sizes), min(Layout().times, grid.sizes[grid.time])
    usual = Layout()
    for parts in _halvings(whole):
        tile, chunk = usual.tile * math.isqrt(parts), usual.chunk
        if len(dims) == 2:  # cells in a row, not on a map
            tile, chunk = tile**2, chunk**2
        wanted = Layout(tile=tile, chunk=chunk)
        cut = StoreLayout.of(dims, grid.sizes, grid.time, -(-whole // parts), wanted)
        shards, chunks = (dict(zip(dims, s, strict=True)) for s in (cut.shards, cut.chunks))
        yield shards, chunks, parts**_LESS_TIME


def _for_maps(grid: Grid) -> Iterator[tuple[Sizes, Sizes, float]]:
    """Maps, each a chunk or several of its own. Less of a map in an object: more, and smaller."""
    dims = list(grid.sizes)
    across = [d for d in dims if d != grid.time][-2:]
    fewest: int | None = None
    for pieces in _pieces([grid.sizes[d] for d in across]):
        area = {d: -(-grid.sizes[d] // n) for d, n in zip(across, pieces, strict=True)}
        chunks = dict(area)
        while math.prod(chunks.values()) > _INNER_VALUES:
            longest = max(across, key=lambda d: chunks[d])
            chunks[longest] = -(-chunks[longest] // 2)
        area = {d: -(-n // chunks[d]) * chunks[d] for d, n in area.items()}
        number, values = math.prod(pieces), math.prod(area.values())
        if values > 2 * _SHARD_VALUES:
            continue
        fewest = number if fewest is None else fewest
        most = max(1, min(grid.sizes[grid.time], _SHARD_VALUES // values))
        for steps in _steps(most, grid.units[grid.time]):
            shards = dict.fromkeys(dims, 1) | area | {grid.time: steps}
            inner = dict.fromkeys(dims, 1) | chunks
            small = max(1.0, min(most, _ENOUGH_VALUES / values) / steps)
            yield shards, inner, small**_LESS_TIME * (number / fewest) ** _LESS_SPACE


def _steps(most: int, unit: int) -> list[int]:
    """Return numbers of times: halves of the most, and what stored chunks are made of."""
    halves = {-(-most // parts) for parts in _halvings(most)}
    return sorted(halves | {n for n in range(1, min(most, unit) + 1) if unit % n == 0})


def _pieces(sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield into how many pieces maps are cut along their dimensions: bands, then tiles."""
    for number in _halvings(min(64, max(sizes, default=1))):
        band = (number, *(1 for _ in sizes[1:]))[: len(sizes)]
        tile = tuple(min(number, n) for n in sizes)
        yield from dict.fromkeys((band, tile))


def _halvings(size: int) -> Sequence[int]:
    return [2**k for k in range(max(1, size).bit_length())]
