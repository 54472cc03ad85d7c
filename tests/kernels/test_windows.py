"""Window tables: what enters and leaves adds up to the window, copies included."""

import numpy as np

from climcube.kernels.windows import sliding_windows


def test_replaying_the_changes_gives_each_window():
    rng = np.random.default_rng(1)
    group = np.tile(np.arange(20), 6)
    group = group[rng.random(len(group)) > 0.3]  # holes: windows of one year may overlap
    groups = np.array([g for g in range(20) if g != 7])
    w = sliding_windows(group, 10, len(group) - 11, 3, groups)
    row = np.full(w.capacity, len(group))  # one past the record: nothing
    for k, g in enumerate(groups):
        changes = slice(int(w.start[k]), int(w.start[k + 1]))
        assert len(set(w.slots[changes].tolist())) == changes.stop - changes.start
        row[w.slots[changes]] = w.samples[changes]
        centres = [i for i in range(10, len(group) - 10) if group[i] == g]
        expected = sorted(i + o for i in centres for o in range(-3, 4) if 0 <= i + o < len(group))
        assert sorted(row[row < len(group)].tolist()) == expected


def test_a_day_of_year_changes_few_samples():
    """Moving on by a day exchanges one sample a year: the cost of a step."""
    group = np.tile(np.arange(365), 30)
    w = sliding_windows(group, 0, len(group) - 1, 5, np.arange(365))
    assert np.diff(w.start.astype(int))[1:].max() <= 30
    assert w.capacity == 30 * 11
