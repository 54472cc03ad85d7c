"""Trends of quantiles on cubes: real time, gaps, chunks, packing, units, corners, false alarms."""

from __future__ import annotations

import warnings
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.trends.quantile_trend import quantile_trend
from climcube.cubes.calendar import TimeAxis
from climcube.errors import AxisError, ChunkError, CubeError, ParameterError, UnitsError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years
from tests.oracles.quantiles import best_lines

NAMES = ["slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n", "n_eff", "r1"]
SHARES = (0.1, 0.5, 0.95)


def quiet(cube: Any, *arguments: Any, **options: Any) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return quantile_trend(cube, *arguments, **options)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_slopes_are_those_of_all_lines_in_real_time(calendar: str) -> None:
    time = xr.date_range("1951-01-01", periods=36, freq="MS", calendar=calendar, use_cftime=True)
    values = np.round(290 + red((36, 2, 2)), 2)
    values[np.random.default_rng(5).random(values.shape) < 0.2] = np.nan
    cube = cube_of(values, time).isel(time=np.r_[0:9, 14:36])  # a gap keeps its length
    fit, axis = quiet(cube, SHARES), TimeAxis.of(cube)
    assert list(fit) == NAMES
    assert fit.slope.dims == ("quantile", "lat", "lon")
    assert fit.n.dims == ("lat", "lon")
    for i, j in np.ndindex(2, 2):
        x = cube.values[:, i, j]
        there = ~np.isnan(x)
        t = axis.decimal_year - axis.decimal_year[0]
        assert int(fit.n[i, j]) == there.sum()
        for q in SHARES:
            _, first, last, level = best_lines(t[there], x[there], q)
            own = fit.sel(quantile=q)
            assert float(own.slope[i, j]) == pytest.approx(5 * (first + last), rel=1e-9, abs=1e-9)
            assert float(own.intercept[i, j]) == pytest.approx(level, rel=1e-10)


def test_units_of_time_and_calendars() -> None:
    for calendar, days in (("standard", 365.2425), ("noleap", 365), ("360_day", 360)):
        time = xr.date_range("1980-01-01", "1989-12-30", freq="D", calendar=calendar,
                             use_cftime=True)  # fmt: skip
        empty = xr.DataArray(np.zeros(len(time)), coords={"time": time}, dims="time")
        year = TimeAxis.of(empty).decimal_year - 1980
        cube = cube_of(15 + 0.03 * year + np.resize([-1.0, 0.0, 0.0, 1.0], len(time)), time)
        for per, factor in (("year", 1), ("decade", 10), ("century", 100), ("month", 1 / 12)):
            fit = quiet(cube, 0.5, per=per)
            assert float(fit.slope[0]) == pytest.approx(0.03 * factor, rel=1e-9)
        assert float(quiet(cube, 0.5, per="day").slope[0]) * days == pytest.approx(0.03, rel=1e-9)
        assert float(quiet(cube, 0.5).intercept[0]) == pytest.approx(15, rel=1e-9)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 4),
    st.permutations(["time", "lat", "lon"]),
    st.permutations(SHARES),
    st.sampled_from(["rank_score", "t"]),
)
def test_chunks_leave_no_trace(tile: int, dims: list[str], shares: list[float], test: str) -> None:
    values = np.round(290 + red((130, 2, 4)), 1).astype("float32")
    values[::7, 0, 1] = np.nan
    cube = cube_of(values, years(130))
    whole = quantile_trend(cube, SHARES, test=test)
    with no_compute():
        lazy = quantile_trend(
            cube.transpose(*dims).chunk(time=-1, lat=1, lon=tile), shares, test=test
        )
    place = [("quantile" if d == "time" else d) for d in dims]
    assert list(lazy.slope.dims) == place
    with dask.config.set(scheduler="synchronous"):
        parts = lazy.compute().transpose("quantile", "lat", "lon").sel(quantile=list(SHARES))
    for name in NAMES:
        np.testing.assert_array_equal(parts[name], whole[name], err_msg=name)


@settings(deadline=None, max_examples=20)
@given(st.floats(-5, 5), st.floats(-300, 300), st.sampled_from([0.125, -2.0, 1024.0]))
def test_a_line_shifts_the_slope_and_a_unit_scales_it(
    rate: float, level: float, factor: float
) -> None:
    cube = cube_of(red((60, 2, 2), 0.3), years(60))
    before = quantile_trend(cube, (0.1, 0.3), per="year")
    ramp = xr.DataArray(np.arange(60) * rate, dims="time") + level
    turned = (0.1, 0.3) if factor > 0 else (0.9, 0.7)
    after = quantile_trend((cube + ramp) * factor, turned, per="year")
    close = {"rtol": 1e-8, "atol": 1e-9 * abs(factor)}
    np.testing.assert_allclose(after.slope, (before.slope.values + rate) * factor, **close)
    np.testing.assert_allclose(
        after.intercept, (before.intercept.values + level) * factor, rtol=1e-9, atol=1e-7
    )
    ends = [(before[name].values + rate) * factor for name in ("ci_low", "ci_high")]
    np.testing.assert_allclose(after.ci_low, ends[0 if factor > 0 else 1], **close)
    np.testing.assert_allclose(after.ci_high, ends[1 if factor > 0 else 0], **close)
    np.testing.assert_allclose(after.stderr, before.stderr.values * abs(factor), rtol=1e-7)
    np.testing.assert_allclose(after.n_eff, before.n_eff.values, rtol=1e-7)


