"""Labels of a block, what they cover, and sums of links."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from climcube.kernels import labelling
from climcube.kernels.labelling import covered, label_days, relabel
from climcube.kernels.objects import Links, ascending


def masks(levels: int) -> np.ndarray:
    return np.random.default_rng(levels).random((7, levels, 6, 5)) < 0.35


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("slab", [1, 70, 10**6])
def test_labels_count_on_through_the_block(
    levels: int, slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "_SLAB_CELLS", slab)
    mask = masks(levels)
    found = list(label_days(mask))
    whole = np.concatenate([np.where(lab > 0, lab + low, 0) for _, lab, low, _ in found])
    assert [start for start, *_ in found] == list(np.cumsum([0, *(len(f[1]) for f in found)])[:-1])
    count = sum(f[3] for f in found)
    assert sorted(set(whole[whole > 0])) == list(range(1, count + 1))
    days = [ndimage.label(day, np.ones((3, 3, 3)))[1] for day in mask]
    assert count == sum(days)
    lookup = np.r_[0, np.random.default_rng(1).integers(0, 4, count)].astype("int32")
    np.testing.assert_array_equal(relabel(mask, lookup), lookup[whole])
    event = lookup[whole].max(axis=1).reshape(7, -1)
    pairs = {(e, c) for row in lookup[whole].reshape(-1, 30) for c, e in enumerate(row) if e}
    assert event.max() <= 3
    assert set(map(tuple, np.stack(np.divmod(covered(mask, lookup), 30), 1).tolist())) == pairs
    assert (np.diff(covered(mask, lookup)) > 0).all()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 9)), max_size=30))
def test_links_are_summed_pair_by_pair(rows: list[tuple[int, int, int]]) -> None:
    before, after, shared = (np.array([r[i] for r in rows], float) for i in range(3))
    links = Links(before.astype("int32"), after.astype("int32"), shared).summed()
    expected: dict[tuple[int, int], float] = {}
    for a, b, s in rows:
        expected[a, b] = expected.get((a, b), 0) + s
    found = dict(
        zip(
            zip(links.before.tolist(), links.after.tolist(), strict=True), links.shared, strict=True
        )
    )
    assert found == expected
    assert list(found) == sorted(found)


@given(st.lists(st.integers(-5, 5)))
def test_ascending(numbers: list[int]) -> None:
    assert ascending(np.array(numbers, "int64")).tolist() == sorted(set(numbers))
