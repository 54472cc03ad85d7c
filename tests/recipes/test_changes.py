"""Append and replace: the same checks as a new store, one version each, nothing half-way."""

from __future__ import annotations

import itertools
import shutil

import dask
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import (
    AxisError,
    ClusterError,
    IngestError,
    IntegrityError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
    UnitsError,
)
from climcube.recipes.facts import preliminary_days
from climcube.recipes.layout import Layout
from climcube.recipes.places import target_of
from climcube.recipes.recipe import Checks

from .archives import change, ocean, warmer, write

pytest.importorskip("icechunk")

SMALL = Layout(times=4, tile=4, chunk=2)


@pytest.fixture(scope="module")
def sea():
    return ocean(30)


@pytest.fixture(scope="module")
def files(sea, tmp_path_factory):
    return write(sea, tmp_path_factory.mktemp("files"))


def recipe(files, **checks):
    return cc.Recipe(tuple(map(str, files)), store=SMALL, checks=Checks(**checks))


@pytest.fixture
def store(files, tmp_path):
    target = tmp_path / "sst.icechunk"
    cc.ingest(recipe(files[:10]), target)
    return target


def values(store, **options):
    return cc.open(store, variable="sst", **options).load()


@pytest.mark.parametrize("pieces", [(10, 11, 12, 13), (10, 17), (10, 12, 30)])
def test_appending_in_any_pieces_gives_the_whole(files, sea, store, pieces):
    for first, stop in itertools.pairwise(pieces):
        report = cc.ingest(recipe(files[first:stop]), store, mode="append")
        assert report.version and report.times == stop and report.mode == "append"
    found = values(store)
    np.testing.assert_array_equal(found, sea.sst[: pieces[-1]])
    np.testing.assert_array_equal(found.time, sea.time[: pieces[-1]])
    assert cc.verify(store).ok


def test_appending_again_writes_nothing(files, store):
    first = cc.ingest(recipe(files[10:12]), store, mode="append")
    again = cc.ingest(recipe(files[10:12]), store, mode="append")
    assert again.unchanged and again.version is None and first.version
    assert len(cc.versions(store)) == 2


def test_readers_of_the_version_before_see_what_they_saw(files, sea, store):
    before = cc.versions(store)
    cc.ingest(recipe(files[10:14]), store, mode="append")
    np.testing.assert_array_equal(values(store, version=before.index[-1]), sea.sst[:10])


def test_preliminary_days_are_replaced_by_final_ones(files, sea, store, tmp_path):
    early = [warmer(p, tmp_path / f"{p.stem}_preliminary.nc") for p in files[10:13]]
    checks = {"preliminary": "*_preliminary.nc"}
    report = cc.ingest(recipe(early, **checks), store, mode="append")
    assert report.preliminary == ("2000-01-11", "2000-01-12", "2000-01-13")
    assert all("no final file" in d.found for d in report.decisions)
    assert preliminary_days(target_of(store, None, None).published()) == list(report.preliminary)
    ocean_there = np.isfinite(sea.sst[11])
    np.testing.assert_allclose(
        values(store)[11].where(ocean_there), (sea.sst[11] + 1).where(ocean_there), atol=1e-4
    )
    cc.ingest(recipe(files[10:12], **checks), store, mode="replace")
    found = values(store)
    np.testing.assert_array_equal(found[:12], sea.sst[:12])
    assert preliminary_days(target_of(store, None, None).published()) == ["2000-01-13"]
    assert cc.verify(store).ok


def test_what_was_replaced_twice_can_be_replaced_by_the_first_again(files, store, tmp_path):
    """That these files were ingested once does not mean that the store holds them."""
    warm = warmer(files[3], tmp_path / "warm.nc")
    made = [cc.ingest(recipe([f]), store, mode="replace") for f in (warm, files[3], warm, warm)]
    assert [report.unchanged for report in made] == [False, False, False, True]
    assert float((values(store)[3] - values(store, version=made[1].version)[3]).max()) > 0.9


