"""Which sample of a cube a time belongs to: periods, gaps, other calendars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.matchup.matchup import matchup
from climcube.analysis.matchup.times import cube_seconds
from climcube.errors import ParameterError

CALENDARS = ("noleap", "360_day", "all_leap", "julian", "standard", "proleptic_gregorian")


def cube_at(time: Any, **attrs: str) -> xr.DataArray:
    """The number of each sample, everywhere."""
    shape = (len(time), 18, 36)
    values = np.broadcast_to(np.arange(len(time), dtype="float64")[:, None, None], shape).copy()
    lat, lon = np.arange(-85.0, 90, 10), np.arange(5.0, 360, 10)
    return xr.DataArray(values, [("time", time), ("lat", lat), ("lon", lon)], name="x", attrs=attrs)


def samples(cube: Any, *times: str, **options: Any) -> list[float]:
    n = len(times)
    table = {"lon": [5.0] * n, "lat": [5.0] * n, "time": list(times), "x": np.arange(n) * 1.0}
    return [float(v) for v in matchup(cube, table, **options).cube]


NONE = pytest.approx(float("nan"), nan_ok=True)


def test_daily_samples_stand_for_their_day_wherever_they_are_labelled() -> None:
    for hour in ("00:00", "12:00", "18:00"):
        cube = cube_at(pd.date_range(f"2001-01-01 {hour}", periods=4))
        got = samples(
            cube, "2001-01-01", "2001-01-02 23:59", "2001-01-04 23:00", "2001-01-05 01:00"
        )
        assert got == [0, 1, 3, NONE]
    instants = cube_at(pd.date_range("2001-01-01", periods=4), cell_methods="time: point")
    assert samples(instants, "2001-01-02 11:00", "2001-01-02 23:59") == [1, 2]


def test_months_and_years() -> None:
    months = cube_at(pd.date_range("2001-01-01", periods=12, freq="MS"))
    assert samples(months, "2001-01-28", "2001-02-28 23:00", "2001-12-31 12:00") == [0, 1, 11]
    assert samples(months, "2000-12-31", "2001-01-01", "2002-01-01 01:00") == [NONE, 0, NONE]
    ends = cube_at(pd.date_range("2001-01-31", periods=12, freq="ME"))
    assert samples(ends, "2001-01-02", "2001-03-01") == [0, 2]
    years = cube_at(pd.date_range("2001-01-01", periods=5, freq="YS"))
    assert samples(years, "2001-12-30", "2004-02-29") == [0, 3]


def test_six_hours_around_their_label() -> None:
    cube = cube_at(pd.date_range("2001-01-01", periods=8, freq="6h"))
    assert samples(cube, "2001-01-01 02:59", "2001-01-01 03:01", "2001-01-02 20:59") == [0, 1, 7]
    assert samples(cube, "2000-12-31 21:01", "2000-12-31 20:59") == [0, NONE]
    assert samples(cube, "2001-01-01 04:30", method="linear") == [0.75]


def test_bounds_say_it_best() -> None:
    time = pd.date_range("2001-02-01", periods=3, freq="MS")  # each the end of its month
    cube = cube_at(time).to_dataset()
    starts = pd.date_range("2001-01-01", periods=3, freq="MS")
    cube["time_bnds"] = ("time", "bnds"), np.stack([starts, time], axis=1)
    cube.time.attrs["bounds"] = "time_bnds"
    assert samples(cube, "2001-01-28", "2001-02-02", "2001-04-02") == [0, 1, NONE]


def test_gaps_are_not_bridged() -> None:
    time = pd.date_range("2001-01-01", periods=12, freq="MS").delete(5)
    cube = cube_at(time)
    assert samples(cube, "2001-05-31", "2001-06-15", "2001-07-01") == [4, NONE, 5]
    # There is no June to go on to: what May says holds to its end.
    assert samples(cube, "2001-05-31", "2001-06-02", method="linear") == [4, NONE]
    assert samples(cube, "2001-06-02", time_tolerance="20 days") == [4]
    hours = cube_at(pd.date_range("2001-01-01", periods=9, freq="6h").delete([3, 4]))
    assert samples(hours, "2001-01-01 16:00", "2001-01-01 18:00") == [2, NONE]


def test_linear_between_the_middles_of_months() -> None:
    cube = cube_at(pd.date_range("2001-01-01", periods=12, freq="MS"))
    middle = samples(cube, "2001-01-16 12:00", "2001-02-15", "2001-01-31 06:00", method="linear")
    np.testing.assert_allclose(middle, [0, 1, 0.5], atol=1e-12)
    assert samples(cube, "2001-01-02", "2001-12-30", method="linear") == [0, 11]  # the ends hold


def test_a_tolerance_is_to_the_middle() -> None:
    cube = cube_at(pd.date_range("2001-01-01", periods=4))
    assert samples(cube, "2001-01-02 05:59", "2001-01-02 06:01", time_tolerance="6h") == [NONE, 1]


def test_one_time() -> None:
    cube = cube_at(pd.date_range("2001-01-01", periods=4))
    for one in (cube.isel(time=[2]), cube.isel(time=2)):
        with pytest.raises(ParameterError, match="only time of the cube"):
            samples(one, "2001-01-03 05:00")
        assert samples(one, "2001-01-03 05:00", "2001-01-04", time_tolerance="12h") == [2, NONE]
    never = cube.mean("time")
    assert samples(never, "1987-01-03", "2001-01-03 05:00") == [1.5, 1.5]


@pytest.mark.parametrize("calendar", CALENDARS)
def test_months_are_the_same_in_every_calendar(calendar: str) -> None:
    time = xr.date_range("2000-01-01", periods=24, freq="MS", calendar=calendar, use_cftime=True)
    dates = pd.date_range("2000-01-01", "2001-12-31 23:00", freq="97h")
    got = samples(cube_at(time), *(str(d) for d in dates))
    assert got == [(d.year - 2000) * 12 + d.month - 1 for d in dates]


@pytest.mark.parametrize("calendar", CALENDARS)
def test_days_of_other_calendars(calendar: str) -> None:
    cube = cube_at(xr.date_range("2000-01-01", "2001-12-28", calendar=calendar, use_cftime=True))
    label = [f"{t.year}-{t.month:02}-{t.day:02}" for t in cube.time.values]
    asked = ["2000-02-10 05:00", "2000-02-29 12:00", "2000-03-01 00:00", "2001-07-31 18:00"]
    got = [label[int(n)] for n in samples(cube, *asked)]
    expected = [asked[0][:10], asked[1][:10], asked[2][:10], asked[3][:10]]
    if calendar == "noleap":
        expected[1] = "2000-02-28"
    elif calendar == "360_day":
        expected[0], expected[1], expected[3] = "2000-02-10", "2000-02-30", "2001-07-30"
    assert got == expected


def test_months_of_30_days_run_on_without_jumps() -> None:
    hours = np.arange("2000-01-01", "2001-03-05", dtype="datetime64[h]")
    step = np.diff(cube_seconds(hours, "360_day")) / 3600
    assert (step > 0.95).all() and (step < 1.08).all()
    for calendar in ("noleap", "all_leap", "standard"):
        step = np.diff(cube_seconds(hours, calendar)) / 3600
        odd = step[np.abs(step - 1) > 1e-6]
        assert len(odd) == {"noleap": 1, "all_leap": 1, "standard": 0}[calendar]
    np.testing.assert_array_equal(
        cube_seconds(hours, "standard"), hours.astype("datetime64[s]").astype("int64")
    )
