"""Infinite values (a division by zero upstream, a fill value that overflowed) are no weather."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import climcube as cc
from tests.analysis.events.test_heatwaves import weather

SPOILED = [300, 301, 500, 700, 701, 702, 703, 704, 705, 706, 900]
OPTIONS = {
    "plain": {},
    "cold": {"cold": True},
    "padded": {"max_pad": 3},
    "detrended": {"baseline": "detrended"},
    "two definitions": {"percentile": [90, 95]},
}


@pytest.fixture(scope="module")
def cube():
    return weather((1, 3), years=4, seed=8)


def spoil(cube, value):
    spoiled = cube.copy()
    spoiled[SPOILED, 0, 0] = value
    return spoiled


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("option", OPTIONS)
def test_the_climatology_leaves_infinite_values_out(cube, value, option):
    found = cc.heatwaves(spoil(cube, value), **OPTIONS[option]).climatology
    expected = cc.heatwaves(spoil(cube, np.nan), **OPTIONS[option]).climatology
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("option", OPTIONS)
def test_infinite_values_are_missing_days(cube, value, option):
    """Events, annual metrics and daily results are those of the series with gaps there."""
    found = cc.heatwaves(spoil(cube, value), **OPTIONS[option])
    expected = cc.heatwaves(spoil(cube, np.nan), **OPTIONS[option])
    pd.testing.assert_frame_equal(found.events(), expected.events())
    for part in ("annual", "daily"):
        for name, wanted in getattr(expected, part).items():
            np.testing.assert_array_equal(getattr(found, part)[name], wanted, err_msg=name)


def test_an_infinite_value_spoils_no_other_cell(cube):
    for value in (np.inf, -np.inf):
        found, expected = cc.heatwaves(spoil(cube, value)), cc.heatwaves(cube)
        for name, wanted in expected.annual.isel(lon=[1, 2]).items():
            np.testing.assert_array_equal(found.annual[name].isel(lon=[1, 2]), wanted)
