"""Shares of an area between equator and pole."""

from __future__ import annotations

import numpy as np
import pytest

from climcube.kernels.latitudes import places_of_bands

EDGES = np.array([[20.0, 10.0], [10.0, -10.0], [-10.0, -20.0]])  # from north to south


def places(area: list[float], *shares: float) -> np.ndarray:
    return places_of_bands(np.array(area), EDGES, shares=np.array(shares))


def test_a_band_over_the_equator_is_half_of_each_hemisphere() -> None:
    found = places([0, 4, 0], 0.0, 0.5, 1.0)
    np.testing.assert_allclose(found, [[5, 0, 5, 10]] * 2)


def test_areas_are_spread_evenly_within_bands() -> None:
    north, south = places([6, 4, 0], 0.05, 0.25, 0.95)
    np.testing.assert_allclose(north, [(6 * 15 + 2 * 5) / 8, 2, 10, 20 - 10 * 0.4 / 6])
    np.testing.assert_allclose(south, [5, 0.5, 2.5, 9.5])


def test_no_area_has_no_place_and_gaps_are_skipped() -> None:
    north, south = places([3, 0, 0], 0.0, 0.5)
    np.testing.assert_allclose(north, [15, 10, 15])
    assert np.isnan(south).all()
    assert np.isnan(places([0, 0, 0], 0.5)).all()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_either_order_of_rows(order: list[int]) -> None:
    area = np.array([[1.0, 2, 3], [0, 5, 1]])
    expected = places_of_bands(area, EDGES, shares=np.array([0.3]))
    found = places_of_bands(area[:, order], EDGES[order], shares=np.array([0.3]))
    np.testing.assert_allclose(found, expected)
