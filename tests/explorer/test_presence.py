"""A store that goes away while it is looked at: Zarr reads its chunks as fill values."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import StoreNotFoundError
from climcube.explorer.explore import scene_of
from climcube.explorer.scene import Scene


@pytest.fixture(params=["plain", "with a manifest"])
def store(sst: xr.DataArray, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A Zarr store; a manifest would tell of chunks that are missing, in words of its own."""
    small = sst[:, 4:8, :6].to_dataset(name="sst").drop_encoding().chunk(time=-1, lat=2, lon=6)
    if request.param == "plain":
        small.to_zarr(tmp_path / "sst.zarr", consolidated=False)
    else:
        cc.save(small, str(tmp_path / "sst.zarr"))
    return tmp_path / "sst.zarr"


def looks(scene: Scene) -> list[object]:
    lat, lon = float(scene.mhw.cube.lat[0]), float(scene.mhw.cube.lon[0])
    return [
        lambda: scene.values(5),
        lambda: scene.place(lat, lon),
        lambda: scene.compute_tile(0),
    ]


@pytest.mark.parametrize("look", range(3))
@pytest.mark.parametrize("pixels", [720, 3])
def test_a_store_that_has_gone_is_an_error(store: Path, look: int, pixels: int) -> None:
    with cc.set_options(tile_bytes=12 * 4018 * 4):
        cube: object = cc.open(str(store), variable="sst", layout="series")
    scene = Scene.of(scene_of(cube).mhw, pixels=pixels)
    assert np.isfinite(scene.values(4)).any()
    shutil.rmtree(store)
    with pytest.raises(StoreNotFoundError, match="the store has disappeared"):
        looks(scene)[look]()  # type: ignore[operator]
    assert not scene.has_values(5) and scene.sums.shares() is None
