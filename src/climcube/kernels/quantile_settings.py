"""Plain numbers of quantile regression that depend on no value (no compiled code is imported)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from climcube.kernels.inference import AUTOCORRELATION

__all__ = ["MEMORIES", "TESTS", "QuantileSettings", "crossing_memory", "density_widths"]

Floats = npt.NDArray[np.float64]

MEMORIES = AUTOCORRELATION
TESTS = ("rank_score", "t")
_TERMS = 1024  # 0.98 to this power is rounding
_PROBABILITY = 0.975  # Hall & Sheather's 5 %, whatever the confidence asked for


class QuantileSettings(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    per
        Length, in years, of the unit of time of slopes.
    memory
        Index into `MEMORIES`.
    test
        Index into `TESTS`.
    min_valid
        Samples below which a cell gets NaN.
    confidence
        Level of the confidence limits.
    """

    per: float
    memory: int
    test: int
    min_valid: int
    confidence: float


def crossing_memory(quantiles: Floats) -> Floats:
    """Return c: being below a quantile has the autocorrelation ``sum_k c[k - 1] r**k``.

    ``(quantiles, terms)``, for normal values with autocorrelation r. From the Hermite series of
    the bivariate normal distribution: c_k = (density He_k-1)^2 / k! / (q (1 - q)).
    """
    z = np.asarray(ndtri(quantiles), "float64")
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    hermite = np.empty((z.size, _TERMS))  # He_k / sqrt(k!)
    hermite[:, 0], hermite[:, 1] = 1.0, z
    for k in range(1, _TERMS - 1):
        hermite[:, k + 1] = (z * hermite[:, k] - np.sqrt(k) * hermite[:, k - 1]) / np.sqrt(k + 1)
    spread = quantiles * (1 - quantiles)
    terms: Floats = (density**2 / spread)[:, None] * hermite**2 / np.arange(1, _TERMS + 1)
    return terms


def density_widths(quantiles: Floats, most: int) -> Floats:
    """Return, by quantile and by number of samples up to ``most``, how far a density looks.

    In standard deviations of a normal distribution, between the quantiles ``q - h`` and
    ``q + h`` with the bandwidth h of Hall & Sheather (1988); NaN where those are none.
    """
    z = ndtri(quantiles)[:, None]
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    n = np.arange(1, most + 1, dtype="float64")
    smoothness = np.cbrt(1.5 * density**2 / (2 * z * z + 1))
    half = np.cbrt(ndtri(_PROBABILITY) ** 2 / n) * smoothness
    low, high = quantiles[:, None] - half, quantiles[:, None] + half
    inside = (low > 0) & (high < 1)
    widths = np.full((len(quantiles), most + 1), np.nan)
    widths[:, 1:][inside] = ndtri(high[inside]) - ndtri(low[inside])
    return widths
