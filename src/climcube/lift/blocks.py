"""Carry work that crosses blocks to a boolean cube: a task a block, joins, one stitch.

Each block becomes a part, small beside it; each part is joined to the neighbours that come after
it; one last task stitches what the joins found. A second pass then applies what the stitch says
of each block. The source is read once and never held: what waits for the second pass is the
mask, packed to bits and compressed (of a mask that coheres, as heatwaves do, about a tenth of a
bit a cell; one bit at the worst).
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from climcube.lift.common import Array, Tables, load_kernel

__all__ = ["BlockKernels", "Blocks"]

Place = tuple[int, ...]

_FAN_IN = 16  # blocks of one tile united at once


@dataclass(frozen=True)
class BlockKernels:
    """The names (``"module:function"``) of what is done.

    ``part(block, companion, ground, origin, rules)``; ``join(part, later, after, rules)``, given
    (number, part) of its neighbours; ``stitch(joined, rules)``, whose result holds lists with
    one entry a block, for the second pass.
    """

    part: str
    join: str
    stitch: str


@dataclass(frozen=True)
class Blocks:
    """Dask arrays of equal shape and chunks; the first axis is time, the last may close a ring.

    Parameters
    ----------
    subject, companion
        What is stitched, and what its tasks see beside it, if anything.
    grounds
        By the last two axes, in the same chunks; what tasks know of their cells stands in place
        of each chunk.
    rules
        A node that holds what all tasks share, as `climcube.lift.common.share` makes it.
    ring
        Whether the last column may touch the first (the rules have the last word).
    purpose
        The public function, for the names of tasks.
    """

    subject: da.Array
    companion: da.Array | None
    grounds: da.Array
    rules: Delayed
    ring: bool
    purpose: str

    @cached_property
    def counts(self) -> Place:
        """Number of blocks along each axis."""
        return tuple(map(len, self.subject.chunks))

    @cached_property
    def packed(self) -> da.Array:
        """The mask with a `Packed` in place of each block: what both passes start from."""
        meta = np.empty((0,) * self.subject.ndim, object)
        packed: da.Array = da.map_blocks(pack, self.subject, dtype=object, meta=meta)
        return packed

    @cached_property
    def _starts(self) -> list[npt.NDArray[np.int64]]:
        return [np.cumsum([0, *sizes]) for sizes in self.subject.chunks]

    def stitched(self, kernels: BlockKernels) -> Delayed:
        """Return the node of the stitch."""
        sources = [self.packed] if self.companion is None else [self.packed, self.companion]
        token = tokenize(kernels, [s.name for s in sources], self.rules.key, self.ring)
        part, join, stitch = (f"{s}-{self.purpose}-{token}" for s in ("part", "join", "stitch"))
        layer: dict[Any, Any] = {}
        for place in self._places():
            origin = tuple(int(s[i]) for s, i in zip(self._starts, place, strict=True))
            run = partial(_part, reference=kernels.part, origin=origin)
            blocks = [(source.name, *place) for source in sources]
            layer[(part, *place)] = (run, blocks, self._ground(place), self.rules.key)
            later = self._later(place)
            after = [p for p in [(place[0] + 1, *place[1:])] if p[0] < self.counts[0]]
            run = partial(
                _join, reference=kernels.join, later=[self._number(p) for p in later],
                after=self._number(after[0]) if after else None,
            )  # fmt: skip
            parts = [(part, *p) for p in (place, *later, *after)]
            layer[(join, *place)] = (run, parts, self.rules.key)
        joined = [(join, *place) for place in self._places()]
        layer[stitch] = (partial(_stitch, reference=kernels.stitch), joined, self.rules.key)
        dependencies: Any = [*sources, self.grounds, self.rules]
        graph = HighLevelGraph.from_collections(stitch, layer, dependencies=dependencies)
        return Delayed(stitch, graph)

    def applied(self, kernel: str, stitched: Any, entry: str, dtype: str) -> da.Array:
        """Return ``kernel(block, lookup)`` of every block, as an array of the same chunks.

        ``entry`` names the lists of the stitch (a node, or its result) that holds the lookups.
        """
        name, layer, dependencies = self._second_pass(kernel, stitched, entry)
        graph = HighLevelGraph.from_collections(name, layer, dependencies=dependencies)
        meta = np.empty((0,) * self.subject.ndim, dtype)
        return da.Array(graph, name, self.subject.chunks, meta=meta)

    def united(
        self, kernel: str, stitched: Any, entry: str, unite: str, finish: str | None = None
    ) -> Delayed:
        """Return a node with a list of one result for each place along the last two axes.

        Each is ``finish(union, ground)`` of the union of all its blocks' ``kernel(block, lookup)``
        (or just the union). ``unite`` takes several blocks' results, or several such unions.
        """
        name, layer, dependencies = self._second_pass(kernel, stitched, entry)
        run = partial(_unite, reference=unite)
        heads: list[Any] = []
        for tile in np.ndindex(*self.counts[-2:]):
            keys: list[Any] = [(name, *rest, *tile) for rest in np.ndindex(*self.counts[:-2])]
            level = 0
            while level == 0 or len(keys) > 1:
                groups = [keys[i : i + _FAN_IN] for i in range(0, len(keys), _FAN_IN)]
                keys = [(f"unite-{name}", level, i, *tile) for i in range(len(groups))]
                layer |= {key: (run, group) for key, group in zip(keys, groups, strict=True)}
                level += 1
            heads += keys
            if finish is not None:
                heads[-1] = (f"finish-{name}", *tile)
                layer[heads[-1]] = (partial(_finish, reference=finish), keys[0], self._ground(tile))
        whole = f"list-{finish}-{name}"
        layer[whole] = (list, heads)
        dependencies = [*dependencies, self.grounds]
        return Delayed(whole, HighLevelGraph.from_collections(whole, layer, dependencies))

    def _second_pass(
        self, kernel: str, stitched: Any, entry: str
    ) -> tuple[str, dict[Any, Any], list[Any]]:
        """Write one task for each block, which takes the packed mask and its lookup."""
        node = isinstance(stitched, Delayed)
        known = stitched.key if node else stitched
        token = tokenize(kernel, entry, self.packed.name, self.rules.key, known)
        name = f"{kernel.partition(':')[2]}-{self.purpose}-{token}"
        run = partial(_apply, reference=kernel)
        layer: dict[Any, Any] = {}
        for place in self._places():
            number = self._number(place)
            lookup = ("lookup-" + name, number)
            if node:
                layer[lookup] = (partial(_lookup, entry=entry, number=number), stitched.key)
            else:
                layer[lookup] = getattr(stitched, entry)[number]
            layer[(name, *place)] = (run, (self.packed.name, *place), lookup)
        return name, layer, [self.packed, stitched] if node else [self.packed]

    def _places(self) -> Iterator[Place]:
        return np.ndindex(*self.counts)

    def _number(self, place: Place) -> int:
        return int(np.ravel_multi_index(place, self.counts))

    def _ground(self, place: Place) -> tuple[Any, ...]:
        return (self.grounds.name, *place[-2:])

    def _later(self, place: Place) -> list[Place]:
        """Return the neighbours in space with higher numbers; itself, if it may close the ring."""
        found = set()
        for step in itertools.product((-1, 0, 1), repeat=len(place) - 1):
            moved = [p + s for p, s in zip(place[1:], step, strict=True)]
            if self.ring:
                moved[-1] %= self.counts[-1]
            inside = all(0 <= p < n for p, n in zip(moved, self.counts[1:], strict=True))
            if inside and any(step):
                found.add((place[0], *moved))
        return sorted(p for p in found if self._number(p) >= self._number(place))


@dataclass(frozen=True)
class Packed:
    """A boolean array as compressed bits."""

    shape: tuple[int, ...]
    bits: bytes


def pack(block: Array) -> Packed:
    """Return a boolean block as compressed bits."""
    return Packed(block.shape, zlib.compress(np.packbits(block), level=1))


def unpack(packed: Packed) -> Array:
    """Return the block again."""
    bits = np.frombuffer(zlib.decompress(packed.bits), "uint8")
    return np.unpackbits(bits, count=math.prod(packed.shape)).view(bool).reshape(packed.shape)


def _part(blocks: list[Any], ground: Any, rules: Any, *, reference: str, origin: Place) -> Any:
    packed, *beside = blocks
    companion = beside[0] if beside else None
    return load_kernel(reference)(unpack(packed), companion, ground, origin, *Tables.unwrap(rules))


def _join(
    parts: list[Any], rules: Any, *, reference: str, later: list[int], after: int | None
) -> Any:
    own, *others = parts
    following = None if after is None else (after, others[-1])
    neighbours = list(zip(later, others, strict=False))
    return load_kernel(reference)(own, neighbours, following, *Tables.unwrap(rules))


def _stitch(joined: Sequence[Any], rules: Any, *, reference: str) -> Any:
    return load_kernel(reference)(joined, *Tables.unwrap(rules))


def _lookup(stitched: Any, *, entry: str, number: int) -> Any:
    return getattr(stitched, entry)[number]


def _apply(mask: Packed, lookup: Array, *, reference: str) -> Any:
    return load_kernel(reference)(unpack(mask), lookup)


def _unite(parts: Sequence[Any], *, reference: str) -> Any:
    return load_kernel(reference)(parts)


def _finish(union: Any, ground: Any, *, reference: str) -> Any:
    return load_kernel(reference)(union, ground)
