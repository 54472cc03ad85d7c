"""Two periods of a series compared: difference of means, Welch's t on effective sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.inference import TWO_MEANS, effective_size, memory, student
from climcube.kernels.moments import chunk_moments, combine_moments, neighbour_sum
from climcube.kernels.reduction import Reduction, State

__all__ = ["SPREAD", "Comparison", "compare"]

Floats = npt.NDArray[np.float64]


class Comparison(NamedTuple):
    """What was asked for, as of a trend (`climcube.kernels.inference.Inference`)."""

    autocorrelation: str
    min_valid: int
    confidence: float


def _chunk(block: npt.NDArray[Any], start: int, times: Floats, adjacent: Any) -> State:
    return chunk_moments(block, start, times, adjacent)


def _finalize(state: State, *_: Any) -> tuple[npt.NDArray[Any], ...]:
    """Return count, mean, and the sums of squared departures and of neighbours' products."""
    mean = np.where(state["n"] > 0, state["x"], np.nan)
    return state["n"], mean, state["xx"], neighbour_sum(state, 0.0)


SPREAD = Reduction(_chunk, combine_moments, _finalize)


def compare(
    n_a: Floats,
    mean_a: Floats,
    squares_a: Floats,
    neighbours_a: Floats,
    n_b: Floats,
    mean_b: Floats,
    squares_b: Floats,
    neighbours_b: Floats,
    *,
    asked: Comparison,
) -> tuple[Floats, ...]:
    """Return change, stderr, ci_low, ci_high, pvalue, n_eff_a, n_eff_b, r1.

    Both periods are taken to have one memory, though perhaps different variances: r1 is that of
    the departures from the two means together, which knows twice as much as that of each.
    """
    squares = squares_a + squares_b
    still = squares == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        r1 = np.where(still, np.nan, (neighbours_a + neighbours_b) / squares)
        known = np.where(still, 0.0, r1)
        r = memory(np.asarray(n_a + n_b), known, asked.autocorrelation, TWO_MEANS)
        r = np.where(still, 0.0, r)
        n_eff_a, n_eff_b = _enough(effective_size(n_a, r)), _enough(effective_size(n_b, r))
        variance_a = squares_a / (n_eff_a - 1) / n_a
        variance_b = squares_b / (n_eff_b - 1) / n_b
        variance = variance_a + variance_b
        # By shares: the square of a variance may leave the range of numbers.
        share_a, share_b = variance_a / variance, variance_b / variance
        freedom = 1 / (share_a**2 / (n_eff_a - 1) + share_b**2 / (n_eff_b - 1))
    change = mean_b - mean_a
    stderr = np.sqrt(variance)
    # Two constants have no freedom to reckon with: their p is 0 or 1.
    pvalue, half = student(change, stderr, np.where(still, 1.0, freedom), asked.confidence)
    results = (change, stderr, change - half, change + half, pvalue, n_eff_a, n_eff_b, r1)
    enough = (n_a >= asked.min_valid) & (n_b >= asked.min_valid)
    return tuple(np.where(enough, values, np.nan) for values in results)


def _enough(n_eff: Floats) -> Floats:
    return np.where(n_eff > 1, n_eff, np.nan)
