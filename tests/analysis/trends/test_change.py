"""The difference of two periods: definition, SciPy, gaps, chunks, units, corners, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import climcube as cc
from climcube.errors import AxisError, CalendarError, CubeError, ParameterError, UnitsError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years

A, B = (1901, 1930), (1941, 1970)
FLOATS = ["change", "mean_a", "mean_b", "stderr", "ci_low", "ci_high", "pvalue", "n_eff_a",
          "n_eff_b", "r1"]  # fmt: skip


def annual(shape: tuple[int, ...] = (70, 2, 3), phi: float = 0.4, seed: int = 0) -> xr.DataArray:
    return cube_of(15 + red(shape, phi, seed), years(shape[0]))


def definition(a: np.ndarray, b: np.ndarray, autocorrelation: str) -> dict[str, float]:
    """Welch's t on effective sizes, value by value; neighbours are NaN-aware."""
    departures = [x - np.nanmean(x) for x in (a, b)]
    squares = [np.nansum(e**2) for e in departures]
    products = sum(np.nanmean(e[1:] * e[:-1]) * (np.isfinite(e).sum() - 1) for e in departures)
    n = [int(np.isfinite(x).sum()) for x in (a, b)]
    r1 = products / sum(squares)
    r = {
        "none": 0.0,
        "ar1_uncorrected": r1,
        "ar1": min(max((sum(n) * r1 + 2) / (sum(n) - 6), 0), 0.98),
    }[autocorrelation]
    size = [min(k, k * (1 - r) / (1 + r)) for k in n]
    variance = [s / (m - 1) / k for s, m, k in zip(squares, size, n, strict=True)]
    stderr = np.sqrt(sum(variance))
    freedom = sum(variance) ** 2 / sum(v**2 / (m - 1) for v, m in zip(variance, size, strict=True))
    found = np.nanmean(b) - np.nanmean(a)
    half = stats.t.ppf(0.95, freedom) * stderr
    return {
        "change": found, "mean_a": np.nanmean(a), "mean_b": np.nanmean(b), "stderr": stderr,
        "ci_low": found - half, "ci_high": found + half, "r1": r1,
        "pvalue": 2 * stats.t.sf(abs(found / stderr), freedom),
        "n_a": n[0], "n_b": n[1], "n_eff_a": size[0], "n_eff_b": size[1],
    }  # fmt: skip


@pytest.mark.parametrize("autocorrelation", ["ar1", "ar1_uncorrected", "none"])
@pytest.mark.parametrize("gaps", [0.0, 0.25])
def test_every_number_is_that_of_the_definition(autocorrelation: str, gaps: float) -> None:
    cube = annual()
    cube = cube.where(np.random.default_rng(3).random(cube.shape) >= gaps)
    found = cc.change(cube, A, B, autocorrelation=autocorrelation, confidence=0.9)
    for i, j in np.ndindex(2, 3):
        expected = definition(cube.values[:30, i, j], cube.values[40:, i, j], autocorrelation)
        assert set(expected) == set(found.data_vars)
        for name, value in expected.items():
            assert float(found[name][i, j]) == pytest.approx(value, rel=1e-10), name


def test_independent_values_agree_with_scipy() -> None:
    cube = annual(phi=0.0) * xr.DataArray(np.where(np.arange(70) < 40, 1.0, 3.0), dims="time")
    found = cc.change(cube, A, B, autocorrelation="none")
    peer = stats.ttest_ind(cube.values[40:], cube.values[:30], equal_var=False)
    limits = peer.confidence_interval()
    np.testing.assert_allclose(found.pvalue, peer.pvalue, rtol=1e-9)
    np.testing.assert_allclose(found.ci_low, limits.low, rtol=1e-9)
    np.testing.assert_allclose(found.ci_high, limits.high, rtol=1e-9)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.integers(1, 3),
    st.permutations(["time", "lat", "lon"]),
    st.sets(st.integers(0, 69), max_size=30),
)
def test_chunks_and_order_leave_no_trace(
    sizes: list[int], tile: int, dims: list[str], gaps: set[int]
) -> None:
    cube = annual()
    cube[sorted(gaps), 0, 1] = np.nan
    edges = np.unique([*(np.cumsum(sizes)[np.cumsum(sizes) < 70]), 70])
    cut = tuple(np.diff([0, *edges]).tolist())
    with no_compute():
        lazy = cc.change(cube.transpose(*dims).chunk({"time": cut, "lon": tile}), A, B)
    plain = cc.change(cube, A, B)
    for name in plain:
        np.testing.assert_allclose(
            lazy[name].transpose("lat", "lon").values, plain[name].values, rtol=1e-12, atol=1e-12
        )


@settings(deadline=None, max_examples=20)
@given(st.floats(-50, 50), st.floats(0.1, 20), st.booleans())
def test_shifts_and_scales(shift: float, scale: float, swap: bool) -> None:
    cube = annual()
    plain, periods = cc.change(cube, A, B), (B, A) if swap else (A, B)
    other = cc.change(cube * scale + shift, *periods)
    sign = -scale if swap else scale
    np.testing.assert_allclose(other.change, plain.change * sign, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.pvalue, plain.pvalue, rtol=1e-6, atol=1e-12)


def test_only_the_two_periods_are_read() -> None:
    cube = annual()
    cube[30:40] = np.inf  # between the periods: it would be refused if it were looked at
    assert np.isfinite(cc.change(cube, A, B).change).all()
    with pytest.raises(CubeError, match="infinite value"):
        cc.change(cube, (1901, 1935), B)


