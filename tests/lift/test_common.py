"""Names of results and names of dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError
from climcube.lift.common import share

FUNCTIONS: dict[str, Callable[[xr.DataArray], Any]] = {
    "n": cc.trend,
    "pvalue": lambda cube: cc.trend(cube, method="theil_sen"),
    "r1": lambda cube: cc.trend(cc.trend_moments(cube)),
    "moment": cc.trend_moments,
    "quantile": cc.quantile_trend,
    "slope": cc.quantile_trend,
    "year": cc.breakpoint,
    "signal": lambda cube: cc.emergence(cube, base_period=(1901, 1910)),
    "mean_a": lambda cube: cc.change(cube, (1901, 1910), (1911, 1920)),
}


def annual(dim: str) -> xr.DataArray:
    time = xr.date_range("1901-01-01", periods=20, freq="YS")
    noise = np.random.default_rng(1).normal(size=(20, 3))
    return xr.DataArray(
        noise, dims=("time", dim), coords={"time": time}, attrs={"units": "degC"}, name="sst"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("lazy", [False, True])
def test_a_dimension_with_the_name_of_a_result_is_refused(name: str, lazy: bool) -> None:
    # Otherwise a result over that dimension alone would become its coordinate.
    cube = annual(name).chunk({name: 1}) if lazy else annual(name)
    with pytest.raises(CubeError, match=rf"cube.rename\({name}='my_{name}'\)"):
        FUNCTIONS[name](cube)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_coordinate_with_the_name_of_a_result_gives_way(name: str) -> None:
    plain = FUNCTIONS[name](annual("x"))
    for coordinate in (("x", [1, 2, 3]), 1):
        found = FUNCTIONS[name](annual("x").assign_coords({name: coordinate}))
        xr.testing.assert_equal(found, plain)


def test_tables_that_differ_in_the_middle_are_two() -> None:
    """Dask names an object array by its printed form, which leaves out the middle."""
    first = np.zeros(5000, "int32")
    second = first.copy()
    second[2500] = 1
    assert share((first,)).key == share((first.copy(),)).key
    assert share((first,)).key != share((second,)).key
