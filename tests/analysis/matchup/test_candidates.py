"""The nearest cell that has a value: against brute force, on any grid, each chunk read once."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.matchup.candidates import cells_within
from climcube.analysis.matchup.matchup import matchup
from climcube.cubes.sphere import unit_vectors
from climcube.errors import ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.matchup.test_matchup import (
    Reads,
    cube_of,
    curvilinear,
    great_circle,
    points_in,
)
from tests.mistakes import assert_one_line

REACH = 1500.0


def with_coast(cube: xr.DataArray, share: float = 0.7, seed: int = 1) -> xr.DataArray:
    """Most cells are missing, other ones every day."""
    return cube.where(np.random.default_rng(seed).random(cube.shape) > share)


def by_hand(day: xr.DataArray, lat: Any, lon: Any, table: pd.DataFrame) -> list[Any]:
    """Value, distance and place of the nearest valid cell of each row, all cells looked at."""
    lat, lon = (np.broadcast_to(c, day.shape) for c in (lat, lon))
    found = []
    for _, row in table.iterrows():
        apart = great_circle(lat, lon, row.lat, row.lon)
        known = np.where(np.isfinite(day.values), apart, np.inf)
        place = np.unravel_index(np.argmin(known), known.shape)
        far = known[place] > REACH
        found.append((np.nan if far else day.values[place], apart.min(), known[place]))
    return [np.array(column) for column in zip(*found, strict=True)]


@pytest.mark.parametrize("grid", ["1-D", "2-D", "unstructured", "north to south", "dateline"])
def test_against_brute_force(grid: str) -> None:
    plain = with_coast(cube_of(west=-180.0 if grid == "dateline" else 0.0))
    table = points_in(plain, 150).assign(time="2001-01-03 12:00")
    cube, coordinates = plain, (plain.lat.values[:, None], plain.lon.values[None])
    if grid == "2-D":
        cube = with_coast(curvilinear(cube_of()), 0.97)
        coordinates = (cube.nav_lat.values, cube.nav_lon.values)
    elif grid == "north to south":
        cube = plain[:, ::-1]
        coordinates = (cube.lat.values[:, None], cube.lon.values[None])
    elif grid == "unstructured":
        cube = plain.stack(cell=("lat", "lon")).reset_index("cell")
        coordinates = (cube.lat.values, cube.lon.values)
    value, nearest, valid = by_hand(cube.isel(time=2, drop=True), *coordinates, table)
    found = matchup(cube, table, method="nearest_valid", distance=REACH)
    np.testing.assert_array_equal(found.cube, value)
    there = np.isfinite(value)
    assert there.sum() > 20 and (found.flag.values[there] == 0).all()
    np.testing.assert_allclose(found.distance.values[there], valid[there], rtol=1e-6)
    missing = ~there & (nearest <= REACH)
    assert (found.flag.values[missing] == 4).all() and (found.flag[nearest > REACH] == 1).all()
    apart = great_circle(found.cell_lat.values, found.cell_lon.values, found.lat.values, found.lon)
    np.testing.assert_allclose(apart[there], valid[there], rtol=1e-6)


def test_where_all_cells_have_a_value_it_is_the_nearest() -> None:
    cube, table = cube_of(), points_in(cube_of(), 300)
    table = table[np.abs(table.lat) < 60]
    nearest = matchup(cube, table, distance=900)
    found = matchup(cube, table, method="nearest_valid", distance=900)
    apart = np.abs(found.distance - nearest.distance)
    assert ((found.cube == nearest.cube) | (apart > 0)).mean() > 0.9  # cells are no circles
    assert (found.distance <= nearest.distance + 1e-9).all()


@pytest.mark.parametrize("levels", [0, 4])
def test_time_and_depth_go_their_own_way(levels: int) -> None:
    cube = with_coast(cube_of(levels=levels), 0.3)
    table = points_in(cube, 60)
    method = {"space": "nearest_valid", "time": "linear", "depth": "linear"}
    found = matchup(cube, table, method=method, distance=2500)
    lat, lon = cube.lat.values[:, None], cube.lon.values[None]
    steps = {"time": table["time"]} | ({"depth": table["depth"]} if levels else {})
    at = {name: xr.DataArray(v.to_numpy(), dims="row") for name, v in steps.items()}
    maps = cube.astype("float64").interp(at)
    for i, row in table.iterrows():
        day = maps.isel(row=i).transpose("lat", "lon").values
        apart = np.where(np.isfinite(day), great_circle(lat, lon, row.lat, row.lon), np.inf)
        best = np.unravel_index(np.argmin(apart), apart.shape)
        expected = day[best] if apart[best] <= 2500 else np.nan
        np.testing.assert_allclose(found.cube[i], expected, atol=1e-5)


def test_each_chunk_is_read_once_and_answers_are_the_same() -> None:
    plain = with_coast(cube_of(times=20))
    reads = Reads(plain, (4, 5, 7))
    table = points_in(plain, 200)
    options: dict[str, Any] = {"method": "nearest_valid", "distance": REACH}
    with no_compute():
        lazy = matchup(reads.cube, table, **options)
    with dask.config.set(scheduler="synchronous"):
        found = lazy.compute()
    assert set(reads.seen.values()) == {1}
    xr.testing.assert_identical(found, matchup(plain, table, **options))
    xr.testing.assert_identical(
        found, matchup(plain.chunk({"time": 3, "lon": 4}), table, **options).compute()
    )


def test_packed_cubes(tmp_path: Any) -> None:
    packing = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -999}
    cube = with_coast(cube_of())
    cube.to_dataset(name="sst").to_netcdf(tmp_path / "sst.nc", encoding={"sst": packing})
    packed = cc.open(str(tmp_path / "sst.nc"), variable="sst")
    options: dict[str, Any] = {"method": "nearest_valid", "distance": REACH}
    xr.testing.assert_equal(
        matchup(packed, points_in(cube), **options).compute(),
        matchup(packed.compute(), points_in(cube), **options),
    )


def test_what_cannot_be_looked_for() -> None:
    cube, table = cube_of(step=2.0), points_in(cube_of(), 20)
    with pytest.raises(ParameterError, match="is not said") as caught:
        matchup(cube, table, method="nearest_valid")
    assert_one_line(caught.value, "distance=")
    with pytest.raises(ParameterError, match="so many cells") as caught:
        matchup(cube, table, method="nearest_valid", distance=9000)
    assert_one_line(caught.value, "smaller distance", "1000")
    with pytest.raises(ParameterError, match="unknown method"):
        matchup(cube, table, method={"time": "nearest_valid"}, distance=100)


def test_candidates_come_in_order_and_none_is_too_far() -> None:
    rng = np.random.default_rng(0)
    centres = unit_vectors(rng.uniform(-90, 90, 400), rng.uniform(0, 360, 400))
    points = unit_vectors(rng.uniform(-90, 90, 50), rng.uniform(0, 360, 50))
    cells, apart = cells_within(centres, points, 2000.0)
    assert (np.sort(apart, axis=1) == apart).all()
    angle = np.arccos(np.clip(points @ centres.T, -1, 1)) * 6371
    assert (np.isfinite(apart).sum(axis=1) == (angle <= 2000).sum(axis=1)).all()
    np.testing.assert_array_equal(cells[:, 0], angle.argmin(axis=1))


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_as_near_the_northern_and_the_eastern_one_counts(turned: bool) -> None:
    cube = cube_of()
    cube = cube[:, ::-1, ::-1] if turned else cube
    table = pd.DataFrame({"lat": [0.0, 5.0], "lon": [15.0, 20.0], "time": "2001-01-02", "sst": 0.0})
    found = matchup(cube, table, method="nearest_valid", distance=1200)
    assert found.cell_lat.values.tolist() == [5.0, 5.0]
    assert found.cell_lon.values.tolist() == [15.0, 25.0]
