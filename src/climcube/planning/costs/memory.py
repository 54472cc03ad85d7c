"""How much memory a graph takes at most: its tasks run on outlines, in the order of Dask."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from dask._task_spec import DataNode
from dask.order import order

from climcube.lift.costs import Outline, outlines_in
from climcube.planning.costs.outlining import Outliner
from climcube.planning.tiles.nodes import Graph, Key

__all__ = ["constant_bytes", "peak_of", "tasks_of", "values_of"]

Values = dict[Key, Any]


def values_of(
    outliner: Outliner, graph: Graph, given: Mapping[Key, Any]
) -> dict[Key, tuple[Any, int]]:
    """Return outline and workspace of every node of a graph.

    Parameters
    ----------
    given
        Outlines of what the graph needs and does not hold.
    """
    found: dict[Key, tuple[Any, int]] = {}
    values: Values = dict(given)
    for key in _sorted(graph):
        cost = outliner.cost(graph[key], values)
        values[key] = cost.result
        found[key] = cost.result, cost.workspace
    return found


def peak_of(
    graph: Graph,
    found: Mapping[Key, tuple[Any, int]],
    keep: AbstractSet[Key],
    *,
    workers: int = 1,
) -> int:
    """Return the bytes that are held at most while a graph is computed.

    Tasks begin in the order of Dask's own schedulers; with several workers so many at a time,
    the ones with more to do taking longer.

    Parameters
    ----------
    found
        What `values_of` returned.
    keep
        Keys that are wanted: they stay to the end.
    """
    return _Run(graph, found, keep).peak(workers)


def tasks_of(graph: Graph) -> frozenset[Key]:
    """Return the keys of what is run in a graph: all but values that it holds."""
    return frozenset(key for key, node in graph.items() if not isinstance(node, DataNode))


def constant_bytes(graph: Graph) -> int:
    """Return the bytes of tables and arrays that a graph itself holds."""
    arrays: dict[int, int] = {}
    for node in graph.values():
        if isinstance(node, DataNode):
            _add_arrays(node.value, arrays, depth=3)
    return sum(arrays.values())


def _add_arrays(value: Any, arrays: dict[int, int], depth: int) -> None:
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays[id(value)] = value.nbytes
    elif isinstance(value, np.ndarray) and not value.ndim:
        _add_arrays(value.item(), arrays, depth)
    elif isinstance(value, tuple | list) and depth:
        for part in value:
            _add_arrays(part, arrays, depth - 1)
    elif hasattr(value, "values") and isinstance(value.values, tuple):  # tables
        _add_arrays(value.values, arrays, depth)


class _Run:
    """One run of a graph: what is there, and what waits for what."""

    def __init__(
        self, graph: Graph, found: Mapping[Key, tuple[Any, int]], keep: AbstractSet[Key]
    ) -> None:
        self.found, self.keep = found, keep
        tasks = tasks_of(graph)
        self.needs = {k: set(graph[k].dependencies) & tasks for k in tasks}
        self.users: dict[Key, set[Key]] = {k: set() for k in tasks}
        for key, needed in self.needs.items():
            for other in needed:
                self.users[other].add(key)
        as_dask: Any = dict(graph)
        self.rank: dict[Any, int] = order(as_dask) if graph else {}
        self.owners: dict[int, list[int]] = {}  # uses and bytes of each array that is held
        self.held = 0

    def peak(self, workers: int) -> int:
        """Go through the run."""
        waiting = {k: set(needed) for k, needed in self.needs.items()}
        unused = {k: set(users) for k, users in self.users.items()}
        ready = sorted((k for k, w in waiting.items() if not w), key=self._rank, reverse=True)
        running: list[tuple[float, int, Key]] = []
        clock, number, most, room = 0.0, 0, 0, 0
        last: Key | None = None
        while ready or running:
            while ready and len(running) < workers:
                key = ready.pop()
                result, workspace = self.found[key]
                self._hold(result)
                room += workspace
                number += 1
                heapq.heappush(running, (clock + 1 + self._work(key), number, key))
            most = max(most, self.held + room)
            clock, _, key = heapq.heappop(running)
            room -= self.found[key][1]
            if last is not None:  # Dask's loop keeps the latest result while the next runs
                self._drop(self.found[last][0])
            self._hold(self.found[key][0])
            last = key
            for user in sorted(self.users[key], key=self._rank, reverse=True):
                waiting[user].discard(key)
                if not waiting[user]:
                    ready.append(user)
            for used in self.needs[key]:
                unused[used].discard(key)
                if not unused[used] and used not in self.keep:
                    self._drop(self.found[used][0])
            if not unused[key] and key not in self.keep:
                self._drop(self.found[key][0])
        return most

    def _rank(self, key: Key) -> int:
        return self.rank[key]

    def _work(self, key: Key) -> float:
        inputs = [self.found[k][0] for k in self.needs[key]]
        return float(_bytes([*inputs, self.found[key][0]]))

    def _hold(self, value: Any) -> None:
        for owner in _owners(value):
            uses = self.owners.setdefault(id(owner), [0, owner.nbytes])
            if not uses[0]:
                self.held += uses[1]
            uses[0] += 1

    def _drop(self, value: Any) -> None:
        for owner in _owners(value):
            uses = self.owners[id(owner)]
            uses[0] -= 1
            if not uses[0]:
                self.held -= uses[1]


def _owners(value: Any) -> Iterable[Outline]:
    return {id(o.owner): o.owner for o in outlines_in(value)}.values()


def _bytes(values: Any) -> int:
    return sum(owner.nbytes for owner in _owners(values))


def _sorted(graph: Graph) -> list[Key]:
    """Return the keys of a graph, each after those that it needs."""
    done: dict[Key, None] = {}
    for head in graph:
        waiting = [head]
        while waiting:
            key = waiting[-1]
            if key in done:
                waiting.pop()
                continue
            missing = [k for k in graph[key].dependencies if k in graph and k not in done]
            if missing:
                waiting += missing
            else:
                done[key] = None
                waiting.pop()
    return list(done)
