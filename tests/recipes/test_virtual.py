"""Virtual cubes: references into files, after the same checks, and read like any cube."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

import climcube as cc
from climcube.errors import (
    ClimcubeError,
    DependencyError,
    IngestError,
    IntegrityError,
    ParameterError,
    StoreError,
    UnitsError,
)
from climcube.recipes.recipe import Checks, Recipe
from climcube.stores.versioned import work as versionwork
from climcube.stores.versioned.references import homes_of
from climcube.stores.versioned.repositories import open_repository
from climcube.stores.versioned.snapshots import open_snapshot
from climcube.stores.versioned.work import VersionedWorkplace
from tests.servers import options

__all__ = ["options"]


def write(folder, days=6, shape=(8, 10)):
    folder.mkdir(parents=True, exist_ok=True)
    ocean = cc.testing.synthetic_ocean(years=1, shape=shape)
    return cc.testing.write_daily_files(ocean.isel(time=slice(days)), folder)


@pytest.fixture(scope="module")
def daily(tmp_path_factory):
    """Daily files that no test changes."""
    folder = tmp_path_factory.mktemp("daily")
    return write(folder)


@pytest.fixture
def files(daily, tmp_path):
    """Daily files of the test's own; as old as the others."""
    folder = tmp_path / "raw"
    folder.mkdir()
    return [Path(shutil.copy2(file, folder)) for file in daily]


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "cube.icechunk")


def same(store, pattern, **options):
    virtual = cc.open(store, sources=True)
    plain = cc.open(pattern, **options)
    xr.testing.assert_equal(virtual, plain)
    for name in plain.variables:
        assert virtual[name].dtype == plain[name].dtype
        own = {k: v for k, v in virtual[name].attrs.items() if not k.startswith("climcube")}
        assert own == {k: v for k, v in plain[name].attrs.items() if not k.startswith("climcube")}
    return virtual


def chunk_types(store, name="sst"):
    session = open_repository(store).readonly_session("main")
    array = zarr.open_array(session.store, path=name, mode="r")
    rest = (0,) * (array.ndim - 1)
    return [str(session.chunk_type(f"/{name}", (i, *rest))) for i in range(array.cdata_shape[0])]


def test_values_stay_in_the_files(daily, store):
    report = cc.ingest([str(f) for f in daily], store, virtual=True)
    assert report.files == 6 and report.version == cc.versions(store).index[0]
    same(store, [str(f) for f in daily])
    assert all("VIRTUAL" in kind.upper() for kind in chunk_types(store))
    assert sum(f.stat().st_size for f in Path(store).rglob("*") if f.is_file()) < 60_000
    assert cc.ingest([str(f) for f in daily], store, virtual=True).unchanged
    np.testing.assert_allclose(
        cc.annual_mean(cc.open(store, sources=True).sst, min_coverage=0).values,
        cc.annual_mean(cc.open([str(f) for f in daily]).sst, min_coverage=0).values,
    )


def test_nothing_is_read_that_is_not_allowed(daily, store, tmp_path):
    cc.ingest([str(f) for f in daily], store, virtual=True)
    home = f"{daily[0].parent.as_uri()}/"
    for sources in (None, False, [str(daily[0].parent / "sub")], []):
        cube = cc.open(store, variable="sst", sources=sources)
        assert cube.sizes["time"] == 6
        with pytest.raises(StoreError, match="which may not be read unasked") as caught:
            cube.load()
        assert str(daily[0].parent) in str(caught.value) and "\n" not in str(caught.value)
    for allowed in (True, home, [str(daily[0].parent)], {home: {}}, str(daily[0].parent.parent)):
        assert np.isfinite(cc.open(store, variable="sst", sources=allowed).values).any()
    with pytest.raises(ParameterError, match="does not refer to files there"):
        cc.open(store, sources=str(tmp_path / "elsewhere"))


def hostile(store, location, named):
    """A store whose references lead where its writer should not."""
    place = VersionedWorkplace(store, sources={named: {}})
    with place.work("e" * 40, new=True) as work:
        group = zarr.create_group(work.store)
        group.create_array("x", shape=(4,), dtype="u1", dimension_names=["t"], compressors=None)
        inner = work._session.store
        inner.set_virtual_ref("x/c/0", location, offset=0, length=4, validate_container=False)
        work.publish("evil")


