"""Pieces of packed blocks: the same floats, and the same answers, as of the decoded cube."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.analysis.rolling import rolling_mean
from climcube.cubes.packing import Decoding, as_stored, decode, undecoded
from climcube.lift import gather, reduction
from climcube.lift.pieces import Stretch, floats, slabs
from tests.waiting import waiting

Array = np.ndarray[Any, Any]

# What a type may be told by, and what rounds in it: zero, negative and tiny scales, offsets.
SCALES = [np.float32(0.01), 0.01, np.float32(-0.5), 3, 1e-5, -0.0125, np.float64(1e300)]
OFFSETS = [None, 0.0, -0.0, np.float32(273.15), 273.15, -2, np.float32(1e6)]
FILLS = [(), (-32768,), (0,), (-32768, 7)]


def packing(scale: Any, offset: Any, fills: tuple[int, ...]) -> dict[str, Any]:
    attrs: dict[str, Any] = {"scale_factor": scale}
    if offset is not None:
        attrs["add_offset"] = offset
    return attrs | dict(zip(("_FillValue", "missing_value"), map(np.int16, fills), strict=False))


packings = st.builds(
    packing, st.sampled_from(SCALES), st.sampled_from(OFFSETS), st.sampled_from(FILLS)
)
EVERY = np.arange(-(2**15), 2**15, dtype="int16").reshape(256, 256)


@settings(deadline=None, max_examples=60)
@given(packings, st.sampled_from(["<i2", ">i2"]), st.booleans())
def test_every_integer_is_the_float_of_the_decoded_cube(
    attrs: dict[str, Any], order: str, turned: bool
) -> None:
    stored = EVERY.astype(order)
    stored = stored.T if turned else stored
    decoding = Decoding.of(attrs, stored.dtype)
    assert decoding is not None
    with np.errstate(over="ignore", invalid="ignore"):
        expected, found = decoding.apply(stored), floats(stored, decoding)
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


def test_floats_are_passed_on_uncopied() -> None:
    block = np.ones((3, 4), "float32")
    assert floats(block, None) is block


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=6), st.integers(1, 9), st.integers(1, 12),
    st.booleans(),
)  # fmt: skip
def test_pieces_are_the_stretch_in_order(
    lengths: list[int], steps: int, width: int, turned: bool
) -> None:
    numbers = np.arange(sum(lengths) * 6, dtype="float32").reshape(-1, 2, 3)
    blocks = np.split(numbers, np.cumsum(lengths)[:-1])
    if turned:
        blocks = [np.asfortranarray(block) for block in blocks]
    stretch = Stretch(blocks, None)
    assert (stretch.steps, stretch.cells) == (sum(lengths), 6)
    for slab in slabs(stretch.shape, width):
        pieces = list(stretch.pieces(slab, steps))
        assert {len(piece) for piece in pieces[:-1]} <= {steps}
        assert len(pieces) == max(1, -(-stretch.steps // steps))
        whole = np.concatenate(pieces)
        assert np.array_equal(whole, numbers.reshape(-1, 6)[:, slab[1]])


def sea(attrs: dict[str, Any], years: int = 3, seed: int = 0) -> xr.DataArray:
    """A packed cube (time, lat, lon) with gaps and a cell of land."""
    time = xr.date_range("1999-01-01", f"{1998 + years}-12-31", freq="D")
    values = np.random.default_rng(seed).integers(-900, 900, (len(time), 2, 3), dtype="int16")
    values[:, 1, 2] = -32768
    values[40:90, 0, 1] = -32768
    coords = {"time": time, "lat": [10.0, 20.0], "lon": [0.0, 1.0, 2.0]}
    known = {"units": "degC", "standard_name": "sea_surface_temperature"}
    stored = xr.DataArray(values, coords, ("time", "lat", "lon"), "anomaly", attrs | known)
    stored.lat.attrs["units"], stored.lon.attrs["units"] = "degrees_north", "degrees_east"
    return stored


ANALYSES: dict[str, Callable[[xr.DataArray], Any]] = {
    "trend": cc.trend,
    "trend_moments": cc.trend_moments,
    "climatology": cc.climatology,
    "climatology std": lambda cube: cc.climatology(cube, window=3, statistic="std"),
    "climatology count": lambda cube: cc.climatology(cube, "month", statistic="count"),
    "anomaly": cc.anomaly,
    "standardized anomaly": lambda cube: cc.anomaly(cube, window=5, standardize=True),
    "annual mean": cc.annual_mean,
    "area mean": cc.area_mean,
    "zonal mean": lambda cube: cc.zonal_mean(cube, band=5),
    "rolling mean": lambda cube: rolling_mean(cube, 15),
}
CHUNKS = [
    {"time": -1, "lat": 1, "lon": 2},
    {"time": 300, "lat": 2, "lon": 3},
    {"time": 37, "lat": 2, "lon": 1},
]


def plain(result: Any) -> dict[str, Array]:
    found = result.to_dataset(name="v") if isinstance(result, xr.DataArray) else result
    return {str(name): np.asarray(v.values) for name, v in found.data_vars.items()}


@pytest.mark.parametrize("chunks", CHUNKS, ids=["tiles", "years of maps", "months"])
@pytest.mark.parametrize("name", list(ANALYSES))
def test_answers_are_those_of_the_decoded_cube(
    name: str, chunks: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of a few rows, so that many make one block."""
    monkeypatch.setattr(reduction, "PIECE", 2**8)
    monkeypatch.setattr(gather, "PIECE", 2**8)
    analysis = ANALYSES[name]
    for scale, offset in ((np.float32(0.01), np.float32(273.15)), (0.01, 0.0)):
        packed = decode(waiting(sea(packing(scale, offset, (-32768,))))).chunk(chunks)
        assert undecoded(packed) is not None
        as_floats = packed.copy(data=packed.data.map_blocks(np.copy))  # no longer known as packed
        assert undecoded(as_floats) is None
        with dask.config.set(scheduler="synchronous"):
            found, expected = (
                plain(analysis(packed).compute()),
                plain(analysis(as_floats).compute()),
            )
        assert found.keys() == expected.keys()
        for key, values in found.items():
            assert values.dtype == expected[key].dtype, key
            assert values.tobytes() == expected[key].tobytes(), key


