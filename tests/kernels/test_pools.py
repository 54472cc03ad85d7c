"""Pools: the same samples in each group as a loop over the record finds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.pools import Pools, group_samples, pool_samples


def members(pools: Pools, group: int) -> Counter[int]:
    """Samples of one group and how often each of them counts, read from the tables."""
    found: Counter[int] = Counter()
    for entry in range(pools.start[group], pools.start[group + 1]):
        for sample in np.flatnonzero(pools.label == pools.member[entry]):
            found[int(sample)] += int(pools.times[entry])
    return found


def neighbours(label: np.ndarray, group: int, first: int, last: int, half: int) -> Counter[int]:
    """The same by definition."""
    found: Counter[int] = Counter()
    for centre in range(first, last + 1):
        if label[centre] == group:
            found.update(range(max(0, centre - half), min(len(label), centre + half + 1)))
    return found


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(-1, 4), min_size=1, max_size=30),
    st.integers(0, 4),
    st.tuples(st.integers(0, 29), st.integers(0, 29)),
)
def test_pools_are_the_neighbours_of_the_centres(
    labels: list[int], half: int, period: tuple[int, int]
) -> None:
    label = np.array(labels)
    first, last = sorted(min(p, len(label) - 1) for p in period)
    pools = pool_samples(label, 5, first, last, half)
    assert pools.groups == 5
    for group in range(5):
        assert members(pools, group) == neighbours(label, group, first, last, half)


def test_every_sample_has_one_class_and_there_are_few() -> None:
    days = np.datetime64("1981-01-01") + np.arange(14_610)
    year = days.astype("datetime64[Y]")
    day = (days - year.astype("datetime64[D]")).astype(int)
    leap = (year.astype(int) + 1970) % 4 == 0
    day += (day >= 59) & ~leap  # 29 February is 59, and 1 March always 60
    pools = pool_samples(day, 366, 3650, 10_957, 5)
    assert pools.classes < 500  # not 14,610, and a state has as many rows
    assert (pools.label < 0).sum() == 3650 - 5 + 14_610 - 10_958 - 5
    for group in (0, 58, 59, 60, 365):
        assert members(pools, group) == neighbours(day, group, 3650, 10_957, 5)


def test_groups_without_window() -> None:
    pools = group_samples(np.array([0, 1, -1, 1]), 3, np.array([1.0, 2.0, 3.0, 4.0]))
    assert [members(pools, g) for g in range(3)] == [
        Counter({0: 1}),
        Counter({1: 1, 3: 1}),
        Counter(),
    ]
    assert pools.weight.tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("half", [0, 2])
def test_only_the_base_period_has_centres(half: int) -> None:
    pools = pool_samples(np.zeros(10, int), 1, 4, 5, half)
    assert sorted(members(pools, 0)) == list(range(4 - half, 6 + half))