def test_gaps_between_store_and_files(files, sea, store):
    with pytest.raises(IngestError, match=r"days are missing between the store.*01-15"):
        cc.ingest(recipe(files[14:16], missing="refuse"), store, mode="append")
    cc.ingest(recipe(files[14:16], missing="fill"), store, mode="append")
    found = values(store)
    np.testing.assert_array_equal(found.time, sea.time[:16])
    assert found[10:14].isnull().all()
    np.testing.assert_array_equal(found[14:], sea.sst[14:16])
    cc.ingest(recipe(files[20:21], missing="leave"), store, mode="append")
    assert values(store).sizes["time"] == 17


SPOILED = {
    "units": (lambda d: d["sst"].setncattr("units", "K"), UnitsError, "degC.*K"),
    "scale": (
        lambda d: d["sst"].setncattr("scale_factor", np.float32(0.02)),
        IngestError,
        "packed differently",
    ),
    "grid": (lambda d: d["lat"].__setitem__(1, d["lat"][1] + 1e-5), AxisError, "different grids"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_files_that_do_not_continue_the_store(files, store, tmp_path, kind):
    action, error, text = SPOILED[kind]
    spoiled = tmp_path / "spoiled.nc"
    warmer(files[10], spoiled, 0)
    change(spoiled, action)
    with pytest.raises(error, match=text) as caught:
        cc.ingest(recipe([spoiled]), store, mode="append")
    assert "\n" not in str(caught.value)
    assert len(cc.versions(store)) == 1 and values(store).sizes["time"] == 10


def test_days_out_of_place(files, store, tmp_path):
    with pytest.raises(IngestError, match=r"has these times already.*after 2000-01-10"):
        cc.ingest(recipe(files[9:11]), store, mode="append")
    with pytest.raises(IngestError, match=r"does not have these times.*2000-01-11"):
        cc.ingest(recipe(files[9:11]), store, mode="replace")
    with pytest.raises(StoreNotFoundError):
        cc.ingest(recipe(files[:2]), tmp_path / "new.icechunk", mode="append")
    assert len(cc.versions(store)) == 1


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_plain_stores_are_not_changed(files, tmp_path, mode):
    cc.ingest(recipe(files[:4]), tmp_path / "sst.zarr")
    with pytest.raises(StoreError, match=r"half of the change.*\.icechunk") as caught:
        cc.ingest(recipe(files[4:6]), tmp_path / "sst.zarr", mode=mode)
    assert "\n" not in str(caught.value)


def test_times_that_the_store_cannot_hold(files, store, tmp_path):
    """Seconds are exact to the second: half seconds would move."""
    spoiled = warmer(files[10], tmp_path / "spoiled.nc", 0)

    def halve(dataset):
        dataset["time"].setncattr("units", "milliseconds since 2000-01-11 12:00:00.5")
        dataset["time"][0] = 0

    change(spoiled, halve)
    with pytest.raises(cc.ClimcubeError, match="cannot be written exactly"):
        cc.ingest(recipe([spoiled]), store, mode="append")


@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_on_a_cluster(files, sea, tmp_path, processes):
    """Workers write blocks of one version."""
    from distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=processes):
        cc.ingest(recipe(files[:14]), tmp_path / "a.icechunk")
        cc.ingest(recipe(files[:14]), tmp_path / "a.zarr")
    for name in ("a.icechunk", "a.zarr"):
        np.testing.assert_array_equal(values(tmp_path / name), sea.sst[:14])
        assert cc.verify(tmp_path / name).ok
    assert len(cc.versions(tmp_path / "a.icechunk")) == 1


def test_without_workers_an_ingest_comes_to_an_end(files, sea, tmp_path):
    """It waited for ever."""
    from distributed import Client, LocalCluster

    nobody = LocalCluster(n_workers=0, processes=False, dashboard_address=None)
    with (
        nobody,
        Client(nobody),
        dask.config.set({"distributed.scheduler.no-workers-timeout": "0.2s"}),
        pytest.raises(ClusterError, match=r"no worker is left \(.*0"),
    ):
        cc.ingest(recipe(files[:14]), tmp_path / "a.zarr")
    cc.ingest(recipe(files[:14]), tmp_path / "a.zarr")
    np.testing.assert_array_equal(values(tmp_path / "a.zarr"), sea.sst[:14])


def test_bounds_and_other_columns_are_extended(tmp_path):
    times = xr.date_range("2001-01-01 12:00", periods=8, freq="D")
    bounds = np.stack([times - np.timedelta64(12, "h"), times + np.timedelta64(12, "h")], axis=1)
    data = xr.Dataset(
        {
            "sst": (("time", "lat"), np.arange(800.0).reshape(8, 100), {"units": "K"}),
            "time_bnds": (("time", "nv"), bounds),
            "quality": (("time",), np.arange(8, dtype="i2")),
        },
        coords={"time": ("time", times, {"bounds": "time_bnds"}), "lat": np.arange(100.0)},
    )
    for name, part in (("a", slice(0, 5)), ("b", slice(5, 8))):
        data.isel(time=part).to_netcdf(tmp_path / f"{name}.nc")
    cc.ingest(recipe([tmp_path / "a.nc"]), tmp_path / "c.icechunk")
    cc.ingest(recipe([tmp_path / "b.nc"]), tmp_path / "c.icechunk", mode="append")
    cube = cc.open(tmp_path / "c.icechunk")
    np.testing.assert_array_equal(cube.time, times)
    np.testing.assert_array_equal(cube.time_bnds, bounds)
    np.testing.assert_array_equal(cube.sst, data.sst)


def test_steps_shorter_than_those_of_the_store_are_refused(files, sea, store, tmp_path):
    half = (
        ocean(12)
        .isel(time=[10, 10, 11])
        .assign_coords(time=sea.time.values[[10, 10, 11]] + np.array([0, 6, 0], "timedelta64[h]"))
    )
    half.to_netcdf(tmp_path / "half.nc")
    with pytest.raises(IngestError, match=r"shorter time steps.*1 d, found 0.25 d"):
        cc.ingest(recipe([tmp_path / "half.nc"]), store, mode="append")
    months = ocean(80).isel(time=[0, 31, 60])
    months.to_netcdf(tmp_path / "months.nc")
    ocean(80).isel(time=slice(61, 64)).to_netcdf(tmp_path / "days.nc")
    monthly = tmp_path / "monthly.icechunk"
    cc.ingest(recipe([tmp_path / "months.nc"]), monthly)
    with pytest.raises(IngestError, match="shorter time steps"):
        cc.ingest(recipe([tmp_path / "days.nc"]), monthly, mode="append")
    assert len(cc.versions(store)) == len(cc.versions(monthly)) == 1


def test_preliminary_days_after_a_gap(files, store, tmp_path):
    """Filled days moved the dates: the wrong days were taken for preliminary ones."""
    early = [warmer(p, tmp_path / f"{p.stem}_preliminary.nc") for p in files[13:15]]
    checks = {"preliminary": "*_preliminary.nc", "missing": "fill"}
    report = cc.ingest(recipe(early, **checks), store, mode="append")
    dates = ["2000-01-14", "2000-01-15"]
    assert list(report.preliminary) == dates
    assert preliminary_days(target_of(store, None, None).published()) == dates
    assert report.gaps == ("3 days between 2000-01-10 and 2000-01-14",)
    assert "filled" in next(d.decided for d in report.decisions if "3 days" in d.file)


def test_preliminary_values_do_not_replace_final_ones(files, sea, store, tmp_path):
    checks = {"preliminary": "*_preliminary.nc", "missing": "fill"}
    cc.ingest(recipe(files[12:13], **checks), store, mode="append")  # 11 and 12 January are filled
    early = [warmer(p, tmp_path / f"{p.stem}_preliminary.nc") for p in files[9:12]]
    with pytest.raises(IngestError, match=r"would replace final values.*2000-01-10"):
        cc.ingest(recipe(early, **checks), store, mode="replace")
    np.testing.assert_array_equal(values(store)[9], sea.sst[9])
    for _ in range(2):  # missing days, then days that are preliminary
        cc.ingest(recipe(early[1:], **checks), store, mode="replace")
        early[1:] = [warmer(p, tmp_path / f"b{p.name}") for p in early[1:]]
    assert values(store)[10].notnull().any()


def test_an_exchanged_object_is_not_copied_into_a_new_version(tmp_path):
    """It decodes: only its digest tells. Copied, it would have a digest of its own."""
    random = np.random.default_rng(1).integers(-32768, 32767, (8, 16, 16), "int16")
    grid = {"lat": np.arange(16.0), "lon": np.arange(16.0)}
    times = xr.date_range("2001-01-01", periods=8, freq="D")
    data = xr.Dataset(
        {"x": (("time", "lat", "lon"), random, {"units": "1"})}, {"time": times, **grid}
    )
    data.to_netcdf(tmp_path / "a.nc")
    data.isel(time=[1]).to_netcdf(tmp_path / "b.nc")
    cut = Layout(times=4, tile=16, chunk=8)
    store = tmp_path / "x.icechunk"
    cc.ingest(cc.Recipe(str(tmp_path / "a.nc"), store=cut), store)
    one, other = (p for p in (store / "chunks").iterdir() if p.stat().st_size > 2000)
    assert one.stat().st_size == other.stat().st_size
    bytes_of = one.read_bytes(), other.read_bytes()
    one.write_bytes(bytes_of[1])
    other.write_bytes(bytes_of[0])
    with pytest.raises(IntegrityError, match="not what was written"):
        cc.ingest(cc.Recipe(str(tmp_path / "b.nc"), store=cut), store, mode="replace")
    assert len(cc.versions(store)) == 1
    one.write_bytes(bytes_of[0])
    other.write_bytes(bytes_of[1])
    cc.ingest(cc.Recipe(str(tmp_path / "b.nc"), store=cut), store, mode="replace")
    np.testing.assert_array_equal(cc.open(store, variable="x"), random)


def test_doing_it_again_tells_of_the_whole_store(files, store, tmp_path):
    """The catalog entry told of the days of the last files only."""
    cc.ingest(recipe(files[10:12]), store, mode="append")
    catalog = tmp_path / "cat.yaml"
    for _ in range(2):
        report = cc.ingest(recipe(files[10:12]), store, mode="append", catalog=catalog)
        assert report.unchanged
        assert (report.times, report.period) == (12, ("2000-01-01", "2000-01-12"))
        assert cc.catalog(catalog)["sst"].period == ("2000-01-01", "2000-01-12")


def test_what_is_in_the_way_stays_untouched(files, tmp_path):
    """A lock was left in the plain store, which was no longer what was written."""
    cc.ingest(recipe(files[:2]), tmp_path / "a.zarr")
    with pytest.raises(StoreError, match="something else is there"):
        cc.ingest(recipe(files[:3]), tmp_path / "a.zarr", versioned=True, overwrite=True)
    assert cc.verify(tmp_path / "a.zarr").ok
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(StoreError, match="target is a file"):
        cc.ingest(recipe(files[:2]), tmp_path / "notes", overwrite=True)
    with pytest.raises(ParameterError, match=r"no file.*a\.nc"):
        cc.ingest(recipe(files[:2]), tmp_path / "a.nc")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "notes"]


@pytest.mark.parametrize("key", ["standard_name", "cell_methods"])
def test_files_of_another_quantity_are_refused(files, store, tmp_path, key):
    """A daily maximum beside daily means has the same units and packing."""
    copies = [shutil.copy(p, tmp_path / p.name) for p in files[10:12]]
    for copy, text in zip(copies, ("time: mean", "time: maximum"), strict=True):
        change(copy, lambda dataset, text=text: dataset["sst"].setncattr(key, text))
    with pytest.raises(IngestError, match=rf"different quantities.*{key}.*maximum"):
        cc.ingest(recipe(copies), tmp_path / "two.zarr")
    if key == "standard_name":  # the store has one
        with pytest.raises(IngestError, match="different quantities"):
            cc.ingest(recipe(copies[:1]), store, mode="append")


def test_a_damaged_snapshot_is_an_error_of_ours(files, store):
    snapshot = store / "snapshots" / cc.versions(store).index[0]
    raw = bytearray(snapshot.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    snapshot.write_bytes(bytes(raw))
    with pytest.raises(IntegrityError):
        cc.ingest(recipe(files[10:11]), store, mode="append")
