"""Cells along one axis: edges, ties, ends and gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from climcube.analysis.matchup.cell_axis import CellAxis


def test_edges_lie_half_way() -> None:
    cells = CellAxis.of(np.array([10.0, 4.0, 1.0]))
    np.testing.assert_array_equal(cells.centre, [1, 4, 10])
    np.testing.assert_array_equal(cells.low, [-0.5, 2.5, 7])
    np.testing.assert_array_equal(cells.high, [2.5, 7, 13])
    np.testing.assert_array_equal(cells.index, [2, 1, 0])


def test_a_point_between_two_centres_belongs_to_the_upper_one() -> None:
    cells = CellAxis.of(np.array([0.0, 1.0, 2.0]))
    place, inside = cells.nearest(np.array([-0.5, 0.5, 1.5, 2.5, 2.6, -0.6]))
    np.testing.assert_array_equal(place, [0, 1, 2, 2, 2, 0])
    np.testing.assert_array_equal(inside, [True, True, True, True, False, False])


def test_a_gap_belongs_to_nobody() -> None:
    cells = CellAxis.of(np.array([0.0, 1.0, 5.0, 6.0]), most=1.5)
    place, inside = cells.nearest(np.array([1.7, 1.8, 2.9, 3.1, 4.2, 4.3]))
    np.testing.assert_array_equal(place, [1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(inside, [True, False, False, False, False, True])
    found = cells.neighbours(np.array([0.5, 1.2, 2.9, 4.4]), "x", linear=True)
    np.testing.assert_array_equal(found.index["x"], [[0, 1], [1, 2], [1, 2], [1, 2]])
    np.testing.assert_array_equal(found.weight, [[0.5, 0.5], [1, 0], [1, 0], [0, 1]])


def test_one_cell_has_no_known_edges() -> None:
    cells = CellAxis.of(np.array([3.0]))
    assert not cells.known
    found = cells.neighbours(np.array([2.0, 9.0]), None, linear=True)
    assert found.index == {} and (found.weight == 1).all()


@given(
    st.lists(st.integers(-100, 100), min_size=2, max_size=12, unique=True),
    st.lists(st.floats(-120, 120), min_size=1, max_size=20), st.booleans(),
)  # fmt: skip
def test_against_a_search_through_all(centres: list[int], points: list[float], falls: bool) -> None:
    values = np.sort(np.array(centres, "float64"))[:: -1 if falls else 1]
    x = np.array(points)
    cells = CellAxis.of(values)
    place, inside = cells.nearest(x)
    apart = np.abs(values[None, :] - x[:, None])
    chosen = apart[np.arange(len(x)), cells.index[place]]
    np.testing.assert_allclose(chosen, apart.min(axis=1), atol=1e-12)
    assert ((chosen <= np.diff(np.sort(values)).max() / 2 + 1e-12) | ~inside).all()
    found = cells.neighbours(x, "x", linear=True)
    line = (found.weight * values[found.index["x"]]).sum(axis=1)
    np.testing.assert_allclose(line, np.clip(x, values.min(), values.max()), atol=1e-10)
    np.testing.assert_allclose(found.weight.sum(axis=1), 1, rtol=1e-15)
