from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cftime
import dask.array as da
import fsspec
import numpy as np
import pytest
import xarray as xr
from zarr.codecs import ZstdCodec

import climcube as cc
from climcube.cubes.packing import Packing
from climcube.testing.laziness import no_compute

F4, I2 = np.float32, np.int16
PACKED = {"dtype": "int16", "scale_factor": F4(0.01), "add_offset": F4(0), "_FillValue": I2(-999)}
ENGINES = {
    "hdf5": {"engine": "h5netcdf"},
    "netcdf3": {"engine": "scipy", "format": "NETCDF3_64BIT"},
    "classic": {"engine": "netcdf4", "format": "NETCDF3_CLASSIC"},
    "cdf5": {"engine": "netcdf4", "format": "NETCDF3_64BIT_DATA"},
    "netcdf4_classic": {"engine": "netcdf4", "format": "NETCDF4_CLASSIC"},
}


def ocean(steps: int = 24, start: str = "2000-01-01", calendar: str = "standard") -> xr.Dataset:
    integers = np.random.default_rng(1).integers(-300, 3500, (steps, 8, 12)).astype("float64")
    integers[:, 0, :3] = np.nan
    time = xr.date_range(start, periods=steps, calendar=calendar, use_cftime=calendar != "standard")
    return xr.Dataset(
        {
            "sst": (("time", "lat", "lon"), (integers * 0.01).astype("float32"), {"units": "degC"}),
            "land": (
                ("lat", "lon"),
                np.eye(8, 12).astype("int8"),
                {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "sea land"},
            ),
        },
        coords={
            "time": time,
            "lat": ("lat", np.arange(8.0) - 4, {"units": "degrees_north"}),
            "lon": ("lon", np.arange(12.0) * 30, {"units": "degrees_east"}),
        },
    )


def write_netcdf(path: Path, dataset: xr.Dataset, **how: Any) -> Path:
    encoding = {"sst": PACKED} if "sst" in dataset else {}
    dataset.to_netcdf(path, encoding=encoding, **(how or ENGINES["hdf5"]))
    return path


def write_zarr(path: Any, dataset: xr.Dataset, chunks: Any, shards: Any = None, **how: Any) -> str:
    how = {"zarr_format": 3} | how
    encoding = {"sst": PACKED | {"chunks": chunks, "shards": shards}}
    if how["zarr_format"] == 3:
        encoding["sst"]["compressors"] = (ZstdCodec(checksum=True),)
    else:
        del encoding["sst"]["shards"]
    dataset.to_zarr(str(path), encoding=encoding, consolidated=False, **how)
    return str(path)


@pytest.mark.parametrize("engine", ENGINES)
def test_netcdf_files_of_every_kind(tmp_path: Path, engine: str) -> None:
    written = ocean()
    path = write_netcdf(tmp_path / "a.nc", written, **ENGINES[engine])
    with no_compute():
        opened = cc.open(path)
    assert all(v.chunks is not None for v in opened.data_vars.values())
    np.testing.assert_allclose(opened.sst, written.sst, rtol=2e-7)
    np.testing.assert_array_equal(opened.land, written.land)
    assert opened.sst.dtype == "float32"
    assert opened.land.dtype == "int8"
    assert opened.sst.dtype.isnative
    assert opened.sst.attrs["units"] == "degC"
    assert Packing.of(opened.sst) == Packing(float(F4(0.01)), 0.0, "<i2")
    np.testing.assert_array_equal(opened.time, written.time)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_stores_of_both_formats(tmp_path: Path, zarr_format: int) -> None:
    written = ocean()
    store = write_zarr(tmp_path / "a.zarr", written, (12, 4, 6), zarr_format=zarr_format)
    with no_compute():
        opened = cc.open(store)
    np.testing.assert_allclose(opened.sst, written.sst, rtol=2e-7)
    assert (opened.sst.dtype, opened.land.dtype) == ("float32", "int8")


@pytest.mark.parametrize("address", ["memory://b/a.zarr", "memory://b/plain"])
def test_stores_behind_an_address(address: str) -> None:
    cc.save(ocean(), address, overwrite=True)
    np.testing.assert_array_equal(cc.open(address).sst, ocean().sst)


