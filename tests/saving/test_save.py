from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import cftime
import dask
import dask.array as da
import fsspec
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.planning.tiles.prepare import file_chunks
from climcube.saving import zarrs

FORMATS = pytest.mark.parametrize("suffix", [".zarr", ".nc"])


def cube(lazy: bool = True, steps: int = 40) -> xr.DataArray:
    time = xr.date_range("2000-01-01", periods=steps, freq="D")
    values = np.random.default_rng(0).normal(15, 3, (steps, 6, 8)).astype("float32")
    values[:, 0, 0] = np.nan
    array = xr.DataArray(
        values,
        dims=("time", "lat", "lon"),
        name="sst",
        coords={
            "time": time,
            "lat": np.arange(6.0),
            "lon": np.arange(8.0),
            "level": 5.0,
            "area": (("lat", "lon"), np.ones((6, 8))),
        },
        attrs={"units": "degC", "standard_name": "sea_surface_temperature"},
    )
    return array.chunk(time=20, lat=3, lon=4) if lazy else array


def back(target: Any, **options: Any) -> xr.Dataset:
    opened = cc.open(str(target), **options).load()
    for part in (opened, *opened.data_vars.values()):
        part.attrs.pop("climcube_provenance", None)
    return opened


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if ".partial" in p.name or ".old" in p.name]


@FORMATS
@pytest.mark.parametrize("lazy", [True, False])
def test_what_is_saved_comes_back(tmp_path: Path, suffix: str, lazy: bool) -> None:
    array = cube(lazy)
    target = tmp_path / f"deep/er/sst{suffix}"
    assert cc.save(array, target) == str(target)
    opened = back(target)
    xr.testing.assert_identical(opened["sst"], array.compute())
    assert opened["sst"].dtype == "float32"
    assert not leftovers(target.parent)


@FORMATS
@pytest.mark.parametrize("calendar", ["noleap", "360_day", "standard", "julian"])
def test_calendars_come_back(tmp_path: Path, suffix: str, calendar: str) -> None:
    time = xr.date_range("1999-02-27", periods=5, freq="D", calendar=calendar, use_cftime=True)
    array = xr.DataArray(np.arange(5.0), dims="time", coords={"time": time}, name="v")
    cc.save(array, tmp_path / f"c{suffix}")
    opened = back(tmp_path / f"c{suffix}")
    assert opened.time.dt.calendar in (
        calendar,
        "proleptic_gregorian" if calendar == "standard" else "",
    )
    assert list(opened.time.dt.strftime("%F").values) == list(array.time.dt.strftime("%F").values)
    if calendar != "standard":
        assert isinstance(opened.time.values[0], cftime.datetime)


@FORMATS
def test_many_types_come_back(tmp_path: Path, suffix: str) -> None:
    dataset = xr.Dataset(
        {
            "category": (
                ("time", "x"),
                np.array([[0, 4], [-1, 127]], "int8"),
                {"flag_values": [0, 4]},
            ),
            "event": (("time", "x"), np.array([[0, 2**31 - 1], [1, 2]], "int32")),
            "big": ("x", np.array([2**62, -1])),
            "small": ("x", np.array([1.5, np.nan], "float32")),
            "yes": ("x", np.array([True, False])),
            "name": ("x", np.array(["Agulhas", "é"])),
            "scalar": ((), 3.5),
        },
        coords={
            "time": np.array(["2000-01-01T12", "2000-01-02T12"], "datetime64[ns]"),
            "x": ["a", "bc"],
        },
        attrs={"title": "t", "flag": True, "nothing": None, "deep": {"a": 1}, "many": [1, 2]},
    )
    cc.save(dataset, tmp_path / f"d{suffix}")
    opened = back(tmp_path / f"d{suffix}")
    assert set(opened) == set(dataset)
    for name in dataset.variables:
        assert opened[name].dims == dataset[name].dims
        np.testing.assert_array_equal(opened[name].values, dataset[name].values)
        if dataset[name].dtype.kind in "ifb":
            assert opened[name].dtype == dataset[name].dtype, name
    assert opened.attrs["title"] == "t"
    assert opened.attrs["flag"] == 1
    assert opened.attrs["deep"] == '{"a": 1}'


@FORMATS
def test_a_result_does_not_inherit_the_packing_of_its_source(tmp_path: Path, suffix: str) -> None:
    source = cube(lazy=False)
    source.encoding = {
        "dtype": "int16",
        "scale_factor": 0.01,
        "_FillValue": -999,
        "chunks": (40, 6, 8),
        "shards": None,
        "zlib": True,
        "preferred_chunks": {"time": 40},
    }
    changed = source.copy(data=source.values * 1000 + 0.003)  # quantised or overflowed by int16
    changed.encoding = dict(source.encoding)
    cc.save(changed, tmp_path / f"r{suffix}")
    np.testing.assert_array_equal(back(tmp_path / f"r{suffix}")["sst"], changed)
    assert changed.encoding == source.encoding  # what was handed in is left alone


