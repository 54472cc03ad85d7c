"""Rank trends on cubes: the definition, gaps, chunks, units, corners, false alarms."""

from __future__ import annotations

import warnings
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from climcube.analysis.steps import one_step_apart, step_places
from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CalendarError, ChunkError, CubeError, ParameterError
from climcube.kernels.rank_settings import MEMORIES
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years

NAMES = ["slope", "intercept", "ci_low", "ci_high", "pvalue", "z", "s", "var_s", "tau", "n",
         "n_eff", "r1"]  # fmt: skip
RESULTS = [name for name in NAMES if name not in ("n", "s")]


def sen(cube: xr.DataArray, **options: Any) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return trend(cube, method="theil_sen", **options)


def definition(t: np.ndarray, x: np.ndarray, follows: np.ndarray) -> dict[str, float]:
    """The default by the letter of semantics.md section 2, all pairs written down."""
    there = ~np.isnan(x)
    n, tt, xx = there.sum(), t[there], x[there]
    i, j = np.triu_indices(n, 1)
    slopes = np.sort((xx[j] - xx[i]) / (tt[j] - tt[i]))
    slope = np.median(slopes)
    residual = np.where(there, x - slope * t, np.nan)
    residual -= np.nanmean(residual)
    products = (residual[:-1] * residual[1:])[follows[:-1]]
    r1 = np.nanmean(products) * (n - 1) / np.nansum(residual**2)
    r = np.clip((n * r1 + 2) / (n - 4), 0, 0.98)
    factor = max(1, 1 + 2 * sum((1 - k / n) * r**k for k in range(1, n)))
    s = np.sign(xx[j] - xx[i]).sum()
    _, ties = np.unique(xx, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    z = np.sign(s) * max(abs(s) - 1, 0) / np.sqrt(variance * factor)
    width = stats.norm.ppf(0.975) * np.sqrt(variance * factor)
    return {
        "slope": slope, "intercept": np.median(xx) - slope * np.median(tt), "s": s, "n": n,
        "var_s": variance * factor, "z": z, "pvalue": 2 * stats.norm.sf(abs(z)), "r1": r1,
        "n_eff": n / factor, "tau": stats.kendalltau(tt, xx).statistic,
        "ci_low": slopes[round((len(slopes) - width) / 2) - 1],
        "ci_high": slopes[round((len(slopes) + width) / 2)],
    }  # fmt: skip


@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("digits", [None, 0])
@pytest.mark.parametrize("n", [50, 200])
def test_every_number_is_that_of_the_definition(n: int, gaps: float, digits: int | None) -> None:
    values = 290 + red((n, 2, 2))
    values = values if digits is None else np.round(values, digits)
    values[np.random.default_rng(5).random(values.shape) < gaps] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=n, freq="MS"))
    fit, axis = sen(cube, per="year"), TimeAxis.of(cube)
    assert list(fit) == NAMES
    for i, j in np.ndindex(2, 2):
        times = axis.decimal_year - axis.decimal_year[0]
        expected = definition(times, values[:, i, j], one_step_apart(axis))
        for name in NAMES:
            found = float(fit[name][i, j])
            assert found == pytest.approx(expected[name], rel=1e-8, abs=1e-10), name


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 4), st.permutations(["time", "lat", "lon"]), st.sampled_from(MEMORIES))
def test_chunks_leave_no_trace(tile: int, dims: list[str], memory: str) -> None:
    values = np.round(290 + red((130, 2, 4)), 1).astype("float32")
    values[::7, 0, 1] = np.nan
    cube = cube_of(values, years(130))
    whole = sen(cube, autocorrelation=memory)
    with no_compute():
        lazy = sen(cube.transpose(*dims).chunk(time=-1, lat=1, lon=tile), autocorrelation=memory)
    with dask.config.set(scheduler="synchronous"):
        parts = lazy.compute().transpose("lat", "lon")
    for name in NAMES:
        np.testing.assert_array_equal(parts[name], whole[name], err_msg=name)


