"""Beyond a second limit: strictly, minding ties, gaps and missing days."""

from __future__ import annotations

import numpy as np

from climcube.kernels.criterion import beyond


def test_missing_days_lie_beyond_nothing():
    series = np.array([[1.0, np.nan, 3.0, np.nan, np.nan, 2.0, 2.0 + 1e-15]])
    days = np.arange(7)
    (above,) = beyond(series.copy(), 2.0, days, 1, 1.0, 16 * 2.0**-52)
    assert above.tolist() == [[False, False, True, False, False, False, False]]
    (below,) = beyond(series.copy(), 2.5, days, 1, -1.0, 0.0)
    assert below.tolist() == [[True, True, False, False, False, True, True]]
