"""Tile by tile: never more in hand than a few for each worker; what is done is noted at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from climcube.errors import ClimcubeError
from climcube.planning.costs.costing import AHEAD
from climcube.planning.tiles.jobs import WHOLE, Job, Tile
from climcube.saving.crews import Crew, Order, Outcome, names_of

__all__ = ["compute_tiles", "named"]

_TRIES = 3  # workers that die of a tile before it is given up


def compute_tiles(
    job: Job,
    tiles: Sequence[Tile],
    crew: Crew,
    order_of: Callable[[Tile], Order],
    take: Callable[[Tile, Any], None],
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
    A tile that workers die of is left aside; all others are computed before that is an error.
    """
    died: list[Outcome] = []

    def ended(outcome: Outcome) -> None:
        if outcome.tries:
            died.append(outcome)
        elif outcome.error is not None:
            raise named(outcome)
        else:
            take(outcome.tile, outcome.results)

    if not tiles:
        return
    if len(tiles) < AHEAD * crew.width:
        # A few tiles would not keep all workers busy: their tasks do.
        crew.at_once([order_of(tile) for tile in tiles], ended)
    else:
        _one_by_one(_Window(job, tiles, crew, order_of), ended, take)
    if died:
        _raise_poisoned(_poisoned(died, crew, order_of, take))


def _one_by_one(
    window: _Window, ended: Callable[[Outcome], None], take: Callable[[Tile, Any], None]
) -> None:
    while window.open:
        for outcome in sorted(window.next(), key=lambda o: o.error is not None):
            try:
                ended(outcome)
            except BaseException:
                window.settle(take)
                raise
            window.release(outcome.tile)


def _poisoned(
    died: Sequence[Outcome],
    crew: Crew,
    order_of: Callable[[Tile], Order],
    take: Callable[[Tile, Any], None],
) -> list[Outcome]:
    """Return those of some tiles that workers die of, even if they do nothing else.

    A tile that merely waited at a worker for its turn is blamed with the one that it died of.
    """
    if len(died) == 1 and died[0].tries >= _TRIES:
        return list(died)
    poisoned = []
    for suspect in died:
        while not crew.ready(suspect.tile):
            crew.next()
        crew.start(order_of(suspect.tile))
        (outcome,) = crew.next()
        if outcome.error is None:
            take(outcome.tile, outcome.results)
        elif outcome.tries:
            poisoned.append(outcome)
        else:
            raise named(outcome)
    return poisoned


def _raise_poisoned(poisoned: Sequence[Outcome]) -> None:
    """Raise one error that names all tiles that workers die of."""
    if not poisoned:
        return
    error = poisoned[0].error
    assert error is not None
    if len(poisoned) == 1 or not isinstance(error, ClimcubeError):
        raise error
    raise type(error)(
        error.what, where=names_of([o.tile for o in poisoned]), expected=error.expected,
        found=error.found, remedy=error.remedy,
    ) from error  # fmt: skip


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
                and self._running < self._crew.window
                and self._crew.ready(self._waiting[0])
            ):
                self._crew.start(self._order_of(self._waiting[0]))
                self._waiting.popleft()  # only now: where it fails, the error names this tile
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

    def settle(self, take: Callable[[Tile, Any], None]) -> None:
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
        if f"tile {name}" in str(error.where):
            return error
        where = f"{error.where}, tile {name}" if error.where else f"tile {name}"
        own = type(error)(
            error.what, where=where, expected=error.expected, found=error.found,
            remedy=error.remedy,
        )  # fmt: skip
        own.__cause__ = error
        return own
    error.add_note(f"climcube: in tile {name}")
    return error
