"""What is kept for several tiles: when it is computed, and what is there meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from climcube.planning.costs.memory import peak_of
from climcube.planning.costs.outlining import live_bytes
from climcube.planning.tiles.jobs import Job
from climcube.planning.tiles.nodes import Graph, Key

__all__ = ["Keeping"]


@dataclass(frozen=True)
class _Step:
    """Before a tile: bytes that are kept, tasks that compute more, and bytes that are then."""

    before: int
    graph: Graph
    keys: set[Key]
    after: int


@dataclass(frozen=True)
class Keeping:
    """Goes through the tiles of a job as a save does.

    Attributes
    ----------
    steps
        One before each tile that needs what is not there yet.
    found
        Outline and workspace by key.
    """

    steps: tuple[_Step, ...]
    found: Mapping[Key, tuple[Any, int]]

    @classmethod
    def of(
        cls, job: Job, given: Mapping[Key, Any], found: Mapping[Key, tuple[Any, int]]
    ) -> Keeping:
        """Find out when what is shared is computed, and how long it is kept."""
        steps: list[_Step] = []
        held: dict[Key, int] = {}
        size = {key: live_bytes([value]) for key, value in given.items()}
        for tile in job.tiles if job.shared else ():
            held = {key: n for key, n in held.items() if job.last_use[key] >= tile.number}
            missing = [key for key in _needed(job, tile.shared) if key not in held]
            if missing:
                before = sum(held.values())
                held |= {key: size[key] for key in missing}
                graph: Graph = {}
                for key in missing:
                    graph |= job.graph_of_shared(key)
                steps.append(_Step(before, graph, set(missing), sum(held.values())))
        return cls(tuple(steps), found)

    def peak(self, workers: int, busy: int) -> int:
        """Return the bytes at most, if so many workers are busy with tiles that take so much.

        One worker alone computes what is shared between two tiles; of several each may have a
        tile in hand meanwhile.
        """
        most = busy
        for step in self.steps:
            computing = step.before + peak_of(step.graph, self.found, step.keys, workers=workers)
            if workers > 1 and step is not self.steps[0]:
                computing += busy
            most = max(most, computing, step.after + busy)
        return most

    @property
    def kept(self) -> int:
        """Bytes that are kept at most."""
        return max((step.after for step in self.steps), default=0)


def _needed(job: Job, keys: frozenset[Key]) -> list[Key]:
    """Return shared keys, and those that they need themselves, each after what it needs."""
    found: set[Key] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += job.inputs_of(job.graph_of_shared(key))
    return [key for key in job.shared if key in found]