def test_netcdf_files_behind_an_address(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    for number, engine in enumerate(("hdf5", "netcdf3", "hdf5")):
        part = ocean(8, f"2000-01-{1 + 8 * number:02d}")
        path = write_netcdf(tmp_path / f"{number}.nc", part, **ENGINES[engine])
        system.put_file(str(path), f"/files/{number}.nc")
    assert cc.open("memory://files/0.nc").sst.sizes["time"] == 8
    many = cc.open("memory://files/*.nc", variable="sst")
    assert many.sizes["time"] == 24
    assert float(many.count()) == 24 * (96 - 3)


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "standard", "julian"])
def test_the_calendar_is_kept(tmp_path: Path, calendar: str) -> None:
    written = ocean(calendar=calendar, start="1999-02-20")
    write_netcdf(tmp_path / "a.nc", written)
    opened = cc.open(tmp_path / "a.nc")
    expected = "proleptic_gregorian" if calendar == "standard" else calendar
    assert opened.time.dt.calendar == expected
    assert [str(t) for t in opened.time.values] == [str(t) for t in written.time.values]


def test_float_fill_values_and_masks(tmp_path: Path) -> None:
    raw = xr.Dataset(
        {
            "f": (
                "x",
                np.array([1, -9, 1e20], "f4"),
                {"_FillValue": F4(-9), "missing_value": F4(1e20)},
            ),
            "plain": ("x", np.array([0, -9, 5], "i4")),
            "filled": ("x", np.array([0, -9, 5], "i4"), {"_FillValue": np.int32(-9)}),
            "flags": (
                "x",
                np.array([0, -9, 5], "i1"),
                {"flag_meanings": "a b", "_FillValue": np.int8(-9)},
            ),
            "bytes": (
                "x",
                np.array([-1, 0, 5], "i1"),
                {"_Unsigned": "true", "scale_factor": F4(0.5)},
            ),
        }
    )
    raw.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    raw.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for target in ("a.zarr", "a.nc"):
        opened = cc.open(tmp_path / target)
        np.testing.assert_array_equal(opened.f, [1, np.nan, np.nan])
        np.testing.assert_array_equal(opened.plain, [0, -9, 5])
        assert opened.plain.dtype == "int32"
        np.testing.assert_array_equal(opened.filled, [0, np.nan, 5])
        np.testing.assert_array_equal(opened.flags, [0, -9, 5])
        assert opened.flags.dtype == "int8"
        np.testing.assert_array_equal(opened.bytes, [127.5, 0, 2.5])


def test_cell_measures_and_bounds_become_coordinates(tmp_path: Path) -> None:
    dataset = ocean().assign(
        area=(("lat", "lon"), np.ones((8, 12))), lat_bnds=(("lat", "bnds"), np.zeros((8, 2)))
    )
    dataset.sst.attrs["cell_measures"] = "area: area"
    dataset.lat.attrs["bounds"] = "lat_bnds"
    write_netcdf(tmp_path / "a.nc", dataset)
    opened = cc.open(tmp_path / "a.nc")
    assert sorted(opened.data_vars) == ["land", "sst"]
    assert "area" in opened.sst.coords
    assert opened.sst.coords["area"].chunks is None  # in memory: weights need no compute


def test_a_variable_gives_an_array(tmp_path: Path) -> None:
    write_netcdf(tmp_path / "a.nc", ocean())
    assert isinstance(cc.open(tmp_path / "a.nc", variable="sst"), xr.DataArray)
    with pytest.raises(cc.errors.VariableError, match="did you mean 'sst'"):
        cc.open(tmp_path / "a.nc", variable="sts")


# ---- chunks -------------------------------------------------------------------------------


def sharded(tmp_path: Path) -> str:
    return write_zarr(tmp_path / "s.zarr", ocean(40), (10, 2, 3), (20, 4, 6))


