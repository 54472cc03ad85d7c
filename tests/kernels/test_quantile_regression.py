"""Quantile lines and their errors against all pairs, linear programming and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog
from statsmodels.regression import quantile_regression as peer

from climcube.kernels.quantile_regression import quantile_trend
from climcube.kernels.quantile_settings import (
    MEMORIES,
    TESTS,
    QuantileSettings,
    crossing_memory,
    density_widths,
)
from tests.oracles.quantiles import best_lines, loss, rank_scores, score_deviation, score_limits

NAMES = ["slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n", "n_eff", "r1"]


def fit(
    t: np.ndarray,
    x: np.ndarray,
    *quantiles: float,
    memory: str = "none",
    test: str = "rank_score",
    confidence: float = 0.95,
) -> dict[str, np.ndarray]:
    """Fit one series (or several); numbers of each quantile."""
    shares = np.array(quantiles)
    options = QuantileSettings(1.0, MEMORIES.index(memory), TESTS.index(test), 3, confidence)
    block = np.atleast_2d(np.asarray(x, float)).copy()
    found = quantile_trend(
        block, t - t[0], np.arange(len(t)), shares, crossing_memory(shares),
        density_widths(shares, len(t)), options,
    )  # fmt: skip
    one = np.ndim(x) == 1
    return {k: v[0] if one else v for k, v in zip(NAMES, found, strict=True)}


samples = st.lists(
    st.tuples(st.integers(0, 300), st.integers(-20, 20)),
    min_size=3, max_size=24, unique_by=lambda pair: pair[0],
)  # fmt: skip
shares = st.sampled_from([0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.7, 0.9, 0.95, 0.011])


@settings(deadline=None, max_examples=200)
@given(samples, shares, st.sampled_from([1.0, 0.01, 0.5]))
def test_the_middle_of_the_best_of_all_lines(
    pairs: list[tuple[int, int]], tau: float, unit: float
) -> None:
    t, whole = np.array(sorted(pairs), float).T
    t, x = t / 12, whole * unit
    least, first, last, level = best_lines(t - t[0], x, tau)
    found = fit(t, x, tau)
    assert found["slope"][0] == pytest.approx((first + last) / 2, rel=1e-9, abs=1e-9)
    assert found["intercept"][0] == pytest.approx(level, rel=1e-9, abs=1e-8)
    reached = loss(t - t[0], x, tau, found["slope"][0], found["intercept"][0])
    assert reached == pytest.approx(least, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(samples, shares, st.sampled_from([0.5, 0.8, 0.95]))
def test_limits_and_p_values_are_those_of_the_score(
    pairs: list[tuple[int, int]], tau: float, confidence: float
) -> None:
    t, x = np.array(sorted(pairs), float).T
    found = fit(t, x, tau, confidence=confidence)
    deviation = score_deviation(t, tau)
    far = stats.norm.ppf((1 + confidence) / 2) * deviation
    low, high = score_limits(t, x, tau, far)
    assert found["ci_low"][0] == pytest.approx(low, rel=1e-8, abs=1e-8, nan_ok=True)
    assert found["ci_high"][0] == pytest.approx(high, rel=1e-8, abs=1e-8, nan_ok=True)
    least, most = rank_scores(t, x, tau, 0.0)
    size = 0.0 if least <= 0 <= most else min(abs(least), abs(most))
    assert found["pvalue"][0] == pytest.approx(2 * stats.norm.sf(size / deviation), abs=1e-9)


def programmed(t: np.ndarray, x: np.ndarray, tau: float) -> tuple[float, float]:
    """Slope and loss by linear programming (HiGHS)."""
    n = len(t)
    costs = np.concatenate([np.zeros(4), np.full(n, tau), np.full(n, 1 - tau)])
    ones = np.ones(n)
    equal = np.column_stack([ones, -ones, t, -t, np.eye(n), -np.eye(n)])
    answer = linprog(costs, A_eq=equal, b_eq=x)
    return float(answer.x[2] - answer.x[3]), float(answer.fun)


def kinds(n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(n)
    noise, steps = rng.standard_normal(n), np.arange(n, dtype=float)
    uneven = np.cumsum(rng.random(n) + 0.01)
    return {
        "continuous": (steps, noise),
        "uneven times": (uneven, noise + uneven),
        "at 290 K": (steps / 12, 290 + noise.astype("float32").astype(float)),
        "hundredths": (uneven, np.round(15 + noise, 2)),
        "whole numbers": (steps, np.round(2 * noise)),
        "mostly zero": (uneven, np.where(rng.random(n) < 0.8, 0.0, noise**2)),
        "two values": (steps, (noise > 0).astype(float)),
        "a line with few exceptions": (steps, np.where(steps % 50 == 7, noise, 0.25 * steps)),
        "a jump": (steps, np.where(steps > n / 2, 1e3, 0.0) + noise),
        "outliers": (steps, noise / np.abs(rng.standard_normal(n))),
        "growing": (steps, np.exp(steps / n * 6) * noise),
    }


@pytest.mark.parametrize("kind", list(kinds(5)))
def test_no_line_of_linear_programming_is_better(kind: str) -> None:
    for n in (41, 240):
        t, x = kinds(n)[kind]
        for tau in (0.05, 0.5, 0.83):
            found = fit(t, x, tau)
            slope, least = programmed(t - t[0], x, tau)
            reached = loss(t - t[0], x, tau, found["slope"][0], found["intercept"][0])
            assert reached == pytest.approx(least, rel=1e-9, abs=1e-9), (n, tau)
            if kind in ("uneven times", "outliers", "growing") and n == 41:  # one best line
                assert found["slope"][0] == pytest.approx(slope, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("kind", list(kinds(5)))
def test_long_series_have_a_best_line(kind: str) -> None:
    """The share below and the balance of times prove it: the dual solution."""
    t, x = kinds(3001)[kind]
    for tau in (0.02, 0.5, 0.9):
        found = fit(t, x, tau)
        e = x - found["slope"][0] * (t - t[0]) - found["intercept"][0]
        on = np.abs(e) <= 1e-9 * max(1, np.abs(x).max())
        above, below = (e > 0) & ~on, (e < 0) & ~on
        assert below.sum() <= len(x) * tau <= (below | on).sum()
        centred = t - t.mean()
        rest = len(x) * tau - below.sum()
        spare = np.clip(rest - np.arange(on.sum()), 0, 1)
        ends = [(np.sort(centred[on])[:: 1 if s else -1] * spare).sum() for s in (True, False)]
        total = centred[below].sum()
        rounding = 1e-9 * np.abs(centred).sum()
        assert total + ends[0] <= rounding, (tau, above.sum())
        assert total + ends[1] >= -rounding


@settings(deadline=None, max_examples=60)
@given(samples, shares, st.sampled_from([-1.0, -4.0, 0.5]), st.integers(-5, 5))
def test_turned_scaled_and_shifted(
    pairs: list[tuple[int, int]], tau: float, factor: float, rate: int
) -> None:
    t, x = np.array(sorted(pairs), float).T
    before = fit(t, x, tau if factor > 0 else 1 - tau)
    after = fit(t + 1000, factor * (x + rate * (t - t[0]) + 7), tau)
    close = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}
    assert after["slope"][0] == pytest.approx(factor * (before["slope"][0] + rate), **close)
    assert after["intercept"][0] == pytest.approx(factor * (before["intercept"][0] + 7), **close)
    names = ("ci_low", "ci_high") if factor > 0 else ("ci_high", "ci_low")
    for name, other in zip(("ci_low", "ci_high"), names, strict=True):
        assert after[name][0] == pytest.approx(factor * (before[other][0] + rate), **close)
    assert after["r1"][0] == pytest.approx(before["r1"][0], rel=1e-6, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
def test_slopes_and_errors_are_those_of_statsmodels(tau: float) -> None:
    rng = np.random.default_rng(4)
    for n in (100, 301):
        t = np.cumsum(rng.random(n) + 0.1)
        x = 15 + 0.01 * t + rng.gumbel(size=n)
        found = fit(t, x, tau)
        design = np.column_stack([np.ones(n), t - t[0]])
        theirs = peer.QuantReg(x, design).fit(q=tau, vcov="iid", max_iter=5000, p_tol=1e-9)
        assert found["slope"][0] == pytest.approx(theirs.params[1], rel=1e-4, abs=1e-5)
        # Of the residuals: with the values' spread, as theirs, a trend would change its error.
        level = peer.QuantReg(x - found["slope"][0] * t, design)
        errors = level.fit(q=tau, vcov="iid", max_iter=5000, p_tol=1e-9).bse
        assert found["stderr"][0] == pytest.approx(errors[1], rel=1e-4)
        width = density_widths(np.array([tau]), n)[0, n]
        h = peer.hall_sheather(n, tau)
        assert width == pytest.approx(stats.norm.ppf(tau + h) - stats.norm.ppf(tau - h), rel=1e-12)


def test_a_bandwidth_beyond_the_quantiles_is_none() -> None:
    widths = density_widths(np.array([0.05, 0.5]), 100)
    assert np.flatnonzero(np.isfinite(widths[0]))[0] == 77
    assert np.isfinite(widths[1, 8:]).all()
    t, noise = np.arange(40.0), np.random.default_rng(0).standard_normal(40)
    short = fit(t, noise, 0.05, 0.5)
    assert np.isnan(short["stderr"]).tolist() == [True, False]
    assert np.isfinite(short["pvalue"]).all()
    equal = fit(t, np.where(np.arange(40) % 4 == 0, noise, 0.0), 0.5)
    assert np.isnan(equal["stderr"][0])


@pytest.mark.parametrize("tau", [0.05, 0.5, 0.8])
@pytest.mark.parametrize("r", [0.3, 0.9])
def test_memory_of_crossings_is_that_of_the_normal_distribution(tau: float, r: float) -> None:
    z = stats.norm.ppf(tau)
    terms = crossing_memory(np.array([tau]))[0]
    for lag in (1, 3):
        joint = stats.multivariate_normal([0, 0], [[1, r**lag], [r**lag, 1]])
        expected = (joint.cdf([z, z]) - tau**2) / (tau * (1 - tau))
        powers = r ** (lag * np.arange(1, terms.size + 1))
        assert (terms * powers).sum() == pytest.approx(expected, abs=1e-5)
    if tau == 0.5:
        assert (terms * r ** np.arange(1, terms.size + 1)).sum() == pytest.approx(
            2 / np.pi * np.arcsin(r), rel=1e-9
        )


def test_memory_makes_the_errors_wider_by_its_sum() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(120)
    for i in range(1, 120):
        x[i] += 0.6 * x[i - 1]
    t = np.arange(120.0)
    plain, aware = fit(t, x, 0.2), fit(t, x, 0.2, memory="ar1")
    e = x - plain["slope"][0] * t - plain["intercept"][0]
    ranks = stats.rankdata(np.round(e, 10)) - 60.5  # the two values on the line are tied
    r1 = 2 * np.sin(np.pi / 6 * (ranks[1:] * ranks[:-1]).sum() / (ranks * ranks).sum())
    assert aware["r1"][0] == pytest.approx(r1, rel=1e-9)
    r = (120 * r1 + 2) / 116
    terms, lags = crossing_memory(np.array([0.2]))[0], np.arange(1, 120)
    rho = (terms[:, None] * r ** (lags * np.arange(1, terms.size + 1)[:, None])).sum(axis=0)
    factor = 1 + 2 * ((1 - lags / 120) * rho).sum()
    assert aware["n_eff"][0] == pytest.approx(120 / factor, rel=1e-7)
    assert aware["stderr"][0] == pytest.approx(plain["stderr"][0] * np.sqrt(factor), rel=1e-7)
    z, wide = (stats.norm.isf(fitted["pvalue"][0] / 2) for fitted in (plain, aware))
    assert wide == pytest.approx(z / np.sqrt(factor), rel=1e-7)
    student = fit(t, x, 0.2, memory="ar1", test="t")
    freedom = student["n_eff"][0] - 2
    assert student["pvalue"][0] == pytest.approx(
        2 * stats.t.sf(abs(student["slope"][0]) / student["stderr"][0], freedom), rel=1e-9
    )
    half = stats.t.ppf(0.975, freedom) * student["stderr"][0]
    assert student["ci_high"][0] == pytest.approx(student["slope"][0] + half, rel=1e-12)
