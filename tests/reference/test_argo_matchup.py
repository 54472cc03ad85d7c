"""A real Argo float beside cubes whose values are a known function of place, depth and time."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.matchup.matchup import matchup
from climcube.analysis.matchup.pressure import depth_of_pressure
from climcube.testing.laziness import no_compute

pytestmark = pytest.mark.reference
START = np.datetime64("2016-09-01T12:00")


@pytest.fixture(scope="module")
def float_file(reference_data: Path) -> Path:
    return reference_data / "argo" / "2902696_prof.nc"


@pytest.fixture(scope="module")
def rows(float_file: Path) -> pd.DataFrame:
    """Adjusted values of the float, read without climcube; all modes are D, all flags 1."""
    with xr.open_dataset(float_file) as data:
        assert set(data.DATA_MODE.values.tolist()) == {b"D"}
        flat = data[["TEMP_ADJUSTED", "PSAL_ADJUSTED", "PSAL_ADJUSTED_QC", "PRES_ADJUSTED",
                     "LONGITUDE", "LATITUDE", "JULD"]].to_dataframe().reset_index()  # fmt: skip
    return flat.dropna(subset=["TEMP_ADJUSTED"]).reset_index(drop=True)


def analytic(days: object, depth: object, lat: object, lon: object) -> object:
    """Linear in all four, so that interpolation is exact."""
    return 24 + 0.02 * days - 0.01 * depth + 0.3 * lat - 0.05 * lon


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    """Global, daily, on a grid that falls in latitude; in kelvin; in chunks."""
    lat, lon = np.arange(80, -80.1, -2.0), np.arange(-179.0, 180, 2)
    depth = np.array([0, 5, 10, 20, 50, 100, 200, 400, 700, 1000, 1500, 2500.0])
    time = START + np.arange(300) * np.timedelta64(1, "D")
    axes = [np.arange(300), depth, lat, lon]
    chunks = (50, 4, 27, 45)
    lazy = [da.from_array(a, chunks=c) for a, c in zip(axes, chunks, strict=True)]
    days, z, y, x = (a.reshape([-1 if i == k else 1 for k in range(4)]) for i, a in enumerate(lazy))
    values = (analytic(days, z, y, x) + 273.15).astype("float64")
    coords = [("time", time), ("depth", depth, {"units": "m"}), ("lat", lat), ("lon", lon)]
    attrs = {"units": "K", "standard_name": "sea_water_temperature"}
    return xr.DataArray(values, coords, name="thetao", attrs=attrs)


def test_a_float_in_an_analytic_ocean(
    float_file: Path, rows: pd.DataFrame, cube: xr.DataArray
) -> None:
    with no_compute():
        lazy = matchup(cube, float_file, method="linear")
    found = lazy.compute()
    assert found.sizes["obs"] == int(found.n) == len(rows) == 5797
    assert found.attrs["comment"] == "68 rows left out: missing value, place or time"
    np.testing.assert_array_equal(found.profile, rows.N_PROF)
    np.testing.assert_array_equal(found.level, rows.N_LEVELS)
    pressure = rows.PRES_ADJUSTED.to_numpy("float64")
    depth, _ = depth_of_pressure(pressure, rows.LATITUDE.to_numpy())
    np.testing.assert_array_equal(found.depth, depth)
    assert 1950 < depth.max() < 2010
    days = (rows.JULD.to_numpy() - START) / np.timedelta64(1, "D")
    exact = analytic(days, depth, rows.LATITUDE.to_numpy(), rows.LONGITUDE.to_numpy())
    observed = rows.TEMP_ADJUSTED.to_numpy("float64")
    np.testing.assert_allclose(found.cube, exact + 273.15, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.observation, observed + 273.15, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.bias, (exact - observed).mean(), rtol=1e-9)
    np.testing.assert_allclose(found.rmse, np.sqrt(((exact - observed) ** 2).mean()), rtol=1e-9)
    assert found.bias.attrs["units"] == "K"


def test_the_nearest_cell_is_that_of_xarray(
    float_file: Path, rows: pd.DataFrame, cube: xr.DataArray
) -> None:
    found = matchup(cube, float_file).compute()
    where = {"lon": found.lon, "lat": found.lat, "depth": found.depth, "time": found.time}
    theirs = cube.sel({k: v.drop_vars(list(v.coords)) for k, v in where.items()}, method="nearest")
    np.testing.assert_array_equal(found.cube, theirs)
    assert float(found.distance.max()) < 160 and float(abs(found.time_difference).max()) <= 12
    west = cube.assign_coords(lon=cube.lon % 360).sortby("lon")
    np.testing.assert_array_equal(matchup(west, float_file).cube, found.cube)


def test_salinity_has_flags_of_its_own(
    float_file: Path, rows: pd.DataFrame, cube: xr.DataArray
) -> None:
    salt = (cube * 0 + 35).assign_attrs(standard_name="sea_water_salinity", units="1e-3")
    found = matchup(salt.rename("so"), float_file)
    good = rows[rows.PSAL_ADJUSTED_QC.isin([b"1", b"2"])]
    assert found.sizes["obs"] == len(good) < len(rows)
    np.testing.assert_array_equal(found.observation, good.PSAL_ADJUSTED.to_numpy("float64"))
    every = matchup(salt.rename("so"), float_file, qc=None)
    assert every.sizes["obs"] == int(rows.PSAL_ADJUSTED.notna().sum())


def test_the_float_in_a_surface_cube(float_file: Path, rows: pd.DataFrame) -> None:
    """NOAA ERSST has no levels, and land: only what lies near the surface counts."""
    time = pd.date_range("2016-09-01", periods=12, freq="MS")
    lat, lon = np.arange(88, -88.1, -2.0), np.arange(0, 360, 2.0)
    values = np.broadcast_to(28.0 + np.arange(12)[:, None, None] / 100, (12, 89, 180))
    sst = xr.DataArray(values, [("time", time), ("lat", lat), ("lon", lon)], name="sst",
                       attrs={"units": "degC"})  # fmt: skip
    found = matchup(sst, float_file)
    near = found.depth <= 10
    np.testing.assert_array_equal(found.flag == 0, near)
    assert int(found.n) == int(near.sum()) >= 51
    months = found.time.dt.year * 12 + found.time.dt.month - (2016 * 12 + 9)
    expected = np.where(near, 28 + months / 100, np.nan)
    np.testing.assert_allclose(found.cube, expected, rtol=1e-14)


def test_the_float_beside_a_tripolar_grid(reference_data: Path, float_file: Path) -> None:
    """NEMO's ORCA1 of early 2015, 2-D coordinates, 360_day: the float is told it is 2015."""
    months = []
    for path in sorted((reference_data / "nemo").glob("*.nc")):
        with xr.open_dataset(path) as data:
            tos = data.tos.drop_vars("time_counter").rename(time_counter="time")
            months.append(tos.assign_coords(time=data.time_centered.values).load())
    cube = xr.concat([m.drop_vars("time_centered", errors="ignore") for m in months], "time")
    assert cube.time.dt.calendar == "360_day" and cube.nav_lat.ndim == 2
    with xr.open_dataset(float_file) as data:
        moved = data.assign(JULD=data.JULD - np.timedelta64(671, "D")).load()  # from 2014-11-21
    found = matchup(cube, moved, variable="TEMP")
    there = found.where(found.flag == 0, drop=True)
    assert there.sizes["obs"] > 20 and float(there.distance.max()) < 80
    months_seen = {(t.year, t.month) for t in there.cell_time.values}
    assert months_seen == {(2015, 1), (2015, 2), (2015, 3)}
    for t, cell in zip(there.time.values, there.cell_time.values, strict=True):
        assert pd.Timestamp(t).month == cell.month
    for i in range(0, there.sizes["obs"], 5):
        row = there.isel(obs=i)
        apart = np.hypot(
            cube.nav_lat - row.lat, (cube.nav_lon - row.lon) * np.cos(np.deg2rad(row.lat))
        ).values
        y, x = np.unravel_index(np.argmin(apart), apart.shape)
        month = {t: n for n, t in enumerate(cube.time.values)}[row.cell_time.item()]
        assert float(row.cube) == float(cube[month, y, x])
    assert abs(float(found.bias)) < 3  # the South China Sea in winter, another year
