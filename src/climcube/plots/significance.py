"""Which cells of a map of p-values are dotted, and the sentence that says why."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.significance import fdr

__all__ = ["significant_cells"]


def significant_cells(pvalue: xr.DataArray, alpha: float) -> tuple[xr.DataArray, str]:
    """Return a mask of significant cells and the rule that was applied, in words.

    The rule is that of `climcube.fdr`; cells without a p-value are never significant.
    """
    marks = fdr(pvalue, alpha=alpha)
    rate = f"at a false discovery rate of {alpha:g} (Benjamini–Hochberg)"
    return marks, f"dots: significant {rate}" if marks.any() else f"no cell is significant {rate}"
