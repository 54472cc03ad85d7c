"""Degree heating weeks: the definition day by day, ties, gaps, new days, units, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.indices.heating_weeks import degree_heating_weeks
from climcube.analysis.indices.warmest_month import maximum_monthly_mean
from climcube.errors import (
    CalendarError,
    ChunkError,
    CubeError,
    ParameterError,
    UnitsError,
)
from climcube.testing.laziness import no_compute
from tests.analysis.indices.oceans import CALENDARS, series


def by_hand(
    x: np.ndarray, mmm: float, day: np.ndarray, decimals: int, max_missing: int = 0
) -> dict[str, np.ndarray]:
    """Every window summed anew, by date."""
    hotspot = np.maximum(x - mmm, 0)
    dhw, alert = np.full(len(x), np.nan), np.full(len(x), -1)
    rounded = np.round(x - mmm, decimals)
    for i in range(len(x)):
        inside = (day > day[i] - 84) & (day <= day[i])
        missing = 84 - int(np.isfinite(x[inside]).sum())
        if day[i] - day[0] < 83 or missing > max_missing:
            continue
        counted = inside & (rounded >= 1)
        dhw[i] = hotspot[counted].sum() / 7
        if np.isfinite(x[i]):
            weeks = np.round(dhw[i], 7)
            alert[i] = np.sum([rounded[i] > 0, rounded[i] >= 1])
            if rounded[i] >= 1:
                alert[i] += np.sum(weeks >= np.array([4, 8]))
    return {"hotspot": hotspot, "dhw": dhw, "alert": alert}


def packed(integers: np.ndarray, kind: str = "float32", offset: float = 0.0) -> xr.DataArray:
    """Values as xarray decodes them from hundredths."""
    cube = series((integers * 0.01 + offset).astype(kind))
    cube.encoding = {"scale_factor": 0.01, "add_offset": offset, "dtype": "int16"}
    return cube


def summer(days: int, seed: int = 0) -> np.ndarray:
    """Hundredths of a degree about an MMM of 29 that stay warm for weeks."""
    rng = np.random.default_rng(seed)
    slow = np.convolve(rng.normal(0, 1, days + 29), np.ones(30) / 30, "valid")
    return np.rint(2910 + 600 * slow + rng.integers(-40, 40, days)).astype(int)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(60, 400), st.integers(0, 5), st.booleans())
def test_every_window_summed_anew(seed: int, days: int, allowed: int, gaps: bool) -> None:
    integers = summer(days, seed)
    cube = packed(integers)
    rng = np.random.default_rng(seed)
    exact = integers * 0.01
    if gaps:
        lost = rng.integers(0, days, 3)
        cube[lost], exact[lost] = np.nan, np.nan
        kept = np.setdiff1d(np.arange(days), rng.integers(1, days, 2))
    else:
        kept = np.arange(days)
    found = degree_heating_weeks(cube[kept], mmm=29.0, max_missing=allowed)
    expected = by_hand(exact[kept], 29.0, kept, 2, allowed)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 273.15])
def test_exactly_one_counts_for_every_mmm_on_the_grid(kind: str, offset: float) -> None:
    """Decoded to float32, many of them fall short of 1."""
    fell_short = 0
    for hundredths in range(2800, 2900, 3):
        cube = packed(np.full(90, hundredths + 100), kind, offset)
        cube.attrs["units"] = "degC" if not offset else "K"
        mmm = hundredths * 0.01 + offset
        fell_short += float(cube[0]) - mmm < 1
        found = degree_heating_weeks(cube, mmm=mmm)
        assert float(found.dhw[-1]) == pytest.approx(12, abs=1e-6)
        assert float(found.hotspot[-1]) == 1 and int(found.alert[-1]) == 4
        level = degree_heating_weeks(cube - 1, mmm=mmm)  # SST equals MMM
        assert not level.alert[83:].any()
    assert fell_short > 3 or kind == "float64"


def test_unpacked_values_meet_limits_that_they_miss_by_rounding() -> None:
    for kind, offset in (("float32", 0.0), ("float32", 273.15), ("float64", 273.15)):
        cube = series((np.full(90, 29.57) + offset).astype(kind), units="K" if offset else "degC")
        assert float(degree_heating_weeks(cube, mmm=28.57 + offset).dhw[-1]) > 11.9
    short = series(np.full(90, 29.5699))
    assert float(degree_heating_weeks(short, mmm=28.57).dhw[-1]) == 0


def test_the_first_dhw_is_the_84th_days_and_a_missing_day_costs_84() -> None:
    cube = series(np.full(300, 31.0))
    found = degree_heating_weeks(cube, mmm=29.0)
    assert np.isnan(found.dhw[:83]).all() and (found.dhw[83:] == 24).all()
    assert (found.alert[:83] == -1).all()
    cube[150] = np.nan
    absent = cube.drop_isel(time=150)
    found = degree_heating_weeks(cube, mmm=29.0)
    assert np.isnan(found.dhw[150:234]).all() and found.dhw[[149, 234]].notnull().all()
    other = degree_heating_weeks(absent, mmm=29.0)
    np.testing.assert_array_equal(other.dhw, found.dhw.drop_isel(time=150))
    allowed = degree_heating_weeks(cube, mmm=29.0, max_missing=1)
    assert float(allowed.dhw[150]) == pytest.approx(83 * 2 / 7)
    assert int(allowed.alert[150]) == -1  # today's HotSpot is not known
    assert np.isnan(allowed.dhw[:83]).all()  # the record's start is no missing day


@pytest.mark.parametrize(
    ("weeks", "level", "extended"),
    [
        (0, 2, 2), (3.999, 2, 2), (4, 3, 3), (7.999, 3, 3), (8, 4, 4), (11.999, 4, 4), (12, 4, 5),
        (16, 4, 6), (20, 4, 7), (30, 4, 7),
    ],
)  # fmt: skip
def test_alert_levels(weeks: float, level: int, extended: int) -> None:
    """Days before today's HotSpot of 1 add up to the rest."""
    values = np.full(84, 20.0)
    rest = weeks * 7 - 1
    for i in range(10):
        part = min(rest - i * 25, 25)
        if part > 0:
            values[i] = 29 + (part if rest - i * 25 > 1 else 0)
    values[-1] = 30
    for steps, expected in ((False, level), (True, extended)):
        found = degree_heating_weeks(series(values), mmm=29.0, extended_alerts=steps)
        assert int(found.alert[-1]) == expected
        assert found.alert.attrs["flag_values"][-1] == (7 if steps else 4)
        assert len(found.alert.attrs["flag_meanings"].split()) == len(
            found.alert.attrs["flag_values"]
        )


