"""Ingest: same values, one packing, nothing half-written, every bad file named."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import dask
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

import climcube as cc
from climcube.errors import (
    AxisError,
    CalendarError,
    ClimcubeError,
    IngestError,
    IntegrityError,
    ParameterError,
    StoreError,
    StoreExistsError,
    StoreNotFoundError,
    UnitsError,
    VariableError,
)
from climcube.recipes.layout import StoreLayout
from tests.recipes.killing import announced_ingest


@pytest.fixture(scope="module")
def ocean():
    return cc.testing.synthetic_ocean(years=2, shape=(5, 7))


@pytest.fixture(scope="module")
def archive(ocean, tmp_path_factory):
    """400 daily files; tests that change files copy the folder."""
    folder = tmp_path_factory.mktemp("archive")
    cc.testing.write_daily_files(ocean.isel(time=slice(400)), folder)
    return folder


@pytest.fixture(scope="module")
def whole(archive, tmp_path_factory):
    """A store of all of them; to be copied, not changed."""
    store = tmp_path_factory.mktemp("whole") / "cube.zarr"
    cc.ingest(str(archive / "*.nc"), store)
    return store


@pytest.fixture
def few(archive, tmp_path):
    """Ten of the files, to be spoiled."""
    folder = tmp_path / "files"
    folder.mkdir()
    for path in sorted(archive.glob("*.nc"))[:10]:
        shutil.copy(path, folder)
    return folder


def file(folder, number):
    return sorted(folder.glob("*.nc"))[number]


def change(path, action):
    """Edit a netCDF file in place."""
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_maskandscale(False)
        action(dataset)


def test_the_cube_holds_the_very_integers_of_the_files(archive, ocean, tmp_path):
    report = cc.ingest(str(archive / "*.nc"), tmp_path / "cube.zarr")
    assert (report.files, report.times, report.gaps) == (400, 400, ())
    assert report.variables == ("sst",) and report.period == ("2000-01-01", "2001-02-03")
    stored = zarr.open_group(tmp_path / "cube.zarr", mode="r")["sst"]
    assert stored.dtype == "int16"
    for number in (0, 1, 365, 366, 399):
        with netCDF4.Dataset(file(archive, number)) as original:
            original.set_auto_maskandscale(False)
            np.testing.assert_array_equal(stored[number], original["sst"][0])
    sst = cc.open(tmp_path / "cube.zarr", variable="sst")
    np.testing.assert_array_equal(sst, ocean.sst[:400])
    np.testing.assert_array_equal(sst.time, ocean.time[:400])
    assert sst.attrs["units"] == "degC" and sst.lat.attrs["units"] == "degrees_north"
    assert "files/*.nc" not in sst.attrs["climcube_provenance"]


def test_cubes_larger_than_a_dask_chunk(archive, tmp_path):
    """Dask's own idea of a chunk has no say in how the store is cut."""
    with dask.config.set({"array.chunk-size": "4KiB"}):
        report = cc.ingest(str(archive / "*.nc"), tmp_path / "cube.zarr")
    assert report.times == 400


def test_every_array_has_a_checksummed_codec_and_shards(archive, tmp_path):
    cc.ingest(str(archive / "*.nc"), tmp_path / "cube.zarr")
    group = zarr.open_group(tmp_path / "cube.zarr", mode="r")
    for _, array in group.arrays():
        assert any(getattr(c, "checksum", False) for c in array.compressors), array.name
    assert group["sst"].shards == (366, 5, 7) and group["sst"].chunks == (366, 5, 7)
    assert (tmp_path / "cube.zarr" / "zarr.json").exists()


