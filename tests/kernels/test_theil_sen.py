"""Slopes of ranks: the same numbers as sorting all of them, whatever the ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.inversions import count_inversions, list_inversions, tie_sums
from climcube.kernels.rank_settings import RankSettings
from climcube.kernels.rank_trend import rank_trend
from climcube.kernels.selection import middle_value, select
from climcube.kernels.theil_sen import LISTED, Order, slope_of_rank


def every_slope(t: np.ndarray, x: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(len(x), 1)
    return np.sort((x[j] - x[i]) / (t[j] - t[i]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=90))
def test_inversions_are_those_counted_one_by_one(numbers: list[int]) -> None:
    values = np.array(numbers, float)
    i, j = np.triu_indices(len(values), 1)
    expected = {(int(a), int(b)) for a, b in zip(i, j, strict=True) if values[a] > values[b]}
    ordered = values.copy()
    assert count_inversions(ordered, np.empty_like(values)) == len(expected)
    assert ordered.tolist() == sorted(numbers)
    _, counts = np.unique(values, return_counts=True)
    sums = (counts * (counts - 1) // 2).sum(), (counts * (counts - 1) * (2 * counts + 5)).sum()
    assert tie_sums(ordered) == sums
    room = np.empty(len(expected), np.int64)
    keys, index, other = values.copy(), np.arange(len(values)), room.copy()
    spare = np.empty_like(index)
    found = list_inversions(keys, index, values.copy(), spare, room, other, len(expected))
    assert found == len(expected)
    assert set(zip(room.tolist(), other.tolist(), strict=True)) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=400), st.floats(0, 1))
def test_selection_is_sorting(numbers: list[int], share: float) -> None:
    values = np.array(numbers, float)
    rank = min(int(share * len(values)), len(values) - 1)
    assert select(values, 0, len(values), rank, np.empty(16)) == sorted(numbers)[rank]
    assert (values[:rank] <= values[rank]).all()
    assert (values[rank:] >= values[rank]).all()
    assert middle_value(values, 0, len(values), np.empty(16)) == np.median(numbers)


def kinds(n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(n)
    noise, steps = rng.standard_normal(n), np.arange(n, dtype=float)
    uneven = np.cumsum(rng.random(n) + 0.01)
    return {
        "continuous": (steps, noise),
        "uneven times": (uneven, noise + uneven),
        "at 290 K": (steps / 12, 290 + noise.astype("float32").astype(float)),
        "whole numbers": (steps, np.round(2 * noise)),
        "mostly zero": (uneven, np.where(rng.random(n) < 0.8, 0.0, noise**2)),
        "two values": (steps, (noise > 0).astype(float)),
        "a line with few exceptions": (steps, np.where(steps % 50 == 7, noise, 0.25 * steps)),
        "a jump": (steps, np.where(steps > n / 2, 1e6, 0.0) + noise),
        "wild": (steps, np.tan(1.5 * np.clip(noise, -1, 1)) * 10.0 ** rng.integers(0, 9, n)),
        "tiny": (steps, 1e-12 * noise),
        "exponential": (steps, np.exp(steps / 20)),
    }


def room_for(n: int) -> Order:
    listed = [np.empty(LISTED * n, np.int64) for _ in range(2)]
    return Order(np.empty(n), np.empty(n), np.empty(n, np.int64), *listed, np.empty(LISTED * n))


@pytest.mark.parametrize("n", [102, 347])
@pytest.mark.parametrize("kind", list(kinds(5)))
def test_every_rank_of_many_slopes(n: int, kind: str) -> None:
    t, x = kinds(n)[kind]
    slopes, starts, room = every_slope(t, x), np.array([0, n]), room_for(n)
    # Samples in time order: all slopes are above, and how dense they are is unknown.
    order, state = np.arange(n), np.array([-np.inf, 0, 0])
    counts, known = np.empty((256, 2)), 0
    for rank in (0, 1, 57, len(slopes) // 3, len(slopes) // 2, len(slopes) - 40, len(slopes) - 1):
        own, fresh = np.array([-np.inf, 0, 0]), np.empty((256, 2))
        found, before, _ = slope_of_rank(rank, t, x, starts, np.arange(n), own, fresh, 0, room)
        assert found == pytest.approx(slopes[rank], rel=1e-9, abs=1e-12 * np.abs(x).max())
        if rank and not np.isnan(before):
            assert before == pytest.approx(slopes[rank - 1], rel=1e-9, abs=1e-12 * abs(x).max())
        if known < 200:  # trials of one rank serve the next
            again, _, known = slope_of_rank(rank, t, x, starts, order, state, counts, known, room)
            assert again == pytest.approx(found, rel=1e-9, abs=1e-12 * np.abs(x).max())


@pytest.mark.parametrize("n", [70, 71, 72, 73, 102, 300, 1000])
def test_the_median_and_limits_are_exact_at_any_length(n: int) -> None:
    place = np.arange(n)
    for kind in ("continuous", "uneven times", "whole numbers", "mostly zero"):
        t, x = kinds(n)[kind]
        slopes = every_slope(t, x)
        options = RankSettings(1.0, 0, 1, 3, 0.95)
        found = rank_trend(x[None].copy(), t, place, place, np.array([0, n]), options)
        assert found[0][0] == np.median(slopes), kind
        half = 1.959963984540054 * np.sqrt(found[7][0])
        assert found[2][0] == slopes[round((len(slopes) - half) / 2) - 1], kind
        assert found[3][0] == slopes[round((len(slopes) + half) / 2)], kind


def test_seasons_are_compared_with_themselves_only() -> None:
    n = 12 * 40
    rng = np.random.default_rng(8)
    x, t = rng.standard_normal(n), np.arange(n) / 12
    month = np.arange(n) % 12
    order, starts = np.argsort(month, kind="stable"), np.arange(13) * 40
    options = RankSettings(1.0, 0, 1, 3, 0.95)
    found = rank_trend(x[None].copy(), t, np.arange(n), order, starts, options)
    parts = [every_slope(t[month == m], x[month == m]) for m in range(12)]
    assert found[0][0] == pytest.approx(np.median(np.concatenate(parts)), rel=1e-14)
    assert found[6][0] == sum(int(np.sign(p).sum()) for p in parts)
