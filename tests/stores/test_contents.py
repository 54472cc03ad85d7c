"""Names of what is read: the same in every process, others once it is written again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import climcube as cc
from climcube.cubes.packing import undecoded
from climcube.stores.contents import ZARR_DOCUMENTS, content_token
from tests.stores.faults import bad_weather

NAMES = "import sys; from tests.stores.test_contents import names; print(*names(sys.argv[1]))"


def names(path: str | Path) -> list[str]:
    """Names of arrays of a cube, of a part of it as stored, and of a result."""
    cube = cc.open(path, variable="sst")
    found = undecoded(cube.isel(lat=slice(1, 3)))
    assert found is not None
    return [cube.data.name, found[0].data.name, cc.trend(cube).slope.data.name]


def packed_store(folder: Path) -> Path:
    path = folder / "cube.zarr"
    ocean = cc.testing.synthetic_ocean(years=2, shape=(4, 6))
    encoding = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999}
    cc.save(ocean.sst, path, encoding={"sst": encoding}, overwrite=True)
    return path


def test_two_processes_give_the_same_names_until_the_store_is_another(tmp_path: Path) -> None:
    path = packed_store(tmp_path)
    here = names(path)
    command = [sys.executable, "-W", "ignore", "-c", NAMES, str(path)]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(set(here)) == 3 and here == there == names(path)
    packed_store(tmp_path)
    assert not set(here) & set(names(path))


def test_remote_content_is_known_by_its_document() -> None:
    content = {"/bucket/c.zarr/.zmetadata": b"{}", "/bucket/n.nc": b"CDF"}
    with bad_weather(content) as (endpoint, _):
        given = {"anon": True, "endpoint_url": endpoint}
        token = content_token("s3://bucket/c.zarr", given, ZARR_DOCUMENTS)
        assert token == content_token("s3://bucket/c.zarr", given, ZARR_DOCUMENTS)
        content["/bucket/c.zarr/.zmetadata"] = b"{ }"
        assert token != content_token("s3://bucket/c.zarr", given, ZARR_DOCUMENTS)
        whole = content_token("s3://bucket/n.nc", given)
        assert whole == content_token("s3://bucket/n.nc", given)


@pytest.mark.parametrize("address", ["s3://bucket/none.zarr", "memory://none.zarr"])
def test_unknown_content_is_new_each_time(address: str) -> None:
    with bad_weather({}) as (endpoint, _):
        given = {"anon": True, "endpoint_url": endpoint} if address.startswith("s3") else {}
        tokens = {content_token(address, given, ZARR_DOCUMENTS) for _ in range(2)}
    assert len(tokens) == 2


def test_credentials_are_not_in_a_name() -> None:
    token = content_token("http://me:hunter2@127.0.0.1:9/x.zarr?token=hunter2", {}, ("zarr.json",))
    assert "hunter2" not in str(token)


def test_a_local_file_is_known_by_its_state(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(b"1")
    token = content_token(str(path))
    assert token == content_token(str(path))
    os.utime(path, (1, 1))
    assert token != content_token(str(path))


def test_variables_of_a_store_that_lists_them_in_no_order_have_one(tmp_path: Path) -> None:
    names = [f"v{n}" for n in range(12)]
    whole = xr.Dataset({name: ("x", [1.0, 2.0]) for name in reversed(names)})
    whole.to_zarr(tmp_path / "s.zarr", zarr_format=3, consolidated=False)
    for _ in range(3):
        assert list(cc.open(tmp_path / "s.zarr").data_vars) == sorted(names)
