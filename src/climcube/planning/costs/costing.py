"""Add up what the tiles of a job take: tasks, reading, memory, writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import xarray as xr

from climcube.planning.costs.forms import Forms, PartCost
from climcube.planning.costs.keeping import Keeping, Step, in_turn
from climcube.planning.costs.memory import constant_bytes
from climcube.planning.costs.outlining import live_bytes
from climcube.planning.costs.reads import Reading, Readings
from climcube.planning.tiles.files import Files
from climcube.planning.tiles.jobs import Job, Piece
from climcube.planning.tiles.nodes import Key

__all__ = ["AHEAD", "PROCESS_BYTES", "JobCost", "cost_of_job"]

# Interpreter, libraries and compiled kernels: measured, see tests/planning/test_memory.py.
PROCESS_BYTES = 400 * 2**20

AHEAD = 2  # tiles for each worker; if there are fewer, a save computes all of them at once


@dataclass(frozen=True)
class JobCost:
    """What all tiles take.

    Attributes
    ----------
    tiles
        In the order of the job's.
    keeping
        What is kept for several tiles, and what it takes to compute that.
    results
        Bytes of the result.
    constants
        Bytes of tables, and of arrays that the user holds.
    files
        Objects with values that are written.
    repeated
        Objects that are read more than once.
    estimated
        What could only be guessed.
    together
        Returns what it takes to compute all tiles task by task: each task once.
    """

    job: Job
    tiles: tuple[PartCost, ...]
    keeping: Keeping
    results: int
    constants: int
    files: int
    repeated: int
    estimated: tuple[str, ...]
    together: Callable[[], PartCost] = field(repr=False)

    def runs(self, workers: int) -> tuple[PartCost, ...]:
        """Return what is run together, in each go; several goes may repeat some tasks."""
        if len(self.tiles) < AHEAD * workers:
            return (self.together(),)
        return (*(step.cost for step in self.keeping.steps), *self.tiles)

    @cached_property
    def tile_peak(self) -> int:
        """Bytes that one worker needs at most for a tile, without what is kept for others."""
        return max((form.peak() for form in {tile.form for tile in self.tiles}), default=0)

    @cached_property
    def tile_bytes(self) -> int:
        """Bytes as float32 of the most that is read at once: the ``tile_bytes`` of the cube."""
        return 4 * max((reading.values for reading in self.read(1)), default=0)

    def tasks(self, workers: int) -> int:
        """Return how many tasks are run."""
        return sum(run.tasks for run in self.runs(workers))

    def read(self, workers: int) -> Iterator[Reading]:
        """Yield what is read, also what is read again."""
        for run in self.runs(workers):
            yield from run.reads

    def total(self, what: str, workers: int) -> int:
        """Return the sum of something over all that is read."""
        return sum(getattr(reading, what) for reading in self.read(workers))

    @property
    def needed(self) -> int:
        """Bytes of the values that are asked for, each once."""
        return self.total("needed", 1)

    @property
    def work(self) -> dict[str, tuple[int, int]]:
        """By kernel: numbers that it works on, and the length of the longest series of them."""
        found: dict[str, tuple[int, int]] = {}
        for part in (*(step.cost for step in self.keeping.steps), *self.tiles):
            for kernel, (numbers, longest) in part.form.work.items():
                before, length = found.get(kernel, (0, 0))
                found[kernel] = before + numbers, max(longest, length)
        return found

    def by_kind(self, workers: int) -> dict[str, tuple[int, int]]:
        """Return requests and bytes by the kind of store."""
        found: dict[str, tuple[int, int]] = {}
        for reading in self.read(workers):
            requests, size = found.get(reading.kind, (0, 0))
            found[reading.kind] = requests + reading.requests, size + reading.stored
        return found

    def beside(self, processes: int = 1) -> int:
        """Return the bytes that are needed whatever the number of workers."""
        return processes * (PROCESS_BYTES + self.constants) + self.keeping.kept

    def memory(self, workers: int, processes: int = 1) -> int:
        """Return the bytes that so many workers need at most together.

        A few tiles are computed together, task by task; of many each worker has one.
        """
        if len(self.tiles) < AHEAD * workers:
            busy = self.together().form.peak(workers)
        else:
            busy = self.keeping.peak(workers, workers * self.tile_peak)
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
    known = {
        name: (files or {}).get(name) or Files.of({}, _variable(array))
        for name, array in job.arrays.items()
    }
    forms = Forms(job.graph, Readings(), rehearse=rehearse)

    def saved(pieces: Iterable[Piece], given: Mapping[Key, Any]) -> PartCost:
        blocks = {p.key: known[p.group, p.variable].chunk_bytes for p in pieces}
        return forms.cost(list(blocks), given, list(blocks.values()))

    @cache
    def together() -> PartCost:
        forms.readings.forget()
        return saved((piece for tile in job.tiles for piece in tile.pieces), {})

    given: dict[Key, Any] = {}
    tiles, steps = [], []
    for tile, held, missing in in_turn(job):
        if missing:
            cost = forms.cost(missing, given)
            before = _bytes_of(held, given)
            given |= cost.outlines(given)
            steps.append(Step(before, before + _bytes_of(missing, given), cost))
        tiles.append(saved(tile.pieces, given))
    return JobCost(
        job, tuple(tiles), Keeping(tuple(steps)),
        sum(int(array.nbytes) for array in job.arrays.values()),
        constant_bytes(job.graph), sum(own.objects for own in known.values()),
        forms.readings.repeated, tuple(forms.outliner.estimated), together,
    )  # fmt: skip


def _bytes_of(keys: Iterable[Key], given: Mapping[Key, Any]) -> int:
    return sum(live_bytes([given[key]]) for key in keys)


def _variable(array: Any) -> xr.Variable:
    return xr.Variable([f"d{i}" for i in range(array.ndim)], array)
