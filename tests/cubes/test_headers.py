"""Coordinates of files: of large ones digests are compared, of all their signs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.cubes import headers
from climcube.errors import AxisError


def curvilinear(folder: Path, day: int, shift: float = 0.0, kind: str = "f8") -> Path:
    """One day on a grid with two-dimensional coordinates."""
    lat, lon = np.meshgrid(np.arange(4.0), np.arange(5.0), indexing="ij")
    lat[3, 4] += shift
    sst = (("time", "y", "x"), np.full((1, 4, 5), day, "f4"), {"units": "degC"})
    north = {"units": "degrees_north", "standard_name": "latitude"}
    east = {"units": "degrees_east", "standard_name": "longitude"}
    time = ("time", [np.datetime64("2000-01-01", "ns") + np.timedelta64(day, "D")])
    coords = {
        "time": time,
        "nav_lat": (("y", "x"), lat.astype(kind), north),
        "nav_lon": (("y", "x"), lon, east),
    }
    path = folder / f"{day}.nc"
    xr.Dataset({"sst": sst}, coords).to_netcdf(path)
    return path


@pytest.mark.parametrize("shift", [1e-12, np.nan])
def test_large_coordinates_must_be_equal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    monkeypatch.setattr(headers, "_STATIC", 10)
    files = [curvilinear(tmp_path, day) for day in range(3)]
    assert cc.open(files, variable="sst").sizes["time"] == 3
    assert cc.ingest(files, tmp_path / "a.zarr").times == 3
    files.append(curvilinear(tmp_path, 3, shift))
    for act in (lambda: cc.open(files), lambda: cc.ingest(files, tmp_path / "b.zarr")):
        with pytest.raises(AxisError, match=r"different grids .*3.nc, variable 'nav_lat'.*other"):
            act()


def test_latitudes_that_are_counted_southwards_are_not_ingested(tmp_path: Path) -> None:
    path = curvilinear(tmp_path, 0)
    with xr.open_dataset(path) as found:
        other = found.load()
    other.nav_lat.attrs["units"] = "degrees_south"
    other.to_netcdf(tmp_path / "other.nc")
    with pytest.raises(AxisError, match=r"southwards .*other.nc, variable 'nav_lat'"):
        cc.ingest([tmp_path / "other.nc"], tmp_path / "a.zarr")
