"""The annual cycle: which day of year, month or season each sample belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.periods import own_axis, require_step, sample_days
from climcube.cubes.subject import Subject
from climcube.errors import ParameterError, require_choice, require_odd
from climcube.kernels.pools import Pools, group_samples, pool_samples

__all__ = ["FREQUENCIES", "LEAP_RULES", "Cycle", "Treatment", "is_one_year"]

FREQUENCIES = {"day": "dayofyear", "month": "month", "season": "season"}
LEAP_RULES = ("interp", "pool", "drop")
SEASONS = ("DJF", "MAM", "JJA", "SON")
_LEAP_DAY = 59  # 29 February, counted from 0


@dataclass(frozen=True)
class Treatment:
    """How the values of a group are pooled and smoothed, checked before anything is built."""

    frequency: str = "day"
    base_period: BasePeriod | None = None
    window: int = 1
    smooth: int | None = None
    harmonics: int | None = None
    leap: str = "interp"

    def __post_init__(self) -> None:
        require_choice("frequency", self.frequency, FREQUENCIES)
        require_choice("leap", self.leap, LEAP_RULES)
        require_odd("window", self.window)
        if self.smooth is not None:
            require_odd("smooth", self.smooth)
        self._require_harmonics()
        for name, neutral in (("window", 1), ("smooth", None), ("harmonics", None)):
            if self.frequency != "day" and getattr(self, name) not in (neutral, 1):
                raise ParameterError(
                    f"{name} counts days of year",
                    where=f"{name}={getattr(self, name)!r}, frequency={self.frequency!r}",
                    expected="frequency='day'",
                    remedy=f"leave {name} out, or pass frequency='day'",
                )

    @property
    def dim(self) -> str:
        """Dimension of the climatology."""
        return FREQUENCIES[self.frequency]

    def _require_harmonics(self) -> None:
        value = self.harmonics
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 180:
            raise ParameterError(
                "harmonics out of range",
                where=f"harmonics={value!r}",
                expected="a whole number from 1 to 180",
            )
        if self.smooth is not None:
            raise ParameterError(
                "smooth and harmonics exclude each other",
                where=f"smooth={self.smooth}, harmonics={value}",
                remedy="pass one of them",
            )


@dataclass(frozen=True)
class Cycle:
    """Place of every sample in the annual cycle.

    Attributes
    ----------
    index
        Row of the climatology for each sample; -1 where it has none (29 February dropped).
    coordinate
        Coordinate of the rows.
    pools
        Which samples make up each row.
    leap_day
        Row that is the mean of its neighbours, -1 for none.
    period
        First and last sample of the base period.
    """

    index: npt.NDArray[np.int64]
    coordinate: xr.DataArray
    pools: Pools
    leap_day: int
    period: tuple[int, int]

    @classmethod
    def of(cls, given: Any, subject: Subject, treatment: Treatment) -> Cycle:
        """Work out the cycle from the time axis; ``given`` is what the user passed."""
        axis = own_axis(given, subject.axis)
        first, last = axis.period(treatment.base_period)
        if treatment.frequency == "day":
            return _days(axis, first, last, treatment)
        require_step(axis, treatment.frequency)
        number = axis.month - 1 if treatment.frequency == "month" else axis.month % 12 // 3
        pools = pool_samples(number, len(_coordinate(treatment)), first, last)
        if treatment.frequency == "season":
            pools = pools._replace(weight=sample_days(given, axis))
        return cls(number, _coordinate(treatment), pools, -1, (first, last))


def is_one_year(axis: TimeAxis, first: int, last: int) -> bool:
    """Whether no calendar month comes a second time from one sample to another.

    A climatology of such a base period is the values themselves.
    """
    number = np.unique(axis.year[first : last + 1] * 12 + axis.month[first : last + 1])
    return len(np.unique(number % 12)) == len(number)


def rows_by_day(axis: TimeAxis, leap: str) -> npt.NDArray[np.int64]:
    """Row of a daily climatology for each sample, -1 where it has none."""
    if axis.leap_day is None or leap != "drop":
        return axis.dayofyear
    rows = axis.dayofyear - (axis.dayofyear > _LEAP_DAY)
    return np.where(axis.dayofyear == _LEAP_DAY, -1, rows)


def _days(axis: TimeAxis, first: int, last: int, treatment: Treatment) -> Cycle:
    index = rows_by_day(axis, treatment.leap)
    coordinate = day_coordinate(axis, treatment.leap)
    half, size = treatment.window // 2, coordinate.size
    if axis.leap_day is None or treatment.leap == "pool":
        pools = pool_samples(index, size, first, last, half)
        return Cycle(index, coordinate, pools, -1, (first, last))
    if treatment.leap == "interp":
        # 29 February is no centre, but it enters the pools of its neighbours.
        centres = np.where(index == _LEAP_DAY, -1, index)
        pools = pool_samples(centres, size, first, last, half)
        return Cycle(index, coordinate, pools, _LEAP_DAY, (first, last))
    pools = _without_leap_days(index, size, first, last, half)
    return Cycle(index, coordinate, pools, -1, (first, last))


def _without_leap_days(
    index: npt.NDArray[np.int64], size: int, first: int, last: int, half: int
) -> Pools:
    """Pool as if the record had no 29 February at all."""
    kept = np.flatnonzero(index >= 0)
    inner = np.searchsorted(kept, [first, last + 1])
    pools = pool_samples(index[kept], size, int(inner[0]), int(inner[1]) - 1, half)
    label = np.full(len(index), -1, "int32")
    label[kept] = pools.label
    return pools._replace(label=label, weight=group_samples(index, size).weight)


def day_coordinate(axis: TimeAxis, leap: str) -> xr.DataArray:
    """Return days of year from 1; without 60 where 29 February is dropped."""
    days = np.arange(1, axis.days_of_year + 1)
    text = "day of year"
    if axis.leap_day is not None:
        text += " (of a leap year: 1 March is 61)"
        if leap == "drop":
            days = days[days != _LEAP_DAY + 1]
    return xr.DataArray(days, dims="dayofyear", attrs={"long_name": text, "units": "1"})


def _coordinate(treatment: Treatment) -> xr.DataArray:
    if treatment.frequency == "month":
        return xr.DataArray(np.arange(1, 13), dims="month", attrs={"long_name": "calendar month"})
    return xr.DataArray(list(SEASONS), dims="season", attrs={"long_name": "season"})
