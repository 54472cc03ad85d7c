"""Significance of a slope when residuals remember: effective sample size, Student's t."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

__all__ = ["AUTOCORRELATION", "Inference", "effective_size", "student"]

Floats = npt.NDArray[np.float64]

AUTOCORRELATION = ("ar1", "ar1_uncorrected", "none")
_LARGEST_R1 = 0.98


class Inference(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    per
        Length, in years, of the unit of time of slopes.
    autocorrelation
        One of `AUTOCORRELATION`.
    min_valid
        Samples below which a cell gets NaN.
    confidence
        Level of the confidence limits.
    """

    per: float
    autocorrelation: str
    min_valid: int
    confidence: float


def effective_size(n: Floats, r1: Floats, autocorrelation: str) -> Floats:
    """Return n_eff = n (1 - r1) / (1 + r1), at most n (Santer et al. 2000).

    ``"ar1"`` first takes the bias out of r1, which the fit has made too small:
    r1* = (n r1 + 2) / (n - 4), clipped to 0..0.98. Too few samples to do so give NaN.
    """
    if autocorrelation == "none":
        return n.astype("float64")
    r = np.asarray(r1, "float64")
    if autocorrelation == "ar1":
        spare = np.where(n > 4, n - 4.0, np.nan)
        r = np.clip((n * r + 2) / spare, 0.0, _LARGEST_R1)
    return np.asarray(np.minimum(n, n * (1 - r) / (1 + r)), "float64")


def student(
    slope: Floats, stderr: Floats, n_eff: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Return the two-sided p-value and half the width of the confidence interval.

    Student's t with n_eff - 2 degrees of freedom. A standard error of 0 (a series that lies on
    a line) gives p = 0, or p = 1 where the slope is 0 too (a constant series).
    """
    freedom = n_eff - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(slope) / stderr
        p: Any = 2 * stdtr(freedom, -t)
    p = np.where((stderr == 0) & (slope == 0), 1.0, p)
    return p, stdtrit(freedom, (1 + confidence) / 2) * stderr
