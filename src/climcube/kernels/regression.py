"""Ordinary least squares from moments: slope, its error, and how much the residuals remember."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.inference import Inference, effective_size, student
from climcube.kernels.moments import chunk_moments, combine_moments
from climcube.kernels.reduction import Reduction, State

__all__ = ["OLS"]

Floats = npt.NDArray[np.float64]

# Residuals below this share of the total sum of squares are rounding: the series is a line.
_RESOLVED = 1e-13


def _chunk(block: npt.NDArray[Any], start: int, times: Floats, adjacent: Any, _: Any) -> State:
    return chunk_moments(block, start, times, adjacent)


def _finalize(
    state: State, times: Floats, _: Any, inference: Inference
) -> tuple[npt.NDArray[Any], ...]:
    """Return slope, intercept, stderr, ci_low, ci_high, pvalue, n, n_eff, r1.

    The intercept is the line's value at the first of ``times``.
    """
    n = state["n"]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = state["tx"] / state["tt"]
        residual = state["xx"] - slope * state["tx"]
        residual[residual <= _RESOLVED * state["xx"]] = 0.0
        r1 = _neighbours(state, slope) / residual
        n_eff = effective_size(n, np.where(residual == 0, 0.0, r1), inference.autocorrelation)
        n_eff = np.where(n_eff > 2, n_eff, np.nan)
        stderr = np.sqrt(residual / (n_eff - 2) / state["tt"])
    r1[residual == 0] = np.nan
    n_eff[(residual == 0) & (n > 2)] = n[(residual == 0) & (n > 2)]
    stderr[(residual == 0) & (n > 2)] = 0.0
    pvalue, half = student(slope, stderr, n_eff, inference.confidence)
    intercept = state["x"] + slope * (times[0] - state["t"])
    per = inference.per
    results = [
        slope * per, intercept, stderr * per, (slope - half) * per, (slope + half) * per,
        pvalue, n_eff, r1,
    ]  # fmt: skip
    enough = n >= inference.min_valid
    masked = [np.where(enough, values, np.nan) for values in results]
    return (*masked[:6], n, *masked[6:])


def _neighbours(state: State, slope: Floats) -> Floats:
    """Sum of e_i e_i+1 over neighbours, from the pairs' moments about the samples' means."""
    t0, t1 = state["t0"] - state["t"], state["t1"] - state["t"]
    x0, x1 = state["x0"] - state["x"], state["x1"] - state["x"]
    pairs = state["pairs"]
    values = state["x0x1"] + pairs * x0 * x1
    cross = state["cross"] + pairs * (x0 * t1 + t0 * x1)
    times = state["t0t1"] + pairs * t0 * t1
    total: Floats = values - slope * cross + slope**2 * times
    return total


OLS = Reduction(_chunk, combine_moments, _finalize)
