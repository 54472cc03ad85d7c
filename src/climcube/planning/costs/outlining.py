"""Run tasks on outlines in place of arrays: sizes are known, nothing is computed.

A function with a rule beside it (`climcube.lift.costs`) is asked for its cost. Any other is run
on small arrays of zeros, in which each length stands for a large one, and the lengths of its result
are read back: that holds for functions of NumPy and those that are made of them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from dask._task_spec import DataNode, GraphNode, Task
from dask.array.core import concatenate3, concatenate_shaped
from dask.order import order

import climcube.planning.costs.archives  # noqa: F401 - its rule
from climcube.lift.costs import Cost, Outline, outlines_in, rule_of
from climcube.planning.costs.calls import (
    arguments,
    call,
    is_foreign,
    is_identity,
    is_taking,
    name_of,
    signature,
    unwrapped,
)
from climcube.planning.costs.small import Small, outlined, part_of

__all__ = ["Outliner", "live_bytes"]

_COPIES = 2  # of what goes in and comes out, for a function that nothing is known of


class Outliner:
    """Finds out the cost of one task after the other.

    Attributes
    ----------
    estimated
        Names of functions whose cost is a guess.
    work
        By the name of a kernel: numbers that it is given, and the longest axis of them.
    reader
        Called with an array-like in a store, and what is taken of it; returns the bytes that this
        needs meanwhile, ``None`` where nothing is known of it.

    Parameters
    ----------
    rehearse
        Whether functions of the user are run on small arrays; else what they cost is a guess.
    """

    def __init__(self, reader: Callable[[Any, Any], int | None], *, rehearse: bool = True) -> None:
        self.reader = reader
        self._rehearse = rehearse
        self.estimated: dict[str, None] = {}
        self.work: dict[str, tuple[int, int]] = {}
        self._known: dict[Hashable, Cost] = {}
        self._rooms: list[int] = []  # of tasks within the tasks at hand

    def cost(self, node: GraphNode, values: Mapping[Any, Any]) -> Cost:
        """Return the cost of a node, given what it depends on."""
        self._rooms.append(0)
        own = self._cost(node, values)
        within = self._rooms.pop()
        return Cost(own.result, max(own.workspace, within)) if within else own

    def _cost(self, node: GraphNode, values: Mapping[Any, Any]) -> Cost:
        if isinstance(node, DataNode):
            return Cost(node.value)
        if not isinstance(node, Task):  # an alias
            return Cost(values[next(iter(node.dependencies))])
        if node.has_subgraph():
            return self._fused(node, values)
        return self._called(node, values)

    def _within(self, node: GraphNode, values: Mapping[Any, Any]) -> Any:
        """Run a task that is an argument of another one."""
        cost = self.cost(node, values)
        self._rooms[-1] = max(self._rooms[-1], cost.workspace)
        return cost.result

    def _fused(self, node: Task, values: Mapping[Any, Any]) -> Cost:
        """Return the cost of tasks that Dask runs as one; inner results go as they are used up."""
        inner, head, names, *given = arguments(node, values, self._within)
        own = dict(zip(names, given, strict=True))
        graph = {key: DataNode(key, value) for key, value in own.items()} | dict(inner)
        uses: dict[Any, int] = {}
        for task in graph.values():
            for key in task.dependencies:
                uses[key] = uses.get(key, 0) + 1
        held: dict[Any, Any] = {}
        kept = {id(o.owner) for o in outlines_in(list(own.values()))}
        most = 0
        ranks = order(graph)
        for key in sorted(graph, key=ranks.__getitem__):
            cost = self.cost(graph[key], held)
            held[key] = cost.result
            most = max(most, live_bytes(held.values(), kept) + cost.workspace)
            for used in graph[key].dependencies:
                uses[used] -= 1
                if not uses[used] and used != head:
                    del held[used]
        result = held[head]
        return Cost(result, max(0, most - live_bytes([result], kept)))

    def _called(self, node: Task, values: Mapping[Any, Any]) -> Cost:
        function, args, kwargs = call(node, values, self._within)
        if is_taking(function):
            return self._taken(args[0], args[1])
        if name_of(function) == "_identity_cast":
            return Cost(kwargs["typ"](args))
        if is_identity(function):
            return Cost(args[0])
        rule = rule_of(function)
        if rule is not None:
            return self._by_rule(rule, args, kwargs)
        if not self._rehearse and is_foreign([function, args, kwargs]):
            return self._guessed(name_of(function), args, kwargs)
        if not any(True for _ in outlines_in([args, kwargs])):
            return self._made(function, args, kwargs)
        if function in (concatenate_shaped, concatenate3):
            return _concatenated(function, args)
        return self._tried(function, args, kwargs)

    def _by_rule(self, rule: Any, args: Any, kwargs: Any) -> Cost:
        self._count(args, kwargs)
        known_as = signature((rule, args, kwargs))
        known = self._known.get(known_as) if known_as is not None else None
        if known is None:
            try:
                known = rule(*args, **kwargs)
            except Exception:  # noqa: BLE001 - a guess is better than no plan
                return self._guessed(rule.__module__, args, kwargs)
            if known_as is not None:
                self._known[known_as] = known
        return Cost(_fresh(known.result), known.workspace)

    def _count(self, args: Any, kwargs: Any) -> None:
        """Note how much a kernel is given."""
        reference = kwargs.get("reference") or getattr(kwargs.get("work"), "reference", None)
        if reference is not None and args:
            arrays = [o for o in outlines_in(args[0]) if type(o) is Outline]
            numbers, longest = self.work.get(reference, (0, 0))
            numbers += sum(array.size for array in arrays)
            lengths = [n for array in arrays for n in array.shape]
            self.work[reference] = numbers, max([longest, *lengths])

    def _taken(self, array: Any, index: Any) -> Cost:
        """Return the cost of taking a part: a view, a copy, or what is read from a store."""
        if isinstance(array, list | tuple | dict):
            return Cost(array[index])
        if isinstance(array, np.ndarray | np.generic):
            return Cost(outlined(np.asarray(array)[index], []))
        if isinstance(array, Outline):
            try:
                shape, basic = part_of(array.shape, index)
            except IndexError:  # of a guess
                return self._guessed("getitem", array, {})
            return Cost(array.view(shape) if basic else Outline(shape, array.dtype))
        shape, _ = part_of(array.shape, index)
        part = Outline(shape, array.dtype)
        buffers = self.reader(array, index)
        if buffers is not None:
            return Cost(part, buffers)
        self.estimated[f"reading from {type(array).__name__}"] = None
        return Cost(part, 2 * part.nbytes)

    def _made(self, function: Any, args: Any, kwargs: Any) -> Cost:
        """Return the cost of what needs no array: constants, or what is read from files."""
        module = str(getattr(function, "__module__", ""))
        if module.startswith(("numpy", "dask", "builtins", "operator", "_operator")):
            return Cost(outlined(function(*args, **kwargs), []))
        return self._guessed(name_of(function), args, kwargs)

    def _tried(self, function: Any, args: Any, kwargs: Any) -> Cost:
        """Return the cost as learnt from small arrays."""
        if hasattr(function, "first") and hasattr(function, "funcs"):  # toolz.compose
            return self._composed(function, args, kwargs)
        if name_of(function) == "_concatenate2":
            return _concatenated(function, args, **kwargs)
        try:
            small = Small(args, kwargs)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = small.outlined(function(*small.args, **small.kwargs))
        except Exception:  # noqa: BLE001 - functions of anybody
            return self._guessed(name_of(function), args, kwargs)
        room = 0
        if not _is_plain(function):
            size = live_bytes([*outlines_in([args, kwargs])]) + live_bytes([result])
            room = _COPIES * size
        return Cost(result, room)

    def _composed(self, function: Any, args: Any, kwargs: Any) -> Cost:
        value, room = None, 0
        given = (args, kwargs)
        for step in (function.first, *function.funcs):
            inner, more, named = unwrapped(step, *given)
            cost = self._tried(inner, more, named)
            room += cost.workspace + live_bytes([cost.result])
            value, given = cost.result, ((cost.result,), {})
        return Cost(value, room)

    def _guessed(self, what: str, args: Any, kwargs: Any) -> Cost:
        self.estimated[what] = None
        size = live_bytes([args, kwargs])
        return Cost(Outline((size,), np.dtype("uint8")), _COPIES * size)


def live_bytes(values: Any, without: Any = ()) -> int:
    """Return the bytes of all arrays in some values, each once."""
    owners = {id(o.owner): o.owner for o in outlines_in(list(values))}
    return sum(o.nbytes for i, o in owners.items() if i not in without)


def _concatenated(function: Any, args: Any, axes: Any = None) -> Cost:
    arrays = list(_parts_in(args[0]))
    size = sum(array.size for array in arrays)
    if function is concatenate_shaped:
        grid = [int(n) for n in args[1]]
        axes = list(range(len(grid)))
    else:
        grid = _grid_of(args[0])
        axes = list(range(len(grid))) if axes is None and len(args) < 2 else (axes or args[1])
    shape = list(arrays[0].shape)
    if math.prod(grid) == len(arrays) and all(a.ndim > max(axes, default=0) for a in arrays):
        steps = np.array([math.prod(grid[i + 1 :]) for i in range(len(grid))])
        for position, axis in enumerate(axes):
            along = [arrays[int(steps[position]) * k] for k in range(grid[position])]
            shape[axis] = sum(array.shape[axis] for array in along)
    if math.prod(shape) != size:
        shape = [size]
    return Cost(Outline(tuple(shape), arrays[0].dtype))


def _parts_in(nested: Any) -> Iterator[Outline]:
    """Yield what is put together; some of it may be constant, and a real array."""
    for part in nested if isinstance(nested, list | tuple) else (nested,):
        if isinstance(part, list | tuple):
            yield from _parts_in(part)
        else:
            yield part if isinstance(part, Outline) else Outline(np.shape(part), part.dtype)


def _grid_of(nested: Any) -> list[int]:
    grid = []
    while isinstance(nested, list):
        grid.append(len(nested))
        nested = nested[0]
    return grid


def _fresh(result: Any) -> Any:
    """Return the same outlines, each with memory of its own."""
    if isinstance(result, Outline):
        twin = object.__new__(type(result))
        twin.__dict__.update(result.__dict__)
        twin.owner = twin
        return twin
    if isinstance(result, tuple | list):
        return type(result)(_fresh(part) for part in result)
    return result


def _is_plain(function: Any) -> bool:
    """Whether a function needs nothing beside what it takes and returns."""
    module = str(getattr(function, "__module__", None) or "numpy")
    if isinstance(function, np.ufunc) or hasattr(function, "method"):
        return True
    return module.startswith(("numpy", "operator", "_operator", "dask.array", "builtins"))
