"""What the tiles of a map add up to: shares of years, and the worst day."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from climcube.explorer.codes import LAND, MISSING

__all__ = ["Sums"]

Floats = npt.NDArray[np.float64]


class Sums:
    """Sums over tiles that have been added; each tile counts once, however often it comes.

    Parameters
    ----------
    years
        Calendar year of each day.
    tiles
        How many there are in all.
    """

    def __init__(self, years: npt.NDArray[np.int64], tiles: int) -> None:
        self.years = np.unique(years)
        self._starts = np.searchsorted(years, self.years)
        self._stops = np.searchsorted(years, self.years, "right")
        self._tiles, self._added = tiles, set[int]()
        self._days = np.zeros((len(self.years), 4))
        self._observed = np.zeros(len(self.years))
        self._severity = np.zeros(len(years))
        self._lock = threading.Lock()

    @property
    def complete(self) -> bool:
        """Whether every tile has been added."""
        return len(self._added) == self._tiles

    def add(self, number: int, codes: npt.NDArray[np.uint8], weights: Floats) -> None:
        """Add a tile: codes ``(time, cells...)`` and the area of each cell."""
        with self._lock:
            if number in self._added:
                return
        flat = codes.reshape(len(codes), -1)
        areas = np.where(flat[0] == LAND, 0.0, weights.ravel())
        sea = np.flatnonzero(areas)
        flat, areas = flat[:, sea], areas[sea]
        days, observed = np.zeros_like(self._days), np.zeros_like(self._observed)
        severity = np.zeros_like(self._severity)
        for place, (start, stop) in enumerate(zip(self._starts, self._stops, strict=True)):
            year = flat[start:stop]
            category = year & 7
            observed[place] = ((year & MISSING) == 0).sum(axis=0) @ areas
            days[place] = [(category == k).sum(axis=0) @ areas for k in range(1, 5)]
            severity[start:stop] = category @ areas
        with self._lock:
            if number in self._added:  # by another thread, meanwhile
                return
            self._days += days
            self._observed += observed
            self._severity += severity
            self._added.add(number)

    def shares(self) -> Floats | None:
        """Return the share of observed area and days in each category, ``(year, 4)``.

        NaN in years without any value; ``None`` while tiles are missing.
        """
        if not self.complete:
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._days / np.where(self._observed > 0, self._observed, np.nan)[:, None]

    def worst_day(self) -> int | None:
        """Return the day of the largest area weighted by category; ``None`` if there is none."""
        if not self.complete or not self._severity.any():
            return None
        return int(np.argmax(self._severity))
