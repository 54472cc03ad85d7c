"""The sliding percentile against brute force: pool each window anew and ask NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.percentile import sliding_statistics
from climcube.kernels.settings import NO_GRID
from climcube.kernels.windows import sliding_windows


def brute_force(series, group, first, last, half_width, groups, size, quantile):
    """Definition, literally: all base days of the group and their neighbours in the record."""
    mean, percentile = np.full(size, np.nan), np.full(size, np.nan)
    count = np.zeros(size, int)
    for g in groups:
        pooled = [
            series[i + k]
            for i in range(first, last + 1)
            if group[i] == g
            for k in range(-half_width, half_width + 1)
            if 0 <= i + k < len(series) and np.isfinite(series[i + k])
        ]
        if pooled:
            mean[g] = np.mean(pooled)
            percentile[g] = np.percentile(pooled, 100 * quantile)
            count[g] = len(pooled)
    return mean, percentile, count


def slide(block, group, first, last, half_width, groups, size, quantile, grid=NO_GRID):
    windows = sliding_windows(np.asarray(group), first, last, half_width, np.asarray(groups))
    return sliding_statistics(np.atleast_2d(block), size, quantile, grid, *windows.tables())


@st.composite
def records(draw):
    """Short 'years' of a few groups, with holes in the record, missing values and ties."""
    size = draw(st.integers(3, 12))
    years = draw(st.integers(1, 5))
    group = np.tile(np.arange(size), years)
    kept = np.array(draw(st.lists(st.booleans(), min_size=len(group), max_size=len(group))))
    kept[draw(st.integers(0, len(group) - 1))] = True
    group = group[kept]
    values = st.one_of(
        st.integers(-3, 3).map(float),
        st.floats(-1e6, 1e6, allow_subnormal=False),
        st.just(np.nan),
    )
    series = np.array(draw(st.lists(values, min_size=len(group), max_size=len(group))))
    first = draw(st.integers(0, len(group) - 1))
    last = draw(st.integers(first, len(group) - 1))
    half_width = draw(st.integers(0, 4))
    skip = draw(st.integers(-1, size - 1))
    groups = [g for g in range(size) if g != skip]
    quantile = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.95, 1.0]))
    return series, group, first, last, half_width, groups, size, quantile


@settings(max_examples=300, deadline=None)
@given(records())
def test_equals_brute_force(record):
    got = slide(*record)
    expected = brute_force(*record)
    for name, g, e in zip(("mean", "percentile", "count"), got, expected, strict=True):
        np.testing.assert_allclose(g[0], e, rtol=1e-12, atol=1e-9, err_msg=name)


@pytest.fixture
def daily():
    rng = np.random.default_rng(3)
    group = np.tile(np.arange(365), 12)
    block = rng.normal(15, 2, (3, len(group))).astype("float32").astype("float64")
    return block, group


def test_equals_brute_force_on_years_of_days(daily):
    block, group = daily
    got = slide(block, group, 365, 365 * 11 - 1, 5, range(365), 365, 0.9)
    for cell in range(len(block)):
        expected = brute_force(block[cell], group, 365, 365 * 11 - 1, 5, range(365), 365, 0.9)
        np.testing.assert_allclose(got[1][cell], expected[1], rtol=1e-14)
        np.testing.assert_allclose(got[0][cell], expected[0], rtol=1e-13)
        np.testing.assert_array_equal(got[2][cell], expected[2])


@pytest.mark.parametrize("outlier", [1e30, -1e30, np.inf, -np.inf, np.nan])
def test_one_outlier_stretches_nothing_but_its_own_windows(daily, outlier):
    """A single wild value puts all others into one bin: slow, but still exact."""
    block, group = daily
    block = block[:1, : 365 * 3].copy()
    block[0, 500] = outlier
    args = (group[: 365 * 3], 0, 365 * 3 - 1, 5, range(365), 365, 0.9)
    got, expected = slide(block, *args), brute_force(block[0], *args)
    np.testing.assert_allclose(got[1][0], expected[1], rtol=1e-12)
    np.testing.assert_array_equal(got[2][0], expected[2])


def test_constant_series_gives_the_constant(daily):
    _, group = daily
    mean, percentile, _ = slide(
        np.full((1, len(group)), 21.37), group, 0, len(group) - 1, 5, range(365), 365, 0.9
    )
    assert (mean == 21.37).all() and (percentile == 21.37).all()


def test_empty_series_has_count_zero_and_no_number(daily):
    _, group = daily
    mean, percentile, count = slide(
        np.full((1, len(group)), np.nan), group, 0, len(group) - 1, 5, range(365), 365, 0.9
    )
    assert np.isnan(mean).all() and np.isnan(percentile).all() and (count == 0).all()


def test_a_cell_does_not_depend_on_its_neighbours(daily):
    """Work arrays are reused from cell to cell; nothing may leak."""
    block, group = daily
    block[1] = np.nan
    args = (group, 0, len(group) - 1, 5, range(365), 365, 0.9)
    together = slide(block, *args)
    for cell in range(3):
        for a, b in zip(together, slide(block[cell], *args), strict=True):
            np.testing.assert_array_equal(a[cell], b[0])


@settings(max_examples=300, deadline=None)
@given(records(), st.sampled_from([0.01, 0.1, 1.0]), st.sampled_from([0.0, 25.0, -273.15]))
def test_packed_values_are_counted_and_give_the_same(record, scale, offset):
    series, *rest = record
    series = np.where(np.abs(series) < 1e5, np.rint(series), np.nan) * scale + offset
    counted, general = slide(series, *rest, grid=(scale, offset)), slide(series, *rest)
    np.testing.assert_array_equal(counted[1], general[1])
    np.testing.assert_array_equal(counted[2], general[2])
    # Sums of integers are exact; those of floats round as the largest value does.
    largest = np.max(np.abs(series), where=np.isfinite(series), initial=1.0)
    np.testing.assert_allclose(counted[0], general[0], rtol=1e-13, atol=1e-14 * largest)


@pytest.mark.parametrize("spoiled", [0.005, 1e9, np.inf])
def test_a_claim_that_does_not_hold_changes_nothing(daily, spoiled):
    """One value off the grid, or one so far out that counting makes no sense."""
    block, group = daily
    block = np.round(block, 2)
    block[1, 700] += spoiled
    args = (group, 0, len(group) - 1, 5, range(365), 365, 0.9)
    claimed, plain = slide(block, *args, grid=(0.01, 0.0)), slide(block, *args)
    for a, b in zip(claimed, plain, strict=True):
        np.testing.assert_array_equal(a[1], b[1])


def test_many_values_in_one_bin_are_put_in_order(daily):
    """Values that a far one squeezes into few bins, with ties."""
    block, group = daily
    block = np.round(block[:1, : 365 * 4], 1)
    block[0, 3] = 5e5
    args = (group[: 365 * 4], 0, 365 * 4 - 1, 5, range(365), 365, 0.9)
    got, expected = slide(block, *args), brute_force(block[0], *args)
    np.testing.assert_allclose(got[1][0], expected[1], rtol=1e-14)