@pytest.mark.parametrize("autocorrelation", ["ar1", "ar1_uncorrected", "none"])
def test_an_absent_step_and_a_missing_value_are_the_same(autocorrelation: str) -> None:
    values = red((120,), 0.6)
    values[[0, 4, 5, 60, 118]] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=120, freq="MS"))
    cube[0] = 290.0  # the record begins on the same day
    whole = quiet(cube, SHARES, autocorrelation=autocorrelation)
    closed = quiet(cube.dropna("time"), SHARES, autocorrelation=autocorrelation)
    for name in NAMES:
        np.testing.assert_allclose(whole[name], closed[name], rtol=1e-9, err_msg=name)


def test_packed_values_are_fitted_as_stored() -> None:
    values = np.round(15 + red((200, 3)), 2)
    exact = cube_of(np.rint(values * 100) * 0.01, years(200))
    packed = exact.astype("float32")
    packed.encoding = {"scale_factor": 0.01, "dtype": np.dtype("int16")}
    for name in NAMES:
        np.testing.assert_array_equal(quantile_trend(packed)[name], quantile_trend(exact)[name])


@pytest.mark.parametrize("n", [40, 300])
def test_special_series(n: int) -> None:
    values = np.full((n, 2, 3), np.nan)
    values[:, 0, 0] = 290.15  # constant
    values[:, 0, 1] = 290 + 0.5 * np.arange(n)  # exactly on a line
    values[[1, 7], 0, 2] = 1.0, 2.0  # too few
    values[[1, 7, 9], 1, 0] = 1.0, 2.0, 5.0  # a slope, but no autocorrelation to correct
    values[:, 1, 1] = np.arange(n) % 2  # all ties
    fit = quantile_trend(cube_of(values, years(n)), (0.1, 0.5), per="year").isel
    constant, exact, few = fit(lat=0, lon=0), fit(lat=0, lon=1), fit(lat=0, lon=2)
    for name, expected in (("slope", 0), ("stderr", 0), ("pvalue", 1), ("n_eff", n)):
        assert constant[name].values.tolist() == [expected, expected], name
    assert constant.ci_low.values.tolist() == constant.ci_high.values.tolist() == [0, 0]
    assert np.isnan(constant.r1).all()
    np.testing.assert_allclose(exact.slope, 0.5, rtol=1e-13)
    np.testing.assert_allclose(exact.intercept, 290, rtol=1e-13)
    np.testing.assert_allclose(exact.ci_high, 0.5, rtol=1e-13)
    assert (exact.stderr == 0).all()
    assert (exact.pvalue < 2e-3).all()
    assert int(few.n) == 2
    assert all(np.isnan(few[name]).all() for name in NAMES if name != "n")
    three, empty, ties = fit(lat=1, lon=0), fit(lat=1, lon=2), fit(lat=1, lon=1)
    assert np.isfinite(three.slope).all()
    assert all(np.isnan(three[name]).all() for name in ("pvalue", "stderr", "ci_low", "n_eff"))
    assert int(empty.n) == 0
    assert np.isnan(empty.slope).all()
    assert ties.slope[0] == 0
    assert ties.pvalue[0] == 1
    assert float(ties.slope[1]) == pytest.approx(1 / (n - 1))  # better than any level
    by_density = quantile_trend(cube_of(values, years(n)), 0.5, test="t").isel(quantile=0, lat=0)
    assert by_density.pvalue.values[:2].tolist() == [1, 0]


def test_min_valid_and_single_times() -> None:
    values = red((30, 2), 0.0)
    values[10:, 1] = np.nan
    fit = quantile_trend(cube_of(values, years(30)), min_valid=11)
    assert fit.n.values.tolist() == [30, 10]
    assert np.isnan(fit.slope.values).tolist() == [[False, True]] * 3
    assert fit.n.dtype == "int64"
    one = quantile_trend(cube_of(np.ones((1, 2)), years(1)))
    assert one.n.values.tolist() == [1, 1]
    assert np.isnan(one.slope).all()
    within = xr.date_range("2000-01-01", periods=200, freq="D")  # a single year
    assert np.isfinite(quantile_trend(cube_of(red((200,)), within)).slope).all()
    whole = quantile_trend(cube_of(np.arange(30, dtype="int16"), years(30)), 0.3)
    assert float(whole.slope[0]) == pytest.approx(10, rel=1e-12)