@settings(deadline=None, max_examples=20)
@given(st.floats(-5, 5), st.floats(-300, 300), st.sampled_from([0.125, 2.0, 1024.0]))
def test_a_line_shifts_the_slope_and_a_unit_scales_it(
    rate: float, level: float, factor: float
) -> None:
    cube = cube_of(red((60, 2, 2), 0.3), years(60))
    before = sen(cube, per="year")
    ramp = xr.DataArray(np.arange(60) * rate, dims="time") + level
    after = sen((cube + ramp) * factor, per="year")
    for name in ("slope", "ci_low", "ci_high"):
        np.testing.assert_allclose(
            after[name], (before[name] + rate) * factor, rtol=1e-9, atol=1e-9 * factor
        )
    np.testing.assert_allclose(after.r1, before.r1, rtol=1e-7)
    scaled = sen(cube * factor)
    for name in ("pvalue", "z", "s", "var_s", "tau", "n_eff"):
        np.testing.assert_array_equal(scaled[name], sen(cube)[name])


def test_equal_values_may_change_places() -> None:
    values = np.repeat(np.arange(10.0), 5)
    rng = np.random.default_rng(0)
    time = years(50)
    base = sen(cube_of(values, time), autocorrelation="none")
    labels = np.concatenate([rng.permutation(5) + 5 * k for k in range(10)])
    again = sen(cube_of(values[labels], time), autocorrelation="none")
    for name in NAMES:
        assert float(base[name]) == float(again[name])
    assert float(base.tau) == pytest.approx(stats.kendalltau(np.arange(50), values).statistic)


@pytest.mark.parametrize("memory", MEMORIES)
def test_an_absent_step_and_a_missing_value_are_the_same(memory: str) -> None:
    values = red((120,), 0.6)
    values[[4, 5, 60, 118]] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=120, freq="MS"))
    whole, closed = (
        sen(cube, autocorrelation=memory),
        sen(cube.dropna("time"), autocorrelation=memory),
    )
    for name in NAMES:
        assert float(whole[name]) == pytest.approx(float(closed[name]), rel=1e-10, nan_ok=True)


def test_step_places_count_gaps() -> None:
    times = np.array(["2000-01", "2000-02", "2000-05", "2000-06", "2002-06"], "datetime64[ns]")
    axis = TimeAxis.of(xr.DataArray(np.zeros(5), coords={"time": times}, dims="time"))
    assert step_places(axis).tolist() == [0, 1, 4, 5, 29]


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("n", [40, 200])
def test_special_series(memory: str, n: int) -> None:
    values = np.full((n, 2, 3), np.nan)
    values[:, 0, 0] = 290.15  # constant
    values[:, 0, 1] = 0.5 * np.arange(n)  # exactly on a line
    values[[1, 7], 0, 2] = 1.0, 2.0  # too few
    values[[1, 7, 9], 1, 0] = 1.0, 2.0, 5.0  # a slope and hardly more
    fit = sen(cube_of(values, years(n)), per="year", autocorrelation=memory).isel
    constant, exact, few = fit(lat=0, lon=0), fit(lat=0, lon=1), fit(lat=0, lon=2)
    assert [float(constant[k]) for k in ("slope", "pvalue", "z", "s")] == [0, 1, 0, 0]
    assert np.isnan(constant.tau)
    assert float(exact.slope) == pytest.approx(0.5, rel=1e-14)
    assert float(exact.pvalue) < 1e-10
    assert float(exact.tau) == pytest.approx(1)
    assert int(few.n) == 2
    assert all(np.isnan(few[k]) for k in RESULTS)
    three = fit(lat=1, lon=0)
    assert int(three.n) == 3
    assert float(three.slope) == pytest.approx(0.5)
    assert np.isnan(three.ci_low)  # three slopes have no 95 % limits
    assert int(fit(lat=1, lon=2).n) == 0


def test_a_single_year_and_one_time() -> None:
    one = sen(cube_of(np.ones((1, 2)), years(1)))
    assert np.isnan(one.slope).all()
    assert one.n.values.tolist() == [1, 1]
    assert np.isnan(sen(cube_of(np.ones(12), xr.date_range("2000-01", periods=12, freq="MS")),
                        seasonal="month").slope)  # fmt: skip


