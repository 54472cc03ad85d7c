"""The whole-series lift: one task a tile, exact packed values, labels in order."""

from __future__ import annotations

import itertools
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from climcube.cubes.packing import decode
from climcube.errors import ChunkError
from climcube.lift.series import Output, lift_series
from climcube.options import set_options
from tests.waiting import waiting

Array = np.ndarray[Any, Any]


def running(block: Array, table: Array, offset: float) -> tuple[Array, ...]:
    assert block.dtype == np.float64
    assert block.flags.c_contiguous
    total = np.cumsum(block, axis=1) + offset
    block[:] = -1.0  # the kernel owns its block
    return total[:, -1], total, total @ table


def departure(block: Array, level: Array) -> tuple[Array]:
    return (block - level,)


def as_given(block: Array) -> tuple[Array]:
    return (block,)


OUTPUTS = [
    Output("total", None, "float32", {"units": "K"}),
    Output("running", "time"),
    Output("picked", "kind"),
]
KIND = xr.DataArray(["odd", "even"], dims="kind")


def lifted(cube: xr.DataArray) -> xr.Dataset:
    n = cube.sizes["time"]
    table = np.stack([np.arange(n) % 2, (np.arange(n) + 1) % 2], axis=1).astype("float64")
    return lift_series(
        f"{__name__}:running", [(cube, "time")], OUTPUTS,
        tables=(table, 0.5), coordinates={"kind": KIND}, purpose="running",
    )  # fmt: skip


def make_cube(*dims: str) -> xr.DataArray:
    sizes = {"time": 30, "lat": 3, "lon": 4, "depth": 2}
    values = np.random.default_rng(3).integers(0, 100, [sizes[d] for d in dims]).astype("float32")
    coords: dict[str, Any] = {d: np.arange(sizes[d]) * 1.5 for d in dims} | {"height": 2.0}
    return xr.DataArray(values, dims=dims, coords=coords, name="sst")


@pytest.mark.parametrize(
    "dims", [*itertools.permutations(("time", "lat", "lon")), ("depth", "time", "lat"), ("time",)]
)
def test_dimension_order_and_labels(dims: tuple[str, ...]) -> None:
    cube = make_cube(*dims)
    before = cube.copy(deep=True)
    chunks = {d: -1 if d == "time" else 2 for d in dims}
    for result in (lifted(cube), lifted(cube.chunk(chunks)).compute()):
        wide = cube.astype("float64")
        xr.testing.assert_allclose(
            result.running, wide.cumsum("time").assign_coords(cube.coords) + 0.5
        )
        np.testing.assert_array_equal(result.total, wide.sum("time") + 0.5)
        assert result.total.dtype == "float32"
        assert result.total.attrs == {"units": "K"}
        assert result.picked.dims == tuple("kind" if d == "time" else d for d in dims)
        assert result.picked.kind.values.tolist() == ["odd", "even"]
        assert result.running.dims == dims
    xr.testing.assert_identical(cube, before)


def test_a_second_cube_serves_all_cells_or_each() -> None:
    cube = make_cube("time", "lat", "lon")
    level = xr.DataArray([5.0], dims="level")
    by_cell = make_cube("lon", "lat", "time").isel(time=[0]).rename(time="level").drop_vars("level")
    for second in (level, by_cell):
        for given in (cube, cube.chunk(time=-1, lat=2)):
            result = lift_series(
                f"{__name__}:departure", [(given, "time"), (second, "level")],
                [Output("departure", "time")], purpose="departure",
            )  # fmt: skip
            expected = cube - second.isel(level=0)
            np.testing.assert_allclose(result.departure, expected.transpose(*cube.dims))


def test_packed_values_come_back_exactly() -> None:
    integers = np.random.default_rng(0).integers(-300, 3500, (50, 6)).astype("int16")
    exact = integers.astype("float64") * 0.01
    cube = xr.DataArray((integers * np.float32(0.01)).astype("float32"), dims=("time", "cell"))
    assert not np.array_equal(cube.values.astype("float64"), exact)
    packed = cube.copy()
    packed.encoding = {"scale_factor": np.float32(0.01), "dtype": np.dtype("int16")}
    packed.encoding["scale_factor"] = 0.01
    for given, expected in ((packed, exact), (cube, cube.values.astype("float64"))):
        result = lift_series(
            f"{__name__}:as_given", [(given, "time")], [Output("x", "time")], purpose="test"
        )
        np.testing.assert_array_equal(result.x, expected)


@pytest.mark.parametrize("order", ["<i2", ">i2"])
@pytest.mark.parametrize("dims", [("time", "lat", "lon"), ("lat", "time", "lon")])
def test_stored_integers_are_read_and_decoded_to_the_same_bits(
    order: str, dims: tuple[str, ...]
) -> None:
    """A cube that was only decoded since it was opened is read as stored, missing values too."""
    rng = np.random.default_rng(0)
    integers = rng.integers(-300, 3500, (50, 4, 6)).astype(order)
    integers[rng.random(integers.shape) < 0.1] = -999
    integers[:, 1, 2] = -999
    attrs = {"scale_factor": np.float32(0.01), "add_offset": np.float32(25), "_FillValue": -999}
    raw = xr.DataArray(integers, dims=("time", "lat", "lon"), attrs=attrs).transpose(*dims)
    stored = decode(waiting(raw)).chunk(lat=2, lon=5)
    computed = stored.copy(data=stored.values)
    computed.encoding = dict(stored.encoding)
    results = []
    for cube in (stored, computed):
        lifted_cube = lift_series(
            f"{__name__}:as_given", [(cube, "time")], [Output("x", "time")], purpose="test"
        )
        assert lifted_cube.x.dims == dims
        results.append(lifted_cube.x)
    assert any(name.startswith("stored-") for name in results[0].data.dask.layers)
    expected = raw.values.astype("float64") * float(np.float32(0.01)) + 25.0
    expected[raw.values == -999] = np.nan
    for result in results:
        np.testing.assert_array_equal(result.values, expected)


def test_blocks_of_cells_do_not_show() -> None:
    cube = make_cube("time", "lat", "lon")
    whole = lifted(cube)
    for cells in (1, 5, 100):
        with set_options(block_cells=cells):
            xr.testing.assert_identical(lifted(cube), whole)


def test_a_cube_cut_in_time_is_refused_with_the_remedy() -> None:
    with pytest.raises(ChunkError, match=r"3 chunks.*cc\.rechunk") as caught:
        lifted(make_cube("time", "lat").chunk(time=10))
    assert "\n" not in str(caught.value)


def test_lazy_small_and_deterministic() -> None:
    def explode(block: Array) -> Array:
        raise AssertionError("computed")

    cube = make_cube("time", "lat", "lon").chunk(lat=1, lon=2)
    bomb = cube.copy(data=cube.data.map_blocks(explode, dtype="f4", meta=np.empty((0, 0, 0), "f4")))
    assert lifted(bomb).total.chunks == ((1, 1, 1), (2, 2))
    result = lifted(cube)
    assert isinstance(result.total.data, da.Array)
    assert result.total.data.name == lifted(cube).total.data.name
    mine = len(result.__dask_graph__()) - len(cube.__dask_graph__())
    assert mine <= 6 * (1 + len(OUTPUTS)) + 1
    with pytest.raises(AssertionError, match="computed"):
        lifted(bomb).compute()
