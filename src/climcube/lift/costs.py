"""What a task takes before it runs: sizes of what it returns, and of what it needs meanwhile.

Beside a function that tasks run stands a rule that takes the same arguments, with an `Outline`
in place of each array, and returns a `Cost`. A plan walks a graph with these rules; see
`climcube.planning.costs.memory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Cost", "Outline", "costs", "outlines_in", "rule_of"]


@dataclass(eq=False)
class Outline:
    """An array without values.

    Attributes
    ----------
    shape, dtype
        Of the array.
    owner
        The array whose memory it looks at; itself where it has its own.
    extra
        Bytes that it keeps beside its values (of objects: all that they hold).
    """

    shape: tuple[int, ...]
    dtype: Any
    owner: Outline = field(default=None, repr=False)  # type: ignore[assignment]
    extra: int = 0

    def __post_init__(self) -> None:
        self.shape = tuple(int(n) for n in self.shape)
        self.dtype = np.dtype(self.dtype)
        if self.owner is None:
            self.owner = self

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its values, and of what else it keeps."""
        return int(self.size * self.dtype.itemsize + self.extra)

    def view(self, shape: Sequence[int]) -> Outline:
        """Return an array of another shape that looks at the same memory."""
        return Outline(tuple(shape), self.dtype, self.owner)


@dataclass(frozen=True)
class Cost:
    """What a task returns, as outlines, and the bytes that it needs beside that meanwhile."""

    result: Any
    workspace: int = 0


Rule = Callable[..., Cost]
_RULES: dict[Any, Rule] = {}


def costs[F](rule: Rule) -> Callable[[F], F]:
    """Put a rule beside a function that tasks run."""

    def put(function: F) -> F:
        _RULES[function] = rule
        return function

    return put


def rule_of(function: Any) -> Rule | None:
    """Return the rule of a function; ``None`` where there is none."""
    try:
        return _RULES.get(function)
    except TypeError:  # it cannot be hashed
        return None


def outlines_in(value: Any) -> Iterator[Outline]:
    """Yield the outlines within tuples, lists and dictionaries."""
    if isinstance(value, Outline):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from outlines_in(part)
    elif isinstance(value, dict):
        yield from outlines_in(list(value.values()))
