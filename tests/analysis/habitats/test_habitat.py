"""Habitats: the trapezoid, days and means, areas, centroids, shifts, changes, tiles, units."""

from __future__ import annotations

import calendar
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.analysis.habitats.habitat import Habitat, habitat
from climcube.errors import AxisError, CalendarError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.mistakes import assert_one_line

RADIUS = 6371.0
SPHERE = 4 * np.pi * RADIUS**2
RANGE = (5.0, 10.0, 18.0, 22.0)
LAT, LON = np.arange(-85.0, 86, 10), np.arange(5.0, 360, 10)


def cube_of(values: Any, time: Any = None, lat: Any = LAT, lon: Any = LON) -> xr.DataArray:
    """A cube from a map (the same at all times) or from values by time."""
    time = xr.date_range("2001-01-01", periods=24, freq="MS") if time is None else time
    whole = np.broadcast_to(values, (len(time), len(lat), len(lon)))
    return xr.DataArray(
        whole.copy(), [("time", time), ("lat", lat), ("lon", lon)], name="sst",
        attrs={"units": "degC"},
    )  # fmt: skip


def noisy(holes: float = 0.1, months: int = 48) -> xr.DataArray:
    rng = np.random.default_rng(4)
    time = xr.date_range("2001-01-01", periods=months, freq="MS")
    cube = cube_of(rng.normal(15, 6, (months, 6, 8)), time, LAT[6:12], np.arange(0.0, 360, 45))
    cube = cube.where(rng.random(cube.shape) >= holes)
    cube[:, 2, 3] = np.nan  # land
    return cube


def suitability(x: np.ndarray) -> np.ndarray:
    a, b, c, d = RANGE
    found = np.select(
        [x < a, x < b, x <= c, x <= d], [0.0, (x - a) / (b - a), 1.0, (d - x) / (d - c)], 0.0
    )
    return np.where(np.isnan(x), np.nan, found)


def cell_areas(cube: xr.DataArray) -> np.ndarray:
    half = (cube.lat.values[1] - cube.lat.values[0]) / 2
    upper, lower = (np.sin(np.deg2rad(cube.lat.values + s * half)) for s in (1, -1))
    width = np.deg2rad(cube.lon.values[1] - cube.lon.values[0])
    return np.repeat((upper - lower)[:, None], cube.sizes["lon"], 1) * width * RADIUS**2


def everything(found: Habitat) -> xr.Dataset:
    """All results, as one lazy data set."""
    periods = {n: getattr(found, n).rename(time="year") for n in ("days", "mean", "coverage")}
    change = found.change((2001, 2002), (2003, 2004))
    return xr.Dataset(
        {
            "suitability": found.suitability, "area": found.area, **periods,
            "centroid_lat": found.centroid.lat.drop_attrs(),
            "centroid_lon": found.centroid.lon.drop_attrs(),
            "latitudes": found.latitudes().rename(time="year"),
            "shift": found.poleward_shift().slope,
            "state": change.state, "gain": change.area_gain, "loss": change.area_loss,
        }
    )  # fmt: skip


def test_the_trapezoid() -> None:
    values = [4.9, 5, 7.5, 10, 14, 18, 20, 22, 22.1, np.nan, np.inf, -np.inf]
    cube = cube_of(np.array(values)[None], lon=np.arange(12.0), lat=[0.0])
    found = habitat(cube, thermal_range=RANGE).suitability.isel(time=0, lat=0)
    expected = [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0, np.nan, np.nan, np.nan]
    np.testing.assert_allclose(found, expected)
    step = habitat(cube, thermal_range=(5, 22)).suitability.isel(time=0, lat=0)
    np.testing.assert_array_equal(step, [0, 1, 1, 1, 1, 1, 1, 1, 0, np.nan, np.nan, np.nan])
    assert step.attrs["units"] == "1" and step.dtype == np.float64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bound", [10.1, 0.3, -1.8, 28.7])
def test_a_value_on_a_bound_is_inside_in_every_type_and_unit(dtype: str, bound: float) -> None:
    for values, units in ((bound, "degC"), (bound + 273.15, "K"), (bound * 1.8 + 32, "degF")):
        cube = cube_of(values).astype(dtype).assign_attrs(units=units)
        for limits in ((bound, bound + 1), (bound - 1, bound)):
            found = habitat(cube, thermal_range=limits, units="degC").suitability
            assert float(found.min()) == 1.0, (units, limits)
        outside = habitat(cube, thermal_range=(bound + 1e-3, bound + 1), units="degC").suitability
        assert float(outside.max()) == 0.0


