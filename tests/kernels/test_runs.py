"""Filling gaps and finding events in small series that can be checked by eye."""

import numpy as np
import pytest

from climcube.kernels.runs import (
    fill_gaps,
    find_events,
    long_holes,
    mark_exceedances,
    stretches,
)

NAN = np.nan


def filled(series, longest, days=None):
    block = np.array([series], float)
    fill_gaps(block, np.arange(len(series)) if days is None else np.asarray(days), longest)
    return block[0]


@pytest.mark.parametrize(
    ("series", "longest", "expected"),
    [
        ([1, NAN, 3], 0, [1, NAN, 3]),
        ([1, NAN, 3], 1, [1, 2, 3]),
        ([1, NAN, NAN, 4], 1, [1, NAN, NAN, 4]),
        ([1, NAN, NAN, 4], 2, [1, 2, 3, 4]),
        ([NAN, 1, NAN], 5, [NAN, 1, NAN]),  # the ends of the record are no gap
        ([NAN, NAN], 5, [NAN, NAN]),
    ],
)
def test_fill_gaps(series, longest, expected):
    np.testing.assert_array_equal(filled(series, longest), expected)


def test_gaps_count_by_date():
    days = [0, 1, 9, 10]  # seven days are absent from the record
    np.testing.assert_array_equal(filled([1, NAN, 3, 4], 2, days), [1, NAN, 3, 4])
    np.testing.assert_allclose(filled([0, NAN, 9, 10], 8, days), [0, 1, 9, 10])


def found(hot, min_duration=5, max_gap=2, days=None, max_pad=0):
    series = np.array([{"#": 1.0, ".": 0.0, "?": NAN, "=": 0.5}[c] for c in hot])
    start, end = np.empty(len(hot), np.int64), np.empty(len(hot), np.int64)
    days = np.arange(len(hot)) if days is None else np.asarray(days)
    above = np.zeros((len(hot) + 8) // 8 * 8, np.uint8)
    group = np.zeros(len(hot), np.uint32)
    mark_exceedances(series, np.array([0.5]), group, stretches(group), above)
    holes = long_holes(days, max_gap, max_pad)
    number = find_events(above, days, holes, min_duration, max_gap, start, end)
    return list(zip(start[:number].tolist(), end[:number].tolist(), strict=True))


@pytest.mark.parametrize(
    ("hot", "expected"),
    [
        ("", []),
        ("....", []),
        ("####", []),
        ("#####", [(0, 4)]),
        (".#####.", [(1, 5)]),
        ("#####==#####", [(0, 11)]),  # equal to the threshold is not above it
        ("#####...#####", [(0, 4), (8, 12)]),
        ("####.####", []),  # short runs are dropped before anything is joined
        ("#####.####", [(0, 4)]),
        ("#####??#####", [(0, 11)]),  # missing days are joined over like others
        ("##?###", []),
        ("#####.#####.#####", [(0, 16)]),
    ],
)
def test_find_events(hot, expected):
    assert found(hot) == expected


def test_no_joining_and_other_lengths():
    assert found("#####.#####", max_gap=0) == [(0, 4), (6, 10)]
    assert found("###.###", min_duration=3, max_gap=1) == [(0, 6)]
    assert found("#", min_duration=1) == [(0, 0)]


def test_runs_count_samples_but_gaps_count_days():
    days = [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13]  # three days absent after sample 5
    assert found("#####.#####", days=days) == [(0, 4), (6, 10)]


@pytest.mark.parametrize(
    ("absent", "options", "expected"),
    [
        (1, {}, [(0, 10)]),  # 29 February, in a record that drops it
        (2, {}, [(0, 10)]),  # as many as may lie between runs that are joined
        (3, {}, [(0, 5), (6, 10)]),
        (3, {"max_gap": 3}, [(0, 10)]),
        (3, {"max_pad": 3}, [(0, 10)]),  # values there would be filled in
        (4, {"max_pad": 3}, [(0, 5), (6, 10)]),
        (3, {"min_duration": 6}, [(0, 5)]),
        (3, {"min_duration": 7}, []),
        (2, {"min_duration": 11}, [(0, 10)]),
        (1, {"max_gap": 0}, [(0, 5), (6, 10)]),
        (1, {"max_gap": 0, "min_duration": 1}, [(0, 5), (6, 10)]),
    ],
)
def test_a_run_goes_on_over_few_absent_days_only(absent, options, expected):
    days = np.r_[0:6, 6 + absent : 11 + absent]
    assert found("#" * 11, days=days, **options) == expected


def test_each_hole_ends_a_run():
    days = np.r_[0:5, 10:11, 20:26]
    assert found("#" * 12, days=days) == [(0, 4), (6, 11)]
    assert found("#" * 12, days=days, min_duration=1) == [(0, 4), (5, 5), (6, 11)]


def test_stretches_are_rows_of_consecutive_groups():
    group = np.array([3, 4, 5, 0, 1, 1, 9], np.uint32)
    assert stretches(group).tolist() == [0, 3, 5, 6, 7]
    assert stretches(group[:0]).tolist() == [0]
