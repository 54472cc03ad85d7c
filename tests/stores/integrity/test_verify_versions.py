"""Manifests in versioned stores: each version has its own, and Icechunk's objects are found out."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import climcube as cc
from climcube.errors import ClimcubeError, IntegrityError
from climcube.stores.integrity.manifest import Recorder, seal_manifest, write_records
from climcube.stores.versioned.repositories import open_repository
from tests.stores.cubes import cube, write_cube
from tests.stores.integrity.test_verify_mutations import read_all

pytest.importorskip("icechunk")


@pytest.fixture
def address(tmp_path):
    return make(tmp_path / "cube.icechunk")


def make(path) -> str:
    repository = open_repository(str(path), create=True)
    session = repository.writable_session("main")
    write_cube(session.store, 2, consolidated=False)
    session.commit("all of it")
    return str(path)


def test_what_icechunk_writes_anew_is_the_same_metadata(address):
    report = cc.verify(address)
    assert report.ok and report.version and report.digest and report.documents > 10
    first, _ = read_all(address)
    np.testing.assert_array_equal(first.ice, cube(2).ice)


def test_each_version_is_verified_by_its_own_manifest(address):
    repository = open_repository(address)
    repository.create_tag("before", snapshot_id=repository.lookup_branch("main"))
    session = repository.writable_session("main")
    recorder = Recorder(session.store)
    zarr.open_array(recorder, path="ice")[20:, :6] = 7
    write_records(recorder, recorder.take())
    seal_manifest(recorder)
    session.commit("other ice")
    assert cc.verify(address).ok and cc.verify(address, version="before").ok
    assert (cc.open(address, variable="ice")[20:, :6] == 7).all()
    np.testing.assert_array_equal(cc.open(address, variable="ice", version="before"), cube(2).ice)


def test_what_was_written_past_the_manifest_is_found(address):
    session = open_repository(address).writable_session("main")
    zarr.open_array(session.store, path="ice")[20:, :6] = 7
    session.commit("nobody noted this")
    assert [p.kind for p in cc.verify(address).findings] == ["other content"]
    with pytest.raises(IntegrityError, match=r"'ice', chunk c/1/0/0, time 2001-01-21"):
        cc.open(address, variable="ice").compute()


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.slow)])
def test_mutations_of_the_objects_of_a_version(tmp_path, count):
    """Its chunks are found out one and all; of Icechunk's own files, what makes a difference.

    Icechunk keeps a log, and headers that name the program: a flipped bit there changes nothing.
    """
    address = make(tmp_path / "cube.icechunk")
    truth = read_all(address)
    files = [
        p for p in sorted(Path(address).rglob("*")) if p.parent.name in ("chunks", "manifests")
    ]
    files += [max((Path(address) / "snapshots").iterdir(), key=lambda p: p.stat().st_size)]
    counts: Counter = Counter()
    for seed in range(count):
        rng = random.Random(seed)
        file = rng.choice(files)
        raw = file.read_bytes()
        _mutate(file, raw, files, rng)
        written = {file: raw}
        try:
            right = _reads_right(address, truth)
            ok = _verifies(address)
            assert not ok or (right and file.parent.name != "chunks"), (seed, file)
            counts[file.parent.name, "found" if not ok else "harmless"] += 1
        finally:
            for path, content in written.items():
                path.write_bytes(content)
    assert counts["chunks", "found"] > 0.5 * count
    print(counts)


def _mutate(file, raw, files, rng) -> None:
    kind = rng.choice(["flip", "truncate", "delete", "other"])
    if kind == "flip":
        changed = bytearray(raw)
        bit = rng.randrange(8 * len(raw))
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bytes(changed))
    elif kind == "truncate":
        file.write_bytes(raw[: rng.randrange(len(raw))])
    elif kind == "delete":
        file.unlink()
    else:  # a valid object under another's name
        alike = [p.read_bytes() for p in files if p.parent == file.parent]
        file.write_bytes(rng.choice([other for other in alike if other != raw] or [b""]))


def _verifies(address) -> bool:
    try:
        return cc.verify(address, progress=False).ok
    except ClimcubeError:
        return False


def _reads_right(address, truth) -> bool:
    try:
        found = read_all(address)
    except ClimcubeError:
        return False
    for one, right in zip(found, truth, strict=True):
        xr.testing.assert_identical(one, right)
    return True