def test_watch_and_no_stress_whatever_has_built_up() -> None:
    values = np.full(90, 31.0)
    values[-2:] = 29.5, 28.0
    found = degree_heating_weeks(series(values), mmm=29.0)
    assert found.alert[-3:].values.tolist() == [4, 1, 0]
    assert float(found.dhw[-1]) > 20


@pytest.mark.parametrize("calendar", CALENDARS)
def test_largest_of_each_year_in_every_calendar(calendar: str) -> None:
    time = xr.date_range(
        "2001-01-01", periods=1000, calendar=calendar, use_cftime=calendar != "standard"
    )
    values = summer(1000) * 0.01
    cube = xr.DataArray(values, {"time": time}, ("time",), "sst", {"units": "degC"})
    found = degree_heating_weeks(cube, mmm=29.0)
    years = found.dhw.groupby("time.year").max()
    np.testing.assert_array_equal(found.dhw_max, years)
    assert found.year.dt.calendar == cube.time.dt.calendar
    assert found.year.dt.year.values.tolist() == years.year.values.tolist()


def tile(days: int = 400) -> xr.DataArray:
    """Four places, one of them land."""
    values = np.stack([summer(days, s) for s in range(4)], axis=1).reshape(days, 2, 2) * 0.01
    cube = series(np.zeros(days)).expand_dims(lat=[0.0, 1.0], lon=[5.0, 6.0], axis=(1, 2))
    cube = cube.copy(data=values.astype("float32"))
    cube[:, 1, 1] = np.nan
    cube.encoding = {"scale_factor": 0.01, "add_offset": 0.0, "dtype": "int16"}
    return cube


