"""Moments of a trend: added to, saved, refused; always the trend of the whole record."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import AxisError, CalendarError, CubeError, ParameterError, UnitsError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years

FLOATS = ["slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n_eff", "r1"]


def record(n: int = 80) -> xr.DataArray:
    cube = cube_of(290 + red((n, 2, 3)), years(n), "K").rename("sst_anomaly")
    cube[5:9, 0, 1] = np.nan
    cube[:, 1, 2] = np.nan
    return cube


def assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    np.testing.assert_array_equal(found.n, expected.n)
    for name in FLOATS:
        np.testing.assert_allclose(
            found[name].transpose(*expected[name].dims), expected[name], rtol=1e-9, atol=1e-12
        )
        assert found[name].attrs["units"] == expected[name].attrs["units"]


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(3, 79), max_size=6), st.sampled_from(["ar1", "none"]))
def test_any_parts_give_the_trend_of_the_whole(cuts: set[int], memory: str) -> None:
    cube, moments = record(), None
    for first, last in itertools.pairwise([0, *sorted(cuts), 80]):
        moments = cc.trend_moments(cube[first:last], before=moments)
    options = {"autocorrelation": memory, "per": "year", "confidence": 0.9}
    assert_same(cc.trend(moments, **options), cc.trend(cube, **options))


def test_a_gap_between_the_parts_is_no_neighbour() -> None:
    cube = record()
    absent = cube.isel(time=[*range(40), *range(43, 80)])
    moments = cc.trend_moments(absent[40:], before=cc.trend_moments(absent[:40]))
    assert_same(cc.trend(moments), cc.trend(absent))


@pytest.mark.parametrize("frequency", ["D", "MS", "6h"])
def test_single_times_can_be_added(frequency: str) -> None:
    time = xr.date_range("1999-12-25", periods=40, freq=frequency)
    cube = record(40).assign_coords(time=time)
    moments = cc.trend_moments(cube[:30])
    for k in range(30, 40):
        moments = cc.trend_moments(cube[k : k + 1], before=moments)
    assert_same(cc.trend(moments), cc.trend(cube))


def test_lazy_in_any_chunks() -> None:
    cube = record()
    with no_compute():
        lazy = cube.transpose("lat", "time", "lon").chunk(lat=1, time=7)
        first = cc.trend_moments(lazy.isel(time=slice(50)))
        fit = cc.trend(cc.trend_moments(lazy.isel(time=slice(50, None)), before=first))
    assert fit.slope.chunks is not None
    assert_same(fit, cc.trend(cube))


@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_saved_and_opened(tmp_path: Path, suffix: str) -> None:
    cube = record()
    path = str(tmp_path / f"moments.{suffix}")
    cc.save(cc.trend_moments(cube[:60]), path)
    opened = cc.open(path, variable="trend_moments")
    assert_same(cc.trend(cc.trend_moments(cube[60:], before=opened)), cc.trend(cube))


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_calendars(calendar: str) -> None:
    time = xr.date_range("1901-01-01", periods=80, freq="MS", calendar=calendar, use_cftime=True)
    cube = record().assign_coords(time=time)
    moments = cc.trend_moments(cube[33:], before=cc.trend_moments(cube[:33]))
    assert_same(cc.trend(moments, per="day"), cc.trend(cube, per="day"))


def test_words_and_periods_are_those_of_the_record() -> None:
    cube = record().assign_attrs(long_name="sea surface temperature anomaly")
    fit = cc.trend(cc.trend_moments(cube[60:], before=cc.trend_moments(cube[:60])))
    assert fit.attrs["time_coverage_start"] == "1901-01-01"
    assert fit.attrs["time_coverage_end"] == "1980-01-01"
    assert "sea surface temperature anomaly" in fit.slope.attrs["long_name"]
    assert fit.slope.attrs["units_metadata"] == "temperature: difference"


def test_what_does_not_fit_is_refused() -> None:
    cube = record()
    moments = cc.trend_moments(cube[:60])
    wrong: list[tuple[Any, type[Exception], str]] = [
        (cube[50:], AxisError, "do not follow"),
        (cube[60:].assign_attrs(units="degC"), UnitsError, "other units"),
        (cube[60:, :1], CubeError, "other cells"),
        (cube[60:].assign_coords(lat=[3.0, 4.0]), CubeError, "other cells"),
        (cube[60:, 0], CubeError, "other dimensions"),
        (cube[60:].convert_calendar("noleap", use_cftime=True), CalendarError, "calendar"),
    ]
    given = moments.assign_coords(lat=[1.0, 2.0])
    for new, error, text in wrong:
        before = given if "lat" in new.coords else moments
        with pytest.raises(error, match=text):
            cc.trend_moments(new, before=before)
    with pytest.raises(ParameterError, match="no moments"):
        cc.trend_moments(cube, before=cube)
    for options in ({"method": "theil_sen"}, {"test": "mann_kendall"}):
        with pytest.raises(ParameterError, match="moments know no ranks"):
            cc.trend(moments, **options)


def test_moments_are_known_by_name_not_by_place() -> None:
    moments = cc.trend_moments(record())
    plain = cc.trend(moments)
    for other in (
        moments.isel(moment=slice(None, None, -1)),
        moments.transpose(),
        moments.chunk(moment=4),
        moments.to_dataset(),  # as cc.open gives it
    ):
        xr.testing.assert_equal(cc.trend(other).transpose(*plain.dims), plain)
    with pytest.raises(ParameterError, match="not all moments"):
        cc.trend(moments[:6])
    later = record().assign_coords(time=years(160)[80:])
    for other in (moments.chunk(moment=4), moments.to_dataset()):
        xr.testing.assert_equal(
            cc.trend_moments(later, before=other), cc.trend_moments(later, before=moments)
        )


def test_anomalies_are_not_added_to_values() -> None:
    cube = record()
    moments = cc.trend_moments(cube)
    later = cube.assign_coords(time=years(160)[80:])
    with pytest.raises(UnitsError, match="anomalies"):
        cc.trend_moments(
            later.assign_attrs(units_metadata="temperature: difference"), before=moments
        )


def test_moments_of_quantities_give_quantities(tmp_path: Path) -> None:
    import pint_xarray  # noqa: F401 - registers .pint

    plain = cube_of(15 + red((30, 2, 3)), years(30))
    cube = plain.pint.quantify({"lat": None, "lon": None})
    expected = cc.trend(cube)
    moments = cc.trend_moments(cube)
    cc.save(moments, tmp_path / "m.nc")
    opened = xr.open_dataarray(tmp_path / "m.nc")
    joined = cc.trend_moments(plain[20:], before=cc.trend_moments(cube[:20]))
    for given_ in (moments, opened, joined):
        found = cc.trend(given_)
        assert found.slope.pint.units == expected.slope.pint.units
        assert found.intercept.pint.units == expected.intercept.pint.units
        np.testing.assert_allclose(
            found.slope.pint.magnitude, expected.slope.pint.magnitude, rtol=1e-9
        )
    assert cc.trend(cc.trend_moments(plain)).slope.pint.units is None


def test_units_with_a_factor() -> None:
    ice = cube_of(6 + red((30, 1, 1)), years(30)).assign_attrs(units="1e6 km2")
    assert cc.trend(ice).slope.units == "1e6 km2 decade-1"
    assert cc.trend(cc.trend_moments(ice)).slope.units == "1e6 km2 decade-1"
