"""The mergeable lift: any chunks, one pass, a tree, nothing computed early."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.callbacks import Callback
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.reduction import Reduction, State
from climcube.lift import pieces
from climcube.lift import reduction as lift
from climcube.lift.reduction import Output, lift_reduction

Array = np.ndarray[Any, Any]


def _chunk(block: Array, start: int, weights: Array) -> State:
    own = weights[start : start + len(block)]
    values = block.astype("float64")
    return {
        "count": np.full(block.shape[1], len(block), "int64"),
        "first": np.full(block.shape[1], start, "int64"),
        "sums": np.stack([values.sum(axis=0), (values * own[:, None]).sum(axis=0)]),
    }


def _combine(states: Sequence[State]) -> State:
    starts = [int(s["first"][0]) for s in states if len(s["first"])]
    assert starts == sorted(starts), "states must come in time order"
    ends = [int(s["first"][0] + s["count"][0]) for s in states if len(s["first"])]
    assert ends[:-1] == starts[1:], "states must be neighbours"
    return {
        "count": sum(s["count"] for s in states),
        "first": states[0]["first"],
        "sums": sum(s["sums"] for s in states),
    }


def _finalize(state: State, weights: Array) -> tuple[Array, ...]:
    return state["sums"][0], state["sums"], state["count"]


SUMS = Reduction(_chunk, _combine, _finalize)
OUTPUTS = [
    Output("total", None, attrs={"units": "K"}),
    Output("both", "kind"),
    Output("n", None, "int32"),
]
KIND = xr.DataArray(["plain", "weighted"], dims="kind", name="kind")


def summed(cube: xr.DataArray) -> xr.Dataset:
    weights = np.arange(cube.sizes["time"]) % 7
    return lift_reduction(
        f"{__name__}:SUMS", cube, "time", OUTPUTS,
        tables=(weights,), coordinates={"kind": KIND}, purpose="sums",
    )  # fmt: skip


def make_cube(dims: tuple[str, ...], **sizes: int) -> xr.DataArray:
    shape = [sizes[d] for d in dims]
    values = np.random.default_rng(1).integers(0, 1000, shape).astype("float32")
    coords: dict[str, Any] = {
        d: np.arange(sizes[d]) * 2.0 for d in dims if d not in ("time", "member")
    }
    coords["time"] = np.arange(sizes["time"])
    coords["height"] = 2.0
    coords["season"] = ("time", np.arange(sizes["time"]) % 4)
    if "lat" in dims:
        coords["area"] = ("lat", np.arange(sizes["lat"]) + 1.0)
    return xr.DataArray(values, dims=dims, coords=coords, name="sst", attrs={"units": "x"})


def expected(cube: xr.DataArray) -> xr.Dataset:
    weights = xr.DataArray(np.arange(cube.sizes["time"]) % 7, dims="time")
    wide = cube.astype("float64").drop_vars("season")
    both = xr.concat([wide.sum("time"), (wide * weights).sum("time")], dim=KIND)
    order = ["kind" if d == "time" else d for d in cube.dims]
    return xr.Dataset({"total": wide.sum("time"), "both": both.transpose(*order)})


@pytest.mark.parametrize(
    "dims", [*itertools.permutations(("time", "lat", "lon")), ("time",), ("lat", "time")]
)
def test_dimension_orders_and_labels(dims: tuple[str, ...]) -> None:
    cube = make_cube(dims, time=50, lat=4, lon=5)
    lazy = summed(cube.chunk(dict.fromkeys(dims, 3)))
    for result in (summed(cube), lazy.compute()):
        xr.testing.assert_equal(result[["total", "both"]], expected(cube))
        assert (result.n == 50).all()
        assert result.n.dtype == "int32"
        assert result.total.attrs == {"units": "K"}
        assert result.both.dims == tuple("kind" if d == "time" else d for d in dims)
    assert lazy.both.dims == result.both.dims
    assert lazy.n.dtype == "int32"


def chunkings(size: int) -> st.SearchStrategy[tuple[int, ...]]:
    cuts = st.sets(st.integers(1, size - 1), max_size=size - 1)
    return cuts.map(lambda c: tuple(np.diff([0, *sorted(c), size]).tolist()))


@settings(deadline=None, max_examples=25)
@given(chunkings(600), chunkings(3), chunkings(2), chunkings(5))
def test_any_chunking_gives_the_same_bytes(
    time: tuple[int, ...], depth: tuple[int, ...], lat: tuple[int, ...], lon: tuple[int, ...]
) -> None:
    cube = make_cube(("depth", "time", "lat", "lon"), depth=3, time=600, lat=2, lon=5)
    chunks = {"depth": depth, "time": time, "lat": lat, "lon": lon}
    with dask.config.set(scheduler="synchronous"):
        result = summed(cube.chunk(chunks)).compute()
    xr.testing.assert_identical(result, summed(cube))


def test_blocks_within_a_task_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    cube = make_cube(("time", "depth", "lat", "lon"), time=301, depth=3, lat=4, lon=5)
    whole = summed(cube)
    for steps, numbers in ((301, 301 * 7), (16, 64), (50, 50), (7, 7 * 21)):
        monkeypatch.setattr(lift, "_BLOCK_STEPS", steps)
        monkeypatch.setattr(lift, "_BLOCK_NUMBERS", numbers)
        xr.testing.assert_identical(summed(cube), whole)


@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4), (2, 0, 3), (1, 1, 9)])
@pytest.mark.parametrize("limit", [1, 2, 5, 12, 100])
def test_slabs_cover_the_cells_in_order(shape: tuple[int, ...], limit: int) -> None:
    numbers = np.arange(math.prod(shape)).reshape(shape)
    seen = []
    for where, rows in pieces.slabs(shape, limit):
        flat = numbers[where].reshape(-1)
        assert np.array_equal(flat, np.arange(rows.start, rows.stop))
        assert len(flat) <= limit
        seen.append(flat)
    assert np.array_equal(np.concatenate(seen), numbers.reshape(-1))


def test_nothing_is_computed_while_the_graph_is_built() -> None:
    def explode(block: Array) -> Array:
        raise AssertionError("computed")

    cube = make_cube(("time", "lat", "lon"), time=40, lat=4, lon=5).chunk(time=8)
    cube.data = cube.data.map_blocks(explode, dtype="float32", meta=np.empty((0, 0, 0), "f4"))
    result = summed(cube)
    assert result.total.chunks == ((4,), (5,))
    with pytest.raises(AssertionError, match="computed"):
        result.compute()


def test_names_are_deterministic_and_depend_on_everything() -> None:
    cube = make_cube(("time", "lat", "lon"), time=40, lat=4, lon=5).chunk(time=8)
    other = cube + 1
    assert summed(cube).total.data.name == summed(cube).total.data.name
    assert summed(cube).total.data.name != summed(other).total.data.name
    assert summed(cube).total.data.name != summed(cube.transpose()).total.data.name


def test_graph_stays_small_and_holds_the_tables_once() -> None:
    cube = make_cube(("time", "lat", "lon"), time=3650, lat=4, lon=6).chunk(time=365, lat=2, lon=3)
    result = summed(cube)
    mine = len(result.__dask_graph__()) - len(cube.__dask_graph__())
    assert mine <= 3 * cube.data.npartitions
    daily = make_cube(("time", "lat", "lon"), time=3650, lat=4, lon=6).chunk(time=1)
    assert len(summed(daily).__dask_graph__()) < 1.1 * len(daily.__dask_graph__())


def test_each_chunk_is_read_once() -> None:
    reads: list[int] = []

    def count(block: Array) -> Array:
        reads.append(1)
        return block

    cube = make_cube(("time", "lat", "lon"), time=1000, lat=4, lon=5).chunk(time=100, lat=2)
    cube.data = cube.data.map_blocks(count, dtype="float32", meta=np.empty((0, 0, 0), "f4"))
    summed(cube).compute()
    assert len(reads) == cube.data.npartitions


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(1, 50), st.integers(0, 100)
)
def test_chunks_are_gathered_in_order_up_to_a_limit(
    sizes: list[int], least: int, more: int
) -> None:
    groups = lift._groups(tuple(sizes), least, least + more)
    assert [i for _, members in groups for i in members] == list(range(len(sizes)))
    assert [start for start, _ in groups] == [sum(sizes[: members[0]]) for _, members in groups]
    lengths = [sum(sizes[i] for i in members) for _, members in groups]
    assert all(length >= least for length in lengths[:-1])
    assert all(length <= max(least + more, least + 20) for length in lengths)


class _Held(Callback):  # type: ignore[misc]
    """The largest number of bytes that Dask held between tasks."""

    def __init__(self) -> None:
        self.peak = 0
        super().__init__(posttask=self._after)

    def _after(self, key: Any, value: Any, dsk: Any, state: Any, worker: Any) -> None:
        self.peak = max(self.peak, sum(map(_bytes, state["cache"].values())))


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.nbytes) if value.dtype != object else 0
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value))
    return 0


def test_a_long_record_is_never_held() -> None:
    source = da.random.default_rng(0).random((40 * 365, 30, 30), chunks=(365, 30, 30))
    cube = xr.DataArray(source.astype("float32"), dims=("time", "lat", "lon"), name="sst")
    with _Held() as held, dask.config.set(scheduler="threads", num_workers=2):
        summed(cube).compute()
    chunk = 365 * 900 * 4
    assert held.peak < 2 * chunk * 3


def test_no_cells_and_empty_chunks() -> None:
    cube = make_cube(("time", "lat", "lon"), time=50, lat=0, lon=5)
    assert summed(cube).total.shape == (0, 5)
    assert summed(cube.chunk()).compute().both.shape == (2, 0, 5)
    filled = make_cube(("time", "lat"), time=50, lat=2)
    holes = filled.chunk(time=(0, 20, 0, 30, 0))
    xr.testing.assert_identical(summed(holes).compute(), summed(filled))


def test_stacked_cells_keep_their_index() -> None:
    cube = make_cube(("time", "lat", "lon"), time=20, lat=3, lon=2).stack(cell=("lat", "lon"))
    back = summed(cube).total.unstack("cell")
    assert back.sizes == {"lat": 3, "lon": 2}


def test_the_cube_is_not_written_to() -> None:
    cube = make_cube(("time", "lat"), time=300, lat=3)
    before = cube.copy(deep=True)
    summed(cube)
    xr.testing.assert_identical(cube, before)
