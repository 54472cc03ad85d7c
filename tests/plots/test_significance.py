"""Benjamini and Hochberg's rule, against SciPy's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

from climcube.plots.significance import significant_cells


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)), st.floats(0.01, 0.5))
def test_equals_adjusted_pvalues(p: npt.NDArray[np.float64], alpha: float) -> None:
    adjusted = false_discovery_control(p)
    clear = np.abs(adjusted - alpha) > 1e-12
    marks = significant_cells(xr.DataArray(p, dims="x"), alpha)[0].values
    np.testing.assert_array_equal(marks[clear], (adjusted <= alpha)[clear])


def test_cells_without_a_pvalue_are_never_significant() -> None:
    marks, rule = significant_cells(xr.DataArray([np.nan, 0.001, 0.9], dims="x"), 0.05)
    assert marks.values.tolist() == [False, True, False]
    assert "0.05" in rule
    assert "no cell" in significant_cells(xr.DataArray([np.nan, 0.9], dims="x"), 0.05)[1]
