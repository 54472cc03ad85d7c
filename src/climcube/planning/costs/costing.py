"""Add up what the tiles of a job take: tasks, reading, memory, writing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr
from dask._task_spec import Task, TaskRef

from climcube.lift.costs import Cost, costs
from climcube.planning.costs.keeping import Keeping
from climcube.planning.costs.memory import constant_bytes, peak_of, tasks_of, values_of
from climcube.planning.costs.outlining import Outliner, live_bytes
from climcube.planning.costs.reads import Reading, Readings
from climcube.planning.costs.sources import Source
from climcube.planning.tiles.files import Files
from climcube.planning.tiles.jobs import Job, Tile
from climcube.planning.tiles.nodes import Graph, Key

__all__ = ["AHEAD", "PROCESS_BYTES", "JobCost", "TileCost", "cost_of_job"]

# Interpreter, libraries and compiled kernels: measured, see tests/planning/test_memory.py.
PROCESS_BYTES = 400 * 2**20

AHEAD = 2  # tiles for each worker; if there are fewer, a save computes all of them at once

_WRITE = "climcube-write"
_ENCODED = 2  # times a block, as it is encoded and put together


@dataclass(frozen=True)
class TileCost:
    """What one tile takes.

    Attributes
    ----------
    keys
        Of the tasks that are run.
    peak
        Bytes at most, the tile's results and the buffers of writing them among them.
    results
        Bytes of its results.
    """

    keys: frozenset[Key]
    peak: int
    results: int


@dataclass(frozen=True)
class JobCost:
    """What all tiles take.

    Attributes
    ----------
    tiles, shared
        In the order of the job's; what is shared is like a tile.
    sharing
        What is kept for other tiles, and what it takes to compute that.
    constants
        Bytes of tables, and of arrays that the user holds.
    files
        Objects with values that are written.
    repeated
        Objects that are read more than once.
    work
        By kernel: numbers that it works on, and the length of the longest series of them.
    estimated
        What could only be guessed.
    readings
        Parts of stores that are read, by task.
    together
        Called with a number of workers: bytes at most, if they compute all tiles task by task.
    """

    job: Job
    tiles: tuple[TileCost, ...]
    shared: tuple[TileCost, ...]
    sharing: Keeping
    constants: int
    files: int
    repeated: int
    work: Mapping[str, tuple[int, int]]
    estimated: tuple[str, ...]
    readings: Mapping[Key, list[Reading]]
    together: Callable[[int], int]

    def runs(self, workers: int) -> tuple[frozenset[Key], ...]:
        """Return the tasks that are run together, in each go; several goes may repeat some."""
        if len(self.tiles) < AHEAD * workers:
            return (frozenset().union(*(part.keys for part in (*self.tiles, *self.shared))),)
        return (*(tasks_of(s.graph) for s in self.sharing.steps), *(t.keys for t in self.tiles))

    @property
    def results(self) -> int:
        """Bytes of the result."""
        return sum(tile.results for tile in self.tiles)

    @property
    def tile_peak(self) -> int:
        """Bytes that one worker needs at most for a tile, without what is kept for others."""
        return max((tile.peak for tile in self.tiles), default=0)

    def read(self, workers: int) -> Iterator[Reading]:
        """Yield what is read, also what is read again."""
        for run in self.runs(workers):
            for key in run & self.readings.keys():
                yield from self.readings[key]

    def total(self, what: str, workers: int) -> int:
        """Return the sum of something over all that is read."""
        return sum(getattr(reading, what) for reading in self.read(workers))

    @property
    def needed(self) -> int:
        """Bytes of the values that are asked for, each once."""
        return sum(reading.needed for parts in self.readings.values() for reading in parts)

    def by_kind(self, workers: int) -> dict[str, tuple[int, int]]:
        """Return requests and bytes by the kind of store."""
        found: dict[str, tuple[int, int]] = {}
        for reading in self.read(workers):
            requests, size = found.get(reading.kind, (0, 0))
            found[reading.kind] = requests + reading.requests, size + reading.stored
        return found

    def beside(self, processes: int = 1) -> int:
        """Return the bytes that are needed whatever the number of workers."""
        return processes * (PROCESS_BYTES + self.constants) + self.sharing.kept

    def memory(self, workers: int, processes: int = 1) -> int:
        """Return the bytes that so many workers need at most together.

        A few tiles are computed together, task by task; of many each worker has one.
        """
        if len(self.tiles) < AHEAD * workers:
            busy = self.together(workers)
        else:
            busy = self.sharing.peak(workers, workers * self.tile_peak)
        return busy + processes * (PROCESS_BYTES + self.constants)


def cost_of_job(
    job: Job, files: Mapping[tuple[str, str], Files] | None = None, *, rehearse: bool = True
) -> JobCost:
    """Return what a job takes when it is saved tile by tile; nothing is computed.

    Parameters
    ----------
    files
        What each variable is stored in; default as a save cuts it.
    rehearse
        Whether functions of the user are run on small arrays of zeros; else what they cost is a
        guess.
    """
    return _Adder(job, files or {}, rehearse=rehearse).whole()


class _Adder:
    def __init__(self, job: Job, files: Mapping[tuple[str, str], Files], *, rehearse: bool) -> None:
        self.job = job
        self.files = {
            name: files.get(name) or Files.of({}, _variable(array))
            for name, array in job.arrays.items()
        }
        self.readings = Readings()
        self.outliner = Outliner(self._reader, rehearse=rehearse)
        self.given: dict[Key, Any] = {}  # outlines of what is shared
        self._read: dict[Key, list[Reading]] = {}
        self._graph: Graph = {}
        self._all_found: dict[Key, tuple[Any, int]] = {}

    def whole(self) -> JobCost:
        job = self.job
        shared = tuple(self._shared(key) for key in job.shared)
        tiles = tuple(self._tile(tile) for tile in job.tiles)
        return JobCost(
            job,
            tiles,
            shared,
            Keeping.of(job, self.given, self._all_found),
            constant_bytes(job.graph),
            sum(files.objects for files in self.files.values()),
            sum(count > 1 for count in self.readings.seen.values()),
            dict(self.outliner.work),
            tuple(self.outliner.estimated),
            self._read,
            self._together,
        )

    def _together(self, workers: int) -> int:
        keep = {key for key in self._graph if isinstance(key, tuple) and key[0] == _WRITE}
        return peak_of(self._graph, self._all_found, keep, workers=workers)

    def _shared(self, key: Key) -> TileCost:
        graph = self.job.graph_of_shared(key)
        found = self._found(graph)
        self.given[key] = found[key][0]
        return self._cost(graph, found, {key})

    def _tile(self, tile: Tile) -> TileCost:
        """Return the cost of a tile: a block is written as soon as it is there, and let go."""
        graph = self.job.graph_of(tile)
        for number, piece in enumerate(tile.pieces):
            key: Any = (_WRITE, tile.number, number)
            block: Any = piece.key
            chunk = self.files[piece.group, piece.variable].chunk_bytes
            graph[key] = Task(key, _write, TaskRef(block), chunk)
        found = self._found(graph)
        keep: set[Key] = {(_WRITE, tile.number, number) for number in range(len(tile.pieces))}
        size = sum(
            math.prod(piece.shape) * self.job.arrays[piece.group, piece.variable].dtype.itemsize
            for piece in tile.pieces
        )
        return replace(self._cost(graph, found, keep), results=size)

    def _found(self, graph: Graph) -> dict[Key, tuple[Any, int]]:
        found = values_of(self.outliner, graph, self.given)
        self._graph |= graph
        self._all_found |= found
        return found

    def _cost(self, graph: Graph, found: Mapping[Key, tuple[Any, int]], keep: set[Key]) -> TileCost:
        size = live_bytes([found[key][0] for key in keep])
        return TileCost(tasks_of(graph), peak_of(graph, found, keep), size)

    def _reader(self, source: Source) -> int:
        reading = self.readings.of(source)
        if self.outliner.key not in self._all_found:  # else it is read again by another tile
            self._read.setdefault(self.outliner.key, []).append(reading)
        return reading.buffers


def _write_cost(block: Any, chunk: int) -> Cost:
    """Return what it takes to write a block as one object: its chunks, and all of it, encoded."""
    size = int(getattr(block, "nbytes", 0))
    return Cost(None, _ENCODED * size + min(size, 2 * chunk))


@costs(_write_cost)
def _write(block: Any, chunk: int) -> None:
    """Stand for the task that writes a block."""


def _variable(array: Any) -> xr.Variable:
    return xr.Variable([f"d{i}" for i in range(array.ndim)], array)