@pytest.mark.parametrize("how", ["outside", "climbing", "encoded", "named"])
def test_hostile_references_do_not_leave_the_place_allowed(tmp_path, how):
    inside, secret = tmp_path / "raw", tmp_path / "secret"
    inside.mkdir()
    secret.write_bytes(b"keys")
    location = {
        "outside": secret.as_uri(),
        "climbing": f"{inside.as_uri()}/../secret",
        "encoded": f"{inside.as_uri()}/%2e%2e/secret",
        "named": secret.as_uri(),
    }[how]
    named = f"{tmp_path.as_uri()}/" if how == "named" else f"{inside.as_uri()}/"
    store = str(tmp_path / "x.icechunk")
    hostile(store, location, named)
    for sources in (None, [str(inside)]):
        with pytest.raises(StoreError):
            cc.open(store, sources=sources).x.load()


def test_the_store_does_not_say_how_a_place_is_reached(tmp_path):
    """An endpoint in the store's own configuration is not asked."""
    import http.server
    import threading

    asked = []

    class Spy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Spy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        evil = {"anon": True, "endpoint_url": f"http://127.0.0.1:{server.server_port}"}
        store = str(tmp_path / "x.icechunk")
        place = VersionedWorkplace(store, sources={"s3://bucket/raw/": evil})
        with place.work("e" * 40, new=True) as work:
            group = zarr.create_group(work.store)
            group.create_array("x", shape=(4,), dtype="u1", dimension_names=["t"])
            inner = work._session.store
            inner.set_virtual_ref("x/c/0", "s3://bucket/raw/a", offset=0, length=4)
            work.publish("evil")
        mine = {"anon": True, "endpoint_url": "http://127.0.0.1:9", "deadline": 1}
        with pytest.raises(StoreError):
            cc.open(store, sources={"s3://bucket/raw": mine}).x.load()
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("how", ["same size", "longer", "gone", "older"])
def test_a_file_that_changed_is_an_error(files, store, how):
    cc.ingest([str(f) for f in files], store, virtual=True)
    victim, data = files[3], bytearray(files[3].read_bytes())
    if how == "gone":
        victim.unlink()
    else:
        data[-200] ^= 1
        victim.write_bytes(bytes(data) + b"more" * (how == "longer"))
    if how == "older":
        os.utime(victim, (10**9, 10**9))
    cube = cc.open(store, variable="sst", sources=True, chunks={"time": 1})
    assert np.isfinite(cube[2].values).any()
    with pytest.raises(IntegrityError, match="2000-01-04") as caught:
        cube[3].load()
    assert victim.name in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_changed_in_the_second_it_was_referred_to(tmp_path, store):
    """The file system tells whole seconds only to Icechunk: the ingest waits for the next."""
    while time.time() % 1 > 0.3:
        time.sleep(0.01)
    files = write(tmp_path / "raw", days=2)
    cc.ingest([str(f) for f in files], store, virtual=True)
    files[1].write_bytes(files[1].read_bytes())
    with pytest.raises(IntegrityError):
        cc.open(store, variable="sst", sources=True).load()


def encoded(path, shuffle=True, level=4, chunks=(1, 8, 10), day=0, dtype="i2", scale=0.01, steps=1):
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", None), ("lat", 8), ("lon", 10)):
            file.createDimension(name, size)
        times = file.createVariable("time", "f8", ("time",))
        times.units, times.calendar = "days since 2000-01-01", "standard"
        times[:] = day + np.arange(steps)
        for name, size in (("lat", 8), ("lon", 10)):
            axis = file.createVariable(name, "f4", (name,))
            axis.units = "degrees_north" if name == "lat" else "degrees_east"
            axis[:] = np.arange(size)
        variable = file.createVariable(
            "sst", dtype, ("time", "lat", "lon"), zlib=level > 0, complevel=level,
            shuffle=shuffle and level > 0, chunksizes=chunks, fill_value=-999,
            contiguous=chunks is None,
        )  # fmt: skip
        variable.units, variable.scale_factor, variable.add_offset = "degC", scale, 0.0
        variable.set_auto_maskandscale(False)
        rng = np.random.default_rng(day + 9)
        variable[:] = rng.integers(0, 3000, (steps, 8, 10)).astype(dtype)
    return str(path)


ODD = {
    "chunks": {"chunks": (1, 4, 5)},
    "shuffle": {"shuffle": False},
    "no compression": {"level": 0},
}


@pytest.mark.parametrize("odd", ODD)
def test_a_file_encoded_otherwise_is_refused_by_name_or_copied(tmp_path, store, odd):
    files = [encoded(tmp_path / f"{d}.nc", day=d, **(ODD[odd] if d == 2 else {})) for d in range(4)]
    with pytest.raises(IngestError, match=r"2\.nc.*virtual='mixed'") as caught:
        cc.ingest(files, store, virtual=True)
    assert "\n" not in str(caught.value)
    assert not VersionedWorkplace(store).exists()
    report = cc.ingest(files, store, virtual="mixed")
    same(store, files)
    kinds = ["VIRTUAL" in kind.upper() for kind in chunk_types(store)]
    assert kinds == [True, True, False, True]
    assert [d for d in report.decisions if "2.nc" in str(d) and "copied" in str(d)]


