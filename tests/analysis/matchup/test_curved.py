"""Linear interpolation on curved grids: planes, exact shares, poles, seams, what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.matchup.curved import quadrilateral_shares
from climcube.analysis.matchup.matchup import matchup
from climcube.cubes.sphere import unit_vectors
from climcube.testing.laziness import no_compute

DAY = pd.Timestamp("2001-01-01 12:00")


def rotated(
    step: float, lat0: float = 40.0, lon0: float = 175.0, turn: float = 0.6, cells: int = 12
) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of a grid that is turned by an angle about its middle."""
    side = (np.arange(cells) - (cells - 1) / 2) * np.deg2rad(step)
    y, x = np.meshgrid(side, side, indexing="ij")
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    return on_the_sphere(x, y, lat0, lon0)


def on_the_sphere(x: Any, y: Any, lat0: float, lon0: float) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of points of the plane that touches the sphere at a place."""
    phi, lam = np.deg2rad(lat0), np.deg2rad(lon0)
    centre = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    east = np.array([-np.sin(lam), np.cos(lam), 0.0])
    north = np.cross(centre, east)
    place = centre + np.multiply.outer(x, east) + np.multiply.outer(y, north)
    place /= np.linalg.norm(place, axis=-1, keepdims=True)
    lat = np.rad2deg(np.arcsin(place[..., 2]))
    return lat, np.rad2deg(np.arctan2(place[..., 1], place[..., 0]))


def plane(lat: Any, lon: Any, lat0: float = 40.0, lon0: float = 175.0) -> np.ndarray:
    """A field that is linear in the plane that touches the sphere at a place."""
    towards = unit_vectors(np.asarray(lat, float), np.asarray(lon, float))
    phi, lam = np.deg2rad(lat0), np.deg2rad(lon0)
    centre = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    east = np.array([-np.sin(lam), np.cos(lam), 0.0])
    height = towards @ centre
    x, y = towards @ east / height, towards @ np.cross(centre, east) / height
    return np.asarray(10 + 200 * x - 130 * y)


def cube_on(lat: np.ndarray, lon: np.ndarray, values: np.ndarray) -> xr.DataArray:
    coords = {
        "time": [DAY, DAY + pd.Timedelta("1D")],
        "nav_lat": (("y", "x"), lat, {"standard_name": "latitude"}),
        "nav_lon": (("y", "x"), lon, {"standard_name": "longitude"}),
    }
    attrs = {"units": "degC"}
    days = np.stack([values, values])
    return xr.DataArray(days, coords, ("time", "y", "x"), name="sst", attrs=attrs)


def seen(lat: Any, lon: Any) -> pd.DataFrame:
    rows = {"lat": np.asarray(lat, float), "lon": np.asarray(lon, float), "time": DAY, "sst": 0.0}
    return pd.DataFrame(rows)


def within(n: int, step: float, share: float = 4.5, seed: int = 0, **place: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (2, n)) * share * np.deg2rad(step) / 1.5
    return seen(*on_the_sphere(x, y, place.get("lat0", 40.0), place.get("lon0", 175.0)))


@pytest.mark.parametrize("lat0", [0.0, 40.0, 89.0, -90.0])
@pytest.mark.parametrize("turn", [0.0, 0.6, 2.5])
def test_a_plane_on_a_turned_grid(lat0: float, turn: float) -> None:
    """Exactly linear at the middle; elsewhere tilted against the point's own plane."""
    at = {"lat0": lat0, "lon0": 175.0}
    for step, most in ((0.5, 2e-2), (0.05, 2e-5)):
        lat, lon = rotated(step, turn=turn, **at)
        cube = cube_on(lat, lon, plane(lat, lon, **at))
        table = within(200, step, **at)
        found = matchup(cube, table, method="linear")
        assert (found.flag == 0).all()
        exact = plane(table.lat, table.lon, **at)
        np.testing.assert_allclose(found.cube, exact, rtol=0, atol=most)
        nearest = matchup(cube, table)
        assert np.abs(nearest.cube - exact).max() > 20 * np.abs(found.cube - exact).max()
    middle = matchup(cube, seen([lat0], [175.0]), method="linear")
    np.testing.assert_allclose(middle.cube, 10.0, rtol=0, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.floats(-89.9, 89.9), st.floats(-180, 180), st.floats(1e-3, 5),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_shares_put_the_point_where_it_is(
    seed: int, lat: float, lon: float, size: float, s: float, t: float
) -> None:
    """Any convex quadrilateral: the shares are those that it was made with."""
    rng = np.random.default_rng(seed)
    x = np.array([-1, 1, 1, -1]) + rng.uniform(-0.4, 0.4, 4)
    y = np.array([-1, -1, 1, 1]) + rng.uniform(-0.4, 0.4, 4)
    wanted = np.array([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t])
    x, y = (np.deg2rad(size) * (v - wanted @ v) for v in (x, y))  # the point is the origin
    corners = unit_vectors(*on_the_sphere(x, y, lat, lon))
    found = quadrilateral_shares(corners[None], unit_vectors(np.array([lat]), np.array([lon])))
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)
    np.testing.assert_allclose(found.sum(), 1.0, rtol=1e-12)


