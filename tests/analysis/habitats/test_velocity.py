"""Climate velocity: planar fields, Burrows' pairs one by one, curved grids, tiles, refusals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.analysis.habitats.velocity import climate_velocity
from climcube.errors import AxisError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.mistakes import assert_one_line

KM = 111.325
NAMES = ("velocity", "gradient", "direction", "velocity_x", "velocity_y", "trend", "pvalue")


def cube_of(
    field: np.ndarray, lat: np.ndarray, lon: np.ndarray, per_year: Any = 0.03, years: int = 12
) -> xr.DataArray:
    """A field that warms by ``per_year`` everywhere (or by a map of that), exactly."""
    time = xr.date_range("1991-01-01", periods=years, freq="YS")
    steps = np.arange(years) - (years - 1) / 2
    values = np.asarray(field)[None] + steps[:, None, None] * np.asarray(per_year)
    return xr.DataArray(
        values, [("time", time), ("lat", lat), ("lon", lon)], name="sst", attrs={"units": "degC"}
    )


def noisy(shape: tuple[int, int] = (7, 9), seed: int = 0, holes: float = 0.0) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    lat, lon = np.linspace(-60, 60, shape[0]), np.arange(shape[1]) * 360 / shape[1]
    field = np.where(rng.random(shape) < holes, np.nan, rng.normal(15, 3, shape))
    return cube_of(field, lat, lon, rng.normal(0, 0.05, shape))


def pairs_one_by_one(cube: xr.DataArray, row: int, column: int, wraps: bool) -> tuple[float, float]:
    """Burrows' two weighted means, from pairs written out."""
    mean = cube.mean("time").values
    lat, lon = cube.lat.values, cube.lon.values

    def value(r: int, c: int) -> float:
        inside = 0 <= r < mean.shape[0] and (wraps or 0 <= c < mean.shape[1])
        return mean[r, c % mean.shape[1]] if inside else np.nan

    found: list[float] = []
    for along_rows in (True, False):
        slopes, weights = [], []
        for line in (-1, 0, 1):
            for start in (-1, 0):
                r0, c0 = (
                    (row + line, column + start) if along_rows else (row + start, column + line)
                )
                r1, c1 = (r0, c0 + 1) if along_rows else (r0 + 1, c0)
                rise = value(r1, c1) - value(r0, c0)
                if np.isnan(rise):
                    continue
                if along_rows:
                    turn = (lon[c1 % len(lon)] - lon[c0 % len(lon)] + 180) % 360 - 180
                    length = turn * KM * np.cos(np.deg2rad(lat[r0]))
                else:
                    length = (lat[r1] - lat[r0]) * KM
                slopes.append(rise / length)
                weights.append(2 if line == 0 else 1)
        found.append(np.average(slopes, weights=weights) if slopes else np.nan)
    if np.isnan(value(row, column)) or np.isnan(found).all():
        return np.nan, np.nan
    east, north = np.nan_to_num(found)
    return float(east), float(north)


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("per_year", [0.03, -0.03])
def test_a_field_of_latitude_moves_along_meridians(falling: bool, per_year: float) -> None:
    lat, lon = np.arange(-70.5, 71), np.arange(0.5, 10)
    cube = cube_of(np.repeat(-0.7 * lat[:, None], 10, axis=1), lat, lon, per_year)
    found = climate_velocity(cube[:, ::-1] if falling else cube)
    np.testing.assert_allclose(found.gradient, 0.7 / KM, rtol=1e-11)
    np.testing.assert_allclose(found.velocity, 10 * per_year * KM / 0.7, rtol=1e-9)
    # It is colder in the north: lines move north as it warms, south as it cools.
    np.testing.assert_allclose(found.direction, 0.0 if per_year > 0 else 180.0, atol=1e-9)
    np.testing.assert_allclose(found.velocity_y, 10 * per_year * KM / 0.7, rtol=1e-9)
    np.testing.assert_allclose(found.velocity_x, 0.0, atol=1e-9)