def test_classic_files_are_refused(tmp_path, store):
    files = []
    for day in range(2):
        with xr.open_dataset(encoded(tmp_path / "x.tmp", day=day), decode_cf=False) as file:
            files.append(str(tmp_path / f"{day}.nc"))
            file.load().to_netcdf(files[-1], format="NETCDF3_CLASSIC", engine="scipy")
    for virtual in (True, "mixed"):
        with pytest.raises(IngestError, match=r"cannot refer to this file .*0\.nc"):
            cc.ingest(files, store, virtual=virtual)


def test_what_differs_in_meaning_is_refused_even_where_copies_are_allowed(tmp_path, store):
    files = [encoded(tmp_path / f"{d}.nc", day=d) for d in range(2)]
    odd = encoded(tmp_path / "2.nc", day=2, scale=0.02)
    for virtual in (True, "mixed"):
        with pytest.raises(ClimcubeError, match=r"2\.nc"):
            cc.ingest([*files, odd], store, virtual=virtual)
    with netCDF4.Dataset(files[1], "a") as file:
        file["sst"].units = "K"
    with pytest.raises(UnitsError, match=r"1\.nc"):
        cc.ingest(files, store, virtual=True)


@pytest.mark.parametrize("level", [0, 4])
def test_files_of_whole_years(tmp_path, store, level):
    """365 and 366 days: in one piece without compression, or in chunks of a day."""
    chunks = None if level == 0 else (1, 8, 10)
    files, day = [], 0
    for number, steps in enumerate((366, 365, 365)):
        files.append(encoded(tmp_path / f"{number}.nc", day=day, steps=steps, level=level, chunks=(
            (1, 8, 10) if chunks else (steps, 8, 10)
        )))  # fmt: skip
        day += steps
    if level == 0:
        files = [_contiguous(Path(file)) for file in files]
    cc.ingest(files, store, virtual=True)
    assert same(store, files).sizes["time"] == 1096


def _contiguous(path):
    """The same file with its values in one piece, without compression."""
    other = path.with_suffix(".flat.nc")
    with xr.open_dataset(path, decode_cf=False) as file:
        whole = file.load()
    encoding = {"sst": {"contiguous": True, "chunksizes": None}}
    for variable in whole.variables.values():
        variable.encoding = {}
    whole.to_netcdf(other, encoding=encoding, unlimited_dims=[])
    return str(other)


def test_chunks_that_do_not_meet(tmp_path, store):
    files = [
        encoded(tmp_path / "0.nc", day=0, steps=3, chunks=(2, 8, 10)),
        encoded(tmp_path / "1.nc", day=3, steps=4, chunks=(2, 8, 10)),
    ]
    with pytest.raises(IngestError, match="do not meet"):
        cc.ingest(files, store, virtual=True)
    with pytest.raises(IngestError, match="do not meet"):
        cc.ingest(files[::-1], store, virtual=True)
    files[0] = encoded(tmp_path / "0.nc", day=-1, steps=4, chunks=(2, 8, 10))
    cc.ingest(files, store, virtual=True)
    same(store, files)


def test_days_that_no_file_has(files, store):
    kept = tuple(str(f) for f in (*files[:2], *files[3:]))
    cc.ingest(Recipe(kept, checks=Checks(missing="fill")), store, virtual=True)
    sst = cc.open(store, variable="sst", sources=True)
    assert sst.sizes["time"] == 6
    assert np.isnan(sst[2]).all() and np.isfinite(sst[3]).any()


def test_values_out_of_range_are_found(files, store):
    named = tuple(str(f) for f in files)
    cc.ingest(Recipe(named, checks=Checks(valid_range={"sst": (-5, 50)})), store, virtual=True)
    with pytest.raises(IngestError, match="values out of range"):
        cc.ingest(
            Recipe(named, checks=Checks(valid_range={"sst": (-5, 5)})), store,
            virtual=True, overwrite=True,
        )  # fmt: skip
    same(store, list(named))


def test_odd_names_of_folders_and_files(files, tmp_path, store):
    folder = tmp_path / "raw,data=(1)+[x]&y:z@"
    folder.mkdir()
    odd = [shutil.copy2(f, folder / f"{n}~$!'*;.nc") for n, f in enumerate(files)]
    cc.ingest([str(f) for f in odd], store, virtual=True)
    same(store, [str(f) for f in odd])


