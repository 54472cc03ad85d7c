"""Cubes that are odd but legal give the numbers of the plain cube; empty ones are refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.area_means import area_sum
from climcube.analysis.percentile import percentile
from climcube.analysis.rolling import rolling_mean
from climcube.errors import CubeError
from climcube.testing import synthetic_ocean
from tests.mistakes import assert_one_line

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "annual": lambda cube: cc.heatwaves(cube).annual,
    "daily": lambda cube: cc.heatwaves(cube).daily,
    "climatology": cc.climatology,
    "spread": lambda cube: cc.climatology(cube, "month", statistic="std"),
    "anomaly": cc.anomaly,
    "trend": lambda cube: cc.trend(cc.anomaly(cube)),
    "change": lambda cube: cc.change(cc.anomaly(cube), (2000, 2001), (2002, 2003)),
    "quantile_trend": lambda cube: cc.quantile_trend(cc.anomaly(cube), 0.9),
    "breakpoint": lambda cube: cc.breakpoint(cc.anomaly(cube)),
    "annual_mean": cc.annual_mean,
    "monthly_mean": cc.monthly_mean,
    "seasonal_mean": cc.seasonal_mean,
    "area_mean": cc.area_mean,
    "zonal_mean": cc.zonal_mean,
    "zonal_bands": lambda cube: cc.zonal_mean(cube, band=30),
    "area_sum": area_sum,
    "rolling_mean": lambda cube: rolling_mean(cube, 31),
    "percentile": lambda cube: percentile(cube, [10, 90], "month"),
}

ODD: dict[str, Callable[[xr.DataArray], Any]] = {
    "data set": lambda cube: cube.to_dataset(),
    "time last": lambda cube: cube.transpose("lon", "lat", "time"),
    "time in the middle": lambda cube: cube.transpose("lat", "time", "lon"),
    "one tile": lambda cube: cube.chunk(),
    "odd tiles": lambda cube: cube.chunk(lat=(2, 1), lon=(1, 3)),
    "one cell a tile": lambda cube: cube.chunk(lat=1, lon=1),
    "falling latitude": lambda cube: cube[:, ::-1],
    "big-endian": lambda cube: cube.astype(">f4"),
    "read-only": lambda cube: cube.copy(data=np.broadcast_to(cube.values, cube.shape)),
    "member": lambda cube: cube.expand_dims(member=[7]),
    "auxiliary coordinates": lambda cube: cube.assign_coords(
        basin=(("lat", "lon"), np.ones((3, 4))), month=("time", np.ones(cube.sizes["time"]))
    ),
}


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    cube = synthetic_ocean(years=4, shape=(3, 4)).sst.drop_encoding()
    cube[50:60, 1, 1] = np.nan
    return cube


@pytest.fixture(scope="module")
def plain(sst: xr.DataArray) -> dict[str, xr.Dataset]:
    return {name: as_dataset(function(sst)) for name, function in FUNCTIONS.items()}


def as_dataset(result: Any) -> xr.Dataset:
    return result if isinstance(result, xr.Dataset) else result.to_dataset(name="result")


# Files that other tests left open are closed, and complain, whenever memory is cleaned up.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore:Cannot close a netcdf_file:RuntimeWarning")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("keep_attrs", [True, False, "default"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_cubes(
    sst: xr.DataArray, plain: dict[str, xr.Dataset], odd: str, keep_attrs: bool | str
) -> None:
    cube = ODD[odd](sst)
    for name, function in FUNCTIONS.items():
        with xr.set_options(keep_attrs=keep_attrs):
            result = as_dataset(function(cube)).load()
        if "member" in result.dims:
            result = result.isel(member=0)
        for key, expected in plain[name].data_vars.items():
            found = result[key].transpose(*expected.dims)
            if "lat" in found.dims:
                found = found.sel(lat=expected.lat)
            assert found.dtype == expected.dtype, (name, key)
            assert found.attrs.get("units") == expected.attrs.get("units"), (name, key)
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_empty_selections_are_refused(sst: xr.DataArray, name: str, lazy: bool) -> None:
    upside_down = sst.sel(lat=slice(80, -80))
    with pytest.raises(CubeError) as caught:
        FUNCTIONS[name](upside_down.chunk() if lazy else upside_down)
    assert_one_line(caught.value, "at least one cell", "no lat", "slice")


def test_empty_selections_can_be_rechunked(sst: xr.DataArray) -> None:
    for layout in ("series", "maps"):
        assert cc.rechunk(sst[:, :0], layout=layout).shape == (sst.sizes["time"], 0, 4)


@pytest.mark.parametrize(
    ("name", "dim"), [("annual", "dayofyear"), ("climatology", "dayofyear"), ("spread", "month")]
)
def test_dimensions_that_the_result_needs_are_refused(
    sst: xr.DataArray, name: str, dim: str
) -> None:
    with pytest.raises(CubeError) as caught:
        FUNCTIONS[name](sst.rename(lat=dim))
    assert_one_line(caught.value, repr(dim), "rename")


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_heatwaves_travel(sst: xr.DataArray, lazy: bool) -> None:
    mhw = cc.heatwaves(sst.chunk(lat=1) if lazy else sst)
    expected, events = mhw.annual.load(), mhw.events()
    for twin in (pickle.loads(pickle.dumps(mhw)), copy.deepcopy(mhw), copy.copy(mhw)):
        assert repr(twin) == repr(mhw)
        xr.testing.assert_equal(twin.annual, expected)
        assert twin.events().equals(events)
