"""Generations appear all at once or not at all: on disk, in memory, in an S3 bucket."""

from __future__ import annotations

import json
import os
import threading
import uuid

import pytest

from climcube.errors import StoreError, StoreExistsError, StoreNotFoundError
from climcube.stores import generations as module
from climcube.stores.filesystems import file_system
from climcube.stores.generations import Generations


@pytest.fixture(params=["local", "memory", pytest.param("s3", marks=pytest.mark.s3)])
def store(request, tmp_path):
    if request.param == "local":
        return Generations(str(tmp_path / "deep/er"), {}, "thing", 1)
    if request.param == "memory":
        return Generations(f"memory://{uuid.uuid4().hex}/er", {}, "thing", 1)
    return Generations("s3://bucket/deep/er", request.getfixturevalue("options"), "thing", 1)


def put(store, name):
    """Write a part of one file."""
    system, path = file_system(store.part(name), store.options)
    system.makedirs(path, exist_ok=True)
    system.pipe_file(f"{path}/zarr.json", b"{}")


def parts(store):
    system, path = file_system(store.part(""), store.options)
    system.invalidate_cache()
    return sorted(n.rstrip("/")[len(path.rstrip("/")) + 1 :] for n in system.find(path))


def test_what_is_published_is_read(store):
    assert store.numbers() == []
    with pytest.raises(StoreNotFoundError, match="no thing there"):
        store.read()
    store.require_free()
    for number in (1, 2, 12):
        store.publish(number, {"n": number})
    assert store.numbers() == [1, 2, 12]
    assert store.read()["n"] == 12 and store.read(2)["n"] == 2
    with pytest.raises(StoreNotFoundError, match="found 1, 2, 12"):
        store.read(3)
    store.require_free()


def test_one_of_two_writers_is_told(store):
    store.publish(7, {"writer": "first"})
    with pytest.raises(StoreError, match="generation 7, written by another process"):
        store.publish(7, {"writer": "second"})
    assert store.read()["writer"] == "first"


def test_of_many_writers_at_once_exactly_one_wins(tmp_path):
    store = Generations(str(tmp_path / "x"), {}, "thing", 1)
    won, lost, barrier = [], [], threading.Barrier(12)

    def write(name):
        barrier.wait()
        try:
            store.publish(1, {"writer": name})
            won.append(name)
        except StoreError:
            lost.append(name)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(lost) == 11 and store.read()["writer"] == won[0]
    assert os.listdir(tmp_path / "x" / "generations") == ["000001.json"]


@pytest.mark.s3
def test_a_store_that_was_empty_a_moment_ago(options, monkeypatch):
    """Between looking and writing another writer comes: the bucket itself refuses."""
    store = Generations("s3://bucket/race", options, "thing", 1)
    store.publish(1, {"writer": "first"})
    system, _ = file_system(store.address, options)
    looked, look = [], type(system).exists

    def blind(self, path, *more, **options):
        looked.append(path)
        return len(looked) > 1 and look(self, path, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(type(system), "exists", blind)
        with pytest.raises(StoreError, match="written by another process"):
            store.publish(1, {"writer": "second"})
    assert store.read()["writer"] == "first"


def test_other_formats_and_damage_are_named(store):
    store.publish(1, {})
    newer = Generations(store.address, store.options, "thing", 2)
    with pytest.raises(StoreError, match="expected thing 2, found thing 1; use the version"):
        newer.read()
    with pytest.raises(StoreError, match="expected cake 1, found thing 1"):
        Generations(store.address, store.options, "cake", 1).read()
    store.publish(2, {})
    system, path = file_system(f"{store.address}/generations/000002.json", store.options)
    system.pipe_file(path, b"{")
    with pytest.raises(StoreError, match=r"generation is damaged.*generation=1"):
        store.read()


def test_what_fails_leaves_no_parts(store):
    def fail():
        with store.writing(2) as folder:
            put(store, f"{folder}/a")
            assert len(parts(store)) == 1
            raise ValueError("oops")

    store.publish(1, {})
    with pytest.raises(ValueError, match="oops"):
        fail()
    assert parts(store) == [] and store.numbers() == [1]
    with pytest.raises(StoreError, match=r"saving failed.*disk full"), store.writing(2):
        raise OSError("disk full")


def test_prune_removes_what_no_generation_uses(store):
    for number in range(1, 5):
        store.publish(number, {})
        for group in ("a", "b"):
            put(store, f"{number:06d}-aaaa/{group}")
    put(store, "000004-dead/a")  # of a writer that was killed
    put(store, "000005-aaaa/a")  # of one that is at work
    store.prune([3, 4], ["000001-aaaa/a", "000003-aaaa/a", "000004-aaaa/b"], 4)
    assert store.numbers() == [3, 4]
    left = {name.rpartition("/")[0] for name in parts(store)}
    assert left == {"000001-aaaa/a", "000003-aaaa/a", "000004-aaaa/b", "000005-aaaa/a"}


def test_something_else_is_never_taken_for_a_store(store):
    system, path = file_system(store.address, store.options)
    system.makedirs(path, exist_ok=True)
    system.pipe_file(f"{path}/letter.txt", b"dear")
    with pytest.raises(StoreExistsError, match="something else is there, no thing"):
        store.require_free()


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(module.os, "link", refuse)
    store = Generations(str(tmp_path / "x"), {}, "thing", 1)
    store.publish(1, {"n": 1})
    with pytest.raises(StoreError, match="another process"):
        store.publish(1, {"n": 2})
    assert json.loads((tmp_path / "x/generations/000001.json").read_text())["n"] == 1


def test_no_credential_is_shown(options):
    store = Generations("s3://bucket/deep/er", options, "thing", 1)
    assert options["secret"] not in repr(store)
