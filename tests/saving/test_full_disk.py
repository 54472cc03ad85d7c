"""Disks that are full: one line, nothing half-written, and a process that lives on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc

resource = pytest.importorskip("resource")


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def noise() -> xr.DataArray:
    days = xr.date_range("2000-01-01", periods=4)
    values = np.random.default_rng(1).normal(size=(4, 90, 180))
    lat = ("lat", np.linspace(-60.0, 60, 90), {"units": "degrees_north"})
    lon = ("lon", np.arange(180.0), {"units": "degrees_east"})
    return xr.DataArray(
        values, {"time": days, "lat": lat, "lon": lon}, name="sst", attrs={"units": "degC"}
    )


@pytest.mark.parametrize("name", ["a.zarr", "a.icechunk"])
def test_a_result(noise: xr.DataArray, tmp_path: Path, name: str) -> None:
    if name.endswith(".icechunk"):
        pytest.importorskip("icechunk")
    with at_most(100_000), pytest.raises(cc.errors.StoreError) as caught:
        cc.save(noise, tmp_path / name)
    assert "\n" not in str(caught.value) and "a." in str(caught.value)
    with pytest.raises(cc.errors.StoreError):
        cc.open(tmp_path / name)
    cc.save(noise, tmp_path / name)
    xr.testing.assert_equal(cc.open(tmp_path / name, variable="sst").compute(), noise)


@pytest.mark.parametrize("calls", [0, 1, 5])
def test_a_netcdf_file(
    noise: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """HDF5 never meets the full disk: it would take this process down, if only at its end."""
    usage, asked = shutil.disk_usage, 0

    def fills_up(path: str) -> Any:
        nonlocal asked
        asked += 1
        return usage(path)._replace(free=10**12 if asked <= calls else 1000)

    chunked = noise.chunk(time=1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", fills_up)
        with pytest.raises(cc.errors.StoreError, match="the disk is full: 1 kB free") as caught:
            cc.save(chunked, tmp_path / "a.nc")
    assert asked == calls + 1 and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    cc.save(chunked, tmp_path / "a.nc")
    xr.testing.assert_equal(cc.open(tmp_path / "a.nc", variable="sst").compute(), noise)


@pytest.mark.parametrize("name", ["a.zarr", "a.icechunk"])
def test_an_ingest(noise: xr.DataArray, tmp_path: Path, name: str) -> None:
    if name.endswith(".icechunk"):
        pytest.importorskip("icechunk")
    noise.to_netcdf(tmp_path / "raw.nc")
    with at_most(100_000), pytest.raises(cc.errors.StoreError) as caught:
        cc.ingest(tmp_path / "raw.nc", tmp_path / name)
    assert "\n" not in str(caught.value) and "a." in str(caught.value)
    cc.ingest(tmp_path / "raw.nc", tmp_path / name)
    np.testing.assert_array_equal(cc.open(tmp_path / name, variable="sst"), noise)
