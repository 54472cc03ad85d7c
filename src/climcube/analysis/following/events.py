"""The events of a state: those that are over, and those that would end with the record."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np

from climcube.analysis.events.table import EventSource
from climcube.analysis.following.parts import joined
from climcube.lift.rows import RowPart

__all__ = ["StateEvents"]


@dataclass(frozen=True)
class StateEvents(EventSource):
    """Rows that are there already, gathered cell by cell."""

    closed: tuple[Any, ...] = ()
    remaining: tuple[RowPart, ...] = ()
    at_once: int = 2_000_000

    def parts(self) -> list[Any]:
        """Return the rows of stretches of cells, so that not all are in memory at once."""
        cube, time = self.cubes[0]
        cells = max(1, cube.size // cube.sizes[time])
        rows = sum(_count(part) for part in (*self.closed, *self.remaining))
        number = min(cells, max(1, -(-rows // self.at_once)))
        edges = np.linspace(0, cells, number + 1).astype(int)
        gather = dask.delayed(_gather)
        everything = [*self.closed, *self.remaining]
        return [
            gather([p for p in everything if _meets(p, a, b)], a, b)
            for a, b in itertools.pairwise(edges.tolist())
        ]


def _gather(parts: list[Any], first: int, last: int) -> RowPart:
    from climcube.kernels.events import WIDTH  # noqa: PLC0415 - compiled code, on workers only

    chosen = [RowPart(np.empty(0, np.int64), np.empty((0, WIDTH)))]
    for part in parts:
        rows = part if isinstance(part, RowPart) else part.load()
        inside = (rows.cells >= first) & (rows.cells < last)
        chosen.append(RowPart(rows.cells[inside], rows.rows[inside]))
    return joined(chosen)


def _count(part: Any) -> int:
    return len(part.cells) if isinstance(part, RowPart) else int(part.count)


def _meets(part: Any, first: int, last: int) -> bool:
    """Whether a part may have rows of these cells."""
    if isinstance(part, RowPart):
        return True
    return bool(part.lowest < last and part.highest >= first)