@pytest.mark.parametrize(
    ("sizes", "chunks", "shards"),
    [
        ((14610, 720, 1440), (366, 30, 30), (366, 90, 90)),
        ((4383, 30, 60), (366, 30, 30), (366, 30, 60)),
        ((100, 5, 7), (100, 5, 7), (100, 5, 7)),
        ((400, 31, 91), (366, 30, 30), (366, 60, 90)),
    ],
)
def test_layout_serves_series_and_maps(sizes, chunks, shards):
    dims = ("time", "lat", "lon")
    layout = StoreLayout.of(dims, dict(zip(dims, sizes, strict=True)), "time", min(366, sizes[0]))
    assert (layout.chunks, layout.shards) == (chunks, shards)


def shards(store):
    """Objects of sst, the largest first."""
    objects = [p for p in (store / "sst" / "c").rglob("*") if p.is_file()]
    return sorted(objects, key=lambda p: -p.stat().st_size)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
@pytest.mark.parametrize("fault", ["flipped bit", "truncated", "lost"])
def test_a_damaged_or_lost_shard_is_an_error_that_names_it(
    whole, tmp_path, fault, scheduler, processes
):
    shutil.copytree(whole, tmp_path / "cube.zarr")
    shard = shards(tmp_path / "cube.zarr")[0]
    data = bytearray(shard.read_bytes())
    if fault == "lost":
        shard.unlink()
    elif fault == "truncated":
        shard.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 3] ^= 1
        shard.write_bytes(data)
    sst = cc.open(tmp_path / "cube.zarr", variable="sst")
    with (
        dask.config.set({"multiprocessing.context": processes.get_start_method()}),
        pytest.raises(IntegrityError, match=r"a chunk is .*'sst', chunk c/\d/0/0, time") as caught,
    ):
        sst.compute(scheduler=scheduler)
    assert "\n" not in str(caught.value)
    if fault == "lost":
        assert "c/0/0/0" in str(caught.value) or "c/1/0/0" in str(caught.value)


def test_files_of_many_times_in_any_order_and_a_list(ocean, tmp_path):
    halves = [ocean.isel(time=slice(200, 500)), ocean.isel(time=slice(0, 200))]
    paths = []
    for number, half in enumerate(halves):
        paths.append(tmp_path / f"part{number}.nc")
        half.to_netcdf(paths[-1])
    report = cc.ingest(paths, tmp_path / "cube.zarr")
    assert report.files == 2 and report.times == 500
    np.testing.assert_array_equal(cc.open(tmp_path / "cube.zarr", variable="sst"), ocean.sst[:500])


def test_missing_days_are_allowed_and_reported(few, tmp_path):
    file(few, 3).unlink()
    file(few, 3).unlink()
    report = cc.ingest(str(few / "*.nc"), tmp_path / "cube.zarr")
    assert report.times == 8
    assert report.gaps == ("2 days between 2000-01-03 and 2000-01-06",)
    assert "2 days between" in str(report) and "2 days between" in report._repr_html_()


def test_an_existing_target_is_kept_unless_overwrite(few, tmp_path):
    target = tmp_path / "cube.zarr"
    cc.ingest(str(few / "*.nc"), target)
    before = cc.open(target, variable="sst").load()
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        cc.ingest(sorted(few.glob("*.nc"))[:5], target)
    change(file(few, 5), lambda d: d["sst"].setncattr("scale_factor", np.float32(0.1)))
    with pytest.raises(IngestError):
        cc.ingest(str(few / "*.nc"), target, overwrite=True)
    xr.testing.assert_identical(cc.open(target, variable="sst").load(), before)
    file(few, 5).unlink()
    cc.ingest(str(few / "*.nc"), target, overwrite=True)
    assert cc.open(target).sizes["time"] == 9
    assert [p.name for p in tmp_path.iterdir() if "cube" in p.name] == ["cube.zarr"]


def _time(dataset, value):
    dataset["time"][0] = value


def _rename(dataset, new):
    dataset.renameVariable("sst", new)


