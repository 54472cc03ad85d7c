"""Samples exactly on the limit of ice, where packed data often lie, however they were decoded."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.events.test_heatwaves import weather

DECODED = {
    "exact": lambda n: n * 0.01,
    "float32 twice rounded": lambda n: n.astype("float32") * np.float32(0.01),
    "float32 once rounded": lambda n: (n * 0.01).astype("float32"),
}


@pytest.fixture(scope="module")
def cube():
    return weather((1, 2), years=4, seed=6)


@pytest.mark.parametrize("decode", DECODED)
@pytest.mark.parametrize("percent", range(1, 100, 7))
def test_ice_of_exactly_the_limit_is_ice(cube, decode, percent):
    hundredths = xr.zeros_like(cube).astype("int16")
    hundredths[100:150] = percent
    hundredths[200:260] = percent - 1
    found = cc.heatwaves(cube, ice=DECODED[decode](hundredths), max_ice=percent / 100)
    assert (found.annual.days_missing.sum("time") == 50).all()


@pytest.mark.parametrize("decode", DECODED)
def test_the_default_is_fifteen_per_cent_or_more(cube, decode):
    hundredths = xr.zeros_like(cube).astype("int16")
    hundredths[100:150] = 15
    hundredths[200:260] = 14
    for units, factor in {"1": 1, "%": 100}.items():
        ice = (DECODED[decode](hundredths) * factor).assign_attrs(units=units)
        found = cc.heatwaves(cube, ice=ice)
        assert (found.annual.days_missing.sum("time") == 50).all(), units


@pytest.mark.parametrize("decode", DECODED)
@pytest.mark.parametrize("limit", [-1.8, -1.7, 0.05, 27.3, 8.15])
def test_water_of_exactly_the_least_temperature_is_no_ice(cube, decode, limit):
    hundredths = xr.full_like(cube, 3000).astype("int16")
    hundredths[100:150] = round(100 * limit)
    hundredths[200:260] = round(100 * limit) - 1
    found = cc.heatwaves(DECODED[decode](hundredths), min_temperature=limit)
    assert (found.annual.days_missing.sum("time") == 60).all()


@pytest.mark.parametrize("dtype", ["int16", "float16", "float64"])
def test_whole_degrees_of_any_type(cube, dtype):
    degrees = np.rint(cube).astype(dtype)
    found = cc.heatwaves(degrees, min_temperature=17)
    assert int(found.annual.days_missing.sum()) == int((degrees < 17).sum()) > 0
