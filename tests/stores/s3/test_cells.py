"""What object storage is asked for a cell of an opened cube: the chunks it lies in, no more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore

import climcube as cc
from climcube.cubes.packing import undecoded
from tests.stores import cubes
from tests.stores.faults import Weather, bad_weather

ADDRESS = "s3://bucket/c.zarr"
CUBE = cubes.cube()


def packed(version: int = 1) -> xr.Dataset:
    """The cube with values that are decoded as they are read."""
    return CUBE.assign(sst=CUBE.sst.assign_attrs(scale_factor=0.5, add_offset=1.0))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder: Path = tmp_path_factory.mktemp("store") / "c.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cubes, "cube", packed)
        cubes.write_cube(LocalStore(folder))
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {f"/bucket/c.zarr/{p.relative_to(folder)}": p.read_bytes() for p in files}


def asked(weather: Weather, part: xr.DataArray) -> tuple[Any, Counter[str]]:
    """Read a part; the requests for objects of the variable, those for shards' indexes apart."""
    weather.requests.clear()
    weather.headers.clear()
    values = part.compute(scheduler="synchronous").values
    kinds: Counter[str] = Counter()
    for path, headers in zip(weather.requests, weather.headers, strict=True):
        wanted = headers.get("range", "")
        kind = "whole" if not wanted else "index" if wanted.startswith("bytes=-") else "inner"
        kinds[kind if "/sst/c/" in path else "other"] += 1
    return values, kinds


@pytest.mark.parametrize("verify", ["always", "never"])
def test_a_cell_takes_its_inner_chunks_and_no_more(
    content: dict[str, bytes], client: str, verify: str
) -> None:
    expected = CUBE.sst * 0.5 + 1
    with bad_weather(content) as (endpoint, weather):
        given = {"anon": True, "endpoint_url": endpoint}
        sst = cc.open(ADDRESS, variable="sst", storage_options=given, verify=verify)
        shards, chunks = sst.encoding["shards"], sst.encoding["chunks"]
        assert undecoded(sst) is not None
        times = -(-sst.sizes["time"] // shards[0])
        inner = -(-sst.sizes["time"] // chunks[0])
        assert sst.data.npartitions < 4 < inner * 2  # a Dask chunk is much more than one of them
        for index in ({"lat": 3, "lon": 4}, {"lat": slice(3, 4), "lon": slice(4, 6)}):
            values, kinds = asked(weather, sst.isel(index))
            np.testing.assert_array_equal(values, expected.isel(index))
            assert kinds["whole"] == 0
            assert kinds["index"] <= times and 0 < kinds["inner"] <= inner
        values, kinds = asked(weather, sst.isel(time=7, lat=0, lon=0))
        assert values == expected[7, 0, 0] and kinds["inner"] == 1 and kinds["whole"] == 0


def test_names_are_the_same_wherever_it_is_opened_until_it_is_written_again(
    content: dict[str, bytes],
) -> None:
    with bad_weather(content) as (endpoint, _):
        given = {"anon": True, "endpoint_url": endpoint}
        names = {cc.open(ADDRESS, storage_options=given).sst.data.name for _ in range(2)}
    assert len(names) == 1
