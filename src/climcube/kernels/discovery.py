"""Which of many tests to believe: the false discovery rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["benjamini_hochberg"]


def benjamini_hochberg(pvalue: npt.NDArray[Any], alpha: float) -> npt.NDArray[np.bool_]:
    """Say which p-values are significant with a false discovery rate of at most ``alpha``.

    With the m valid values in ascending order, all up to the last p_(i) <= alpha i / m are
    (Benjamini & Hochberg 1995). NaN is no test and never significant.

    Raises
    ------
    FloatingPointError
        A value lies outside 0..1.
    """
    valid = np.sort(pvalue[~np.isnan(pvalue)])
    if len(valid) and not (valid[0] >= 0 and valid[-1] <= 1):
        wrong = valid[0] if valid[0] < 0 else valid[-1]
        raise FloatingPointError(f"p-value outside 0..1: {wrong:g}")
    passed = np.flatnonzero(valid <= alpha * np.arange(1, len(valid) + 1) / max(1, len(valid)))
    if not len(passed):
        return np.zeros(pvalue.shape, np.bool_)
    return np.asarray(pvalue <= valid[passed[-1]], np.bool_)
