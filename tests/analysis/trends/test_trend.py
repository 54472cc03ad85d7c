"""Trends: the definition, real time, gaps, chunks, units, and how often they are wrong."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from climcube.analysis.steps import one_step_apart
from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import TimeAxis
from climcube.errors import AxisError, CubeError, ParameterError, UnitsError
from tests.oracles.regression import line

NAMES = ["slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n", "n_eff", "r1"]


def years(n: int, start: str = "1901") -> xr.DataArray:
    return xr.date_range(f"{start}-01-01", periods=n, freq="YS")


def red(shape: tuple[int, ...], phi: float = 0.5, seed: int = 0) -> np.ndarray:
    """AR(1) noise along the first axis, stationary from its first value."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise[0] /= np.sqrt(1 - phi**2)
    for i in range(1, shape[0]):
        noise[i] += phi * noise[i - 1]
    return noise


def cube_of(values: np.ndarray, time: Any, units: str | None = "degC") -> xr.DataArray:
    dims = ["time", "lat", "lon"][: values.ndim]
    attrs = {} if units is None else {"units": units}
    return xr.DataArray(values, dims=dims, coords={"time": time}, name="sst", attrs=attrs)


@pytest.mark.parametrize("autocorrelation", ["ar1", "ar1_uncorrected", "none"])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_every_number_is_that_of_the_definition(autocorrelation: str, gaps: float) -> None:
    values = 290 + red((120, 3, 2))
    values[np.random.default_rng(5).random(values.shape) < gaps] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=120, freq="MS"))
    fit = trend(cube, per="year", autocorrelation=autocorrelation, confidence=0.9)
    assert list(fit) == NAMES
    axis = TimeAxis.of(cube)
    for i, j in np.ndindex(3, 2):
        expected = line(
            axis.decimal_year, values[:, i, j], np.ones(120, bool), autocorrelation, 0.9
        )
        for name in NAMES:
            found = float(fit[name][i, j])
            assert found == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name


def test_independent_errors_agree_with_scipy() -> None:
    values = red((40,), 0.0) + 0.1 * np.arange(40)
    fit = trend(cube_of(values, years(40)), per="year", autocorrelation="none")
    peer = stats.linregress(np.arange(40), values)
    assert float(fit.slope) == pytest.approx(peer.slope, rel=1e-12)
    assert float(fit.intercept) == pytest.approx(peer.intercept, rel=1e-12)
    assert float(fit.stderr) == pytest.approx(peer.stderr, rel=1e-11)
    assert float(fit.pvalue) == pytest.approx(peer.pvalue, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.sets(st.integers(0, 199), max_size=150),
    st.integers(1, 4),
    st.permutations(["time", "lat", "lon"]),
)
def test_chunks_leave_no_trace(
    sizes: list[int], gaps: set[int], tile: int, dims: list[str]
) -> None:
    values = 290 + red((200, 2, 4)).astype("float32")
    values[list(gaps), 0, 1] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=200, freq="MS"))
    cuts = [*np.minimum(np.cumsum(sizes), 200)]
    chunks = tuple(np.diff([0, *sorted(set(map(int, cuts)) - {200}), 200]).tolist())
    whole = trend(cube)
    lazy = trend(cube.transpose(*dims).chunk(time=chunks, lat=1, lon=tile))
    with dask.config.set(scheduler="synchronous"):
        parts = lazy.compute().transpose("lat", "lon")
    for name in NAMES:
        # Differences count against the size of the slope's interval, or of the number itself.
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-10, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(parts.slope, whole.slope, rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.floats(-5, 5), st.floats(-300, 300), st.floats(0.01, 100))
def test_adding_a_line_shifts_the_slope_and_scaling_scales(
    rate: float, level: float, factor: float
) -> None:
    cube = cube_of(red((60, 2, 2), 0.3), years(60))
    before = trend(cube)
    ramp = xr.DataArray(np.arange(60) * rate / 10, dims="time") + level
    after = trend((cube + ramp) * factor)
    np.testing.assert_allclose(after.slope, (before.slope + rate) * factor, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(after.stderr, before.stderr * factor, rtol=1e-7)
    np.testing.assert_allclose(after.n_eff, before.n_eff, rtol=1e-7)
    np.testing.assert_allclose(
        after.intercept, (before.intercept + level) * factor, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "all_leap"])
