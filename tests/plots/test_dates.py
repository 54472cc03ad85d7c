"""Days on an axis, in every calendar; periods named by the caller."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from climcube.cubes.calendar import TimeAxis
from climcube.errors import ParameterError
from climcube.plots.dates import date_axis, day_index, month_starts, period_window, positions


def axis_of(start: str, days: int, calendar: str = "standard") -> tuple[TimeAxis, xr.DataArray]:
    time = xr.date_range(start, periods=days, calendar=calendar, use_cftime=calendar != "standard")
    cube = xr.DataArray(np.zeros(days), {"time": time}, ("time",))
    return TimeAxis.of(cube), cube


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_periods(calendar: str) -> None:
    axis, _ = axis_of("2000-01-01", 1200, calendar)
    for period, first, last in (
        ((2001, 2001), "2001-01-01", None),
        (("2001-02", "2001-02"), "2001-02-01", f"2001-02-{30 if calendar == '360_day' else 28}"),
        (("2001-02-27", "2001-03-02"), "2001-02-27", "2001-03-02"),
        ((np.datetime64("2001-05-01"), "2001-06"), "2001-05-01", None),
        ((1990, "2000-01-03"), "2000-01-01", "2000-01-03"),
    ):  # fmt: skip
        window = period_window(axis, period)
        assert axis.label(window.start) == first
        if last is not None:
            assert axis.label(window.stop - 1) == last
    year = period_window(axis, (2001, 2001))
    assert year.stop - year.start == {"noleap": 365, "360_day": 360}.get(calendar, 365)


@pytest.mark.parametrize("date", ["2001", "soon", 7, None, True])
def test_days_that_are_none(date: object) -> None:
    with pytest.raises(ParameterError, match="date not understood"):
        day_index(axis_of("2001-01-01", 9)[0], date)


def test_months_begin_where_the_calendar_says() -> None:
    assert month_starts(axis_of("2000-01-01", 9)[0])[2] == 60
    assert month_starts(axis_of("2000-01-01", 9, "noleap")[0])[2] == 59
    assert list(month_starts(axis_of("2000-01-01", 9, "360_day")[0])) == list(range(0, 360, 30))


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
@pytest.mark.parametrize("days", [1, 3, 12, 40, 80, 200, 500, 900, 2000, 15000])
def test_ticks_are_few_enough_and_never_none(calendar: str, days: int) -> None:
    axis, cube = axis_of("1999-11-25", days, calendar)
    ax = Figure().add_subplot()
    x = positions(axis, cube.time.values)
    date_axis(ax, axis, slice(0, days), x)
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert 1 <= len(labels) <= 15
    assert any(text.strip()[-4:].isdigit() for text in labels)  # a year stands somewhere


def test_ticks_stand_on_the_days_they_name() -> None:
    axis, cube = axis_of("2010-12-20", 60)
    ax = Figure().add_subplot()
    date_axis(ax, axis, slice(0, 60), positions(axis, cube.time.values))
    start = int((np.datetime64("2011-01-01") - np.datetime64("1970-01-01")).astype(int))
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels == ["21\nDec 2010", "1\nJan 2011", "11", "21", "1\nFeb", "11"]
    assert list(ax.get_xticks() - start) == [-11, 0, 10, 20, 31, 41]
