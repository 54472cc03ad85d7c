"""How suitable values are for a species, and for how many days of each period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.reduction import Reduction, State, placed

__all__ = ["PERIODS", "trapezoid"]

Floats = npt.NDArray[np.float64]

# By how much, relatively, a value may miss the bound that it lies on: units in the last place of
# its type, and what is left of float64 after units were converted.
_LAST_PLACES = 4
_CONVERTED = 1e-12
_PARTS = ("sum", "above", "known")


def trapezoid(values: Array, least: Any, low: Any, high: Any, most: Any) -> Floats:
    """Return suitability from 0 to 1: 1 from ``low`` to ``high``, 0 beyond ``least`` and ``most``.

    Linear in between; where ``least`` equals ``low`` (``high`` equals ``most``) the bound itself
    is suitable. Missing and infinite values are NaN. Bounds are numbers, or vectors along the
    last axis, along which the values then have length 1.
    """
    native = values.dtype if values.dtype in (np.float32, np.float64) else np.dtype("float64")
    flat = np.ascontiguousarray(values, native).reshape(-1)
    rounding = max(_LAST_PLACES * float(np.finfo(native).eps), _CONVERTED)
    bounds = np.stack([np.ravel(bound) for bound in (least, low, high, most)])
    out = np.empty((*values.shape[: values.ndim - 1], bounds.shape[1]))
    if bounds.shape[1] == 1:
        out = np.empty(values.shape)
        _trapezoid(flat, _four(bounds[:, 0]), rounding, out.reshape(-1))
        return out
    for number, four in enumerate(bounds.T):
        own = np.empty(values.shape)
        _trapezoid(flat, _four(four), rounding, own.reshape(-1))
        out[..., number] = own[..., 0]
    return out


def _four(bounds: Array) -> tuple[float, float, float, float]:
    least, low, high, most = (float(bound) for bound in bounds)
    return least, low, high, most


@compiled
def _trapezoid(
    values: Array, four: tuple[float, float, float, float], rounding: float, out: Array
) -> None:
    least, low, high, most = four
    for i in range(values.size):
        v = np.float64(values[i])
        slack = rounding * max(1.0, abs(v))
        rise = (v - least) / (low - least) if low > least else 1.0
        fall = (most - v) / (most - high) if most > high else 1.0
        found = max(0.0, min(rise, fall, 1.0))
        inside = v >= least - slack and v <= most + slack
        known = v - v == 0.0
        out[i] = (found if inside else 0.0) if known else np.nan


def _stream(
    blocks: Iterable[Array],
    shape: tuple[int, int],
    start: int,
    group: Array,
    weight: Floats,
    threshold: float,
    *_: Any,
) -> State:
    """Return weighted sums for each period that a stretch of time touches."""
    present, row = np.unique(group[start : start + shape[0]], return_inverse=True)
    state = _empty(present, shape[1])
    rows, days = row.reshape(-1), weight[start:]
    for here, block in placed(blocks):
        known = np.ascontiguousarray(block, "float64")
        _add(known, rows[here], days[here], threshold, *(state[name] for name in _PARTS))
    return state


@compiled
def _add(
    block: Array,
    row: Array,
    days: Array,
    threshold: float,
    total: Array,
    above: Array,
    known: Array,
) -> None:
    """Add each sample to its period; whole rows, so that it vectorises."""
    for t in range(block.shape[0]):
        r, w, own = row[t], days[t], block[t]
        for c in range(own.size):
            valid = own[c] - own[c] == 0.0
            total[r, c] += w * own[c] if valid else 0.0
            above[r, c] += w if valid and own[c] > threshold else 0.0
            known[r, c] += w if valid else 0.0


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
PERIODS = Reduction.streaming(_stream, _combine, _finalize)
