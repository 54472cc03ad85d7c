"""What is known of objects: cells of one day that are true and touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array

__all__ = ["Face", "Ground", "Links", "Objects", "Part", "Rules", "Shape", "Table", "ascending"]

Shape = tuple[int, int, int, int]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Rules(NamedTuple):
    """What all blocks share.

    ``shape`` is that of the whole cube (days, levels, rows, columns); ``continues[i]``: day i is
    the day after day i - 1 of the record; objects smaller than ``smallest`` are dropped; to be
    linked, ``overlap`` of the smaller object must be shared; events shorter than ``duration``
    days are dropped; ``wraps``: the last column touches the first; ``sign`` is -1 where the
    most negative intensity is the strongest.
    """

    shape: Shape
    continues: Mask
    smallest: float
    overlap: float
    duration: int
    wraps: bool
    sign: float


class Ground(NamedTuple):
    """The cells under one block, through all levels of the cube.

    ``weight`` ``(levels, cells)`` is the size of each cell (km2; km3 with depth), ``area``
    ``(cells,)`` in km2, ``vector`` ``(cells, 3)`` the unit vector of its centre, ``depth``
    ``(levels,)``. Sizes are multiples of a quantum and sum to less than 2**53 of it over the
    whole cube: sums of them are exact, in whatever order blocks come.
    """

    weight: Floats
    area: Floats
    vector: Floats
    depth: Floats


@dataclass(frozen=True)
class Table:
    """Columns of equal length."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: Array) -> Self:
        """Return some rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def join(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of several tables."""
        names = [f.name for f in fields(cls)]
        return cls(*(np.concatenate([getattr(t, name) for t in tables]) for name in names))


@dataclass(frozen=True)
class Objects(Table):
    """One row an object, or what one block holds of it.

    ``first`` and ``peak_at`` number its first cell and that of its largest intensity (-1 where
    all are missing) in the whole cube, in C order; ``moment`` sums size times (unit vector,
    depth), ``heat`` sums size times intensity; missing intensities add nothing.
    """

    label: Labels
    first: Ints
    peak_at: Ints
    cells: Ints
    size: Floats
    moment: Floats
    heat: Floats
    peak: Floats

    @classmethod
    def blank(cls, first_label: int, count: int) -> Objects:
        """Return rows to be filled."""
        label = np.arange(first_label, first_label + count, dtype="int32")
        unknown = np.full((2, count), -1)
        return cls(
            label, unknown[0], unknown[1], np.zeros(count, "int64"), np.zeros(count),
            np.zeros((count, 4)), np.zeros(count), np.full(count, -np.inf),
        )  # fmt: skip


@dataclass(frozen=True)
class Links(Table):
    """Labels of objects on consecutive days, and the size of the cells that they share."""

    before: Array
    after: Array
    shared: Floats

    def summed(self) -> Links:
        """Return each pair once, in order, with what it shares in all."""
        order = np.lexsort((self.after, self.before))
        ordered = self.take(order)
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(ordered.before) != 0) | (np.diff(ordered.after) != 0)
        starts = np.flatnonzero(new)
        if len(starts) == len(order):
            return ordered
        total = np.add.reduceat(ordered.shared, starts)
        return Links(ordered.before[starts], ordered.after[starts], total)


@dataclass(frozen=True)
class Face(Table):
    """Cells of objects on a face of a block: number (ascending) and label."""

    cell: Ints
    label: Labels


@dataclass(frozen=True)
class Part:
    """What one block knows: ``count`` labels were given, to the objects kept and to others.

    ``shell`` numbers cells in the whole cube, ``opening`` and ``closing`` (first and last day)
    within a day of the block; ``weight`` is the size of those.
    """

    origin: Shape
    extent: Shape
    count: int
    objects: Objects
    links: Links
    shell: Face
    opening: Face
    closing: Face
    weight: Floats


def ascending(numbers: Ints) -> Ints:
    """Return each number once, ascending; by sorting, far quicker than numpy's hash table."""
    ordered = np.sort(numbers)
    new = np.ones(len(ordered), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]
