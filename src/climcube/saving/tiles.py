"""Tile by tile: never more in hand than a few for each worker; what is done is noted at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from climcube.errors import ClimcubeError
from climcube.planning.jobs import WHOLE, Job, Tile
from climcube.saving.crews import AHEAD, Crew, Order, Outcome

__all__ = ["compute_tiles", "named"]


def compute_tiles(
    job: Job,
    tiles: Sequence[Tile],
    crew: Crew,
    order_of: Callable[[Tile], Order],
    take: Callable[[Tile, list[Any]], None],
) -> None:
    """Compute tiles, and hand on the results of each as soon as they are there.

    Parameters
    ----------
    job
        What the tiles are of.
    tiles
        Those to compute, in their order.
    crew
        Who computes.
    order_of
        What is to be computed of a tile.
    take
        Called in this thread for each tile, in the order in which they come to an end.

    Notes
    -----
    After an error no tile is begun any more; those under way come to their end, and are taken.
    """

    def ended(outcome: Outcome) -> None:
        if outcome.error is not None or outcome.results is None:
            raise named(outcome)
        take(outcome.tile, outcome.results)

    if len(tiles) < AHEAD * crew.width:
        # A few tiles would not keep all workers busy: their tasks do.
        if tiles:
            crew.at_once([order_of(tile) for tile in tiles], ended)
        return
    window = _Window(job, tiles, crew, order_of)
    while window.open:
        for outcome in sorted(window.next(), key=lambda o: o.error is not None):
            try:
                ended(outcome)
            except BaseException:
                window.settle(take)
                raise
            window.release(outcome.tile)


class _Window:
    """Tiles under way, and those to come."""

    def __init__(
        self, job: Job, tiles: Iterable[Tile], crew: Crew, order_of: Callable[[Tile], Order]
    ) -> None:
        self._crew, self._order_of = crew, order_of
        self._waiting = deque(tiles)
        self._unfinished = {tile.number for tile in self._waiting}
        self._last_use = dict(job.last_use)
        self._running = 0

    @property
    def open(self) -> bool:
        return bool(self._unfinished)

    def next(self) -> list[Outcome]:
        """Start what there is room for, and wait for something."""
        try:
            while (
                self._waiting
                and self._running < AHEAD * self._crew.width
                and self._crew.ready(self._waiting[0])
            ):
                self._crew.start(self._order_of(self._waiting.popleft()))
                self._running += 1
        except Exception as error:  # noqa: BLE001 - it is raised when others have ended
            return [Outcome(self._waiting[0], None, error)]
        ended = self._crew.next()
        self._running -= len(ended)
        return ended

    def release(self, tile: Tile) -> None:
        """Let go what no tile needs any more."""
        self._unfinished.discard(tile.number)
        first = min(self._unfinished, default=None)
        gone = [k for k, last in self._last_use.items() if first is None or last < first]
        for key in gone:
            del self._last_use[key]
        self._crew.release(gone)

    def settle(self, take: Callable[[Tile, list[Any]], None]) -> None:
        """Let tiles under way come to their end, and take them."""
        self._running -= len(self._crew.cancel())
        while self._running > 0:
            for outcome in self._crew.next():
                self._running -= 1
                if outcome.results is not None:
                    take(outcome.tile, outcome.results)


def named(outcome: Outcome) -> BaseException:
    """Return the error of a tile, with the name of the tile."""
    error, name = outcome.error, outcome.tile.name
    assert error is not None
    if name == WHOLE:
        return error
    if isinstance(error, ClimcubeError) and type(error).__init__ is ClimcubeError.__init__:
        where = f"{error.where}, tile {name}" if error.where else f"tile {name}"
        own = type(error)(
            error.what, where=where, expected=error.expected, found=error.found,
            remedy=error.remedy,
        )  # fmt: skip
        own.__cause__ = error
        return own
    error.add_note(f"climcube: in tile {name}")
    return error
