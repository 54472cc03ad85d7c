from __future__ import annotations

from typing import Any

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.cubes.calendar import TimeAxis, year_start_coordinate
from climcube.errors import AxisError, CalendarError, ParameterError

CALENDARS = ("proleptic_gregorian", "standard", "julian", "noleap", "all_leap", "360_day")


def cube(times: Any) -> xr.DataArray:
    return xr.DataArray(np.zeros(len(times)), dims="time", coords={"time": times}, name="sst")


def dates(start: str, periods: int, freq: str = "D", calendar: str = "proleptic_gregorian") -> Any:
    plain = calendar == "proleptic_gregorian"
    return xr.date_range(start, periods=periods, freq=freq, calendar=calendar, use_cftime=not plain)


def year_fraction(date: Any, calendar: str) -> float:
    """The oracle: calendar year plus the elapsed part of it, from cftime's own arithmetic."""
    one = cftime.datetime(date.year, date.month, date.day, date.hour, calendar=calendar)
    start = cftime.datetime(date.year, 1, 1, calendar=calendar)
    end = cftime.datetime(date.year + 1, 1, 1, calendar=calendar)
    return float(date.year + (one - start).total_seconds() / (end - start).total_seconds())


@settings(max_examples=60, deadline=None)
@given(
    calendar=st.sampled_from(CALENDARS),
    year=st.integers(1700, 2150),
    month=st.integers(1, 12),
    hours=st.sampled_from([1, 6, 24, 24 * 31]),
)
def test_fields_agree_with_cftime(calendar: str, year: int, month: int, hours: int) -> None:
    times = dates(f"{year}-{month:02d}-01", 60, f"{hours}h", calendar)
    axis = TimeAxis.of(cube(times))
    stamps = list(pd.DatetimeIndex(times)) if calendar == "proleptic_gregorian" else list(times)
    assert axis.calendar == calendar
    assert list(zip(axis.year, axis.month, axis.day, strict=True)) == [
        (t.year, t.month, t.day) for t in stamps
    ]
    np.testing.assert_array_equal(np.diff(axis.seconds), hours * 3600)
    np.testing.assert_allclose(
        axis.decimal_year, [year_fraction(t, calendar) for t in stamps], rtol=0, atol=1e-9
    )
    epoch = cftime.datetime(1970, 1, 1, calendar=calendar)
    first = cftime.datetime(year, month, 1, calendar=calendar)
    assert axis.seconds[0] == (first - epoch).total_seconds()


def test_day_of_year_is_that_of_month_and_day() -> None:
    axis = TimeAxis.of(cube(dates("1999-01-01", 365 + 366)))
    common, leap = axis.dayofyear[:365], axis.dayofyear[365:]
    assert axis.days_of_year == 366
    assert axis.leap_day == 59
    np.testing.assert_array_equal(leap, np.arange(366))
    np.testing.assert_array_equal(common, np.delete(np.arange(366), 59))  # 1 March is always 60


@pytest.mark.parametrize(
    ("calendar", "days"), [("noleap", 365), ("360_day", 360), ("all_leap", 366)]
)
def test_day_of_year_in_other_calendars(calendar: str, days: int) -> None:
    axis = TimeAxis.of(cube(dates("2000-01-01", 2 * days, calendar=calendar)))
    assert axis.days_of_year == days
    np.testing.assert_array_equal(axis.dayofyear, np.tile(np.arange(days), 2))
    assert axis.leap_day == (59 if days == 366 else None)


def test_annual_data_are_exactly_one_year_apart() -> None:
    for calendar in CALENDARS:
        axis = TimeAxis.of(cube(dates("1890-01-01", 220, "YS", calendar)))
        np.testing.assert_array_equal(np.diff(axis.decimal_year), 1.0)


def test_the_gregorian_reform() -> None:
    """The mixed calendar has no 5 to 14 October 1582."""
    axis = TimeAxis.of(cube(dates("1582-10-01", 10, calendar="standard")))
    assert list(axis.day) == [1, 2, 3, 4, 15, 16, 17, 18, 19, 20]
    np.testing.assert_array_equal(np.diff(axis.ordinal), 1)
    assert 1582.74 < axis.decimal_year[0] < axis.decimal_year[-1] < 1583


def test_ordinals_before_1970_are_whole_days() -> None:
    axis = TimeAxis.of(cube(dates("1969-12-30T18", 4)))
    assert list(axis.ordinal) == [-2, -1, 0, 1]


def test_expected_days_count_from_the_first_to_the_last_sample() -> None:
    axis = TimeAxis.of(cube(dates("1999-12-30", 5)[[0, 1, 3, 4]]))
    assert list(axis.years) == [1999, 2000]
    assert list(axis.expected_days) == [2, 3]
    whole = TimeAxis.of(cube(dates("1999-01-01", 3 * 360, calendar="360_day")))
    assert list(whole.expected_days) == [360] * 3


