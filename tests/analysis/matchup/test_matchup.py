"""Match-ups against brute force, xarray's own selection, and analytic cubes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.matchup.matchup import matchup
from climcube.errors import AxisError, CubeError, ParameterError, UnitsError
from climcube.testing.laziness import no_compute
from tests.mistakes import assert_one_line

BOTH = ("nearest", "linear")


def cube_of(times: int = 6, levels: int = 0, step: float = 10.0, west: float = 0.0) -> xr.DataArray:
    """Random values on a global grid, daily at noon."""
    coords: dict[str, Any] = {"time": pd.date_range("2001-01-01 12:00", periods=times)}
    if levels:
        coords["depth"] = ("depth", np.cumsum(np.arange(1, levels + 1)) * 4.0, {"units": "m"})
    coords["lat"] = np.arange(-90 + step / 2, 90, step)
    coords["lon"] = np.arange(west + step / 2, west + 360, step)
    dims = list(coords)
    shape = [len(c[1]) if isinstance(c, tuple) else len(c) for c in coords.values()]
    values = np.random.default_rng(2).normal(15, 8, shape).astype("float32")
    return xr.DataArray(
        values, coords, dims, name="sst",
        attrs={"units": "degC", "standard_name": "sea_surface_temperature"},
    )  # fmt: skip


def points_in(cube: xr.DataArray, n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Random places well inside the outermost centres."""
    rng = np.random.default_rng(seed)
    days = rng.uniform(0.01, cube.sizes["time"] - 1.01, n)
    table = pd.DataFrame({
        "lon": rng.uniform(-180, 540, n),
        "lat": rng.uniform(float(cube.lat.min()), float(cube.lat.max()), n),
        "time": cube.time.values[0] + (days * 86_400).astype("timedelta64[s]"),
        "sst": rng.normal(15, 8, n),
    })  # fmt: skip
    if "depth" in cube.dims:
        table["depth"] = rng.uniform(float(cube.depth.min()), float(cube.depth.max()), n)
    return table


def shares(values: np.ndarray, x: float, period: float | None, method: str) -> dict[int, float]:
    """Weights of the cells along one axis, found by looking at all of them."""
    apart = values - x
    if period is not None:
        apart = (apart + period / 2) % period - period / 2
    if method == "nearest":
        return {int(np.argmin(np.abs(apart))): 1.0}
    below = int(np.argmax(np.where(apart <= 0, apart, -np.inf)))
    above = int(np.argmin(np.where(apart > 0, apart, np.inf)))
    share = -apart[below] / (apart[above] - apart[below])
    return {below: 1 - share, above: share}


def brute_force(cube: xr.DataArray, table: pd.DataFrame, method: str) -> np.ndarray:
    axes: dict[str, tuple[np.ndarray, float | None]] = {
        str(d): (np.asarray(cube[d].values), None) for d in cube.dims
    }
    start = cube.time.values[0]
    axes["time"] = ((cube.time.values - start) / np.timedelta64(1, "s"), None)
    axes["lon"] = (cube.lon.values, 360.0)
    found = []
    for _, row in table.iterrows():
        place = dict(row) | {"time": (row["time"] - start) / np.timedelta64(1, "s")}
        weights = [shares(*axes[str(d)][:1], place[d], axes[str(d)][1], method) for d in cube.dims]
        total = 0.0
        for corner in np.ndindex(*(len(w) for w in weights)):
            chosen = [list(w.items())[i] for w, i in zip(weights, corner, strict=True)]
            index = tuple(c[0] for c in chosen)
            total += float(cube.values[index]) * float(np.prod([c[1] for c in chosen]))
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize("levels", [0, 5])
@pytest.mark.parametrize("method", BOTH)
def test_against_brute_force(method: str, levels: int) -> None:
    cube = cube_of(levels=levels)
    table = points_in(cube)
    found = matchup(cube, table, method=method)
    assert (found.flag == 0).all() and found.sizes["obs"] == len(table)
    np.testing.assert_allclose(found.cube, brute_force(cube, table, method), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.observation, table.sst)
    np.testing.assert_array_equal(found.difference, found.cube - table.sst)


