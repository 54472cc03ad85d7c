"""Means over calendar periods, weighted by days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.climatology import grid_of
from climcube.cubes.periods import (
    Periods,
    days,
    months,
    own_axis,
    sample_days,
    seasons,
    years,
)
from climcube.cubes.subject import Subject, examine, finish_array
from climcube.errors import ParameterError
from climcube.kernels.groups import Finish
from climcube.kernels.pools import group_samples
from climcube.lift.reduction import Output, lift_reduction
from climcube.lift.stretches import lift_stretches
from climcube.provenance import ATTRIBUTE

__all__ = [
    "annual_mean",
    "daily_mean",
    "mean_attributes",
    "monthly_mean",
    "require_share",
    "seasonal_mean",
]

_KERNEL = "climcube.kernels.groups:MEAN"
_MADE = (ATTRIBUTE, "history")  # how one season was made


def annual_mean(cube: xr.DataArray, *, min_coverage: float = 0.9) -> xr.DataArray:
    """Return the mean of every calendar year, weighted by days.

    Each value weighs by the days that it stands for: its time bounds if the data set has any
    (pass a Dataset, bounds cannot travel on a DataArray), else the calendar: a month by its
    length, a day by 1.

    Parameters
    ----------
    cube
        A time axis of at most yearly steps and any other dimensions in any order, NumPy or
        Dask in any chunks, plain or pint-quantified, in any calendar.
    min_coverage
        Share of the days of the year that must have a value; below it the mean is NaN.

    Returns
    -------
    DataArray
        float64, in the cube's units; the time dimension keeps its name and calendar and holds
        1 January of each year.

    Notes
    -----
    Missing (and infinite) values carry no weight. Days that the record does not cover count as
    missing, so the partial years at the ends of a record are NaN. A value is not split between
    two periods; where bounds show that a label lies outside its own period (a mean labelled by
    its end) the middle of the period decides.

    Raises
    ------
    AxisError
        No usable time axis.
    CalendarError
        The time step is longer than the period.
    ParameterError
        ``min_coverage`` is not between 0 and 1.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> cc.annual_mean(sst).time.dt.year.values.tolist()
    [2000, 2001, 2002, 2003]
    """
    subject = examine(cube, "annual_mean")
    periods = years(own_axis(cube, subject.axis))
    return _mean(cube, subject, periods, "annual_mean", {"min_coverage": min_coverage})


def daily_mean(cube: xr.DataArray, *, min_coverage: float = 0.9) -> xr.DataArray:
    """Return the mean of every day of sub-daily data, from midnight to midnight.

    Statistics of days (heatwaves, degree heating weeks) never make daily means on their own:
    what a day is (UTC, or the place's own) is for the user to say. See `climcube.annual_mean`
    for weights, coverage and errors.

    Parameters
    ----------
    cube
        Values several times a day, in any chunks; lazy cubes stay cut along time as they are.
    min_coverage
        Share of the day that must have a value (each counts for the usual step); below it the
        mean is NaN.

    Returns
    -------
    DataArray
        float64, in the cube's units, with one value for each day from the first to the last,
        labelled by its midnight.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> hours = xr.date_range("2001-01-01", periods=48, freq="h")
    >>> air = xr.DataArray(np.arange(48.0), dims="time", coords={"time": hours})
    >>> cc.daily_mean(air).values.round(6).tolist()
    [11.5, 35.5]
    """
    subject = examine(cube, "daily_mean")
    axis = own_axis(cube, subject.axis)
    start, coordinate = days(axis)
    least = require_share(min_coverage) - 1e-9  # 24 hours add up to a day, rounding apart
    weight = sample_days(cube, axis)
    result = lift_stretches(
        "climcube.kernels.stretches:mean", subject.cube, coordinate, start, weight, (least,)
    ).rename(str(subject.cube.name or "daily_mean"))
    result.attrs = mean_attributes(subject)
    parameters = {"min_coverage": min_coverage}
    return finish_array(result, "daily_mean", parameters, [cube], subject.quantified)


def monthly_mean(cube: xr.DataArray, *, min_coverage: float = 0.9) -> xr.DataArray:
    """Return the mean of every month of the record, labelled by its first day.

    See `climcube.annual_mean` for weights, coverage and errors.

    Parameters
    ----------
    cube
        Daily or sub-monthly values; see `climcube.annual_mean`.
    min_coverage
        Share of the days of the month that must have a value; below it the mean is NaN.

    Returns
    -------
    DataArray
        float64, in the cube's units, with one value for each month that has a sample.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> cc.monthly_mean(sst).sizes["time"]
    48
    """
    subject = examine(cube, "monthly_mean")
    periods = months(own_axis(cube, subject.axis))
    return _mean(cube, subject, periods, "monthly_mean", {"min_coverage": min_coverage})


def seasonal_mean(
    cube: xr.DataArray, season: str | Sequence[str] = "DJF", *, min_coverage: float = 0.9
) -> xr.DataArray:
    """Return the mean of one season of every year, or of several.

    A season over New Year takes the *previous* year's months and belongs to January's year:
    DJF 2000 is December 1999 to February 2000. See `climcube.annual_mean` for weights,
    coverage and errors.

    Parameters
    ----------
    cube
        Daily or monthly values; see `climcube.annual_mean`.
    season
        Initials of 2 to 12 consecutive months: ``"DJF"``, ``"JJA"``, ``"NDJFM"`` ...; or several
        of them.
    min_coverage
        Share of the days of the season that must have a value; below it the mean is NaN.

    Returns
    -------
    DataArray
        float64, in the cube's units, with one value for each year in which the season has a
        sample, labelled by 1 January of that year; the season's name is a scalar coordinate. Of
        several seasons: a first dimension ``season``, and every year of any of them.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> winter = cc.seasonal_mean(sst, "DJF")
    >>> winter.time.dt.year.values.tolist()  # 2000 lacks its December, 2004 has no other month
    [2000, 2001, 2002, 2003, 2004]
    >>> cc.seasonal_mean(sst, ("DJF", "MAM", "JJA", "SON")).dims
    ('season', 'time', 'lat', 'lon')
    """
    if isinstance(season, str):
        subject = examine(cube, "seasonal_mean")
        periods = seasons(own_axis(cube, subject.axis), season)
        parameters = {"season": season, "min_coverage": min_coverage}
        result = _mean(cube, subject, periods, "seasonal_mean", parameters)
        return result.assign_coords(season=season.upper())
    names = _require_seasons(season)
    parts = [seasonal_mean(cube, name, min_coverage=min_coverage) for name in names]
    dim = xr.DataArray([n.upper() for n in names], dims="season", attrs={"long_name": "season"})
    several = xr.concat(parts, dim, join="outer", coords="minimal", compat="override")
    several.attrs = {k: v for k, v in parts[0].attrs.items() if k not in _MADE}
    parameters = {"season": list(names), "min_coverage": min_coverage}
    return finish_array(several, "seasonal_mean", parameters, [cube])


def _mean(
    given: Any, subject: Subject, periods: Periods, function: str, parameters: dict[str, Any]
) -> xr.DataArray:
    min_coverage = require_share(parameters["min_coverage"])
    cube, time = subject.cube, subject.axis.name
    axis = own_axis(given, subject.axis)
    pools = group_samples(periods.group, len(periods.expected), sample_days(given, axis))
    name = str(cube.name or function)
    result = lift_reduction(
        _KERNEL,
        cube,
        time,
        [Output(name, time, attrs=mean_attributes(subject))],
        tables=(pools, grid_of(cube), Finish(periods.expected, min_coverage)),
        coordinates={time: periods.coordinate},
        purpose=function,
    )[name]
    return finish_array(result, function, parameters, [given], subject.quantified)


def mean_attributes(subject: Subject) -> dict[str, Any]:
    """Return what a mean over time says of itself: its units, and how it was made."""
    attrs, time = subject.cube.attrs, subject.axis.name
    kept = {k: v for k, v in attrs.items() if k in ("standard_name", "long_name")}
    before = attrs.get("cell_methods")
    method = f"{time}: mean" if before is None else f"{before} {time}: mean"
    return kept | subject.absolute() | {"cell_methods": method}


def _require_seasons(season: Any) -> tuple[str, ...]:
    names = tuple(season) if isinstance(season, Iterable) else (season,)
    if not names or not all(isinstance(name, str) for name in names):
        raise ParameterError(
            "unknown season", where=f"season={season!r}",
            expected="initials of months, or several of them",
            remedy="pass for instance ('DJF', 'MAM', 'JJA', 'SON')",
        )  # fmt: skip
    if len({name.upper() for name in names}) < len(names):
        raise ParameterError(
            "a season is given twice", where=f"season={season!r}", expected="each season once"
        )
    return names


def require_share(value: Any) -> float:
    """Return ``min_coverage``, checked."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not 0 <= value <= 1
    ):
        raise ParameterError(
            "min_coverage out of range", where=f"min_coverage={value!r}",
            expected="a share between 0 and 1",
        )  # fmt: skip
    return float(value)
