"""The manifest: what is noted of objects, how it grows, and what a reader makes of it."""

from __future__ import annotations

import json
import pickle
import struct
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
import xxhash
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore, WrapperStore

import climcube as cc
from climcube.errors import ClimcubeError, IntegrityError, ParameterError, StoreError
from climcube.stores.integrity import ledger, pages
from climcube.stores.integrity.digests import ALGORITHMS, digest
from climcube.stores.integrity.grids import Grid
from climcube.stores.integrity.ledger import load_manifest
from climcube.stores.integrity.manifest import (
    Recorder,
    Records,
    seal_manifest,
    verifying,
    write_records,
)
from climcube.stores.integrity.pages import page_shape
from tests.stores.cubes import MANIFEST, cube, write_cube

PROTOTYPE = default_buffer_prototype()


@pytest.fixture
def path(tmp_path):
    write_cube(LocalStore(tmp_path / "cube.zarr"), 2)
    return tmp_path / "cube.zarr"


def arrays(store, mode="always"):
    return zarr.open_group(verifying(store, mode), mode="r")


def entry(store, array, index):
    manifest = load_manifest(store)
    return sync(manifest.entry(store, array, index)), manifest


class TestWhatIsNoted:
    def test_lengths_and_digests_are_those_of_the_files(self, path):
        for array, index in [("sst", (1, 0, 2)), ("ice", (1, 1, 0)), ("means/sst", (0, 0))]:
            name = "/".join(["c", *map(str, index)])
            raw = (path / array / name).read_bytes()
            found, _ = entry(LocalStore(path), array, index)
            assert found[0, :2].tolist() == [1, len(raw)]
            assert found[0, 2:].astype("<u8").tobytes() == xxhash.xxh3_128_digest(raw)

    def test_chunks_of_a_shard_are_where_its_index_says(self, path):
        raw = (path / "sst/c/2/1/0").read_bytes()
        found, _ = entry(LocalStore(path), "sst", (2, 1, 0))
        index = raw[-(16 * 4 + 4) :]
        places = [struct.unpack_from("<QQ", index, 16 * n) for n in range(4)]
        assert found[1:5, :2].tolist() == [list(place) for place in places]
        assert found[5, :2].tolist() == [len(raw) - len(index), len(index)]
        for row, (start, size) in zip(found[1:], [*places, (len(raw) - 68, 68)], strict=True):
            assert row[2:].astype("<u8").tobytes() == xxhash.xxh3_128_digest(raw[start:][:size])

    def test_what_was_left_out_on_purpose_is_noted(self, path):
        assert not (path / "ice/c/0/0/0").exists() and not (path / "crs/c").exists()
        assert entry(LocalStore(path), "ice", (0, 0, 0))[0][0, 0] == 2
        found = arrays(LocalStore(path))
        assert np.isnan(found["ice"][:20, :6]).all()
        assert found["crs"][()] == 0

    def test_every_algorithm_keeps_its_name(self, tmp_path):
        for name, words in ALGORITHMS.items():
            store = LocalStore(tmp_path / name)
            recorder = Recorder(store, algorithm=name)
            cube()[["sst"]].to_zarr(recorder, consolidated=False, zarr_format=3)
            write_records(recorder, recorder.take())
            seal_manifest(recorder)
            found, manifest = entry(store, "sst", (0, 0, 0))
            assert manifest.algorithm == name and found.shape[1] == 2 + words
            np.testing.assert_array_equal(arrays(store)["sst"][:], cube().sst)
        with pytest.raises(ParameterError, match="digest"):
            digest("md5", b"")
        with pytest.raises(ParameterError, match="sha256"):
            write_records(store, Records("xxh3_128", {"sst": {}}))

    def test_taking_leaves_nothing_and_adding_keeps_the_last(self, tmp_path):
        recorder = Recorder(LocalStore(tmp_path / "a"))
        group = zarr.open_group(recorder, mode="w", zarr_format=3)
        array = group.create_array("x", shape=(4,), chunks=(2,), dtype="i2", fill_value=0)
        array[:] = 1
        first = recorder.take()
        assert not recorder.take() and first.objects == 2
        array[:2] = 5
        array[2:] = 0
        second = pickle.loads(pickle.dumps(recorder.take()))
        both = sum([first, second], Records())
        assert both.objects == 2 and both.entries["x"][1,][0, 0] == 2
        assert (both.entries["x"][0,] == second.entries["x"][0,]).all()
        group.create_array("x", shape=(2,), chunks=(1,), dtype="i2", overwrite=True)
        gone = both + recorder.take()
        assert gone.objects == 0 and "x" in gone.removed

    def test_what_other_processes_wrote_comes_home(self, tmp_path, processes):
        store = LocalStore(tmp_path / "a")
        group = zarr.open_group(store, mode="w", zarr_format=3)
        group.create_array("x", shape=(8, 6), chunks=(2, 6), dtype="i4", fill_value=0)
        with ProcessPoolExecutor(1, mp_context=processes) as pool:
            parts = list(pool.map(_write_rows, [store] * 4, range(4)))
        write_records(store, sum(parts, Records()))
        seal_manifest(store)
        found = arrays(store)["x"]
        np.testing.assert_array_equal(found[:, 0], np.repeat([1, 2, 3, 4], 2))
        assert cc.verify(tmp_path / "a").ok


