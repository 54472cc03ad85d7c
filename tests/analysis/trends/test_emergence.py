"""Emergence: the definition by NumPy, drivers, gaps, chunks, units, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import CalendarError, ChunkError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years

BASE = (1901, 1930)


def warming(shape: tuple[int, ...] = (110, 2, 3), seed: int = 0) -> xr.DataArray:
    rise = 0.0002 * np.arange(shape[0]) ** 2
    return cube_of(15 + 0.3 * red(shape, 0.2, seed) + rise[:, None, None], years(shape[0]))


def driver(n: int = 110) -> xr.DataArray:
    values = np.linspace(0, 1, n) ** 2 + 0.05 * red((n,), 0.2, 9)
    return cube_of(values, years(n)).rename("global_mean").assign_attrs(units="K")


def definition(x: np.ndarray, basis: np.ndarray, threshold: float) -> tuple[Any, float, float]:
    there = np.isfinite(x)
    weights, *_ = np.linalg.lstsq(basis[there], x[there], rcond=None)
    fit = basis @ weights
    inside = np.arange(len(x))
    inside = (inside >= np.flatnonzero(there)[0]) & (inside <= np.flatnonzero(there)[-1])
    signal = np.where(inside, fit - fit[:30][inside[:30]].mean(), np.nan)
    freedom = there.sum() - basis.shape[1]
    noise = np.sqrt(np.sum((x - fit)[there] ** 2) / freedom)
    beyond = np.abs(signal) / noise > threshold
    year = np.nan
    if beyond[-1]:
        same = beyond & (np.sign(signal) == np.sign(signal[-1]))
        year = 1901 + (0 if same.all() else len(x) - int(np.argmin(same[::-1])))
        year = max(year, 1901 + int(np.argmax(inside)))
    return signal, noise, year


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_polynomials_are_those_of_least_squares(degree: int, gaps: float) -> None:
    cube = warming()
    cube = cube.where(np.random.default_rng(3).random(cube.shape) >= gaps)
    found = cc.emergence(cube, base_period=BASE, degree=degree, threshold=1.5)
    basis = np.vander(np.linspace(-1, 1, 110), degree + 1)
    for i, j in np.ndindex(2, 3):
        signal, noise, year = definition(cube.values[:, i, j], basis, 1.5)
        np.testing.assert_allclose(found.signal[:, i, j], signal, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.signal_to_noise[:, i, j], signal / noise, atol=1e-10)
        assert float(found.noise[i, j]) == pytest.approx(noise, rel=1e-10)
        assert float(found.year[i, j]) == pytest.approx(year, nan_ok=True)


@pytest.mark.parametrize("lazy", ["cube", "driver", "both", "none"])
def test_a_driver_is_regressed_on(lazy: str) -> None:
    cube, force = warming(), driver(130)
    given_cube = cube.chunk(lat=1) if lazy in ("cube", "both") else cube
    given_force = force.chunk(time=7) if lazy in ("driver", "both") else force
    with no_compute():
        found = cc.emergence(given_cube, base_period=BASE, driver=given_force)
    assert (found.year.chunks is not None) == (lazy != "none")
    basis = np.stack([np.ones(110), force.values[:110]], axis=1)
    for i, j in np.ndindex(2, 3):
        signal, noise, year = definition(cube.values[:, i, j], basis, 2.0)
        np.testing.assert_allclose(found.signal[:, i, j], signal, rtol=1e-9, atol=1e-12)
        assert float(found.noise[i, j]) == pytest.approx(noise, rel=1e-10)
        assert float(found.year[i, j]) == pytest.approx(year, nan_ok=True)


def test_it_must_stay_beyond_on_one_side() -> None:
    t = np.arange(60.0)
    # The signal crosses the threshold, comes back, goes to the other side, and stays there.
    curve = np.where(t < 20, 0, np.where(t < 30, 3.0, np.where(t < 35, 0.5, -4.0)))
    noise = 0.5 * (-1.0) ** t
    found = cc.emergence(
        cube_of(curve + noise, years(60)), base_period=(1901, 1920),
        driver=cube_of(curve, years(60)),
    )  # fmt: skip
    assert float(found.year) == 1936
    back = np.where(t == 59, 0.0, curve)
    never = cc.emergence(
        cube_of(back + noise, years(60)), base_period=(1901, 1920), driver=cube_of(back, years(60))
    )
    assert np.isnan(never.year)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.1, 20), st.floats(-300, 300), st.booleans())
def test_units_do_not_matter(scale: float, shift: float, turn: bool) -> None:
    cube = warming((60, 1, 2))
    plain = cc.emergence(cube, base_period=(1901, 1920))
    other = cc.emergence(cube * (-scale if turn else scale) + shift, base_period=(1901, 1920))
    np.testing.assert_array_equal(other.year, plain.year)
    np.testing.assert_allclose(other.noise, plain.noise * scale, rtol=1e-8)


def test_chunks_leave_no_trace() -> None:
    cube = warming()
    cube[4:7, 1, 1] = np.nan
    with no_compute():
        lazy = cc.emergence(cube.transpose("lon", "time", "lat").chunk(lon=2), base_period=BASE)
    plain = cc.emergence(cube, base_period=BASE)
    for name in plain:
        np.testing.assert_array_equal(lazy[name].transpose(*plain[name].dims), plain[name])
    with pytest.raises(ChunkError):
        cc.emergence(cube.chunk(time=10), base_period=BASE)


def test_land_and_few_values() -> None:
    cube = warming()
    cube[:, 0, 0], cube[9:, 0, 1] = np.nan, np.nan
    found = cc.emergence(cube, base_period=BASE)
    assert np.isnan(found.noise[0, :2]).all() and np.isnan(found.signal[:, 0, :2]).all()
    np.testing.assert_array_equal(found.n[0], [0, 9, 110])
    # A basis that the valid years cannot tell apart gives no answer, never an arbitrary one.
    step = cube_of(np.where(np.arange(110) < 100, 0.0, 1.0), years(110))
    short = warming().where(np.arange(110)[:, None, None] < 90)
    assert np.isnan(cc.emergence(short, base_period=BASE, driver=step).noise).all()


def test_nothing_is_said_beyond_the_data() -> None:
    cube = warming((110, 1, 4))
    cube[60:, 0, 0] = np.nan  # ends early
    cube[:10, 0, 1] = np.nan  # begins late, with most of the base period
    cube[:20, 0, 2] = np.nan  # begins late, with a third of it
    found = cc.emergence(cube, base_period=BASE, degree=2, threshold=0.5).isel(lat=0)
    assert np.isnan(found.signal[60:, 0]).all() and np.isfinite(found.signal[:60, 0]).all()
    assert np.isnan(found.year[0]) and np.isfinite(found.noise[0])
    assert np.isnan(found.signal[:10, 1]).all() and np.isfinite(found.year[1])
    assert np.isnan(found.signal[:, 2]).all() and np.isnan(found.year[2])
    assert np.isfinite(found.year[3])


def test_names_and_units() -> None:
    found = cc.emergence(warming(), base_period=BASE, driver=driver())
    assert found.signal.attrs["units_metadata"] == "temperature: difference"
    assert found.signal_to_noise.attrs["units"] == "1"
    assert "exceeds 2" in found.year.attrs["long_name"]
    assert "regression on global mean, relative to 1901-1930" in found.attrs["method"]


def test_seasons_of_any_calendar() -> None:
    time = xr.date_range("1901-01-01", periods=110, freq="YS", calendar="noleap", use_cftime=True)
    cube = warming()
    np.testing.assert_array_equal(
        cc.emergence(cube.assign_coords(time=time), base_period=BASE).year,
        cc.emergence(cube, base_period=BASE).year,
    )


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"threshold": 0}, ParameterError, "threshold"),
    ({"threshold": np.nan}, ParameterError, "threshold"),
    ({"degree": 5}, ParameterError, "1, 2, 3 or 4"),
    ({"degree": True}, ParameterError, "1, 2, 3 or 4"),
    ({"degree": 4, "min_valid": 7}, ParameterError, "8 or more"),
    ({"base_period": (1850, 1900)}, CalendarError, "base_period is outside the record"),
    ({"driver": driver(80)}, CubeError, "none for 1981"),
    ({"driver": warming()}, CubeError, "must be one series"),
    ({"driver": driver() * np.nan}, CubeError, "no value in 1901"),
    ({"driver": driver() * 0}, CubeError, "never changes"),
]


@pytest.mark.parametrize(("options", "error", "text"), WRONG)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        cc.emergence(warming(), **{"base_period": BASE} | options)


def test_monthly_values_are_refused() -> None:
    time = xr.date_range("1901-01-01", periods=120, freq="MS")
    with pytest.raises(CalendarError, match="annual_mean"):
        cc.emergence(cube_of(red((120,)), time), base_period=(1901, 1905))


def test_infinite_values_are_refused() -> None:
    cube = warming()
    cube[7, 0, 0] = np.inf
    with pytest.raises(CubeError, match="time index 7"):
        cc.emergence(cube, base_period=BASE)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_what_goes_by_time_is_as_wide_as_the_values(dtype: str) -> None:
    cube = cube_of((100 * red((60, 2))).astype(dtype), years(60))
    exact = cc.emergence(cube.astype("float64"), base_period=(1901, 1930))
    found = cc.emergence(cube, base_period=(1901, 1930))
    wide = "float32" if dtype == "float32" else "float64"
    for name in ("signal", "signal_to_noise"):
        assert found[name].dtype == wide
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-6)
    for name in ("noise", "year", "n"):
        np.testing.assert_array_equal(found[name], exact[name])
