"""One cell: its series, its events, its years; as numbers that a page draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.plots.cells import Series, one_cell
from climcube.plots.selection import plain
from climcube.plots.style import CATEGORIES
from climcube.plots.words import is_cold

__all__ = ["Event", "Place", "place_at"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """One event of the cell, as the event table has it."""

    number: int
    first: int  # samples
    last: int
    peak: int
    duration: int
    intensity_max: float
    intensity_cumulative: float
    category: str


@dataclass(frozen=True)
class Place:
    """A cell that was computed.

    Attributes
    ----------
    latitude, longitude
        Of its centre.
    series
        Daily values, climatology and threshold, and which event each day belongs to.
    events
        In the order of time.
    years, days
        Days in each category by calendar year, ``(year, 4)``.
    """

    latitude: float
    longitude: float
    series: Series
    cold: bool
    events: tuple[Event, ...]
    years: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]

    def event_on(self, index: int) -> Event | None:
        """Return the event that a sample belongs to."""
        return next((e for e in self.events if e.first <= index <= e.last), None)

    @property
    def strongest(self) -> Event | None:
        """The event of the largest intensity."""
        return max(self.events, key=lambda e: abs(e.intensity_max), default=None)

    def fills(self) -> list[tuple[Floats, Floats]]:
        """Return, for each category, the two edges of what is filled during events.

        Where nothing is filled, both are the same. A day on either side of an event lets the
        fill end where the series crosses the threshold.
        """
        s, sign = self.series, -1.0 if self.cold else 1.0
        inside = s.event > 0
        near = inside | np.append(inside[1:], False) | np.insert(inside[:-1], 0, False)
        near &= np.isfinite(s.value)
        fills = []
        for level in range(1, len(CATEGORIES) + 1):
            edge = s.seas + level * (s.thresh - s.seas)
            beyond = sign * (s.value - edge)
            fills.append((edge, np.where(near & (beyond > 0), s.value, edge)))
        return fills


def place_at(mhw: Any, latitude: float, longitude: float) -> Place:
    """Compute the cell nearest to a point; no other cell is read."""
    axes = find_spatial(mhw.cube)
    series = one_cell(mhw, {axes.latitude: latitude, axes.longitude: longitude})
    cube = plain(series.found.cube)
    lat, lon = (float(cube[name].values.item()) for name in (axes.latitude, axes.longitude))
    annual = series.found.annual
    named = [np.asarray(plain(annual[f"days_{n.lower()}"]).values) for n in CATEGORIES]
    return Place(
        lat, lon, series, is_cold(mhw), tuple(_events(series)), TimeAxis.of(annual).year,
        np.nan_to_num(np.stack(named, axis=-1)).astype("int64"),  # years without data
    )  # fmt: skip


def _events(series: Series) -> list[Event]:
    table = series.found.events()
    return [
        Event(
            number, int(row.index_start), int(row.index_end), int(row.index_peak),
            int(row.duration), float(row.intensity_max), float(row.intensity_cumulative),
            str(row.category),
        )
        for number, row in enumerate(table.itertuples(), start=1)
    ]  # fmt: skip
