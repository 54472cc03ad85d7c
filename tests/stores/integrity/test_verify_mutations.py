"""Whatever happens to an object, verification finds it and a reader never gets other values."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore

import climcube as cc
from climcube.errors import IntegrityError, StoreError
from tests.stores.cubes import mutate, write_cube


class Folder(MutableMapping[str, bytes]):
    """The files of a folder by their paths in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __getitem__(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def __setitem__(self, key: str, value: bytes) -> None:
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(value)

    def __delitem__(self, key: str) -> None:
        os.remove(self.root / key)

    def __iter__(self) -> Iterator[str]:
        return (str(p.relative_to(self.root)) for p in sorted(self.root.rglob("*")) if p.is_file())

    def __len__(self) -> int:
        return len(list(iter(self)))


class Bucket(MutableMapping[str, bytes]):
    """The objects below a prefix."""

    def __init__(self, system, prefix: str) -> None:
        self.system, self.prefix = system, prefix

    def __getitem__(self, key: str) -> bytes:
        return self.system.cat_file(f"{self.prefix}/{key}")

    def __setitem__(self, key: str, value: bytes) -> None:
        self.system.pipe_file(f"{self.prefix}/{key}", value)

    def __delitem__(self, key: str) -> None:
        self.system.rm_file(f"{self.prefix}/{key}")

    def __iter__(self) -> Iterator[str]:
        self.system.invalidate_cache()
        return (name[len(self.prefix) + 1 :] for name in sorted(self.system.find(self.prefix)))

    def __len__(self) -> int:
        return len(list(iter(self)))


def read_all(address: str, options=None) -> list[xr.Dataset]:
    """Read every value and attribute through the checks."""
    given = {"storage_options": options, "verify": "always", "chunks": {}}
    return [cc.open(address, group=g, **given).compute(scheduler="synchronous")
            for g in (None, "means")]  # fmt: skip


def try_mutations(objects, earlier, address, seeds, options=None) -> Counter:
    """Mutate, verify, read, repair: for each seed."""
    pristine = dict(objects)
    truth = read_all(address, options)
    assert cc.verify(address, storage_options=options, progress=False).ok
    counts: Counter = Counter()
    for seed in seeds:
        part = dict(pristine)
        done = mutate(part, earlier, random.Random(seed))
        touched = [k for k in {*part, *pristine} if part.get(k) != pristine.get(k)]
        _restore(objects, part, touched)
        try:
            report = cc.verify(address, storage_options=options, progress=False)
            assert not report.ok, f"seed {seed}: {done} was not found"
            counts["read all the same"] += _reads_right(address, options, truth)
        finally:
            _restore(objects, pristine, touched)
        counts[done.kind] += 1
    assert cc.verify(address, storage_options=options, progress=False).ok
    return counts


def _reads_right(address, options, truth) -> bool:
    """Read everything: it is right, or there is an error that says what is wrong."""
    try:
        found = read_all(address, options)
    except IntegrityError:
        return False
    except StoreError as error:  # without its root it is no store
        if "Zarr store" in str(error):
            return False
        raise
    for one, right in zip(found, truth, strict=True):
        xr.testing.assert_identical(one, right)
    return True


def _restore(objects, wanted, keys) -> None:
    for key in keys:
        if key in wanted:
            objects[key] = wanted[key]
        else:
            del objects[key]


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """The store, and the objects of an earlier version of it."""
    folder = tmp_path_factory.mktemp("mutations")
    write_cube(LocalStore(folder / "earlier.zarr"), 1)
    write_cube(LocalStore(folder / "cube.zarr"), 2)
    return folder / "cube.zarr", dict(Folder(folder / "earlier.zarr"))


def test_forty_mutations_of_a_local_store(versions):
    path, earlier = versions
    counts = try_mutations(Folder(path), earlier, str(path), range(40))
    assert set(counts) > {"flip", "truncate", "delete", "swap", "stale", "metadata", "manifest"}


@pytest.mark.slow
def test_a_thousand_mutations_of_a_local_store(versions):
    path, earlier = versions
    print(try_mutations(Folder(path), earlier, str(path), range(1000, 2000)))


@pytest.mark.s3
@pytest.mark.parametrize("count", [5, pytest.param(300, marks=pytest.mark.slow)])
def test_mutations_of_a_store_on_s3(versions, options, count):
    import s3fs

    path, earlier = versions
    system = s3fs.S3FileSystem(**options)
    bucket = Bucket(system, "bucket/cube.zarr")
    bucket.update(Folder(path))
    try_mutations(bucket, earlier, "s3://bucket/cube.zarr", range(count), options)


def test_values_of_the_fixture_are_worth_the_effort(versions):
    first, means = read_all(str(versions[0]))
    assert np.isnan(first.ice).any() and not np.isnan(means.sst).any()
