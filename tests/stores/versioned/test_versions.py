"""The versions of a store, as a user sees them."""

from __future__ import annotations

import datetime as dt
import pickle
import time
import uuid

import numpy as np
import pytest
import zarr

import climcube as cc
from climcube import provenance
from climcube.errors import (
    ParameterError,
    StoreError,
    StoreExistsError,
    StoreNotFoundError,
)
from climcube.stores.versioned.repositories import open_repository
from climcube.stores.versioned.snapshots import when
from climcube.stores.versioned.work import VersionedWorkplace


class Store:
    """A versioned store of four numbers, all alike in each version."""

    def __init__(self, address, options):
        self.address, self.options = address, options

    def publish(self, value, message="changed", branch="main", **facts):
        place = VersionedWorkplace(self.address, self.options, branch)
        with place.work(uuid.uuid4().hex, new=branch == "main") as work:
            group = zarr.create_group(work.store, overwrite=True)
            array = group.create_array(
                "x", shape=(4,), chunks=(2,), dtype="f8", dimension_names=["t"]
            )
            array[:] = value
            return work.publish(message, facts)

    def read(self, version=None):
        cube = cc.open(self.address, storage_options=self.options, version=version)
        values = set(cube.x.values.tolist())
        assert len(values) == 1
        return values.pop()

    def versions(self):
        return cc.versions(self.address, storage_options=self.options)

    def call(self, function, *args, **kwargs):
        return function(self.address, *args, storage_options=self.options, **kwargs)


def _store(kind, request, tmp_path):
    if kind == "local":
        return Store(str(tmp_path / "cube.icechunk"), {})
    if kind == "memory":
        return Store(f"memory://{uuid.uuid4().hex}", {})
    return Store("s3://bucket/deep/cube", request.getfixturevalue("options"))


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return _store(request.param, request, tmp_path)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def kept(request, tmp_path):
    """As ``store``; also on S3, for what is done differently there."""
    return _store(request.param, request, tmp_path)


def test_the_table(kept):
    first = kept.publish(1.0, "one", files=3, period=["2020-01-01", "2020-01-03"])
    second = kept.publish(2.0, "two")
    kept.call(cc.tag_version, "paper", first)
    kept.call(cc.branch_version, "trial", first)
    table = kept.versions()
    assert table.index.tolist() == [second, first] and table.index.name == "id"
    assert table.message.tolist() == ["two", "one"]
    assert table.tags.tolist() == ["", "paper"]
    assert table.branches.tolist() == ["main", "trial"]
    assert table.files[first] == 3 and table.period[first] == "2020-01-01/2020-01-03"
    assert table.climcube.tolist() == [cc.__version__] * 2
    assert str(table.when.dt.tz) == "UTC" and table.when.is_monotonic_decreasing


def test_every_way_to_name_a_version(store):
    first = store.publish(1.0)
    time.sleep(0.02)
    between = dt.datetime.now(dt.UTC)
    time.sleep(0.02)
    second = store.publish(2.0)
    store.call(cc.tag_version, "v1", first)
    store.call(cc.branch_version, "old", first)
    assert store.read() == store.read(second) == store.read("main") == 2.0
    assert store.read(first) == store.read("v1") == store.read("old") == 1.0
    assert store.read(between) == store.read(between.isoformat()) == 1.0
    assert store.read(between.date()) == store.read(str(between.date())) == 2.0
    assert store.read(np.datetime64("2999-01-01")) == store.read("2999") == 2.0
    with pytest.raises(StoreNotFoundError, match="no version is as old as that"):
        store.read("2001-01-01")
    with pytest.raises(StoreNotFoundError, match="did you mean 'v1'"):
        store.read("v11")
    with pytest.raises(StoreNotFoundError, match="no such version"):
        store.read("0" * 20)
    with pytest.raises(ParameterError, match="version not understood"):
        store.read(7)


def test_a_result_says_which_version_it_came_from(store):
    first = store.publish(1.0)
    store.publish(2.0)
    for version, wanted in ((first, first), (None, store.versions().index[0])):
        cube = cc.open(store.address, storage_options=store.options, version=version).x
        assert provenance.read(cube)["sources"][0]["version"] == wanted
    same = [
        cc.open(store.address, storage_options=store.options, version=first).x.data.name
        for _ in range(2)
    ]
    assert same[0] == same[1], "a snapshot never changes: Dask may know it again"
    assert cc.open(store.address, storage_options=store.options).x.data.name != same[0]


def test_an_opened_cube_stays_what_it_was(kept):
    kept.publish(1.0)
    cube = cc.open(kept.address, storage_options=kept.options, variable="x")
    kept.publish(2.0)
    assert set(cube.values.tolist()) == {1.0}
    if not kept.address.startswith("memory"):  # which is this process's own
        assert set(pickle.loads(pickle.dumps(cube)).values.tolist()) == {1.0}


def test_tags_never_move(store):
    first = store.publish(1.0)
    store.publish(2.0)
    assert store.call(cc.tag_version, "v1", first) == first
    for version in (None, first):
        with pytest.raises(StoreExistsError, match="the name is taken"):
            store.call(cc.tag_version, "v1", version)
    store.call(cc.remove_version_name, "v1")
    with pytest.raises(StoreNotFoundError, match="no such version"):
        store.read("v1")
    with pytest.raises(StoreExistsError, match="or was once"):
        store.call(cc.tag_version, "v1")


@pytest.mark.parametrize(
    "name", ["", "2026", "2026-01-01", "0" * 20, "a b", "é", "a/b", "work-1", "rolled-back-x", ".a"]
)
def test_names_that_could_mean_something_else(tmp_path, name):
    store = Store(str(tmp_path / "x.icechunk"), {})
    store.publish(1.0)
    for function in (cc.tag_version, cc.branch_version):
        with pytest.raises(ParameterError, match="name not allowed"):
            store.call(function, name)