@pytest.mark.parametrize("method", BOTH)
def test_against_xarray(method: str) -> None:
    cube = cube_of(levels=4)
    table = points_in(cube)
    table["lon"] = np.random.default_rng(1).uniform(5.5, 354.5, len(table))  # it knows no ring
    where = {
        n: xr.DataArray(table[n].to_numpy(), dims="obs") for n in ("lon", "lat", "time", "depth")
    }
    theirs = cube.sel(where, method="nearest") if method == "nearest" else cube.interp(where)
    found = matchup(cube, table, method=method)
    np.testing.assert_allclose(found.cube, theirs, rtol=0, atol=2e-5 if method == "linear" else 0)


def test_statistics() -> None:
    cube, table = cube_of(), points_in(cube_of(), 500)
    found = matchup(cube, table)
    apart = found.cube.values - table.sst.to_numpy()
    assert int(found.n) == 500 and int(found.n_missing) == 0
    np.testing.assert_allclose(found.bias, apart.mean(), rtol=1e-13)
    np.testing.assert_allclose(found.rmse, np.sqrt((apart**2).mean()), rtol=1e-13)
    np.testing.assert_allclose(found.stdev, apart.std(), rtol=1e-13)
    np.testing.assert_allclose(found.rmse**2, found.bias**2 + found.stdev**2, rtol=1e-12)
    expected = np.corrcoef(found.cube, table.sst)[0, 1]
    np.testing.assert_allclose(found.correlation, expected, rtol=1e-12)
    one = matchup(cube, table[:1])
    assert float(one.stdev) == 0 and np.isnan(one.correlation)


@pytest.mark.parametrize("method", BOTH)
def test_a_planar_cube_gives_its_plane(method: str) -> None:
    cube = cube_of(levels=4).astype("float64")
    days = (cube.time - cube.time[0]) / np.timedelta64(1, "D")
    plane = (2 * days + 0.1 * cube.depth + cube.lat - 0 * cube.lon).transpose(*cube.dims)
    table = points_in(cube)
    found = matchup(plane.rename("sst").assign_attrs(cube.attrs), table, method=method)
    exact = table if method == "linear" else found.to_dataframe()
    if method == "linear":
        at = (table.time - cube.time.values[0]) / np.timedelta64(1, "D")
        expected = 2 * at + 0.1 * table.depth + table.lat
    else:
        at = (exact.cell_time - cube.time.values[0]) / np.timedelta64(1, "D")
        expected = 2 * at + 0.1 * exact.cell_depth + exact.cell_lat
    np.testing.assert_allclose(found.cube, expected, rtol=0, atol=1e-9)


# ---------------------------------------------------------------- properties

EIGHTHS = st.integers(-180 * 8, 180 * 8).map(lambda n: n / 8)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(EIGHTHS, EIGHTHS, st.integers(0, 120)), min_size=1, max_size=20),
    st.sampled_from(BOTH), st.integers(0, 35), st.sampled_from([0, 360]),
    st.permutations(["time", "lat", "lon"]), st.booleans(), st.booleans(), st.integers(1, 7),
)  # fmt: skip
def test_conventions_order_and_chunks_do_not_matter(
    places: list[tuple[float, float, int]], method: str, roll: int, turn: int, dims: list[str],
    south: bool, west: bool, chunk: int,
) -> None:  # fmt: skip
    cube = cube_of()
    cube[:, 3, 7] = np.nan
    table = pd.DataFrame({
        "lon": [p[0] for p in places], "lat": [p[1] / 2 for p in places],
        "time": [pd.Timestamp("2001-01-01 12:00") + pd.Timedelta(p[2], "h") for p in places],
        "sst": np.arange(len(places), dtype="float64"),
    })  # fmt: skip
    expected = matchup(cube, table, method=method)
    rolled = cube.roll(lon=roll, roll_coords=True)
    rolled = rolled.assign_coords(lon=(rolled.lon - 180) % 360 - 180 if west else rolled.lon)
    rolled = rolled.assign_coords(lon=np.unwrap(rolled.lon, period=360))
    rolled = rolled.isel(lat=slice(None, None, -1 if south else 1)).transpose(*dims)
    rolled = rolled.isel(lon=slice(None, None, -1 if south else 1))
    other = matchup(
        rolled.chunk({"lat": chunk, "lon": chunk + 2, "time": chunk}),
        table.assign(lon=table.lon + turn), method=method,
    ).compute()  # fmt: skip
    names = ["cube", "difference", "flag", "bias", "rmse", "stdev", "correlation", "n", "n_missing"]
    for name in names:
        np.testing.assert_array_equal(other[name], expected[name], err_msg=name)


