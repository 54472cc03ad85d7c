"""Circular smoothing against plain sums."""

import numpy as np
import pytest

from climcube.kernels.smoothing import convolve_circular, smooth_circular


def plain(row, width):
    valid = np.flatnonzero(~np.isnan(row))
    out = np.full_like(row, np.nan)
    for position, i in enumerate(valid):
        around = [
            row[valid[(position + k) % len(valid)]] for k in range(-(width // 2), width // 2 + 1)
        ]
        out[i] = np.mean(around)
    return out


@pytest.mark.parametrize("smooth", [smooth_circular, convolve_circular])
@pytest.mark.parametrize("width", [1, 3, 31])
def test_equals_plain_mean_and_steps_over_missing_days(smooth, width):
    rows = np.random.default_rng(0).normal(15, 3, (4, 366))
    rows[1, 100] = np.nan
    rows[2, 50:80] = np.nan
    rows[3] = np.nan
    expected = np.array([plain(row, width) for row in rows])
    smooth(rows, width)
    np.testing.assert_allclose(rows, expected, rtol=1e-13)


def test_sum_does_not_drift():
    """31 values whose exact mean is a float give that float, wherever the window stands."""
    rows = np.tile(np.array([0.1, 0.3] * 183), (1, 1)) * 1e3
    rows[0, ::31] += 1e9
    before = rows.copy()
    smooth_circular(rows, 3)
    expected = [np.longdouble(before[0][[i - 1, i, (i + 1) % 366]]).sum() / 3 for i in range(366)]
    np.testing.assert_allclose(rows[0], np.array(expected, float), rtol=2e-16)
