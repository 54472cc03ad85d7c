"""A small ocean in six tiles, and what there is to see of it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.explorer.explore import scene_of
from climcube.explorer.scene import Scene


@pytest.fixture(scope="session")
def sst() -> xr.DataArray:
    """A lazy ocean with gaps: some days without any value, a cell with a short hole."""
    values = cc.testing.synthetic_ocean(years=11, shape=(12, 18)).sst
    values[100:103] = np.nan
    values[2000:2004, 6, 4] = np.nan
    return values.chunk(time=-1, lat=6, lon=6)


@pytest.fixture(scope="session")
def mhw(sst: xr.DataArray) -> cc.Heatwaves:
    return cc.heatwaves(sst, base_period=(2000, 2009))


@pytest.fixture(scope="session")
def surveyed(mhw: cc.Heatwaves) -> Scene:
    """All tiles are computed."""
    scene = scene_of(mhw)
    for number in scene.pending():
        scene.compute_tile(number)
    return scene
