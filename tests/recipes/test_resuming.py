"""Failures that pass keep what is finished and say so; failures of the data leave nothing."""

from __future__ import annotations

import shutil

import pytest

import climcube as cc
from climcube.errors import IngestError, IntegrityError, StoreError
from climcube.recipes import writing
from climcube.recipes.layout import Layout
from climcube.recipes.recipe import Checks

from .archives import change, ocean, write


@pytest.fixture
def recipe(tmp_path):
    files = write(ocean(12), tmp_path / "files")
    return cc.Recipe(tuple(map(str, files)), store=Layout(times=4, tile=4, chunk=4))


@pytest.fixture(params=["cube.zarr", "cube.icechunk"])
def target(request, tmp_path):
    if request.param.endswith("icechunk"):
        pytest.importorskip("icechunk")
    return tmp_path / request.param


def failing(monkeypatch, error, on):
    """Fail at the check of the block with that number; return how many were checked."""
    given, seen = writing.require_written, []

    def check(store, records):
        seen.append(records)
        if len(seen) == on:
            raise error
        given(store, records)

    monkeypatch.setattr(writing, "require_written", check)
    return seen


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), StoreError("no answer")])
def test_what_is_finished_is_kept_and_not_done_again(recipe, target, monkeypatch, error):
    failing(monkeypatch, error, on=2)
    with pytest.raises(StoreError, match=r"2 finished steps are kept in .*run the same") as caught:
        cc.ingest(recipe, target)
    assert "\n" not in str(caught.value)
    seen = failing(monkeypatch, error, on=99)
    assert cc.ingest(recipe, target).times == 12
    assert len(seen) == 2  # of three blocks
    assert cc.verify(target).ok and cc.open(target).sizes["time"] == 12


def test_interrupted_by_the_user(recipe, target, monkeypatch):
    failing(monkeypatch, KeyboardInterrupt(), on=3)
    with pytest.raises(KeyboardInterrupt) as caught:
        cc.ingest(recipe, target)
    assert "3 finished steps are kept" in caught.value.__notes__[0]
    assert cc.ingest(recipe, target).times == 12


def test_failures_of_the_data_leave_nothing(recipe, tmp_path):
    change(tmp_path / "files" / "oisst-avhrr-v02r01.20000111.nc", lambda d: None)
    strict = cc.Recipe(recipe.files, store=recipe.store, checks=Checks(valid_range={"sst": (0, 1)}))
    with pytest.raises(IngestError, match="values out of range"):
        cc.ingest(strict, tmp_path / "cube.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["files"]


def test_bytes_that_change_on_the_way_are_not_published(recipe, target, monkeypatch):
    """A disk that flips a bit: found before anybody reads it, and not kept."""
    given = writing.require_written

    def flip(store, records):
        entries = records.entries["sst"]
        index = next(iter(entries))
        entries[index] = entries[index].copy()
        entries[index][0, 2] ^= 1
        given(store, records)

    monkeypatch.setattr(writing, "require_written", flip)
    with pytest.raises(IntegrityError, match=r"not what is there.*sst/c/0/0/."):
        cc.ingest(recipe, target)
    monkeypatch.setattr(writing, "require_written", given)
    assert cc.ingest(recipe, target).times == 12


@pytest.mark.parametrize("left", [None, b"", b"other"])
def test_what_was_lost_of_a_change_is_not_published(tmp_path, monkeypatch, left):
    """A power cut can lose what the ledger calls finished: an append that goes on looks first."""
    pytest.importorskip("icechunk")
    files = [str(file) for file in write(ocean(24, (24, 36)), tmp_path / "files")]
    layout, target = Layout(times=4, tile=24, chunk=12), tmp_path / "cube.icechunk"
    later = cc.Recipe(tuple(files[12:]), store=layout)
    cc.ingest(cc.Recipe(tuple(files[:12]), store=layout), target)
    before = set((target / "chunks").iterdir())
    given = writing.require_written
    failing(monkeypatch, OSError(28, "No space left on device"), on=3)
    with pytest.raises(StoreError, match="3 finished steps are kept"):
        cc.ingest(later, target, mode="append")
    monkeypatch.setattr(writing, "require_written", given)
    chunk = max(set((target / "chunks").iterdir()) - before, key=lambda p: p.stat().st_size)
    chunk.unlink() if left is None else chunk.write_bytes(left * 2000)
    with pytest.raises(IntegrityError):
        cc.ingest(later, target, mode="append")
    assert cc.open(target).sizes["time"] == 12 and cc.verify(target).ok
    assert cc.ingest(later, target, mode="append").times == 24
    assert cc.verify(target).ok


@pytest.mark.parametrize("left", ["snapshots", "transactions", "repo#1"])
def test_killed_while_the_repository_was_made(recipe, tmp_path, left):
    """Found by SIGKILL at random, once in 250: a folder that was no repository yet, nor empty."""
    icechunk = pytest.importorskip("icechunk")
    target = tmp_path / "cube.icechunk"
    icechunk.Repository.create(icechunk.local_filesystem_storage(str(target)))
    (target / "repo").unlink()
    if left == "snapshots":
        shutil.rmtree(target / "transactions")
    elif left == "repo#1":
        (target / "repo#1").write_bytes(b"torn")
    assert cc.ingest(recipe, target).times == 12
    assert cc.verify(target).ok
