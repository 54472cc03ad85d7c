"""A straight line and its errors by the letter of shared/semantics.md section 2: one series."""

from __future__ import annotations

import numpy as np
from scipy import stats


def line(
    t: np.ndarray,
    x: np.ndarray,
    follows: np.ndarray,
    autocorrelation: str = "ar1",
    confidence: float = 0.95,
) -> dict[str, float]:
    """Least squares with long doubles and explicit residuals; NaN is missing."""
    there = ~np.isnan(x)
    n = int(there.sum())
    tt, xx = t[there].astype("longdouble"), x[there].astype("longdouble")
    spread = ((tt - tt.mean()) ** 2).sum()
    slope = ((tt - tt.mean()) * xx).sum() / spread
    residual = np.full(len(x), np.nan, "longdouble")
    residual[there] = xx - xx.mean() - slope * (tt - tt.mean())
    sse = np.nansum(residual**2)
    products = residual[:-1] * residual[1:]
    neighbours = products[follows[: len(products)]]
    pairs = int(np.isfinite(neighbours).sum())
    r1 = float(np.nansum(neighbours) / sse * (n - 1) / pairs) if pairs else np.nan
    used = {
        "ar1": float(np.clip((n * r1 + 2) / (n - 4), 0, 0.98)) if n > 4 else np.nan,
        "ar1_uncorrected": r1,
        "none": 0.0,
    }[autocorrelation]
    n_eff = min(n, n * (1 - used) / (1 + used))
    if not n_eff > 2:
        n_eff = np.nan
    stderr = float(np.sqrt(sse / (n_eff - 2) / spread))
    half = float(stats.t.ppf((1 + confidence) / 2, n_eff - 2)) * stderr
    return {
        "slope": float(slope),
        "intercept": float(xx.mean() + slope * (t[0] - tt.mean())),
        "stderr": stderr,
        "ci_low": float(slope) - half,
        "ci_high": float(slope) + half,
        "pvalue": float(2 * stats.t.sf(abs(float(slope)) / stderr, n_eff - 2)),
        "n": n,
        "n_eff": float(n_eff),
        "r1": r1,
    }