@settings(deadline=None, max_examples=8)
@given(st.integers(90, 399), st.integers(83, 200))
def test_new_days_after_83_others_give_what_the_whole_record_gives(cut: int, kept: int) -> None:
    cube = tile()
    mmm = xr.DataArray([[29.0, 29.13], [28.97, np.nan]], {"lat": cube.lat, "lon": cube.lon})
    whole = degree_heating_weeks(cube, mmm=mmm).isel(time=slice(cut, None))
    before = cube[max(0, cut - kept) : cut]
    new = degree_heating_weeks(cube[cut:], mmm=mmm, before=before)
    for name in ("hotspot", "dhw", "alert", "mmm"):
        np.testing.assert_array_equal(new[name], whole[name], err_msg=name)
    expected = whole.dhw.groupby("time.year").max().transpose("year", "lat", "lon")
    np.testing.assert_array_equal(new.dhw_max, expected)
    lazy = degree_heating_weeks(cube[cut:].chunk(lat=1), mmm=mmm, before=before.chunk(time=30))
    assert lazy.dhw.chunks is not None
    np.testing.assert_array_equal(lazy.dhw, whole.dhw)
    np.testing.assert_array_equal(lazy.dhw_max, expected)


@pytest.mark.parametrize("chunks", [{"lat": 1}, {"lon": 1, "time": -1}, {"lat": 1, "lon": 1}])
def test_chunks_and_order_leave_no_trace(chunks: dict[str, int]) -> None:
    cube = tile(900)
    options = {"base_period": (2001, 2002), "centre_year": 2001.5}
    whole = degree_heating_weeks(cube, **options)
    with no_compute():
        lazy = degree_heating_weeks(cube.transpose("lon", "time", "lat").chunk(chunks), **options)
    assert all(v.chunks is not None for v in lazy.data_vars.values())
    for name in whole.data_vars:
        np.testing.assert_array_equal(lazy[name].transpose(*whole[name].dims), whole[name])
    assert np.isnan(whole.mmm[1, 1]) and (whole.alert[:, 1, 1] == -1).all()
    assert whole.dhw.dtype == "float32"
    np.testing.assert_array_equal(whole.mmm, maximum_monthly_mean(cube, **options).mmm)


def test_maximum_monthly_mean_is_the_warmest_month_on_its_trend() -> None:
    rng = np.random.default_rng(3)
    time = xr.date_range("1984-01-01", "2013-12-31")
    cycle = 27 + 2 * np.cos(2 * np.pi * (time.day_of_year - 220) / 365.25)
    values = cycle.to_numpy() + 0.03 * (time.year - 1985) + rng.normal(0, 0.4, time.size)
    cube = xr.DataArray(values, {"time": time}, ("time",), "sst", {"units": "degC"})
    found = maximum_monthly_mean(cube)
    monthly = cube.resample(time="MS").mean().sel(time=slice("1985", "2012"))
    expected = [
        np.polyval(np.polyfit(part.time.dt.year, part, 1), 1988.2857)
        for _, part in monthly.groupby("time.month")
    ]
    np.testing.assert_allclose(found.monthly, expected, atol=1e-9)
    assert float(found.mmm) == max(found.monthly.values)
    assert found.mmm.attrs["units"] == "degC"
    np.testing.assert_allclose(
        maximum_monthly_mean(cube.resample(time="MS").mean()).monthly, expected, atol=1e-9
    )
    few = (cube.time.dt.month == 8) & (cube.time.dt.year < 1988)  # 3 of 28 Augusts
    gappy = maximum_monthly_mean(cube.where(~few))
    assert np.isnan(gappy.monthly[7]) and np.isfinite(gappy.mmm)


def test_kelvin_and_quantities_give_the_same_answers() -> None:
    cube = tile(900).astype("float64").round(2)
    kelvin = (cube + 273.15).assign_attrs(units="K")
    options: dict[str, Any] = {"base_period": (2001, 2002), "centre_year": 2001.5}
    plain, warm = (degree_heating_weeks(c, **options) for c in (cube, kelvin))
    np.testing.assert_allclose(warm.dhw, plain.dhw, atol=1e-6)
    np.testing.assert_allclose(warm.mmm - 273.15, plain.mmm, atol=1e-9)
    np.testing.assert_array_equal(warm.alert, plain.alert)
    assert (plain.dhw.attrs["units"], warm.dhw.attrs["units"]) == ("degC week", "K week")
    mixed = degree_heating_weeks(kelvin, mmm=plain.mmm)
    np.testing.assert_allclose(mixed.dhw, plain.dhw, atol=1e-6)
    turned = degree_heating_weeks(cube, mmm=warm)
    np.testing.assert_allclose(turned.dhw, plain.dhw, atol=1e-6)
    quantified = cube.pint.quantify({"lat": None, "lon": None})
    found = degree_heating_weeks(quantified, **options)
    np.testing.assert_allclose(found.dhw.pint.magnitude, plain.dhw, atol=1e-9)
    assert str(found.dhw.pint.units) == "delta_degree_Celsius * week"
    assert str(found.mmm.pint.units) == "degree_Celsius"
    again = degree_heating_weeks(quantified, mmm=found.mmm)
    np.testing.assert_array_equal(again.dhw.pint.magnitude, found.dhw.pint.magnitude)
    del cube.attrs["units"]
    np.testing.assert_array_equal(degree_heating_weeks(cube, **options).dhw, plain.dhw)


