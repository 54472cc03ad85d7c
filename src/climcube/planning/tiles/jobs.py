"""Cut the graph of a lazy result into tiles: what is computed, written and noted as one.

A plan adds up the cost of the tiles that a save evaluates. Both walk the same `Job`.

Blocks of several variables that come from one task (the annual numbers and the climatology of
one spatial tile) are one tile. What blocks at different places need alike is either read again by
each of them (the source), a constant (tables), or *shared*: computed once and kept until the last
tile that needs it is done (the climatology that every month's anomaly is taken from).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.optimization import optimize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.chunks import is_lazy
from climcube.errors import ClusterError
from climcube.planning.tiles.nodes import Graph, Key, walk
from climcube.planning.tiles.sharing import Place, Sharing

__all__ = ["WHOLE", "Job", "Piece", "Tile", "job_of"]

WHOLE = "the whole"  # name of the tile of what is not cut


@dataclass(frozen=True)
class Piece:
    """One block of one variable.

    Attributes
    ----------
    group, variable
        Where the variable is: the name of its data set ("" for the only one), its own name.
    key
        Of the block, in the graph.
    region
        Of the block, in the whole array.
    """

    group: str
    variable: str
    key: Key
    region: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the block."""
        return tuple(part.stop - part.start for part in self.region)


@dataclass(frozen=True)
class Tile:
    """Blocks that are computed together.

    Attributes
    ----------
    number
        In the order in which tiles are evaluated.
    name
        Where it lies, along the dimensions that are cut: ``"lat 0-89, lon 90-179"``. The same
        for the same result in the same chunks.
    pieces
        The blocks.
    shared
        Keys of what it needs and does not compute itself.
    """

    number: int
    name: str
    pieces: tuple[Piece, ...]
    shared: frozenset[Key]


@dataclass(frozen=True)
class Job:
    """A lazy result as tiles.

    Attributes
    ----------
    graph
        All tasks, optimised by Dask.
    tiles
        Every lazy block of the result is a piece of exactly one of them.
    shared
        Keys that several tiles need, each after those that it needs itself.
    arrays
        The lazy arrays by group and variable.
    """

    graph: Graph = field(repr=False)
    tiles: tuple[Tile, ...]
    shared: tuple[Key, ...]
    arrays: Mapping[tuple[str, str], da.Array] = field(repr=False)

    def graph_of(self, tile: Tile) -> Graph:
        """Return the tasks of a tile; the keys in ``tile.shared`` are not among them."""
        return self._reached([piece.key for piece in tile.pieces], tile.shared)

    def graph_of_shared(self, key: Key) -> Graph:
        """Return the tasks of what is shared, up to other things that are shared."""
        return self._reached([key], self._shared - {key})

    def inputs_of(self, graph: Graph) -> frozenset[Key]:
        """Return the shared keys that some tasks need."""
        needed = {key for node in graph.values() for key in node.dependencies}
        return frozenset((needed - graph.keys()) & self._shared)

    def needed(self, tile: Tile) -> list[Key]:
        """Return shared keys that a tile needs, itself or through others, in their order."""
        found: set[Key] = set()
        waiting = list(tile.shared)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self._inputs[key]
        return sorted(found, key=self._rank.__getitem__)

    @cached_property
    def last_use(self) -> dict[Key, int]:
        """By shared key: the number of the last tile that needs it, itself or through another."""
        last: dict[Key, int] = {}
        for tile in self.tiles:
            last |= dict.fromkeys(self.needed(tile), tile.number)
        return last

    @cached_property
    def _rank(self) -> dict[Key, int]:
        return {key: number for number, key in enumerate(self.shared)}

    @cached_property
    def _inputs(self) -> dict[Key, frozenset[Key]]:
        return {key: self.inputs_of(self.graph_of_shared(key)) for key in self.shared}

    @cached_property
    def _shared(self) -> frozenset[Key]:
        return frozenset(self.shared)

    def _reached(self, keys: Iterable[Key], stop: frozenset[Key]) -> Graph:
        return {key: self.graph[key] for key in walk(self.graph, keys, stop)}


def job_of(datasets: Mapping[str, xr.Dataset]) -> Job:
    """Cut lazy data sets into tiles; nothing is computed.

    Parameters
    ----------
    datasets
        By the name of their group. Variables and coordinates that are not lazy are left out.

    Raises
    ------
    ClusterError
        Blocks were computed already, and are kept by the workers of a cluster.
    """
    arrays = {
        (group, str(name)): variable.data
        for group, dataset in datasets.items()
        for name, variable in dataset.variables.items()
        if is_lazy(dataset[name])
    }
    blocks = [
        block
        for (group, name), array in arrays.items()
        for block in _blocks(group, name, array, tuple(map(str, datasets[group][name].dims)))
    ]
    graph = _optimised(arrays.values(), [piece.key for piece, _, _ in blocks])
    try:
        sharing = Sharing.of(graph, [(piece.key, place) for piece, place, _ in blocks])
    except KeyError as error:  # Dask leaves futures out of its graphs
        raise ClusterError(
            "blocks kept in the memory of workers cannot be cut into tiles",
            found=str(error.args[0]), remedy="pass the cube as it was before .persist()",
        ) from error  # fmt: skip
    tiles = []
    for number, (members, shared) in enumerate(sharing.groups):
        own = tuple(blocks[i][0] for i in members)
        label = max((blocks[i][2] for i in members), key=len) or WHOLE
        tiles.append(Tile(number, label, own, shared))
    return Job(graph, tuple(tiles), sharing.keys, arrays)


def _blocks(
    group: str, name: str, array: da.Array, dims: tuple[str, ...]
) -> Iterator[tuple[Piece, Place, str]]:
    """Yield the blocks of an array: each with its place, and its name along what is cut."""
    spans = [
        list(pairwise(np.concatenate([[0], np.cumsum(chunks)]).astype(int).tolist()))
        for chunks in array.chunks
    ]
    axes = list(zip(dims, array.shape, spans, strict=True))
    keys = product([array.name], *map(range, array.numblocks))
    regions = product(*([slice(*span) for span in own] for own in spans))
    places = product(*([((dim, size), span) for span in own] for dim, size, own in axes))
    names = product(
        *(
            [f"{dim} {start}-{stop - 1}" for start, stop in own]
            for dim, _, own in axes
            if len(own) > 1
        )
    )
    for key, region, place, label in zip(keys, regions, places, names, strict=True):
        yield Piece(group, name, key, region), dict(place), ", ".join(label)


def _optimised(arrays: Iterable[da.Array], keys: list[Key]) -> Graph:
    if not keys:
        return {}
    whole = HighLevelGraph.merge(*(array.dask for array in arrays))
    graph: Graph = dict(optimize(whole, keys))
    return graph
