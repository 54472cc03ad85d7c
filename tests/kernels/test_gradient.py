"""Gradients of padded windows, and the motion of isolines."""

from __future__ import annotations

import numpy as np
import pytest

from climcube.kernels.gradient import KM_PER_DEGREE, gradient, motion

LAT = np.arange(-1.0, 4)[:, None]
LON = np.arange(10.0, 16)[None]
COLUMN = np.arange(6.0)[None]


@pytest.mark.parametrize("curved", [False, True])
def test_planes(curved: bool) -> None:
    field = 2 * LAT + 3 * LON
    east, north = gradient(field, LAT, LON, COLUMN, closes=False, curved=curved)
    assert east.shape == (3, 4)
    np.testing.assert_allclose(north, 2 / KM_PER_DEGREE, rtol=1e-3)
    np.testing.assert_allclose(east, 3 / KM_PER_DEGREE, rtol=1e-3)


def test_a_seam_counts_only_where_the_grid_closes() -> None:
    field = np.tile([9.0, 0, 1, 2, 3, 9], (5, 1))  # rims of the other end
    column = np.array([[3.0, 0, 1, 2, 3, 0]])
    shut, _ = gradient(field, LAT * 0 + np.arange(5)[:, None] * 1e-9, LON, column,
                       closes=True, curved=False)  # fmt: skip
    field[:, 0], field[:, -1] = np.nan, np.nan
    rimless = gradient(field, LAT, LON, column, closes=False, curved=False)
    field[:, 0], field[:, -1] = 9.0, 9.0
    open_ = gradient(field, LAT, LON, column, closes=False, curved=False)
    np.testing.assert_array_equal(open_, rimless)
    assert abs(shut[1, 0] - open_[0][1, 0]) > 1 / KM_PER_DEGREE


def test_cells_at_one_place_have_no_slope() -> None:
    found = gradient(np.random.default_rng(0).random((5, 6)), LAT * 0 + 90, LON * 0, COLUMN,
                     closes=False, curved=False)  # fmt: skip
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("gradient_", "trend", "direction"),
    [
        ((0, 1), 1, 180), ((0, 1), -1, 0), ((1, 0), 1, 270), ((1, 0), -1, 90),
        ((-1, -1), 1, 45), ((-1, -1), -1, 225), ((1e-20, -1), 1, 0),
    ],
)  # fmt: skip
def test_lines_move_towards_the_cold_as_it_warms(
    gradient_: tuple[float, float], trend: float, direction: float
) -> None:
    east, north = (np.array(float(g)) for g in gradient_)
    speed, size, found, x, y = motion(east, north, np.array(float(trend)), floor=1e-4)
    assert float(found) == pytest.approx(direction)
    assert float(speed) == pytest.approx(trend / np.hypot(*gradient_))
    assert np.hypot(x, y) == pytest.approx(abs(float(speed)))
    assert float(size) == pytest.approx(np.hypot(*gradient_))