def test_a_gap_of_years_is_among_the_years() -> None:
    times = np.array(["1999-12-31", "2002-01-01"], "datetime64[ns]")
    axis = TimeAxis.of(cube(times))
    assert list(axis.years) == [1999, 2000, 2001, 2002]
    assert list(axis.expected_days) == [1, 366, 365, 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_resolution_of_dates(unit: str) -> None:
    axis = TimeAxis.of(cube(np.array(["1999-12-31T12", "2000-01-01T12"], f"datetime64[{unit}]")))
    assert list(axis.seconds) == [946641600, 946728000]


def test_dates_beyond_nanoseconds() -> None:
    axis = TimeAxis.of(cube(np.array(["0850-01-01", "0851-01-01"], "datetime64[s]")))
    np.testing.assert_array_equal(axis.decimal_year, [850, 851])


# ---- refused ------------------------------------------------------------------------------


def refused(times: Any, what: str) -> str:
    with pytest.raises(AxisError, match=what) as caught:
        TimeAxis.of(cube(times))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_times_out_of_order_are_named() -> None:
    times = dates("2000-01-01", 4)
    text = refused(times[[0, 2, 1, 3]], "not increasing")
    assert "time[2]" in text
    assert "2000-01-02" in text
    assert "sortby" in text
    assert "drop_duplicates" in refused(times[[0, 1, 1, 3]], "duplicate times")
    assert "duplicate" in refused(dates("2000-01-01", 3, calendar="noleap")[[0, 0, 1]], "duplicate")


def test_times_missing_or_absent() -> None:
    refused(np.array(["2000-01-01", "NaT"], "datetime64[ns]"), r"missing values.*notnull\(\)")
    refused(np.array([], "datetime64[ns]"), "empty")
    refused(np.arange(3.0), "no time axis")


def test_a_descending_axis_is_refused() -> None:
    refused(dates("2000-01-01", 4)[::-1], "not increasing")


@pytest.mark.parametrize(
    ("freq", "words"),
    [("6h", ("sub-daily", "cc.daily_mean")), ("7D", ("7 days",)), ("MS", ("31 days",))],
)
def test_daily_values_are_demanded(freq: str, words: tuple[str, ...]) -> None:
    with pytest.raises(CalendarError) as caught:
        TimeAxis.of(cube(dates("2000-01-01", 40, freq))).require_daily("heatwaves")
    for word in ("heatwaves", *words):
        assert word in str(caught.value)


def test_missing_days_are_still_daily() -> None:
    times = dates("2000-01-01", 100)
    TimeAxis.of(cube(np.delete(times, [3, 4, 5, 50]))).require_daily("heatwaves")
    TimeAxis.of(cube(times[:1])).require_daily("heatwaves")


@pytest.mark.parametrize(
    "period",
    [
        ("2001", "2002"),
        (2001, 2002),
        [2001, "2002"],
        ("2001-01-01", "2002-12"),
        (np.int64(2001), np.float64(2002).astype(int)),
        np.array([2001, 2002]),
        (pd.Timestamp("2001-01-01"), np.datetime64("2002-12-31")),
        (pd.Timestamp("2001-01-01"), pd.Timestamp("2002-12-31 23:59:59")),
        (cftime.Datetime360Day(2001, 1, 1), cftime.Datetime360Day(2002, 12, 30)),
    ],
)
def test_a_period_is_two_years_both_included(period: Any) -> None:
    axis = TimeAxis.of(cube(dates("2000-01-01", 366 + 365 * 3)))
    first, last = axis.period(period)
    assert axis.label(first) == "2001-01-01"
    assert axis.label(last) == "2002-12-31"
    assert axis.period(None) == (0, len(axis) - 1)


@pytest.mark.parametrize(
    ("period", "kind", "words"),
    [
        (("1991", "2020"), CalendarError, ("1991", "2000..2003", "base_period=(2000, 2003)")),
        (("1960", "1970"), CalendarError, ("outside the record",)),
        ((2002, 2001), ParameterError, ("upside down",)),
        (("a", "b"), ParameterError, ("not understood", "1991")),
        ((2001,), ParameterError, ("two years, whole",)),
        (2001, ParameterError, ("two years, whole",)),
        ((2001, None), ParameterError, ("two years, whole",)),
        ((2001.5, 2002), ParameterError, ("two years, whole",)),
        (("2001-06", "2002-02"), ParameterError, ("two years, whole", "2001-06")),
        (("2001", "2002-02-28"), ParameterError, ("two years, whole",)),
    ],
)
def test_periods_that_are_none(period: Any, kind: type[Exception], words: tuple[str, ...]) -> None:
    axis = TimeAxis.of(cube(dates("2000-01-01", 366 + 365 * 3)))
    with pytest.raises(kind) as caught:
        axis.period(period)
    for word in words:
        assert word in str(caught.value)


def test_a_period_in_a_gap() -> None:
    axis = TimeAxis.of(cube(np.array(["1999-12-31", "2002-01-01"], "datetime64[ns]")))
    with pytest.raises(CalendarError, match="no sample"):
        axis.period((2000, 2001))


@pytest.mark.parametrize("calendar", CALENDARS)
def test_years_are_labelled_by_their_first_day(calendar: str) -> None:
    labels = year_start_coordinate(np.arange(1999, 2003), calendar)
    axis = TimeAxis.of(cube(labels.values))
    assert list(axis.year) == [1999, 2000, 2001, 2002]
    assert set(axis.dayofyear) == {0}
    assert axis.calendar == calendar or calendar == "standard"


@pytest.mark.parametrize("calendar", ["standard", "proleptic_gregorian"])
@pytest.mark.parametrize("first", [1000, 1676, 2261, 3000])
def test_years_beyond_nanoseconds_do_not_wrap_around(calendar: str, first: int) -> None:
    labels = year_start_coordinate(np.arange(first, first + 3), calendar)
    assert list(labels.dt.year.values) == [first, first + 1, first + 2]
