"""The second threshold meets the values that the first one meets: exact if packed, gaps filled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.testing.laziness import no_compute
from tests.analysis.events.test_heatwaves import weather

LIMIT = 20.7  # no binary number; hundredths of a degree lie on it


@pytest.fixture(scope="module")
def cube():
    """Hundredths of a degree, two hundred days of them exactly on the limit."""
    values = np.rint(weather((2, 2), years=6, seed=4).astype("float64") * 100)
    near = (values - 2070).where(np.abs(values - 2070) > 40, 0)
    return ((near + 2070) * 0.01).assign_attrs(units="degC")


def packed(cube):
    integers = np.rint(cube / 0.01).astype("int16")
    given = integers * np.float32(0.01)
    given.attrs = cube.attrs
    given.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    assert (given.values != cube.values.astype("float32")).any()  # float32 rounds twice
    return given


def as_limits(cube):
    days = xr.DataArray(np.full(366, LIMIT), dims="dayofyear")
    return {
        "a number": LIMIT,
        "by day of year": days,
        "by cell": xr.full_like(cube.isel(time=0, drop=True), LIMIT),
        "by day": xr.full_like(cube.isel(lat=0, lon=0, drop=True), LIMIT),
        "a cube": xr.full_like(cube, LIMIT),
    }


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("kind", as_limits(weather((1, 1), years=1)))
def test_a_value_on_the_limit_is_not_beyond_it_however_it_was_decoded(cube, cold, kind):
    hundredths = np.rint(cube / 0.01)
    met = hundredths < 2070 if cold else hundredths > 2070
    assert int((hundredths == 2070).sum()) > 200
    expected = cc.heatwaves(cube, second_threshold=met, cold=cold, percentile=70)
    for given in (cube, packed(cube), packed(cube).chunk(lat=1)):
        limit = as_limits(cube)[kind]
        with no_compute():
            found = cc.heatwaves(given, second_threshold=limit, cold=cold, percentile=70)
            found = found if given.chunks is None else found.annual
        days = found.days if isinstance(found, xr.Dataset) else found.annual.days
        np.testing.assert_array_equal(days, expected.annual.days)
    assert int(expected.annual.days.sum()) > 0


@pytest.mark.parametrize("cold", [False, True])
def test_a_day_that_was_filled_meets_the_limit_that_all_values_meet(cube, cold):
    rng = np.random.default_rng(2)
    gappy = cube.where(rng.random(cube.shape) > 0.05)
    plain = cc.heatwaves(gappy, max_pad=2, cold=cold)
    found = cc.heatwaves(gappy, max_pad=2, cold=cold, second_threshold=99.0 if cold else -99.0)
    pd.testing.assert_frame_equal(found.events(), plain.events())
    np.testing.assert_array_equal(found.daily.event, plain.daily.event)
    without = cc.heatwaves(gappy, cold=cold).annual.days.sum()
    assert plain.annual.days.sum() > without  # some events needed the filling
