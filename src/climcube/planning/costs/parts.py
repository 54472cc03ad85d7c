"""Tell whether two parts of a graph are alike, so that only one of them need be looked at.

Two tiles are of one *form* if the same functions are called in them in the same order with the
same arguments, but for where in a store they read: there the sizes of what is read, and what
reading needs meanwhile, must be the same. Then they take the same memory. What they read is
counted for each of them: it differs at the edges of chunks and shards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from dask._task_spec import Alias, DataNode, GraphNode, Task, TaskRef

from climcube.lift.costs import Outline, outlines_in
from climcube.planning.costs.calls import is_identity, is_taking
from climcube.planning.costs.reads import Reading, Readings
from climcube.planning.costs.small import part_of
from climcube.planning.tiles.nodes import Graph, Key

__all__ = ["Part", "Parts"]

_NOTHING = object()  # is held under a key
_PLAIN = frozenset({int, str, type(None), slice, type, FunctionType, BuiltinFunctionType})
_TYPED = (bool, float, complex, np.generic, np.dtype)  # equal to others that they are not


@dataclass(frozen=True)
class Part:
    """Tasks that are run together.

    Attributes
    ----------
    form
        What they have in common with others like them.
    keys
        Theirs, in an order that is the same in all parts of the form; the wanted ones first.
    tasks
        How many of them are run, and are not values that the graph holds.
    reads
        What they read, by task.
    """

    form: Hashable
    keys: tuple[Key, ...]
    tasks: int
    reads: Mapping[Key, list[Reading]] = field(repr=False)


class Parts:
    """Takes a graph apart.

    Parameters
    ----------
    graph
        All of it.
    readings
        Counts what is read.
    """

    def __init__(self, graph: Graph, readings: Readings) -> None:
        self._graph, self._readings = graph, readings

    def of(self, wanted: Iterable[Key], given: Mapping[Key, Any]) -> Part:
        """Return what is run to get some keys.

        Parameters
        ----------
        given
            Outlines of what is there already, by key.
        """
        return _Teller(self._graph, self._readings, given).told(wanted)


class _Teller:
    """Walks down from the wanted keys, always in the order of arguments, and tells what it sees."""

    def __init__(self, graph: Graph, readings: Readings, given: Mapping[Key, Any]) -> None:
        self._graph, self._readings, self._given = graph, readings, given
        self._numbers: dict[Key, int] = {}
        self._keys: list[Key] = []
        self._owners: dict[int, int] = {}
        self._reads: dict[Key, list[Reading]] = {}

    def told(self, wanted: Iterable[Key]) -> Part:
        for key in wanted:
            self._number(key)
        words, tasks, own = [], 0, []
        for key in self._keys:  # which grows meanwhile
            if key in self._given:
                words.append(self._outlines(self._given[key]))
                continue
            own.append(key)
            node = self._graph[key]
            tasks += not isinstance(node, DataNode)
            self._key = key
            words.append(self._word(node, self._number, self._value))
        return Part((tuple(words), _names(own)), tuple(self._keys), tasks, self._reads)

    def _number(self, key: Key) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key)
        return number

    def _value(self, key: Key) -> Any:
        """Return the value that is held under a key, if one is: by the graph, or as it is given."""
        if key in self._given:
            return self._given[key]
        node: Any = self._graph.get(key)
        while isinstance(node, Alias) or (isinstance(node, Task) and is_identity(node.func)):
            node = node.args[0] if isinstance(node, Task) else TaskRef(node.target)
            node = self._graph.get(node.key) if isinstance(node, TaskRef) else node
        return node.value if isinstance(node, DataNode) else _NOTHING

    def _outlines(self, value: Any) -> Hashable:
        """Tell of what is given: which of it looks at the same memory matters, too."""
        return tuple(
            (
                type(o), o.shape, o.dtype, o.extra, id(getattr(o, "sample", None)), o.owner.nbytes,
                self._owners.setdefault(id(o.owner), len(self._owners)),
            )
            for o in outlines_in(value)
        )  # fmt: skip

    def _word(self, value: Any, number: Callable[[Key], Any], held: Callable[[Key], Any]) -> Any:
        """Tell of a node, or of an argument.

        Parameters
        ----------
        number, held
            Return what stands for a key, and the value that is held under it, if any is.
        """
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is TaskRef:
            return ("key", number(value.key))
        if isinstance(value, Task):
            return self._task(value, number, held)
        if isinstance(value, DataNode):
            return self._word(value.value, number, held)
        if isinstance(value, Alias):
            return ("alias", number(value.target))
        if isinstance(value, _TYPED):
            return (kind, value)
        if kind in (tuple, list):
            return (kind, *(self._word(part, number, held) for part in value))
        if kind is dict:
            return ("dict", *((k, self._word(v, number, held)) for k, v in value.items()))
        if isinstance(value, partial):
            inner = (value.func, value.args, value.keywords)
            return ("partial", *(self._word(part, number, held) for part in inner))
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            # Of other types values may decide on sizes: numbers to pick out, which to keep.
            return ("array", value.shape, value.dtype, 0 in value.strides)
        return ("object", id(value))  # the graph keeps it: no other has its number

    def _task(self, node: Task, number: Callable[[Key], Any], held: Callable[[Key], Any]) -> Any:
        if node.has_subgraph():
            return self._fused(node, number, held)
        if is_taking(node.func) and len(node.args) > 1 and not node.kwargs:
            taken = self._taken(node, number, held)
            if taken is not None:
                return taken
        words = [self._word(part, number, held) for part in (node.func, *node.args)]
        for name, part in node.kwargs.items():
            words += [name, self._word(part, number, held)]
        return tuple(words)

    def _fused(self, node: Task, number: Callable[[Key], Any], held: Callable[[Key], Any]) -> Any:
        """Tell of tasks that Dask runs as one."""
        inner, head, names, *given = (a.value if isinstance(a, DataNode) else a for a in node.args)
        outer = dict(zip(names, given, strict=True))
        numbers = {key: i for i, key in enumerate(inner)}

        def number_within(key: Key) -> Any:
            if key in numbers:
                return ("within", numbers[key])
            return self._word(outer[key], number, held)

        def held_within(key: Key) -> Any:
            if key in numbers:
                return inner[key].value if isinstance(inner[key], DataNode) else _NOTHING
            above = outer[key]
            return held(above.key) if isinstance(above, TaskRef) else above

        words = [self._word(task, number_within, held_within) for task in inner.values()]
        return (_names(list(inner)), number_within(head), *words)

    def _taken(self, node: Task, number: Callable[[Key], Any], held: Callable[[Key], Any]) -> Any:
        """Tell of a part of something that is there already: where it lies matters not."""
        array, index = (
            held(a.key) if isinstance(a, TaskRef) else a.value if isinstance(a, DataNode) else a
            for a in node.args[:2]
        )
        if index is _NOTHING or isinstance(index, GraphNode) or not hasattr(array, "shape"):
            return None
        if isinstance(array, np.ndarray) and (array.dtype.kind != "f" or 0 in array.strides):
            return None
        source = number(node.args[0].key) if isinstance(node.args[0], TaskRef) else None
        try:
            shape, basic = part_of(array.shape, index)
        except IndexError:
            return None
        plain = isinstance(array, np.ndarray | Outline)
        reading = None if plain else self._readings.of(array, index)
        if reading is None:
            return ("taken", source, type(array), array.dtype, shape, basic)
        self._reads.setdefault(self._key, []).append(reading)
        return ("read", source, array.dtype, shape, reading.buffers)


def _names(keys: list[Key]) -> Hashable:
    """Tell what the order of tasks follows where nothing else decides it: their names.

    Blocks of one array differ by where they lie, as do those of another tile: what counts is
    which comes first.
    """
    names = [key[0] if isinstance(key, tuple) else key for key in keys]
    several = {name for name, count in Counter(names).items() if count > 1}
    if not several:
        return tuple(names)
    places = [i for i, name in enumerate(names) if name in several]
    places.sort(key=lambda i: (str(names[i]), str(keys[i])))
    return (tuple(names), tuple(places))