def test_a_field_of_longitude_knows_the_width_of_each_row() -> None:
    lat, lon = np.arange(-60.0, 61, 2), np.arange(140.0, 220, 2)  # across the dateline
    cube = cube_of(np.repeat(np.arange(40.0)[None], len(lat), axis=0), lat, lon)
    cube = cube.assign_coords(lon=(cube.lon + 180) % 360 - 180)
    found = climate_velocity(cube)
    narrow = 1 / np.cos(np.deg2rad(lat))
    smoothed = (narrow[:-2] + 2 * narrow[1:-1] + narrow[2:]) / 4
    expected = 0.5 / KM * smoothed
    np.testing.assert_allclose(
        found.gradient[1:-1], np.repeat(expected[:, None], 40, axis=1), rtol=1e-11
    )
    np.testing.assert_allclose(found.direction, 270.0)  # it is colder in the west
    np.testing.assert_allclose(found.velocity_x, -found.velocity, rtol=1e-12)


def test_direction_is_where_the_lines_go() -> None:
    """Follow a line: the field some years later, moved back by the velocity, is the field."""
    lat, lon = np.arange(-1.0, 1.01, 0.1), np.arange(100.0, 102.01, 0.1)
    for east, north in ((0.4, 0.9), (-0.4, 0.9), (0.4, -0.9), (-0.4, -0.9)):
        field = east * lon[None] + north * lat[:, None]
        found = climate_velocity(cube_of(field, lat, lon, 0.02)).isel(lat=10, lon=10)
        # A decade later the value of the middle cell is found at the end of its velocity.
        there = (
            east * float(found.velocity_x) / KM + north * float(found.velocity_y) / KM + 10 * 0.02
        )
        assert there == pytest.approx(0.0, abs=1e-4)
        angle = np.deg2rad(float(found.direction))
        assert np.sin(angle) * float(found.velocity) == pytest.approx(float(found.velocity_x))
        assert np.cos(angle) * float(found.velocity) == pytest.approx(float(found.velocity_y))


@pytest.mark.parametrize("holes", [0.0, 0.35])
@pytest.mark.parametrize("regional", [False, True])
def test_every_gradient_is_that_of_burrows_pairs(holes: float, regional: bool) -> None:
    cube = noisy(holes=holes)
    cube = cube.isel(lon=slice(0, 6)) if regional else cube
    found = climate_velocity(cube, gradient_floor=1e-9)
    trend = cc.trend(cube).slope.values
    for row, column in np.ndindex(*cube.shape[1:]):
        east, north = pairs_one_by_one(cube, row, column, not regional)
        own = found.isel(lat=row, lon=column)
        size = np.hypot(east, north)
        np.testing.assert_allclose(own.gradient, size, rtol=1e-11)
        np.testing.assert_allclose(own.velocity, trend[row, column] / size, rtol=1e-11)
        np.testing.assert_allclose(
            own.velocity_x, -trend[row, column] * east / size**2, rtol=1e-10, atol=1e-12
        )


def test_straits_and_lakes() -> None:
    cube = cube_of(np.arange(25.0).reshape(5, 5), np.arange(5.0), np.arange(5.0))
    strait = cube.where(cube.lon == 2)
    found = climate_velocity(strait)
    np.testing.assert_allclose(found.gradient[:, 2], 5 / KM)  # no pair across: 0 across
    assert found.gradient.notnull().sum() == 5
    lake = cube.where((cube.lon == 2) & (cube.lat == 2))
    alone = climate_velocity(lake).isel(lat=2, lon=2)
    assert np.isnan([alone[n] for n in ("velocity", "gradient", "direction", "velocity_x")]).all()
    assert float(alone.trend) == pytest.approx(0.3)


def test_floor_flat_fields_and_still_ones() -> None:
    lat, lon = np.arange(5.0), np.arange(5.0)
    weak = cube_of(np.repeat(1e-5 * KM * lat[:, None], 5, axis=1), lat, lon)
    found = climate_velocity(weak)
    np.testing.assert_allclose(found.gradient, 1e-5)  # as it is
    np.testing.assert_allclose(found.velocity, 0.3 / 1e-4)  # over the floor
    np.testing.assert_allclose(np.hypot(found.velocity_x, found.velocity_y), 0.3 / 1e-4)
    np.testing.assert_allclose(climate_velocity(weak, gradient_floor=1e-3).velocity, 300.0)
    flat = climate_velocity(cube_of(np.zeros((5, 5)), lat, lon))
    np.testing.assert_allclose(flat.velocity, 3000.0)
    assert flat.direction.isnull().all() and flat.velocity_x.isnull().all()
    still = climate_velocity(cube_of(np.repeat(lat[:, None], 5, axis=1), lat, lon, 0.0))
    assert (still.velocity == 0).all() and (still.velocity_y == 0).all()
    assert still.direction.isnull().all()


