"""Sums over cells with weights of either sign."""

from __future__ import annotations

import numpy as np

from climcube.kernels.areas import known_weights, signed_sums


def test_sums_of_what_is_finite() -> None:
    block = np.array([[1.0, np.nan, 3.0], [np.nan, np.inf, np.nan]])
    weights = np.array([[2.0, 5.0, -1.0]])
    np.testing.assert_array_equal(signed_sums(block, weights), [[-1, 1], [0, 1]])
    np.testing.assert_array_equal(known_weights(block, weights), [[1, 1], [0, 1]])
    both = np.array([[2.0, 5.0, -1.0], [1, 1, 1]])
    np.testing.assert_array_equal(signed_sums(np.ones((2, 3)), both), [[6, 1], [3, 1]])
