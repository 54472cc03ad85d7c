"""Tiles: each block once, all tasks there are, the values that Dask computes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask._task_spec import DataNode
from dask.local import get_sync
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import ClusterError
from climcube.planning.tiles.jobs import WHOLE, Job, job_of
from climcube.planning.tiles.nodes import is_constant, is_read

SIZES = {"time": 12, "lat": 6, "lon": 5}


def source(chunks: dict[str, Any]) -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=tuple(SIZES.values()))
    cube = xr.DataArray(values, dims=tuple(SIZES), name="x")
    data = da.from_array(values, chunks=-1, name="values").rechunk(tuple(chunks[d] for d in SIZES))
    return cube.copy(data=data.map_blocks(np.negative, dtype="f8"))


def anomaly(x: xr.DataArray) -> dict[str, xr.Dataset]:
    return {"": (x - x.mean("time")).to_dataset(name="a")}


def groups(x: xr.DataArray) -> dict[str, xr.Dataset]:
    mean = x.mean("time")
    return {
        "a": xr.Dataset({"x": x, "half": x / 2, "eager": ("n", [1, 2])}),
        "b": xr.Dataset({"mean": mean, "anomaly": x - mean}),
    }


def scalar(x: xr.DataArray) -> dict[str, xr.Dataset]:
    return {"": x.mean().to_dataset(name="m"), "map": x.mean("time").to_dataset(name="m")}


def neighbours(x: xr.DataArray) -> dict[str, xr.Dataset]:
    return {"": x.rolling(time=3, min_periods=1).mean().to_dataset(name="r")}


def standardized(x: xr.DataArray) -> dict[str, xr.Dataset]:
    centred = x - x.mean("time")
    return {"": (centred / np.sqrt((centred**2).mean("time"))).to_dataset(name="s")}


RESULTS = [anomaly, groups, scalar, neighbours, standardized]


def cuts(size: int) -> st.SearchStrategy[Any]:
    return st.integers(1, size)


@settings(max_examples=15, deadline=None)
@given(
    result=st.sampled_from(RESULTS),
    chunks=st.fixed_dictionaries({dim: cuts(size) for dim, size in SIZES.items()}),
)
def test_tiles_are_the_result(result: Any, chunks: dict[str, int]) -> None:
    datasets = result(source(chunks))
    job = job_of(datasets)
    pieces = [piece for tile in job.tiles for piece in tile.pieces]
    blocks = Counter(piece.key for piece in pieces)
    for (group, name), array in job.arrays.items():
        assert array is datasets[group][name].data
        keys = [(array.name, *place) for place in np.ndindex(*array.numblocks)]
        own = [p.key for p in pieces if (p.group, p.variable) == (group, name)]
        assert sorted(own) == sorted(keys)
    assert sum(blocks.values()) == sum(a.npartitions for a in job.arrays.values())
    assert [tile.number for tile in job.tiles] == list(range(len(job.tiles)))
    found, most = evaluated(job)
    for (group, name), array in job.arrays.items():
        np.testing.assert_array_equal(found[group, name], array.compute(scheduler="sync"))
    assert most <= len(job.shared)


def evaluated(job: Job) -> tuple[dict[tuple[str, str], Any], int]:
    """Compute tile by tile as a save does; fail where something is not there when needed."""
    found = {place: np.full(array.shape, np.nan) for place, array in job.arrays.items()}
    values: dict[Any, Any] = {}
    most = 0
    for tile in job.tiles:
        provide(job, tile.shared, values)
        most = max(most, len(values))
        graph = job.graph_of(tile)
        assert not graph.keys() & set(job.shared)
        known = {key: DataNode(key, values[key]) for key in tile.shared}
        keys = [piece.key for piece in tile.pieces]
        for piece, block in zip(tile.pieces, get_sync(graph | known, keys), strict=True):
            found[piece.group, piece.variable][piece.region] = block
            assert np.shape(block) == piece.shape
        for key in [k for k in values if job.last_use[k] <= tile.number]:
            del values[key]
    assert not values
    return found, most


def provide(job: Job, keys: Any, values: dict[Any, Any]) -> None:
    for key in [k for k in job.shared if k in keys and k not in values]:
        graph = job.graph_of_shared(key)
        inputs = job.inputs_of(graph)
        provide(job, inputs, values)
        values[key] = get_sync(graph | {k: DataNode(k, values[k]) for k in inputs}, key)


def test_what_several_tiles_need_is_shared_and_let_go_in_time() -> None:
    job = job_of(anomaly(source({"time": 4, "lat": 3, "lon": 5})))
    assert len(job.tiles) == 6 and len(job.shared) == 2  # a mean of each half of the map
    _, most = evaluated(job)
    assert most == 1  # tiles of one half come one after the other
    uses = Counter(key for tile in job.tiles for key in tile.shared)
    assert set(uses.values()) == {3}


def test_what_means_are_made_from_is_made_again_and_not_kept() -> None:
    """Else the whole cube would wait until the mean of all times is known."""
    job = job_of(standardized(source({"time": 4, "lat": 3, "lon": 5}) + 1))
    _, most = evaluated(job)
    assert most <= 3  # of a place, not of all six blocks


def test_tiles_are_named_by_where_they_are_cut() -> None:
    job = job_of(anomaly(source({"time": 12, "lat": 3, "lon": 2})))
    assert [tile.name for tile in job.tiles][:2] == ["lat 0-2, lon 0-1", "lat 0-2, lon 2-3"]
    assert [tile.name for tile in job_of(anomaly(source(SIZES))).tiles] == [WHOLE]
    assert job_of({"": xr.Dataset({"eager": ("x", [1.0])})}).tiles == ()


def test_variables_of_one_place_are_one_tile() -> None:
    ocean = cc.testing.synthetic_ocean(years=3, shape=(4, 4)).sst
    told = ocean.chunk(lat=2, lon=4)
    read = told.copy(data=told.data.map_blocks(np.negative, dtype="f4"))
    found = cc.heatwaves(read)
    job = job_of({"annual": found.annual, "climatology": found.climatology})
    assert len(job.tiles) == 2 and job.shared == ()
    assert all(len({p.group for p in tile.pieces}) == 2 for tile in job.tiles)


@pytest.mark.parametrize("fused", [False, True])
def test_what_reads_is_known_also_when_dask_has_put_tasks_together(
    tmp_path: Any, fused: bool
) -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 4)).sst
    cc.save(ocean.chunk(lat=2), tmp_path / "x.zarr")
    cube = cc.open(tmp_path / "x.zarr", variable="sst")
    kept = cube.isel(lon=slice(1, 3)) if fused else cube  # a getter of a getter
    job = job_of({"": kept.to_dataset(name="sst")})
    for tile in job.tiles:
        graph = job.graph_of(tile)
        tasks = {k: node for k, node in graph.items() if not is_constant(node)}
        assert any(is_read(node, graph) for node in tasks.values())
    doubled = job_of({"": (kept * 2 + 1).to_dataset(name="sst")})
    for tile in doubled.tiles:
        graph = doubled.graph_of(tile)
        assert not is_read(graph[tile.pieces[0].key], graph)


def test_what_workers_keep_is_refused_in_one_sentence() -> None:
    kept = source(SIZES)
    array = da.Array({}, "kept", kept.data.chunks, kept.dtype)  # as Dask has it of its futures
    with pytest.raises(ClusterError, match=r"memory of workers.*persist"):
        job_of({"": kept.copy(data=array).to_dataset(name="a")})
