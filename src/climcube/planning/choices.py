"""What a plan chooses, and why: tiles, workers, and in which layout data are best read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from climcube.options import get_option
from climcube.planning.fit import WASTEFUL, Fit
from climcube.planning.words import spoken_time
from climcube.stores.integrity.verification import spoken_size

__all__ = ["Choice", "choices_of"]


@dataclass(frozen=True)
class Choice:
    """One choice: what it is about, what was chosen, and why."""

    about: str
    choice: str
    why: str


def choices_of(fit: Fit, seconds: float | None) -> tuple[Choice, ...]:
    """Return what is best done, and why."""
    return (_tiles(fit), _workers(fit), _layout(fit, seconds))


def _tiles(fit: Fit) -> Choice:
    size = fit.cost.tile_bytes or get_option("tile_bytes")
    each = fit.cost.tile_peak
    if fit.memory is None:
        return Choice("tiles", "as they are", "how much memory there is, is not known")
    beside = fit.cost.beside(fit.processes)
    room = (fit.memory - beside) // max(1, fit.workers)
    if each > room:
        return Choice(
            "tiles",
            "smaller",
            f"one takes {spoken_size(each)}, a worker has {spoken_size(max(0, room))}",
        )
    fewer = fit.cost.total("moved", fit.workers) > WASTEFUL * fit.cost.needed
    if fewer and each and room // each >= 4:
        times = 2 ** int(math.log2(room // each))
        return Choice(
            "tiles",
            f"{times} times larger would fit: cc.set_options(tile_bytes={size * times})",
            "stored chunks are wider than tiles, and read by each of them",
        )
    return Choice("tiles", "as they are", f"one takes {spoken_size(each)} of {spoken_size(room)}")


def _workers(fit: Fit) -> Choice:
    tiles = len(fit.cost.tiles)
    if fit.most_workers < fit.workers:
        if not fit.most_workers:
            return Choice("workers", "none", "not even one tile fits the memory")
        return Choice(
            "workers", f"{fit.most_workers} in place of {fit.workers}", "the memory allows no more"
        )
    if tiles and tiles < fit.workers:
        return Choice(
            "workers",
            f"{fit.workers}",
            f"there {'is' if tiles == 1 else 'are'} only {tiles:,} tile{'s' * (tiles > 1)}: "
            "they share its tasks",
        )
    return Choice("workers", f"{fit.workers}", "the memory allows them")


def _layout(fit: Fit, seconds: float | None) -> Choice:
    moved, needed = fit.cost.total("moved", fit.workers), fit.cost.needed
    requests = fit.cost.total("requests", fit.workers)
    if not requests:
        return Choice("layout", "as it is", "nothing is known of a store")
    waste = moved - needed
    if moved <= WASTEFUL * needed:
        again = fit.cost.repeated
        if again:
            return Choice(
                "layout", "as it is", f"{again:,} objects are read more than once, which is little"
            )
        return Choice("layout", "as it is", "each object is read once, and whole")
    pays = math.ceil(2 * needed / max(1, waste))
    took = ""
    if seconds is not None:
        took = f", of about {spoken_time(seconds)} now"
    return Choice(
        "layout",
        "a copy as series: climcube relayout SOURCE COPY",
        f"{moved / needed:.1f} times the bytes needed are read{took}; the copy moves "
        f"{spoken_size(2 * needed)} and pays after {pays} analys{'is' if pays == 1 else 'es'}",
    )
