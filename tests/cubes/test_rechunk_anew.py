"""A cube that comes from a store is rechunked by reading it anew, unless that is dearer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.cubes.origins import origin_of
from climcube.cubes.packing import decode, undecoded
from climcube.testing.laziness import no_compute
from tests.waiting import waiting

SHAPE = (40, 8, 12)


def stored(chunks: tuple[int, int, int], *, packed: bool = True) -> xr.DataArray:
    """A cube as `cc.open` makes it, of a store with such chunks."""
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype("int16" if packed else "float32")
    coords = {
        "time": xr.date_range("2001-01-01", periods=SHAPE[0]),
        "lat": ("lat", np.linspace(-70, 70, SHAPE[1]), {"units": "degrees_north"}),
        "lon": ("lon", np.linspace(0, 330, SHAPE[2]), {"units": "degrees_east"}),
    }
    attrs = {"scale_factor": np.float32(0.5), "_FillValue": np.int16(7)} if packed else {}
    raw = xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", attrs)
    cube = decode(waiting(raw)).chunk(dict(zip(raw.dims, chunks, strict=True)))
    cube.encoding["chunks"] = chunks
    return cube


def rechunks(cube: Any) -> int:
    return sum(name.startswith("rechunk") for name in cube.data.dask.layers)


@pytest.mark.parametrize("packed", [True, False])
def test_series_as_other_series_and_parts_are_read_anew(packed: bool) -> None:
    cube = stored((40, 2, 3), packed=packed)
    for part in (cube, cube.isel(lat=slice(2, 6)), cube.transpose("lon", "time", "lat")):
        with no_compute(), cc.set_options(tile_bytes=4 * 40 * 24):
            found = cc.rechunk(part.chunk(time=5) if part is cube else part)
        assert not rechunks(found) and found.chunksizes["time"] == (40,)
        xr.testing.assert_identical(found.compute(), part.compute())
        assert (undecoded(found) is not None) == packed


def test_maps_as_series_are_read_once_and_sorted() -> None:
    cube = stored((1, 8, 12))
    with cc.set_options(tile_bytes=4 * 40 * 16):
        found = cc.rechunk(cube)
        assert rechunks(found) and found.data.npartitions == 6
        integers = undecoded(found)
    assert integers is not None and integers[0].dtype == np.int16  # half of what is moved
    xr.testing.assert_identical(found.compute(), cube.compute())


def test_a_data_set_is_read_anew_where_it_can_be() -> None:
    cube = stored((40, 2, 3))
    dataset = cube.to_dataset().assign(warm=cube + 1, depth=("lat", np.arange(8.0)))
    found = cc.rechunk(dataset, layout="maps")
    xr.testing.assert_identical(found.compute(), dataset.compute())
    assert not rechunks(found.sst) and rechunks(found.warm)


@settings(deadline=None, max_examples=25)
@given(
    st.tuples(*(st.integers(1, n) for n in SHAPE)),
    st.tuples(*(st.integers(1, n) for n in SHAPE)),
    st.tuples(st.integers(0, 20), st.integers(21, 40), st.integers(1, 3)),
)
def test_how_often_is_counted_as_it_is(
    stored_chunks: tuple[int, int, int], chunks: tuple[int, int, int], days: tuple[int, int, int]
) -> None:
    part = stored(stored_chunks).isel(time=slice(*days))
    origin = origin_of(part.data)
    assert origin is not None and origin.unit(part.encoding) == stored_chunks
    places = np.arange(SHAPE[0])[slice(*days)]
    size, unit = chunks[0], stored_chunks[0]
    reads = [set((places[i : i + size] // unit).tolist()) for i in range(0, len(places), size)]
    span = places[-1] // unit - places[0] // unit + 1
    counted = sum(max(r) - min(r) + 1 for r in reads) / span
    assert origin.repeats(0, unit, size) == pytest.approx(counted)