def test_branches_go_their_own_way(store):
    first = store.publish(1.0)
    store.call(cc.branch_version, "trial")
    third = store.publish(3.0, "tried", branch="trial")
    assert store.read() == 1.0 and store.read("trial") == 3.0
    assert set(store.versions().index) == {first, third}
    store.call(cc.remove_version_name, "trial")
    assert set(store.versions().index) == {first}
    with pytest.raises(ParameterError, match="'main' stays"):
        store.call(cc.remove_version_name, "main")
    with pytest.raises(StoreNotFoundError, match="no such tag or branch"):
        store.call(cc.remove_version_name, "trial")


def test_rolling_back_loses_nothing(kept):
    first = kept.publish(1.0, files=1)
    second = kept.publish(2.0, files=2)
    new = kept.call(cc.roll_back, first, message="the second was wrong")
    assert kept.read() == 1.0 and kept.read(second) == 2.0
    table = kept.versions()
    assert table.index.tolist() == [new, second, first]
    assert table.tags[second] == f"rolled-back-{second}" and table.branches[new] == "main"
    assert table.message[new] == "the second was wrong" and table.files[new] == 1
    back = kept.call(cc.roll_back, second)
    assert kept.read() == 2.0 and kept.read(new) == 1.0
    assert len({first, second, new, back}) == 4
    assert kept.publish(3.0) and kept.read() == 3.0
    with pytest.raises(StoreNotFoundError):
        kept.call(cc.roll_back, "nothing")


def test_work_begun_before_a_roll_back_is_a_conflict(store):
    first = store.publish(1.0)
    store.publish(2.0)
    with VersionedWorkplace(store.address, store.options).work("c" * 40, new=False) as work:
        zarr.open_array(work.store, path="x", mode="r+")[:] = 9.0
        store.call(cc.roll_back, first)
        with pytest.raises(cc.errors.ConflictError):
            work.publish("late")
    assert store.read() == 1.0


def test_versions_go_only_when_asked(kept):
    ids = [kept.publish(float(n)) for n in range(4)]
    kept.call(cc.tag_version, "keep", ids[0])
    time.sleep(0.01)
    now = dt.datetime.now(dt.UTC)
    would = kept.call(cc.expire_versions, now, dry_run=True)
    assert set(would.versions) == {ids[1], ids[2]}
    assert set(kept.versions().index) == set(ids)
    gone = kept.call(cc.expire_versions, now)
    assert gone.versions == would.versions
    assert set(kept.versions().index) == {ids[0], ids[3]}
    assert kept.read() == 3.0 and kept.read("keep") == 0.0
    assert kept.call(cc.expire_versions, now).versions == ()
    with pytest.raises(ParameterError, match="in the future"):
        kept.call(cc.expire_versions, "2999")
    with pytest.raises(ParameterError, match="older_than not understood"):
        kept.call(cc.expire_versions, "tomorrow")


def test_objects_of_unfinished_work_stay(store):
    store.publish(1.0)
    with VersionedWorkplace(store.address, store.options).work("c" * 40, new=False) as work:
        zarr.open_array(work.store, path="x", mode="r+")[:2] = 9.0
        work.finish("one")
        zarr.open_array(work.store, path="x", mode="r+")[2:] = 9.0
        store.call(cc.expire_versions, dt.datetime.now(dt.UTC))
        work.publish("late")
    assert store.read() == 9.0


def test_unfinished_work_is_no_version(store):
    store.publish(1.0)
    place = VersionedWorkplace(store.address, store.options)
    with place.work("c" * 40, new=False) as work:
        work.finish("one")
    assert len(store.versions()) == 1
    assert len(open_repository(store.address, store.options).list_branches()) == 2
    with place.work("c" * 40, new=False) as work:
        work.discard()


def test_stores_without_versions(tmp_path):
    path = str(tmp_path / "plain.zarr")
    cc.testing.synthetic_ocean(years=1, shape=(2, 3)).to_zarr(path)
    with pytest.raises(StoreError, match="the store keeps no versions"):
        cc.open(path, version="main")
    with pytest.raises(StoreNotFoundError, match="no versioned store"):
        cc.versions(path)
    file = str(tmp_path / "ocean.nc")
    cc.testing.synthetic_ocean(years=1, shape=(2, 3)).to_netcdf(file)
    with pytest.raises(ParameterError, match="files have no versions"):
        cc.open(file, version="main")
    with pytest.raises(StoreNotFoundError):
        cc.open(str(tmp_path / "none.icechunk"))
    with pytest.raises(StoreNotFoundError):
        cc.versions(str(tmp_path / "none.icechunk"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026", "2026-12-31T23:59:59.999999+00:00"),
        ("2024-02", "2024-02-29T23:59:59.999999+00:00"),
        ("2026-12", "2026-12-31T23:59:59.999999+00:00"),
        ("2026-11-21", "2026-11-21T23:59:59.999999+00:00"),
        ("20261121", "2026-11-21T23:59:59.999999+00:00"),
        ("2026-11-21T06:00", "2026-11-21T06:00:00+00:00"),
        ("2026-11-21T06:00-05:00", "2026-11-21T11:00:00+00:00"),
        (dt.date(2026, 11, 21), "2026-11-21T23:59:59.999999+00:00"),
        (dt.datetime.fromisoformat("2026-11-21T06:00"), "2026-11-21T06:00:00+00:00"),
        (np.datetime64("2026-11"), "2026-11-30T23:59:59.999999+00:00"),
    ],
)
def test_what_dates_mean(text, wanted):
    assert when(text).isoformat() == wanted
