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
def torn(cube) -> xr.DataArray:
    """Lacks a season, and three or nine days here and there, in events and beside them."""
    hot = cube.copy()
    hot[760:900] += 8.0  # an event before, in and after the season
    days = set(range(800, 890))
    rng = np.random.default_rng(8)
    for start in np.arange(30, 2180, 60):
        days |= set(range(start, start + int(rng.choice([3, 9]))))
    return hot.isel(time=[i for i in range(hot.sizes["time"]) if i not in days])


DATES = ["lat", "lon", "date_start", "date_end", "date_peak"]
OPTIONS = [
    {},
    {"cold": True},
    {"max_pad": 2},
    {"max_gap": 0, "min_duration": 1},
    {"second_threshold": 10.0, "min_duration2": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_days_that_are_absent_are_days_that_are_missing(cube, torn, options):
    """Decision 20: as long as more of them are absent than an event goes on over."""
    climatology = cc.heatwaves(cube, **options).climatology
    found = cc.heatwaves(torn, climatology=climatology, **options)
    there = torn.reindex(time=cube.time)
    expected = cc.heatwaves(there, climatology=climatology, **options)
    without = ["index_start", "index_end", "index_peak"]
    events = found.events().drop(columns=without)
    pd.testing.assert_frame_equal(events, expected.events().drop(columns=without))
    xr.testing.assert_identical(found.annual.drop_attrs(), expected.annual.drop_attrs())
    span = (events.date_end - events.date_start).dt.days + 1
    assert len(events) > 20 and (span == events.duration).all()


def test_no_event_goes_on_across_a_season_without_samples(climatology, torn):
    events = cc.heatwaves(torn, climatology=climatology).events()
    season = torn.indexes["time"][np.argmax(np.diff(torn.time) > np.timedelta64(60, "D"))]
    assert (events.date_end == season).sum() == 4
    assert not ((events.date_start <= season) & (events.date_end > season)).any()


def test_an_event_goes_on_over_as_few_absent_days_as_are_joined(cube, climatology):
    """29 February, in records that drop it, ends no event: as the reference implementation."""
    flat = climatology.seas.values[cc.heatwaves(cube).subject.axis.dayofyear].astype("float32")
    hot = cube.copy(data=flat)
    hot[60:69] += 30.0
    for absent in (1, 2, 3):
        record = hot.isel(time=np.r_[0:63, 63 + absent : 400])
        events = cc.heatwaves(record, climatology=climatology, min_duration=3).events()
        durations = events.query("lat == lat.min() and lon == lon.min()").duration.tolist()
        assert durations == ([9 - absent] if absent < 3 else [3, 3])


@pytest.mark.parametrize("days", [1, 7, 60])
def test_a_state_follows_a_record_with_absent_days(torn, days):
    state = cc.heatwave_state(torn[:700], revisable=0)
    for start in range(700, 1000, days):
        state.update(torn[start : min(start + days, 1000)])
    expected = cc.heatwaves(torn[:1000], climatology=state.climatology)
    pd.testing.assert_frame_equal(state.events(), expected.events())
    xr.testing.assert_identical(state.annual.drop_attrs(), expected.annual.drop_attrs())


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
