"""Requests and bytes of plans against those that a server of objects counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from tests.planning.statistics import write_cube
from tests.stores.faults import Weather, bad_weather

SHAPE = (22, 30)


def packed(**encoding: Any) -> dict[str, dict[str, Any]]:
    facts = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999}
    return {"sst": facts | {"chunks": (366, 8, 10)} | encoding}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores with the same values: plain, and as climcube writes them, in shards and not."""
    folder = tmp_path_factory.mktemp("stores")
    plain = write_cube(folder / "foreign.zarr", SHAPE, chunks=(366, 8, 10))
    write_cube(folder / "foreign_shards.zarr", SHAPE, chunks=(122, 4, 5), shards=(366, 8, 10))
    sst = cc.open(plain, variable="sst", chunks={})
    gap = sst.where((sst.lat > -40) | (sst.lon > 100))  # chunks of nothing but missing values
    cc.save(gap, folder / "chunks.zarr", encoding=packed())
    shards = packed(chunks=(122, 4, 5), shards=(366, 8, 10))
    cc.save(gap, folder / "shards.zarr", encoding=shards)
    wide = packed(chunks=(122, 8, 5), shards=(732, 16, 30))
    cc.save(gap, folder / "wide.zarr", encoding=wide)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[tuple[str, Weather]]:
    content = {
        f"/bucket/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    with bad_weather(content) as found:
        yield found


STORES = ("foreign", "foreign_shards", "chunks", "shards", "wide")
RESULTS: dict[str, Callable[[xr.DataArray], Any]] = {
    "all": cc.trend_moments,
    "a part": lambda sst: cc.trend_moments(sst.isel(lat=slice(3, 17), lon=slice(9, 22))),
    "a year": lambda sst: sst.sel(time="1993").mean("time"),
    "a map": lambda sst: sst.isel(time=500) + 0,
    "every other column": lambda sst: cc.trend_moments(sst.isel(lon=slice(1, None, 2))),
    "some rows": lambda sst: cc.trend_moments(sst.isel(lat=[2, 3, 20])),
    "read again": lambda sst: cc.anomaly(sst, "month"),
}


def opened(
    name: str, server: tuple[str, Weather], tile_bytes: int = 2**30, **chunks: int
) -> xr.DataArray:
    options = {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": server[0]}}
    with cc.set_options(tile_bytes=tile_bytes):
        sst = cc.open(
            f"s3://bucket/{name}.zarr", variable="sst", storage_options=options,
            chunks=chunks or None,
        )  # fmt: skip
    assert isinstance(sst, xr.DataArray)
    return sst


def counted(weather: Weather) -> tuple[Counter[str], int]:
    """Return requests for data by object, and their bytes, since the last call."""
    asked, size = Counter[str](), 0
    for path, headers in zip(weather.requests, weather.headers, strict=True):
        if "/sst/c/" in path and "manifest" not in path:
            asked[path] += 1
            size += length(len(weather.content.get(path, b"")), headers.get("range", ""))
    weather.requests.clear()
    weather.headers.clear()
    return asked, size


def length(whole: int, wanted: str) -> int:
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not wanted:
        return whole
    if not first:
        return min(whole, int(last))
    return min(whole, int(last) + 1) - int(first) if last else whole - int(first)


FEW = ("a part", "a map", "read again")
CASES = [("s3fs", store, what) for store in STORES for what in FEW]
CASES += [("s3fs", "wide", what) for what in RESULTS if what not in FEW]
CASES += [("obstore", store, "a part") for store in ("foreign_shards", "shards")]


@pytest.mark.parametrize(("client", "store", "what"), CASES)
def test_requests_are_exact(
    client: str, store: str, what: str, server: tuple[str, Weather], tmp_path: Path
) -> None:
    with cc.set_options(s3_client=client):
        compare(store, what, server, tmp_path)


def compare(store: str, what: str, server: tuple[str, Weather], tmp_path: Path) -> None:
    result = RESULTS[what](opened(store, server, 2**20))
    plan = cc.plan(result, workers=1, calibrate=False)
    counted(server[1])
    with dask.config.set(scheduler="synchronous"):
        cc.save(result, tmp_path / "out.zarr")
    asked, size = counted(server[1])
    assert plan.requests == asked.total()
    if plan.bytes_known:
        assert plan.bytes_read == size
    else:  # of packed values, which compress
        assert plan.bytes_read >= 0.9 * size
    assert plan.bytes_known == (not store.startswith("foreign"))


def test_threads_read_a_few_tiles_once(server: tuple[str, Weather], tmp_path: Path) -> None:
    result = cc.anomaly(opened("chunks", server), "month")
    plan = cc.plan(result, workers=2, calibrate=False)
    counted(server[1])
    with dask.config.set(scheduler="threads", num_workers=2):
        cc.save(result, tmp_path / "out.zarr")
    assert plan.requests == counted(server[1])[0].total()


def test_planning_reads_no_data(server: tuple[str, Weather]) -> None:
    result = cc.heatwaves(opened("shards", server, 2**20))
    counted(server[1])
    cc.plan(result, calibrate=False)
    assert not counted(server[1])[0]


def test_what_is_read_again_shows(server: tuple[str, Weather]) -> None:
    sst, narrow = opened("wide", server), opened("wide", server, time=-1, lat=2)
    whole = cc.plan(cc.trend_moments(sst), workers=1, calibrate=False)
    many = cc.plan(cc.trend_moments(narrow), workers=1, calibrate=False)
    assert whole.amplification < 1.6  # the shards reach beyond the cube
    assert many.amplification > 3 * whole.amplification
    choices = {choice.about: choice.choice for choice in many.choices}
    assert choices["layout"].startswith("a copy as series")
    assert np.isclose(whole.bytes_result, many.bytes_result)