def _write_rows(store, number):
    recorder = Recorder(store)
    zarr.open_array(recorder, path="x", mode="r+")[2 * number : 2 * number + 2] = number + 1
    return recorder.take()


class TestGrowth:
    def test_appends_replacements_and_other_chunks(self, tmp_path):
        store = LocalStore(tmp_path / "a.zarr")
        data = cube()[["sst"]]
        encoding = {"sst": {"chunks": (1, 3, 3), "shards": (1, 6, 6)}}
        recorder = Recorder(store)
        data.isel(time=[0]).to_zarr(recorder, consolidated=False, encoding=encoding)
        write_records(recorder, recorder.take())
        seal_manifest(recorder)
        assert "records" in load_manifest(store).head["arrays"]["sst"]  # few: in the header
        for step in range(1, 30):
            recorder = Recorder(store)
            part = data.isel(time=[step])
            part.to_zarr(recorder, append_dim="time", consolidated=False)
            write_records(recorder, recorder.take())
            seal_manifest(recorder)
        assert "root" in load_manifest(store).head["arrays"]["sst"]  # many: in pages
        np.testing.assert_array_equal(arrays(store)["sst"][:], data.sst[:30])
        recorder = Recorder(store)
        zarr.open_array(recorder, path="sst")[7, :6, :6] = 99
        write_records(recorder, recorder.take())
        seal_manifest(recorder)
        assert (arrays(store)["sst"][7, :6, :6] == 99).all() and cc.verify(store.root).ok
        zarr.open_array(store, path="sst").resize((1, 12, 18))
        seal_manifest(store)
        assert "records" in load_manifest(store).head["arrays"]["sst"]
        names = [str(p.relative_to(store.root)) for p in Path(store.root).rglob("*")]
        assert f"{MANIFEST}/sst/records/zarr.json" not in names
        np.testing.assert_array_equal(arrays(store)["sst"][:], data.sst[:1])

    @settings(max_examples=5, deadline=None)
    @given(st.data())
    def test_the_order_of_blocks_leaves_no_trace(self, data):
        """A resumed ingest writes its blocks in another order: the manifest is the same."""
        whole = MemoryStore()
        records = _grid_records(whole)
        write_records(whole, records)
        seal_manifest(whole)
        indices = data.draw(st.permutations(list(records.entries["x"])))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(indices)), max_size=4)))
        parts = MemoryStore()
        _grid_records(parts)
        for start, stop in zip([0, *cuts], [*cuts, len(indices)], strict=True):
            some = {i: records.entries["x"][i] for i in indices[start:stop]}
            write_records(parts, Records(entries={"x": some} if some else {}))
        seal_manifest(parts)
        assert load_manifest(parts).seal == load_manifest(whole).seal

    def test_pages_are_small_whatever_the_cube(self):
        for counts, rows in [
            ((20, 60, 120), 26), ((14610, 40, 80), 1), ((40, 8, 16), 11), ((5,), 1), ((1, 1, 1), 9),
            ((100_000,), 1), ((3, 700, 2), 1),
        ]:  # fmt: skip
            page = page_shape(counts, rows)
            assert 1024 <= np.prod(page) * rows <= 4096 or np.prod(page) == 1
            assert all(p <= max(n, 16) for p, n in zip(page[1:], counts[1:], strict=True))
        assert page_shape((), 1) == ()
        assert page_shape((20, 60, 120), 100_000) == (1, 1, 1)