def test_integers_are_numbers_too() -> None:
    cube = cube_of(15.0).astype("int16").assign_attrs(units="degC")
    assert float(habitat(cube, thermal_range=(15, 16)).suitability.min()) == 1


@pytest.mark.parametrize("kind", ["standard", "noleap", "360_day"])
@pytest.mark.parametrize("freq", ["D", "MS"])
def test_days_means_and_coverage_by_brute_force(kind: str, freq: str) -> None:
    size = {"D": 365 * 3, "MS": 36}[freq]
    time = xr.date_range("2003-01-01", periods=size, freq=freq, calendar=kind, use_cftime=True)
    rng = np.random.default_rng(1)
    cube = cube_of(rng.normal(14, 5, (size, 2, 3)), time, [0.0, 1.0], [0.0, 1.0, 2.0])
    cube = cube.where(rng.random(cube.shape) > 0.05)
    found = habitat(cube, thermal_range=RANGE, min_coverage=0.8)
    lengths = {"D": np.ones(size), "MS": cube.time.dt.days_in_month.values}[freq]
    for number, year in enumerate(found.days.time.dt.year.values):
        own = cube.time.dt.year.values == year
        leap = kind == "standard" and calendar.isleap(int(year))
        full = 360 if kind == "360_day" else 365 + leap
        s = suitability(cube.values[own])
        days = np.broadcast_to(lengths[own][:, None, None], s.shape)
        known = np.where(np.isnan(s), 0, days).sum(axis=0)
        mean = np.nansum(s * days, axis=0) / known
        above = np.where(s > 0.5, days, 0).sum(axis=0)
        short = known < 0.8 * full
        np.testing.assert_allclose(found.coverage[number], known / full)
        np.testing.assert_allclose(found.mean[number], np.where(short, np.nan, mean))
        np.testing.assert_array_equal(found.days[number], np.where(short, np.nan, above))


def test_months() -> None:
    time = xr.date_range("2003-01-15", periods=60, freq="D")
    found = habitat(cube_of(12.0, time), thermal_range=RANGE, frequency="month", min_coverage=0.5)
    assert found.days.isel(lat=0, lon=0).values.tolist()[:2] == [17, 28]
    assert found.days.time.dt.month.values.tolist() == [1, 2, 3]
    assert np.isnan(found.days.isel(time=2)).all()  # 15 of 31


def test_gain_and_loss() -> None:
    time = xr.date_range("2001-01-01", periods=48, freq="MS")
    early = np.where(LAT > 0, 12.0, 40.0)
    late = np.where((LAT > 30) | (LAT < -30), 12.0, 40.0)
    values = np.where(np.arange(48)[:, None] < 24, early, late)[:, :, None]
    cube = cube_of(values, time).where(xr.DataArray(LON, coords={"lon": LON}, dims="lon") != 5.0)
    found = habitat(cube, thermal_range=RANGE).change((2001, 2002), (2003, 2004))
    sea = SPHERE * 35 / 36
    third = np.sin(np.deg2rad(30))
    assert float(found.area_stable) == pytest.approx(sea / 2 * (1 - third))
    assert float(found.area_gain) == pytest.approx(sea / 2 * (1 - third))
    assert float(found.area_loss) == pytest.approx(sea / 2 * third)
    assert found.state.dtype == np.int8
    assert (found.state.sel(lon=5.0) == -1).all()
    column = found.state.sel(lon=15.0)
    assert column.sel(lat=[75, 15, -15, -75], method="nearest").values.tolist() == [1, 3, 0, 2]
    np.testing.assert_allclose(found.change.sel(lon=15.0, lat=15.0), -1)
    assert found.state.flag_meanings.split()[0] == "unknown"
    assert len(found.state.flag_meanings.split()) == len(found.state.flag_values)


