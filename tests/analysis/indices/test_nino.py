"""Nino boxes, ONI, IOD: brute force, moving bases, episodes, calendars, units, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.indices.iod import iod
from climcube.analysis.indices.nino import nino34, oni
from climcube.errors import CalendarError, CubeError, ParameterError, UnitsError
from climcube.kernels.oceanic_nino import oceanic_nino
from climcube.testing.laziness import no_compute
from tests.analysis.indices.oceans import CALENDARS, globe, months


def box_anomaly(sst: xr.DataArray, lat: slice, lon: slice, base: tuple[str, str]) -> np.ndarray:
    """The definition in plain xarray: cos(lat) is exact for rows of equal height."""
    cut = sst.sel(lat=lat, lon=lon)
    cycle = cut.sel(time=slice(*base)).groupby("time.month").mean()
    departure = cut.groupby("time.month") - cycle
    return departure.weighted(np.cos(np.deg2rad(cut.lat))).mean(["lat", "lon"]).values


def test_one_cell_is_its_own_box() -> None:
    sst = globe(1991, 2000, CALENDARS[0])
    row = sst.sel(
        lat=[sst.lat.values[np.abs(sst.lat.values).argmin()]], lon=[200], method="nearest"
    )
    cell = row.isel(lat=0, lon=0)
    np.testing.assert_allclose(nino34(cell), nino34(row), rtol=0, atol=1e-12)
    with pytest.raises(ParameterError, match="no cell"):
        nino34(cell, region="nino12")


@pytest.mark.parametrize("calendar", CALENDARS)
def test_nino_boxes_are_area_means_of_anomalies(calendar: str) -> None:
    sst = globe(1991, 2000, calendar)
    base = ("1993", "1998")
    boxes = {
        "nino34": (slice(-5, 5), slice(190, 240)),
        "nino3": (slice(-5, 5), slice(210, 270)),
        "nino4": (slice(-5, 5), slice(160, 210)),
        "nino12": (slice(-10, 0), slice(270, 280)),
    }
    for name, (lat, lon) in boxes.items():
        found = nino34(sst, region=name, base_period=base)
        np.testing.assert_allclose(found, box_anomaly(sst, lat, lon, base), atol=1e-12)
        assert found.name == name == str(found.region.values)
        assert found.attrs["units_metadata"] == "temperature: difference"
    assert found.time.dt.calendar == sst.time.dt.calendar


def test_longitudes_of_either_convention_and_either_order_of_latitude() -> None:
    sst = globe(1991, 1995)
    turned = (
        sst.assign_coords(lon=(sst.lon + 180) % 360 - 180)
        .sortby("lon")
        .isel(lat=slice(None, None, -1))
    )
    np.testing.assert_allclose(nino34(turned), nino34(sst), atol=1e-12)
    np.testing.assert_allclose(iod(turned).dmi, iod(sst).dmi, atol=1e-12)


def test_daily_values_are_averaged_by_month_first() -> None:
    time = xr.date_range("2001-01-01", "2002-12-31")
    lat, lon = [-2.5, 2.5], [200.0, 210.0]
    values = np.random.default_rng(0).normal(27, 1, (time.size, 2, 2))
    sst = xr.DataArray(values, {"time": time, "lat": lat, "lon": lon}, ("time", "lat", "lon"))
    expected = nino34(sst.resample(time="MS").mean())
    np.testing.assert_allclose(nino34(sst), expected, atol=1e-12)
    half = nino34(sst[:-15])  # half a December
    assert np.isnan(half[-1]) and half.sizes["time"] == 24
    np.testing.assert_allclose(half[:11], expected[:11], atol=1e-12)


def test_iod_is_west_minus_east() -> None:
    sst, base = globe(1991, 2000), ("1991", "2000")
    found = iod(sst)
    west = box_anomaly(sst, slice(-10, 10), slice(50, 70), base)
    east = box_anomaly(sst, slice(-10, 0), slice(90, 110), base)
    np.testing.assert_allclose(found.west, west, atol=1e-12)
    np.testing.assert_allclose(found.east, east, atol=1e-12)
    np.testing.assert_allclose(found.dmi, west - east, atol=1e-12)


def cosine(first: int, last: int) -> xr.DataArray:
    """A cycle of the year plus noise, by month."""
    time = months(first, last)
    rng = np.random.default_rng(5)
    values = (
        26 + np.cos(2 * np.pi * (time.dt.month.values - 4) / 12) + rng.normal(0, 0.8, time.size)
    )
    return xr.DataArray(values, {"time": time.values}, ("time",), "sst", {"units": "degC"})


def moving_by_hand(sst: xr.DataArray) -> np.ndarray:
    """Month by month: the base of each, written out."""
    year, month = sst.time.dt.year.values, sst.time.dt.month.values
    out = np.full(sst.size, np.nan)
    for i, (y, m) in enumerate(zip(year, month, strict=True)):
        start = 1951
        while start + 5 <= y:
            start += 5
        first, last = start - 15, start + 14
        if last > 2020:
            first, last = 1991, 2020
        if first < year.min() or last > year.max():
            continue
        pool = (year >= first) & (year <= last) & (month == m)
        out[i] = sst.values[i] - sst.values[pool].mean()
    return out


def test_oni_moves_its_base_by_blocks_of_five_years() -> None:
    sst = cosine(1936, 2024)
    with pytest.warns(UserWarning, match=r"1936..1949 .* base_period="):
        found = oni(sst)
    by_hand = moving_by_hand(sst.sel(time=slice("1950", None)))
    whole = moving_by_hand(sst)
    late = sst.time.dt.year.values >= 1950
    np.testing.assert_allclose(found.anomaly[late], whole[late], atol=1e-12)
    assert np.isnan(by_hand[:180]).all()  # the record from 1950 lacks the bases up to 1965
    expected = np.full(sst.size, np.nan)
    expected[1:-1] = (
        found.anomaly.values[:-2] + found.anomaly.values[1:-1] + found.anomaly.values[2:]
    ) / 3
    np.testing.assert_allclose(found.oni, expected, atol=1e-12)
    starts = dict(
        zip(sst.time.dt.year.values.tolist(), found.base_start.values.tolist(), strict=True)
    )
    expected_starts = {
        1949: 0,
        1950: 1936,
        1951: 1936,
        1955: 1936,
        1956: 1941,
        2005: 1986,
        2006: 1991,
        2024: 1991,
    }
    assert {y: starts[y] for y in expected_starts} == expected_starts
    assert found.season[:3].values.tolist() == ["DJF", "JFM", "FMA"]


def episodes_by_hand(season: np.ndarray) -> np.ndarray:
    out = np.zeros(len(season), int)
    for sign in (1, -1):
        run: list[int] = []
        for i, value in enumerate([*(sign * season), np.nan]):
            if value >= 0.5 - 1e-9:
                run.append(i)
                continue
            if len(run) >= 5:
                out[run] = sign
            run = []
    return out


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.3, 3))
def test_episodes_are_runs_of_five_of_one_sign(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(0, size, 371), np.ones(12) / 12, "valid")
    sst = cosine(1991, 2020).copy(data=27 + noise)
    sst[rng.integers(0, 360, 3)] = np.nan
    found = oni(sst, base_period=(1991, 2020))
    by_hand = episodes_by_hand(found.oni.values)
    np.testing.assert_array_equal(found.episode, by_hand)
    assert ((found.strength > 0) == (by_hand != 0)).all()
    for grade, least in enumerate((0.5, 1.0, 1.5, 2.0), start=1):
        members = np.abs(found.oni.values[found.strength.values == grade])
        assert not members.size or members.max() >= least - 1e-9
        assert grade == 4 or not members.size or members.max() < least + 0.5


def found_in(season: list[float], decimals: int = -1) -> tuple[list[int], list[int]]:
    """Episodes and strengths of 3-month means that are given: a base of zeros before them."""
    departure = np.zeros((1, 24 + len(season) * 3))
    month = np.arange(departure.shape[1]) % 12
    places = 25 + 3 * np.arange(len(season))
    for place, value in zip(places, season, strict=True):
        departure[0, place - 1 : place + 2] = value
    base = np.zeros(departure.shape[1], int)
    _, mean, episode, strength = oceanic_nino(
        departure, month, base, np.array([[0, 24]]), 0.9, decimals
    )
    np.testing.assert_allclose(mean[0, places], season, atol=1e-15)
    return episode[0, places].tolist(), strength[0, places].tolist()


@pytest.mark.parametrize(
    ("value", "strength"),
    [(0.5, 1), (0.99, 1), (1.0, 2), (1.5, 3), (1.99, 3), (2.0, 4), (3.1, 4), (0.499999, 0)],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_limits_belong_to_the_stronger_class(value: float, strength: int, sign: int) -> None:
    episode, classes = found_in([sign * value] * 3 + [0.0])
    assert episode[:3] == [sign * (strength > 0)] * 3
    assert classes[:3] == [strength] * 3


def test_tenths_are_compared_as_noaa_does() -> None:
    assert found_in([0.46] * 3)[0] == [0, 0, 0]
    assert found_in([0.46] * 3, decimals=1)[0] == [1, 1, 1]


def test_too_short_runs_are_no_episode() -> None:
    assert found_in([0.7, 0.0])[0] == [0, 0]
    assert found_in([0.6, 0.6, 0.6, -0.6, -2.3, 0.0])[1] == [1, 1, 1, 4, 4, 0]


def test_oni_of_the_box_equals_oni_of_its_mean_and_chunks_leave_no_trace() -> None:
    sst = globe(1991, 2020)
    box = sst.sel(lat=slice(-5, 5), lon=slice(190, 240)).mean(["lat", "lon"])
    whole = oni(sst, base_period=(1991, 2020))
    np.testing.assert_allclose(
        whole.oni, oni(box.assign_attrs(units="degC"), base_period=(1991, 2020)).oni, atol=1e-12
    )
    for chunks in ({"time": 7}, {"time": 100, "lon": 9}, {"lat": 5, "lon": 11}):
        with no_compute():
            lazy = (oni(sst.chunk(chunks), base_period=(1991, 2020)), iod(sst.chunk(chunks)))
        np.testing.assert_allclose(lazy[0].oni, whole.oni, atol=1e-12)
        np.testing.assert_array_equal(lazy[0].episode, whole.episode)
        np.testing.assert_allclose(lazy[1].dmi, iod(sst).dmi, atol=1e-12)


def test_only_the_chunks_of_the_region_are_read() -> None:
    import dask.array as da

    read: list[Any] = []

    def look(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        read.append(block_info[0]["chunk-location"][1:])
        return block

    sst = globe(1991, 1992).chunk(lat=7, lon=12)
    sst = sst.copy(data=da.map_blocks(look, sst.data, dtype=sst.dtype, meta=np.empty((0, 0, 0))))
    read.clear()
    nino34(sst).compute(scheduler="synchronous")
    assert set(read) <= {(1, 3), (2, 3), (1, 4), (2, 4)}


def test_members_have_an_index_each() -> None:
    sst = globe(1991, 2000)
    both = xr.concat([sst, sst.roll(time=24, roll_coords=False) + 1], "member").transpose(
        "time", "member", ...
    )
    both.attrs = sst.attrs
    found = oni(both, base_period=(1991, 2000))
    assert found.oni.dims == ("time", "member")
    np.testing.assert_allclose(found.oni[:, 0], oni(sst, base_period=(1991, 2000)).oni, atol=1e-12)


def test_kelvin_and_quantities_give_the_same_answers() -> None:
    sst = globe(1991, 2000)
    kelvin = (sst + 273.15).assign_attrs(sst.attrs | {"units": "K"})
    plain, warm = (oni(cube, base_period=(1991, 2000)) for cube in (sst, kelvin))
    np.testing.assert_allclose(warm.oni, plain.oni, atol=1e-10)
    np.testing.assert_array_equal(warm.episode, plain.episode)
    assert warm.oni.attrs["units"] == "K"
    quantified = sst.pint.quantify({"lat": None, "lon": None})
    found = oni(quantified, base_period=(1991, 2000))
    assert str(found.oni.pint.units) == "delta_degree_Celsius"
    np.testing.assert_allclose(found.oni.pint.magnitude, plain.oni, atol=1e-12)
    assert str(nino34(quantified).pint.units) == "delta_degree_Celsius"
    assert str(iod(quantified).dmi.pint.units) == "delta_degree_Celsius"
    del sst.attrs["units"]
    np.testing.assert_array_equal(oni(sst, base_period=(1991, 2000)).oni, plain.oni)


@pytest.mark.parametrize("function", [nino34, oni, iod])
@pytest.mark.parametrize(
    ("attrs", "text"),
    [
        ({"units": "mm day-1"}, "mm day-1"),
        ({"units": "1e-3"}, "temperature"),
        ({"standard_name": "precipitation_flux"}, "precipitation_flux"),
        ({"units": "degF"}, "convert it to degC"),
    ],
)
def test_what_is_no_temperature_is_refused(function: Any, attrs: dict[str, str], text: str) -> None:
    sst = globe(1991, 1992)
    sst.attrs = attrs
    with pytest.raises(UnitsError, match=text):
        function(sst)


def test_what_else_is_refused() -> None:
    sst = globe(1991, 1995)
    with pytest.raises(CalendarError, match=r"1991..1995; pass base_period=\(1991, 1995\)"):
        oni(sst)
    with pytest.raises(CalendarError, match="1991..1995"):
        nino34(sst, base_period=(1981, 2010))
    with pytest.raises(CalendarError, match="1991..1995"):
        oni(sst, base_period=(1981, 2010))
    with pytest.raises(ParameterError, match="no cell"):
        nino34(sst.sel(lat=slice(20, 60)))
    with pytest.raises(ParameterError, match="no cell"):
        iod(sst.sel(lon=slice(0, 80)))
    with pytest.raises(ParameterError, match="nino3"):
        nino34(sst, region="nino35")
    with pytest.raises(ParameterError, match="decimals"):
        oni(sst, decimals=-1)
    annual = sst[::12]
    with pytest.raises(CalendarError, match="daily or monthly"):
        oni(annual)
    hours = xr.date_range("2001-01-01", periods=60 * 4, freq="6h")
    sub = xr.DataArray(np.zeros(240), {"time": hours}, ("time",), attrs={"units": "degC"})
    with pytest.raises(CalendarError, match="daily or monthly"):
        nino34(sub)
    infinite = cosine(1991, 2020)
    infinite[5] = np.inf
    found = oni(infinite, base_period=(1991, 2020))  # monthly means take it for missing
    assert np.isnan(found.oni[4:7]).all()
    with pytest.raises(CubeError):
        oni(infinite.astype(str))


def test_no_warning_where_every_base_is_there() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        oni(cosine(1991, 2020).sel(time=slice("1991", None)), base_period=(1991, 2020))
        found = oni(cosine(1936, 2020).sel(time=slice("1936", None)), base_period=(1981, 2010))
    assert (found.base_start == 1981).all()