def _grid_records(store):
    """Make an array of 20 x 2 objects of 10 rows, and what was written to it."""
    recorder = Recorder(store)
    group = zarr.open_group(recorder, mode="w", zarr_format=3)
    array = group.create_array(
        "x", shape=(20, 6, 6), shards=(1, 3, 6), chunks=(1, 1, 2), dtype="i2", fill_value=0
    )
    array[:] = np.arange(20 * 36, dtype="i2").reshape(20, 6, 6)
    return recorder.take()


class TestReading:
    @pytest.fixture(scope="class")
    def store(self):
        store = MemoryStore()
        write_records(store, _grid_records(store))
        seal_manifest(store)
        return store

    @settings(max_examples=30, deadline=None)
    @given(data=st.data())
    def test_any_range_of_bytes_is_right(self, store, data):
        checked = verifying(store)
        raw = sync(store.get("x/c/3/1/0", PROTOTYPE)).to_bytes()
        start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(raw) + 9)] * 2)))
        for request, right in [
            (RangeByteRequest(start, stop), raw[start:stop]),
            (OffsetByteRequest(start), raw[start:]),
            (SuffixByteRequest(max(1, start)), raw[-max(1, start) :]),
            (None, raw),
        ]:
            assert sync(checked.get("x/c/3/1/0", PROTOTYPE, request)).to_bytes() == right
        sync(store.set("x/c/3/1/0", PROTOTYPE.buffer.from_bytes(_flipped(raw, start % len(raw)))))
        for request in (None, RangeByteRequest(0, len(raw)), SuffixByteRequest(len(raw))):
            with pytest.raises(IntegrityError):
                sync(checked.get("x/c/3/1/0", PROTOTYPE, request))
        sync(store.set("x/c/3/1/0", PROTOTYPE.buffer.from_bytes(raw)))

    def test_partial_selections_check_what_they_touch_and_no_more(self, path):
        file = path / "sst/c/1/0/0"
        raw = file.read_bytes()
        found = arrays(LocalStore(path))["sst"]
        right = cube(2).sst.values
        spot = int(entry(LocalStore(path), "sst", (1, 0, 0))[0][1, 0]) + 3  # in the first chunk
        file.write_bytes(_flipped(raw, spot))
        np.testing.assert_array_equal(found[10:20, 3:6, 3:6], right[10:20, 3:6, 3:6])
        np.testing.assert_array_equal(found[20:, ::2], right[20:, ::2])
        for key in (np.s_[12, 1, 1], np.s_[:], np.s_[10:20, :4, :4], np.s_[5:15, 2, :]):
            with pytest.raises(IntegrityError, match=r"variable 'sst', chunk c/1/0/0"):
                found[key]

    @pytest.mark.parametrize("mode", ["always", "sample", "never"])
    def test_a_missing_chunk_is_never_nan(self, path, mode):
        (path / "ice/c/1/0/0").unlink()
        found = cc.open(path, variable="ice", verify=mode)
        with pytest.raises(IntegrityError) as caught:
            found.compute()
        text = str(caught.value)
        assert "a chunk is missing" in text and "'ice'" in text and "c/1/0/0" in text
        assert "time 2001-01-21 to 2001-02-09" in text and "lat -40 to -35.4545" in text
        assert str(pickle.loads(pickle.dumps(caught.value))) == text
        right = cube(2).ice[:20]
        np.testing.assert_array_equal(found[:20], right)

    def test_always_finds_stale_and_swapped_objects_that_codecs_accept(self, path, tmp_path):
        write_cube(LocalStore(tmp_path / "old.zarr"), 1)
        raw = (tmp_path / "old.zarr/ice/c/1/0/0").read_bytes()
        (path / "ice/c/1/0/0").write_bytes(raw)
        with pytest.raises(IntegrityError, match="not what was written"):
            cc.open(path, variable="ice").compute()
        assert cc.open(path, variable="ice", verify="never").compute().notnull().any()
        with cc.set_options(verify="never"):
            cc.open(path, variable="ice").compute()

    def test_a_sample_checks_some_and_all_lengths(self, path, monkeypatch):
        file = path / "ice/c/1/0/0"
        raw = file.read_bytes()
        file.write_bytes(raw[:-1])
        with pytest.raises(IntegrityError, match="truncated"):
            cc.open(path, variable="ice", verify="sample").compute()
        file.write_bytes(_flipped(raw, 5))
        outcomes = set()
        for draw in (0.0, 0.99):
            monkeypatch.setattr(
                "climcube.stores.integrity.verifying.random.random", lambda draw=draw: draw
            )
            try:
                cc.open(path, variable="ice", verify="sample").compute()
                outcomes.add("passed")
            except ClimcubeError as error:
                outcomes.add(type(error).__name__)
        assert "DamagedChunk" in outcomes

    def test_what_nobody_noted_is_refused(self, path):
        (path / "ice/c/0/0/0").parent.mkdir(parents=True, exist_ok=True)
        (path / "ice/c/0/0/0").write_bytes((path / "ice/c/1/0/0").read_bytes())
        with pytest.raises(IntegrityError, match="never written"):
            cc.open(path, variable="ice").compute()

    @pytest.mark.parametrize("scheduler", ["threads", "processes"])
    def test_workers_read_through_it(self, path, scheduler, processes):
        right = cube(2)
        made = {"multiprocessing.context": processes.get_start_method()}
        with dask.config.set(made, scheduler=scheduler, num_workers=2):
            found = cc.open(path, chunks={})
            np.testing.assert_array_equal(found.ice.compute(), right.ice)
            (path / "sst/c/0/1/1").write_bytes((path / "sst/c/0/1/0").read_bytes())
            with pytest.raises(IntegrityError, match=r"c/0/1/1.*time 2001-01-01 to 2001-01-10"):
                found.sst.compute()

    def test_a_store_that_was_written_anew_is_to_be_opened_again(self, tmp_path):
        data = cube(2)[["sst"]]
        cc.save(data, tmp_path / "x.zarr")
        found = cc.open(tmp_path / "x.zarr", variable="sst", chunks={})
        cc.save(data + 1, tmp_path / "x.zarr", overwrite=True)
        with pytest.raises(StoreError, match=r"anew since it was opened .*x.zarr\); open it again"):
            found.compute()
        again = cc.open(tmp_path / "x.zarr", variable="sst")
        chunk = next(p for p in (tmp_path / "x.zarr" / "sst" / "c").rglob("*") if p.is_file())
        chunk.write_bytes(chunk.read_bytes()[:-9])
        with pytest.raises(IntegrityError, match="restore"):
            again.compute()

    def test_marks_and_manifest_do_not_show(self, path):
        found = cc.open(path)
        assert MANIFEST not in found.attrs and found.attrs["title"] == "version 2"
        with pytest.raises(ClimcubeError) as caught:
            cc.open(path, group="mean")
        assert MANIFEST not in str(caught.value) and "means" in str(caught.value)


