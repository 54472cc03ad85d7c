"""How a store is cut: shards are objects, the inner chunks in them can be read alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from climcube.cubes.archive import Archive

__all__ = ["Block", "Layout", "StoreLayout", "blocks_of", "sizes_of", "steps_of"]


@dataclass(frozen=True)
class Layout:
    """What a recipe may say about how its store is cut.

    Attributes
    ----------
    times
        Times in a shard: a year of days.
    tile
        Cells along each side of a shard ...
    chunk
        ... and of the chunks in it, which are read alone.
    compression_level
        Of zstd.
    block_bytes
        Most bytes of one variable that are in memory at once; larger maps are written in bands.
    """

    times: int = 366
    tile: int = 90
    chunk: int = 30
    compression_level: int = 3
    block_bytes: int = 2**30


@dataclass(frozen=True)
class StoreLayout:
    """How one variable is cut."""

    shards: tuple[int, ...]
    chunks: tuple[int, ...]

    @classmethod
    def of(
        cls,
        dims: tuple[str, ...],
        sizes: Mapping[str, int],
        time: str,
        steps: int,
        layout: Layout | None = None,
    ) -> StoreLayout:
        """Cut space into square tiles and time into stretches of ``steps``."""
        layout = layout or Layout()
        horizontal = [d for d in dims if d != time][-2:]
        inner = {
            d: min(layout.chunk, sizes[d]) if d in horizontal else 1 for d in dims
        } | {time: steps}  # fmt: skip
        # A shard is a whole number of inner chunks, no larger than needed.
        across = max(1, layout.tile // layout.chunk)
        shards = {
            d: inner[d] * min(across, math.ceil(sizes[d] / inner[d]))
            if d in horizontal
            else inner[d]
            for d in dims
        }
        return cls(tuple(shards[d] for d in dims), tuple(inner[d] for d in dims))


@dataclass(frozen=True)
class Block:
    """What is in memory at once: a stretch of times, and a band of rows of the map.

    Attributes
    ----------
    name
        Of the step in the ledger.
    start, stop
        Times.
    bands
        For each gridded variable the rows written at once, ``(first, end)``.
    """

    name: str
    start: int
    stop: int


def sizes_of(archive: Archive, times: int) -> dict[str, int]:
    """Return the length of each dimension of the whole."""
    sizes = {str(d): int(n) for d, n in archive.template.sizes.items()}
    return sizes | {archive.roles.time: times}


def steps_of(archive: Archive, times: int, layout: Layout, *, grows: bool) -> int:
    """Return the times in a shard; a store that ``grows`` keeps room for a whole stretch."""
    return layout.times if grows else max(1, min(layout.times, times))


def blocks_of(start: int, stop: int, steps: int) -> Iterator[Block]:
    """Cut times into blocks that are shards long."""
    for first in range(start // steps * steps, stop, steps):
        yield Block(f"block-{first // steps:05d}", first, min(first + steps, stop))
