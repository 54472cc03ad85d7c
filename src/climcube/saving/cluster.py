"""Tiles computed by the workers of a Dask client."""

from __future__ import annotations

import pickle
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

import cloudpickle  # type: ignore[import-untyped]
from dask.sizeof import sizeof
from dask.utils import key_split
from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from climcube.clusters.attendance import Attendance, reaching
from climcube.clusters.failures import translated
from climcube.errors import IntegrityError, StoreError
from climcube.planning.costs.costing import AHEAD
from climcube.planning.tiles.jobs import Job, Tile
from climcube.planning.tiles.nodes import Graph, Key, is_constant
from climcube.saving.crews import Order, Outcome, Together, names_of

__all__ = ["ClusterCrew"]

_RETRIES = 2
_LEAST = 8  # tiles under way
_LARGE = 64 * 2**10  # bytes of a constant that is sent once, not with each tile
_COUNTED = 2.0  # seconds for which the number of workers is believed
_LOOK = 1.0  # seconds of waiting for one result, and then a look at who is there
_WAIT = 0.1  # seconds between two looks at what has ended
_SETTLING = 30.0  # seconds to wait for workers to lay down what was cancelled


class ClusterCrew:
    """The workers of a Dask client.

    Parameters
    ----------
    job
        What is computed.
    client
        Its client.

    Notes
    -----
    What is shared stays on the workers, and is computed again by them where one is lost. Names
    of tasks are those of one save: results of different saves never meet.
    """

    def __init__(self, job: Job, client: Client) -> None:
        self._job, self._client = job, client
        self._mark = uuid.uuid4().hex
        self._kept: dict[Key, Future[Any]] = {}  # constants, and what is shared
        self._running: dict[Any, tuple[Order, Future[Any]]] = {}
        self._ended = as_completed(with_results=False, raise_errors=False)
        self._number = 0
        self._counted: tuple[float, int] = (-_COUNTED, 1)
        self._attendance = Attendance(client)
        self._together: Together | None = None
        self._loose: list[Future[Any]] = []  # tasks of tiles that are computed together

    @property
    def width(self) -> int:
        """Threads of all workers; one where the first is yet to come."""
        at, count = self._counted
        if time.monotonic() - at > _COUNTED:
            with reaching(self._client, self._unfinished):
                count = max(1, sum(self._client.nthreads().values()))
            self._counted = time.monotonic(), count
        return count

    @property
    def window(self) -> int:
        """Tiles under way; some more where workers are yet to come, so that they are asked for."""
        return max(_LEAST, AHEAD * self.width)

    def ready(self, tile: Tile) -> bool:
        """Whether a tile can be started: the scheduler waits for what it needs."""
        missing = [key for key in self._job.needed(tile) if key not in self._kept]
        if missing:
            graph: Graph = {}
            for key in missing:
                graph |= self._job.graph_of_shared(key)
            with reaching(self._client, lambda: f"tile {tile.name}"):
                futures = self._submit(graph, missing)
            self._kept |= dict(zip(missing, futures, strict=True))
        return True

    def start(self, order: Order) -> None:
        """Let a tile be computed as one task of the scheduler."""
        with _quiet(), reaching(self._client, lambda: f"tile {order.tile.name}"):
            own, constants = self._without_constants(order.graph)
            known = [*constants, *order.tile.shared]
            future = self._client.submit(
                _run,
                cloudpickle.dumps((replace(order, graph=own), known)),
                *(self._kept[key] for key in known),
                key=self._name("tile"),
                retries=_RETRIES,
                pure=False,
            )
        self._running[future.key] = order, future
        self._ended.add(future)

    def next(self) -> list[Outcome]:
        """Wait for a tile; return tiles that came to their end."""
        return [
            self._outcome(self._running.pop(future.key)[0].tile, future)
            for future in self._batch(self._ended)
            if not _again(future, self._ended)
        ]

    def release(self, keys: Sequence[Key]) -> None:
        """Let go what is shared and needed no more."""
        for key in keys:
            self._kept.pop(key, None)

    def cancel(self) -> list[Tile]:
        """Take back no tile: the few that wait come to their end soon."""
        return []

    def at_once(self, orders: Sequence[Order], ended: Callable[[Outcome], None]) -> None:
        """Compute all tiles together, task by task; say when the tasks of one are done."""
        graph: Graph = {}
        for order in orders:
            self.ready(order.tile)
            graph |= order.graph
        self._together = together = Together(orders, ended)
        with reaching(self._client, self._unfinished):
            self._loose = self._submit(graph, together.keys)
        of = dict(zip(self._loose, together.keys, strict=True))
        died: dict[int, Outcome] = {}
        completed = as_completed(list(of), with_results=False, raise_errors=False)
        while not completed.is_empty():
            for future in self._batch(completed):
                if _again(future, completed):
                    continue
                order = together.order_of(of[future])
                outcome = self._outcome(order.tile, future)
                if outcome.results is not None:
                    together.take(of[future], outcome.results)
                elif outcome.tries:
                    died.setdefault(order.tile.number, outcome)
                else:
                    ended(outcome)
        self._loose.clear()
        for outcome in died.values():
            ended(outcome)

    def close(self, *, shut: bool) -> None:
        """Come back only when nobody computes any more, or the cluster is out of reach."""
        self._give_up([*self._loose, *(future for _, future in self._running.values())])
        self._running.clear()
        self._loose.clear()
        self._kept.clear()

    def _batch(self, completed: Any) -> list[Future[Any]]:
        """Wait for futures to come to their end, as long as there is somebody to end them."""
        while not completed.has_ready():
            with completed.thread_condition:
                completed.thread_condition.wait(timeout=_WAIT)
            self._attendance.require(self._unfinished)
        batch: list[Future[Any]] = completed.next_batch(block=False)
        return batch

    def _unfinished(self) -> str:
        tiles = [order.tile for order, _ in self._running.values()]
        return names_of(self._together.unfinished if self._together else tiles)

    def _result(self, future: Future[Any]) -> Any:
        """Return a result; where it is lost by now, with its worker, when it is there again."""
        while True:
            try:
                result = future.result(timeout=_LOOK)
            except TimeoutError:
                if future.status == "error":  # the task's own
                    raise
                self._attendance.require(self._unfinished)
            else:
                break
        alarm = getattr(self._client, "alarm", None)  # a worker with other packages
        if alarm is not None:
            raise alarm
        return result

    def _give_up(self, futures: Sequence[Future[Any]]) -> None:
        """Cancel tasks, and wait for those under way: what they write must not come late."""
        if not futures:
            return
        with suppress(Exception):  # the first failure is the one to report
            self._client.cancel(list(futures))
            end = time.monotonic() + _SETTLING
            while any(self._client.run(_busy, self._mark).values()) and time.monotonic() < end:
                time.sleep(0.05)

    def _name(self, what: str) -> tuple[str, int]:
        self._number += 1
        return f"{what}-{self._mark}", self._number

    def _without_constants(self, graph: Graph) -> tuple[Graph, list[Key]]:
        """Have large constants on the cluster; return the graph without them, and their keys."""
        large = [key for key, node in graph.items() if _is_large(node)]
        for key in large:
            if key not in self._kept:
                value, name = cast(Any, graph[key]).value, self._name("constant")
                with _quiet():  # as a task: where its worker is lost, another one has it
                    self._kept[key] = self._client.submit(_same, value, key=name, pure=False)
        gone = set(large)
        return {key: node for key, node in graph.items() if key not in gone}, large

    def _submit(self, graph: Graph, keys: Sequence[Key]) -> list[Future[Any]]:
        """Let tasks be computed, each for itself, under names of this save's own."""
        own, _ = self._without_constants(graph)
        names: dict[Any, Any] = {key: self._name(key_split(key)) for key in own}
        names |= {key: future.key for key, future in self._kept.items() if key not in own}
        renamed = {
            names[key]: cast(Any, node).substitute(names, key=names[key])
            for key, node in own.items()
        }
        with _quiet():
            futures: list[Future[Any]] = self._client.get(
                renamed, [names[key] for key in keys], sync=False, retries=_RETRIES
            )
        return futures

    def _outcome(self, tile: Tile, future: Future[Any]) -> Outcome:
        error: BaseException | None
        if future.status == "error":
            error = future.exception()
        else:
            try:
                result = self._result(future)
            except Exception as reason:  # noqa: BLE001 - it may be of any kind, as of any task
                error = reason
            else:
                refused = isinstance(result, _Refused)
                return Outcome(tile, None, result.error) if refused else Outcome(tile, result)
        assert error is not None
        death = next((e for e in (error, error.__cause__) if isinstance(e, KilledWorker)), None)
        ours = translated(death or error, f"tile {tile.name}", client=self._client)
        if ours is not None:
            ours.__cause__ = error
        return Outcome(tile, None, ours or error, death.allowed_failures + 1 if death else 0)


def _again(future: Future[Any], completed: Any) -> bool:
    """Wait once more for what was lost with its worker in this moment: it is computed again."""
    if future.status not in ("pending", "lost"):
        return False
    completed.add(future)
    return True


class _Refused:
    """An error that would come again: the scheduler must not try once more."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _run(dumped: bytes, *values: Any) -> Any:
    """Compute a tile, on a worker."""
    order, keys = cloudpickle.loads(dumped)
    try:
        return order.run(dict(zip(keys, values, strict=True)))
    except (OSError, StoreError) as error:
        if not isinstance(error, IntegrityError):
            raise
        return _Refused(error)
    except Exception as error:  # noqa: BLE001 - of the data, of climcube, of the user's code
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001 - whatever its reduction raises
            raise error from None
        return _Refused(error)


def _busy(mark: str, dask_worker: Any) -> bool:
    """Whether a worker computes a task of a save, cancelled ones too."""
    return any(mark in str(task.key) for task in dask_worker.state.executing)


def _same(value: Any) -> Any:
    return value


def _is_large(node: Any) -> bool:
    return is_constant(node) and sizeof(node.value) > _LARGE


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the warning of large graphs: each constant is sent once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sending large graph")
        yield
