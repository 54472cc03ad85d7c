"""Which cells of a map of p-values are dotted, and the sentence that says why."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["significant_cells"]


def significant_cells(pvalue: xr.DataArray, alpha: float) -> tuple[xr.DataArray, str]:
    """Return a mask of significant cells and the rule that was applied, in words.

    Benjamini and Hochberg (1995): of m valid cells, sorted by p-value, those up to the largest
    k with p(k) <= k / m * alpha are significant; the expected share of false ones among them
    is at most alpha (Wilks 2016 on correlated fields). Cells without a p-value never are.
    """
    p = np.asarray(pvalue.values, "float64")
    known = np.sort(p[np.isfinite(p)])
    passed = np.flatnonzero(known <= alpha * np.arange(1, known.size + 1) / max(1, known.size))
    limit = known[passed[-1]] if passed.size else -1.0
    marks = pvalue.copy(data=np.isfinite(p) & (p <= limit))
    rate = f"at a false discovery rate of {alpha:g} (Benjamini–Hochberg)"
    return marks, f"dots: significant {rate}" if passed.size else f"no cell is significant {rate}"