def test_series_of_a_sharded_store_are_whole_shards(tmp_path: Path) -> None:
    store = sharded(tmp_path)
    assert cc.open(store).sst.chunksizes == {"time": (40,), "lat": (8,), "lon": (12,)}
    with cc.set_options(tile_bytes=4 * 40 * 30):
        assert cc.open(store).sst.chunksizes == {"time": (40,), "lat": (4, 4), "lon": (6, 6)}
    with cc.set_options(tile_bytes=4 * 40 * 7):  # a column of shards is too large: inner chunks
        opened = cc.open(store).sst
        assert opened.chunksizes == {"time": (40,), "lat": (2,) * 4, "lon": (3,) * 4}
        np.testing.assert_allclose(opened, ocean(40).sst, rtol=2e-7)


def test_other_layouts_of_a_sharded_store(tmp_path: Path) -> None:
    store = sharded(tmp_path)
    assert cc.open(store, layout="maps").sst.chunksizes == {
        "time": (20, 20),
        "lat": (8,),
        "lon": (12,),
    }
    assert cc.open(store, chunks={}).sst.chunksizes["time"] == (20, 20)
    assert cc.open(store, chunks={}).sst.chunksizes["lat"] == (4, 4)
    assert cc.open(store, chunks={"time": 7}).sst.chunksizes["time"][0] == 7
    assert cc.open(store, chunks="auto").sst.chunks is not None


def test_a_store_of_maps_stays_maps_unless_asked(tmp_path: Path) -> None:
    store = write_zarr(tmp_path / "m.zarr", ocean(40), (1, 8, 12))
    with cc.set_options(tile_bytes=4 * 96 * 8), no_compute():
        as_stored = cc.open(store).sst
        series = cc.open(store, layout="series").sst
    assert max(as_stored.chunksizes["time"]) < 40
    assert as_stored.chunksizes["lat"] == (8,)
    assert series.chunksizes["time"] == (40,)
    np.testing.assert_array_equal(series, as_stored)


def test_a_small_store_of_maps_is_opened_whole(tmp_path: Path) -> None:
    store = write_zarr(tmp_path / "m.zarr", ocean(40), (1, 8, 12))
    assert cc.open(store).sst.chunksizes["time"] == (40,)


def test_bad_chunks_and_layouts(tmp_path: Path) -> None:
    store = sharded(tmp_path)
    with pytest.raises(cc.errors.ParameterError, match="unknown layout"):
        cc.open(store, layout="serie")
    with pytest.raises(cc.errors.ParameterError, match="both given"):
        cc.open(store, layout="series", chunks={})
    with pytest.raises(cc.errors.ParameterError, match="chunks not understood"):
        cc.open(store, chunks={"tim": 3})


def test_data_without_time_are_fine_unless_a_layout_needs_it(tmp_path: Path) -> None:
    write_netcdf(tmp_path / "a.nc", ocean()[["land"]])
    assert cc.open(tmp_path / "a.nc").land.chunks is not None
    with pytest.raises(cc.errors.AxisError, match="no time axis"):
        cc.open(tmp_path / "a.nc", layout="series")


def test_heatwaves_of_an_opened_store_need_no_rechunk(tmp_path: Path) -> None:
    made = cc.testing.synthetic_ocean(years=3, shape=(4, 6))
    made.to_zarr(
        tmp_path / "o.zarr",
        zarr_format=3,
        consolidated=False,
        encoding={"sst": {"chunks": (366, 2, 3), "shards": (732, 4, 6)}},
    )
    opened = cc.open(tmp_path / "o.zarr", variable="sst")
    expected = cc.heatwaves(made.sst).annual["count"]
    np.testing.assert_array_equal(cc.heatwaves(opened).annual["count"], expected)


# ---- what it came from --------------------------------------------------------------------


def sources(cube: Any) -> Any:
    return json.loads(cube.attrs["climcube_provenance"])["sources"]


def test_the_source_is_named_on_data_set_and_variables(tmp_path: Path) -> None:
    path = write_netcdf(tmp_path / "a.nc", ocean())
    opened = cc.open(path)
    assert sources(opened) == sources(opened.sst) == [{"address": str(path)}]


