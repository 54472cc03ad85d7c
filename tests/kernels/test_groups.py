"""Group means and deviations: against plain NumPy, over any cuts, with the compiler off."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.groups import MEAN, STANDARD_DEVIATION, Finish, Grid
from climcube.kernels.harmonics import fit_harmonics
from climcube.kernels.pools import Pools, group_samples, pool_samples
from climcube.kernels.reduction import Reduction

Array = np.ndarray
PLAIN, NOTHING = Grid(), Finish()
RULES = [(MEAN, np.nanmean, {}), (STANDARD_DEVIATION, np.nanstd, {"ddof": 1})]


def reduce_in_parts(
    reduction: Reduction, values: Array, cuts: list[int], pools: Pools,
    grid: Grid = PLAIN, finish: Finish = NOTHING,
) -> Array:  # fmt: skip
    """Run chunk, combine and finalize over stretches that end at the cuts."""
    edges = [0, *sorted(set(cuts)), len(values)]
    states = [reduction.chunk(values[a:b], a, pools, grid, finish) for a, b in pairwise(edges)]
    while len(states) > 1:  # a tree, as the lift builds it
        states = [reduction.combine(states[i : i + 3]) for i in range(0, len(states), 3)]
    return reduction.finalize(states[0], pools, grid, finish)[0]


def by_definition(values: Array, pools: Pools, rule: object, options: dict[str, int]) -> Array:
    """Gather each group's samples and apply NumPy's function."""
    wide = np.where(np.isfinite(values), values.astype("float64"), np.nan)
    rows = []
    for group in range(pools.groups):
        chosen = [np.empty((0, values.shape[1]))]
        for entry in range(pools.start[group], pools.start[group + 1]):
            found = wide[pools.label == pools.member[entry]]
            chosen += [found] * int(pools.times[entry])
        pooled = np.concatenate(chosen)
        row = np.full(values.shape[1], np.nan)
        enough = np.isfinite(pooled).sum(axis=0) > options.get("ddof", 0)
        if enough.any():
            row[enough] = rule(pooled[:, enough], axis=0, **options)  # type: ignore[operator]
        rows.append(row)
    return np.stack(rows)


def sample(seed: int, times: int = 60, cells: int = 3, dtype: str = "float32") -> Array:
    rng = np.random.default_rng(seed)
    values = rng.normal(290, 3, (times, cells)).astype(dtype)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[rng.random(values.shape) < 0.05] = np.inf
    values[:, -1] = np.nan
    return values


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 59), max_size=12),
    st.integers(0, 3),
    st.sampled_from(["float32", "float64", "float16", ">f4"]),
)
def test_any_cuts_give_the_definition(seed: int, cuts: list[int], half: int, dtype: str) -> None:
    values = sample(seed, dtype=dtype)
    label = np.arange(60) % 7 - (np.arange(60) % 11 == 0)
    pools = pool_samples(label, 7, 8, 50, half)
    for reduction, rule, options in RULES:
        parts = reduce_in_parts(reduction, values, cuts, pools)
        whole = reduce_in_parts(reduction, values, [], pools)
        expected = by_definition(values, pools, rule, options)
        np.testing.assert_allclose(parts, expected, rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-11)
        if reduction is MEAN and dtype != "float64":
            assert parts.tobytes() == whole.tobytes()  # float64 holds sums of float32 exactly


def test_packed_values_are_summed_as_integers() -> None:
    integers = np.random.default_rng(3).integers(-300, 3500, (4000, 5))
    decoded = (integers * np.float32(0.01)).astype("float32")
    pools = group_samples(np.arange(4000) % 12, 12)
    grid = Grid(0.01, 0.0, float(np.finfo("float32").eps))
    mean = reduce_in_parts(MEAN, decoded, [], pools, grid)
    exact = np.stack([integers[g::12].sum(axis=0) / len(integers[g::12]) for g in range(12)]) * 0.01
    assert mean.tobytes() == exact.tobytes()
    assert reduce_in_parts(MEAN, decoded, [1, 7, 1234], pools, grid).tobytes() == mean.tobytes()
    std = reduce_in_parts(STANDARD_DEVIATION, decoded, [99], pools, grid)
    expected = np.stack([(integers[g::12] * 0.01).std(axis=0, ddof=1) for g in range(12)])
    np.testing.assert_allclose(std, expected, rtol=1e-12)


def test_values_off_the_packed_grid_are_taken_as_they_are() -> None:
    values = np.array([[0.014], [0.02]], "float32")
    grid = Grid(0.01, 0.0, float(np.finfo("float32").eps))
    mean = reduce_in_parts(MEAN, values, [], group_samples(np.zeros(2), 1), grid)
    np.testing.assert_allclose(mean, 0.017, rtol=1e-7)


@pytest.mark.parametrize("value", [0.1, 271.35, -1.8])
def test_a_constant_has_exactly_no_deviation(value: float) -> None:
    values = np.full((1000, 2), value)
    pools = pool_samples(np.arange(1000) % 10, 10, 0, 999, 2)
    for cuts in ([], [1, 2, 17, 500]):
        assert (reduce_in_parts(STANDARD_DEVIATION, values, cuts, pools) == 0).all()


def test_float32_means_at_290_kelvin_lose_nothing() -> None:
    values = np.random.default_rng(0).normal(290, 3, (14_610, 1)).astype("float32")
    mean = reduce_in_parts(MEAN, values, [], group_samples(np.zeros(14_610), 1))
    assert abs(mean[0, 0] - values.astype("longdouble").mean()) < 1e-12


def test_weights_and_coverage() -> None:
    values = np.array([[1.0, 1.0], [4.0, np.nan], [9.0, 9.0]])
    pools = group_samples(np.zeros(3), 1, np.array([31.0, 28.0, 31.0]))
    mean = reduce_in_parts(MEAN, values, [1], pools)
    np.testing.assert_allclose(mean, [[(31 + 112 + 279) / 90, 5.0]])
    for share, expected in ((0.6, [False, False]), (0.7, [False, True]), (1.0, [False, True])):
        finish = Finish(np.array([90.0]), share)
        assert (
            np.isnan(reduce_in_parts(MEAN, values, [], pools, finish=finish)[0]).tolist()
            == expected
        )


def test_a_state_holds_the_classes_that_occur() -> None:
    pools = group_samples(np.arange(366), 366)
    for reduction in (MEAN, STANDARD_DEVIATION):
        state = reduction.chunk(np.zeros((2, 4), "float32"), 10, pools, Grid(), Finish())
        assert {a.shape for a in state.values()} == {(2, 4)}
        empty = reduction.chunk(np.zeros((2, 0), "float32"), 10, pools, Grid(), Finish())
        assert reduction.finalize(empty, pools, Grid(), Finish())[0].shape == (366, 0)


def test_stretches_outside_every_group() -> None:
    pools = pool_samples(np.zeros(10, int), 1, 8, 9)
    values = np.arange(10.0)[:, None]
    assert reduce_in_parts(MEAN, values, [2, 4], pools)[0, 0] == 8.5
    assert np.isnan(reduce_in_parts(MEAN, values * np.nan, [2], pools)[0, 0])


def test_integers_and_strided_blocks() -> None:
    pools = group_samples(np.arange(8) % 2, 2)
    values = np.arange(48, dtype="int16").reshape(8, 6)[:, ::2]
    expected = np.stack([values[0::2].mean(axis=0), values[1::2].mean(axis=0)])
    np.testing.assert_array_equal(reduce_in_parts(MEAN, values, [3], pools), expected)


def test_leap_day_smoothing_and_harmonics() -> None:
    days = np.arange(366)
    wave = 15 + 4 * np.cos(2 * np.pi * days / 366 + 0.3) + np.sin(4 * np.pi * days / 366)
    values = np.where(days == 59, 99.0, wave)[:, None]
    pools = group_samples(days, 366)
    raw = reduce_in_parts(MEAN, values, [], pools, finish=Finish(leap_day=59))
    assert raw[59, 0] == 0.5 * (raw[58, 0] + raw[60, 0])
    smooth = reduce_in_parts(MEAN, values, [], pools, finish=Finish(leap_day=59, smooth=31))
    around = np.concatenate([raw[-15:, 0], raw[:, 0], raw[:15, 0]])
    expected = np.convolve(around, np.full(31, 1 / 31), "valid")
    np.testing.assert_allclose(smooth[:, 0], expected, rtol=1e-12)
    fitted = fit_harmonics(wave[:, None], 2)
    np.testing.assert_allclose(fitted[:, 0], wave, rtol=1e-12)
    noisy = wave + np.random.default_rng(0).normal(size=366)
    spectrum = np.fft.rfft(noisy)
    spectrum[4:] = 0
    np.testing.assert_allclose(
        fit_harmonics(noisy[:, None], 3)[:, 0], np.fft.irfft(spectrum), rtol=1e-11
    )


def test_harmonics_with_missing_days() -> None:
    days = np.arange(360)
    wave = (3 + np.sin(2 * np.pi * days / 360))[:, None]
    gappy = wave.copy()
    gappy[40:90] = np.nan
    few = np.full_like(wave, np.nan)
    few[:2] = 1.0
    fitted = fit_harmonics(np.concatenate([gappy, few], axis=1), 1)
    np.testing.assert_allclose(fitted[90:, 0], wave[90:, 0], rtol=1e-12)
    assert np.isnan(fitted[40:90, 0]).all()
    assert np.isnan(fitted[:, 1]).all()


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="this is the run without")
def test_the_same_with_the_compiler_off() -> None:
    chosen = "packed or weights or constant or strided or outside"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", chosen],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
