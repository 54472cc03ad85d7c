"""Daily files hold exactly the ocean they were written from."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from climcube.testing import synthetic_ocean, write_daily_files


@pytest.mark.parametrize("compress", [True, False])
def test_files_give_the_ocean_back(tmp_path: Path, compress: bool) -> None:
    ocean = synthetic_ocean(years=1, shape=(4, 6)).isel(time=slice(55, 65))
    paths = write_daily_files(ocean, tmp_path / "files", compress=compress)
    assert [p.name for p in paths][:2] == [
        "oisst-avhrr-v02r01.20000225.nc",
        "oisst-avhrr-v02r01.20000226.nc",
    ]
    assert sorted(p.name for p in (tmp_path / "files").iterdir()) == [p.name for p in paths]
    for index, path in enumerate(paths):
        with xr.open_dataset(path) as file:
            xr.testing.assert_identical(file.load(), ocean.isel(time=[index]))


def test_numbers_are_stored_as_packed_integers(tmp_path: Path) -> None:
    ocean = synthetic_ocean(years=1, shape=(4, 6)).isel(time=slice(2))
    path = write_daily_files(ocean, tmp_path)[1]
    with netCDF4.Dataset(path) as file:
        sst = file["sst"]
        assert sst.dtype == np.int16 and sst.filters()["zlib"]
        assert sst.scale_factor.dtype == np.float32 and sst._FillValue == -999
        assert file["time"].units.startswith("days since 1978-01-01") and file["time"][0] == 8036


def test_any_dimension_order_and_plain_floats(tmp_path: Path) -> None:
    ocean = synthetic_ocean(years=1, shape=(4, 6), packed=False).isel(time=slice(3))
    turned = ocean.transpose("lat", "time", "lon")
    with xr.open_dataset(write_daily_files(turned, tmp_path)[2]) as file:
        xr.testing.assert_equal(file.load(), turned.isel(time=[2]))