@settings(max_examples=6)
@given(
    st.integers(1, 8), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5),
    st.permutations(["time", "lat", "lon"]), st.sampled_from([0.0, 0.3]),
)  # fmt: skip
def test_tiles_order_and_the_seam_leave_no_trace(
    roll: int, rows: int, columns: int, steps: int, dims: list[str], holes: float
) -> None:
    cube = noisy(holes=holes)
    plain = climate_velocity(cube)
    moved = cube.roll(lon=roll, roll_coords=True).transpose(*dims)
    with no_compute():
        lazy = climate_velocity(moved.chunk(lat=rows, lon=columns, time=steps))
    back = lazy.compute().sortby("lon").transpose("lat", "lon")
    for name in NAMES:
        np.testing.assert_allclose(back[name], plain[name], rtol=1e-9, atol=1e-11, err_msg=name)


def test_longitudes_may_fall() -> None:
    cube = noisy(holes=0.2)
    found = climate_velocity(cube[..., ::-1]).sortby("lon")
    for name, values in climate_velocity(cube).data_vars.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12)


def test_kelvin_fahrenheit_and_celsius_agree() -> None:
    cube = noisy(holes=0.2)
    plain = climate_velocity(cube)
    kelvin = climate_velocity((cube + 273.15).assign_attrs(units="K"))
    foreign = climate_velocity((cube * 1.8 + 32).assign_attrs(units="degF"))
    for name in ("velocity", "direction", "velocity_x", "velocity_y"):
        np.testing.assert_allclose(kelvin[name], plain[name], rtol=1e-8)
        np.testing.assert_allclose(foreign[name], plain[name], rtol=1e-8)
    np.testing.assert_allclose(foreign.gradient, plain.gradient * 1.8, rtol=1e-8)


@pytest.mark.parametrize("method", ["ols", "theil_sen"])
def test_single_precision_loses_nothing_but_what_its_values_lost(method: str) -> None:
    """A float32 in kelvin is 1.5e-5 K off at most; of those values nothing more is lost."""
    cube = noisy(holes=0.2).astype("float32").assign_attrs(units="degC")
    rounded = (cube + np.float32(273.15)).assign_attrs(units="K")
    assert rounded.dtype == np.float32
    exact = (cube.astype("float64") + 273.15).assign_attrs(units="K")
    plain, kelvin, wide, same = (
        climate_velocity(c, method=method)
        for c in (cube, rounded, exact, rounded.astype("float64").assign_attrs(units="K"))
    )
    for name in ("velocity", "gradient", "trend", "direction"):
        np.testing.assert_array_equal(kelvin[name], same[name], err_msg=name)
        np.testing.assert_allclose(wide[name], plain[name], rtol=1e-9, err_msg=name)


def test_other_dimensions_go_along() -> None:
    parts = [noisy(seed=s, holes=0.1) for s in (1, 2, 3)]
    whole = xr.concat(parts, "member").transpose("time", "lat", "member", "lon")
    found = climate_velocity(whole.chunk(member=1, lat=3))
    assert found.velocity.dims == ("lat", "member", "lon")
    for number, part in enumerate(parts):
        one = climate_velocity(part)
        for name in NAMES:
            np.testing.assert_allclose(found[name].isel(member=number), one[name], rtol=1e-9)


def curved(lat: np.ndarray, lon: np.ndarray, field: np.ndarray, **options: Any) -> xr.DataArray:
    flat = cube_of(field, np.arange(field.shape[0]), np.arange(field.shape[1]), **options)
    cube = flat.rename(lat="y", lon="x").drop_vars(["y", "x"])
    names = {"lat": "latitude", "lon": "longitude"}
    return cube.assign_coords({
        name: (("y", "x"), values, {"standard_name": names[name]})
        for name, values in (("lat", lat), ("lon", lon))
    })  # fmt: skip


