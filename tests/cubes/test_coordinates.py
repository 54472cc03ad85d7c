from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.cubes.coordinates import (
    cell_dims,
    find_spatial,
    find_time,
    select_variable,
)
from climcube.errors import AxisError, ClimcubeError, VariableError


def times(calendar: str | None = None) -> Any:
    return xr.date_range(
        "2000-01-01", periods=3, calendar=calendar or "standard", use_cftime=bool(calendar)
    )


def cube(time: str = "time", **coords: Any) -> xr.DataArray:
    return xr.DataArray(
        np.zeros((3, 4, 5)), dims=(time, "y", "x"), name="sst", coords={time: times()} | coords
    )


@pytest.mark.parametrize("name", ["time", "T", "t", "valid_time", "day", "Zeit"])
@pytest.mark.parametrize("calendar", [None, "noleap", "360_day"])
def test_time_is_found_by_what_it_holds(name: str, calendar: str | None) -> None:
    array = xr.DataArray(np.zeros((2, 3)), dims=("x", name), coords={name: times(calendar)})
    assert find_time(array) == name
    assert find_time(array.to_dataset(name="v")) == name


def test_a_dated_coordinate_that_is_no_dimension_is_none() -> None:
    array = xr.DataArray(np.zeros(3), dims="x", coords={"when": ("x", times())})
    with pytest.raises(AxisError, match="no time axis"):
        find_time(array)
    with pytest.raises(AxisError, match="no time axis"):
        find_time(cube().isel(time=0))


def test_undecoded_times_are_said_to_be_so() -> None:
    array = xr.DataArray(np.zeros(3), dims="time", coords={"time": [0, 1, 2]})
    with pytest.raises(
        AxisError, match=r"'time' with values that are not dates \(int64\).*decode_cf"
    ):
        find_time(array)


def test_two_time_axes_are_named_and_a_mark_decides() -> None:
    array = xr.DataArray(
        np.zeros((3, 3)), dims=("time", "reference"), coords={"time": times(), "reference": times()}
    )
    with pytest.raises(AxisError, match="several time axes.*time, reference.*axis"):
        find_time(array)
    array.reference.attrs["axis"] = "T"
    assert find_time(array) == "reference"
    array.time.attrs["axis"] = "T"
    with pytest.raises(AxisError, match="several"):
        find_time(array)


@pytest.mark.parametrize(
    ("attrs_lat", "attrs_lon"),
    [
        ({"standard_name": "latitude"}, {"standard_name": "longitude"}),
        ({"units": "degrees_north"}, {"units": "degrees_east"}),
        ({"units": "degree_N"}, {"units": "degreeE"}),
    ],
)
def test_horizontal_axes_are_found_by_attributes(attrs_lat: Any, attrs_lon: Any) -> None:
    array = cube(y=("y", np.arange(4.0), attrs_lat), x=("x", np.arange(5.0), attrs_lon))
    axes = find_spatial(array)
    assert (axes.latitude, axes.longitude, axes.dims) == ("y", "x", ("y", "x"))


@pytest.mark.parametrize(
    ("lat", "lon"),
    [("lat", "lon"), ("latitude", "longitude"), ("Latitude", "LONGITUDE"), ("nav_lat", "nav_lon")],
)
def test_horizontal_axes_are_found_by_usual_names(lat: str, lon: str) -> None:
    array = xr.DataArray(
        np.zeros((4, 5)), dims=(lat, lon), coords={lat: np.arange(4), lon: np.arange(5)}
    )
    axes = find_spatial(array)
    assert (axes.latitude, axes.longitude) == (lat, lon)


def test_curvilinear_grids() -> None:
    grid = {"nav_lat": (("y", "x"), np.zeros((4, 5))), "nav_lon": (("y", "x"), np.zeros((4, 5)))}
    axes = find_spatial(cube(**grid))
    assert (axes.latitude, axes.longitude, axes.dims) == ("nav_lat", "nav_lon", ("y", "x"))


