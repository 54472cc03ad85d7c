"""Small arrays of zeros in place of large ones, and the way back from what they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from climcube.lift.costs import Outline

__all__ = ["Small", "outlined", "part_of"]

_SMALL = 8  # lengths below stand for themselves
_NEAR = 6  # lengths that differ by no more do so when small, too: a margin may be cut off
_STEP = 17


class Small:
    """Arguments with small arrays in place of large ones, and the way back."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        sizes = {n for shape in _shapes([args, kwargs]) for n in shape if n >= _SMALL}
        self._small: dict[int, int] = {}
        before = small = 0
        for size in sorted(sizes):
            gap = size - before
            small += gap if before and gap <= _NEAR else _STEP
            self._small[size], before = small, size
        self._large: dict[int, int] = {}
        for away in range(_NEAR + 1):
            for large, own in self._small.items():
                for sign in (-1, 1):
                    self._large.setdefault(own + sign * away, large + sign * away)
        self._given: list[tuple[Any, Outline]] = []
        self.args, self.kwargs = self._made_small(args), self._made_small(kwargs)

    def outlined(self, result: Any) -> Any:
        """Return outlines for the arrays of a result."""
        return outlined(result, self._given, self._large)

    def _made_small(self, value: Any) -> Any:
        if isinstance(value, Outline):
            shape = tuple(self._small.get(n, n) for n in value.shape)
            array = np.zeros(shape, value.dtype)
            self._given.append((array, value))
            return array
        if isinstance(value, np.ndarray) and value.dtype != object and value.ndim:
            shape = tuple(self._small.get(n, n) for n in value.shape)
            return np.resize(value, shape) if shape != value.shape else value
        if isinstance(value, dict):
            return {key: self._made_small(part) for key, part in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._made_small(part) for part in value)
        return value


def _shapes(value: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(value, Outline) or (isinstance(value, np.ndarray) and value.dtype != object):
        yield value.shape
    elif isinstance(value, dict):
        yield from _shapes(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _shapes(part)


def outlined(
    value: Any, given: list[tuple[Any, Outline]], large: Mapping[int, int] | None = None
) -> Any:
    """Return outlines in place of arrays; those that look at what was given look there."""
    if isinstance(value, tuple | list):
        return type(value)(outlined(part, given, large) for part in value)
    if isinstance(value, dict):
        return {key: outlined(part, given, large) for key, part in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == object and not value.ndim:  # tables in a box
        return value
    shape = tuple((large or {}).get(n, n) for n in value.shape)
    for array, outline in given:
        if np.may_share_memory(array, value):
            return Outline(shape, value.dtype, outline.owner)
    if large is None and 0 in value.strides:
        return Outline(shape, value.dtype, Outline((), value.dtype))
    return Outline(shape, value.dtype)


def part_of(shape: tuple[int, ...], index: Any) -> tuple[tuple[int, ...], bool]:
    """Return the shape of a part, and whether it is a view."""
    empty = np.broadcast_to(np.empty((), "V0"), shape)  # so large, and of no bytes
    key = index if isinstance(index, tuple) else (index,)
    basic = all(isinstance(k, slice | int | np.integer) or k is None or k is Ellipsis for k in key)
    return tuple(empty[key].shape), basic
