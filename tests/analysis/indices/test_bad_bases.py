"""Base periods of one year, maximum monthly means of the other scale, names that are taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CalendarError, ClimcubeError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.indices.oceans import CALENDARS, globe, series
from tests.mistakes import assert_one_line

INDICES: dict[str, Callable[..., Any]] = {
    "oni": cc.oni,
    "nino34": cc.nino34,
    "iod": cc.iod,
    "pdo": cc.pdo,
    "maximum_monthly_mean": cc.maximum_monthly_mean,
}


def days(years: int = 3) -> xr.DataArray:
    count = 365 * years
    return series(28 + np.sin(np.arange(count) / 58.1), "2001-01-01")


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("calendar", CALENDARS)
def test_one_year_is_no_base(name: str, calendar: str) -> None:
    if name == "pdo":
        pytest.importorskip("xeofs")
    sst = globe(1991, 1995, calendar).chunk(time=7)
    with no_compute(), pytest.raises(ParameterError, match="one year is no base") as caught:
        INDICES[name](sst, base_period=(1993, 1993))
    assert_one_line(caught.value, name, "base_period=(1993, 1993)", "1993-01-01 to 1993-12-01")
    INDICES[name](sst, base_period=(1993, 1994))  # two years are one base, be it a poor one


@pytest.mark.parametrize("name", ["nino34", "iod", "pdo"])
def test_nor_is_a_record_of_twelve_months(name: str) -> None:
    if name == "pdo":
        pytest.importorskip("xeofs")
    whole = globe(1991, 1992)
    for short in (whole[:12], whole[5:17]):  # within one calendar year, and across two
        with pytest.raises(CalendarError, match=f"one year is no base for {name}"):
            INDICES[name](short)


def test_degree_heating_weeks_need_a_line() -> None:
    with pytest.raises(ParameterError) as caught:
        cc.degree_heating_weeks(days(), base_period=(2002, 2002))
    assert_one_line(caught.value, "one year is no base for degree_heating_weeks", "(2002, 2002)")
    cc.degree_heating_weeks(days(), base_period=(2001, 2002), centre_year=2002)


@pytest.mark.parametrize("frequency", ["day", "month", "season"])
def test_an_anomaly_from_one_year_warns(frequency: str) -> None:
    cube = days(2)
    with pytest.warns(UserWarning, match="relative to one year .2001-01-01 to 2001-12-31"):
        cc.anomaly(cube, frequency, base_period=(2001, 2001))
    with pytest.warns(UserWarning, match="relative to one year"):
        cc.anomaly(cube[:365], frequency)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cc.anomaly(cube, frequency)
        table = cc.climatology(cube, frequency, base_period=(2001, 2001))
        cc.anomaly(cube[:365], frequency, climatology=table)


def test_one_year_of_months_has_no_spread() -> None:
    monthly = globe(2001, 2003)
    with pytest.raises(ParameterError, match="at least two years"):
        cc.climatology(monthly, "month", base_period=(2002, 2002), statistic="std")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ParameterError, match="at least two years"):
            cc.anomaly(monthly, "month", base_period=(2002, 2002), standardize=True)


@pytest.mark.parametrize(("shift", "units"), [(273.15, "K"), (0.0, "degC")])
@pytest.mark.parametrize("form", ["array", "dataset", "mixed"])
def test_a_lazy_mmm_without_units_is_checked_at_compute(
    shift: float, units: str, form: str
) -> None:
    sst = (days(1).expand_dims(x=4) + shift).assign_attrs(units=units).transpose("time", "x")
    right = xr.DataArray([np.nan, 28.5, 28.6, 28.7], dims="x", name="mmm").chunk(x=2) + shift
    wrong = xr.where(right.isnull(), right, right - 2 * shift + 273.15)
    if form == "mixed":  # one chunk of two
        wrong = xr.concat([right[:2], wrong[2:]], "x").chunk(x=2)
    pack = (lambda a: a.to_dataset(name="mmm")) if form == "dataset" else (lambda a: a)
    with no_compute():
        lazy = cc.degree_heating_weeks(sst.chunk(x=2), mmm=pack(wrong))
    with pytest.raises(ParameterError, match="mmm looks like"):
        lazy.dhw.compute()
    with pytest.raises(ParameterError, match="mmm looks like"):
        cc.degree_heating_weeks(sst, mmm=pack(wrong.compute()))
    good = cc.degree_heating_weeks(sst.chunk(x=2), mmm=pack(right)).compute()
    numbers = cc.degree_heating_weeks(sst[:, 1], mmm=28.5 + shift)
    np.testing.assert_array_equal(good.dhw[:, 1], numbers.dhw)


def test_days_before_without_units_are_checked_too() -> None:
    whole = days(1)
    kelvin = (whole[100:] + 273.15).assign_attrs(units="K")
    with pytest.raises(ParameterError, match="before looks like degC"):
        cc.degree_heating_weeks(kelvin, mmm=302.0, before=whole[:100].drop_attrs())


TAKEN: dict[str, tuple[Callable[[xr.DataArray], Any], tuple[str, ...]]] = {
    "degree_heating_weeks": (
        lambda c: cc.degree_heating_weeks(c, mmm=29.0),
        ("year", "dhw", "dhw_max", "mmm", "warmest", "alert"),
    ),
    "anomaly": (lambda c: cc.anomaly(c, "month"), ("month",)),
    "nino34": (cc.nino34, ("month", "nino34")),
    "iod": (cc.iod, ("month",)),
    "habitat": (
        lambda c: cc.habitat(c, thermal_range=(0, 9), units="degC"),
        ("part", "hemisphere", "band", "area", "state", "days"),
    ),
}


@pytest.mark.parametrize(("function", "name"), [(f, n) for f, (_, ns) in TAKEN.items() for n in ns])
def test_names_that_are_taken_are_told_of_the_function_called(function: str, name: str) -> None:
    time = xr.date_range("2001-01-01", "2002-12-31")
    cube = xr.DataArray(
        np.ones((2, time.size, 2, 2)), dims=(name, "time", "lat", "lon"), name="sst",
        coords={"time": time, "lat": [-2.0, 2.0], "lon": [200.0, 230.0]}, attrs={"units": "degC"},
    )  # fmt: skip
    with pytest.raises(ClimcubeError) as caught:
        TAKEN[function][0](cube)
    assert isinstance(caught.value, CubeError)
    assert str(caught.value).startswith(f"{function} gives a result the name of a dimension")
    assert_one_line(caught.value, f"cube.rename({name}='my_{name}')")
