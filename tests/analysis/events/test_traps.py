"""What looks like an answer and is none: arguments and records that once gave wrong numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError, ParameterError
from tests.analysis.events.test_heatwaves import weather


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    return weather((2, 2), years=6, seed=4)


@pytest.fixture(scope="module")
def climatology(cube) -> xr.Dataset:
    return cc.heatwaves(cube).climatology


# ---------------------------------------------------------------- tables by day of year


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("turn", ["reversed", "shuffled"])
def test_a_climatology_is_read_by_its_days_of_year(cube, climatology, turn, lazy):
    order = np.arange(366)[::-1]
    if turn == "shuffled":
        order = np.random.default_rng(0).permutation(366)
    turned = climatology.isel(dayofyear=order)
    if lazy:
        cube, turned = cube.chunk(lat=1), turned.chunk(dayofyear=100)
    found = cc.heatwaves(cube, climatology=turned)
    expected = cc.heatwaves(cube, climatology=climatology)
    pd.testing.assert_frame_equal(found.events(), expected.events())
    xr.testing.assert_equal(found.annual.compute(), expected.annual.compute())


def test_a_second_threshold_is_read_by_its_days_of_year(cube, climatology):
    limit = climatology.thresh + 0.5
    turned = cc.heatwaves(cube, second_threshold=limit.isel(dayofyear=slice(None, None, -1)))
    expected = cc.heatwaves(cube, second_threshold=limit).events()
    pd.testing.assert_frame_equal(turned.events(), expected)
    assert len(expected) < len(cc.heatwaves(cube).events())


@pytest.mark.parametrize("days", [np.arange(366), np.r_[1:366, 1], np.arange(366) + 0.5])
def test_days_of_year_that_are_none_are_refused(cube, climatology, days):
    with pytest.raises(CubeError, match=r"days of year.*1 to 366") as caught:
        cc.heatwaves(cube, climatology=climatology.assign_coords(dayofyear=days))
    assert "\n" not in str(caught.value)
    with pytest.raises(CubeError, match=r"second_threshold.*1 to 366"):
        cc.heatwaves(cube, second_threshold=climatology.thresh.assign_coords(dayofyear=days))


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize("cold", ["no", 1, None, np.array([True])])
def test_cold_is_yes_or_no(cube, cold):
    with pytest.raises(ParameterError, match="cold is no truth value") as caught:
        cc.heatwaves(cube, cold=cold)
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_numbers(cube):
    numbers = {
        "percentile": np.int64(90), "window": np.int32(11), "smooth": np.int16(31),
        "min_duration": np.int64(5), "max_gap": np.uint8(2), "max_pad": np.int64(0),
        "cold": np.bool_(False),
    }  # fmt: skip
    found = cc.heatwaves(cube, **numbers)
    pd.testing.assert_frame_equal(found.events(), cc.heatwaves(cube).events())
    assert type(found.definition.window) is int and found.definition.cold is False
    several = cc.heatwaves(cube, percentile=list(np.array([90, 95])))
    assert list(several) == ["percentile=90", "percentile=95"]


@pytest.mark.parametrize("name", ["min_duration", "max_gap", "max_pad"])
def test_numbers_no_machine_counts_to_are_refused(cube, name):
    with pytest.raises(ParameterError, match=name):
        cc.heatwaves(cube, **{name: 10**20}).events()


# ---------------------------------------------------------------- base periods


def test_years_that_the_record_only_touches_are_no_base_years(cube):
    touched = cube.sel(time=slice("2001-12-20", "2003-01-10"))
    with pytest.raises(ParameterError, match=r"at least 3 years.*found 2 "):
        cc.heatwaves(touched)


def test_years_that_the_record_lacks_are_no_base_years(cube):
    lacking = cube.sel(time=cube.time.dt.year.isin([2000, 2005]))
    with pytest.raises(ParameterError, match=r"at least 3 years.*found 2 "):
        cc.heatwaves(lacking, base_period=(2000, 2005))
    enough = cube.sel(time=cube.time.dt.year.isin([2000, 2002, 2005]))
    assert len(cc.heatwaves(enough, base_period=(2000, 2005)).events())


def test_a_record_of_one_season_has_as_many_years_as_seasons(cube):
    summers = cube.sel(time=cube.time.dt.season == "JJA")
    assert cc.heatwaves(summers).climatology.thresh.notnull().sum("dayofyear")[0, 0] == 92
    with pytest.raises(ParameterError, match="found 2 "):
        cc.heatwaves(summers, base_period=(2001, 2002))


# ---------------------------------------------------------------- days that the record lacks


@pytest.fixture(scope="module")
def torn(cube, climatology) -> xr.DataArray:
    """Three hot days, ninety days that the time axis does not have, three hot days."""
    flat = climatology.seas.values[cc.heatwaves(cube).subject.axis.dayofyear]
    torn = cube.copy(data=flat.astype("float32")).isel(time=np.r_[0:800, 890 : cube.sizes["time"]])
    torn[797:803] += 30
    return torn


@pytest.mark.xfail(
    strict=True,
    reason="kernels: runs count samples, so one goes on across any number of absent days; "
    "semantics.md 1 says both that and that a missing day ends a run unless joined",
)
def test_no_event_goes_on_across_a_season_without_samples(torn, climatology):
    events = cc.heatwaves(torn, climatology=climatology).events()
    span = (events.date_end - events.date_start).dt.days + 1
    assert (span - events.duration <= 2).all(), events[["date_start", "date_end", "duration"]]


@pytest.mark.xfail(
    strict=True,
    reason="kernels: the rate of onset takes the sample before, months ago, for the day before",
)
def test_the_day_before_an_event_is_yesterday(cube, climatology, torn):
    hot = torn.copy()
    hot[800:806] += 30  # the event begins with the first sample after the hole
    hot[790:800] = hot[790:800] - 60  # unlike the climatology, which a missing day counts as
    found = cc.heatwaves(hot, climatology=climatology).events().query("index_start == 800")
    absent = hot.reindex(time=cube.time)  # the same days, there but missing
    expected = cc.heatwaves(absent, climatology=climatology).events().query("index_start == 890")
    np.testing.assert_allclose(found.rate_onset, expected.rate_onset)


# ---------------------------------------------------------------- units


@pytest.mark.parametrize("decoded", [False, True], ids=["as xarray reads", "as climcube reads"])
def test_ice_that_says_percent_and_is_a_share(cube, decoded):
    """As in every file of OISST: hundredths of a share packed, limits and units of per cent."""
    share = xr.zeros_like(cube)
    share[:, 0, 0] = np.where(np.arange(cube.sizes["time"]) % 3 == 0, 0.4, 0.0)
    ice = share.assign_attrs(units="%", valid_min=np.int16(0), valid_max=np.int16(100))
    ice.encoding = {"dtype": "int16", "scale_factor": np.float32(0.01), "add_offset": 0.0}
    if decoded:
        ice = ice.assign_attrs(valid_min=np.float32(0), valid_max=np.float32(1))
    found = cc.heatwaves(cube, ice=ice)
    expected = cc.heatwaves(cube, ice=share.assign_attrs(units="1"))
    pd.testing.assert_frame_equal(found.events(), expected.events())
    assert int(found.annual.days_missing.sum()) == (share > 0.15).sum()
    per_cent = (100 * share).assign_attrs(units="%", valid_max=100.0)
    pd.testing.assert_frame_equal(cc.heatwaves(cube, ice=per_cent).events(), expected.events())


@pytest.mark.parametrize("units", ["Celsius", "celsius", "degree_Celsius", "degrees_C", "deg C"])
def test_units_are_the_same_however_they_are_spelled(cube, climatology, units):
    spelled = cube.assign_attrs(units=units)
    found = cc.heatwaves(spelled, climatology=climatology, second_threshold=climatology.thresh)
    expected = cc.heatwaves(cube, climatology=climatology)
    pd.testing.assert_frame_equal(found.events(), expected.events())
    with pytest.raises(CubeError, match="different units"):
        cc.heatwaves(cube.assign_attrs(units="K"), climatology=climatology)


def test_a_base_period_beside_a_climatology_would_be_ignored(cube, climatology):
    with pytest.raises(ParameterError, match="drop base_period"):
        cc.heatwaves(cube, climatology=climatology, base_period=(2000, 2004))