def test_gaps_in_time_are_no_neighbours() -> None:
    cube = annual()
    absent = cube.isel(time=np.flatnonzero(~np.isin(np.arange(70), [5, 6, 50])))
    hidden = cube.copy()
    hidden[[5, 6, 50]] = np.nan
    first, second = cc.change(absent, A, B), cc.change(hidden, A, B)
    for name in FLOATS:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-12)


def test_constants_land_and_few_values() -> None:
    cube = annual((70, 1, 5))
    cube[:, 0, 0] = 7.0
    cube[:, 0, 1] = 7.0
    cube[40:, 0, 1] = 8.0
    cube[:, 0, 2] = np.nan
    cube[2:30, 0, 3] = np.nan
    found = cc.change(cube, A, B).isel(lat=0)
    np.testing.assert_array_equal(found.pvalue[:2], [1, 0])
    np.testing.assert_array_equal(found.change[:2], [0, 1])
    np.testing.assert_array_equal(found.stderr[:2], [0, 0])
    assert np.isnan(found.r1[:2]).all()
    assert np.isnan(found[FLOATS].isel(lon=[2, 3]).to_array().drop_sel(
        variable=["mean_a", "mean_b"])).all()  # fmt: skip
    np.testing.assert_array_equal(found.n_a, [30, 30, 0, 2, 30])
    assert found.n_a.dtype == "int64"


def test_units_and_names() -> None:
    cube = annual().assign_attrs(units="K", long_name="sea surface temperature")
    found = cc.change(cube, A, B)
    assert found.change.attrs["units"] == "K"
    assert found.change.attrs["units_metadata"] == "temperature: difference"
    assert "units_metadata" not in found.mean_a.attrs
    assert found.pvalue.attrs["units"] == "1"
    assert (found.attrs["period_a"], found.attrs["period_b"]) == ("1901-1930", "1941-1970")
    assert "sea surface temperature" in found.change.attrs["long_name"]


def test_quantities() -> None:
    import pint_xarray  # noqa: F401

    found = cc.change(annual().assign_attrs(units="degC").pint.quantify(), A, B)
    assert str(found.change.pint.units) == "delta_degree_Celsius"
    assert str(found.mean_a.pint.units) == "degree_Celsius"


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_calendars(calendar: str) -> None:
    cube = annual()
    time = xr.date_range("1901-01-01", periods=70, freq="YS", calendar=calendar, use_cftime=True)
    np.testing.assert_array_equal(
        cc.change(cube.assign_coords(time=time), A, B).pvalue, cc.change(cube, A, B).pvalue
    )


def test_monthly_values_with_their_cycle_give_a_warning() -> None:
    cube = cube_of(red((240, 2)), xr.date_range("1981-01-01", periods=240, freq="MS"))
    with pytest.warns(UserWarning, match="seasonal cycle"):
        cc.change(cube, (1981, 1990), (1991, 2000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cc.change(cube.rename("sst_anomaly"), (1981, 1990), (1991, 2000))


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"period_b": (1925, 1950)}, ParameterError, "overlap"),
    ({"period_b": (1930, 1950)}, ParameterError, "overlap"),
    ({"period_b": (1960, 1990)}, CalendarError, "period_b is outside the record"),
    ({"period_a": (1930, 1901)}, ParameterError, "period_a is upside down"),
    ({"period_a": "1901"}, ParameterError, "period_a not understood"),
    ({"autocorrelation": "hamed_rao"}, ParameterError, "'ar1', 'ar1_uncorrected', 'none'"),
    ({"min_valid": 2}, ParameterError, "min_valid=2"),
    ({"min_valid": True}, ParameterError, "min_valid=True"),
    ({"confidence": 1.0}, ParameterError, "confidence"),
    ({"confidence": True}, ParameterError, "confidence"),
]


@pytest.mark.parametrize(("options", "error", "text"), WRONG)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        cc.change(annual(), **{"period_a": A, "period_b": B} | options)


def test_numbers_of_numpy_are_numbers() -> None:
    found = cc.change(annual(), A, B, min_valid=np.int64(4), confidence=np.float32(0.75))
    xr.testing.assert_identical(found, cc.change(annual(), A, B, min_valid=4, confidence=0.75))


def test_cubes_that_are_refused() -> None:
    cube = annual()
    with pytest.raises(AxisError, match="duplicate times"):
        cc.change(cube[[0, 0, *range(1, 70)]], A, B)
    with pytest.raises(UnitsError):
        cc.change(cube.assign_attrs(units="warmth"), A, B)
    with pytest.raises(CubeError, match="needs numbers"):
        cc.change(cube.astype(str), A, B)


@pytest.mark.parametrize("name", ["n", "mean", "squares"])
def test_names_of_steps_on_the_way_are_nobodys_business(name: str) -> None:
    cube = annual((70, 3)).rename(lat=name)
    plain = cc.change(annual((70, 3)), A, B)
    for lazy in (cube, cube.chunk({name: 1})):
        found = cc.change(lazy, A, B)
        assert found["change"].dims == (name,)
        np.testing.assert_array_equal(found["change"], plain["change"])
    named = cc.change(annual((70, 3)).assign_coords({name: ("lat", [1, 2, 3])}), A, B)
    np.testing.assert_array_equal(named.coords[name], [1, 2, 3])


@pytest.mark.parametrize("scale", [1e-120, 1e-30, 1e30, 1e120])
def test_the_scale_of_the_values_changes_no_probability(scale: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, plain = (cc.change(annual() * s, A, B) for s in (scale, 1.0))
    for name in ("pvalue", "n_eff_a", "r1"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-9)
    np.testing.assert_allclose(found["ci_low"] / scale, plain["ci_low"], rtol=1e-9)
