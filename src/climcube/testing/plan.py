"""What the synthetic ocean is made of: land, trend, heatwaves; known before any weather is drawn.

Everything follows from the parameters and from raw bits of one generator, by integer and plain
float arithmetic, so that a seed means the same ocean on every platform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KINDS", "OceanPlan", "PlantedRun"]

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]

# How an event is made: pieces of (days above the threshold, days below it before the next).
# Pieces with a gap of at most two days are one event by the definition, of three days two events.
KINDS: dict[str, tuple[tuple[int, int], ...]] = {
    "five_day": ((5, 0),),
    "near_threshold": ((7, 0),),
    "joined": ((6, 2), (5, 0)),
    "separate": ((5, 3), (6, 0)),
    "long": ((32, 0),),
    "new_year": ((11, 0),),
    "four_day": ((4, 0),),  # a decoy: too short to be an event
}
# Days of year at which a patch of the sea has its events: two events within one window of the
# climatology would lift the threshold above both. The second of a pair is the mirror image of
# the first about the middle of the record, so that events do not tilt the planted trend.
_PAIRS = ((45, ("five_day", "near_threshold")), (74, ("four_day",)), (100, ("joined", "separate")))
_LONG_DAY = 150
_SHARE, _PATCHES, _CELLS_PER_PATCH = 0.4, 28, 55  # of the sea: in patches, at most, at least


class Bits:
    """Integers from the raw bits of PCG64, which numpy promises to keep the same for ever."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.PCG64(np.random.SeedSequence(seed))

    def below(self, limit: int) -> int:
        """Return an integer in ``0 .. limit - 1``."""
        return int(self._generator.random_raw()) % max(1, limit)

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Return nearly normal numbers of unit variance, within 3.47: sums of four uniform ones."""
        raw = self._generator.random_raw(int(np.prod(shape)))
        parts = np.asarray(raw, "uint64").view("uint16").reshape(*shape, 4)
        total = parts.sum(axis=-1, dtype="int64")
        return np.asarray((total - 2 * 65535) / np.sqrt((65536.0**2 - 1) / 3))


@dataclass(frozen=True)
class PlantedRun:
    """Days on which some cells are kept above their threshold; ``event`` ties runs together."""

    event: int
    kind: str
    cells: Integers
    first: int
    last: int
    amplitude: Floats


@dataclass(frozen=True)
class OceanPlan:
    """Parameters of a synthetic ocean, and all that follows from them."""

    years: int
    start: int
    shape: tuple[int, int]
    seed: int
    trend: float
    noise: float
    heatwaves: bool

    @cached_property
    def times(self) -> npt.NDArray[Any]:
        """Noon of each day."""
        first, end = (
            np.datetime64(f"{y:04d}-01-01") for y in (self.start, self.start + self.years)
        )
        return np.arange(first, end).astype("datetime64[ns]") + np.timedelta64(12, "h")

    @cached_property
    def dayofyear(self) -> Integers:
        """Day of a leap year, from 0."""
        days = self.times.astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        starts = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
        return np.asarray(starts[months.astype("int64") % 12] + (days - months).astype("int64"))

    @cached_property
    def latitude(self) -> Floats:
        """Cell centres from south to north, within 60 degrees."""
        n = self.shape[0]
        return (np.arange(n) + 0.5) * (120 / n) - 60

    @cached_property
    def longitude(self) -> Floats:
        """Cell centres within 0 .. 360 degrees."""
        n = self.shape[1]
        return (np.arange(n) + 0.5) * (360 / n)

    @cached_property
    def land(self) -> npt.NDArray[np.bool_]:
        """A continent with a wavy coast, and an island."""
        lat, lon = self.latitude[:, None], self.longitude[None, :]
        east, north = (lon - 112) / 46, (lat - 6) / 40
        around = np.arctan2(north, east)
        coast = 1 + 0.2 * np.sin(3 * around + 0.5) + 0.1 * np.sin(5 * around + 2)
        continent = np.hypot(east, north) < coast + 0.06 * np.sin(9 * around)
        island = ((lon - 262) / 11) ** 2 + ((lat + 31) / 8) ** 2 < 1
        return np.asarray(continent | island)

    @cached_property
    def cell_trend(self) -> Floats:
        """Planted trend of each cell, per decade: stronger in one basin, reversed in a part."""
        lat, lon = np.radians(self.latitude)[:, None], np.radians(self.longitude)[None, :]
        return np.asarray(
            self.trend * (1 + 1.3 * np.cos(lat) * np.sin(lon - 0.5) * np.cos(2 * lat))
        )

    @cached_property
    def runs(self) -> list[PlantedRun]:
        """Every planted run of warm days, decoys included."""
        if not self.heatwaves:
            return []
        bits = Bits(self.seed + 1)
        found: list[PlantedRun] = []
        for number, (cells, nearness) in enumerate(self._patches(bits)):
            for kind, first in self._calendar(number, bits):
                amplitude = 1.2 + bits.below(5) / 10 + (2.2 if kind == "long" else 0.5) * nearness
                found += self._runs_of(kind, first, cells, amplitude, len(found))
        return found

    def _patches(self, bits: Bits) -> list[tuple[Integers, Floats]]:
        """Cells of each patch with their nearness (1 in its centre, 0 at its edge)."""
        rows, columns = np.divmod(np.flatnonzero(~self.land.ravel()), self.shape[1])
        wanted = min(_PATCHES, max(1, len(rows) // _CELLS_PER_PATCH))
        radius = math.sqrt(_SHARE * len(rows) / wanted / math.pi)  # in cells
        nearest = np.full(len(rows), np.inf)
        owner = np.full(len(rows), -1)
        centres = 0
        for _ in range(20 * wanted):
            distance = self._distance(rows, columns, bits.below(len(rows)))
            if centres and nearest[np.argmin(distance)] < 2 * radius:
                continue
            owner[distance < nearest] = centres
            nearest = np.minimum(nearest, distance)
            centres += 1
            if centres == wanted:
                break
        flat = rows * self.shape[1] + columns
        inside = nearest <= radius
        members = [inside & (owner == k) for k in range(centres)]
        return [(flat[m], 1 - (nearest[m] / radius) ** 2) for m in members]

    def _distance(self, rows: Integers, columns: Integers, centre: int) -> Floats:
        """Distance in cells, stretched by direction so that patches are no circles."""
        width = self.shape[1]
        east = (columns - columns[centre] + width // 2) % width - width // 2
        north = rows - rows[centre]
        around = np.arctan2(north, east) + centre  # each patch is turned another way
        lobes = 1 + 0.25 * np.cos(2 * around) + 0.15 * np.cos(3 * around)
        return np.asarray(np.hypot(north, east) / lobes)

    def _calendar(self, patch: int, bits: Bits) -> list[tuple[str, int]]:
        """Kinds and first days (index in the record) of the events of one patch."""
        days = len(self.times)
        plans = [(day, kinds[patch % len(kinds)]) for day, kinds in _PAIRS] + [(_LONG_DAY, "long")]
        entries: list[tuple[str, int]] = []
        for day, kind in plans:
            length = sum(above + below for above, below in KINDS[kind])
            first = self._index(bits.below(self.years), day) - length // 2 + bits.below(9) - 4
            entries += [(kind, first), (kind, days - first - length)]
        if self.years > 1:
            boundary = self._index(1 + bits.below(self.years - 1), 0)
            entries.append(("new_year", boundary - 3 - bits.below(5)))
        return entries

    def _index(self, year: int, day: int) -> int:
        start = np.datetime64(f"{self.start + year:04d}-01-01") - np.datetime64(
            f"{self.start:04d}-01-01"
        )
        return int(start.astype("int64")) + day

    def _runs_of(
        self, kind: str, first: int, cells: Integers, amplitude: Floats, event: int
    ) -> list[PlantedRun]:
        found, day = [], first
        for number, (above, below) in enumerate(KINDS[kind]):
            own = event + (number if kind == "separate" else 0)
            found.append(PlantedRun(own, kind, cells, day, day + above - 1, amplitude))
            day += above + below
        return found