class TestTheManifestItself:
    def test_it_must_be_there_whole_and_sealed(self, path):
        file = path / MANIFEST / "zarr.json"
        text = file.read_text()
        document = json.loads(text)
        for change, words in [
            (lambda d: d["attributes"].pop("seal"), "never sealed"),
            (lambda d: d["attributes"].update(digest="none"), "format is unknown"),
            (lambda d: d["attributes"]["documents"].pop("sst"), "not as it was sealed"),
            (lambda d: d["attributes"]["arrays"].pop("lat"), "not as it was sealed"),
        ]:
            other = json.loads(text)
            change(other)
            file.write_text(json.dumps(other))
            with pytest.raises(IntegrityError, match=words):
                cc.open(path)
        file.write_text(json.dumps(document, sort_keys=True))  # the same in other words
        cc.open(path).compute()
        file.unlink()
        with pytest.raises(IntegrityError, match="manifest of the store is missing"):
            cc.open(path)

    def test_pages_are_those_that_were_sealed(self, path):
        page = path / MANIFEST / "sst/records/c/0/0/0/0/0"
        raw = page.read_bytes()
        for damage in (_flipped(raw, 30), raw[:40]):
            page.write_bytes(damage)
            with pytest.raises(IntegrityError, match="manifest of the store is damaged"):
                _without_cache(lambda: cc.open(path, variable="sst").compute())
        page.unlink()
        with pytest.raises(IntegrityError, match="manifest of the store is damaged"):
            _without_cache(lambda: cc.open(path, variable="sst").compute())

    def test_a_reader_fetches_the_pages_it_needs_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pages, "_PAGE", 256)
        store = LocalStore(tmp_path / "big.zarr")
        _many_objects(store)
        counting = Counting(LocalStore(store.root, read_only=True))
        found = zarr.open_group(verifying(counting), mode="r")["x"]
        counting.keys.clear()
        assert found[5, 3] == 1
        assert len([k for k in counting.keys if "/records/c/" in k]) == 1
        counting.keys.clear()
        assert (found[5, :8] == 1).all() and (found[:4, 3] == 1).all()
        assert not [k for k in counting.keys if k.startswith(MANIFEST)]

    def test_what_is_kept_of_manifests_has_a_bound(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pages, "_PAGE", 256)
        store = LocalStore(tmp_path / "big.zarr")
        _many_objects(store)
        monkeypatch.setattr(ledger, "_cache", ledger._Cache(2**15))
        assert (zarr.open_group(verifying(store), mode="r")["x"][:] == 1).all()
        assert ledger._cache._held <= 2**15