@pytest.mark.parametrize("name", ["a b", "é", "100%", "a#1", "a%20b", "q?"])
def test_names_that_references_cannot_hold(files, tmp_path, store, name):
    folder = tmp_path / name
    folder.mkdir()
    bad = shutil.copy2(files[0], folder / "a.nc")
    with pytest.raises(IngestError, match="in its path, which references cannot hold"):
        cc.ingest([str(bad)], store, virtual=True)


def test_resumed_after_a_failure(files, store, monkeypatch):
    from climcube.recipes import virtual

    monkeypatch.setattr(virtual, "_FILES", 2)
    finish, done = versionwork.VersionedWork.finish, []

    def fail(self, step, facts=None):
        finish(self, step, facts)
        done.append(step)
        if step == "files-00001":
            raise KeyboardInterrupt

    named = [str(f) for f in files]
    with monkeypatch.context() as patch:
        patch.setattr(versionwork.VersionedWork, "finish", fail)
        with pytest.raises(KeyboardInterrupt):
            cc.ingest(named, store, virtual=True)
    assert not VersionedWorkplace(store).exists()
    with monkeypatch.context() as patch:
        patch.setattr(
            versionwork.VersionedWork,
            "finish",
            lambda self, step, facts=None: (done.append("2 " + step), finish(self, step, facts)),
        )
        cc.ingest(named, store, virtual=True)
    assert "2 files-00002" in done and "2 files-00000" not in done
    same(store, named)
    assert len(cc.versions(store)) == 1


def test_calls_that_make_no_sense(daily, tmp_path, monkeypatch):
    named = [str(f) for f in daily]
    with pytest.raises(ParameterError, match=r"\.icechunk"):
        cc.ingest(named, str(tmp_path / "x.zarr"), virtual=True)
    with pytest.raises(ParameterError, match="made anew"):
        cc.ingest(named, str(tmp_path / "x.icechunk"), virtual=True, mode="append")
    with pytest.raises(ParameterError, match="unknown virtual"):
        cc.ingest(named, str(tmp_path / "x.icechunk"), virtual="yes")
    monkeypatch.setitem(__import__("sys").modules, "virtualizarr", None)
    with pytest.raises(DependencyError, match=r"climcube\[virtual\]"):
        cc.ingest(named, str(tmp_path / "x.icechunk"), virtual=True)


def test_homes_are_as_narrow_as_may_be():
    assert homes_of(["/a/b/c.nc", "/a/d/e.nc"]) == ["file:///a/"]
    assert homes_of(["/a/c.nc", "/b/e.nc"]) == ["file:///a/", "file:///b/"]
    assert homes_of(["s3://one/x/a.nc", "s3://two/a.nc"]) == ["s3://one/x/", "s3://two/"]


@pytest.mark.parametrize("pattern", ["cmip/snw_day_*.nc", "nemo/*.nc"])
def test_real_files(reference_data, store, pattern):
    """A land variable of CMIP6, and an ocean model's curved grid."""
    files = sorted(map(str, reference_data.glob(pattern)))
    report = cc.ingest(files, store, virtual=True)
    same_values = cc.open(store, sources=True)[report.variables[0]]
    xr.testing.assert_equal(same_values.load(), cc.open(files)[report.variables[0]].load())
    assert all("VIRTUAL" in kind.upper() for kind in chunk_types(store, report.variables[0]))


@pytest.mark.s3
def test_on_s3(daily, options):
    import s3fs

    system = s3fs.S3FileSystem(**options, use_listings_cache=False)
    for file in daily:
        system.put_file(str(file), f"bucket/raw/{file.name}")
    store, pattern = "s3://bucket/cube.icechunk", "s3://bucket/raw/*.nc"
    cc.ingest(pattern, store, virtual=True, storage_options=options, target_options=options)
    plain = cc.open([str(f) for f in daily], variable="sst")
    with pytest.raises(StoreError, match="may not be read unasked"):
        cc.open(store, variable="sst", storage_options=options).load()
    for sources in (True, ["s3://bucket/raw/"], {"s3://bucket/raw": options}):
        found = cc.open(store, variable="sst", storage_options=options, sources=sources)
        np.testing.assert_array_equal(found, plain)
    raw, _ = open_snapshot(store, options)
    assert zarr.open_array(raw, path="time", mode="r").shape == (6,)
    name = f"bucket/raw/{daily[2].name}"
    system.pipe_file(name, system.cat_file(name)[:-1] + b"x")
    with pytest.raises(IntegrityError, match="2000-01-03"):
        cc.open(store, variable="sst", storage_options=options, sources=True, chunks={"time": 1})[
            2
        ].load()
