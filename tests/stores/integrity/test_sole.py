"""A new store with one writer: the same objects with hardly a question asked."""

from __future__ import annotations

import pickle

import numpy as np
import xarray as xr
import zarr
from zarr.storage import MemoryStore, WrapperStore

from climcube.stores.integrity.inventory import add_unnoted
from climcube.stores.integrity.ledger import load_manifest
from climcube.stores.integrity.manifest import Recorder, seal_manifest, write_records
from climcube.stores.integrity.sole import Sole


class Counting(WrapperStore):
    """A store that counts what is asked of it."""

    def __init__(self, store):
        super().__init__(store)
        self.asked = []

    def _with_store(self, store):
        return self

    async def get(self, key, *args, **kwargs):
        self.asked.append(key)
        return await self._store.get(key, *args, **kwargs)

    async def exists(self, key):
        self.asked.append(key)
        return await self._store.exists(key)

    def list_dir(self, prefix):
        self.asked.append(prefix)
        return self._store.list_dir(prefix)


def write(store):
    data = xr.Dataset({"x": (("t", "i"), np.arange(12.0).reshape(3, 4)), "n": ((), 5)})
    data = data.assign_coords(t=[1, 2, 3])
    recorder = Recorder(store)
    for group in ("", "more"):
        data.to_zarr(recorder, group=group or None, mode="a", consolidated=False, zarr_format=3)
    write_records(recorder, add_unnoted(recorder, recorder.take()))
    seal_manifest(recorder)
    return recorder


def test_the_same_objects_are_written_and_nothing_is_asked():
    plain, within = MemoryStore(), Counting(MemoryStore())
    write(plain)
    write(Sole(within))
    found, right = within._store._store_dict, plain._store_dict
    assert set(found) == set(right)
    for key, value in right.items():
        assert found[key].to_bytes() == value.to_bytes(), key
    assert load_manifest(within).seal == load_manifest(plain).seal
    asked = [key for key in within.asked if key != "climcube_manifest/zarr.json"]
    assert asked == ["zarr.json"], "only by load_manifest"


def test_removed_nodes_are_gone():
    store = Sole(MemoryStore())
    root = zarr.open_group(write(store), mode="a", use_consolidated=False)
    del root["more/x"], root["n"]
    assert sorted(root["more"]) == ["n", "t"] and "n" not in root
    assert not [key for key in store._store._store_dict if key.startswith(("more/x", "n/"))]


def test_other_processes_get_the_store_within(tmp_path):
    store = Sole(zarr.storage.LocalStore(tmp_path / "x"))
    again = pickle.loads(pickle.dumps(Recorder(store)))
    assert type(again._store) is zarr.storage.LocalStore
