"""Times of observations, in the standard calendar, on the time axis of a cube."""

from __future__ import annotations

from typing import Any

import cftime
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.matchup.cell_axis import CellAxis, Floats
from climcube.cubes.area import bounds_of
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import is_dated
from climcube.cubes.periods import period_days

__all__ = ["cube_seconds", "time_cells"]

_DAY = 86_400.0
_STANDARD = ("standard", "gregorian", "proleptic_gregorian")
_LONGEST = 1.5  # usual steps: a sample further away from the next one has a gap beside it


def time_cells(given: Any, cube: xr.DataArray, axis: TimeAxis) -> CellAxis:
    """Return the period that each sample of a cube stands for, in seconds since 1970-01-01.

    From time bounds, if the data set has them. Else daily samples stand for their calendar day,
    monthly ones for their month, annual ones for their year, wherever in it they are labelled;
    any others, and those with ``time: point`` among the cell methods, for the time around
    their label.
    """
    label = axis.seconds.astype("float64")
    edges = _bounds(given, cube, axis)
    if edges is None and "time: point" not in str(cube.attrs.get("cell_methods", "")):
        edges = _calendar_periods(axis)
    if edges is not None:
        return CellAxis.of(edges.mean(axis=1), edges)
    usual = float(np.median(np.diff(label))) if len(axis) > 1 else np.inf
    return CellAxis.of(label, most=_LONGEST * usual)


def _bounds(given: Any, cube: xr.DataArray, axis: TimeAxis) -> Floats | None:
    bounds = bounds_of(given, cube, cube[axis.name])
    if bounds is None or bounds.ndim != 2 or not is_dated(bounds):
        return None
    values = bounds.transpose(axis.name, ...).values
    if np.issubdtype(values.dtype, np.datetime64):
        seconds = values.astype("datetime64[s]").astype("float64")
    else:
        unit = "seconds since 1970-01-01"
        seconds = np.asarray(cftime.date2num(values, unit, calendar=axis.calendar), "float64")
    # Instants have bounds of no length: nothing is known of what they stand for.
    return seconds if (seconds[:, 1] > seconds[:, 0]).all() else None


def _calendar_periods(axis: TimeAxis) -> Floats | None:
    """Return the calendar periods of daily, monthly and annual samples."""
    if len(axis) < 2:
        return None
    step = float(np.median(np.diff(axis.seconds))) / _DAY
    if step == 1 and (np.diff(axis.ordinal) > 0).all():
        start = axis.ordinal * _DAY
        return np.stack([start, start + _DAY], axis=1)
    if 27 <= step <= 32:
        month, length = axis.year * 12 + axis.month - 1, 1
    elif 359 <= step <= 367:
        month, length = axis.year * 12, 12
    else:
        return None
    if (np.diff(month) <= 0).any():
        return None
    start = _month_start(month, axis.calendar)
    return np.stack([start, start + period_days(month, length, axis.calendar) * _DAY], axis=1)


def cube_seconds(time: npt.NDArray[np.datetime64], calendar: str) -> Floats:
    """Return times of the standard calendar as seconds since 1970-01-01 in the cube's calendar.

    Date and time of day stay as they are; 29 February counts as the 28th where there is none.
    In ``360_day`` the month stays, and the share of it that is over: noon of the 29th of
    February, 28.5 days into a month of 29, lies 29.48 days into one of 30.
    """
    exact = time.astype("datetime64[us]").astype("int64") / 1e6
    if calendar in _STANDARD:
        return np.asarray(exact)
    month = time.astype("datetime64[M]")
    start = month.astype("datetime64[s]").astype("float64")
    length = (month + np.timedelta64(1, "M")).astype("datetime64[s]").astype("float64") - start
    number = month.astype("int64") + 1970 * 12
    own_length = period_days(number, 1, calendar) * _DAY
    into = exact - start
    if calendar == "360_day":
        into = np.where(own_length == length, into, into / length * own_length)
    else:
        into = np.where(into >= own_length, into - _DAY, into)
    return np.asarray(_month_start(number, calendar) + into)


def _month_start(number: npt.NDArray[np.int64], calendar: str) -> Floats:
    """Seconds since 1970-01-01 of months counted from January of year 0."""
    unique, inverse = np.unique(number, return_inverse=True)
    dates = [cftime.datetime(int(n // 12), int(n % 12 + 1), 1, calendar=calendar) for n in unique]
    seconds = cftime.date2num(dates, "seconds since 1970-01-01", calendar=calendar)
    return np.asarray(seconds, "float64")[inverse]
