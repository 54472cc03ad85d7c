"""The nodes of an optimised Dask graph: what holds a value, what reads, what computes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from dask._task_spec import DataNode, GraphNode, Task
from dask.array.optimization import GETTERS

__all__ = ["Graph", "Key", "is_constant", "is_read", "walk"]

Key = Hashable
Graph = dict[Key, GraphNode]


def walk(graph: Graph, keys: Iterable[Key], stop: AbstractSet[Key]) -> Iterator[Key]:
    """Yield all keys that some keys need, themselves among them, down to where to stop."""
    seen: set[Key] = set()
    waiting = [key for key in keys if key not in stop]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            yield key
            waiting += [k for k in graph[key].dependencies if k not in stop]


def is_constant(node: GraphNode) -> bool:
    """Whether a node of a graph holds a value: tables, or the array that others read from."""
    return isinstance(node, DataNode)


def is_read(node: GraphNode, graph: Graph) -> bool:
    """Whether a node only reads (and decodes) a block of the source."""
    if not isinstance(node, Task) or not all(is_constant(graph[k]) for k in node.dependencies):
        return False
    return all(_reads(task) for task in _fused(node))


def _fused(node: Task) -> Iterator[Task]:
    """Yield a task, or those that Dask has put together in it."""
    inner = node.args[0] if node.has_subgraph() else None
    graph = getattr(inner, "value", inner)
    if not isinstance(graph, Mapping):
        yield node
        return
    for task in graph.values():
        if isinstance(task, Task):
            yield from _fused(task)


def _reads(task: Task) -> bool:
    function = getattr(task.func, "func", task.func)
    return function in GETTERS or str(getattr(function, "__module__", "")).startswith(
        "climcube.cubes."
    )
