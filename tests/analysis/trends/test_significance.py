"""Field significance: Benjamini-Hochberg as SciPy adjusts p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from climcube.analysis.trends.significance import fdr
from climcube.errors import CubeError, ParameterError


def field(values: Any) -> xr.DataArray:
    return xr.DataArray(values, dims=("lat", "lon"), name="pvalue", attrs={"units": "1"})


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1) | st.floats(0, 0.01), min_size=6, max_size=6),
    st.floats(0.01, 0.5),
    st.sets(st.integers(0, 5), max_size=4),
)
def test_as_scipy_adjusts(values: list[float], alpha: float, land: set[int]) -> None:
    p = np.array(values)
    p[list(land)] = np.nan
    there = ~np.isnan(p)
    adjusted = stats.false_discovery_control(p[there])
    margin = np.abs(adjusted - alpha) > 1e-12
    found = fdr(field(p.reshape(2, 3)), alpha=alpha).values.reshape(-1)
    assert not found[~there].any()
    assert (found[there] == (adjusted <= alpha))[margin].all()


def test_lazy_gives_the_same_and_keeps_chunks() -> None:
    p = field(np.random.default_rng(0).random((20, 30)) ** 4)
    lazy = fdr(p.chunk(lat=7, lon=11))
    assert lazy.chunks == p.chunk(lat=7, lon=11).chunks
    assert lazy.dtype == bool
    xr.testing.assert_identical(lazy.compute(), fdr(p))


def test_true_nulls_are_seldom_marked() -> None:
    rng = np.random.default_rng(1)
    marked = [bool(fdr(field(rng.random((20, 20)))).any()) for _ in range(500)]
    assert np.mean(marked) < 0.14  # nominal 0.1


def test_no_test_at_all() -> None:
    assert not fdr(field(np.full((2, 2), np.nan))).any()


@pytest.mark.parametrize("value", [-0.1, 1.5, np.inf])
def test_values_that_are_no_probability(value: float) -> None:
    lazy = fdr(field([[0.5, value]]).chunk())
    with pytest.raises(CubeError, match=r"outside 0\.\.1.*pvalue"):
        lazy.compute()


@pytest.mark.parametrize("alpha", [0, 1, -1, "high", True])
def test_alpha_is_checked(alpha: Any) -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        fdr(field([[0.5]]), alpha=alpha)


def test_only_arrays_are_taken() -> None:
    with pytest.raises(ParameterError, match=r"cc\.trend"):
        fdr(0.05)  # type: ignore[arg-type]
