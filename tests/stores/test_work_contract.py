"""What every workplace keeps to: a plain Zarr store and a versioned one, here and on S3."""

from __future__ import annotations

import os
import pickle
import uuid
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import zarr

import climcube as cc
from climcube.errors import ConflictError, StoreError, StoreNotFoundError
from climcube.stores.plainwork import PlainWorkplace
from climcube.stores.versioned.work import VersionedWorkplace
from tests.servers import KEY, SECRET


@dataclass(frozen=True)
class Target:
    """A place where a store is to be, and what may be expected of it."""

    kind: type
    address: str
    options: Mapping[str, Any]

    @property
    def versioned(self) -> bool:
        return self.kind is VersionedWorkplace

    def place(self) -> Any:
        return self.kind(self.address, self.options)

    def read(self) -> np.ndarray:
        """What a reader finds at this moment."""
        return cc.open(self.address, storage_options=self.options).x.values

    def read_or_none(self) -> list[float] | None:
        try:
            return self.read().tolist()
        except StoreNotFoundError:
            return None


KINDS = {"plain": (PlainWorkplace, "x.zarr"), "versioned": (VersionedWorkplace, "x.icechunk")}


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request, tmp_path):
    if request.param == "local":
        return str(tmp_path), {}
    return f"s3://bucket/{uuid.uuid4().hex}", request.getfixturevalue("options")


@pytest.fixture(params=list(KINDS))
def target(request, root):
    kind, name = KINDS[request.param]
    return Target(kind, f"{root[0]}/{name}", root[1])


@pytest.fixture
def versioned(root):
    return Target(VersionedWorkplace, f"{root[0]}/x.icechunk", root[1])


def begin(work: Any, values: Any = 0.0, length: int = 6) -> None:
    group = zarr.create_group(work.store, overwrite=True)
    array = group.create_array(
        "x", shape=(length,), chunks=(2,), dtype="f8", dimension_names=["t"], fill_value=-1.0
    )
    array[:] = values


def fill(store: Any, where: slice, value: float) -> None:
    zarr.open_array(store, path="x", mode="r+")[where] = value


def make(target: Target, value: float = 0.0, identity: str = "first") -> str | None:
    with target.place().work(identity * 8, new=True) as work:
        begin(work, value)
        work.finish("all")
        return work.publish("made")


def test_nothing_is_seen_before_it_is_published(target):
    place = target.place()
    assert not place.exists() and target.read_or_none() is None
    with place.work("a" * 40, new=True) as work:
        assert dict(work.done) == {} and work.base is None
        begin(work, 1.0)
        assert target.read_or_none() is None
        work.finish("all")
        assert not target.place().exists() and target.read_or_none() is None
        version = work.publish("made")
    assert (version is not None) == target.versioned
    assert place.exists() and target.read().tolist() == [1.0] * 6


def test_finished_steps_are_found_again_by_the_same_identity(target):
    class Killed(BaseException):
        pass

    with suppress(Killed), target.place().work("a" * 40, new=True) as work:
        begin(work)
        fill(work.store, slice(0, 2), 1.0)
        work.finish("one", {"files": 3})
        fill(work.store, slice(2, 4), 2.0)
        work.finish("two")
        raise Killed
    assert target.read_or_none() is None
    with target.place().work("b" * 40, new=True) as other:
        assert dict(other.done) == {}
    with target.place().work("a" * 40, new=True) as work:
        assert dict(work.done) == {"one": {"files": 3}, "two": {}}
        fill(work.store, slice(4, 6), 3.0)
        work.finish("three")
        assert set(work.done) == {"one", "two", "three"}
        work.publish("made")
    assert target.read().tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    with target.place().work("a" * 40, new=True) as work:
        assert dict(work.done) == {}, "what was published is no unfinished work"


def test_the_old_store_is_read_until_the_new_one_is_published(target):
    make(target, 1.0)
    with target.place().work("b" * 40, new=True) as work:
        assert (work.base is not None) == target.versioned
        assert "x" not in _names(work.store), "new work begins with nothing"
        begin(work, 2.0, length=4)
        work.finish("all")
        assert target.read().tolist() == [1.0] * 6
        work.publish("made anew")
    assert target.read().tolist() == [2.0] * 4


def _names(store: Any) -> list[str]:
    try:
        return sorted(name for name, _ in zarr.open_group(store, mode="r").members())
    except FileNotFoundError:
        return []