def test_seasonal_slope_ignores_the_cycle() -> None:
    time = xr.date_range("1951-01-01", periods=480, freq="MS")
    real = TimeAxis.of(cube_of(np.zeros(480), time)).decimal_year
    cycle = 8 * np.sin(2 * np.pi * (np.arange(480) % 12) / 12)
    cube = cube_of(cycle + 0.05 * real + 0.01 * red((480,), 0.0), time)
    fit = sen(cube, seasonal="month", per="year")
    assert float(fit.slope) == pytest.approx(0.05, abs=1e-4)
    assert float(fit.ci_low) < 0.05 < float(fit.ci_high)
    assert float(fit.pvalue) < 1e-10
    assert abs(float(fit.r1)) < 0.2  # the cycle is no memory here
    assert float(sen(cube, per="year").r1) > 0.8
    assert "same month" in fit.attrs["method"]


def test_least_squares_with_the_test_of_mann_and_kendall() -> None:
    cube = cube_of(red((60, 2)), years(60))
    both = trend(cube, test="mann_kendall")
    plain, ranks = trend(cube), sen(cube)
    for name in ("slope", "stderr", "ci_low", "n_eff"):
        np.testing.assert_array_equal(both[name], plain[name])
    for name in ("pvalue", "z", "tau"):
        np.testing.assert_array_equal(both[name], ranks[name])


def test_units() -> None:
    import pint_xarray  # noqa: F401

    cube = cube_of(290 + red((30, 2)), years(30), "K")
    fit = sen(cube)
    assert fit.slope.attrs["units"] == "K decade-1"
    assert fit.slope.attrs["units_metadata"] == "temperature: difference"
    assert fit.var_s.attrs["units"] == fit.tau.attrs["units"] == "1"
    quantified = sen(cube.pint.quantify())
    assert str(quantified.slope.pint.units) == "kelvin / decayear"
    np.testing.assert_array_equal(quantified.ci_low.pint.magnitude, fit.ci_low)


def test_cut_time_and_infinite_values_are_refused() -> None:
    values = red((40, 2, 2))
    with pytest.raises(ChunkError):
        sen(cube_of(values, years(40)).chunk(time=10))
    values[23, 1, 0] = np.inf
    for cube in (cube_of(values, years(40)), cube_of(values, years(40)).chunk(lat=1)):
        with pytest.raises(CubeError, match="infinite value at time index 23.*sst") as caught:
            sen(cube).compute()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "theil_sen", "test": "t"}, "no Student's t"),
        ({"method": "theil_sen", "test": "chi"}, "unknown test.*'mann_kendall'"),
        ({"method": "theil_sen", "autocorrelation": "hamed"}, "did you mean 'hamed_rao'"),
        ({"method": "theil_sen", "lags": 3}, "lags without a method"),
        ({"method": "theil_sen", "autocorrelation": "yue_wang", "lags": 0}, "1 or more"),
        ({"method": "theil_sen", "seasonal": "week"}, "unknown seasonal"),
        ({"method": "theil_sen", "seasonal": "month", "autocorrelation": "tfpw"}, "no seasons"),
        ({"method": "ols", "autocorrelation": "hamed_rao"}, "method='theil_sen'"),
        ({"method": "ols", "seasonal": "month"}, "least squares know no seasons"),
        ({"method": "ols", "lags": 3}, "lags without a method"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        trend(cube_of(red((30,)), years(30)), **options)


def test_annual_data_have_no_months() -> None:
    with pytest.raises(CalendarError, match="too coarse"):
        sen(cube_of(red((30,)), years(30)), seasonal="month")


def test_a_seasonal_cycle_is_warned_of() -> None:
    monthly = cube_of(red((120,)), xr.date_range("1951-01-01", periods=120, freq="MS"))
    for method in ("ols", "theil_sen"):
        with pytest.warns(UserWarning, match="seasonal cycle.*noise.*cc.anomaly"):
            trend(monthly, method=method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trend(monthly, method="theil_sen", seasonal="month")
        trend(monthly.assign_attrs(long_name="anomaly of sst"))
        trend(cube_of(red((30,)), years(30)))


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_the_default_is_seldom_wrong(phi: float) -> None:
    fit = sen(cube_of(red((40, 4000), phi, seed=20), years(40)))
    assert 0.025 <= float((fit.pvalue < 0.05).mean()) <= 0.08
