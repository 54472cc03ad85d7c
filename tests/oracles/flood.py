"""Tracked events by plain flood fill: slow, without a library, one cell at a time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Cell = tuple[int, ...]


@dataclass
class Thing:
    """One object: connected cells of one day (time, depth, row, column)."""

    cells: list[Cell]
    size: float
    event: int = 0
    before: list[Thing] = field(default_factory=list)
    after: list[Thing] = field(default_factory=list)

    @property
    def day(self) -> int:
        return self.cells[0][0]


@dataclass
class Flooded:
    labels: npt.NDArray[np.int32]
    objects: list[Thing]  # of events, by first cell


def flood(
    mask: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.float64],
    *,
    continues: list[bool] | None = None,
    wrap: bool = False,
    smallest: float = 0.0,
    overlap: float = 0.0,
    duration: int = 1,
) -> Flooded:
    """Track a mask (time, depth, row, column) whose cells have sizes (depth, row, column)."""
    things = [t for t in _objects(mask, sizes, wrap) if t.size >= smallest]
    by_cell = {cell: t for t in things for cell in t.cells}
    for old, new in itertools.product(things, things):
        if new.day != old.day + 1 or not (continues is None or continues[new.day]):
            continue
        shared = [c for c in new.cells if by_cell.get((old.day, *c[1:])) is old]
        if not shared:
            continue
        share = sum(sizes[c[1:]] for c in shared) / min(old.size, new.size)
        if share >= overlap - 1e-9:  # the tests keep away from ties, or have exact ones
            old.after.append(new)
            new.before.append(old)
    labels = np.zeros(mask.shape, "int32")
    number = 0
    for thing in things:  # in the order of their first cells
        if thing.event:
            continue
        members = _family(thing)
        days = {m.day for m in members}
        number += len(days) >= duration
        for member in members:
            member.event = number if len(days) >= duration else -1
    for thing in things:
        for cell in thing.cells:
            labels[cell] = max(thing.event, 0)
    return Flooded(labels, [t for t in things if t.event > 0])


def _objects(
    mask: npt.NDArray[np.bool_], sizes: npt.NDArray[np.float64], wrap: bool
) -> list[Thing]:
    seen: set[Cell] = set()
    found = []
    for start in map(tuple, np.argwhere(mask).tolist()):
        if start in seen:
            continue
        cells, waiting = [], [start]
        seen.add(start)
        while waiting:
            cell = waiting.pop()
            cells.append(cell)
            for other in _neighbours(cell, mask.shape, wrap):
                if mask[other] and other not in seen:
                    seen.add(other)
                    waiting.append(other)
        cells.sort()
        found.append(Thing(cells, float(sum(sizes[c[1:]] for c in cells))))
    return sorted(found, key=lambda t: t.cells[0])


def _neighbours(cell: Cell, shape: tuple[int, ...], wrap: bool) -> list[Cell]:
    day, *place = cell
    found = []
    for step in itertools.product((-1, 0, 1), repeat=3):
        z, y, x = (p + s for p, s in zip(place, step, strict=True))
        x = x % shape[3] if wrap else x
        if 0 <= z < shape[1] and 0 <= y < shape[2] and 0 <= x < shape[3]:
            found.append((day, z, y, x))
    return found


def _family(thing: Thing) -> list[Thing]:
    members, waiting = [], [thing]
    while waiting:
        one = waiting.pop()
        if any(one is m for m in members):
            continue
        members.append(one)
        waiting += one.before + one.after
    return members
