"""What runs where tiles are computed: evaluate the tasks of a tile, write its blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from dask._task_spec import DataNode, Task, TaskRef
from dask.local import get_sync

from climcube.planning.tiles.jobs import Piece, Tile
from climcube.planning.tiles.nodes import Graph, Key
from climcube.stores.integrity.grids import Grid
from climcube.stores.integrity.manifest import Recorder, Records

__all__ = ["Target", "Written", "evaluate", "with_values", "writing"]


@dataclass(frozen=True)
class Target:
    """Where blocks are written: a Zarr store, and what its arrays look like.

    Attributes
    ----------
    store
        Zarr store; travels to other processes.
    arrays
        Metadata by group and variable: nothing is read to write a block.
    forked
        Whether ``store`` is one task's own, which must be brought home with what is written.
    """

    store: Any
    arrays: Mapping[tuple[str, str], Any]
    forked: bool = False

    @classmethod
    def of(cls, store: Any, names: Sequence[tuple[str, str]]) -> Target:
        """Read what the arrays of a store look like."""
        import zarr

        root = zarr.open_group(store, mode="r", use_consolidated=False)
        found = {name: root["/".join(filter(None, name))] for name in names}
        return cls(store, {name: array.metadata for name, array in found.items()})

    def for_one(self, store: Any, pieces: Sequence[Piece], *, forked: bool) -> Target:
        """Return what one task needs of this."""
        names = {(piece.group, piece.variable) for piece in pieces}
        arrays = {name: self.arrays[name] for name in sorted(names)}
        return replace(self, store=store, arrays=arrays, forked=forked)

    def write(self, piece: Piece, block: Any) -> Written:
        """Write one block; return what was written."""
        import zarr
        from zarr.storage import StorePath

        path, metadata = "/".join(filter(None, (piece.group, piece.variable))), self.arrays[
            piece.group, piece.variable
        ]  # fmt: skip
        recorder = Recorder(self.store, grids={path: Grid.of(metadata.to_dict())})
        array = zarr.Array(zarr.AsyncArray(metadata, StorePath(recorder, path)))
        array[piece.region] = block
        records = recorder.take()
        size = sum(int(e[0, 1]) for entries in records.entries.values() for e in entries.values())
        return Written(records, size, (self.store,) if self.forked else ())


@dataclass(frozen=True)
class Written:
    """What was written; adds up.

    Attributes
    ----------
    records
        Of the objects, for the manifest.
    nbytes
        Of the objects, compressed.
    forks
        Stores to bring home.
    """

    records: Records
    nbytes: int = 0
    forks: tuple[Any, ...] = ()

    def __add__(self, other: Written) -> Written:
        return Written(
            self.records + other.records, self.nbytes + other.nbytes, self.forks + other.forks
        )


def writing(
    graph: Graph, tile: Tile, write: Callable[[Piece, Any], Any], prefix: str = "write"
) -> tuple[Graph, list[Key]]:
    """Return the tasks of a tile with those that write its blocks, and the keys of these.

    A block is let go as soon as it is written.
    """
    writes: Graph = {
        (prefix, tile.number, i): Task((prefix, tile.number, i), write, piece, _ref(piece.key))
        for i, piece in enumerate(tile.pieces)
    }
    return {**graph, **writes}, list(writes)


def _ref(key: Key) -> TaskRef:
    return TaskRef(cast(Any, key))


def with_values(graph: Graph, values: Mapping[Key, Any]) -> Graph:
    """Return a graph in which some keys are known."""
    return {**graph, **{key: DataNode(key, value) for key, value in values.items()}}


def evaluate(graph: Graph, keys: Sequence[Key]) -> list[Any]:
    """Compute some keys in this thread, one task after the other."""
    return list(get_sync(graph, cast(Any, list(keys))))
