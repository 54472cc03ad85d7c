"""What every place keeps to: a folder on this machine, memory, an S3 bucket."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import IntegrityError, StoreError, StoreExistsError, StoreNotFoundError
from climcube.stores import places
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system
from climcube.stores.places import place_of


@dataclass(frozen=True)
class Where:
    """A folder of some kind of store, empty at first."""

    root: str
    options: Mapping[str, Any]

    def at(self, name: str) -> str:
        return f"{self.root}/{name}"

    def names(self) -> set[str]:
        """Everything in it, at any depth; names relative to it."""
        address = self.root if is_remote(self.root) else f"file://{self.root}"
        system, path = file_system(address, self.options)
        system.invalidate_cache()
        return {n[len(path) :].lstrip("/") for n in system.find(path)}

    def save(self, cube: xr.DataArray, name: str, **more: Any) -> str:
        return cc.save(cube, self.at(name), storage_options=self.options, **more)

    def open(self, name: str) -> xr.DataArray:
        return cc.open(self.at(name), variable="sst", storage_options=self.options)


S3 = [pytest.param(client, marks=pytest.mark.s3) for client in ("s3fs", "obstore")]


@pytest.fixture(params=["local", "memory", *S3])
def where(request, tmp_path):
    if request.param == "local":
        yield Where(str(tmp_path / "top"), {})
    elif request.param == "memory":
        yield Where(f"memory://{uuid.uuid4().hex}", {})
    else:
        with cc.set_options(s3_client=request.param):
            yield Where("s3://bucket/top", request.getfixturevalue("options"))


@pytest.fixture(scope="module")
def sst():
    return cc.testing.synthetic_ocean(years=1, shape=(3, 4)).sst[:20].chunk(time=10)


NAMES = ["cube.zarr", "cube.nc"]


@pytest.mark.parametrize("name", [*NAMES, "deep/er/cube.zarr"])
def test_what_is_saved_is_there_and_nothing_else(where, sst, name):
    place = place_of(where.at(name), where.options)
    assert not place.exists()
    with pytest.raises(StoreNotFoundError):
        where.open(name)
    where.save(sst, name)
    assert place.exists()
    np.testing.assert_array_equal(where.open(name), sst)
    assert all(n.startswith(name) for n in where.names())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_replaced_unasked(where, sst, name):
    where.save(sst, name)
    before = where.names()
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        where.save(sst + 1, name)
    np.testing.assert_array_equal(where.open(name), sst)
    where.save(sst + 1, name, overwrite=True)
    np.testing.assert_array_equal(where.open(name), sst + 1)
    assert where.names() == before


def test_a_replacement_leaves_nothing_of_what_it_replaces(where, sst):
    where.save(sst.to_dataset().assign(more=sst * 2), "cube.zarr")
    where.save(sst[:5], "cube.zarr", overwrite=True)
    assert not [n for n in where.names() if "more" in n]
    assert where.open("cube.zarr").sizes["time"] == 5


@pytest.mark.parametrize("name", NAMES)
def test_the_old_one_is_read_until_the_new_one_is_complete(where, sst, name):
    where.save(sst, name)
    seen = []

    def look(block):
        seen.append(float(where.open(name)[0, 0, 0]))
        return block + 1

    where.save(sst.copy(data=sst.data.map_blocks(look, dtype=sst.dtype)), name, overwrite=True)
    assert len(seen) >= 2 and set(seen) == {float(sst[0, 0, 0])}
    np.testing.assert_array_equal(where.open(name), sst + 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("replace", [True, False])
def test_a_failure_leaves_what_was_there(where, sst, name, replace):
    def fail(block):
        raise ZeroDivisionError("in the middle of it")

    if replace:
        where.save(sst, name)
    before = where.names() if replace else set()
    bad = sst.copy(data=sst.data.map_blocks(fail, dtype=sst.dtype))
    with pytest.raises(ZeroDivisionError, match="in the middle"):
        where.save(bad, name, overwrite=True)
    if replace:
        np.testing.assert_array_equal(where.open(name), sst)
        assert where.names() == before
    else:
        assert not place_of(where.at(name), where.options).exists()
        with pytest.raises((StoreNotFoundError, FileNotFoundError)):
            where.open(name)


def test_a_pattern_lists_files(where, sst):
    for number in range(3):
        where.save(sst[number * 5 : number * 5 + 5], f"part{number}.nc")
    np.testing.assert_array_equal(where.open("part*.nc"), sst[:15])


def test_a_result_that_cannot_be_moved_is_kept(where, sst, monkeypatch):
    """Object stores have no renaming: a complete result may be the only copy there is."""
    if not is_remote(where.root):
        pytest.skip("a rename either happens or not")
    where.save(sst, "cube.zarr")

    def fail(*_: Any) -> None:
        raise OSError("the network is gone")

    system, _ = file_system(where.at("cube.zarr"), where.options)
    with monkeypatch.context() as patch:
        patch.setattr(system, "cp_file", fail)
        with pytest.raises(StoreError, match="kept there") as caught:
            where.save(sst + 1, "cube.zarr", overwrite=True)
    kept = str(caught.value.where)
    again = cc.open(kept, variable="sst", storage_options=where.options)
    np.testing.assert_array_equal(again, sst + 1)


def test_a_killed_publication_is_seen_as_no_store(where, sst, monkeypatch):
    """The metadata of the root come last: a reader is told that there is none, or has it all."""
    if not is_remote(where.root):
        pytest.skip("a rename either happens or not")
    system, _ = file_system(where.at("cube.zarr"), where.options)
    copy, copied = system.cp_file, []

    def some(source: str, *rest: Any) -> None:
        copied.append(source)
        if source.endswith("partial/store/zarr.json"):
            raise KeyboardInterrupt
        copy(source, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(system, "cp_file", some)
        patch.setattr(places, "remove_remote", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            where.save(sst, "cube.zarr")
    assert len(copied) > 3
    with pytest.raises((StoreNotFoundError, IntegrityError), match="nothing there|no Zarr store"):
        where.open("cube.zarr")