class Counting(WrapperStore):
    """Note which keys are asked for."""

    def __init__(self, store):
        super().__init__(store)
        self.keys = []

    async def get(self, key, prototype, byte_range=None):
        self.keys.append(key)
        return await self._store.get(key, prototype, byte_range)


def _many_objects(store):
    """An array of 32 x 40 objects."""
    group = zarr.open_group(store, mode="w", zarr_format=3)
    group.create_array("x", shape=(32, 40), chunks=(1, 1), dtype="i1", fill_value=0)
    recorder = Recorder(MemoryStore())
    model = zarr.open_group(recorder, mode="w", zarr_format=3)
    model.create_array("x", shape=(1,), chunks=(1,), dtype="i1", fill_value=0)[:] = 1
    one = recorder.take().entries["x"][0,]
    raw = sync(recorder.get("x/c/0", PROTOTYPE)).to_bytes()
    for i in range(32):
        folder = Path(store.root) / f"x/c/{i}"
        folder.mkdir(parents=True)
        for j in range(40):
            (folder / str(j)).write_bytes(raw)
    entries = {(i, j): one for i in range(32) for j in range(40)}
    write_records(store, Records(entries={"x": entries}))
    seal_manifest(store)


def _without_cache(act):
    ledger._cache = ledger._Cache(ledger._CACHE_BYTES)
    return act()


def _flipped(raw: bytes, place: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 8
    return bytes(changed)


class TestGrids:
    @given(st.lists(st.integers(0, 40), max_size=3), st.sampled_from(["/", "."]), st.booleans())
    def test_keys_and_indices_are_one_to_one(self, shape, separator, old):
        objects = tuple(3 for _ in shape)
        naming = ("v2" if old else "default", separator)
        grid = Grid(tuple(shape), objects, objects, naming)
        keys = {grid.key(index): index for index in grid.indices()}
        assert all(grid.index(key) == index for key, index in keys.items())
        for stranger in ("zarr.json", "c/x", "c//1", "c/01", "c/99/99/99", "", "99", "0.0.0.0"):
            assert stranger in keys or grid.index(stranger) is None

    def test_cuts_are_those_that_zarr_sees(self, path):
        for array in ("sst", "ice", "means/sst", "crs"):
            model = zarr.open_array(LocalStore(path), path=array)
            document = json.loads((path / array / "zarr.json").read_text())
            grid = Grid.of(document)
            assert grid.chunks == model.chunks and grid.objects == (model.shards or model.chunks)
            assert grid == Grid.from_facts(json.loads(json.dumps(grid.facts())))

    def test_xarray_reads_it_as_any_other_store(self, path):
        """Those who do not know climcube notice nothing but a group more."""
        found = xr.open_zarr(path)
        xr.testing.assert_equal(found.sst, cube(2).sst)


def test_a_store_without_a_manifest_is_asked_for_it_once(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    group.create_array("x", shape=(9,), chunks=(1,), dtype="f4", fill_value=np.nan)[4] = 1
    counting = Counting(LocalStore(tmp_path / "a.zarr", read_only=True))
    found = zarr.open_group(verifying(counting, "never"), mode="r")["x"]
    assert np.isfinite(found[:]).sum() == 1 and np.isfinite(found[:]).sum() == 1
    # Those that are under way at once may each ask.
    assert sum(key == f"{MANIFEST}/zarr.json" for key in counting.keys) <= 9
    counting.keys.clear()
    assert np.isnan(found[:3]).all()
    assert not [key for key in counting.keys if key.startswith(MANIFEST)]