def test_points_outside_have_no_shares() -> None:
    corners = unit_vectors(np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 0]))
    points = unit_vectors(
        np.array([0.5, 0.5, 2.0, -0.1, 0.5]), np.array([0.5, 1.1, 0.5, 0.5, 180.5])
    )
    found = quadrilateral_shares(np.repeat(corners[None], 5, axis=0), points)
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, False, False, False]


def test_meridians_and_parallels_as_2d_coordinates_agree_with_1d() -> None:
    lat, lon = np.arange(-20.0, 21, 0.5), np.arange(100.0, 141, 0.5)
    values = 0.3 * lat[:, None] + np.sin(np.deg2rad(lon * 3))
    days = [DAY, DAY + pd.Timedelta("1D")]
    flat = xr.DataArray(
        np.stack([values, values]), {"time": days, "lat": lat, "lon": lon},
        ("time", "lat", "lon"), "sst",
        {"units": "degC"},
    )  # fmt: skip
    rng = np.random.default_rng(3)
    table = seen(rng.uniform(-19, 19, 300), rng.uniform(101, 139, 300))
    bent = cube_on(*np.meshgrid(lat, lon, indexing="ij"), values)
    expected = matchup(flat, table, method="linear")
    found = matchup(bent, table, method="linear")
    np.testing.assert_allclose(found.cube, expected.cube, rtol=0, atol=2e-4)
    on_centres = matchup(bent, seen([0.0, 7.5], [120.0, 111.5]), method="linear")
    np.testing.assert_allclose(on_centres.cube, [values[40, 40], values[55, 23]], atol=1e-9)


def test_the_seam_of_a_ring_and_of_a_halo() -> None:
    lat, lon = np.meshgrid(np.arange(-30.0, 31, 2), np.arange(0.0, 360, 2), indexing="ij")
    ring = cube_on(lat, lon, np.sin(np.deg2rad(lon)) + 0.01 * lat)
    table = seen([0.5, 1.5, -3.3], [359.0, 358.2, 359.9])
    exact = np.sin(np.deg2rad(table.lon)) + 0.01 * table.lat
    found = matchup(ring, table, method="linear")
    np.testing.assert_allclose(found.cube, exact, atol=2e-4)
    halo = ring.isel(x=[*range(180), 0, 1])  # as ORCA grids have it
    np.testing.assert_allclose(matchup(halo, table, method="linear").cube, found.cube, atol=1e-12)


def test_beyond_the_centres_and_beside_cells_that_are_missing() -> None:
    lat, lon = np.meshgrid(np.arange(0.0, 10), np.arange(0.0, 10), indexing="ij")
    values = lat + 10 * lon
    values[5, 5] = np.nan
    cube = cube_on(lat, lon, values)
    table = seen([9.3, 4.6, 4.4, 2.0], [4.2, 4.6, 3.4, 2.0])
    found = matchup(cube, table, method="linear")
    assert found.cube[0] == values[9, 4]  # half a cell beyond: the value of that one cell
    assert np.isnan(found.cube[1]) and found.flag[1] == 4
    np.testing.assert_allclose(found.cube[2], 4.4 + 34, atol=1e-2)
    np.testing.assert_allclose(found.cube[3], 22.0, atol=1e-9)
    blank = cube.assign_coords(nav_lat=cube.nav_lat.where(cube.nav_lat > 1))  # places not known
    np.testing.assert_allclose(matchup(blank, table, method="linear").cube[3], 22.0, atol=1e-9)


@pytest.mark.parametrize("chunks", [{"x": 5}, {"y": 4, "x": 7}, {"time": 1}])
def test_lazy_in_any_chunks(chunks: dict[str, int]) -> None:
    lat, lon = rotated(1.0)
    cube = cube_on(lat, lon, plane(lat, lon))
    table = within(100, 1.0)
    with no_compute():
        lazy = matchup(cube.copy(data=cube.chunk(chunks).data), table, method="linear")
    xr.testing.assert_identical(lazy.compute(), matchup(cube, table, method="linear"))


def test_lazy_coordinates_are_read_once_and_change_nothing() -> None:
    y, x = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 14), indexing="ij")
    cube = cube_on(20 + 9 * y + 2 * x, 170 + 9 * x - 2 * y, np.arange(168.0).reshape(12, 14))
    read: list[tuple[int, ...]] = []

    def count(block: np.ndarray) -> np.ndarray:
        read.append(block.shape)
        return block

    lazy = cube.chunk(y=6).assign_coords(
        {
            name: cube[name].copy(
                data=cube[name].chunk(y=6).data.map_blocks(count, meta=np.empty((0, 0)))
            )
            for name in ("nav_lat", "nav_lon")
        }
    )
    table = seen(20 + 8 * y.ravel()[::7], 170 + 8 * x.ravel()[::7])
    for method in ("nearest", "linear", "nearest_valid"):
        read.clear()
        distance = 300 if method == "nearest_valid" else None
        options = {"method": method, "distance": distance}
        found = matchup(lazy, table, **options)
        assert len([shape for shape in read if 0 not in shape]) == 4, "two blocks of either"
        xr.testing.assert_identical(
            found.compute(), matchup(cube.chunk(y=6), table, **options).compute()
        )
