"""Every everyday function: as a method, of quantities, of cubes laid out another way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr

import climcube as cc

BASE = (2000, 2001)
SEEN = {"lon": [16.0, -160.0], "lat": [2.0, 24.0], "time": ["2000-05-05", "2001-06-06"],
        "sst": [15.0, 16.0]}  # fmt: skip
WARM: dict[str, Any] = {"thermal_range": (10, 20), "units": "degC"}
Call = Callable[[Callable[..., Any]], Any]

FUNCTIONS: dict[str, tuple[str, Call]] = {
    "climatology": ("climatology", lambda f: f("day", window=11, smooth=31, base_period=BASE)),
    "spread": ("climatology", lambda f: f("month", statistic="std")),
    "percentile climatology": (
        "climatology",
        lambda f: f("day", statistic="percentile", window=11),
    ),
    "anomaly": ("anomaly", lambda f: f("month", base_period=BASE)),
    "standardized": ("anomaly", lambda f: f("season", standardize=True)),
    "annual_mean": ("annual_mean", lambda f: f()),
    "monthly_mean": ("monthly_mean", lambda f: f()),
    "seasonal_mean": ("seasonal_mean", lambda f: f("NDJFM", min_coverage=0.5)),
    "daily_mean": ("daily_mean", lambda f: f()),
    "rolling_mean": ("rolling_mean", lambda f: f(31)),
    "percentile": ("percentile", lambda f: f((10, 90))),
    "area_mean": ("area_mean", lambda f: f(region=(150, -150, -30, 30))),
    "area_sum": ("area_sum", lambda f: f(unit="km2")),
    "zonal_mean": ("zonal_mean", lambda f: f(region=(150, -150, -90, 90))),
    "zonal bands": ("zonal_mean", lambda f: f(band=45)),
    "mask": ("mask", lambda f: f((150, -150, -30, 30))),
    "nino34": ("nino34", lambda f: f(region=(150, -150, -30, 30))),
    "oni": ("oni", lambda f: f(base_period=BASE)),
    "iod": ("iod", lambda f: f(base_period=BASE)),
    "maximum_monthly_mean": ("maximum_monthly_mean", lambda f: f(base_period=BASE)),
    "degree_heating_weeks": ("degree_heating_weeks", lambda f: f(base_period=BASE)),
    "climate_velocity": ("climate_velocity", lambda f: f()),
    "habitat": ("habitat", lambda f: _of_habitat(f(**WARM))),
    "matchup": ("matchup", lambda f: f(SEEN, method="linear")),
    "nearest valid": ("matchup", lambda f: f(SEEN, method="nearest_valid", distance=2000)),
}


def _of_habitat(found: cc.Habitat) -> xr.Dataset:
    area = found.centroid.rename(lat="centre_lat", lon="centre_lon").assign(area=found.area)
    return area.assign(change=found.change((2000, 2000), (2001, 2001)).change)


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return cc.testing.synthetic_ocean(years=2, shape=(18, 36)).sst.isel(lat=slice(2, 16))


def result(name: str, cube: xr.DataArray, *, method: bool = False) -> xr.Dataset:
    function, call = FUNCTIONS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if method:
            found = call(getattr(cube.climcube, function))
        else:
            found = call(lambda *a, **k: getattr(cc, function)(cube, *a, **k))
    return (found.to_dataset(name="values") if isinstance(found, xr.DataArray) else found).compute()


@pytest.fixture(scope="module")
def expected(sst: xr.DataArray) -> dict[str, xr.Dataset]:
    return {name: result(name, sst) for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_a_method(sst: xr.DataArray, expected: dict[str, xr.Dataset], name: str) -> None:
    xr.testing.assert_identical(result(name, sst, method=True).drop_attrs(),
                                expected[name].drop_attrs())  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_quantities_come_out_as_quantities(
    sst: xr.DataArray, expected: dict[str, xr.Dataset], name: str
) -> None:
    found = result(name, sst.pint.quantify({"lat": None, "lon": None}))
    for variable, plain in expected[name].data_vars.items():
        own = found[variable]
        assert (own.pint.units is not None) == ("units" in plain.attrs), variable
        values = own.values if own.pint.units is None else own.pint.magnitude
        np.testing.assert_allclose(
            np.asarray(values, "float64"), plain.astype("float64"), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("layout", ["north to south", "dateline in the middle"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_however_the_map_is_laid_out(
    sst: xr.DataArray, expected: dict[str, xr.Dataset], name: str, layout: str
) -> None:
    cube = sst.isel(lat=slice(None, None, -1))
    if layout != "north to south":
        cube = sst.assign_coords(lon=(sst.lon + 180) % 360 - 180).sortby("lon")
    found = result(name, cube)
    if "lon" in found.dims:
        found = found.assign_coords(lon=found.lon % 360).sortby("lon")
    if "lat" in found.dims:
        found = found.sortby("lat")
    if "cell_lon" in found:
        found["cell_lon"] = found.cell_lon % 360
    if "values" in found and found["values"].dtype == bool:
        assert (found["values"] == expected[name]["values"]).all()
        return
    for variable, plain in expected[name].data_vars.items():
        np.testing.assert_allclose(
            found[variable].astype("float64"), plain.astype("float64"), rtol=1e-6, atol=1e-6
        )


OF_PLACES = ("area_mean", "area_sum", "zonal_mean", "zonal bands", "nino34", "oni", "iod",
             "climate_velocity", "habitat", "matchup")  # fmt: skip


@pytest.mark.parametrize("name", OF_PLACES)
@pytest.mark.parametrize("missing", ["all", "one"])
@pytest.mark.parametrize("axis", ["lat", "lon"])
def test_places_that_are_missing_are_said_to_be(
    sst: xr.DataArray, name: str, missing: str, axis: str
) -> None:
    values = sst[axis].values.astype("float64").copy()
    values[slice(None) if missing == "all" else 3] = np.nan
    kind = {"lat": "latitude", "lon": "longitude"}[axis]
    count = f"{len(values) if missing == 'all' else 1} of {len(values)} missing"
    with pytest.raises(cc.errors.AxisError, match=f"{kind} has missing values .*{count}"):
        result(name, sst.assign_coords({axis: values}))


def test_hours_are_told_in_hours() -> None:
    time = xr.date_range("2001-01-01", periods=40, freq="6h")
    cube = xr.DataArray(np.ones(40), {"time": time}, ("time",), "sst", {"units": "degC"})
    with pytest.raises(cc.errors.CalendarError, match="a usual step of 6 hours"):
        cc.nino34(cube)


# ---------------------------------------------------------------- coordinates with units


@pytest.mark.filterwarnings("error::pint.UnitStrippedWarning")
def test_coordinates_may_be_quantities_too(tmp_path) -> None:
    """As pint-xarray makes of ``units="degree"``: annual metrics were a KeyError."""
    sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    for name in ("lat", "lon"):
        sst[name] = sst[name].assign_attrs(units="degree")
    quantified = sst.pint.quantify()
    assert quantified.lat.pint.units is not None
    found, plain = cc.heatwaves(quantified), cc.heatwaves(sst)
    np.testing.assert_array_equal(found.annual.days.pint.magnitude, plain.annual.days)
    np.testing.assert_array_equal(found.events().intensity_max, plain.events().intensity_max)
    assert found.trend("days").slope.pint.units is not None
    assert len(cc.track(found).events()) == len(cc.track(plain).events())
    mean = cc.area_mean(quantified)
    np.testing.assert_array_equal(mean.pint.magnitude, cc.area_mean(sst))
    # What comes back fits what went in.
    departure = quantified - cc.anomaly(quantified, "month")
    assert departure.sizes == sst.sizes and departure.lat.pint.units == "degree"
    cc.save(found, tmp_path / "found.zarr")
    stored = xr.open_zarr(tmp_path / "found.zarr", group="annual")
    np.testing.assert_array_equal(stored.days, plain.annual.days)
