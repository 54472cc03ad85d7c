"""Calendar periods: the year, month or season of each sample, and the days it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cftime
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis, first_days, year_start_coordinate
from climcube.cubes.coordinates import is_dated
from climcube.errors import CalendarError, ParameterError

__all__ = [
    "Periods",
    "days",
    "months",
    "own_axis",
    "period_days",
    "require_step",
    "sample_days",
    "season_months",
    "seasons",
    "years",
]

_INITIALS = "JFMAMJJASOND"
_LONGEST_STEP = {"day": 1, "month": 32, "season": 32, "year": 367}  # days between two samples


@dataclass(frozen=True)
class Periods:
    """Consecutive periods of a record.

    Attributes
    ----------
    group
        Period of each sample, -1 for none.
    expected
        Days of each period in the calendar, whether the record covers them or not.
    coordinate
        First day of each period (of the calendar year for years and seasons).
    """

    group: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    coordinate: xr.DataArray


def years(axis: TimeAxis) -> Periods:
    """Every calendar year from the first sample's to the last's."""
    require_step(axis, "year")
    first = axis.years
    edges = _month_starts(np.append(first, first[-1] + 1), 1, axis.calendar)
    coordinate = year_start_coordinate(first, axis.calendar, axis.name)
    return Periods(axis.year - first[0], np.diff(edges), coordinate)


def days(axis: TimeAxis) -> tuple[npt.NDArray[np.int64], xr.DataArray]:
    """First sample of each day from the first sample's to the last's (and an end), and the days."""
    require_step(axis, "day")
    every = np.arange(axis.ordinal[0], axis.ordinal[-1] + 2)
    unit = "days since 1970-01-01"
    dates: npt.NDArray[Any] = np.asarray(
        cftime.num2date(every[:-1], unit, axis.calendar, only_use_cftime_datetimes=True)
    )
    if axis.calendar in ("standard", "gregorian", "proleptic_gregorian"):
        dates = every[:-1].astype("datetime64[D]").astype("datetime64[ns]")
    attrs = {"standard_name": "time", "axis": "T", "long_name": "day"}
    coordinate = xr.DataArray(dates, dims=(axis.name,), attrs=attrs, name=axis.name)
    return np.searchsorted(axis.ordinal, every), coordinate


def months(axis: TimeAxis) -> Periods:
    """Every month from the first sample's to the last's, labelled by its first day."""
    require_step(axis, "month")
    number = axis.year * 12 + axis.month - 1
    every = np.arange(number[0], number[-1] + 2)
    edges = _month_starts(every // 12, every % 12 + 1, axis.calendar)
    return Periods(number - number[0], np.diff(edges), _month_coordinate(every[:-1], axis))


def seasons(axis: TimeAxis, season: str) -> Periods:
    """One season of every year; a season over New Year belongs to January's year."""
    require_step(axis, "season")
    first, length = season_months(season)
    member = (axis.month - first) % 12 < length
    if not member.any():
        raise CalendarError(
            "no sample in the season", where=f"season={season!r}", expected=f"a month of {season}"
        )
    label = axis.year + ((axis.month >= first) & (first + length - 1 > 12))
    every = np.arange(label[member].min(), label[member].max() + 1)
    begin = (every - (first + length - 1 > 12)) * 12 + first - 1
    starts, ends = (
        _month_starts(n // 12, n % 12 + 1, axis.calendar) for n in (begin, begin + length)
    )
    coordinate = year_start_coordinate(every, axis.calendar, axis.name)
    return Periods(np.where(member, label - every[0], -1), ends - starts, coordinate)


def season_months(season: str) -> tuple[int, int]:
    """Return first month and number of months of a season named by its initials.

    >>> season_months("DJF"), season_months("NDJFM"), season_months("JJA")
    ((12, 3), (11, 5), (6, 3))
    """
    text = season.upper() if isinstance(season, str) else ""
    place = (_INITIALS * 2).find(text)
    if place < 0 or not 2 <= len(text) <= 12:
        raise ParameterError(
            "unknown season",
            where=f"season={season!r}",
            expected="initials of 2 to 12 consecutive months",
            remedy="pass for instance 'DJF', 'MAM', 'JJA', 'SON' or 'NDJFM'",
        )
    return place % 12 + 1, len(text)


def sample_days(given: Any, axis: TimeAxis) -> npt.NDArray[np.float64]:
    """Days that each sample stands for: from time bounds if there are any, else the calendar.

    Without bounds monthly samples stand for their month, annual ones for their year, others
    for the usual step (1 for daily data, 0.25 for 6-hourly).
    """
    bounds = _time_bounds(given, axis)
    if bounds is not None:
        days = bounds[:, 1] - bounds[:, 0]
        if not (days > 0).all():
            first = int(np.argmax(~(days > 0)))
            raise CalendarError(
                "time bounds of no length", where=f"{axis.name} {axis.label(first)}",
                expected="an end after the start",
            )  # fmt: skip
        return np.asarray(days, "float64")
    step = _usual_step(axis)
    if 27 <= step <= 32:
        return period_days(axis.year * 12 + axis.month - 1, 1, axis.calendar)
    if 359 <= step <= 367:
        return period_days(axis.year * 12, 12, axis.calendar)
    return np.full(len(axis), step)


def own_axis(given: Any, axis: TimeAxis) -> TimeAxis:
    """Return the axis by which samples are put into periods.

    Some models label a mean by the *end* of its period: January by 1 February. Where bounds
    show that a label lies outside its own period, the middle of the period counts.
    """
    bounds = _time_bounds(given, axis)
    if bounds is None:
        return axis
    at = axis.seconds / 86_400
    if ((bounds[:, 0] <= at) & (at < bounds[:, 1])).all():
        return axis
    seconds = np.rint(bounds.mean(axis=1) * 86_400).astype("int64")
    dates = cftime.num2date(seconds, "seconds since 1970-01-01", calendar=axis.calendar)
    year, month, day = (
        np.array([getattr(d, f) for d in dates], "int64") for f in ("year", "month", "day")
    )
    return TimeAxis(axis.name, axis.calendar, year, month, day, seconds)


def _time_bounds(given: Any, axis: TimeAxis) -> npt.NDArray[np.float64] | None:
    """Return the bounds of each sample in days since 1970-01-01, if the data set has them."""
    name = given[axis.name].attrs.get("bounds", given[axis.name].encoding.get("bounds"))
    known = given.variables if isinstance(given, xr.Dataset) else given.coords
    if name is None or name not in known:
        return None
    bounds = given[name]
    if bounds.ndim != 2 or bounds.dims[0] != axis.name or not is_dated(bounds):
        return None
    values = bounds.values
    if np.issubdtype(values.dtype, np.datetime64):
        return np.asarray(values.astype("datetime64[s]").astype("float64") / 86_400)
    numbers = cftime.date2num(values, "days since 1970-01-01", calendar=axis.calendar)
    return np.asarray(numbers, "float64")


def _usual_step(axis: TimeAxis) -> float:
    return float(np.median(np.diff(axis.seconds))) / 86_400 if len(axis) > 1 else 1.0


def require_step(axis: TimeAxis, period: str) -> None:
    """Raise `CalendarError` where samples are too far apart to resolve the period."""
    step = _usual_step(axis)
    if step > _LONGEST_STEP[period]:
        raise CalendarError(
            f"the time step is too long for a value of each {period}",
            where=axis.name,
            expected=f"at most {_LONGEST_STEP[period]} days",
            found=f"a median step of {step:g} days",
        )


def period_days(month: Any, length: int, calendar: str) -> npt.NDArray[np.float64]:
    """Days of ``length`` months from each month on (counted from January of year 0)."""
    first, last = (_month_starts(n // 12, n % 12 + 1, calendar) for n in (month, month + length))
    return last - first


def _month_starts(year: Any, month: Any, calendar: str) -> npt.NDArray[np.float64]:
    """Days since 1970-01-01 of the first of each month."""
    pairs = np.stack(np.broadcast_arrays(year, month), axis=-1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    dates = [cftime.datetime(int(y), int(m), 1, calendar=calendar) for y, m in unique]
    days = cftime.date2num(dates, "days since 1970-01-01", calendar=calendar)
    return np.asarray(days, "float64")[inverse.reshape(-1)]


def _month_coordinate(number: npt.NDArray[np.int64], axis: TimeAxis) -> xr.DataArray:
    values = first_days(number // 12, number % 12 + 1, axis.calendar)
    attrs = {"standard_name": "time", "axis": "T", "long_name": "first day of the month"}
    return xr.DataArray(values, dims=(axis.name,), attrs=attrs, name=axis.name)
