"""Significance of an estimate when residuals remember: effective sample size, Student's t."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

__all__ = ["AUTOCORRELATION", "TWO_MEANS", "Inference", "effective_size", "memory", "student"]

Floats = npt.NDArray[np.float64]

AUTOCORRELATION = ("ar1", "ar1_uncorrected", "none")
_LARGEST_R1 = 0.98
# What a fit does to r1 of n residuals, on average: r1 = rho - (a + b rho) / n. A line has
# a, b = 2, 4; the means of two periods, with r1 over both, have 2, 6 (Marriott & Pope 1954).
_LINE = (2.0, 4.0)
TWO_MEANS = (2.0, 6.0)


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


def memory(
    n: Floats, r1: Floats, autocorrelation: str, bias: tuple[float, float] = _LINE
) -> Floats:
    """Return the lag-1 autocorrelation to reckon with.

    ``"none"`` is 0, ``"ar1_uncorrected"`` r1 itself. ``"ar1"`` takes out of r1 what the fit has
    taken from it, and clips it to 0..0.98; too few samples to do so give NaN.
    """
    r = np.asarray(r1, "float64")
    if autocorrelation == "none":
        return np.zeros_like(r)
    if autocorrelation == "ar1":
        level, slope = bias
        spare = np.where(n > slope, n - slope, np.nan)
        r = np.clip((n * r + level) / spare, 0.0, _LARGEST_R1)
    return r


def effective_size(n: Floats, r: Floats) -> Floats:
    """Return n_eff = n (1 - r) / (1 + r), at most n (Santer et al. 2000)."""
    return np.asarray(np.minimum(n, n * (1 - r) / (1 + r)), "float64")


def student(
    estimate: Floats, stderr: Floats, freedom: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Return the two-sided p-value and half the width of the confidence interval.

    Student's t. A standard error of 0 (a series that lies on a line) gives p = 0, or p = 1
    where the estimate is 0 too (a constant series).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(estimate) / stderr
        p: Any = 2 * stdtr(freedom, -t)
    p = np.where((stderr == 0) & (estimate == 0), 1.0, p)
    return p, stdtrit(freedom, (1 + confidence) / 2) * stderr