def test_time_is_real(calendar: str) -> None:
    time = xr.date_range("1980-01-01", "2019-12-30", freq="D", calendar=calendar, use_cftime=True)
    decimal = TimeAxis.of(xr.DataArray(np.zeros(len(time)), coords={"time": time}, dims="time"))
    cube = cube_of(15 + 0.03 * (decimal.decimal_year - 1980), time)
    for per, factor in (("year", 1), ("decade", 10), ("century", 100), ("month", 1 / 12)):
        assert float(trend(cube, per=per).slope) == pytest.approx(0.03 * factor, rel=1e-11)
    days = {"standard": 365.2425, "noleap": 365, "360_day": 360, "all_leap": 366}[calendar]
    assert float(trend(cube, per="day").slope) * days == pytest.approx(0.03, rel=1e-11)
    assert float(trend(cube).intercept) == pytest.approx(15, rel=1e-12)
    removed = cube.isel(time=np.r_[0:3000, 9000 : len(time)])  # a gap keeps its length
    assert float(trend(removed).slope) == pytest.approx(0.3, rel=1e-11)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2000-01-01T12", "2000-01-02T06", "2000-01-04", "2000-01-05"], [1, 0, 1, 0]),
        (["2000-01-31", "2000-02-15", "2000-03-15", "2000-05-01", "2000-06-30"], [1, 1, 0, 1, 0]),
        (["2000-01-01", "2001-01-01", "2003-01-01", "2004-06-01", "2005-06-01"], [1, 0, 0, 1, 0]),
        (["2000-01-15", "2000-04-15", "2000-07-15", "2001-01-15", "2001-04-15"], [1, 1, 0, 1, 0]),
        (["2000-01-01T00", "2000-01-01T06", "2000-01-01T18", "2000-01-02"], [1, 0, 1, 0]),
        (["2000-01-01", "2000-01-06", "2000-01-11", "2000-01-21", "2000-01-26"], [1, 1, 0, 1, 0]),
        (["2000-01-01"], [0]),
    ],
)
def test_one_step_apart(times: list[str], expected: list[int]) -> None:
    values = np.array(times, "datetime64[ns]")
    axis = TimeAxis.of(xr.DataArray(np.zeros(len(times)), coords={"time": values}, dims="time"))
    assert one_step_apart(axis).tolist() == [bool(e) for e in expected]


def test_an_absent_step_and_a_missing_value_are_the_same() -> None:
    values = red((120,), 0.6)
    values[[4, 5, 60, 118]] = np.nan
    cube = cube_of(values, xr.date_range("1951-01-01", periods=120, freq="MS"))
    whole, closed = trend(cube), trend(cube.dropna("time"))
    for name in NAMES:
        assert float(whole[name]) == pytest.approx(float(closed[name]), rel=1e-10), name


def test_special_series() -> None:
    values = np.full((40, 2, 3), np.nan)
    values[:, 0, 0] = 290.15  # constant
    values[:, 0, 1] = 0.5 * np.arange(40)  # exactly on a line
    values[[1, 7], 0, 2] = 1.0, 2.0  # too few
    values[[1, 7, 9], 1, 0] = 1.0, 2.0, 5.0  # a slope, but no autocorrelation to correct
    values[3:9, 1, 1] = [1, -1, 1, -1, 1, -1]
    fit = trend(cube_of(values, years(40)), per="year").isel
    constant, exact, few = fit(lat=0, lon=0), fit(lat=0, lon=1), fit(lat=0, lon=2)
    three, empty = fit(lat=1, lon=0), fit(lat=1, lon=2)
    assert [float(constant[k]) for k in ("slope", "stderr", "pvalue", "ci_low")] == [0, 0, 1, 0]
    assert float(constant.n_eff) == 40
    assert np.isnan(constant.r1)
    assert float(exact.slope) == pytest.approx(0.5, rel=1e-14)
    assert [float(exact[k]) for k in ("stderr", "pvalue")] == [0, 0]
    assert int(few.n) == 2
    assert all(np.isnan(few[k]) for k in NAMES if k != "n")
    assert np.isfinite(three.slope)
    assert np.isnan(three.pvalue)
    assert np.isnan(three.stderr)
    assert int(empty.n) == 0
    assert np.isnan(empty.slope)


def test_min_valid_blanks_and_counts() -> None:
    values = red((30, 2), 0.0)
    values[10:, 1] = np.nan
    fit = trend(cube_of(values, years(30)), min_valid=11)
    assert fit.n.values.tolist() == [30, 10]
    assert np.isnan(fit.slope.values).tolist() == [False, True]
    assert fit.n.dtype == "int64"