def test_periods_of_a_change() -> None:
    found = habitat(noisy(), thermal_range=RANGE)
    with pytest.raises(ParameterError, match="overlap"):
        found.change((2001, 2003), (2003, 2004))
    with pytest.raises(CalendarError, match="period_b"):
        found.change((2001, 2002), (2003, 2009))
    with pytest.raises(ParameterError, match="edges"):
        found.latitudes((95, 5))
    forward = found.change((2001, 2002), (2003, 2004))
    assert np.isnan(forward.area_loss)  # too many cells are not known in both
    lenient = habitat(noisy(), thermal_range=RANGE, min_coverage=0.5)
    swapped = lenient.change((2003, 2004), (2001, 2002))
    assert float(swapped.area_gain) == float(lenient.change((2001, 2002), (2003, 2004)).area_loss)
    mean = found.suitability.sel(time=slice("2001", "2002"))
    weight = mean.time.dt.days_in_month
    expected = mean.weighted(weight).mean("time")
    known = (mean.notnull() * weight).sum("time") / weight.sum()
    np.testing.assert_allclose(forward.mean_a, expected.where(known >= 0.9), rtol=1e-12)


@settings(max_examples=4)
@given(
    st.integers(1, 7), st.integers(2, 6), st.integers(3, 8), st.integers(10, 30),
    st.permutations(["time", "lat", "lon"]), st.booleans(),
)  # fmt: skip
def test_tiles_order_seams_and_kelvin_leave_no_trace(
    roll: int, rows: int, columns: int, steps: int, dims: list[str], kelvin: bool
) -> None:
    cube = noisy()
    options: dict[str, Any] = {"thermal_range": RANGE, "min_coverage": 0.5}
    plain = everything(habitat(cube, **options))
    moved = cube.roll(lon=roll, roll_coords=True)[:, ::-1].transpose(*dims)
    if kelvin:
        moved = (moved + 273.15).assign_attrs(units="K")
    with no_compute():
        lazy = everything(
            habitat(moved.chunk(lat=rows, lon=columns, time=steps), units="degC", **options)
        )
    found = lazy.compute().sortby("lon").sortby("lat")
    for name, values in plain.items():
        np.testing.assert_allclose(
            found[name].transpose(*values.dims), values, rtol=1e-9, atol=1e-9, err_msg=str(name)
        )


def test_variables_combine_by_the_product() -> None:
    warm = noisy()
    oxygen = (warm * 10 + 5).rename("o2").assign_attrs(units="mmol m-3")
    depth = xr.DataArray(
        np.linspace(0, 100, 48).reshape(6, 8), {"lat": warm.lat, "lon": warm.lon}, ("lat", "lon"),
        "depth", {"units": "m"},
    )  # fmt: skip
    parts = {"temperature": (warm, RANGE), "oxygen": (oxygen, (100, 150, 300, 400)),
             "depth": (depth, (0, 50))}  # fmt: skip
    found = habitat(parts)
    product = suitability(warm.values)
    product = product * np.interp(oxygen, [100, 150, 300, 400], [0, 1, 1, 0])
    product = product * (depth.values <= 50)
    np.testing.assert_allclose(found.suitability, product, atol=1e-12)
    assert set(found.ranges) == {"temperature", "oxygen", "depth"}
    other = habitat({k: parts[k] for k in ("depth", "oxygen", "temperature")})
    np.testing.assert_allclose(other.suitability.transpose(*found.suitability.dims), product)
    whole = xr.Dataset({"sst": warm, "o2": oxygen})
    named = habitat(whole, thermal_range={"sst": RANGE, "o2": (100, 150, 300, 400)})
    two = habitat({k: parts[k] for k in ("temperature", "oxygen")})
    np.testing.assert_array_equal(named.suitability, two.suitability)
    one = habitat(whole[["sst"]], thermal_range=RANGE)
    np.testing.assert_array_equal(one.suitability, habitat(warm, thermal_range=RANGE).suitability)
    kelvin = (warm + 273.15).assign_attrs(units="K")
    said = habitat({"t": (kelvin, RANGE), "o": parts["oxygen"]}, units={"t": "degC"})
    np.testing.assert_allclose(said.area, two.area, rtol=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.isel(lat=slice(1, None)),
        lambda c: c.assign_coords(lon=c.lon + 0.5),
        lambda c: c.isel(time=slice(12, None)),
    ],
)
def test_variables_on_different_grids(change: Any) -> None:
    with pytest.raises(CubeError) as caught:
        habitat({"temperature": (noisy(), RANGE), "oxygen": (change(noisy()), (1, 2))})
    assert_one_line(caught.value, "different grids or times")