def test_rotated_poles_do_not_count_as_latitude() -> None:
    array = cube(
        y=("y", np.arange(4.0), {"standard_name": "grid_latitude", "units": "degrees"}),
        x=("x", np.arange(5.0), {"standard_name": "grid_longitude", "units": "degrees"}),
        lat=(("y", "x"), np.zeros((4, 5)), {"standard_name": "latitude"}),
        lon=(("y", "x"), np.zeros((4, 5)), {"standard_name": "longitude"}),
    )
    assert find_spatial(array).latitude == "lat"


def test_bounds_are_no_second_latitude() -> None:
    north, east = {"units": "degrees_north"}, {"units": "degrees_east"}
    dataset = xr.Dataset(
        {"sst": (("y", "x"), np.zeros((4, 5)))},
        coords={
            "lat": (("y", "x"), np.zeros((4, 5)), north | {"bounds": "lat_bnds"}),
            "lon": (("y", "x"), np.zeros((4, 5)), east | {"bounds": "lon_bnds"}),
            "lat_bnds": (("y", "x", "corner"), np.zeros((4, 5, 4)), north),
            "lon_bnds": (("y", "x", "corner"), np.zeros((4, 5, 4)), east),
        },
    )
    assert find_spatial(dataset).latitude == "lat"


def test_stations_and_single_points() -> None:
    station = xr.DataArray(
        np.zeros((3, 4)),
        dims=("time", "station"),
        coords={
            "time": times(),
            "lat": ("station", np.arange(4.0)),
            "lon": ("station", np.arange(4.0)),
        },
    )
    assert find_spatial(station).dims == ("station",)
    assert find_spatial(station.isel(station=0)).dims == ()


def test_missing_and_ambiguous_axes() -> None:
    with pytest.raises(AxisError, match="no latitude coordinate.*found time.*standard_name"):
        find_spatial(cube())
    two = cube(
        a=(("y", "x"), np.zeros((4, 5)), {"standard_name": "latitude"}),
        b=(("y", "x"), np.zeros((4, 5)), {"standard_name": "latitude"}),
        lon=("x", np.arange(5.0)),
    )
    with pytest.raises(AxisError, match="several latitude coordinates.*a, b"):
        find_spatial(two)


def test_a_dimension_outranks_an_auxiliary_coordinate() -> None:
    array = xr.DataArray(
        np.zeros((4, 5)),
        dims=("lat", "lon"),
        coords={
            "lat": ("lat", np.arange(4.0), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(5.0), {"units": "degrees_east"}),
            "drifter_lat": (("lat", "lon"), np.zeros((4, 5)), {"units": "degrees_north"}),
        },
    )
    assert find_spatial(array).latitude == "lat"


def test_cells_are_every_dimension_but_time() -> None:
    assert cell_dims(cube(), "time") == ("y", "x")


def test_one_variable_is_chosen_or_asked_for() -> None:
    one = (
        cube()
        .to_dataset()
        .assign(
            time_bnds=(("time", "b"), np.zeros((3, 2))), crs=0, area=(("y", "x"), np.ones((4, 5)))
        )
    )
    one.sst.attrs["cell_measures"] = "area: area"
    assert select_variable(one, None, "x.nc").name == "sst"
    assert select_variable(one, "area", "x.nc").name == "area"
    two = one.assign(ice=cube())
    with pytest.raises(VariableError, match=r"x\.nc.*sst, ice.*variable="):
        select_variable(two, None, "x.nc")
    with pytest.raises(VariableError, match="did you mean 'sst'"):
        select_variable(two, "SST ".strip().lower()[:2], "x.nc")
    with pytest.raises(VariableError, match="no data variable"):
        select_variable(xr.Dataset(), None, "x.nc")
    assert issubclass(VariableError, ClimcubeError)


@pytest.mark.parametrize(("name", "units"), [("lat", "degrees_south"), ("lon", "degrees_west")])
def test_degrees_of_the_other_sign_are_refused(name: str, units: str) -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).sst
    ocean[name].attrs["units"] = units
    with pytest.raises(AxisError, match=f"counted {units[8:]}wards.*found {units}; change their"):
        cc.area_mean(ocean)
