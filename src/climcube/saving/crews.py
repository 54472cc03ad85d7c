"""Who computes tiles: this thread, threads or processes of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cloudpickle  # type: ignore[import-untyped]
import dask.config
import dask.local
import dask.multiprocessing
import dask.threaded
from dask.callbacks import Callback
from dask.local import SynchronousExecutor
from dask.system import CPU_COUNT

from climcube.planning.costs.costing import AHEAD
from climcube.planning.tiles.jobs import Job, Tile
from climcube.planning.tiles.nodes import Graph, Key
from climcube.saving.settle import Threads
from climcube.saving.tasks import evaluate, with_values

__all__ = ["Crew", "LocalCrew", "Order", "Outcome", "Together", "local_crew", "names_of"]

_SHOWN = 4


@dataclass(frozen=True)
class Order:
    """What is to be computed of one tile.

    Attributes
    ----------
    tile
        Which.
    graph
        Its tasks, but what is shared.
    keys
        Those whose results are wanted.
    """

    tile: Tile
    graph: Graph
    keys: list[Key]

    def run(self, values: Mapping[Key, Any]) -> list[Any]:
        """Compute the keys in this thread; ``values``: what is shared."""
        return evaluate(with_values(self.graph, values), self.keys)


@dataclass(frozen=True)
class Outcome:
    """What became of one tile.

    Attributes
    ----------
    tile
        Which.
    results
        Of its keys; ``None`` after an error.
    error
        What went wrong.
    tries
        Workers that died of it, or beside it; 0 where it is something else that went wrong.
    """

    tile: Tile
    results: Any
    error: BaseException | None = None
    tries: int = 0


class Crew(Protocol):
    """Workers.

    Attributes
    ----------
    width
        Tiles that are computed at the same time.
    window
        Tiles under way, those included that wait for a worker.
    """

    @property
    def width(self) -> int:
        """Tiles that are computed at the same time."""

    @property
    def window(self) -> int:
        """Tiles under way, those included that wait for a worker."""

    def ready(self, tile: Tile) -> bool:
        """Whether a tile can be started; if not, what is missing is being computed."""

    def start(self, order: Order) -> None:
        """Let a tile be computed."""

    def next(self) -> list[Outcome]:
        """Wait for something; return tiles that came to their end."""

    def release(self, keys: Sequence[Key]) -> None:
        """Let go what is shared and needed no more."""

    def cancel(self) -> list[Tile]:
        """Take back tiles that nobody has begun; return them."""

    def at_once(self, orders: Sequence[Order], ended: Callable[[Outcome], None]) -> None:
        """Compute all tiles together, task by task; say when the tasks of one are done."""

    def close(self, *, shut: bool) -> None:
        """Come back only when nobody computes any more; ``shut``: the pool is ours."""


class LocalCrew:
    """Threads or processes of this machine, or this thread alone.

    Parameters
    ----------
    job
        What is computed.
    get
        Dask's way to compute a graph with them.
    pool
        They.
    width
        How many.
    apart
        Whether they are other processes.
    """

    def __init__(
        self, job: Job, get: Callable[..., Any], pool: Any, width: int, *, apart: bool = False
    ) -> None:
        self._job, self._get, self._pool, self._apart = job, get, pool, apart
        self.width = width
        self._alone = isinstance(pool, SynchronousExecutor)
        # In this thread a tile is computed when it is started: it is noted before the next.
        self.window = 1 if self._alone else AHEAD * width
        self._running: dict[Future[list[Any]], Tile] = {}
        self._values: dict[Key, Any] = {}
        self._coming: tuple[list[Key], Future[Any]] | None = None
        self._aside = SynchronousExecutor() if self._alone else ThreadPoolExecutor(1)

    def ready(self, tile: Tile) -> bool:
        """Whether all that a tile shares with others is there; else it is being computed."""
        if self._coming is not None:
            keys, future = self._coming
            if not future.done():
                return False
            self._coming = None
            self._values |= dict(zip(keys, future.result(), strict=True))
        missing = [key for key in self._job.needed(tile) if key not in self._values]
        if not missing:
            return True
        graph: Graph = {}
        for key in missing:
            graph |= self._job.graph_of_shared(key)
        known = {k: self._values[k] for k in self._job.inputs_of(graph)}
        # Its many tasks are for all workers, while these still compute tiles.
        future = self._aside.submit(self._get, with_values(graph, known), missing)
        self._coming = missing, future
        return self.ready(tile) if self._alone else False

    def start(self, order: Order) -> None:
        """Let a tile be computed."""
        values = {key: self._values[key] for key in order.tile.shared}
        if self._apart:
            future = self._pool.submit(_run_dumped, cloudpickle.dumps((order, values)))
        else:
            future = self._pool.submit(order.run, values)
        self._running[future] = order.tile

    def next(self) -> list[Outcome]:
        """Wait for a tile, or for what is shared; return tiles that came to their end."""
        others = [self._coming[1]] if self._coming is not None else []
        done, _ = wait([*self._running, *others], return_when=FIRST_COMPLETED)
        ended = [future for future in self._running if future in done]
        return [_outcome(self._running.pop(future), future) for future in ended]

    def release(self, keys: Sequence[Key]) -> None:
        """Let go what is shared and needed no more."""
        for key in keys:
            self._values.pop(key, None)

    def cancel(self) -> list[Tile]:
        """Take back tiles that nobody has begun; return them."""
        return [self._running.pop(f) for f in list(self._running) if f.cancel()]

    def at_once(self, orders: Sequence[Order], ended: Callable[[Outcome], None]) -> None:
        """Compute all tiles together, task by task; say when the tasks of one are done."""
        graph: Graph = {}
        for order in orders:
            graph |= order.graph
            for key in self._job.needed(order.tile):
                graph |= self._job.graph_of_shared(key)
        together = Together(orders, ended)
        keys = together.keys
        with Callback(posttask=lambda key, result, *_: together.take(key, result)):
            results = self._get(graph, keys)
        for key, result in zip(keys, results, strict=True):
            together.take(key, result)  # of schedulers that call nobody back

    def close(self, *, shut: bool) -> None:
        """Come back only when nobody computes any more; ``shut``: the pool is ours."""
        self._aside.shutdown(wait=True, cancel_futures=True)
        self.cancel()
        wait(list(self._running))
        if shut:
            self._pool.shutdown(wait=True, cancel_futures=True)


class Together:
    """Results of several tiles, as they come."""

    def __init__(self, orders: Sequence[Order], ended: Callable[[Outcome], None]) -> None:
        self._ended = ended
        self._of = {key: order for order in orders for key in order.keys}
        self._results: dict[int, dict[Key, Any]] = {}
        self._taken: set[Key] = set()

    @property
    def keys(self) -> list[Key]:
        """What is to be computed."""
        return list(self._of)

    @property
    def unfinished(self) -> list[Tile]:
        """Tiles of which something is missing."""
        missing = [order.tile for key, order in self._of.items() if key not in self._taken]
        return list({tile.number: tile for tile in missing}.values())

    def order_of(self, key: Key) -> Order:
        """Return the order that a key is of."""
        return self._of[key]

    def take(self, key: Key, result: Any) -> None:
        """Take the result of a task, if it is one that is waited for."""
        order = self._of.get(key)
        if order is None or key in self._taken:
            return
        self._taken.add(key)
        results = self._results.setdefault(order.tile.number, {})
        results[key] = result
        if len(results) == len(order.keys):
            del self._results[order.tile.number]
            self._ended(Outcome(order.tile, [results[k] for k in order.keys]))


def names_of(tiles: Sequence[Tile]) -> str:
    """Return the names of the first of some tiles, and how many more there are."""
    names = "; ".join(f"tile {tile.name}" for tile in tiles[:_SHOWN])
    return names + (f" and {len(tiles) - _SHOWN} more" if len(tiles) > _SHOWN else "")


def local_crew(job: Job, get: Callable[..., Any], given: Any, most: int) -> LocalCrew:
    """Return those who work for one of Dask's schedulers.

    Parameters
    ----------
    job, get
        As for `LocalCrew`.
    given
        A pool of the caller's, which is used as it is.
    most
        Of our own pool: workers at most.
    """
    workers = min(dask.config.get("num_workers", None) or CPU_COUNT, most)
    if get is dask.threaded.get:
        pool = given or Threads(workers)
        width = getattr(pool, "_max_workers", workers)
        return LocalCrew(job, partial(get, pool=pool), pool, width)
    if get is dask.multiprocessing.get:
        pool = given or _processes(workers)
        width = getattr(pool, "_max_workers", workers)
        return LocalCrew(job, partial(get, pool=pool), pool, width, apart=True)
    # Of a scheduler that is not known, all tasks are its own.
    width = 1 if get is dask.local.get_sync else sys.maxsize
    return LocalCrew(job, get, SynchronousExecutor(), width)


def _processes(workers: int) -> ProcessPoolExecutor:
    """Return processes as Dask starts them."""
    os.environ.setdefault("PYTHONHASHSEED", "6640")
    return ProcessPoolExecutor(
        workers,
        mp_context=dask.multiprocessing.get_context(),
        initializer=partial(
            dask.multiprocessing.initialize_worker_process,
            user_initializer=dask.config.get("multiprocessing.initializer", None),
        ),
    )


def _outcome(tile: Tile, future: Future[list[Any]]) -> Outcome:
    error = future.exception()
    return Outcome(tile, None if error else future.result(), error)


def _run_dumped(dumped: bytes) -> list[Any]:
    order, values = cloudpickle.loads(dumped)
    results: list[Any] = order.run(values)
    return results
