"""Cubes that are odd but legal give the numbers of the plain cube; results travel."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.habitats.habitat import Habitat, habitat
from climcube.analysis.habitats.velocity import climate_velocity
from climcube.errors import CubeError
from climcube.testing import synthetic_ocean
from tests.mistakes import assert_one_line
from tests.test_odd_cubes import ODD


def found(cube: Any) -> Habitat:
    return habitat(cube, thermal_range=(5, 10, 20, 25), min_coverage=0.5)


def results(cube: Any) -> dict[str, xr.Dataset]:
    species = found(cube)
    return {
        "velocity": climate_velocity(cc.annual_mean(cube)),
        "periods": xr.Dataset({"days": species.days, "mean": species.mean}),
        "area": xr.Dataset({"area": species.area}),
        "centroid": species.centroid,
        "shift": species.poleward_shift(),
        "change": species.change((2000, 2001), (2002, 2003)),
        "suitability": species.suitability.to_dataset(name="suitability"),
    }


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    cube = synthetic_ocean(years=4, shape=(3, 4)).sst.drop_encoding()
    cube[50:60, 1, 1] = np.nan
    return cube


@pytest.fixture(scope="module")
def plain(sst: xr.DataArray) -> dict[str, xr.Dataset]:
    return results(sst)


# Files that other tests left open are closed, and complain, whenever memory is cleaned up.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore:Cannot close a netcdf_file:RuntimeWarning")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("keep_attrs", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_odd_cubes(
    sst: xr.DataArray, plain: dict[str, xr.Dataset], odd: str, keep_attrs: bool
) -> None:
    cube = ODD[odd](sst)
    with xr.set_options(keep_attrs=keep_attrs):
        odd_results = {name: result.load() for name, result in results(cube).items()}
    for name, expected in plain.items():
        result = odd_results[name]
        if "member" in result.dims:
            result = result.isel(member=0)
        assert set(result.data_vars) == set(expected.data_vars)
        for key, values in expected.data_vars.items():
            one = result[key].transpose(*values.dims)
            if "lat" in one.dims:
                one = one.sel(lat=values.lat)
            assert one.dtype == values.dtype, (name, key)
            assert one.attrs.get("units") == values.attrs.get("units"), (name, key)
            assert one.attrs.get("long_name") == values.attrs.get("long_name"), (name, key)
            np.testing.assert_allclose(one, values, rtol=1e-7, atol=1e-7, err_msg=f"{name} {key}")


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_empty_selections_are_refused(sst: xr.DataArray, lazy: bool) -> None:
    empty = sst.sel(lat=slice(80, -80))
    for function in (climate_velocity, found):
        with pytest.raises(CubeError) as caught:
            function(empty.chunk() if lazy else empty)
        assert_one_line(caught.value, "at least one cell")


@pytest.mark.parametrize("dim", ["velocity", "pvalue", "mean", "days"])
def test_a_dimension_with_the_name_of_a_result(sst: xr.DataArray, dim: str) -> None:
    member = sst.expand_dims({dim: [0, 1]})
    function = climate_velocity if dim in ("velocity", "pvalue") else lambda c: found(c).days
    with pytest.raises(CubeError) as caught:
        function(cc.annual_mean(member) if function is climate_velocity else member)
    assert_one_line(caught.value, repr(dim), "rename")


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_habitats_travel(sst: xr.DataArray, lazy: bool) -> None:
    species = found(sst.chunk(lat=1) if lazy else sst)
    expected = species.days.load()
    for twin in (pickle.loads(pickle.dumps(species)), copy.deepcopy(species), copy.copy(species)):
        assert repr(twin) == repr(species)
        xr.testing.assert_equal(twin.days, expected)


def test_the_caller_keeps_what_was_given(sst: xr.DataArray) -> None:
    before = sst.copy(deep=True)
    results(sst)
    xr.testing.assert_identical(sst, before)


def test_tasks_are_few(sst: xr.DataArray) -> None:
    """Not more than a handful for each chunk of the cube."""
    cube = sst.chunk(lat=1, lon=2, time=366)
    species = found(cube)
    chunks = cube.data.npartitions
    for result in (species.suitability, species.days, species.area):
        tasks = len(result.data.__dask_graph__()) - len(cube.data.__dask_graph__())
        assert tasks <= 12 * chunks, (result.name, tasks / chunks)


def test_bounds_say_which_year_a_month_labelled_by_its_end_belongs_to() -> None:
    starts = xr.date_range("2000-01-01", periods=25, freq="MS").values
    bounds = ("time", "edge"), np.stack([starts[:-1], starts[1:]], axis=1)
    time = ("time", starts[1:], {"bounds": "time_bnds"})
    values = np.repeat([1.0, 0.0], 12)[:, None, None] * np.ones((1, 2, 2))
    places = {"lat": [0.0, 1.0], "lon": [0.0, 1.0], "time": time}
    cube = xr.Dataset({"x": (("time", "lat", "lon"), values), "time_bnds": bounds}, places)
    change = habitat(cube, thermal_range=(0.5, 2)).change((2000, 2000), (2001, 2001))
    assert (change.mean_a == 1).all() and (change.mean_b == 0).all()


def test_areas_of_a_period_that_is_not_known_are_missing_not_zero(sst: xr.DataArray) -> None:
    short = sst.isel(time=slice(0, -100))  # the last year lacks more than a tenth of its days
    change = habitat(short, thermal_range=(-2, 40)).change((2000, 2001), (2003, 2003))
    assert (change.state == -1).all()
    for name in ("area_stable", "area_gain", "area_loss"):
        assert np.isnan(change[name]), name
