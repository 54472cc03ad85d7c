"""How suitable values are for a species, and for how many days of each period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.reduction import Reduction, State

__all__ = ["PERIODS", "trapezoid"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# By how much, relatively, a value may miss the bound that it lies on: units in the last place of
# its type, and what is left of float64 after units were converted.
_LAST_PLACES = 4
_CONVERTED = 1e-12
_PARTS = ("sum", "above", "known")


def trapezoid(values: Array, least: Any, low: Any, high: Any, most: Any) -> Floats:
    """Return suitability from 0 to 1: 1 from ``low`` to ``high``, 0 beyond ``least`` and ``most``.

    Linear in between; where ``least`` equals ``low`` (``high`` equals ``most``) the bound itself
    is suitable. Missing and infinite values are NaN. Bounds broadcast against the values.
    """
    exact = values.dtype if np.issubdtype(values.dtype, np.floating) else np.dtype("float64")
    at = np.asarray(values, "float64")
    rounding = max(_LAST_PLACES * float(np.finfo(exact).eps), _CONVERTED)
    slack = rounding * np.maximum(1.0, np.abs(at))
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = np.where(low > least, (at - least) / (low - least), 1.0)
        fall = np.where(most > high, (most - at) / (most - high), 1.0)
        found = np.clip(np.minimum(rise, fall), 0.0, 1.0)
        outside = (at < least - slack) | (at > most + slack)
    found = np.where(outside, 0.0, found)
    return np.where(np.isfinite(at), found, np.nan)


def _chunk(
    block: Array, start: int, group: Array, weight: Floats, threshold: float, *_: Any
) -> State:
    """Return weighted sums for each period that a stretch of time touches."""
    own = group[start : start + len(block)]
    present, first = np.unique(own, return_index=True)
    days = weight[start : start + len(block), None]
    known = np.isfinite(block)
    parts = (
        np.where(known, block * days, 0.0),
        np.where(known & (block > threshold), days, 0.0),
        np.where(known, days, 0.0),
    )
    cells = block.shape[1]
    if not len(present):
        return _empty(present, cells)
    sums = [np.add.reduceat(part, first, axis=0) for part in parts]
    return {"group": _spread(present, cells), **dict(zip(_PARTS, sums, strict=True))}


def _combine(states: Sequence[State]) -> State:
    present = np.unique(np.concatenate([state["group"][:, 0] for state in states]))
    whole = _empty(present, states[0]["group"].shape[1])
    for state in states:
        rows = np.searchsorted(present, state["group"][:, 0])
        for name in _PARTS:
            whole[name][rows] += state[name]
    return whole


def _finalize(
    state: State, _group: Array, _weight: Floats, _threshold: float, expected: Floats, least: float
) -> tuple[Floats, Floats, Floats]:
    """Return mean, days above the threshold, and covered share, of every period."""
    shape = (len(expected), state["group"].shape[1])
    rows = state["group"][:, 0]
    total, above, known = (np.zeros(shape) for _ in _PARTS)
    for whole, name in zip((total, above, known), _PARTS, strict=True):
        whole[rows] = state[name]
    coverage = known / expected[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / known
    short = (coverage < least * (1 - 1e-12)) | (known == 0)
    return np.where(short, np.nan, mean), np.where(short, np.nan, above), coverage


def _empty(present: Array, cells: int) -> State:
    sums = {name: np.zeros((len(present), cells)) for name in _PARTS}
    return {"group": _spread(present, cells), **sums}


def _spread(present: Array, cells: int) -> Array:
    """Repeat the numbers of periods for each cell, as states are cut and joined along cells."""
    return np.broadcast_to(present[:, None], (len(present), cells)).astype("int64")


#: Of suitability by time, with consecutive periods (``group`` never falls).
PERIODS = Reduction(_chunk, _combine, _finalize)
