"""Odd records: none crashes, none gives a wrong number in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CalendarError, CubeError, ParameterError
from tests.analysis.events.test_heatwaves import weather


@pytest.fixture(scope="module")
def cube():
    return weather((2, 2), years=5, seed=2)


def test_a_threshold_that_is_never_exceeded(cube):
    climatology = cc.heatwaves(cube).climatology
    climatology["thresh"] = climatology.thresh + 100
    mhw = cc.heatwaves(cube, climatology=climatology)
    assert len(mhw.events()) == 0
    assert (mhw.annual["count"] == 0).all() and (mhw.annual.days == 0).all()
    assert mhw.annual.duration.isnull().all() and (mhw.daily.category == 0).all()
    assert {"lat", "lon", "date_start", "rank", "category"} <= set(mhw.events().columns)


@pytest.mark.parametrize(("period", "years"), [((2000, 2001), 2), ((2003, 2003), 1)])
def test_too_few_base_years_are_counted_in_the_message(cube, period, years):
    with pytest.raises(ParameterError, match=rf"at least 3 years.*found {years} "):
        cc.heatwaves(cube, base_period=period)


def test_a_record_of_one_day_is_too_short_for_a_climatology_but_not_for_one_given(cube):
    day = cube.isel(time=[100])
    with pytest.raises(ParameterError, match="found 1 "):
        cc.heatwaves(day)
    found = cc.heatwaves(day + 10, climatology=cc.heatwaves(cube).climatology, min_duration=1)
    events = found.events()
    assert events.duration.tolist() == [1, 1, 1, 1]
    assert np.isfinite(events.select_dtypes("number").to_numpy()).all()


def test_missing_stretches_of_the_base_period_are_counted(cube):
    gappy = cube.copy()
    gappy[200:700] = np.nan
    gappy[:, 0, 0] = np.nan
    gappy[1500:, 0, 0] = 20.0  # the last months alone, and all the same
    whole, found = cc.heatwaves(cube), cc.heatwaves(gappy)
    count = found.climatology["count"]
    assert (count[:, 1, 1] < whole.climatology["count"][:, 1, 1]).any()
    lost = found.annual.days_missing.sum("time")
    assert lost[1, 1] == 500 and lost[0, 0] == 1500
    assert found.climatology.thresh[:, 1, 1].notnull().all()
    absent = (count[:, 0, 0] == 0).values
    absent[59] = absent[58] or absent[60]  # 29 February is the mean of its neighbours
    assert absent.any()
    np.testing.assert_array_equal(found.climatology.thresh[:, 0, 0].isnull(), absent)
    assert found.annual.days[:, 0, 0].sum() == 0  # a constant is no heatwave


def test_leap_days_may_be_absent(cube):
    dropped = cube.sel(time=~((cube.time.dt.month == 2) & (cube.time.dt.day == 29)))
    mhw = cc.heatwaves(dropped)
    assert mhw.climatology.sizes["dayofyear"] == 366
    assert mhw.climatology.thresh.notnull().all()
    # The day is missing by date, not by sample.
    assert mhw.annual.days_missing[:, 0, 0].values.tolist() == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("dims", [("time",), ("time", "lat"), ("lon", "time")])
def test_cells_of_length_one_and_none(cube, dims):
    single = cube.isel({d: 0 for d in ("lat", "lon") if d not in dims}).transpose(*dims)
    found = cc.heatwaves(single.expand_dims(lat2=[5.0]))
    expected = cc.heatwaves(cube).annual.days
    for dim in ("lat", "lon"):
        if dim not in dims:
            expected = expected.isel({dim: 0})
    np.testing.assert_array_equal(
        found.annual.days.isel(lat2=0).transpose(*expected.dims), expected
    )


def test_extra_dimensions_need_no_order(cube):
    members = xr.concat(
        [cube, cube + 1, cube * 2], pd.Index(["z", "a", "m"], name="member")
    ).assign_coords(depth=("member", [50.0, 5.0, 500.0]))
    found = cc.heatwaves(members)
    for i, alone in enumerate((cube, cube + 1, cube * 2)):
        np.testing.assert_array_equal(found.annual.days[i], cc.heatwaves(alone).annual.days)
    events = found.events()
    assert list(events.columns[:4]) == ["member", "lat", "lon", "depth"]
    assert set(events.loc[events.member == "m", "depth"]) == {500.0}


@pytest.mark.parametrize("dtype", ["int32", "float16", ">f4", "float64"])
def test_types_of_numbers(cube, dtype):
    given = (cube * 100).round().astype(dtype) if dtype == "int32" else cube.astype(dtype)
    found = cc.heatwaves(given)
    exact = cc.heatwaves(given.astype("float64"))
    np.testing.assert_array_equal(found.annual.days, exact.annual.days)
    pd.testing.assert_frame_equal(found.events(), exact.events())


@pytest.mark.parametrize("wild", [np.inf, -np.inf, 1e30, -1e30])
def test_wild_values_stay_where_they_are(cube, wild):
    spoiled = cube.copy()
    spoiled[900, 0, 0] = wild
    found, plain = cc.heatwaves(spoiled), cc.heatwaves(cube)
    for part in ("annual", "climatology"):
        ours, theirs = getattr(found, part), getattr(plain, part)
        for name in ours:  # the other cells know nothing of it
            np.testing.assert_array_equal(
                ours[name].isel(lat=1, lon=1), theirs[name].isel(lat=1, lon=1)
            )
    assert np.isfinite(found.climatology.thresh).all()


def test_two_cells_of_the_same_name_stay_two(cube):
    twice = cube.assign_coords(lat=[3.0, 3.0])
    pd.testing.assert_frame_equal(
        cc.heatwaves(twice).events().drop(columns="lat"),
        cc.heatwaves(cube).events().drop(columns="lat"),
    )


def test_other_names_of_time(cube):
    renamed = cube.rename(time="T")
    np.testing.assert_array_equal(cc.heatwaves(renamed).annual.days, cc.heatwaves(cube).annual.days)
    assert "T" in cc.heatwaves(renamed).daily.dims


def test_one_cell_a_chunk(cube):
    np.testing.assert_array_equal(
        cc.heatwaves(cube.chunk(lat=1, lon=1)).annual.days, cc.heatwaves(cube).annual.days
    )


def test_what_is_no_daily_cube_is_one_line(cube):
    with pytest.raises(CubeError, match="at least one cell"):
        cc.heatwaves(cube.isel(lat=slice(0, 0)))
    with pytest.raises(CalendarError, match="outside the record"):
        cc.heatwaves(cube, base_period=(1990, 2003))
    with pytest.raises(CalendarError, match=r"cc\.daily_mean"):
        cc.heatwaves(cube.resample(time="12h").ffill())
