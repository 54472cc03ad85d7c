"""Pettitt's test: every pair compared, a peer's answers, memory, gaps, corners, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import ChunkError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years

FLOATS = ["year", "shift", "mean_before", "mean_after", "u", "pvalue", "n_eff", "r1"]


def definition(x: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Sum the signs of all pairs that each cut parts."""
    there = np.isfinite(x)
    values, label, n = x[there], label[there], int(there.sum())
    signs = np.sign(values[:, None] - values[None, :])
    u = [signs[: k + 1, k + 1 :].sum() for k in range(n - 1)]
    k = int(np.argmax(np.abs(u)))
    p = min(1.0, 2 * np.exp(-6 * u[k] ** 2 / (n**3 + n**2)))
    if u[k] == 0:
        return {"year": np.nan, "shift": np.nan, "u": 0, "pvalue": 1.0, "n": n}
    shift = values[k + 1 :].mean() - values[: k + 1].mean()
    return {"year": label[k], "shift": shift, "u": u[k], "pvalue": p, "n": n}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.integers(-3, 3), st.floats(-5, 5), st.none()), min_size=10, max_size=40)
)
def test_every_pair_compared(values: list[Any]) -> None:
    x = np.array([np.nan if v is None else v for v in values], "float64")
    found = cc.breakpoint(cube_of(x, years(len(x))), autocorrelation="none", min_valid=4)
    expected = definition(x, 1901.0 + np.arange(len(x)))
    if expected["n"] < 4:
        expected = dict.fromkeys(FLOATS, np.nan)
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_the_nile_falls_in_1898(reference_data: Any) -> None:
    """Known since Cobb (1978); pyhomogeneity 1.1 answers U = 1617, too."""
    import pandas as pd

    table = pd.read_csv(reference_data / "series" / "nile_1871_1970.csv")
    time = xr.date_range("1871-01-01", periods=100, freq="YS")
    nile = xr.DataArray(table["flow"].to_numpy("float64"), {"time": time}, "time")
    found = cc.breakpoint(nile, autocorrelation="none")
    assert float(found.year) == 1898
    assert float(found.u) == 1617
    assert float(found.pvalue) == pytest.approx(3.5910221769e-07)
    assert float(found["shift"]) == pytest.approx(849.97222222 - 1097.75)
    remembering = cc.breakpoint(nile)
    assert 3.6e-07 < float(remembering.pvalue) < 1e-3


def test_memory_is_that_of_the_departures_from_both_means() -> None:
    x = red((60,), 0.6) + np.where(np.arange(60) < 25, 0.0, 2.0)
    found = cc.breakpoint(cube_of(x, years(60)))
    k = int(found.year) - 1901
    e = np.concatenate([x[: k + 1] - x[: k + 1].mean(), x[k + 1 :] - x[k + 1 :].mean()])
    r1 = (e[1:] * e[:-1]).sum() / (e**2).sum()
    r = np.clip((60 * r1 + 2) / 54, 0, 0.98)
    assert float(found.r1) == pytest.approx(r1, rel=1e-10)
    assert float(found.n_eff) == pytest.approx(60 * (1 - r) / (1 + r), rel=1e-10)
    u = float(found.u)
    expected = 2 * np.exp(-6 * u**2 / (60**3 + 60**2) * (1 - r) / (1 + r))
    assert float(found.pvalue) == pytest.approx(min(1, expected), rel=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 10), st.floats(-100, 100), st.booleans())
def test_any_rising_function_has_the_same_break(scale: float, shift: float, turn: bool) -> None:
    x = red((50,), 0.3, 4)
    plain = cc.breakpoint(cube_of(x, years(50)), autocorrelation="none")
    bent = np.exp(x * scale) + shift
    other = cc.breakpoint(cube_of(-bent if turn else bent, years(50)), autocorrelation="none")
    assert float(other.year) == float(plain.year)
    assert float(other.u) == float(-plain.u if turn else plain.u)


@pytest.mark.parametrize("tile", [1, 2, 3])
def test_chunks_leave_no_trace(tile: int) -> None:
    cube = cube_of(15 + red((50, 3, 4)), years(50))
    cube[3:9, 1, 1] = np.nan
    with no_compute():
        lazy = cc.breakpoint(cube.transpose("lat", "time", "lon").chunk(lat=tile, lon=tile))
    xr.testing.assert_identical(
        lazy.compute().drop_attrs(deep=False), cc.breakpoint(cube).drop_attrs(deep=False)
    )
    with pytest.raises(ChunkError):
        cc.breakpoint(cube.chunk(time=10))


def test_constants_land_and_few_values() -> None:
    cube = cube_of(red((30, 1, 4)), years(30))
    cube[:, 0, 0], cube[:, 0, 1], cube[5:, 0, 2] = 7.0, np.nan, np.nan
    found = cc.breakpoint(cube).isel(lat=0)
    assert float(found.pvalue[0]) == 1 and float(found.u[0]) == 0 and np.isnan(found.year[0])
    assert np.isnan(found[FLOATS].isel(lon=[1, 2]).to_array()).all()
    np.testing.assert_array_equal(found.n, [30, 0, 5, 30])


def test_units() -> None:
    found = cc.breakpoint(cube_of(red((30,)), years(30)))
    assert found["shift"].attrs["units_metadata"] == "temperature: difference"
    assert found.mean_before.attrs["units"] == "degC"
    assert found.year.attrs["units"] == "1"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"autocorrelation": "tfpw"}, "'ar1', 'ar1_uncorrected', 'none'"),
        ({"min_valid": 3}, "4 or more"),
    ],
)
def test_what_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        cc.breakpoint(cube_of(red((30,)), years(30)), **options)


def test_infinite_values_are_refused() -> None:
    x = red((30,))
    x[7] = np.inf
    with pytest.raises(CubeError, match="time index 7"):
        cc.breakpoint(cube_of(x, years(30)))