def test_a_curved_grid_that_is_straight_gives_the_same() -> None:
    lat, lon = np.arange(30.0, 40, 0.25), np.arange(170.0, 190, 0.25)
    field = 20 - 0.6 * lat[:, None] + np.sin(lon / 3)[None]
    flat = climate_velocity(cube_of(field, lat, lon))
    both = np.meshgrid(lat, (lon + 180) % 360 - 180, indexing="ij")
    found = climate_velocity(curved(both[0], both[1], field))
    inner = (slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(found.velocity.values[inner], flat.velocity.values[inner], rtol=2e-4)
    np.testing.assert_allclose(
        found.velocity_x.values[inner], flat.velocity_x.values[inner], rtol=1e-3, atol=0.02
    )


def rotated(rows: int = 60, columns: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """A grid of 0.5 degrees whose own pole lies at 30N 40W: over the Arctic, pole included."""
    own_lat = np.deg2rad(np.linspace(-15, 15, rows))[:, None]
    own_lon = np.deg2rad(np.linspace(-20, 20, columns))[None]
    x = np.cos(own_lat) * np.cos(own_lon)
    y = np.cos(own_lat) * np.sin(own_lon)
    z = np.sin(own_lat) + 0 * own_lon
    # Turned so that the middle of the grid is near the pole.
    tilt = np.deg2rad(75)
    x, z = np.cos(tilt) * x - np.sin(tilt) * z, np.sin(tilt) * x + np.cos(tilt) * z
    return np.rad2deg(np.arcsin(z)), np.rad2deg(np.arctan2(y, x))


def test_a_turned_grid_over_the_pole_sees_true_north() -> None:
    lat, lon = rotated()
    assert lat.max() > 89
    found = climate_velocity(curved(lat, lon, -0.7 * lat))
    inner = xr.DataArray(lat, dims=("y", "x")) < 80  # nearer, it is a cone
    inner[[0, -1]] = False
    inner[:, [0, -1]] = False
    np.testing.assert_allclose(found.gradient.values[inner], 0.7 / KM, rtol=2e-3)
    turned = (found.direction.values[inner] + 180) % 360 - 180
    np.testing.assert_allclose(turned, 0.0, atol=0.5)


@pytest.mark.parametrize("closes", [True, False])
def test_lazy_coordinates_of_a_ring(closes: bool) -> None:
    lon, lat = np.meshgrid(np.arange(0, 360, 10.0), np.arange(-60.0, 61, 10))
    if not closes:
        lat, lon = lat[:, :-4], lon[:, :-4]
    field = 15 + np.cos(np.deg2rad(lon)) * np.cos(np.deg2rad(lat))
    cube = curved(lat, lon, field)
    plain = climate_velocity(cube)
    lazy = cube.chunk(y=5, x=7, time=3)
    lazy = lazy.assign_coords(lat=lazy.lat.chunk(y=4), lon=lazy.lon.chunk(x=9))
    with no_compute():
        found = climate_velocity(lazy)
    for name in NAMES:
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-9, atol=1e-12)
    if closes:  # the field is smooth across the seam, and so is its gradient
        rolled = climate_velocity(cube.roll(x=11, roll_coords=True)).roll(x=-11)
        np.testing.assert_allclose(rolled.velocity, plain.velocity, rtol=1e-9)


def test_a_row_at_the_pole() -> None:
    lat, lon = np.arange(80.0, 91, 2), np.arange(0.0, 360, 30)
    field = np.random.default_rng(0).normal(0, 1, (6, 12))
    field[-1] = 0.3  # one place
    found = climate_velocity(cube_of(field, lat, lon))
    assert np.isfinite(found.velocity).all()
    assert float(found.gradient.max()) < 1


def test_names_units_and_attributes() -> None:
    found = climate_velocity(noisy(), per="century")
    assert found.velocity.units == found.velocity_x.units == "km century-1"
    assert found.gradient.units == "degC km-1" and found.trend.units == "degC century-1"
    assert found.direction.units == "degree"
    assert "climate_velocity" in found.attrs["history"]
    np.testing.assert_allclose(found.velocity, 10 * climate_velocity(noisy()).velocity)
    ranks = climate_velocity(noisy(), method="theil_sen")
    np.testing.assert_allclose(ranks.trend, cc.trend(noisy(), method="theil_sen").slope)


def test_pint_comes_back() -> None:
    pytest.importorskip("pint_xarray")
    found = climate_velocity(noisy().pint.quantify())
    plain = climate_velocity(noisy())
    assert found.velocity.pint.units.dimensionality == {"[length]": 1, "[time]": -1}
    np.testing.assert_allclose(found.velocity.pint.magnitude, plain.velocity)


def test_cycles_are_warned_of_with_a_remedy_that_works() -> None:
    time = xr.date_range("2001-01-01", periods=60, freq="MS")
    cube = noisy().isel(time=0, drop=True) * xr.DataArray(
        np.ones(60), coords={"time": time}, dims="time"
    )
    with pytest.warns(UserWarning, match="annual_mean") as caught:
        climate_velocity(cube)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        climate_velocity(cc.annual_mean(cube))


@pytest.mark.parametrize(
    ("change", "kind", "fragment"),
    [
        (lambda c: c.isel(lat=[2]), AxisError, "one row or column"),
        (lambda c: c.isel(lat=2), AxisError, "neighbours"),
        (lambda c: c.stack(cell=("lat", "lon")).reset_index("cell"), AxisError, "neighbours"),
        (lambda c: c.isel(lat=[0, 2, 1, 3]), AxisError, "order"),
        (lambda c: c.isel(lon=[0, 2, 1, 3]), AxisError, "order"),
        (lambda c: c.assign_attrs(units_metadata="temperature: difference"), CubeError, "anomal"),
        (lambda c: c.assign_coords(lat=c.lat * 2), AxisError, "pole"),
        (lambda c: c.assign_coords(lat=c.lat * np.nan), AxisError, "missing values"),
        (lambda c: c.rename("sst_anomaly"), CubeError, "anomal"),
        (lambda c: c.isel(time=0, drop=True), AxisError, "time"),
        (lambda c: c.drop_vars(["lat", "lon"]), AxisError, "latitude"),
    ],
)
def test_refusals(change: Any, kind: type[CubeError], fragment: str) -> None:
    with pytest.raises(kind) as caught:
        climate_velocity(change(noisy()))
    assert_one_line(caught.value, fragment)


@pytest.mark.parametrize("floor", [0, -1e-4, np.nan, "small", True])
def test_a_floor_must_be_positive(floor: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        climate_velocity(noisy(), gradient_floor=floor)
    assert_one_line(caught.value, "gradient_floor")


def test_infinite_values_are_refused_at_compute() -> None:
    cube = noisy().chunk(lat=3)
    cube = cube.where((cube.lat > -60) | (cube.lon > 0), np.inf)
    found = climate_velocity(cube)
    with pytest.raises(CubeError, match="infinite"):
        found.compute()


def test_real_sea_surface(reference_data: Path) -> None:
    """ERSST 2010-2020: half of the sea is within some 225 km a decade of rest."""
    sst = cc.open(reference_data / "gridded/ersstv5_sst_monthly_2010_2020.nc", variable="sst")
    found = climate_velocity(cc.annual_mean(sst)).compute()
    sea = found.trend.notnull()
    assert int(sea.sum()) == 10988 and bool((found.velocity.notnull() == sea).all())
    low, middle, high = np.nanquantile(found.velocity, [0.25, 0.5, 0.75])
    assert -20 < low < 0 and 60 < middle < 90 and 200 < high < 250
    tiles = climate_velocity(cc.annual_mean(sst.chunk(lat=20, lon=33))).compute()
    np.testing.assert_allclose(tiles.velocity, found.velocity, rtol=1e-7, atol=1e-9)
    # Gradients at 45N in the Kuroshio Extension are an order above those of the warm pool.
    strong = float(found.gradient.sel(lat=40, lon=150, method="nearest"))
    assert strong > 5 * float(found.gradient.sel(lat=0, lon=160, method="nearest"))


def test_real_model(reference_data: Path) -> None:
    """A1B over North America: a century of warming of 2 to 8 km a year, northward mostly."""
    cube = cc.open(reference_data / "gridded/A1B_north_america.nc", variable="air_temperature")
    found = climate_velocity(cube).compute()
    assert np.isfinite(found.velocity).all() and (found.velocity > 0).all()
    assert 15 < float(found.velocity.median()) < 90
    assert float((found.velocity_y > 0).mean()) > 0.75
