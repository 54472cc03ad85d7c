"""Areas, centroids and distances from the equator: spheres cut in known parts, belts that move."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.habitats.habitat import habitat
from climcube.errors import AxisError, ParameterError, UnitsError
from tests.analysis.habitats.test_habitat import (
    LAT,
    LON,
    RADIUS,
    RANGE,
    SPHERE,
    cell_areas,
    cube_of,
    noisy,
    suitability,
)


def test_areas_of_halves_and_of_the_whole() -> None:
    whole = habitat(cube_of(12.0), thermal_range=(10, 20))
    np.testing.assert_allclose(whole.area, SPHERE, rtol=1e-12)
    half = habitat(cube_of(np.where(LAT[:, None] > 0, 12.0, 30.0)), thermal_range=(10, 20))
    np.testing.assert_allclose(half.area, SPHERE / 2, rtol=1e-12)
    assert half.area.units == "km2"
    weak = habitat(cube_of(7.5), thermal_range=RANGE)  # suitability is a half
    np.testing.assert_allclose(weak.area, SPHERE / 2, rtol=1e-12)
    tropics = habitat(cube_of(np.where(np.abs(LAT[:, None]) < 30, 12.0, 30.0)),
                      thermal_range=(10, 20))  # fmt: skip
    np.testing.assert_allclose(tropics.area, SPHERE * np.sin(np.deg2rad(30)), rtol=1e-12)


def test_area_and_centroid_by_brute_force() -> None:
    cube = noisy(holes=0.02)
    found = habitat(cube, thermal_range=RANGE, min_coverage=0.5)
    s, areas = suitability(cube.values), cell_areas(cube)
    np.testing.assert_allclose(found.area, np.nansum(s * areas, axis=(1, 2)), rtol=1e-12)
    lat, lon = np.deg2rad(np.meshgrid(cube.lat, cube.lon, indexing="ij"))
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = np.nansum((s * areas)[None] * vectors[:, None], axis=(2, 3))
    centroid = np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.rad2deg(np.arctan2(y, x))
    np.testing.assert_allclose(found.centroid.lat, centroid[0], rtol=1e-10)
    np.testing.assert_allclose(found.centroid.lon, centroid[1], rtol=1e-10)


def test_area_is_that_of_area_mean() -> None:
    cube = noisy(holes=0.0)
    found = habitat(cube, thermal_range=RANGE)
    known = cell_areas(cube)[np.isfinite(cube.values[0])].sum()
    np.testing.assert_allclose(found.area, cc.area_mean(found.suitability) * known, rtol=1e-12)


def test_missing_cells_make_areas_unknown() -> None:
    cube = cube_of(12.0)
    cube[3, :9] = np.nan  # half of the sphere
    cube[4, 0] = np.nan  # a little of it
    cube[5] = np.nan
    found = habitat(cube, thermal_range=RANGE)
    missing = np.flatnonzero(found.area.isnull())
    assert missing.tolist() == [3, 5]
    assert np.flatnonzero(found.centroid.lat.isnull()).tolist()[-2:] != []
    assert float(found.area[4]) < SPHERE
    assert not habitat(cube, thermal_range=RANGE, min_coverage=0.4).area[3].isnull()


def test_no_habitat_is_no_area_and_no_centroid() -> None:
    found = habitat(cube_of(40.0), thermal_range=RANGE)
    assert (found.area == 0).all() and (found.days == 0).all()
    assert found.centroid.lat.isnull().all() and found.latitudes().isnull().all()


@pytest.mark.parametrize("shift", [0.0, -180.0, 360.0])
def test_a_centroid_on_the_dateline(shift: float) -> None:
    near = np.abs((LON + shift) % 360 - 180) < 20
    warm = np.where(near[None] & (LAT[:, None] > 30) & (LAT[:, None] < 50), 12.0, 40.0)
    found = habitat(cube_of(warm, lon=LON + shift), thermal_range=RANGE).centroid
    np.testing.assert_allclose(np.abs(found.lon), 180.0)
    assert 40 < float(found.lat[0]) < 42
    assert found.lat.units == "degrees_north"


def belt(moves: float, hemisphere: int = 1, years: int = 12) -> xr.DataArray:
    """A belt of habitat from 30 to 50 degrees, moving polewards by degrees a year."""
    lat, lon = np.arange(-89.5, 90), np.arange(0.0, 360, 30)
    time = xr.date_range("2001-01-01", periods=years, freq="YS")
    middle = 40 + moves * np.arange(years)
    # 12 degC at the belt's middle, a degree for each degree of latitude.
    values = 12 + np.abs(hemisphere * lat[None] - middle[:, None])
    return cube_of(values[:, :, None], time, lat, lon)


@pytest.mark.parametrize("hemisphere", [1, -1])
def test_latitudes_of_a_belt(hemisphere: int) -> None:
    found = habitat(belt(0.0, hemisphere), thermal_range=(0, 22)).latitudes()
    assert found.dims == ("time", "hemisphere", "part")
    here, other = ("north", "south")[::hemisphere], ("south", "north")[::hemisphere]
    assert found.sel(hemisphere=other[0]).isnull().all()
    south, north = np.sin(np.deg2rad([30, 50]))
    own = found.sel(hemisphere=here[0]).isel(time=0)
    for part, share in (("trailing_edge", 0.05), ("leading_edge", 0.95)):
        exact = np.rad2deg(np.arcsin(south + share * (north - south)))
        assert float(own.sel(part=part)) == pytest.approx(exact, abs=0.01)
    lat = np.deg2rad(np.linspace(30, 50, 20001))
    centre = np.average(np.rad2deg(lat), weights=np.cos(lat))
    assert float(own.sel(part="centre")) == pytest.approx(centre, abs=0.01)


@pytest.mark.parametrize("hemisphere", [1, -1])
@pytest.mark.parametrize("moves", [0.5, -0.25])
def test_a_belt_that_moves_shifts_by_so_much(moves: float, hemisphere: int) -> None:
    found = habitat(belt(moves, hemisphere), thermal_range=(0, 12, 12, 22))
    shift = found.poleward_shift().sel(hemisphere="north" if hemisphere > 0 else "south")
    expected = moves * 10 * 2 * np.pi * RADIUS / 360
    # Cells narrow towards the pole, so parts of the belt gain weight unevenly.
    np.testing.assert_allclose(shift.slope, expected, rtol=0.03)
    assert shift.slope.units == "km decade-1" and (shift.pvalue < 0.01).all()
    yearly = found.poleward_shift(per="year").slope.sel(hemisphere=shift.hemisphere)
    np.testing.assert_allclose(yearly, shift.slope / 10)


def test_a_curved_grid_gives_nearly_the_same_latitudes() -> None:
    cube = belt(0.5)
    areas = xr.DataArray(cell_areas(cube), dims=("y", "x"), attrs={"units": "km2"})
    lat, lon = np.meshgrid(cube.lat, cube.lon, indexing="ij")
    flat = cube.rename(lat="y", lon="x").drop_vars(["y", "x"]).assign_coords(
        lat=(("y", "x"), lat), lon=(("y", "x"), lon)
    )  # fmt: skip
    with pytest.raises(AxisError, match="pass areas="):
        _ = habitat(flat, thermal_range=(0, 12, 12, 22)).area
    found = habitat(flat.chunk(y=50, x=5), thermal_range=(0, 12, 12, 22), areas=areas)
    plain = habitat(cube, thermal_range=(0, 12, 12, 22))
    np.testing.assert_allclose(found.area, plain.area, rtol=1e-12)
    np.testing.assert_allclose(
        found.latitudes().sel(hemisphere="north"), plain.latitudes().sel(hemisphere="north"),
        atol=0.6,
    )  # fmt: skip
    np.testing.assert_allclose(found.centroid.lat, plain.centroid.lat, rtol=1e-10)
    with pytest.raises(ParameterError, match="areas need dimensions"):
        _ = habitat(flat, thermal_range=(0, 22), areas=areas.values).area
    with pytest.raises(UnitsError):
        _ = habitat(flat, thermal_range=(0, 22), areas=areas.assign_attrs(units="1")).area


def test_a_section_along_a_meridian() -> None:
    whole = belt(0.5)
    section = habitat(whole.isel(lon=0), thermal_range=(0, 12, 12, 22))
    plain = habitat(whole, thermal_range=(0, 12, 12, 22))
    np.testing.assert_allclose(section.latitudes(), plain.latitudes(), rtol=1e-9)
    assert section.area.dims == ("time",)


def test_a_row_along_a_parallel_cannot_move() -> None:
    found = habitat(belt(0.5).isel(lat=130), thermal_range=(0, 22))
    assert (found.area > 0).any()
    with pytest.raises(AxisError, match="several latitudes"):
        found.latitudes()
