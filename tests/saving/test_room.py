"""A save computes as many tiles at once as have room, and refuses one that has none."""

from __future__ import annotations

import dask
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import PlanError
from climcube.planning.costs.costing import PROCESS_BYTES, cost_of_job
from climcube.planning.tiles.jobs import job_of
from climcube.saving.room import tiles_at_once

MIB = 2**20


def result(tiles=6):
    """Each tile reads 8 MiB and gives as much."""
    values = np.zeros((16, 64 * tiles, 1024))
    cube = xr.DataArray(values, dims=("time", "lat", "lon")).chunk(lat=64)
    return (cube + 1).to_dataset(name="a")


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_fewer_tiles_at_once_where_memory_is_short():
    job = job_of({"": result()})
    cost = cost_of_job(job)
    with dask.config.set(num_workers=3):
        with cc.set_options(memory=cost.memory(3)):
            assert tiles_at_once(job) == 3
        with cc.set_options(memory=cost.memory(3) - 1):
            assert tiles_at_once(job) == 2
        with cc.set_options(memory=cost.memory(2) - 1):
            assert tiles_at_once(job) == 1


def test_a_tile_without_room_is_refused_before_anything_is_written(tmp_path):
    target = tmp_path / "a.zarr"
    with cc.set_options(memory=PROCESS_BYTES + 8 * MIB), pytest.raises(PlanError) as told:
        cc.save(result(), target)
    words = str(told.value)
    assert words.count("\n") == 0 and "lat 0-63" in words
    assert words.count("; or ") == 2  # three ways out
    assert not list(tmp_path.iterdir())


def test_what_is_saved_with_less_room_is_the_same(tmp_path):
    lazy = result()
    cost = cost_of_job(job_of({"": lazy}))
    with dask.config.set(num_workers=3), cc.set_options(memory=cost.memory(1)):
        cc.save(lazy, tmp_path / "few.zarr")
    cc.save(lazy, tmp_path / "many.zarr")
    few, many = (files_of(tmp_path / name) for name in ("few.zarr", "many.zarr"))
    assert few == many


def test_functions_of_the_user_run_for_the_result_only(tmp_path):
    """And nothing is refused for a guess of what they need."""
    shapes = []

    def counted(block, block_info=None):
        if block.size:
            shapes.append(block.shape)
        return block

    values = xr.DataArray(np.ones((4, 6)), dims=("time", "lat"), name="a").chunk(lat=3)
    told = xr.apply_ufunc(counted, values, dask="parallelized", output_dtypes=["f8"])
    told = told.copy(data=told.data.map_blocks(counted, dtype="f8"))
    with cc.set_options(memory=PROCESS_BYTES // 2):
        cc.save(told, tmp_path / "a.zarr")
    assert shapes == 4 * [(4, 3)]  # two of each
