"""Window tables: what enters and leaves adds up to the window, copies included."""

import numpy as np

from climcube.kernels.windows import sliding_windows


def test_replaying_the_changes_gives_each_window():
    rng = np.random.default_rng(1)
    group = np.tile(np.arange(20), 6)
    group = group[rng.random(len(group)) > 0.3]  # holes: windows of one year may overlap
    groups = np.array([g for g in range(20) if g != 7])
    w = sliding_windows(group, 10, len(group) - 11, 3, groups)
    inside: set[int] = set()
    for k, g in enumerate(groups):
        leaving = w.leave[w.leave_start[k] : w.leave_start[k + 1]].tolist()
        entering = w.enter[w.enter_start[k] : w.enter_start[k + 1]].tolist()
        assert inside.issuperset(leaving) and inside.isdisjoint(entering)
        inside = (inside - set(leaving)) | set(entering)
        centres = [i for i in range(10, len(group) - 10) if group[i] == g]
        expected = sorted(
            i + o for i in centres for o in range(-3, 4) if 0 <= i + o < len(group)
        )
        assert sorted(w.samples[list(inside)].tolist()) == expected


def test_a_day_of_year_changes_few_samples():
    """Moving on by a day exchanges one sample a year: the cost of a step."""
    group = np.tile(np.arange(365), 30)
    w = sliding_windows(group, 0, len(group) - 1, 5, np.arange(365))
    assert np.diff(w.enter_start)[1:].max() <= 30