def test_discarded_work_leaves_nothing(target):
    with target.place().work("a" * 40, new=True) as work:
        begin(work)
        work.finish("all")
        work.discard()
    assert not target.place().exists()
    with target.place().work("a" * 40, new=True) as work:
        assert dict(work.done) == {}


def _write_fork(packed: bytes, start: int) -> bytes:
    store = pickle.loads(packed)
    fill(store, slice(start, start + 2), float(start))
    return pickle.dumps(store)


def _credentials_of_the_worker() -> None:
    # Those that were passed by value are not sent to other processes.
    os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture(scope="module")
def pool(processes):
    with ProcessPoolExecutor(1, processes, initializer=_credentials_of_the_worker) as workers:
        yield workers


def test_other_processes_write_parts(target, pool):
    with target.place().work("a" * 40, new=True) as work:
        begin(work)
        work.finish("metadata")
        packed = [pickle.dumps(work.fork()) for _ in range(3)]
        parts = [pool.submit(_write_fork, p, 2 * n) for n, p in enumerate(packed)]
        forks = [pickle.loads(part.result(120)) for part in parts]
        work.merge(forks[:2])
        work.finish("two parts")
        work.merge(forks[2:])  # begun before the step was finished
        work.finish("the third")
        work.publish("made")
    assert target.read().tolist() == [0, 0, 2, 2, 4, 4]


def test_the_store_handed_out_stays_good_over_steps(target):
    with target.place().work("a" * 40, new=True) as work:
        begin(work)
        array = zarr.open_array(work.store, path="x", mode="r+")
        for step in range(3):
            array[2 * step : 2 * step + 2] = step
            work.finish(f"step {step}")
        np.testing.assert_array_equal(array[:], [0, 0, 1, 1, 2, 2])
        work.publish("made")
    np.testing.assert_array_equal(target.read(), [0, 0, 1, 1, 2, 2])


def test_only_what_is_there_can_be_continued(versioned):
    with pytest.raises(StoreNotFoundError), versioned.place().work("a" * 40, new=False):
        pass
    assert not versioned.place().exists()


def test_plain_stores_are_not_continued(root):
    plain = Target(PlainWorkplace, f"{root[0]}/x.zarr", root[1])
    make(plain)
    with (
        pytest.raises(StoreError, match="icechunk"),
        plain.place().work("b" * 40, new=False),
    ):
        pass


def test_a_change_continues_the_newest_version(versioned):
    first = make(versioned, 1.0)
    with versioned.place().work("b" * 40, new=False) as work:
        assert work.base == first
        fill(work.store, slice(2, 4), 5.0)
        work.finish("replaced")
        second = work.publish("two days replaced", {"period": ["2020-01-03", "2020-01-04"]})
    assert versioned.read().tolist() == [1.0, 1.0, 5.0, 5.0, 1.0, 1.0]
    old = cc.open(versioned.address, storage_options=versioned.options, version=first)
    assert old.x.values.tolist() == [1.0] * 6
    assert first != second


def test_the_second_of_two_writers_is_told(versioned):
    make(versioned, 0.0)
    with (
        versioned.place().work("b" * 40, new=False) as one,
        versioned.place().work("c" * 40, new=False) as other,
    ):
        fill(one.store, slice(0, 2), 1.0)
        fill(other.store, slice(4, 6), 2.0)
        one.finish("b")
        other.finish("c")
        one.publish("one")
        with pytest.raises(ConflictError, match="another writer published first"):
            other.publish("other")
    assert versioned.read().tolist() == [1.0, 1.0, 0, 0, 0, 0]
    with versioned.place().work("c" * 40, new=False) as again:
        assert dict(again.done) == {}, "it began on a version that is no longer the newest"
        fill(again.store, slice(4, 6), 2.0)
        again.finish("c")
        again.publish("other")
    assert versioned.read().tolist() == [1.0, 1.0, 0, 0, 2.0, 2.0]


def test_the_same_work_twice_at_once(versioned):
    make(versioned, 0.0)
    with (
        versioned.place().work("b" * 40, new=False) as one,
        versioned.place().work("b" * 40, new=False) as same,
    ):
        fill(one.store, slice(0, 2), 1.0)
        fill(same.store, slice(0, 2), 1.0)
        one.finish("b")
        with pytest.raises(ConflictError):
            same.finish("b")
        one.publish("one")
    assert versioned.read().tolist() == [1.0, 1.0, 0, 0, 0, 0]
