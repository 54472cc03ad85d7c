"""Writers that meet: each version is one writer's change of the version before it."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from typing import Any

import numpy as np
import pytest
import zarr

import climcube as cc
from climcube.errors import ConflictError
from climcube.stores.versioned import work as versionwork
from climcube.stores.versioned.repositories import open_repository
from climcube.stores.versioned.snapshots import open_snapshot
from climcube.stores.versioned.work import VersionedWorkplace
from tests.stores.stepping import Baton, Stepping

INTERLEAVINGS = 100


def append(place: VersionedWorkplace, identity: str, value: int, tries: int = 20) -> int:
    """Add one number to the end of the list, as often as it takes; return how often it took."""
    for attempt in range(1, tries + 1):
        try:
            with place.work(identity, new=False) as work:
                array = zarr.open_array(work.store, path="x", mode="r+")
                if "appended" not in work.done:
                    array.append(np.array([value], "i8"))
                    work.finish("appended")
                work.publish(f"append {value}")
                return attempt
        except ConflictError:
            continue
    raise AssertionError("another writer was always first")


def start(address: str, options: dict[str, Any] | None = None) -> VersionedWorkplace:
    place = VersionedWorkplace(address, options or {})
    with place.work("0" * 40, new=True) as work:
        group = zarr.create_group(work.store)
        group.create_array("x", shape=(1,), chunks=(3,), dtype="i8", dimension_names=["n"])
        work.finish("made")
        work.publish("made")
    return place


def history(place: VersionedWorkplace) -> list[list[int]]:
    """What each version holds, oldest first."""
    ids = cc.versions(place.address, storage_options=place.options).index[::-1]
    stores = [open_snapshot(place.address, place.options, i)[0] for i in ids]
    return [zarr.open_array(store, path="x", mode="r")[:].tolist() for store in stores]


def require_serial(place: VersionedWorkplace, values: list[int]) -> None:
    versions = history(place)
    assert versions[0] == [0]
    for before, after in itertools.pairwise(versions):
        assert after[:-1] == before, "a version is not a change of the version before it"
    assert sorted(versions[-1]) == [0, *values], "an update was lost, or made twice"
    repository = open_repository(place.address, place.options)
    assert repository.list_branches() == {"main"}, "unfinished work was left behind"


@pytest.mark.parametrize("part", range(4))
def test_no_interleaving_of_two_writers_loses_an_update(part, monkeypatch):
    """Before each call of Icechunk, chance decides which of two writers goes on."""
    retried, orders = 0, set()
    plain = open_repository
    for seed in range(part, INTERLEAVINGS, 4):
        place = start(f"memory://{uuid.uuid4().hex}.icechunk")
        baton = Baton(seed)
        attempts: dict[str, int] = {}

        def opened(*args: Any, baton: Baton = baton, **kwargs: Any) -> Any:
            return Stepping(plain(*args, **kwargs), baton.step)

        def writer(name: str, value: int, place: Any = place, done: Any = attempts) -> Any:
            return name, lambda: done.update({name: append(place, name * 40, value)})

        with monkeypatch.context() as patch:
            patch.setattr(versionwork, "open_repository", opened)
            baton.run([writer("a", 1), writer("b", 2)])
        require_serial(place, [1, 2])
        retried += sum(attempts.values()) - 2
        orders.add(tuple(name for name, _ in baton.log))
    assert len(orders) > INTERLEAVINGS // 4 * 0.9, "the interleavings differ"
    assert retried > INTERLEAVINGS // 16, "the writers did meet"


@pytest.mark.parametrize("where", ["local", pytest.param("s3", marks=pytest.mark.s3)])
def test_writers_and_readers_at_full_speed(where, tmp_path, request):
    options = request.getfixturevalue("options") if where == "s3" else {}
    root = f"s3://bucket/{uuid.uuid4().hex}" if where == "s3" else str(tmp_path)
    place = start(f"{root}/x.icechunk", options)
    failures: list[BaseException] = []
    finished = threading.Event()
    seen: list[list[int]] = []

    def write(name: str, values: range) -> None:
        try:
            for value in values:
                append(place, f"{name}{value}".ljust(24, "0"), value)
        except BaseException as error:  # noqa: BLE001 - of another thread
            failures.append(error)

    def read() -> None:
        try:
            while not finished.is_set():
                seen.append(cc.open(place.address, storage_options=options).x.values.tolist())
        except BaseException as error:  # noqa: BLE001 - of another thread
            failures.append(error)

    each = 3 if where == "s3" else 15
    writers = [
        threading.Thread(target=write, args=(name, range(first, first + each)))
        for name, first in (("a", 1), ("b", 1 + each))
    ]
    reader = threading.Thread(target=read)
    reader.start()
    while not seen and reader.is_alive():
        time.sleep(0.01)
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join(200)
    before = len(seen)
    while len(seen) < before + 2 and reader.is_alive():  # one of these began after the last write
        time.sleep(0.01)
    finished.set()
    reader.join(60)
    assert not failures
    require_serial(place, list(range(1, 1 + 2 * each)))
    whole = history(place)
    assert len({len(found) for found in seen}) > 1, "it did read in between"
    assert all(found in whole for found in seen), "a reader saw half of a change"
