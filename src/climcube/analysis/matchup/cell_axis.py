"""One axis of a grid as cells with centres and edges, and where points lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CellAxis", "Neighbours"]

_TOUCHING = 1e-6  # of a step: edges computed from either side differ by rounding

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """Cells that points take their value from.

    Attributes
    ----------
    index
        Position along each dimension concerned, ``(points, neighbours)``.
    weight
        Their shares, which sum to 1, of the same shape.
    """

    index: dict[str, Integers]
    weight: Floats


@dataclass(frozen=True)
class CellAxis:
    """Cells along one axis, in rising order of their centres.

    A cell holds its lower edge, the last one its upper edge as well. There may be gaps between
    cells (a missing month).

    Attributes
    ----------
    centre, low, high
        Of each cell.
    index
        Its position along the axis of the cube.
    known
        Whether the edges are known; those of a single cell may not be.
    """

    centre: Floats
    low: Floats
    high: Floats
    index: Integers
    known: bool = True

    @classmethod
    def of(cls, centre: Floats, edges: Floats | None = None, most: float = np.inf) -> CellAxis:
        """Make cells of centres that rise or fall.

        Parameters
        ----------
        centre
            As they lie along the axis of the cube.
        edges
            Both edges of each, ``(cells, 2)``; default half-way to the neighbours.
        most
            Greatest width of a cell, where the edges are half-way.
        """
        order = np.argsort(centre, kind="stable")
        sorted_centre = centre[order]
        if edges is not None:
            both = np.sort(edges, axis=1)[order]
            return cls(sorted_centre, both[:, 0], both[:, 1], order)
        if len(centre) < 2:
            return cls(sorted_centre, sorted_centre, sorted_centre, order, known=False)
        step = np.diff(sorted_centre)
        before, after = np.append(step[0], step), np.append(step, step[-1])
        middle = sorted_centre[:-1] + step / 2
        # From one formula, so that the edge of a cell is its neighbour's to the last bit.
        low = np.concatenate([[sorted_centre[0] - step[0] / 2], middle])
        high = np.concatenate([middle, [sorted_centre[-1] + step[-1] / 2]])
        low = np.where(before > most, sorted_centre - most / 2, low)
        high = np.where(after > most, sorted_centre + most / 2, high)
        return cls(sorted_centre, low, high, order)

    def repeated(self, period: float) -> CellAxis:
        """Return the axis of a ring: one more cell at either end."""
        ends = (self.centre[-1:] - period, self.centre[:1] + period)
        centre = np.concatenate([ends[0], self.centre, ends[1]])
        wide = CellAxis.of(centre)
        index = np.concatenate([self.index[-1:], self.index, self.index[:1]])
        return CellAxis(centre, wide.low, wide.high, index)

    def nearest(self, x: Floats) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Return the number of the cell that holds each point, else the nearest; and which do."""
        last = len(self.centre) - 1
        place = np.clip(np.searchsorted(self.low, x, side="right") - 1, 0, last)
        inside = (x >= self.low[place]) & ((x < self.high[place]) | (x == self.high[last]))
        after = np.minimum(place + 1, last)
        closer = np.abs(self.centre[after] - x) < np.abs(x - self.centre[place])
        return np.where(~inside & closer, after, place), inside

    def neighbours(self, x: Floats, dim: str | None, *, linear: bool) -> Neighbours:
        """Return the cells that points take their value from.

        ``linear`` weighs the two centres around a point. Where there is only one, at the ends
        of the axis and beside gaps, its value holds.
        """
        place = self.nearest(x)[0]
        if not linear or len(self.centre) < 2:
            return self._taken(place[:, None], np.ones((len(x), 1)), dim)
        before = np.clip(np.searchsorted(self.centre, x, side="right") - 1, 0, len(self.centre) - 2)
        step = self.centre[before + 1] - self.centre[before]
        share = np.clip((x - self.centre[before]) / step, 0.0, 1.0)
        joined = self.low[before + 1] - self.high[before] <= _TOUCHING * step
        share = np.where(joined, share, (place > before).astype("float64"))
        pair = np.stack([before, before + 1], axis=1)
        return self._taken(pair, np.stack([1 - share, share], axis=1), dim)

    def _taken(self, place: Integers, weight: Floats, dim: str | None) -> Neighbours:
        return Neighbours({} if dim is None else {dim: self.index[place]}, weight)