def test_extremes_of_a_short_record_have_no_limits() -> None:
    fit = quantile_trend(cube_of(red((18, 20), 0.0), years(18)), (0.05, 0.5))
    assert np.isnan(fit.ci_low[0]).all()
    assert (fit.pvalue[0] > 0.05).all()
    assert np.isfinite(fit.ci_low[1]).all()


def test_units_and_attributes() -> None:
    fit = quantile_trend(cube_of(red((30, 2)), years(30)))
    assert fit.slope.attrs["units"] == "degC decade-1"
    assert fit.slope.attrs["units_metadata"] == "temperature: difference"
    assert fit.slope.attrs["long_name"] == "linear trend of quantiles of sst"
    assert fit.n.attrs["long_name"] == "number of valid values of sst"
    assert fit.r1.attrs["long_name"] == "lag-1 autocorrelation of the residuals, by ranks"
    assert fit.intercept.attrs["units"] == "degC"
    assert fit["quantile"].values.tolist() == [0.05, 0.5, 0.95]
    assert fit["quantile"].attrs["units"] == "1"
    assert "quantile_trend(quantiles=[0.05, 0.5, 0.95]" in fit.slope.attrs["history"]
    assert "units" not in quantile_trend(cube_of(red((30,)), years(30), None)).slope.attrs


def test_quantities_come_out_as_quantities() -> None:
    import pint_xarray  # noqa: F401

    cube = cube_of(290 + red((30, 2)), years(30), "K").chunk(lat=1)
    fit = quantile_trend(cube.pint.quantify())
    assert str(fit.slope.pint.units) == "kelvin / decayear"
    np.testing.assert_allclose(fit.slope.pint.magnitude, quantile_trend(cube).slope)


def test_cut_time_and_infinite_values_are_refused() -> None:
    values = red((40, 2, 2))
    values[23, 1, 0] = np.inf
    cube = cube_of(values, years(40))
    with pytest.raises(ChunkError, match="quantile_trend needs each cell's whole series") as cut:
        quantile_trend(cube.chunk(time=9))
    assert "\n" not in str(cut.value)
    lazy = quantile_trend(cube.chunk(time=-1))
    for compute in (lazy.compute, lambda: quantile_trend(cube)):
        with pytest.raises(CubeError, match="infinite value at time index 23.*sst") as caught:
            compute()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantiles": (0.5, 1.0)}, "quantiles out of range.*between 0 and 1"),
        ({"quantiles": (0.0,)}, "quantiles out of range"),
        ({"quantiles": 95}, "quantiles out of range"),
        ({"quantiles": (0.5, float("nan"))}, "quantiles out of range"),
        ({"quantiles": ()}, "quantiles out of range"),
        ({"quantiles": "median"}, "quantiles out of range"),
        ({"quantiles": [[0.1, 0.5]]}, "quantiles out of range"),
        ({"quantiles": (0.5, 0.1, 0.5)}, "given twice"),
        ({"test": "mann_kendall"}, "unknown test.*'rank_score'"),
        ({"per": "week"}, "unknown per.*'decade'"),
        ({"autocorrelation": "hamed_rao"}, "unknown autocorrelation.*'ar1'"),
        ({"min_valid": 2}, "3 or more"),
        ({"confidence": 95}, "between 0 and 1"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        quantile_trend(cube_of(red((30,)), years(30)), **arguments)
    assert "\n" not in str(caught.value)


def test_cubes_are_checked() -> None:
    cube = cube_of(red((30, 2)), years(30))
    with pytest.raises(AxisError, match="duplicate times"):
        quantile_trend(cube.isel(time=[0, 1, 1, 2]))
    with pytest.raises(AxisError, match="not increasing"):
        quantile_trend(cube.isel(time=slice(None, None, -1)))
    with pytest.raises(UnitsError, match="unknown units"):
        quantile_trend(cube.assign_attrs(units="parsnip"))
    with pytest.raises(CubeError, match="needs numbers"):
        quantile_trend(cube.astype(str))
    with pytest.raises(CubeError, match="no dimension 'quantile'"):
        quantile_trend(cube.rename(lat="quantile"))


def test_a_seasonal_cycle_is_warned_of() -> None:
    time = xr.date_range("1980-01-01", periods=120, freq="MS")
    cube = cube_of(10 * np.sin(np.arange(120) / 6 * np.pi) + red((120,)), time)
    with pytest.warns(UserWarning, match=r"seasonal cycle.*cc\.quantile_trend\(cc\.anomaly"):
        quantile_trend(cube)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quantile_trend(cube.rename("anomaly"))


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_the_default_is_seldom_wrong(phi: float) -> None:
    cube = cube_of(red((100, 3000), phi, seed=20), years(100))
    fit = quantile_trend(cube, (0.1, 0.5, 0.9))
    rejected = fit.pvalue < 0.05
    assert (rejected.mean("lat") >= 0.015).all()
    assert (rejected.mean("lat") <= 0.065).all()
    outside = (fit.ci_low > 0) | (fit.ci_high < 0)
    assert (outside == rejected).all()
