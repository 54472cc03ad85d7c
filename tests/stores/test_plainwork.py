"""What is particular to unfinished work on plain stores: where it lies, and who may touch it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import zarr

from climcube.errors import ConflictError, StoreError, StoreExistsError
from climcube.stores.plainwork import PlainWorkplace

ONE, OTHER = "1" * 64, "2" * 64


def write(work, value):
    group = zarr.open_group(work.store, mode="a")
    group.create_array("x", data=np.full(3, value), overwrite=True)
    work.finish("layout", {"value": value})


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_unfinished_work_is_hidden_named_by_its_identity_and_found_again(tmp_path):
    place = PlainWorkplace(str(tmp_path / "x.zarr"))
    with place.work(ONE, new=True) as work:
        write(work, 1)
    assert names(tmp_path) == [".x.zarr.111111111111.partial"] and not place.exists()
    with place.work(OTHER, new=True) as work:
        assert work.done == {}
    with place.work(ONE, new=True) as work:
        assert work.done == {"layout": {"value": 1}} and str(tmp_path) in work.place
        work.publish("made")
    assert names(tmp_path) == ["x.zarr"] and place.exists()
    assert zarr.open_group(tmp_path / "x.zarr")["x"][0] == 1


def test_work_of_which_nothing_is_finished_leaves_nothing(tmp_path):
    place = PlainWorkplace(str(tmp_path / "x.zarr"))
    with place.work(ONE, new=True) as work:
        zarr.open_group(work.store, mode="a")
    with pytest.raises(StoreError, match="cannot be continued"), place.work(ONE, new=False):
        pass
    assert names(tmp_path) == []


def test_what_a_worker_was_writing_when_it_died_is_not_published(tmp_path):
    """The same file was written again by another one; this one nobody reads or removes."""
    place = PlainWorkplace(str(tmp_path / "x.zarr"))
    with place.work(ONE, new=True) as work:
        write(work, 1)
        torn = work.store.root / "x" / "c" / "0.0a1b2c3d.partial"
        torn.write_bytes(b"half")
        work.publish("made")
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["x.zarr/x/c/0", "x.zarr/x/zarr.json", "x.zarr/zarr.json"]


def test_another_process_with_the_same_work_is_told(tmp_path):
    place = PlainWorkplace(str(tmp_path / "x.zarr"))
    code = (
        "import sys; from climcube.stores.plainwork import PlainWorkplace\n"
        "from climcube.errors import ConflictError\n"
        "try:\n"
        "    with PlainWorkplace(sys.argv[1]).work(sys.argv[2], new=True): print('both')\n"
        "except ConflictError: print('told')\n"
    )
    with place.work(ONE, new=True) as work:
        write(work, 1)
        command = [sys.executable, "-c", code, str(tmp_path / "x.zarr"), ONE]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.strip() == "told"
        work.discard()
    assert names(tmp_path) == []
    assert issubclass(ConflictError, StoreError)


def test_foreign_folders_are_not_replaced(tmp_path):
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / "letters.txt").write_text("mine")
    place = PlainWorkplace(str(tmp_path / "x.zarr"))
    assert place.exists()
    with pytest.raises(StoreError, match="no Zarr store"), place.work(ONE, new=True):
        pass
    assert os.listdir(tmp_path / "x.zarr") == ["letters.txt"]


def test_foreign_objects_are_not_replaced():
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/foreign/x.zarr/letters.txt", b"mine")
    place = PlainWorkplace("memory://foreign/x.zarr")
    assert not place.exists()
    with pytest.raises(StoreExistsError, match="not replaced"), place.work(ONE, new=True):
        pass
    assert memory.cat_file("/foreign/x.zarr/letters.txt") == b"mine"


def test_remote_work_is_resumed_and_published_metadata_last():
    place = PlainWorkplace("memory://stage/x.zarr")
    with place.work(ONE, new=True) as work:
        write(work, 1)
    assert not place.exists()
    with place.work(ONE, new=True) as work:
        assert work.done == {"layout": {"value": 1}}
        work.publish("made")
    assert place.exists()
    import fsspec

    assert not fsspec.filesystem("memory").exists("/stage/x.zarr.111111111111.partial")
