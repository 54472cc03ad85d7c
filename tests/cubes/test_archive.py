"""Many files as one cube: equal to what they hold, or refused by name; never aligned."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.cubes.packing import Packing
from climcube.testing.laziness import no_compute

F4, I2 = np.float32, np.int16
PACKED = {"dtype": "int16", "scale_factor": F4(0.01), "_FillValue": I2(-999)}


def day(start: str, steps: int = 3, **changes: Any) -> xr.Dataset:
    calendar = changes.get("calendar", "proleptic_gregorian")
    time = xr.date_range(start, periods=steps, calendar=calendar, use_cftime="calendar" in changes)
    seed = (
        int(time.values[0].astype("datetime64[D]").astype(int)) if "calendar" not in changes else 7
    )
    values = np.random.default_rng(seed).integers(-300, 3500, (steps, 1, 5, 6)) * F4(0.01)
    return xr.Dataset(
        {
            "sst": (
                ("time", "zlev", "lat", "lon"),
                values.astype("f4"),
                {"units": changes.get("units", "degC")},
            ),
            "time_bnds": (("time", "bnds"), np.stack([time.values, time.values], 1)),
            "crs": ((), np.int32(0)),
        },
        coords={
            "time": time,
            "zlev": [0.0],
            "lat": np.arange(5.0) + changes.get("shift", 0.0),
            "lon": np.arange(6.0),
        },
    )


def write(
    folder: Path, name: str, dataset: xr.Dataset, since: str = "1990-01-01", **packing: Any
) -> Path:
    path = folder / name
    times = {"units": f"days since {since}", "dtype": "float64"}
    dataset.to_netcdf(
        path,
        engine="netcdf4",
        encoding={"sst": PACKED | {"zlib": True} | packing, "time": times, "time_bnds": times},
    )
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    starts = ["2000-01-01", "2000-01-04", "2000-01-07", "2000-01-10"]
    return [
        write(tmp_path, f"{s}.nc", day(s), since=s) for s in starts
    ]  # each in its own time units


def whole() -> xr.Dataset:
    return xr.concat(
        [day(f"2000-01-{n:02d}") for n in (1, 4, 7, 10)],
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
    )


def refused(files: Any, kind: type[Exception], *words: str, **options: Any) -> None:
    with pytest.raises(kind) as caught:
        cc.open(files, **options)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text


def test_files_with_units_of_their_own_continue_each_other(files: list[Path]) -> None:
    with no_compute():
        opened = cc.open(str(files[0].parent / "*.nc"))
    np.testing.assert_array_equal(opened.time, whole().time)
    np.testing.assert_array_equal(opened.time_bnds, whole().time_bnds)
    np.testing.assert_array_equal(opened.sst, whole().sst)
    assert opened.sst.dims == ("time", "zlev", "lat", "lon")  # nothing is squeezed
    assert opened.sst.dtype == "float32"
    assert Packing.of(opened.sst) == Packing(float(F4(0.01)), 0.0, "<i2")
    assert "crs" in opened


def test_the_order_of_files_does_not_matter(files: list[Path]) -> None:
    expected = cc.open(files).load()
    for order in itertools.permutations(files):
        xr.testing.assert_equal(cc.open(list(order)).load(), expected)


def test_any_chunking_reads_the_same(files: list[Path]) -> None:
    expected = whole().sst
    for size in (1, 30 * 4, 4 * 30 * 8, 8 * 4 * 30 * 6, 2**20):
        for layout in (None, "series", "maps"):
            with cc.set_options(tile_bytes=size), no_compute():
                opened = cc.open(files, layout=layout).sst
            assert opened.chunks is not None
            if layout == "series":
                assert opened.chunksizes["time"] == (12,)
            np.testing.assert_array_equal(opened, expected)
    opened = cc.open(files, chunks={"time": 5, "lat": 2}).sst
    assert opened.chunksizes["time"] == (5, 5, 2)
    np.testing.assert_array_equal(opened, expected)


def test_reading_from_many_threads(files: list[Path]) -> None:
    with cc.set_options(tile_bytes=1):
        opened = cc.open(files).sst
    with dask.config.set(scheduler="threads", num_workers=8):
        for _ in range(5):
            np.testing.assert_array_equal(opened.values, whole().sst)


def test_one_variable_only(files: list[Path]) -> None:
    assert cc.open(files, variable="sst").name == "sst"
    refused(files, cc.errors.VariableError, "did you mean 'sst'", variable="stt")


def test_scales_that_differ_are_decoded_file_by_file(tmp_path: Path) -> None:
    one = write(tmp_path, "a.nc", day("2000-01-01"))
    two = write(tmp_path, "b.nc", day("2000-01-04"), scale_factor=F4(0.02), add_offset=F4(10))
    opened = cc.open([one, two]).sst
    np.testing.assert_allclose(opened[3:], day("2000-01-04").sst, atol=0.0101)
    np.testing.assert_array_equal(opened[:3], day("2000-01-01").sst)
    with xr.open_dataset(two) as other:
        np.testing.assert_allclose(opened[3:], other.sst, rtol=3e-7)
    assert Packing.of(opened) is None  # the whole lies on no single grid


def test_floats_with_fill_values(tmp_path: Path) -> None:
    paths = []
    for number in (1, 4):
        part = day(f"2000-01-{number:02d}")
        part.sst[0, 0, 0, 0] = np.nan
        path = tmp_path / f"{number}.nc"
        part.to_netcdf(path, encoding={"sst": {"_FillValue": F4(-1e30)}}, engine="h5netcdf")
        paths.append(path)
    opened = cc.open(paths, variable="sst")
    np.testing.assert_array_equal(np.isnan(opened[:, 0, 0, 0]), [1, 0, 0, 1, 0, 0])
    assert float(opened.min()) > -10


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_calendars(tmp_path: Path, calendar: str) -> None:
    one = write(tmp_path, "a.nc", day("2000-02-27", calendar=calendar))
    two = write(tmp_path, "b.nc", day("2000-03-02", calendar=calendar), since="2000-03-01")
    assert cc.open([one, two]).time.dt.calendar == calendar


# ---- refused -------------------------------------------------------------------------------

MISFITS: dict[str, tuple[Callable[[Path], Path], type[Exception], tuple[str, ...]]] = {
    "units": (
        lambda p: write(p, "bad.nc", day("2000-01-04", units="K")),
        cc.errors.UnitsError,
        ("'degC'", "'K'"),
    ),
    "grid": (
        lambda p: write(p, "bad.nc", day("2000-01-04", shift=1e-7)),
        cc.errors.AxisError,
        ("'lat'", "1e-07 apart"),
    ),
    "flipped": (
        lambda p: write(p, "bad.nc", day("2000-01-04").isel(lat=slice(None, None, -1))),
        cc.errors.AxisError,
        ("'lat'",),
    ),
    "shape": (
        lambda p: write(p, "bad.nc", day("2000-01-04").isel(lon=slice(3))),
        cc.errors.AxisError,
        ("lon",),
    ),
    "transposed": (
        lambda p: write(
            p, "bad.nc", day("2000-01-04").transpose("time", "zlev", "lon", "lat", "bnds")
        ),
        cc.errors.AxisError,
        ("dimensions",),
    ),
    "duplicate": (
        lambda p: write(p, "bad.nc", day("2000-01-03")),
        cc.errors.AxisError,
        ("duplicate",),
    ),
    "same": (
        lambda p: write(p, "bad.nc", day("2000-01-01")),
        cc.errors.AxisError,
        ("duplicate", "a.nc"),
    ),
    "overlap": (
        lambda p: write(p, "bad.nc", day("2000-01-02T12")),
        cc.errors.AxisError,
        ("not increasing",),
    ),
    "unordered": (
        lambda p: write(p, "bad.nc", day("2000-01-04").isel(time=[0, 2, 1])),
        cc.errors.AxisError,
        ("not increasing",),
    ),
    "calendar": (
        lambda p: write(p, "bad.nc", day("2000-01-04", calendar="noleap")),
        cc.errors.CalendarError,
        ("noleap",),
    ),
    "missing": (
        lambda p: write(p, "bad.nc", day("2000-01-04").drop_vars("crs")),
        cc.errors.VariableError,
        ("'crs'",),
    ),
    "extra": (
        lambda p: write(p, "bad.nc", day("2000-01-04").assign(ice=1)),
        cc.errors.VariableError,
        ("'ice'", "variable="),
    ),
    "static": (
        lambda p: write(p, "bad.nc", day("2000-01-04").assign(crs=np.int32(1))),
        cc.errors.AxisError,
        ("'crs'",),
    ),
    "no time": (
        lambda p: write_plain(
            p / "bad.nc", day("2000-01-04").drop_vars("time_bnds").isel(time=0, drop=True)
        ),
        cc.errors.CubeError,
        (),
    ),
    "empty": (
        lambda p: write_plain(p / "bad.nc", day("2000-01-04").isel(time=slice(0))),
        cc.errors.AxisError,
        ("empty",),
    ),
}


def write_plain(path: Path, dataset: xr.Dataset) -> Path:
    times = {n: {"units": "days since 1990-01-01"} for n in ("time", "time_bnds") if n in dataset}
    dataset.to_netcdf(path, engine="netcdf4", encoding=times)
    return path


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_file_that_does_not_continue_the_others_is_named(tmp_path: Path, misfit: str) -> None:
    make, kind, words = MISFITS[misfit]
    good = write(tmp_path, "a.nc", day("2000-01-01"))
    refused([good, make(tmp_path)], kind, "bad.nc", *words)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lengths=st.lists(st.integers(1, 5), min_size=2, max_size=5), tile=st.integers(1, 4000))
def test_files_of_any_length(tmp_path: Path, lengths: list[int], tile: int) -> None:
    start, paths, parts = np.datetime64("2000-01-01"), [], []
    for number, length in enumerate(lengths):
        parts.append(day(str(start), length))
        paths.append(write(tmp_path, f"{number}.nc", parts[-1]))
        start += np.timedelta64(length, "D")
    with cc.set_options(tile_bytes=tile):
        opened = cc.open(paths, variable="sst")
    np.testing.assert_array_equal(opened, np.concatenate([p.sst for p in parts]))


def test_a_file_that_vanishes_is_named_when_it_is_read(files: list[Path]) -> None:
    opened = cc.open(files)
    files[2].unlink()
    with pytest.raises(cc.errors.StoreError, match="2000-01-07"):
        opened.load()


def test_classic_files(tmp_path: Path) -> None:
    paths = []
    for number in (1, 4):
        path = tmp_path / f"{number}.nc"
        day(f"2000-01-{number:02d}").to_netcdf(
            path,
            format="NETCDF3_64BIT",
            engine="netcdf4",
            unlimited_dims=["time"],
            encoding={"sst": PACKED},
        )
        paths.append(path)
    opened = cc.open(paths, variable="sst")
    np.testing.assert_array_equal(opened[3:], day("2000-01-04").sst)
