"""What a task calls, and with what."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from operator import getitem
from typing import Any

import numpy as np
from dask._task_spec import Alias, DataNode, GraphNode, NestedContainer, Task, TaskRef
from dask.array.optimization import GETTERS

from climcube.lift.costs import Outline

__all__ = [
    "arguments",
    "call",
    "is_foreign",
    "is_identity",
    "is_taking",
    "name_of",
    "signature",
    "unwrapped",
]

Values = Mapping[Any, Any]

# Functions of these do nothing but what they return.
_KNOWN = (
    "numpy", "dask", "xarray", "climcube", "operator", "_operator", "builtins", "functools",
    "toolz", "cytoolz", "flox", "numpy_groupies", "numbagg", "bottleneck", "scipy", "pandas",
    "cftime", "numba",
)  # fmt: skip
Run = Callable[[GraphNode, Values], Any]


def name_of(function: Any) -> str:
    """Return the name of a function, or of what is called like one."""
    return str(getattr(function, "__name__", type(function).__name__))


def is_identity(function: Any) -> bool:
    """Whether that is Dask's function that returns what it is given, as copies of graphs have."""
    return name_of(function) == "_identity"


def is_taking(function: Any) -> bool:
    """Whether a function takes a part of its first argument, which the second one says."""
    return function in GETTERS or function is getitem or name_of(function) == "getitem"


def is_foreign(value: Any) -> bool:
    """Whether a function is the user's, or is handed one, as those of Dask and xarray are.

    Examples
    --------
    >>> import re  # stands for a module of the user
    >>> is_foreign(np.sum), is_foreign(re.escape)
    (False, True)
    >>> is_foreign([functools.partial(np.apply_along_axis, re.escape)])
    True
    """
    waiting, seen = [value], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, functools.partial):
            waiting += [part.func, part.args, part.keywords]
        elif isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
        elif callable(part) and not isinstance(part, type | np.ufunc) and id(part) not in seen:
            seen.add(id(part))
            module = str(getattr(part, "__module__", None) or "numpy")
            if module.partition(".")[0] not in _KNOWN:
                return True
            waiting += [getattr(part, "first", None), getattr(part, "funcs", None)]  # a composition
            cells = getattr(part, "__closure__", None) or ()
            waiting += [cell.cell_contents for cell in cells if _is_set(cell)]
    return False


def _is_set(cell: Any) -> bool:
    try:
        return callable(cell.cell_contents)
    except ValueError:
        return False


def call(node: Task, values: Values, run: Run) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return function and arguments of a task, those of `functools.partial` among them."""
    named = {name: _value(arg, values, run) for name, arg in node.kwargs.items()}
    return unwrapped(node.func, arguments(node, values, run), named)


def arguments(node: Task, values: Values, run: Run) -> tuple[Any, ...]:
    """Return what a task is called with; ``run`` returns what tasks within it do."""
    return tuple(_value(arg, values, run) for arg in node.args)


def unwrapped(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Take the arguments that `functools.partial` holds out of it."""
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    return function, args, kwargs


def _value(arg: Any, values: Values, run: Run) -> Any:
    if isinstance(arg, TaskRef):
        return values[arg.key]
    if isinstance(arg, NestedContainer):
        return arg.constructor([_value(part, values, run) for part in arg.args])
    if isinstance(arg, DataNode):
        return arg.value
    if isinstance(arg, Alias):
        return values[arg.target]
    return run(arg, values) if isinstance(arg, GraphNode) else arg


def signature(value: Any) -> Hashable:
    """Return what tells arguments from others; ``None`` where nothing does."""
    try:
        found = _signature(value)
        hash(found)
    except TypeError:
        return None
    return found


def _signature(value: Any) -> Hashable:
    if isinstance(value, Outline):
        return (type(value), value.shape, value.dtype, id(getattr(value, "sample", None)))
    if isinstance(value, tuple | list):
        return (type(value), *map(_signature, value))
    if isinstance(value, dict):
        return tuple((key, _signature(part)) for key, part in value.items())
    if isinstance(value, np.ndarray):
        return ("array", id(value))
    known: Hashable = value
    return known
