"""Sizes of the states of mergeable statistics, learnt from states of a few cells.

What a state holds depends on the stretch of time and on the tables, never on values, and it is
so much for each cell. So a kernel is asked for the state of a few cells of zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from climcube.lift.common import Array
from climcube.lift.costs import Outline

__all__ = ["States"]

_CELLS = 2  # of a sample


@dataclass(eq=False)
class States(Outline):
    """A state without values: the bytes of one of many cells, and one of a few cells."""

    sample: dict[str, Array] | None = None

    @classmethod
    def of(
        cls,
        leaf: Callable[..., dict[str, Array]],
        blocks: Sequence[Outline],
        axis: int,
        tables: Any,
        steps: int,
    ) -> States:
        """Ask a leaf for the state of some steps of a few cells."""
        cells = (*(1,) * (blocks[0].ndim - 2), _CELLS) if blocks[0].ndim > 1 else ()
        zeros = np.zeros((*cells[:axis], steps, *cells[axis:]), blocks[0].dtype)
        return cls._of_sample(leaf([zeros], tables), math.prod(cells))

    def merged(
        self, states: Sequence[States], merge: Callable[[list[dict[str, Array]]], dict[str, Array]]
    ) -> States:
        """Return the state of several stretches together."""
        samples = [dict(state.sample or {}) for state in states]
        return self._of_sample(merge(samples), self._few).whole(self._cells)

    def whole(self, cells: int) -> States:
        """Return the state of so many cells."""
        return States((cells, self._each), np.dtype("uint8"), sample=self.sample)

    def rows(self, numbers: int) -> int:
        """Return the cells that have so many numbers in the largest array."""
        sample = self.sample or {}
        deepest = max([1, *(v.size // max(1, self._few) for v in sample.values())])
        return max(1, numbers // deepest)

    def slab(self, numbers: int) -> int:
        """Return the bytes of those cells, or of all if they are fewer."""
        return min(self._cells, self.rows(numbers)) * self._each

    @classmethod
    def _of_sample(cls, sample: dict[str, Array], few: int) -> States:
        each = -(-sum(v.nbytes for v in sample.values()) // max(1, few))
        return cls((few, each), np.dtype("uint8"), sample=sample)

    @property
    def _cells(self) -> int:
        return self.shape[0]

    @property
    def _each(self) -> int:
        return self.shape[1]

    @property
    def _few(self) -> int:
        sample = self.sample or {}
        return next((v.shape[-1] for v in sample.values()), 1)