@pytest.mark.parametrize(
    ("attrs", "text"),
    [
        ({"units": "mm day-1"}, "expected a temperature in degC or K"),
        ({"units": "1e-3", "standard_name": "sea_water_salinity"}, "expected a temperature"),
        ({"units": "psu"}, "temperature|units"),
        ({"units": "degF"}, "convert it to degC"),
        ({"units": "degC", "units_metadata": "temperature: difference"}, "anomaly"),
    ],
)
def test_what_is_no_temperature_is_refused(attrs: dict[str, str], text: str) -> None:
    cube = tile()
    cube.attrs = attrs
    with pytest.raises(UnitsError, match=text):
        degree_heating_weeks(cube, mmm=29.0)


def test_what_else_is_refused() -> None:
    cube = tile()
    kelvin = (cube + 273.15).assign_attrs(units="K")
    unsaid = xr.full_like(cube[0], 29.0).drop_attrs()
    for other, number in ((kelvin, 29.0), (cube, 302.15), (kelvin, unsaid)):
        with pytest.raises(ParameterError, match="mmm looks like (degC|K)") as caught:
            degree_heating_weeks(other, mmm=number)
        assert "\n" not in str(caught.value)
    with pytest.raises(CalendarError, match=r"\(1985, 2012\).*2001..2002"):
        degree_heating_weeks(cube)
    with pytest.raises(ChunkError, match="rechunk"):
        degree_heating_weeks(cube.chunk(time=50), mmm=29.0)
    hours = xr.date_range("2001-01-01", periods=400, freq="6h")
    with pytest.raises(CalendarError, match=r"cc.daily_mean"):
        degree_heating_weeks(cube.assign_coords(time=hours), mmm=29.0)
    with pytest.raises(CalendarError, match="daily"):
        degree_heating_weeks(cube[::30], mmm=29.0)
    with pytest.raises(CubeError, match="different grids"):
        degree_heating_weeks(cube, mmm=cube[0].assign_coords(lat=[7.0, 8.0]))
    with pytest.raises(CubeError, match="dimensions that the cube lacks"):
        degree_heating_weeks(cube, mmm=cube)
    with pytest.raises(UnitsError, match="'m'"):
        degree_heating_weeks(cube, mmm=cube[0].assign_attrs(units="m"))
    for wrong in (-1, 84, 1.5, True):
        with pytest.raises(ParameterError, match="max_missing"):
            degree_heating_weeks(cube, mmm=29.0, max_missing=wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="centre_year"):
        maximum_monthly_mean(cube, base_period=(2001, 2002), centre_year=np.nan)
    infinite = cube.copy()
    infinite[7, 0, 0] = np.inf
    with pytest.raises(CubeError, match="time index 7"):
        degree_heating_weeks(infinite, mmm=29.0)


def test_what_cannot_come_before_is_refused() -> None:
    cube = tile()
    early, late = cube[:200], cube[200:]
    with pytest.raises(ParameterError, match="pass mmm="):
        degree_heating_weeks(late, before=early)
    with pytest.raises(CalendarError, match="do not come before"):
        degree_heating_weeks(late, mmm=29.0, before=cube[150:201])
    with pytest.raises(CubeError, match="another grid"):
        degree_heating_weeks(late, mmm=29.0, before=early.assign_coords(lat=[7.0, 8.0]))
    with pytest.raises(CubeError, match="other dimensions"):
        degree_heating_weeks(late, mmm=29.0, before=early[:, 0])
    with pytest.raises(UnitsError, match="other units"):
        degree_heating_weeks(late, mmm=29.0, before=early.assign_attrs(units="K"))
