"""Periods: month lengths of every calendar, DJF, labels at the end of their period."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.periods import (
    months,
    own_axis,
    sample_days,
    season_months,
    seasons,
    years,
)
from climcube.errors import CalendarError, ParameterError

CALENDARS = {"standard": 366, "noleap": 365, "all_leap": 366, "360_day": 360, "julian": 366}


def cube_of(start: str, periods: int, freq: str, calendar: str = "standard") -> xr.DataArray:
    time = xr.date_range(
        start, periods=periods, freq=freq, calendar=calendar, use_cftime=calendar != "standard"
    )
    return xr.DataArray(np.zeros(periods), [("time", time)], name="x")


@pytest.mark.parametrize(("calendar", "length"), CALENDARS.items())
def test_months_weigh_by_their_length(calendar: str, length: int) -> None:
    cube = cube_of("2004-01-01", 12, "MS", calendar)
    axis = TimeAxis.of(cube)
    days = sample_days(cube, axis)
    assert days.sum() == length
    counted = [
        sum(
            d.month == m
            for d in xr.date_range("2004-01-01", periods=length, calendar=calendar, use_cftime=True)
        )
        for m in range(1, 13)
    ]
    assert days.tolist() == counted
    assert years(axis).expected.tolist() == [length]
    assert months(axis).expected.tolist() == counted


def test_other_steps() -> None:
    for freq, expected in (("D", 1.0), ("6h", 0.25), ("5D", 5.0)):
        cube = cube_of("2001-01-01", 40, freq)
        assert (sample_days(cube, TimeAxis.of(cube)) == expected).all()
    annual = cube_of("2003-07-01", 3, "YS-JUL")
    assert sample_days(annual, TimeAxis.of(annual)).tolist() == [365, 366, 365]


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        ("DJF", (12, 3)),
        ("JJA", (6, 3)),
        ("ndjfm", (11, 5)),
        ("JJ", (6, 2)),
        ("JFMAMJJASOND", (1, 12)),
    ],
)
def test_season_names(season: str, expected: tuple[int, int]) -> None:
    assert season_months(season) == expected


@pytest.mark.parametrize("season", ["", "J", "XYZ", "JAN", "JFMAMJJASONDJ", None])
def test_unknown_seasons(season: str) -> None:
    with pytest.raises(ParameterError, match="unknown season"):
        season_months(season)


def test_december_belongs_to_the_next_january() -> None:
    cube = cube_of("2000-11-01", 16, "MS")  # to February 2002
    found = seasons(TimeAxis.of(cube), "DJF")
    assert found.group.tolist() == [-1, 0, 0, 0, *[-1] * 9, 1, 1, 1]
    assert found.expected.tolist() == [90, 90]
    assert found.coordinate.dt.year.values.tolist() == [2001, 2002]
    leap = seasons(TimeAxis.of(cube_of("2003-12-01", 3, "MS")), "DJF")
    assert leap.expected.tolist() == [91]
    long = seasons(TimeAxis.of(cube), "NDJFM")
    assert long.group.tolist() == [0, 0, 0, 0, 0, *[-1] * 7, 1, 1, 1, 1]
    assert long.expected.tolist() == [151, 151]
    summer = seasons(TimeAxis.of(cube), "JJA")
    assert summer.coordinate.dt.year.values.tolist() == [2001]
    with pytest.raises(CalendarError, match="no sample in the season"):
        seasons(TimeAxis.of(cube.isel(time=slice(0, 2))), "JJA")


def test_labels_keep_the_calendar() -> None:
    axis = TimeAxis.of(cube_of("2000-12-30", 400, "D", "360_day"))
    for found in (years(axis), months(axis), seasons(axis, "DJF")):
        assert found.coordinate.dt.calendar == "360_day"
        assert isinstance(found.coordinate.values[0], cftime.datetime)
    assert months(axis).coordinate.dt.month.values.tolist()[:3] == [12, 1, 2]


def test_steps_longer_than_the_period() -> None:
    axis = TimeAxis.of(cube_of("2000-01-01", 10, "YS"))
    for use in (months, lambda a: seasons(a, "DJF")):
        with pytest.raises(CalendarError, match="time step is too long"):
            use(axis)
    with pytest.raises(CalendarError, match="each year"):
        years(TimeAxis.of(cube_of("2000-01-01", 5, "10YS")))


def with_bounds(shift: int, calendar: str = "standard") -> xr.Dataset:
    """Monthly data labelled by the first day of their month, or by its end (shift 1)."""
    edges = xr.date_range(
        "2001-01-01", periods=13, freq="MS", calendar=calendar, use_cftime=calendar != "standard"
    ).values
    bounds = np.stack([edges[:-1], edges[1:]], axis=1)
    return xr.Dataset(
        {"x": ("time", np.arange(12.0)), "time_bnds": (("time", "bnds"), bounds)},
        coords={"time": ("time", edges[shift : shift + 12], {"bounds": "time_bnds"})},
    )


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_bounds_settle_days_and_month(calendar: str) -> None:
    start, end = with_bounds(0, calendar), with_bounds(1, calendar)
    days = sample_days(start, TimeAxis.of(start.x))
    assert days.sum() == {"standard": 365, "noleap": 365, "360_day": 360}[calendar]
    assert own_axis(start, TimeAxis.of(start.x)).month.tolist() == list(range(1, 13))
    labels = TimeAxis.of(end.x)
    assert labels.month.tolist() == [*range(2, 13), 1]
    assert own_axis(end, labels).month.tolist() == list(range(1, 13))
    assert own_axis(end, labels).year.tolist() == [2001] * 12
    assert own_axis(end.x, labels) is labels  # without bounds labels are all there is
    assert sample_days(end, labels).tolist() == days.tolist()


def test_bounds_without_length() -> None:
    dataset = with_bounds(0)
    values = dataset.time_bnds.values.copy()
    values[3, 1] = values[3, 0]
    dataset["time_bnds"] = (("time", "bnds"), values)
    with pytest.raises(CalendarError, match=r"time bounds of no length \(time 2001-04-01\)"):
        sample_days(dataset, TimeAxis.of(dataset.x))
