"""Time axes as plain integer tables: the only form of time that kernels ever see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cftime
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.coordinates import find_time
from climcube.errors import AxisError, CalendarError, ParameterError

__all__ = ["BasePeriod", "TimeAxis", "first_days", "year_start_coordinate"]

BasePeriod = tuple[Any, Any]
IntArray = npt.NDArray[np.int64]

_DAYS_OF_YEAR = {"noleap": 365, "365_day": 365, "360_day": 360}  # all others know 29 February
_SECONDS_PER_DAY = 86_400
# How a period of whole years may begin and end, after the year.
_ENDS = (("", "-01", "-01-01"), ("", "-12", "-12-31", "-12-30"))
_FIRST_NS_YEAR, _LAST_NS_YEAR = 1677, 2262  # beyond, datetime64[ns] wraps around silently
# First day-of-year index (from 0) of each month, on a leap year, a common year, a 360-day year.
_MONTH_START_LEAP = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
_MONTH_START_COMMON = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
_MONTH_START_360 = np.arange(12) * 30


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """The time coordinate of a cube, strictly increasing, taken apart.

    Attributes
    ----------
    name
        The dimension.
    calendar
        CF calendar name (``"proleptic_gregorian"``, ``"noleap"``, ``"360_day"`` ...).
    year, month, day
        Calendar fields of each sample.
    seconds
        Seconds since 1970-01-01 in that calendar (int64).
    """

    name: str
    calendar: str
    year: IntArray
    month: IntArray
    day: IntArray
    seconds: IntArray

    @classmethod
    def of(cls, cube: xr.DataArray | xr.Dataset) -> TimeAxis:
        """Take the time axis of a cube apart.

        Raises
        ------
        AxisError
            No time axis, several, or one that is empty, duplicated or not increasing.
        """
        name = find_time(cube)
        coordinate = cube[name]
        if coordinate.size == 0:
            raise AxisError("the time axis is empty", where=name, expected="at least one time")
        if coordinate.isnull().any():
            raise AxisError(
                "the time axis has missing values",
                where=name,
                remedy=f"leave those times out: cube.isel({name}=cube[{name!r}].notnull())",
            )
        calendar = str(coordinate.dt.calendar)
        year, month, day = (
            np.asarray(getattr(coordinate.dt, f).values, "int64") for f in ("year", "month", "day")
        )
        axis = cls(name, calendar, year, month, day, _seconds(coordinate, calendar))
        axis._require_increasing(coordinate)
        return axis

    def __len__(self) -> int:
        return len(self.year)

    @cached_property
    def ordinal(self) -> IntArray:
        """Whole days since 1970-01-01 in the calendar."""
        return self.seconds // _SECONDS_PER_DAY

    @cached_property
    def days_of_year(self) -> int:
        """Number of days of year: 366, 365 or 360."""
        return _DAYS_OF_YEAR.get(self.calendar, 366)

    @cached_property
    def leap_day(self) -> int | None:
        """Index (from 0) of 29 February among the days of year, if the calendar has one."""
        return 59 if self.days_of_year == 366 else None

    @cached_property
    def dayofyear(self) -> IntArray:
        """Index from 0 of (month, day) on a leap year (standard calendars): 1 March is 60."""
        start = {366: _MONTH_START_LEAP, 365: _MONTH_START_COMMON, 360: _MONTH_START_360}
        return start[self.days_of_year][self.month - 1] + self.day - 1

    @cached_property
    def decimal_year(self) -> npt.NDArray[np.float64]:
        """Calendar year plus the elapsed fraction of that calendar year."""
        years = np.unique(self.year)
        edges = {int(y): _year_start_seconds(int(y), self.calendar) for y in (*years, *(years + 1))}
        start = np.array([edges[int(y)] for y in years], "float64")
        length = np.array([edges[int(y) + 1] - edges[int(y)] for y in years], "float64")
        position = np.searchsorted(years, self.year)
        return np.asarray(self.year + (self.seconds - start[position]) / length[position])

    @cached_property
    def years(self) -> IntArray:
        """Every calendar year from the first sample's to the last's."""
        return np.arange(self.year[0], self.year[-1] + 1)

    @cached_property
    def expected_days(self) -> IntArray:
        """Days of each of ``years`` between the first and the last sample, present or not."""
        edges = self._year_edges
        last = np.minimum(edges[1:], self.ordinal[-1] + 1)
        return np.asarray(last - np.maximum(edges[:-1], self.ordinal[0]))

    @cached_property
    def days_of_years(self) -> IntArray:
        """Days of each of ``years`` in the calendar, whether the record covers them or not."""
        return np.diff(self._year_edges)

    @cached_property
    def _year_edges(self) -> IntArray:
        """Ordinal of 1 January of each of ``years``, and of the year after."""
        years = (*self.years, self.years[-1] + 1)
        starts = [_year_start_seconds(int(y), self.calendar) for y in years]
        return np.array(starts, "int64") // _SECONDS_PER_DAY

    def require_daily(self, purpose: str) -> None:
        """Raise `CalendarError` unless there is at most one sample a day and mostly each day."""
        step = np.diff(self.ordinal)
        if (step == 0).any():
            first = int(np.argmax(step == 0))
            raise CalendarError(
                f"sub-daily data where {purpose} needs daily values",
                where=self.name,
                expected="one sample a day",
                found=f"two on {self.label(first)}",
                remedy="make daily means first: cc.daily_mean(cube)",
            )
        if len(step) and np.median(step) > 1:
            raise CalendarError(
                f"{purpose} needs daily values",
                where=self.name,
                expected="a step of 1 day",
                found=f"a median step of {np.median(step):g} days",
                remedy="open the daily data set",
            )

    def period(self, base_period: BasePeriod | None, name: str = "base_period") -> tuple[int, int]:
        """Return first and last sample index of the named years (both included).

        Raises
        ------
        ParameterError
            The period is not a pair of years, or upside down.
        CalendarError
            The record does not cover it; the message names both.
        """
        if base_period is None:
            return 0, len(self) - 1
        first, last = _years_of(base_period, name)
        have = int(self.year[0]), int(self.year[-1])
        if first < have[0] or last > have[1]:
            raise CalendarError(
                f"{name} is outside the record",
                where=f"{name}=({first}, {last})",
                expected=f"years within {have[0]}..{have[1]}",
                remedy=f"pass {name}=({max(first, have[0])}, {min(last, have[1])})"
                if max(first, have[0]) <= min(last, have[1])
                else f"pass a {name} within the record",
            )
        inside = np.flatnonzero((self.year >= first) & (self.year <= last))
        if not len(inside):
            raise CalendarError(
                f"no sample in {name}", where=f"{name}=({first}, {last})", remedy="widen it"
            )
        return int(inside[0]), int(inside[-1])

    def label(self, index: int) -> str:
        """ISO date of one sample."""
        return f"{self.year[index]:04d}-{self.month[index]:02d}-{self.day[index]:02d}"

    def _require_increasing(self, coordinate: xr.DataArray) -> None:
        step = np.diff(self.seconds)
        if (step > 0).all():
            return
        first = int(np.argmax(step <= 0))
        duplicate = step[first] == 0
        raise AxisError(
            "duplicate times" if duplicate else "times are not increasing",
            where=f"{self.name}[{first + 1}]",
            expected=f"a time after {coordinate.values[first]}",
            found=str(coordinate.values[first + 1]),
            remedy="drop them: cube.drop_duplicates('time')"
            if duplicate
            else f"sort them: cube.sortby('{self.name}')",
        )


def year_start_coordinate(years: IntArray, calendar: str, name: str = "time") -> xr.DataArray:
    """Return a time coordinate holding 1 January of each year, in the calendar given.

    Years label annual values by their first day, so that successive values are exactly one
    calendar year apart.
    """
    values = first_days(years, np.ones_like(years), calendar)
    attrs = {"standard_name": "time", "axis": "T", "long_name": "start of the calendar year"}
    return xr.DataArray(values, dims=(name,), attrs=attrs, name=name)


def first_days(years: IntArray, months: IntArray, calendar: str) -> npt.NDArray[Any]:
    """Return the first day of each (year, month) as dates of the calendar."""
    pairs = list(zip(years, months, strict=True))
    in_range = all(_FIRST_NS_YEAR < y < _LAST_NS_YEAR for y, _ in pairs)
    if calendar in ("standard", "gregorian", "proleptic_gregorian") and in_range:
        return np.array([f"{y:04d}-{m:02d}-01" for y, m in pairs], "datetime64[ns]")
    dates = [cftime.datetime(int(y), int(m), 1, calendar=calendar) for y, m in pairs]
    # By way of numbers, for dates of the calendar's own class: selection by "2001" needs it.
    unit = "days since 1970-01-01"
    numbers = cftime.date2num(dates, unit, calendar=calendar)
    own = cftime.num2date(numbers, unit, calendar=calendar, only_use_cftime_datetimes=True)
    return np.array(list(own), object)


def _seconds(coordinate: xr.DataArray, calendar: str) -> IntArray:
    values = coordinate.values
    if np.issubdtype(values.dtype, np.datetime64):
        return values.astype("datetime64[s]").astype("int64")
    numbers = cftime.date2num(values, "seconds since 1970-01-01", calendar=calendar)
    return np.asarray(np.rint(np.asarray(numbers, "float64")), "int64")


def _year_start_seconds(year: int, calendar: str) -> int:
    if calendar in ("standard", "gregorian", "proleptic_gregorian") and year > 1582:
        return int(np.datetime64(f"{year:04d}-01-01", "s").astype("int64"))
    date = cftime.datetime(year, 1, 1, calendar=calendar)
    return int(cftime.date2num(date, "seconds since 1970-01-01", calendar=calendar))


def _whole_year(given: Any, end: tuple[str, ...]) -> int:
    """Return a year; a date must be the first or last of one: nothing is rounded in silence."""
    match = re.fullmatch(r"(\d{1,4})(-\d\d(-\d\d)?)?([ T].*)?", str(given))
    if match is None or (match[2] or "") not in end:
        raise ValueError(given)
    return int(match[1])


def _years_of(period: BasePeriod, name: str) -> tuple[int, int]:
    try:
        first, last = (_whole_year(p, end) for p, end in zip(period, _ENDS, strict=True))
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} not understood",
            where=f"{name}={period!r}",
            expected="two years, whole and both included",
            remedy=f'pass for instance {name}=("1991", "2020")',
        ) from None
    if first > last:
        raise ParameterError(
            f"{name} is upside down", where=f"{name}=({first}, {last})", remedy="swap the years"
        )
    return first, last
