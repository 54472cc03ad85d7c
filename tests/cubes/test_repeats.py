"""Repeated columns: no place counts twice, wherever its area comes from."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.cubes.area import cell_areas, longitude_widths
from climcube.cubes.repeats import column_shares, shared_areas
from climcube.cubes.sphere import EARTH_RADIUS
from climcube.testing.laziness import no_compute

GLOBE = 4 * np.pi * EARTH_RADIUS**2


def globe(lon: np.ndarray) -> xr.DataArray:
    """A field that falls from 1 at the prime meridian to -1 at the dateline."""
    lat = np.arange(-87.5, 90, 5)
    values = np.cos(np.deg2rad(lon)) + 0 * lat[:, None]
    return xr.DataArray(values, [("lat", lat), ("lon", lon)], name="sst")


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("start", [0.0, -180.0, 20.0])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_map_that_closes_counts_each_meridian_once(start: float, order: int, dtype: str) -> None:
    closed = globe((start + np.linspace(0, 360, 181)).astype(dtype)[::order])
    once = closed.isel(lon=slice(None, -1))
    np.testing.assert_allclose(cell_areas(closed, closed)[0].sum(), GLOBE, rtol=1e-6)
    np.testing.assert_allclose(cc.area_mean(closed), cc.area_mean(once), atol=1e-6)
    np.testing.assert_allclose(cc.area_sum(closed), cc.area_sum(once), atol=1e-6 * GLOBE)
    np.testing.assert_allclose(cc.zonal_mean(closed), cc.zonal_mean(once), atol=1e-6)
    region = (-40, 40, -30, 30)
    np.testing.assert_allclose(
        cc.area_mean(closed, region=region), cc.area_mean(once, region=region), rtol=1e-6
    )


def test_several_columns_may_repeat() -> None:
    closed = globe(np.arange(-10.0, 371, 10))
    np.testing.assert_allclose(cell_areas(closed, closed)[0].sum(), GLOBE, rtol=1e-13)
    assert column_shares(closed.lon.values)[:4].tolist() == [0.5, 0.5, 0.5, 1.0]


def test_bounds_of_repeated_columns_share_too() -> None:
    lon = xr.DataArray(np.arange(0.0, 361, 90), dims="lon", name="lon")
    bounds = xr.DataArray(np.stack([lon - 45, lon + 45], 1), dims=("lon", "bnds"))
    assert np.rad2deg(longitude_widths(lon, bounds)).round(9).tolist() == [45, 90, 90, 90, 45]


@pytest.mark.parametrize("halo", ["counted", "zero"])
def test_cell_measures_of_a_repeated_column(halo: str) -> None:
    cube = globe(np.linspace(0, 360, 73))
    area, _ = cell_areas(cube.isel(lon=slice(None, -1)), cube.isel(lon=slice(None, -1)))
    last = area.isel(lon=[0]) * (halo == "counted")
    carried = cube.assign_coords(areacella=xr.concat([area, last], "lon"))
    measured, origin = cell_areas(carried, carried)
    assert origin == "cell_measures"
    np.testing.assert_allclose(measured.sum(), GLOBE, rtol=1e-12)
    assert measured.dims == ("lat", "lon")


def test_weights_that_are_given_are_taken_as_they_are() -> None:
    cube = globe(np.linspace(0, 360, 5))
    weights = xr.DataArray([0.0, 1, 1, 1, 1], dims="lon")
    np.testing.assert_allclose(cc.area_mean(cube, weights=weights), 0.0, atol=1e-12)


def orca(ny: int = 30, nx: int = 40) -> xr.Dataset:
    """A grid with a halo: the first columns repeat the last, the last row another, reversed."""
    lat, lon = np.meshgrid(np.linspace(-60, 88, ny - 1), np.arange(nx - 2) * 360 / (nx - 2))
    lat, lon = lat.T.copy(), (lon.T + 5 + 0.01 * lat.T) % 360
    area = 1e10 * (1 + np.arange(lat.size).reshape(lat.shape) % 7)
    parts = []
    for field in (lat, lon, area):
        wide = np.concatenate([field, field[:, :2]], axis=1)
        fold = wide[-2, ::-1]
        parts.append(np.concatenate([wide, fold[None]], axis=0))
    cells = [("y", "x"), ("y", "x")]
    whole = xr.Dataset(
        {"tos": (cells[0], np.ones(parts[0].shape), {"units": "degC"})},
        coords={
            "nav_lat": (cells[0], parts[0], {"standard_name": "latitude"}),
            "nav_lon": (cells[0], parts[1], {"standard_name": "longitude"}),
            "areacello": (cells[0], parts[2], {"standard_name": "cell_area", "units": "m2"}),
        },
        attrs={"total": float(area.sum())},
    )
    return whole


@pytest.mark.parametrize("lazy", ["eager", "area", "all"])
def test_the_halo_of_a_curved_grid_counts_once(lazy: str) -> None:
    grid = orca()
    names = {"eager": [], "area": ["areacello"], "all": ["areacello", "nav_lat", "nav_lon"]}[lazy]
    for name in names:
        grid[name] = grid[name].chunk(y=7, x=11)
    with no_compute():
        area, origin = cell_areas(grid, grid.tos)
    assert origin == "cell_measures"
    np.testing.assert_allclose(area.sum(), grid.attrs["total"], rtol=1e-12)


def test_a_halo_without_area_leaves_the_whole_to_the_others() -> None:
    grid = orca()
    counted = xr.ones_like(grid.areacello)
    counted[:, -2:], counted[-1] = 0, 0
    grid["areacello"] = grid.areacello * counted
    area, _ = cell_areas(grid, grid.tos)
    xr.testing.assert_equal(area, grid.areacello.drop_vars(list(grid.coords)))


def test_grids_without_repetition_keep_their_areas() -> None:
    grid = orca().isel(x=slice(None, -2), y=slice(None, -1))
    area = grid.areacello
    assert shared_areas(area, grid.nav_lat, grid.nav_lon) is area
    # Land whose places are a fill value is at one place all the same.
    grid.nav_lat[5:9, :3], grid.nav_lon[5:9, :3] = 0, 0
    assert shared_areas(area, grid.nav_lat, grid.nav_lon) is area
    # A row at the pole is as many places as it has columns.
    lat, lon = np.meshgrid([-90.0, 0, 90], np.arange(0, 360, 30.0), indexing="ij")
    polar = xr.Dataset(coords={"lat": (("y", "x"), lat), "lon": (("y", "x"), lon)})
    assert shared_areas(polar.lat + 91, polar.lat, polar.lon).min() == 1.0


def test_habitat_areas_count_a_meridian_once() -> None:
    time = xr.date_range("2000-01-01", "2000-12-31")
    lon = np.linspace(-180, 180, 19)
    sst = xr.DataArray(
        np.full((366, 4, 19), 15.0), attrs={"units": "degC"}, dims=("time", "lat", "lon"),
        coords={"time": time, "lat": [-67.5, -22.5, 22.5, 67.5], "lon": lon},
    )  # fmt: skip
    area = cc.habitat(sst, thermal_range=(10, 20), units="degC").area
    np.testing.assert_allclose(area, GLOBE / 1e6, rtol=1e-12)


def test_errors_name_the_argument_that_the_function_has() -> None:
    grid = orca().drop_vars("areacello").tos
    time = xr.date_range("1991-01-01", "2020-12-01", freq="MS")
    cube = grid.expand_dims(time=time)
    from climcube.errors import AxisError

    with pytest.raises(AxisError, match="pass weights="):
        cc.area_mean(cube)
    with pytest.raises(AxisError, match="pass the whole Dataset") as caught:
        cc.nino34(cube)
    assert "weights=" not in str(caught.value)
    with pytest.raises(AxisError, match="pass areas="):
        _ = cc.habitat(cube, thermal_range=(0, 2), units="degC").area
    days = grid.expand_dims(time=xr.date_range("2000-01-01", periods=3)) > 0
    with pytest.raises(AxisError, match="pass areas="):
        cc.track(days)
