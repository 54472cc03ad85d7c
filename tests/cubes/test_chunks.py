from __future__ import annotations

import math
from typing import Any

import dask.array as da
import numpy as np
import pint
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import climcube as cc
from climcube.cubes.chunks import is_lazy, require_whole, series_chunks
from climcube.errors import AxisError, ChunkError, ParameterError
from climcube.testing.laziness import no_compute


def cube(
    dims: tuple[str, ...] = ("time", "lat", "lon"), lazy: bool = True, **more: int
) -> xr.DataArray:
    sizes = {"time": 30, "lat": 6, "lon": 10} | more
    shape = tuple(sizes[d] for d in dims)
    values = np.arange(math.prod(shape), dtype="float32").reshape(shape)
    values.flat[::7] = np.nan
    coords: dict[str, Any] = {"time": xr.date_range("2000-01-01", periods=sizes["time"])}
    coords |= {d: np.arange(sizes[d]) for d in ("lat", "lon") if d in dims}
    array = xr.DataArray(values, dims=dims, coords=coords, name="sst", attrs={"units": "degC"})
    return array.chunk(time=7) if lazy else array


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("layout", ["series", "maps"])
@pytest.mark.parametrize(
    "dims",
    [
        ("time", "lat", "lon"),
        ("lon", "lat", "time"),
        ("lat", "time", "lon"),
        ("time",),
        ("time", "depth", "lat", "lon"),
        ("lat", "lon", "member", "time"),
    ],
)
def test_rechunk_changes_chunks_only(dims: tuple[str, ...], layout: str, lazy: bool) -> None:
    given_cube = cube(dims, lazy, depth=2, member=3)
    with no_compute(), cc.set_options(tile_bytes=4 * 30 * 10):
        out = cc.rechunk(given_cube, layout=layout)
    assert is_lazy(out)
    if layout == "series":
        assert out.chunksizes["time"] == (30,)
        assert math.prod(max(c) for c in out.chunksizes.values()) <= 30 * 10
    else:
        assert all(len(out.chunksizes[d]) == 1 for d in dims if d != "time")
    xr.testing.assert_identical(out.compute(), given_cube.compute())


def test_levels_and_members_are_single_whatever_their_place() -> None:
    with cc.set_options(tile_bytes=4 * 30 * 60):
        for dims in (("time", "depth", "lat", "lon"), ("lat", "lon", "depth", "time")):
            chunks = cc.rechunk(cube(dims, depth=4)).chunksizes
            assert chunks["depth"] == (1, 1, 1, 1)
            assert chunks["lat"] == (6,)
            assert chunks["lon"] == (10,)


def test_a_data_set_is_cut_by_its_main_variable() -> None:
    array = cube()
    dataset = array.to_dataset().assign(
        time_bnds=(("time", "bnds"), np.zeros((30, 2))), land=(("lat", "lon"), np.ones((6, 10)))
    )
    with no_compute(), cc.set_options(tile_bytes=4 * 30 * 60):
        out = cc.rechunk(dataset)
    assert out.sst.chunksizes == {"time": (30,), "lat": (6,), "lon": (10,)}
    assert out.time_bnds.chunksizes == {"time": (30,), "bnds": (2,)}
    assert list(out) == list(dataset)
    with cc.set_options(tile_bytes=4 * 60 * 5):
        assert cc.rechunk(dataset, layout="maps").sst.chunksizes["time"] == (5,) * 6


@pytest.mark.parametrize("lazy", [True, False])
def test_quantities_stay_quantities_around_dask(lazy: bool) -> None:
    registry = pint.UnitRegistry()
    plain = cube(lazy=lazy)
    quantity = plain.copy(data=registry.Quantity(plain.data, "degC"))
    for given_cube in (quantity, quantity.to_dataset()):
        with no_compute():
            out = cc.rechunk(given_cube)
        array = out if isinstance(out, xr.DataArray) else out["sst"]
        assert isinstance(array.data, registry.Quantity)
        assert isinstance(array.data.magnitude, da.Array)
        assert array.data.magnitude.chunks[0] == (30,)
        assert is_lazy(array)


def test_rechunk_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ParameterError, match="unknown layout"):
        cc.rechunk(cube(), layout="pencils")
    with pytest.raises(AxisError, match="no time axis"):
        cc.rechunk(cube().isel(time=0, drop=True))


def test_a_cut_series_names_the_remedy_and_its_cost() -> None:
    with pytest.raises(ChunkError) as caught:
        require_whole(cube(), "time", "heatwaves")
    text = str(caught.value)
    for part in (
        "heatwaves",
        "'sst'",
        "5 chunks",
        "cc.rechunk(cube, layout='series')",
        "MiB",
        "cc.open(..., layout='series')",
    ):
        assert part in text
    for whole in (cube(lazy=False), cc.rechunk(cube())):
        require_whole(whole, "time", "heatwaves")


def test_lazy_means_dask() -> None:
    assert is_lazy(cube())
    assert is_lazy(cube().to_dataset())
    assert not is_lazy(cube(lazy=False))
    assert not is_lazy(cube(lazy=False).to_dataset())


@given(
    sizes=st.lists(st.integers(1, 2000), min_size=0, max_size=3),
    steps=st.integers(1, 20000),
    units=st.lists(st.integers(1, 300), min_size=3, max_size=3),
    tile=st.integers(1, 2**28),
)
def test_tiles_are_whole_stored_chunks_within_the_limit(
    sizes: list[int], steps: int, units: list[int], tile: int
) -> None:
    shape = {"time": steps} | {f"d{i}": n for i, n in enumerate(sizes)}
    stored = {f"d{i}": unit for i, unit in enumerate(units)}
    with cc.set_options(tile_bytes=tile):
        chunks = series_chunks(shape, "time", stored)
    assert list(chunks) == list(shape)
    assert chunks["time"] == -1
    cells = 1
    smallest = 1
    for dim, n in shape.items():
        if dim == "time":
            continue
        unit = min(stored[dim], n)
        assert chunks[dim] == n or chunks[dim] % unit == 0
        cells, smallest = cells * chunks[dim], smallest * unit
    assert 4 * steps * cells <= tile or cells == smallest


def test_oisst_fits_the_plan_of_scale() -> None:
    """A quarter degree, 40 years, 256 MiB: about 130 to 260 tiles of whole shards."""
    chunks = series_chunks({"time": 14610, "lat": 720, "lon": 1440}, "time", {"lat": 90, "lon": 90})
    assert 14610 * chunks["lat"] * chunks["lon"] * 4 <= 2 * 2**28
    assert chunks["lat"] % 90 == 0