@FORMATS
def test_packing_is_possible_where_asked_for(tmp_path: Path, suffix: str) -> None:
    grid = np.arange(-20, 20, dtype="int16").reshape(2, 20)
    array = xr.DataArray(grid * 0.01, dims=("y", "x"), name="v").chunk(x=5)
    packing = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": np.int16(-999)}
    cc.save(array, tmp_path / f"p{suffix}", encoding={"v": packing})
    opened = cc.open(tmp_path / f"p{suffix}", variable="v")
    np.testing.assert_array_equal(opened, array)
    assert opened.encoding["dtype"] == "int16"


@FORMATS
@pytest.mark.parametrize(("value", "fill"), [(400.0, -999), (-9.99, -999), (np.nan, None)])
def test_values_that_do_not_fit_the_packing_are_refused(
    tmp_path: Path, suffix: str, value: float, fill: int | None
) -> None:
    array = xr.DataArray([0.0, value], dims="x", name="v").chunk(x=1)
    packing = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": fill}
    with pytest.raises(cc.errors.CubeError, match="does not fit the packing.*'v'"):
        cc.save(array, tmp_path / f"p{suffix}", encoding={"v": packing})
    assert os.listdir(tmp_path) == []


def test_encoding_of_an_unknown_variable(tmp_path: Path) -> None:
    with pytest.raises(cc.errors.ParameterError, match="did you mean 'sst'"):
        cc.save(cube(), tmp_path / "x.zarr", encoding={"sts": {}})


