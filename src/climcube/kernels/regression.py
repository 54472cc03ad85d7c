"""Ordinary least squares from moments: slope, its error, and how much the residuals remember."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.inference import Inference, effective_size, memory, student
from climcube.kernels.moments import chunk_moments, combine_moments, neighbour_sum
from climcube.kernels.reduction import Reduction, State

__all__ = ["MOMENTS", "NAMES", "OLS", "fit_moments", "merge_moments"]

Floats = npt.NDArray[np.float64]

# Residuals below this share of the total sum of squares are rounding: the series is a line.
_RESOLVED = 1e-13


def _chunk(block: npt.NDArray[Any], start: int, times: Floats, adjacent: Any, *_: Any) -> State:
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
        r1 = neighbour_sum(state, slope) / residual
        known = np.where(residual == 0, 0.0, r1)
        n_eff = effective_size(n, memory(n, known, inference.autocorrelation))
        n_eff = np.where(n_eff > 2, n_eff, np.nan)
        stderr = np.sqrt(residual / (n_eff - 2) / state["tt"])
    r1[residual == 0] = np.nan
    n_eff[(residual == 0) & (n > 2)] = n[(residual == 0) & (n > 2)]
    stderr[(residual == 0) & (n > 2)] = 0.0
    pvalue, half = student(slope, stderr, n_eff - 2, inference.confidence)
    intercept = state["x"] + slope * (times[0] - state["t"])
    per = inference.per
    results = [
        slope * per, intercept, stderr * per, (slope - half) * per, (slope + half) * per,
        pvalue, n_eff, r1,
    ]  # fmt: skip
    enough = n >= inference.min_valid
    masked = [np.where(enough, values, np.nan) for values in results]
    return (*masked[:6], n, *masked[6:])


OLS = Reduction(_chunk, combine_moments, _finalize)


# ---------------------------------------------------------------- the state itself as a result

# The moments that a fit needs, as columns of an array; its cells come first.
NAMES = (
    "n", "t", "x", "tt", "tx", "xx", "pairs", "t0", "t1", "x0", "x1", "x0x1", "cross", "t0t1",
    "first_t", "first_x", "last_t", "last_x",
)  # fmt: skip
_COUNTS = ("n", "pairs")


def _keep(state: State, *_: Any) -> tuple[Floats]:
    """Return the moments themselves, ``(moment, cells)``."""
    return (np.stack([state[name].astype("float64") for name in NAMES]),)


MOMENTS = Reduction(_chunk, combine_moments, _keep)


def merge_moments(before: Floats, after: Floats, adjacent: bool) -> tuple[Floats]:
    """Return the moments of two stretches together, ``(cells, moment)``, the earlier one first.

    ``adjacent`` says whether the last sample of one and the first of the other are neighbours.
    """
    first, second = _state(before), _state(after)
    if not adjacent:
        first["last_x"] = np.full(len(before), np.nan)
    return (_keep(combine_moments([first, second]))[0].T,)


def fit_moments(
    block: Floats, first_time: float, inference: Inference
) -> tuple[npt.NDArray[Any], ...]:
    """Return what `OLS` returns, from moments ``(cells, moment)``."""
    return _finalize(_state(block), np.array([first_time]), None, inference)


def _state(block: Floats) -> State:
    state = dict(zip(NAMES, np.ascontiguousarray(block.T), strict=True))
    # Cells without moments (cut out, or masked since) have no samples.
    counts = {name: np.nan_to_num(state[name]).astype("int64") for name in _COUNTS}
    return {**state, **counts}