def test_species_of_a_table() -> None:
    table = pd.DataFrame(
        {"min": [5, 0.0], "preferred_min": [10, 2], "preferred_max": [18, 9], "max": [22, 12]},
        index=["sardine", "cod"],
    )
    cube = noisy()
    with no_compute():
        found = habitat(cube.chunk(time=10), thermal_range=table, min_coverage=0.5)
        results = everything(found)
    assert found.suitability.dims == ("species", "time", "lat", "lon")
    assert found.suitability.chunksizes["species"] == (1, 1)
    assert found.suitability.species.values.tolist() == ["sardine", "cod"]
    for name in table.index:
        one = everything(habitat(cube, thermal_range=table.loc[name], min_coverage=0.5))
        for key in one:
            np.testing.assert_allclose(
                results[key].sel(species=name).transpose(*one[key].dims), one[key],
                rtol=1e-9, atol=1e-9,
            )  # fmt: skip


def test_a_point_has_days_but_no_area() -> None:
    series = noisy()[:, 0, 0].drop_vars(["lat", "lon"])
    found = habitat(series, thermal_range=RANGE, min_coverage=0)
    assert found.days.dims == ("time",)
    with pytest.raises(AxisError):
        _ = found.area


def test_a_variable_with_times_that_are_wrong_is_not_taken_as_still() -> None:
    cube = noisy()
    twice = xr.concat([cube, cube], "time")
    with pytest.raises(AxisError, match="increasing|duplicate"):
        habitat({"temperature": (cube, RANGE), "oxygen": (twice, (1, 2))})


def test_other_dimensions_stay() -> None:
    cube = xr.concat([noisy(), noisy() + 1], "depth").transpose("time", "depth", "lat", "lon")
    found = habitat(cube.assign_attrs(units="degC").chunk(depth=1), thermal_range=RANGE)
    assert found.area.dims == ("time", "depth") and found.days.dims == cube.dims
    assert found.poleward_shift().slope.dims == ("depth", "hemisphere", "part")


def test_pint_comes_back() -> None:
    pytest.importorskip("pint_xarray")
    cube = noisy(holes=0.0)
    found = habitat(cube.pint.quantify(), thermal_range=RANGE, min_coverage=0.5)
    plain = habitat(cube, thermal_range=RANGE, min_coverage=0.5)
    assert f"{found.area.pint.units:~D}" == "km ** 2"
    np.testing.assert_allclose(found.area.pint.magnitude, plain.area)
    np.testing.assert_allclose(
        found.poleward_shift().slope.pint.magnitude, plain.poleward_shift().slope
    )
    assert found.days.pint.units == cube.pint.quantify().pint.units.__class__("day")


def test_results_can_be_saved_and_say_how_they_were_made(tmp_path: Path) -> None:
    found = habitat(noisy().chunk(time=12), thermal_range=RANGE, min_coverage=0.5)
    cc.save(found.datasets(), str(tmp_path / "cod.zarr"))
    back = cc.open(str(tmp_path / "cod.zarr"), group="periods")
    np.testing.assert_allclose(back.days, found.days)
    assert "habitat(" in back.attrs["history"]
    steps = found.area.attrs["climcube_provenance"]
    assert "habitat" in steps and "22.0" in steps
    assert "Habitat: habitat by temperature" in repr(found)
    change = found.change((2001, 2002), (2003, 2004))
    cc.save(change, str(tmp_path / "change.nc"))
    assert xr.open_dataset(tmp_path / "change.nc").state.attrs["flag_meanings"]


def test_real_sea_surface(reference_data: Path) -> None:
    """Water of 5 to 22 degC: about a quarter of the sea, most of it at all seasons."""
    sst = cc.open(reference_data / "gridded/ersstv5_sst_monthly_2010_2020.nc", variable="sst")
    found = habitat(sst, thermal_range=RANGE, units="degC")
    area = found.area.compute() / 1e6
    assert float(area.min()) > 75 and float(area.max()) < 105  # of 361 million km2 of sea
    assert found.days.isnull().all(("lat", "lon")).values.tolist() == [False] * 10 + [True]
    assert float(found.days.max()) == 366 and float(found.days.min()) == 0
    kelvin = (sst + 273.15).assign_attrs(sst.attrs | {"units": "K"})
    np.testing.assert_allclose(
        habitat(kelvin, thermal_range=RANGE, units="degC").area, area * 1e6, rtol=1e-5
    )
    places = found.latitudes().isel(time=slice(0, 10)).mean("time")
    assert (places.sel(part="centre") > 35).all() and (places.sel(part="centre") < 45).all()
    assert (places.sel(part="trailing_edge") < places.sel(part="leading_edge")).all()
    change = found.change((2010, 2012), (2017, 2019))
    assert 80e6 < float(change.area_stable) < 95e6 and 3e6 < float(change.area_gain) < 5e6