def test_credentials_stay_out(tmp_path: Path) -> None:
    with pytest.raises(cc.errors.StoreError) as caught:
        cc.open("http://me:hunter2@127.0.0.1:9/x.zarr?token=hunter2", storage_options={})
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_catalog_entry(tmp_path: Path) -> None:
    from climcube.catalogs import write_catalog

    series = write_zarr(tmp_path / "s.zarr", ocean(40), (10, 2, 3), (20, 4, 6))
    maps = write_zarr(tmp_path / "m.zarr", ocean(40), (1, 8, 12))
    write_netcdf(tmp_path / "f1.nc", ocean(8))
    addresses = [
        {"url": maps, "format": "zarr", "layout": "map"},
        {"url": series, "format": "zarr", "layout": "series"},
    ]
    entries = {
        "mine": {"addresses": addresses},
        "files": {"address": f"{tmp_path}/f*.nc"},
        "gone": {"address": str(tmp_path / "gone.zarr")},
    }
    entries = {k: v | {"title": k, "summary": k} for k, v in entries.items()}
    file = write_catalog(tmp_path / "c.yaml", entries)
    opened = cc.open("mine", catalog=file)
    assert sources(opened)[0]["entry"] == "mine"
    assert sources(opened.sst)[0]["address"] == maps
    assert sources(cc.open("mine", catalog=file, layout="series"))[0]["address"] == series
    assert cc.open("files", catalog=cc.catalog(file)).sizes["time"] == 8
    assert cc.open(series, catalog=file).sizes["time"] == 40  # no entry of that name: the path
    with pytest.raises(cc.errors.StoreError, match=r"gone\.zarr"):
        cc.open("gone", catalog=file)
    with pytest.raises(cc.errors.StoreNotFoundError, match="did you mean 'mine'"):
        cc.open("mien", catalog=file)


# ---- errors -------------------------------------------------------------------------------


def one_line(error: Any) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_what_does_not_exist_is_named_with_near_entries() -> None:
    with pytest.raises(cc.errors.StoreNotFoundError) as caught:
        cc.open("demoo")
    assert "no such file, store or catalog entry" in one_line(caught)
    assert "did you mean 'demo'" in one_line(caught)


def test_a_glob_that_matches_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(cc.errors.StoreNotFoundError) as caught:
        cc.open(f"{tmp_path}/*.nc")
    assert f"no file matches ({tmp_path}/*.nc)" in one_line(caught)
    with pytest.raises(cc.errors.StoreNotFoundError, match="no folder"):
        cc.open(f"{tmp_path}/none/*.nc")
    with pytest.raises(cc.errors.StoreNotFoundError, match="empty"):
        cc.open([])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.95])
def test_a_truncated_file_never_gives_numbers(tmp_path: Path, engine: str, share: float) -> None:
    path = write_netcdf(tmp_path / "a.nc", ocean(200), **ENGINES[engine])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(cc.errors.StoreError) as caught:
        cc.open(path).load()
    assert "a.nc" in one_line(caught)
    other = write_netcdf(tmp_path / "b.nc", ocean(10, "2001-01-01"))
    for order in ([path, other], [other, path]):
        with pytest.raises(cc.errors.StoreError, match=r"a\.nc"):
            cc.open(order).load()


@pytest.mark.parametrize("content", [b"", b"hello", b"<html>", b"PK\x03\x04"])
def test_files_of_other_formats(tmp_path: Path, content: bytes) -> None:
    for name in ("a.nc", "a.dat"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(cc.errors.StoreError) as caught:
            cc.open(tmp_path / name)
        assert name in one_line(caught)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nc")
    with pytest.raises(cc.errors.StoreError, match="not a file"):
        cc.open(tmp_path / "a.nc")


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf, "warm"])
def test_scales_that_no_number_can_be_packed_with(tmp_path: Path, scale: Any) -> None:
    stored = xr.Dataset({"sst": ("x", np.ones(3, "i2"), {"scale_factor": scale})})
    stored.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(cc.errors.CubeError, match="scale_factor other than 0") as caught:
        cc.open(tmp_path / "a.nc")
    assert "a.nc, variable 'sst'" in one_line(caught)