@settings(deadline=None, max_examples=15)
@given(packings.filter(lambda a: abs(a["scale_factor"]) < 1e6), st.integers(0, 99))
def test_any_packing_and_numpy_alike(attrs: dict[str, Any], seed: int) -> None:
    stored = sea(attrs, years=2, seed=seed)
    packed, memory = decode(waiting(stored)).chunk(time=-1, lat=1), decode(stored)
    with dask.config.set(scheduler="synchronous"):
        for analysis in (cc.trend, cc.anomaly):
            found, expected = plain(analysis(packed).compute()), plain(analysis(memory))
            for key, values in found.items():
                assert values.tobytes() == expected[key].tobytes(), key


@pytest.mark.parametrize(
    ("dtype", "unsigned"), [("uint16", None), ("int16", "true"), ("int8", "true"), ("int32", None)]
)
def test_other_integers_take_the_decoded_road(dtype: str, unsigned: str | None) -> None:
    attrs = {"scale_factor": np.float32(0.5)} | ({"_Unsigned": unsigned} if unsigned else {})
    stored = sea(attrs).astype(dtype, keep_attrs=True)
    packed = decode(waiting(stored)).chunk(time=100)
    assert undecoded(packed) is None
    expected = plain(cc.climatology(decode(stored)))
    for key, values in plain(cc.climatology(packed).compute()).items():
        assert values.tobytes() == expected[key].tobytes()


def test_floats_are_made_of_pieces_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest array of floats that an anomaly's tasks make of integers is a piece."""
    largest: list[int] = []

    def spy(block: Array, decoding: Decoding | None) -> Array:
        values = floats(block, decoding)
        largest.append(values.size if decoding else 0)
        return values

    monkeypatch.setattr("climcube.lift.pieces.floats", spy)
    monkeypatch.setattr(gather, "floats", spy)
    monkeypatch.setattr(reduction, "PIECE", 600)
    monkeypatch.setattr(gather, "PIECE", 600)
    packed = decode(waiting(sea(packing(0.01, 0.0, (-32768,))))).chunk(time=365)
    cc.anomaly(packed).compute(scheduler="synchronous")
    assert max(largest) == 600 > 0


def test_a_packed_anomaly_has_at_most_three_tasks_a_chunk() -> None:
    for chunks in CHUNKS:
        packed = decode(waiting(sea(packing(0.01, 0.0, (-32768,)), years=8))).chunk(chunks)
        whole = len(dask.optimize(cc.anomaly(packed, window=11))[0].__dask_graph__())
        source = as_stored(packed)[0]
        reading = len(dask.optimize(source)[0].__dask_graph__())
        assert whole - reading <= 3 * source.data.npartitions + 2  # the tables, once each