def test_integers_and_one_time() -> None:
    cube = cube_of(np.arange(30, dtype="int16"), years(30))
    assert float(trend(cube).slope) == pytest.approx(10, rel=1e-12)
    one = trend(cube_of(np.ones((1, 2)), years(1)))
    assert one.n.values.tolist() == [1, 1]
    assert np.isnan(one.slope).all()


def test_units_and_attributes() -> None:
    fit = trend(cube_of(red((30, 2)), years(30)))
    assert fit.slope.attrs["units"] == "degC decade-1"
    assert fit.slope.attrs["units_metadata"] == "temperature: difference"
    assert fit.intercept.attrs["units"] == "degC"
    assert "units_metadata" not in fit.intercept.attrs
    assert fit.n_eff.attrs["units"] == "1"
    assert "1901-01-01" in fit.intercept.attrs["long_name"]
    assert "trend(" in fit.slope.attrs["history"]
    assert "units" not in trend(cube_of(red((30, 2)), years(30), None)).slope.attrs
    anomaly = cube_of(red((30, 2)), years(30)).assign_attrs(
        units_metadata="temperature: difference"
    )
    assert trend(anomaly).intercept.attrs["units_metadata"] == "temperature: difference"


def test_quantities_come_out_as_quantities() -> None:
    import pint_xarray  # noqa: F401

    cube = cube_of(290 + red((30, 2)), years(30), "K").chunk(time=7)
    fit = trend(cube.pint.quantify())
    assert str(fit.slope.pint.units) == "kelvin / decayear"
    celsius = trend(cube_of(red((30, 2)), years(30), "degC").pint.quantify())
    assert "delta_degree_Celsius" in str(celsius.slope.pint.units)
    plain = trend(cube)
    np.testing.assert_allclose(fit.slope.pint.magnitude, plain.slope)


def test_lazy_in_lazy_out_and_nothing_computed() -> None:
    def explode(block: Any) -> Any:
        raise AssertionError("computed")

    data = da.from_array(red((60, 4, 4)), chunks=(7, 2, 3))
    bomb = data.map_blocks(explode, dtype="f8", meta=np.empty((0, 0, 0)))
    fit = trend(cube_of(bomb, years(60)))
    assert all(fit[name].chunks == ((2, 2), (3, 1)) for name in NAMES)
    assert trend(cube_of(red((60, 2)), years(60))).chunks == {}


def test_infinite_values_are_refused_at_compute() -> None:
    values = red((40, 2, 2))
    values[23, 1, 0] = np.inf
    lazy = trend(cube_of(values, years(40)).chunk(time=9))
    for compute in (lazy.compute, lambda: trend(cube_of(values, years(40)))):
        with pytest.raises(CubeError, match="infinite value at time index 23.*sst") as caught:
            compute()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "sen"}, "unknown method.*'ols'"),
        ({"per": "week"}, "unknown per.*'decade'"),
        ({"autocorrelation": "ar2"}, "unknown autocorrelation.*did you mean 'ar1'"),
        ({"min_valid": 2}, "3 or more"),
        ({"min_valid": 3.5}, "whole number"),
        ({"min_valid": True}, "whole number"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"confidence": "high"}, "between 0 and 1"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        trend(cube_of(red((30,)), years(30)), **arguments)


def test_cubes_are_checked() -> None:
    cube = cube_of(red((30,)), years(30))
    with pytest.raises(AxisError, match="duplicate times"):
        trend(cube.isel(time=[0, 1, 1, 2]))
    with pytest.raises(AxisError, match="not increasing"):
        trend(cube.isel(time=slice(None, None, -1)))
    with pytest.raises(AxisError, match="no time axis"):
        trend(cube.drop_vars("time"))
    with pytest.raises(UnitsError, match="unknown units"):
        trend(cube.assign_attrs(units="parsnip"))
    with pytest.raises(CubeError, match="needs numbers"):
        trend(cube.astype(str))


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
def test_the_default_is_seldom_wrong(phi: float) -> None:
    cube = cube_of(red((40, 4000), phi, seed=20), years(40))
    fit = trend(cube)
    rejected = fit.pvalue < 0.05
    assert 0.025 <= float(rejected.mean()) <= 0.08
    outside = (fit.ci_low > 0) | (fit.ci_high < 0)
    assert (outside == rejected).all()


def test_ignoring_memory_is_often_wrong() -> None:
    cube = cube_of(red((40, 3000), 0.6, seed=21), years(40))
    assert float((trend(cube, autocorrelation="none").pvalue < 0.05).mean()) > 0.25