def test_an_infinite_time_is_not_the_day_that_its_units_begin_with(tmp_path: Path) -> None:
    days = {"units": "days since 1950-01-01"}
    xr.Dataset({"v": ("time", [1.0, 2.0])}, {"time": ("time", [3.0, np.inf], days)}).to_netcdf(
        tmp_path / "a.nc", engine="h5netcdf"
    )
    with pytest.raises(cc.errors.CalendarError, match="infinite"):
        cc.open(tmp_path / "a.nc")


def test_a_folder_of_files_says_how_to_open_it(tmp_path: Path) -> None:
    write_netcdf(tmp_path / "a.nc", ocean())
    with pytest.raises(cc.errors.StoreError, match=r"\*\.nc"):
        cc.open(tmp_path)


def test_groups_that_are_none(tmp_path: Path) -> None:
    ocean().to_zarr(tmp_path / "a.zarr", zarr_format=3)
    for store, how in (("a.zarr", {"group": "sst"}), ("a.zarr/sst", {})):
        with pytest.raises(cc.errors.StoreNotFoundError, match="variable='sst'") as caught:
            cc.open(tmp_path / store, **how)
        assert "network" not in one_line(caught)
    with pytest.raises(cc.errors.ParameterError, match="group not understood"):
        cc.open(tmp_path / "a.zarr", group=3)  # type: ignore[arg-type]
    files = [
        write_netcdf(tmp_path / f"{i}.nc", ocean(10, f"200{i}-01-01")) for i in range(2)
    ]  # what lies at their top is not what was asked for
    with pytest.raises(cc.errors.ParameterError, match="groups of many files"):
        cc.open(files, group="quality")


@pytest.mark.parametrize(
    "address", ["memory://nothing/here.zarr", "memory://nothing/here.nc", "memory://nothing/*.nc"]
)
def test_nothing_behind_an_address(address: str) -> None:
    with pytest.raises(cc.errors.StoreError) as caught:
        cc.open(address)
    assert "nothing/" in one_line(caught)
    assert isinstance(caught.value, cc.errors.StoreNotFoundError)


@pytest.mark.parametrize("target", [None, 3, {"a": 1}, np.ones(2)])
def test_odd_targets(target: Any) -> None:
    with pytest.raises(cc.errors.ParameterError, match="target not understood"):
        cc.open(target)


def test_times_that_cannot_be_decoded(tmp_path: Path) -> None:
    xr.Dataset(
        {"v": ("time", [1.0])}, {"time": ("time", [0], {"units": "days since yesterday"})}
    ).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(cc.errors.CalendarError) as caught:
        cc.open(tmp_path / "a.nc")
    assert "a.nc" in one_line(caught)


def test_describe_says_what_a_cube_is(tmp_path: Path) -> None:
    from climcube.cubes.describe import describe

    with no_compute():
        text = describe(cc.open(sharded(tmp_path)))
    for part in (
        "time 40, lat 8, lon 12",
        "2000-01-01 to 2000-02-09, 40 times",
        "[degC]",
        "float32",
        "1 Dask chunk of time 40",
        "chunks of time 10, lat 2, lon 3 in shards of time 20",
        "int16",
        "s.zarr",
    ):
        assert part in text, part
    assert "no time axis" in describe(ocean()[["land"]])


def test_describe_other_calendars_and_arrays() -> None:
    from climcube.cubes.describe import describe

    text = describe(ocean(calendar="360_day").sst.rename(None))
    assert "360_day calendar" in text
    assert "in memory" in text


def test_real_oisst(reference_data: Path) -> None:
    with no_compute():
        cube = cc.open(f"{reference_data}/oisst_tasman/*.nc", variable="sst")
    assert cube.sizes["time"] == 12784
    with xr.open_dataset(reference_data / "oisst_tasman/oisst_tasman_west_1999.nc") as one:
        np.testing.assert_array_equal(cube.sel(time="1999"), one.sst)
    assert isinstance(cube.data, da.Array)


def test_real_360_day_files(reference_data: Path) -> None:
    cube = cc.open(f"{reference_data}/cmip/hadgem2_tas_monthly_360day/*.nc", variable="tas")
    assert cube.time.dt.calendar == "360_day"
    assert isinstance(cube.time.values[0], cftime.Datetime360Day)
    assert cube.sizes["time"] == 146 * 12