def test_the_order_of_rows_is_kept() -> None:
    cube, table = cube_of(), points_in(cube_of(), 50)
    found = matchup(cube, table)
    mixed = table.sample(frac=1, random_state=3)
    other = matchup(cube, mixed)
    np.testing.assert_array_equal(other.lon, mixed.lon)
    np.testing.assert_array_equal(other.cube, found.cube.values[mixed.index])
    assert float(other.bias) == pytest.approx(float(found.bias), rel=1e-13)


# ---------------------------------------------------------------- laziness


class Reads:
    """An array that counts which chunk was read how often."""

    def __init__(self, cube: xr.DataArray, chunks: tuple[int, ...]) -> None:
        self.seen: Counter[tuple[int, ...]] = Counter()
        values = cube.values

        def read(block_info: Any = None) -> np.ndarray:
            info = block_info[None]
            self.seen[tuple(info["chunk-location"])] += 1
            return values[tuple(slice(a, b) for a, b in info["array-location"])]

        sizes = da.core.normalize_chunks(chunks, cube.shape)
        meta = np.empty((0,) * cube.ndim, cube.dtype)
        self.cube = cube.copy(data=da.map_blocks(read, chunks=sizes, dtype=cube.dtype, meta=meta))
        self.chunks = chunks


@pytest.mark.parametrize("method", BOTH)
def test_each_chunk_that_is_needed_is_read_once(method: str) -> None:
    plain = cube_of(times=30)
    reads = Reads(plain, (4, 5, 7))
    table = points_in(plain, 300)
    table = table[(table.lat > 0) & (table.time < "2001-01-20")]
    expected = matchup(plain, table, method=method)
    with no_compute():
        lazy = matchup(reads.cube, table, method=method)
    assert not reads.seen
    with dask.config.set(scheduler="synchronous"):
        found = lazy.compute()
    xr.testing.assert_identical(found, expected)
    assert set(reads.seen.values()) == {1}
    if method == "nearest":
        index = [plain.get_index(d).get_indexer(found[f"cell_{d}"]) for d in ("time", "lat", "lon")]
        needed = {tuple(i // n for i, n in zip(at, reads.chunks, strict=True))
                  for at in zip(*index, strict=True)}  # fmt: skip
        assert set(reads.seen) == needed
    assert all(chunk[0] <= 5 and chunk[1] >= 1 for chunk in reads.seen)


def test_statistics_alone_read_each_chunk_once() -> None:
    plain = cube_of(times=30)
    reads = Reads(plain, (4, 5, 7))
    found = matchup(reads.cube, points_in(plain, 300))
    with dask.config.set(scheduler="synchronous"):
        dask.compute(found.bias, found.rmse, found.correlation, found.n_missing)
    assert set(reads.seen.values()) == {1}


def test_a_store_is_asked_for_each_chunk_once(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 points in a packed Zarr store: requests counted where they are made."""
    import zarr

    import climcube as cc

    cube = cube_of(times=200, step=5.0)
    packing = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999, "chunks": (50, 12, 12)}
    store = tmp_path / "sst.zarr"
    cube.to_dataset(name="sst").to_zarr(store, encoding={"sst": packing}, consolidated=False)
    asked: Counter[str] = Counter()
    plain = zarr.storage.LocalStore.get

    async def get(self: Any, key: str, *arguments: Any, **options: Any) -> Any:
        asked[key] += 1
        return await plain(self, key, *arguments, **options)

    opened = cc.open(str(store), variable="sst", chunks={})
    monkeypatch.setattr(zarr.storage.LocalStore, "get", get)
    table = points_in(cube, 20_000)
    table = table[table.time < "2001-04-01"]
    found = matchup(opened, table, method="linear")
    assert not any("sst/c/" in key for key in asked)
    found = found.compute()
    chunks = {key: n for key, n in asked.items() if "sst/c/" in key}
    assert len(chunks) == 2 * 3 * 6 and set(chunks.values()) == {1}  # the first 100 of 200 days
    assert int(found.n) == len(table)


def test_packed_cubes_are_decoded_as_usual(tmp_path: Any) -> None:
    import climcube as cc

    packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 20.0, "_FillValue": -999}
    cube = cube_of().where(lambda c: c > 2)
    cube.to_dataset(name="sst").to_netcdf(tmp_path / "sst.nc", encoding={"sst": packing})
    packed = cc.open(str(tmp_path / "sst.nc"), variable="sst")
    table = points_in(cube)
    for method in BOTH:
        lazy = matchup(packed, table, method=method).compute()
        xr.testing.assert_equal(lazy, matchup(packed.compute(), table, method=method))
    assert int(lazy.n_missing) > 0
    unread = xr.open_dataset(tmp_path / "sst.nc").sst  # neither in memory nor on Dask
    xr.testing.assert_equal(lazy, matchup(unread, table, method=method))


# ---------------------------------------------------------------- the sphere


def test_the_dateline_and_the_poles() -> None:
    cube = cube_of(west=-180.0)
    at = "2001-01-02 12:00"
    table = {"lon": [179.9, -179.9, 180.0, 123.0, 44.0], "lat": [5.0, 5.0, 5.0, 90.0, -90.0],
             "time": [at] * 5, "sst": [0.0] * 5}  # fmt: skip
    near = matchup(cube, table)
    np.testing.assert_array_equal(near.cell_lon, [175, -175, -175, 125, 45])
    np.testing.assert_array_equal(near.cell_lat, [5, 5, 5, 85, -85])
    np.testing.assert_allclose(near.distance[3:], 5 * 111.19, rtol=1e-3)
    line = matchup(cube, table, method="linear")
    day = cube.isel(time=1).sel(lat=5)
    east, west = float(day.sel(lon=-175)), float(day.sel(lon=175))
    expected = [west * 0.51 + east * 0.49, west * 0.49 + east * 0.51, (west + east) / 2]
    np.testing.assert_allclose(line.cube[:3], expected, rtol=1e-12)
    assert (line.flag == 0).all()  # beyond the last row its value holds
    polar = cube.isel(time=1).sel(lat=85).interp(lon=123)
    np.testing.assert_allclose(line.cube[3], polar, rtol=1e-6)


def test_a_region_ends_with_its_cells() -> None:
    cube = cube_of().sel(lat=slice(-20, 20), lon=slice(100, 150))  # cells 100..150
    at = "2001-01-02"
    table = {"lon": [100.1, 99.9, -259.9, 149.9, 150.1], "lat": [0.0] * 5, "time": [at] * 5,
             "sst": [0.0] * 5}  # fmt: skip
    for method in BOTH:
        found = matchup(cube, table, method=method)
        np.testing.assert_array_equal(found.flag, [0, 1, 0, 0, 1])
    further = matchup(cube, table, distance=800)
    assert (further.flag == 0).all()
    closer = matchup(cube, {**table, "lon": [105.0, 106.0, 109.0, 145.0, 146.0]}, distance=600)
    np.testing.assert_array_equal(closer.flag, [0, 0, 1, 0, 0])


def curvilinear(cube: xr.DataArray) -> xr.DataArray:
    """The cells of a grid that is turned and bent."""
    y, x = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 40), indexing="ij")
    values = np.random.default_rng(4).normal(size=(cube.sizes["time"], 30, 40))
    lat = -30 + 80 * y + 15 * np.sin(3 * x)
    lon = 150 + 70 * x + 20 * np.cos(2 * y)
    coords = {
        "time": cube.time,
        "nav_lat": (("y", "x"), lat, {"standard_name": "latitude"}),
        "nav_lon": (("y", "x"), (lon + 180) % 360 - 180, {"standard_name": "longitude"}),
    }
    return xr.DataArray(values, coords, ("time", "y", "x"), name="sst", attrs=cube.attrs)


def great_circle(lat: Any, lon: Any, lat0: float, lon0: float) -> np.ndarray:
    a = np.sin(np.deg2rad(lat - lat0) / 2) ** 2
    a = (
        a
        + np.cos(np.deg2rad(lat))
        * np.cos(np.deg2rad(lat0))
        * np.sin(np.deg2rad(lon - lon0) / 2) ** 2
    )
    return np.asarray(2 * 6371 * np.arcsin(np.sqrt(a)))


def test_a_curvilinear_grid_against_brute_force() -> None:
    cube = curvilinear(cube_of())
    rng = np.random.default_rng(5)
    n = 150
    table = pd.DataFrame({"lon": rng.uniform(140, 250, n), "lat": rng.uniform(-40, 60, n),
                          "time": pd.Timestamp("2001-01-03"), "sst": 0.0})  # fmt: skip
    found = matchup(cube.chunk({"y": 7, "x": 9}), table).compute()
    day = cube.isel(time=2)
    for i, row in table.iterrows():
        apart = great_circle(cube.nav_lat.values, cube.nav_lon.values, row.lat, row.lon)
        place = np.unravel_index(np.argmin(apart), apart.shape)
        np.testing.assert_allclose(found.distance[i], apart[place], rtol=1e-6)
        if found.flag[i] == 0:
            assert float(found.cube[i]) == float(day.values[place])
    outside = set(np.flatnonzero(found.flag == 1))
    assert 20 < len(outside) < 110
    assert found.distance[sorted(outside)].min() > 110  # cells are some 200 to 300 km apart
    mixed = matchup(cube, table.assign(time="2001-01-03 18:00"), method={"time": "linear"})
    there = found.flag == 0
    place = cube.isel(time=3) * 0.25 + cube.isel(time=2) * 0.75
    assert set(mixed.cube.values[there]) <= set(place.values.reshape(-1))


def test_an_unstructured_grid_needs_a_distance() -> None:
    cells = cube_of().stack(cell=("lat", "lon")).reset_index("cell")
    table = points_in(cube_of())
    with pytest.raises(ParameterError, match="needs rows and columns") as caught:
        matchup(cells, table, method="linear", distance=900)
    assert_one_line(caught.value, "nearest")
    with pytest.raises(ParameterError, match="how far the cells") as caught:
        matchup(cells, table)
    assert_one_line(caught.value, "distance=")
    found = matchup(cells, table, distance=2000)
    low = np.abs(table.lat) < 40
    whole = matchup(cube_of(), table)
    same = (found.cell_lon == whole.cell_lon) & (found.cell_lat == whole.cell_lat)
    assert same[low.to_numpy()].mean() > 0.95
    np.testing.assert_array_equal(found.cube[same], whole.cube[same])


def test_a_column_of_one_place() -> None:
    column = cube_of(levels=4).sel(lat=5, lon=25)
    table = {"lon": [25.5, 28.0], "lat": [5.0, 5.0], "time": ["2001-01-02"] * 2,
             "depth": [4.0, 4.0], "sst": [0.0, 1.0]}  # fmt: skip
    with pytest.raises(ParameterError, match="how far the cells"):
        matchup(column, table)
    found = matchup(column, table, distance=100)
    np.testing.assert_array_equal(found.flag, [0, 1])
    assert float(found.cube[0]) == float(column[1, 0])


# ---------------------------------------------------------------- depth


def test_depth_upwards_in_kilometres_and_reversed() -> None:
    cube = cube_of(levels=5)
    table = points_in(cube)
    expected = matchup(cube, table, method="linear")
    height = cube.assign_coords(depth=("depth", -cube.depth.values / 1000, {"units": "km"}))
    height = height.isel(depth=slice(None, None, -1)).rename(depth="z")
    height.z.attrs["positive"] = "up"
    found = matchup(height, table, method="linear")
    np.testing.assert_allclose(found.cube, expected.cube, rtol=1e-12)
    np.testing.assert_allclose(found.cell_depth, expected.cell_depth)


def test_layers_end_somewhere() -> None:
    cube = cube_of(levels=3)  # 4, 12, 24 m
    at = {"lon": [5.0] * 5, "lat": [5.0] * 5, "time": ["2001-01-02"] * 5, "sst": np.arange(5.0)}
    found = matchup(cube, {**at, "depth": [-0.2, 0.1, 18.0, 29.9, 30.1]})
    np.testing.assert_array_equal(found.flag, [0, 0, 0, 0, 3])
    np.testing.assert_array_equal(found.cell_depth, [4, 4, 24, 24, 24])
    tight = matchup(cube, {**at, "depth": [3.5, 5.1, 12.0, 20.0, 24.9]}, depth_tolerance=1)
    np.testing.assert_array_equal(tight.flag, [0, 3, 0, 3, 0])
    bounds = ("depth", "edge"), [[0.0, 10.0], [10.0, 14.0], [14.0, 40.0]]
    own = cube.to_dataset().assign(depth_bnds=bounds)
    own.depth.attrs["bounds"] = "depth_bnds"
    known = matchup(own, {**at, "depth": [9.9, 10.1, 14.1, 39.0, 41.0]})
    np.testing.assert_array_equal(known.cell_depth, [4, 12, 24, 24, 24])
    np.testing.assert_array_equal(known.flag, [0, 0, 0, 0, 3])


def test_a_surface_cube_takes_what_is_near_the_surface() -> None:
    at = {"lon": [5.0] * 3, "lat": [5.0] * 3, "time": ["2001-01-02"] * 3, "sst": np.arange(3.0)}
    found = matchup(cube_of(), {**at, "depth": [0.5, 9.0, 11.0]})
    np.testing.assert_array_equal(found.flag, [0, 0, 3])
    found = matchup(cube_of(), {**at, "depth": [0.5, 9.0, 11.0]}, depth_tolerance=5)
    np.testing.assert_array_equal(found.flag, [0, 3, 3])
    level = cube_of(levels=4).isel(depth=2)  # 24 m, a coordinate without dimension
    np.testing.assert_array_equal(
        matchup(level, {**at, "depth": [13.0, 15.0, 30.0]}).flag, [3, 0, 0]
    )
    with pytest.raises(CubeError, match="observations have no depth"):
        matchup(cube_of(levels=4), at)


def test_levels_in_pressure_are_compared_with_pressure() -> None:
    cube = cube_of(levels=4).rename(depth="pres_level")
    cube.pres_level.attrs.update(units="dbar", axis="Z")
    at = {"lon": [5.0] * 2, "lat": [5.0] * 2, "time": ["2001-01-02"] * 2, "sst": np.arange(2.0)}
    found = matchup(cube, {**at, "pres": [4.1, 24.0]})
    np.testing.assert_array_equal(found.cell_depth, [4, 24])
    with pytest.raises(CubeError, match="observations have no pressure"):
        matchup(cube, {**at, "depth": [4.1, 24.0]})


# ---------------------------------------------------------------- values


def test_land_is_counted_and_flagged() -> None:
    cube = cube_of()
    cube[:, 9, :] = np.nan  # 0..10 N
    at = {"lon": [5.0] * 3, "lat": [5.0, 15.0, 12.0], "time": ["2001-01-02 12:00"] * 3,
          "sst": [1.0, 2.0, 3.0]}  # fmt: skip
    found = matchup(cube.chunk(), at)
    assert dask.is_dask_collection(found.flag.data)
    np.testing.assert_array_equal(found.flag, [4, 0, 0])
    assert found.flag.attrs["flag_meanings"].split()[4] == "missing_in_cube"
    assert int(found.n) == 2 and int(found.n_missing) == 1
    line = matchup(cube, at, method="linear")
    np.testing.assert_array_equal(line.flag, [4, 0, 4])  # a neighbour without weight is not asked
    everywhere = matchup(cube.where(False), at)
    assert int(everywhere.n) == 0 and int(everywhere.n_missing) == 3
    assert all(np.isnan(everywhere[name]) for name in ("bias", "rmse", "stdev", "correlation"))


def test_units_convert_themselves() -> None:
    cube, table = cube_of(), points_in(cube_of())
    expected = matchup(cube, table)
    kelvin = (cube.astype("float64") + 273.15).assign_attrs(cube.attrs | {"units": "K"})
    found = matchup(kelvin, table, units="degC")
    np.testing.assert_allclose(found.difference, expected.difference, rtol=0, atol=1e-10)
    assert found.bias.attrs["units"] == "K"
    assert found.bias.attrs["units_metadata"] == "temperature: difference"
    assert found.cube.attrs["units"] == found.observation.attrs["units"] == "K"
    named = table.rename(columns={"sst": "TEMP"})  # Argo's name says degC
    np.testing.assert_allclose(matchup(kelvin, named).bias, expected.bias, rtol=0, atol=1e-10)
    with pytest.raises(UnitsError, match="median of") as caught:
        matchup(kelvin, table)
    assert_one_line(caught.value, "units='degC'")
    with pytest.raises(UnitsError, match="converted to 'degC', found 'mm/day'"):
        matchup(cube, table, units="mm/day")
    with pytest.raises(UnitsError, match="unknown units"):
        matchup(cube, table, units="parrots")


def test_anomalies_convert_as_differences() -> None:
    cube, table = cube_of(), points_in(cube_of())
    expected = matchup(cube, table)
    attrs = {"units": "K", "units_metadata": "temperature: difference"}
    found = matchup(cube.assign_attrs(attrs), table, units="degC")
    np.testing.assert_allclose(found.difference, expected.difference, rtol=0, atol=1e-10)
    plain = matchup(cube.assign_attrs(attrs), table)
    np.testing.assert_array_equal(plain.difference, expected.difference)


def test_quantities_come_back() -> None:
    cube, table = cube_of(), points_in(cube_of())
    found = matchup(cube.pint.quantify(), table)
    assert str(found.cube.pint.units) == "degree_Celsius"
    assert str(found.bias.pint.units) == "delta_degree_Celsius"
    np.testing.assert_array_equal(found.cube.pint.magnitude, matchup(cube, table).cube)


def test_provenance_tells_of_the_call() -> None:
    found = matchup(cube_of(), points_in(cube_of()), method="linear")
    assert "matchup(profiles='DataFrame', method='linear'" in found.attrs["history"]


# ---------------------------------------------------------------- bad input


def test_nothing_within_the_cube_names_both_ranges() -> None:
    table = points_in(cube_of()).assign(time="1987-06-05")
    with pytest.raises(CubeError, match="no observation lies within") as caught:
        matchup(cube_of(), table)
    assert_one_line(caught.value, "1987-06-05", "2001-01-01 to 2001-01-06", "200 outside its time")
    region = cube_of().sel(lat=slice(0, 30), lon=slice(100, 150))
    table = points_in(cube_of()).assign(lat=-50.0)
    with pytest.raises(CubeError, match="outside its area") as caught:
        matchup(region, table)
    assert_one_line(caught.value, "lat -50..-50", "lat 5..25")


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(CubeError, match="matchup knows time") as caught:
        matchup(cube_of().expand_dims(member=3), points_in(cube_of()))
    assert_one_line(caught.value, "isel(member=0)")
    found = matchup(cube_of().expand_dims(member=1), points_in(cube_of()))
    np.testing.assert_array_equal(found.cube, matchup(cube_of(), points_in(cube_of())).cube)


@pytest.mark.parametrize("dim", ["lat", "lon", "time"])
def test_axes_out_of_order(dim: str) -> None:
    order = np.r_[1, 0, 2 : cube_of().sizes[dim]]
    with pytest.raises(AxisError) as caught:
        matchup(cube_of().isel({dim: order}), points_in(cube_of()))
    assert_one_line(caught.value, f"cube.sortby('{dim}')")
    if dim != "time":
        with pytest.raises(AxisError, match="has missing values"):
            matchup(cube_of().assign_coords({dim: cube_of()[dim] * np.nan}), points_in(cube_of()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "cubic"},
        {"method": {"sideways": "nearest"}},
        {"distance": -1},
        {"distance": "5"},
        {"time_tolerance": "soon"},
        {"time_tolerance": 5},
        {"depth_tolerance": float("nan")},
        {"qc": ()},
        {"qc": "good"},
        {"qc": (1, 11)},
    ],
)
def test_arguments_that_are_not_understood(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        matchup(cube_of(), points_in(cube_of()), **wrong)
    assert_one_line(caught.value)


def test_a_data_set_of_several_variables() -> None:
    both = xr.Dataset({"sst": cube_of(), "ice": cube_of()})
    with pytest.raises(CubeError, match="not clear") as caught:
        matchup(both, points_in(cube_of()))
    assert_one_line(caught.value, "cube['...']")
