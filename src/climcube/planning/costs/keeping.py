"""What is kept for several tiles: when it is computed, and what is there meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from climcube.planning.costs.forms import PartCost
from climcube.planning.tiles.jobs import Job, Tile
from climcube.planning.tiles.nodes import Key

__all__ = ["Keeping", "Step", "in_turn"]


@dataclass(frozen=True)
class Step:
    """What is computed before a tile, for it and for others.

    Attributes
    ----------
    before, after
        Bytes that are kept before, and then.
    cost
        Of computing it.
    """

    before: int
    after: int
    cost: PartCost


@dataclass(frozen=True)
class Keeping:
    """Goes through the tiles of a job as a save does.

    Attributes
    ----------
    steps
        One before each tile that needs what is not there yet.
    """

    steps: tuple[Step, ...]

    def peak(self, workers: int, busy: int) -> int:
        """Return the bytes at most, if so many workers are busy with tiles that take so much.

        One worker alone computes what is shared between two tiles; of several each may have a
        tile in hand meanwhile.
        """
        most = busy
        for step in self.steps:
            computing = step.before + step.cost.form.peak(workers)
            if workers > 1 and step is not self.steps[0]:
                computing += busy
            most = max(most, computing, step.after + busy)
        return most

    @property
    def kept(self) -> int:
        """Bytes that are kept at most."""
        return max((step.after for step in self.steps), default=0)


def in_turn(job: Job) -> Iterator[tuple[Tile, list[Key], list[Key]]]:
    """Yield tiles, with what is kept when each has its turn, and what is to be computed for it."""
    held: dict[Key, None] = {}
    for tile in job.tiles:
        held = {key: None for key in held if job.last_use[key] >= tile.number}
        missing = [key for key in job.needed(tile) if key not in held]
        yield tile, list(held), missing
        held |= dict.fromkeys(missing)
