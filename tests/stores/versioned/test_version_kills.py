"""A writer killed before any of its calls: readers see a whole version, and the work goes on."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import zarr

import climcube as cc
from climcube.errors import StoreNotFoundError
from climcube.stores.versioned import work as versionwork
from climcube.stores.versioned.repositories import open_repository
from climcube.stores.versioned.work import VersionedWorkplace
from tests.stores.stepping import Stepping

BEFORE, AFTER = [1.0] * 4, [2.0, 2.0, 3.0, 3.0]


def change(address: str, *, new: bool) -> None:
    """One change in two steps, as an ingest makes it."""
    with VersionedWorkplace(address).work("c" * 40, new=new) as work:
        if "first" not in work.done:
            if new:
                group = zarr.create_group(work.store)
                group.create_array("x", shape=(4,), chunks=(2,), dtype="f8", dimension_names=["t"])
            zarr.open_array(work.store, path="x", mode="r+")[:2] = 2.0
            work.finish("first")
        if "second" not in work.done:
            zarr.open_array(work.store, path="x", mode="r+")[2:] = 3.0
            work.finish("second")
        work.publish("changed")


def killed_change(address: str, new: bool, at: int) -> None:
    """In a process of its own: the change, killed before its call number ``at``."""
    calls = 0

    def told(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

    plain, write = open_repository, versionwork._CurrentStore.set

    async def set_(self: Any, key: str, value: Any) -> None:
        told(key)
        await write(self, key, value)

    versionwork.open_repository = lambda *a, **k: Stepping(plain(*a, **k), told)
    versionwork._CurrentStore.set = set_
    change(address, new=new)


def make_first(address: str) -> None:
    with VersionedWorkplace(address).work("b" * 40, new=True) as work:
        group = zarr.create_group(work.store)
        array = group.create_array("x", shape=(4,), chunks=(2,), dtype="f8", dimension_names=["t"])
        array[:] = 1.0
        work.publish("made")


def read(address: str) -> list[float] | None:
    try:
        return cc.open(address).x.values.tolist()
    except StoreNotFoundError:
        return None


@pytest.mark.parametrize("new", [True, False])
def test_killed_before_each_of_its_calls(tmp_path, processes, new):
    survived = False
    for at in range(1, 200):
        address = str(tmp_path / f"{at}.icechunk")
        before = None if new else BEFORE
        if not new:
            make_first(address)
        process = processes.Process(target=killed_change, args=(address, new, at))
        process.start()
        process.join(120)
        survived = process.exitcode == 0
        found = read(address)
        assert found in (before, AFTER), f"killed before call {at}: half of a change is seen"
        if survived:
            assert found == AFTER
            break
        assert process.exitcode == -signal.SIGKILL
        if found == before:
            change(address, new=new)
        else:
            VersionedWorkplace(address).tidy("c" * 40)
        assert read(address) == AFTER
        assert open_repository(address).list_branches() == {"main"}
        messages = cc.versions(address).message.tolist()
        assert messages == (["changed"] if new else ["changed", "made"])
    assert survived
    assert at > 20, "every call counts"
