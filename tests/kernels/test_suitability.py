"""The trapezoid and the sums of periods, straight from their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climcube.kernels.suitability import PERIODS, trapezoid

finite = st.floats(-50, 50)


@given(st.lists(finite, min_size=4, max_size=4, unique=True).map(sorted), finite)
def test_trapezoid_is_its_definition(bounds: list[float], value: float) -> None:
    a, b, c, d = bounds
    found = float(trapezoid(np.array([value]), a, b, c, d)[0])
    assert 0 <= found <= 1
    if value < a - 1e-9 or value > d + 1e-9:
        assert found == 0
    elif b <= value <= c:
        assert found == 1
    elif a + 1e-9 < value < d - 1e-9:
        expected = min((value - a) / (b - a), (d - value) / (d - c), 1.0)
        assert found == pytest.approx(expected, abs=1e-12)


def test_bounds_along_the_last_axis() -> None:
    values = np.array([[5.0], [np.nan], [15.0]])
    found = trapezoid(values, *np.array([[0, 10], [0, 10], [10, 20], [10, 20]]))
    np.testing.assert_array_equal(found, [[1, 0], [np.nan, np.nan], [0, 1]])
    one = trapezoid(values, *(np.array([b]) for b in (0, 0, 10, 10)))
    assert one.shape == (3, 1)
    assert trapezoid(np.array(5.0), 0, 0, 10, 10).shape == ()
    assert trapezoid(np.empty((0, 3)), 0, 0, 10, 10).shape == (0, 3)


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_periods_merge(cut: int) -> None:
    rng = np.random.default_rng(0)
    block = rng.random((10, 3))
    block[rng.random(block.shape) < 0.2] = np.nan
    group, weight = np.repeat([0, 1, 3], [3, 4, 3]), rng.random(10)
    expected = np.array([weight[group == g].sum() for g in range(4)])
    expected[2] = 1.0
    tables = (group, weight, 0.4, expected, 0.3)
    states = [PERIODS.chunk(block[:cut], 0, *tables), PERIODS.chunk(block[cut:], cut, *tables)]
    mean, above, coverage = PERIODS.finalize(PERIODS.combine(states), *tables)
    assert np.isnan(mean[2]).all() and (coverage[2] == 0).all()  # no sample
    for number in (0, 1, 3):
        own, days = block[group == number], weight[group == number][:, None]
        known = np.where(np.isnan(own), 0, days).sum(axis=0)
        short = known / expected[number] < 0.3
        np.testing.assert_allclose(coverage[number], known / expected[number])
        wanted = np.where(short, np.nan, np.nansum(own * days, axis=0) / np.where(short, 1, known))
        np.testing.assert_allclose(mean[number], wanted)
        wanted = np.where(short, np.nan, np.where(own > 0.4, days, 0).sum(axis=0))
        np.testing.assert_allclose(above[number], wanted)