SPOILED = {
    "duplicate day": (lambda d: _time(d, 36524 - 36519 - 1 + 0), AxisError, "duplicate times"),
    "units": (lambda d: d["sst"].setncattr("units", "K"), UnitsError, "'degC' as in.*found 'K'"),
    "calendar": (lambda d: d["time"].setncattr("calendar", "noleap"), CalendarError, "noleap"),
    "scale": (
        lambda d: d["sst"].setncattr("scale_factor", np.float32(0.02)),
        IngestError,
        "packed differently.*scale_factor",
    ),
    "fill": (
        lambda d: d["sst"].setncattr("missing_value", np.int16(-32768)),
        IngestError,
        "packed differently.*missing_value",
    ),
    "grid": (
        lambda d: d["lat"].__setitem__(2, d["lat"][2] + 1e-6),
        AxisError,
        "different grids.*apart",
    ),
    "variable": (lambda d: _rename(d, "temp"), VariableError, "different variables"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_file_that_does_not_fit_is_named_and_nothing_is_written(few, tmp_path, kind):
    action, error, text = SPOILED[kind]
    spoiled = file(few, 6)
    if kind == "duplicate day":
        with netCDF4.Dataset(file(few, 2)) as other:
            value = other["time"][0]
        change(spoiled, lambda d: _time(d, value))
    else:
        change(spoiled, action)
    with pytest.raises(error, match=text) as caught:
        cc.ingest(str(few / "*.nc"), tmp_path / "cube.zarr")
    assert spoiled.name in str(caught.value) and "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["files"]


def test_a_second_value_for_a_day_is_refused_though_the_hours_differ(few, tmp_path):
    shutil.copy(file(few, 4), few / "preliminary.nc")
    change(few / "preliminary.nc", lambda d: d["time"].setncattr("units", later(d["time"].units)))
    with pytest.raises(IngestError, match=r"two values for one day.*preliminary\.nc"):
        cc.ingest(str(few / "*.nc"), tmp_path / "cube.zarr")


def later(units):
    """The same units, counted from six hours later."""
    assert "12:00:00" in units
    return units.replace("12:00:00", "18:00:00")


def test_bad_calls_are_one_line(few, tmp_path):
    with open(few / "z.nc", "wb") as truncated:
        truncated.write(file(few, 0).read_bytes()[:3000])
    cases = [
        ((str(few / "*.grib"),), {}, StoreNotFoundError, "no file matches"),
        ((str(few / "*.nc"),), {}, StoreError, r"cannot be read.*z\.nc|z\.nc.*cannot be read"),
        (([file(few, 0)],), {"variable": "sts"}, VariableError, "did you mean 'sst'"),
        (([file(few, 0)],), {"compression_level": 0}, ParameterError, "1 to 22"),
        (([],), {}, StoreNotFoundError, "empty"),
    ]
    for arguments, options, error, text in cases:
        with pytest.raises(error, match=text) as caught:
            cc.ingest(*arguments, tmp_path / "cube.zarr", **options)
        assert "\n" not in str(caught.value)
    cc.ingest([file(few, 0)], tmp_path / "cube.zarr")
    with pytest.raises(ClimcubeError, match="nothing to ingest"):
        cc.ingest(tmp_path / "cube.zarr", tmp_path / "other.zarr")


def test_noon_stamps_and_bounds_survive(tmp_path):
    times = xr.date_range("2001-01-01 12:00", periods=5, freq="D")
    bounds = np.stack([times - np.timedelta64(12, "h"), times + np.timedelta64(12, "h")], axis=1)
    data = xr.Dataset(
        {
            "sst": (("time", "lat"), np.arange(500.0).reshape(5, 100), {"units": "K"}),
            "time_bnds": (("time", "nv"), bounds),
        },
        coords={"time": ("time", times, {"bounds": "time_bnds"}), "lat": np.arange(100.0)},
    )
    # Whole days as the first file's unit: noon would be lost in it.
    first, rest = data.isel(time=slice(0, 1)), data.isel(time=slice(1, None))
    first.to_netcdf(tmp_path / "a.nc", encoding={"time": {"units": "hours since 2001-01-01"}})
    rest.to_netcdf(
        tmp_path / "b.nc", encoding={"time": {"units": "days since 1900-01-01", "dtype": "f8"}}
    )
    cc.ingest(str(tmp_path / "?.nc"), tmp_path / "cube.zarr")
    cube = cc.open(tmp_path / "cube.zarr")
    np.testing.assert_array_equal(cube.time, times)
    np.testing.assert_array_equal(cube.time_bnds, bounds)
    np.testing.assert_array_equal(cube.sst, data.sst)


@pytest.mark.parametrize("after", [0.0, 0.15, 0.4])
def test_killed_ingest_leaves_the_target_as_it_was(archive, tmp_path, processes, after):
    """SIGKILL at some moment of the run: no store under the target's name, and a rerun works."""
    target = tmp_path / "cube.zarr"
    here, there = processes.Pipe(duplex=False)
    run = processes.Process(
        target=announced_ingest, args=(str(archive / "*.nc"), str(target), there)
    )
    run.start()
    there.close()
    assert here.recv() == "ready"
    time.sleep(after)
    run.kill()
    run.join(60)
    if target.exists():  # it was quicker than the signal
        assert cc.open(target).sizes["time"] == 400
    report = cc.ingest(str(archive / "*.nc"), target, overwrite=True)
    assert report.times == 400


@pytest.mark.reference
@pytest.mark.parametrize(
    "pattern",
    [
        "oisst_tasman/*.nc",
        "cmip/hadgem2_tas_monthly_360day/*.nc",
        "cmip/hadgem2_mrsos_daily_360day/*.nc",
        "cmip/access_tas/tas_*.nc",
        "cmip/ahccd_1950-2013_noleap.nc",
        "nemo/*.nc",
        "gridded/ersstv5_sst_monthly_2010_2020.nc",
    ],
)
def test_real_archives_equal_what_xarray_reads(reference_data, tmp_path, pattern):
    """Real multi-file sets of every calendar, 1-D and 2-D grids, packed and not."""
    paths = sorted(reference_data.glob(pattern))
    report = cc.ingest(paths, tmp_path / "cube.zarr")
    cube = cc.open(tmp_path / "cube.zarr")
    expected = xr.concat(
        [xr.open_dataset(p, engine="h5netcdf" if is_hdf5(p) else None) for p in paths],
        dim=cube[report.variables[0]].dims[cube[report.variables[0]].dims.index(time_of(cube))],
        data_vars="minimal", coords="minimal", compat="override", join="override",
    ).sortby(time_of(cube))  # fmt: skip
    assert report.times == expected.sizes[time_of(cube)]
    for name in report.variables:
        np.testing.assert_allclose(
            cube[name].values.astype("float64"), expected[name].values.astype("float64"), rtol=1e-6
        )
        assert cube[name].attrs.get("units") == expected[name].attrs.get("units")
    if "time_centered" in expected.coords:  # NEMO numbers its time dimension
        expected = expected.assign_coords(time_counter=expected.time_centered.variable)
    for name in expected[report.variables[0]].coords:
        np.testing.assert_array_equal(cube[name].values, expected[name].values)


def time_of(cube):
    from climcube.cubes.coordinates import find_time

    return find_time(cube)


def is_hdf5(path):
    return path.read_bytes()[:4] == b"\x89HDF"


def test_the_configuration_of_zarr_stays_as_it_is(tmp_path: Path) -> None:
    """Written to by threads that end in any order, it kept what the last of them had found."""
    ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).isel(time=slice(8))
    files = cc.testing.write_daily_files(ocean, tmp_path / "files")
    seen: list[bool] = []
    written = zarr.Array.__setitem__

    def watched(self: Any, *arguments: Any) -> None:
        seen.append(bool(zarr.config.get("array.write_empty_chunks")))
        written(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", watched)
        cc.ingest(sorted(files), tmp_path / "cube.zarr")
    assert seen and not any(seen)
