"""Copies into another layout: the same integers, in bounded memory, whatever stops them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import (
    AxisError,
    ClimcubeWarning,
    IntegrityError,
    ParameterError,
    PlanError,
)
from climcube.saving.relayout import relaid, relayout
from climcube.saving.tasks import Target
from climcube.testing.laziness import no_compute

SHAPE = (50, 12, 18)
PLAIN = {"scale_factor": np.float32(0.01), "_FillValue": np.int16(-999)}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


def store(
    path: Path,
    chunks: tuple[int, ...],
    attrs: dict[str, Any] | None = None,
    dtype: str = "int16",
    dims: tuple[str, ...] = ("time", "lat", "lon"),
) -> Path:
    """Write integers as they are, with the attributes given."""
    sizes = dict(zip(("time", "lat", "lon"), SHAPE, strict=True))
    values = np.random.default_rng(0).integers(-100, 100, [sizes[d] for d in dims]).astype(dtype)
    values[values == 7] = -99 if dtype == "int8" else -999
    coords = {
        "time": xr.date_range("2001-12-01", periods=SHAPE[0]),
        "lat": ("lat", np.linspace(-60, 60, SHAPE[1]), {"units": "degrees_north"}),
        "lon": ("lon", np.linspace(0, 340, SHAPE[2]), {"units": "degrees_east"}),
    }
    known = {"units": "degC", "standard_name": "sea_surface_temperature"}
    sst = xr.DataArray(values, coords, dims, "sst", known | (PLAIN if attrs is None else attrs))
    encoding = {"chunks": chunks} | ({} if "_FillValue" in sst.attrs else {"_FillValue": None})
    sst.to_dataset().to_zarr(path, zarr_format=3, consolidated=False, encoding={"sst": encoding})
    return path


def integers(path: Path) -> Any:
    return zarr.open_array(path / "sst", mode="r")


def assert_same(copy: Path, source: Path) -> None:
    assert integers(copy).dtype == integers(source).dtype
    np.testing.assert_array_equal(integers(copy)[:], integers(source)[:])
    xr.testing.assert_equal(cc.open(copy), cc.open(source))
    assert cc.open(copy).sst.dtype == cc.open(source).sst.dtype
    assert cc.verify(copy).ok


@pytest.mark.parametrize("chunks", [(1, 12, 18), (50, 3, 4), (7, 5, 18)])
@pytest.mark.parametrize("layout", ["series", "maps"])
def test_any_layout_becomes_any_other(tmp_path: Path, chunks: tuple[int, ...], layout: str) -> None:
    source = store(tmp_path / "source.zarr", chunks)
    relayout(cc.open(source, chunks={}), tmp_path / "copy.zarr", layout=layout, memory="9 MB")
    assert_same(tmp_path / "copy.zarr", source)
    other = "maps" if layout == "series" else "series"
    relayout(cc.open(tmp_path / "copy.zarr"), tmp_path / "back.zarr", layout=other)
    assert_same(tmp_path / "back.zarr", source)
    inner = integers(tmp_path / (f"{'copy' if layout == 'maps' else 'back'}.zarr")).chunks
    assert inner == (1, 12, 18)


@pytest.mark.parametrize(
    ("dtype", "attrs"),
    [
        ("int16", PLAIN | {"add_offset": np.float64(273.15), "missing_value": np.int16(5)}),
        ("int16", PLAIN | {"valid_range": np.array([-90, 90], "int16")}),
        ("int8", {"_Unsigned": "true", "scale_factor": 0.5, "_FillValue": np.int8(-99)}),
        ("int32", {"scale_factor": 1e-4, "add_offset": -3.0}),
        ("int16", {"_FillValue": np.int16(-999)}),
        ("int16", {"flag_values": np.array([1, 2], "int16"), "flag_meanings": "a b"}),
        ("float32", {"_FillValue": np.float32(-999)}),
        ("float64", {}),
        ("int16", {}),
    ],
)
def test_values_of_every_kind(tmp_path: Path, dtype: str, attrs: dict[str, Any]) -> None:
    source = store(tmp_path / "source.zarr", (5, 12, 18), attrs, dtype)
    relayout(cc.open(source), tmp_path / "copy.zarr")
    if "float" in dtype:  # what is missing in a copy is NaN
        xr.testing.assert_identical(
            cc.open(tmp_path / "copy.zarr").sst.drop_attrs(), cc.open(source).sst.drop_attrs()
        )
        return
    assert_same(tmp_path / "copy.zarr", source)
    kept = {k: v for k, v in cc.open(source).sst.attrs.items() if "provenance" not in k}
    found = cc.open(tmp_path / "copy.zarr").sst.attrs
    for name, value in kept.items():
        np.testing.assert_array_equal(found[name], value)


def test_float64_that_json_forgets_is_copied_as_floats(tmp_path: Path) -> None:
    """The integers would come back as float32, since 0.5 says no more than that."""
    store(tmp_path / "source.zarr", (50, 12, 18), PLAIN | {"scale_factor": np.float64(0.5)})
    opened = cc.open(tmp_path / "source.zarr")
    path = tmp_path / "source.nc"
    xr.open_zarr(tmp_path / "source.zarr", mask_and_scale=False, consolidated=False).to_netcdf(path)
    with xr.open_dataset(path, mask_and_scale=False) as raw:
        raw.sst.attrs["scale_factor"] = np.float64(0.5)
        raw.load().to_netcdf(tmp_path / "wide.nc")
    wide = cc.open(tmp_path / "wide.nc")
    assert wide.sst.dtype == np.float64 != opened.sst.dtype
    relayout(wide, tmp_path / "copy.zarr")
    xr.testing.assert_equal(cc.open(tmp_path / "copy.zarr"), wide)
    assert cc.open(tmp_path / "copy.zarr").sst.dtype == np.float64


@settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.tuples(st.integers(5, 50), st.integers(3, 12), st.integers(5, 18)),
    st.permutations(["time", "lat", "lon"]),
    st.tuples(st.integers(0, 10), st.integers(11, 49)),
    st.sampled_from(["series", "maps"]),
)
def test_parts_of_stores_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory, chunks: Any, dims: Any, days: Any, layout: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    sizes = dict(zip(("time", "lat", "lon"), chunks, strict=True))
    source = store(folder / "s.zarr", tuple(sizes[d] for d in dims), dims=tuple(dims))
    part = cc.open(source).isel(time=slice(*days), lat=slice(1, None, 2))
    with no_compute():
        copy = relaid(part, layout=layout, memory="20 MB")
    assert copy.dataset.sst.dtype == np.int16
    relayout(part, folder / "copy.zarr", layout=layout, memory="20 MB")
    again = cc.open(folder / "copy.zarr")
    xr.testing.assert_equal(again, part)
    assert integers(folder / "copy.zarr").dtype == np.int16


def test_other_cubes_and_several_variables(tmp_path: Path) -> None:
    source = cc.open(store(tmp_path / "s.zarr", (1, 12, 18)))
    whole = source.assign(
        warmer=source.sst + 1, mean=source.sst.mean("time"), depth=("lat", np.arange(12.0))
    )
    relayout(whole, tmp_path / "copy.zarr", layout="maps")
    found = cc.open(tmp_path / "copy.zarr")
    xr.testing.assert_equal(found, whole.compute())
    assert integers(tmp_path / "copy.zarr").dtype == np.int16
    relayout(whole.warmer.compute(), tmp_path / "one.zarr")
    xr.testing.assert_equal(cc.open(tmp_path / "one.zarr").warmer, whole.warmer.compute())


def test_a_copy_that_was_stopped_goes_on_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = cc.open(store(tmp_path / "s.zarr", (1, 12, 18)), chunks={})
    copy = relaid(source, memory=8_410_000)
    assert copy.slabs.count > 4
    relayout(source, tmp_path / "whole.zarr", memory=8_410_000)
    plain, written = Target.write, []

    def some(self: Target, piece: Any, block: Any) -> Any:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(piece)
        return plain(self, piece, block)

    with monkeypatch.context() as patch:
        patch.setattr(Target, "write", some)
        with pytest.raises(KeyboardInterrupt):
            relayout(source, tmp_path / "copy.zarr", memory=8_410_000, resume=True)
    assert not (tmp_path / "copy.zarr").exists()
    rest: list[Any] = []
    monkeypatch.setattr(Target, "write", lambda *a: (rest.append(a[1]), plain(*a))[1])
    again = cc.open(tmp_path / "s.zarr", chunks={})
    relayout(again, tmp_path / "copy.zarr", memory=8_410_000, resume=True)
    assert len(rest) <= copy.slabs.count - 2  # what was done is not done again
    for path in sorted((tmp_path / "whole.zarr").rglob("*")):
        if path.is_file():
            twin = tmp_path / "copy.zarr" / path.relative_to(tmp_path / "whole.zarr")
            assert twin.read_bytes() == path.read_bytes(), path


def test_damage_is_not_copied(tmp_path: Path) -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).sst
    cc.save(ocean.chunk(time=30), tmp_path / "s.zarr")
    victim = max((tmp_path / "s.zarr" / "sst" / "c").rglob("0"))
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 2] ^= 1
    victim.write_bytes(raw)
    with pytest.raises(IntegrityError, match="variable 'sst', chunk"):
        relayout(cc.open(tmp_path / "s.zarr"), tmp_path / "copy.zarr", resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_what_is_all_missing_is_not_stored(tmp_path: Path) -> None:
    """Nor is it taken for lost."""
    ocean = cc.testing.synthetic_ocean(years=1, shape=(6, 60)).sst
    ocean[:, :, :30] = np.nan
    packed = PLAIN | {"dtype": "int16", "chunks": (30, 6, 60)}
    cc.save(ocean, tmp_path / "s.zarr", encoding={"sst": packed})
    relayout(cc.open(tmp_path / "s.zarr"), tmp_path / "copy.zarr")
    assert_same(tmp_path / "copy.zarr", tmp_path / "s.zarr")
    size = sum(p.stat().st_size for p in (tmp_path / "copy.zarr" / "sst" / "c").rglob("*"))
    assert size < 2 * 366 * 6 * 30 * 1.05  # the sea


def test_what_it_costs_is_told(tmp_path: Path) -> None:
    source = cc.open(store(tmp_path / "s.zarr", (50, 12, 18)), chunks={})
    text = str(relaid(source, memory="1 GB"))
    assert "each stored chunk 1 times" in text and "objects of time 50, lat 12, lon 18" in text
    tight = relaid(source, layout="maps", memory=8_480_000)
    assert tight.slabs.repeats > 1.5
    with pytest.warns(ClimcubeWarning, match="each stored chunk is read"):
        relayout(source, tmp_path / "copy.zarr", layout="maps", memory=8_480_000)
    assert_same(tmp_path / "copy.zarr", tmp_path / "s.zarr")


def test_mistakes(tmp_path: Path) -> None:
    source = cc.open(store(tmp_path / "s.zarr", (1, 12, 18)))
    with pytest.raises(PlanError, match="smallest slabs.*'sst'.*found 1 kB.*memory="):
        relayout(source, tmp_path / "copy.zarr", memory=1000)
    with pytest.raises(ParameterError, match="layout"):
        relayout(source, tmp_path / "copy.zarr", layout="pencils")
    with pytest.raises(AxisError):
        relayout(source.isel(time=0), tmp_path / "copy.zarr")
    with pytest.raises(ParameterError, match="memory='much'"):
        relayout(source, tmp_path / "copy.zarr", memory="much")
    assert not (tmp_path / "copy.zarr").exists()


MEASURED = """
import sys, json, dask
import climcube as cc
from climcube.saving.relayout import relayout
from benchmarks.measuring import reset_peak, resident
dask.config.set(num_workers=1)
relayout(cc.testing.synthetic_ocean(years=1, shape=(4, 4)).sst.chunk(time=9), sys.argv[2] + "/w")
source = cc.open(sys.argv[1], chunks={})
reset_peak()
before = resident("VmRSS")
relayout(source, sys.argv[2] + "/copy.zarr", layout=sys.argv[3], memory=int(sys.argv[4]))
print(json.dumps(resident("VmHWM") - before))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "chunks"), [("series", (1, 300, 400)), ("maps", (400, 30, 40))])
def test_memory_stays_below_what_was_allowed(
    tmp_path: Path, layout: str, chunks: tuple[int, ...]
) -> None:
    """The copy is four times larger."""
    bound = 24_000_000
    path = store(tmp_path / "s.zarr", (1, 12, 18))
    values = np.random.default_rng(0).integers(-90, 3000, (400, 300, 400), dtype="int16")
    attrs = {"units": "degC", "scale_factor": 0.01, "_FillValue": np.int16(-999)}
    coords = {
        "time": xr.date_range("2001-01-01", periods=400),
        "lat": ("lat", np.linspace(-60, 60, 300), {"units": "degrees_north"}),
        "lon": ("lon", np.linspace(0, 340, 400), {"units": "degrees_east"}),
    }
    path = tmp_path / "large.zarr"
    xr.Dataset({"sst": (("time", "lat", "lon"), values, attrs)}, coords).to_zarr(
        path, zarr_format=3, consolidated=False, encoding={"sst": {"chunks": chunks}}
    )
    command = [sys.executable, "-W", "ignore", "-c", MEASURED, str(path), str(tmp_path), layout]
    done = subprocess.run([*command, str(bound)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) < bound < values.nbytes / 3.9
    np.testing.assert_array_equal(integers(tmp_path / "copy.zarr")[:], values)
