"""Whether a job fits the memory that is there; else an error that names what would."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

from climcube.errors import PlanError
from climcube.options import get_option
from climcube.planning.costs.costing import AHEAD, JobCost, cost_of_job
from climcube.planning.tiles.jobs import Job
from climcube.stores.integrity.verification import spoken_size

__all__ = ["WASTEFUL", "Alternative", "Fit", "require_fit"]

WASTEFUL = 1.5  # times what is needed: reading another layout is worth a thought
_SMALLEST = 64  # times smaller tiles become at most


@dataclass(frozen=True)
class Alternative:
    """Another way to compute the same.

    Attributes
    ----------
    way
        What to do.
    costs
        What it costs, beside what it saves.
    memory
        Bytes that it needs.
    """

    way: str
    costs: str
    memory: int

    def __str__(self) -> str:
        return f"{self.way} ({spoken_size(self.memory)}; {self.costs})"


@dataclass(frozen=True)
class Fit:
    """A job beside the memory that is there.

    Parameters
    ----------
    cost
        Of the job.
    workers
        Tiles that are computed at the same time.
    processes
        That they are spread over.
    memory
        Bytes of all processes together; ``None`` where nothing is known.
    """

    cost: JobCost
    workers: int
    processes: int = 1
    memory: int | None = None

    @cached_property
    def needed(self) -> int:
        """Bytes that all workers need at most."""
        return self.cost.memory(self.workers, self.processes)

    @property
    def fits(self) -> bool:
        """Whether that is there."""
        return self.memory is None or self.needed <= self.memory

    @cached_property
    def most_workers(self) -> int:
        """How many workers the memory allows, none if not even one."""
        if self.memory is None:
            return self.workers
        memory = self.memory

        def too_much(workers: int) -> bool:
            return self.cost.memory(workers, min(workers, self.processes)) > memory

        return bisect_left(range(1, self.workers + 1), True, key=too_much)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """Three ways to need less, or more memory, each with what it costs."""
        found = [
            self._fewer_workers(),
            self._smaller_tiles(),
            self._relayout(),
            self._machine(),
            self._parts(),
        ]
        able = [one for one in found if one is not None]
        fitting = [one for one in able if self.memory is None or one.memory <= self.memory]
        return tuple([*fitting, *(one for one in able if one not in fitting)][:3])

    def _fewer_workers(self) -> Alternative | None:
        if self.workers < 2:
            return None
        workers = max(1, min(self.most_workers, self.workers - 1))
        longer = self.workers / workers
        costs = f"takes {longer:.2g} times as long, reads the same"
        return Alternative(
            f"{workers} worker{'s' * (workers > 1)} in place of {self.workers}",
            costs, self.cost.memory(workers, min(workers, self.processes)),
        )  # fmt: skip

    def _smaller_tiles(self) -> Alternative | None:
        """Return tiles so small that all workers fit, as far as stored chunks let them be."""
        beside = self.cost.beside(self.processes)
        room = (self.memory or self.needed // 2) - beside
        each = room / self.workers
        if self.cost.tile_peak <= 0:
            return None
        wanted = self.cost.tile_peak / each if each > 0 else _SMALLEST
        factor = 2 ** math.ceil(math.log2(min(max(2.0, wanted), _SMALLEST)))
        tile = max(1, (self.cost.tile_bytes or get_option("tile_bytes")) // factor)
        requests, again = self._of_smaller(factor)
        costs = (
            f"about {requests:,} requests, reads {spoken_size(again)}" if requests else "as much"
        )
        return Alternative(
            f"tiles {factor} times smaller, opened with cc.set_options(tile_bytes={tile})",
            costs, beside + self.workers * (self.cost.tile_peak // factor),
        )  # fmt: skip

    def _of_smaller(self, factor: int) -> tuple[int, int]:
        """Return requests and bytes with smaller tiles: none more while they hold whole chunks."""
        readings = [r for r in self.cost.read(self.workers) if r.requests]
        objects = math.ceil(factor / min((max(1, r.across) for r in readings), default=1))
        chunks = math.ceil(factor / min((max(1, r.chunks_across) for r in readings), default=1))
        requests = sum(r.requests for r in readings) * objects
        parted = objects > 1 and any(r.chunks_across > r.across for r in readings)
        # Of a shard that is not read whole the index is asked for, too.
        return requests * (1 + parted), sum(r.stored for r in readings) * chunks

    def _relayout(self) -> Alternative | None:
        """Return a copy as series, where stored chunks lie across what is needed."""
        values, stored = self.cost.needed, self.cost.total("stored", self.workers)
        if self.cost.total("moved", self.workers) <= WASTEFUL * values or not values:
            return None
        share = min(1.0, get_option("tile_bytes") / max(1, self.cost.tile_bytes))
        return Alternative(
            "a copy in another layout first: climcube relayout SOURCE COPY",
            f"reads {spoken_size(stored)} and writes about {spoken_size(values)} once",
            self.cost.beside(self.processes) + round(self.workers * self.cost.tile_peak * share),
        )

    def _parts(self) -> Alternative:
        beside = self.cost.beside(self.processes)
        if len(self.cost.tiles) < AHEAD * self.workers:  # which are computed together
            way = "half of the cells at a time: cube.isel(...)"
            return Alternative(
                way, "each part reads for itself", beside + max(0, self.needed - beside) // 2
            )
        return Alternative(
            "half of the years, where they answer the question: cube.sel(time=...)",
            "reads half", beside + self.workers * self.cost.tile_peak // 2,
        )  # fmt: skip

    def _machine(self) -> Alternative:
        return Alternative(
            "a machine, or workers, with more memory: cc.cluster(...)",
            "nothing else changes", self.needed,
        )  # fmt: skip

    def require(self) -> None:
        """Raise `PlanError` unless the job fits."""
        if self.fits:
            return
        ways = "; or ".join(str(one) for one in self.alternatives)
        raise PlanError(
            "the result does not fit the memory",
            where=_largest(self.cost),
            expected=f"at most {spoken_size(self.memory or 0)}",
            found=f"{spoken_size(self.needed)} with {self.workers} workers",
            remedy=f"choose one of: {ways}",
        )


def _largest(cost: JobCost) -> str | None:
    if not cost.tiles:
        return None
    number = max(range(len(cost.tiles)), key=lambda i: cost.tiles[i].peak)
    return f"tile {cost.job.tiles[number].name}"


def require_fit(job: Job, workers: int, memory_limit: int | None, *, processes: int = 1) -> JobCost:
    """Raise `PlanError` where a job does not fit the memory; the seam that a save calls.

    Parameters
    ----------
    job
        As `climcube.planning.tiles.jobs.job_of` made it.
    workers
        Tiles that are computed at the same time.
    memory_limit
        Bytes of all processes together, the interpreters in them included; ``None``: nothing is
        checked.
    processes
        That the workers are spread over.

    Returns
    -------
    JobCost
        What the job takes; a save shows its bytes as the end of its progress.

    Notes
    -----
    Nothing is read but the manifest of the source; nothing is computed.

    Raises
    ------
    PlanError
        It does not fit; the message names three ways that would, and what each costs.
    """
    cost = cost_of_job(job)
    Fit(cost, workers, processes, memory_limit).require()
    return cost