@FORMATS
def test_an_existing_target_is_kept(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"x{suffix}"
    cc.save(cube() * 0, target)
    with pytest.raises(cc.errors.StoreExistsError, match="overwrite=True"):
        cc.save(cube(), target)
    assert float(back(target)["sst"].max()) == 0
    cc.save(cube(), target, overwrite=True)
    assert float(back(target)["sst"].max()) > 1
    assert not leftovers(tmp_path)


@FORMATS
def test_a_block_that_comes_late_writes_nothing_after_a_failure(
    tmp_path: Path, suffix: str
) -> None:
    def late(block: Any, block_id: Any = (0,)) -> Any:
        if block_id == (0,):
            raise cc.errors.CubeError("a block is wrong")
        time.sleep(0.2)
        return block

    array = xr.DataArray(da.arange(2, chunks=1), dims="x", name="v")
    array = array.copy(data=array.data.map_blocks(late, dtype="int64", meta=np.empty(0, "i8")))
    with dask.config.set(num_workers=2), pytest.raises(cc.errors.CubeError, match="is wrong"):
        cc.save(array, tmp_path / f"p{suffix}")
    time.sleep(0.4)
    assert os.listdir(tmp_path) == []


@FORMATS
@pytest.mark.parametrize("existing", [True, False])
def test_a_failure_leaves_what_was_there(tmp_path: Path, suffix: str, existing: bool) -> None:
    target = tmp_path / f"x{suffix}"
    if existing:
        cc.save(cube() * 0, target)

    def fail(block: Any) -> Any:
        if block.size:
            raise cc.errors.CubeError("a day is wrong")
        return block

    bad = cube().copy(
        data=cube().data.map_blocks(fail, dtype="float32", meta=np.empty((0, 0, 0), "f4"))
    )
    with pytest.raises(cc.errors.CubeError, match="a day is wrong"):
        cc.save(bad, target, overwrite=True)
    assert os.listdir(tmp_path) == ([target.name] if existing else [])
    if existing:
        assert float(back(target)["sst"].max()) == 0


def test_a_store_can_be_replaced_by_what_was_opened_from_it(tmp_path: Path) -> None:
    target = tmp_path / "x.zarr"
    cc.save(cube(), target)
    cc.save(cc.open(target) + 1, target, overwrite=True)
    np.testing.assert_array_equal(back(target)["sst"], cube() + 1)


def test_a_folder_that_is_no_store_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(cc.errors.StoreError, match="not replaced"):
        cc.save(cube(), tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.nc.gz", "x.h5", "result.v1"])
def test_unknown_suffixes(tmp_path: Path, name: str) -> None:
    with pytest.raises(cc.errors.ParameterError, match="suffix"):
        cc.save(cube(), tmp_path / name)


@pytest.mark.parametrize("thing", [3, None, "x", np.ones(3), {"a": 1}])
def test_things_that_cannot_be_saved(tmp_path: Path, thing: Any) -> None:
    with pytest.raises(cc.errors.ParameterError, match="cannot be saved"):
        cc.save(thing, tmp_path / "x.zarr")


def test_a_multiindex_is_refused(tmp_path: Path) -> None:
    stacked = cube().stack(cell=("lat", "lon"))
    with pytest.raises(cc.errors.CubeError, match="unstack"):
        cc.save(stacked, tmp_path / "x.zarr")


def test_an_unnamed_array_is_saved_as_values(tmp_path: Path) -> None:
    cc.save(cube().rename(None), tmp_path / "x")
    assert list(back(tmp_path / "x")) == ["values"]


def test_pint_quantities_are_saved_with_their_cf_units(tmp_path: Path) -> None:
    import pint_xarray  # noqa: F401

    array = cube().drop_vars(["level", "area"])
    array = array.pint.quantify({"lat": None, "lon": None, "time": None})
    cc.save(array, tmp_path / "x.zarr")
    opened = back(tmp_path / "x.zarr")["sst"]
    assert opened.attrs["units"] == "degC"
    np.testing.assert_array_equal(opened, cube())


def test_zarr_chunks_carry_checksums_and_lie_within_dask_chunks(tmp_path: Path) -> None:
    cc.save(cube(), tmp_path / "x.zarr")
    stored = zarr.open_group(str(tmp_path / "x.zarr"), mode="r")
    assert stored.metadata.zarr_format == 3
    for name in ("sst", "time", "lat"):
        assert "'checksum': True" in str(stored[name].metadata.to_dict()["codecs"]), name
    assert stored["sst"].chunks == (20, 3, 4)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    for suffix in (".zarr", ".nc"):
        target = tmp_path / f"x{suffix}"
        cc.save(cube(), target)
        chunk = target / "sst/c/0/0/0" if suffix == ".zarr" else target
        content = bytearray(chunk.read_bytes())
        if suffix == ".zarr":
            content[len(content) // 2] ^= 4
        else:
            with netCDF4.Dataset(target) as file:
                assert file["sst"].filters()["fletcher32"]
            continue
        chunk.write_bytes(bytes(content))
        with pytest.raises(Exception, match="(?i)checksum|not what was written"):
            cc.open(target).load()


@pytest.mark.parametrize("chunks", [(5, 15, 20), (20, 5, 15), (1, 39)])
def test_uneven_dask_chunks(tmp_path: Path, chunks: tuple[int, ...]) -> None:
    array = cube(lazy=False).chunk(time=chunks)
    cc.save(array, tmp_path / "x.zarr")
    np.testing.assert_array_equal(back(tmp_path / "x.zarr")["sst"], array)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    cut=st.tuples(*[st.integers(1, 7)] * 3),
    dtype=st.sampled_from(["float32", "float64", "int8", "int16", "int64", "uint8", "bool"]),
    suffix=st.sampled_from([".nc", ".zarr"]),
    seed=st.integers(0, 2**16),
)
def test_any_array_comes_back(
    tmp_path: Path, shape: Any, cut: Any, dtype: str, suffix: str, seed: int
) -> None:
    values = (np.random.default_rng(seed).normal(0, 50, shape)).astype(dtype)
    chunked = da.from_array(
        values, chunks=tuple(min(c, n) for c, n in zip(cut, shape, strict=True))
    )
    array = xr.DataArray(chunked, dims=("time", "y", "x"), name="v", attrs={"units": "1"})
    cc.save(array, tmp_path / f"h{suffix}", overwrite=True)
    opened = back(tmp_path / f"h{suffix}")["v"]
    xr.testing.assert_identical(opened, array.compute())
    assert opened.dtype == dtype


@given(
    shape=st.lists(st.integers(0, 20000), min_size=0, max_size=4).map(tuple),
    itemsize=st.sampled_from(["int8", "float64"]),
)
def test_file_chunks_are_small_and_whole(shape: tuple[int, ...], itemsize: str) -> None:
    variable = xr.Variable(
        [f"d{i}" for i in range(len(shape))], da.empty(shape, dtype=itemsize, chunks=-1)
    )
    chunks = file_chunks(variable)
    assert len(chunks) == len(shape)
    assert np.prod(chunks, dtype=float) * variable.dtype.itemsize <= 8 * 2**20
    assert all(1 <= c <= max(1, n) for c, n in zip(chunks, shape, strict=True))


def test_file_chunks_divide_dask_chunks() -> None:
    variable = xr.Variable(
        ("t", "y", "x"), da.empty((20000, 180, 360), chunks=(-1, 90, 90), dtype="f4")
    )
    steps, *cells = file_chunks(variable)
    assert all(90 % n == 0 for n in cells)
    assert steps * cells[0] * cells[1] * 4 <= 8 * 2**20


def test_heatwaves_are_saved_as_groups(tmp_path: Path) -> None:
    ocean = cc.testing.synthetic_ocean(years=4, shape=(4, 6))
    mhw = cc.heatwaves(ocean.sst.chunk(lat=2, lon=3))
    for suffix in (".zarr", ".nc"):
        cc.save(mhw, tmp_path / f"mhw{suffix}")
        annual = back(tmp_path / f"mhw{suffix}", group="annual")
        xr.testing.assert_equal(annual, mhw.annual.compute())
        assert annual["count"].dtype == mhw.annual["count"].dtype
        assert "seas" in cc.open(tmp_path / f"mhw{suffix}", group="climatology")
    with pytest.raises(cc.errors.StoreError, match=r"group='annual'"):
        cc.open(tmp_path / "mhw.zarr")
    with pytest.raises(cc.errors.StoreNotFoundError, match="annual, climatology"):
        cc.open(tmp_path / "mhw.zarr", group="daily")
    cc.save(mhw, tmp_path / "daily.zarr", parts=("daily",))
    np.testing.assert_array_equal(
        back(tmp_path / "daily.zarr", group="daily").category, mhw.daily.category
    )
    with pytest.raises(cc.errors.ParameterError, match="unknown part"):
        cc.save(mhw, tmp_path / "x.zarr", parts=("dailly",))


def test_parts_of_one_result_share_their_work(tmp_path: Path) -> None:
    """Climatology and annual blocks read each tile once, not once each."""
    reads: list[int] = []

    def read(block: Any) -> Any:
        reads.append(block.size)
        return block

    ocean = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst.chunk(lat=2)
    counted = ocean.copy(data=ocean.data.map_blocks(read, meta=np.empty((0, 0, 0), "f4")))
    cc.save(cc.heatwaves(counted), tmp_path / "x.zarr")
    assert len([n for n in reads if n]) == 2


@FORMATS
def test_memory_does_not_grow_with_the_cube(tmp_path: Path, suffix: str) -> None:
    import tracemalloc

    def peak(tiles: int) -> int:
        data = da.random.default_rng(0).normal(size=(200, 50, 50 * tiles), chunks=(200, 50, 50))
        # Whole numbers are compressed in less time.
        array = xr.DataArray(data.round(), dims=("time", "y", "x"), name="v")
        tracemalloc.start()
        try:
            cc.save(array, tmp_path / f"m{suffix}", overwrite=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    tile = 200 * 50 * 50 * 8
    peak(2)  # imports
    many = peak(18)
    assert many < peak(6) + 3 * tile
    assert many < 16 * tile


@pytest.mark.parametrize("name", ["memory://bucket/x.zarr", "memory://bucket/deep/x.nc"])
def test_object_stores(name: str) -> None:
    system = fsspec.filesystem("memory")
    cc.save(cube(), name, overwrite=True)
    xr.testing.assert_identical(back(name)["sst"], cube().compute())
    with pytest.raises(cc.errors.StoreExistsError):
        cc.save(cube(), name)
    cc.save(cube() + 1, name, overwrite=True)
    np.testing.assert_array_equal(back(name)["sst"], cube() + 1)
    assert not [n for n in system.find("/bucket") if ".partial" in n]


def test_a_failed_replacement_in_an_object_store_keeps_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "memory://bucket/keep.zarr"
    cc.save(cube() * 0, name, overwrite=True)

    def fail(*_: Any) -> Any:
        raise OSError("the network is gone")

    monkeypatch.setattr(zarrs, "seal_manifest", fail)
    with pytest.raises(cc.errors.StoreError, match="saving failed.*network is gone"):
        cc.save(cube(), name, overwrite=True)
    assert float(back(name)["sst"].max()) == 0
    assert not [n for n in fsspec.filesystem("memory").find("/bucket") if ".partial" in n]


def test_an_unreachable_target_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(cc.errors.StoreError) as caught:
        cc.save(cube(), tmp_path / "file" / "x.zarr")
    assert "\n" not in str(caught.value)


def test_provenance_survives_and_names_the_saved_result(tmp_path: Path) -> None:
    ocean = cc.testing.synthetic_ocean(years=2, shape=(2, 3)).sst
    cc.save(cc.annual_mean(ocean), tmp_path / "x.zarr")
    found = cc.open(tmp_path / "x.zarr").attrs["climcube_provenance"]
    assert "annual_mean" in found
    assert "x.zarr" in found
