"""Mergeable moments of a series and of its neighbouring pairs: what OLS and lag-1 need.

For each cell: count, means and centred second moments of (t, x) over the valid samples, and the
same of (t0, x0, t1, x1) over the pairs of valid samples that are one step apart. Centred
moments are merged by Chan's formula (Chan, Golub & LeVeque 1983), so nothing is lost at 290 K
and chunks leave no trace; the first and last sample of a stretch make the pair across a border.

Within a block (at most a few thousand times) sums are taken of x minus the cell's first valid
value, in float64: since that value is one of the data, rounding stays below count * 2e-16 of the
centred moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled, compiled_with
from climcube.kernels.reduction import State

__all__ = ["chunk_moments", "combine_moments", "neighbour_sum"]

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

_TILE = 128  # cells side by side: their sums stay in the first-level cache
# Rows of raw sums. Those of x are of x - shift; those of t of t - the block's own origin.
(N, ST, STT, SX, SXX, STX, P, PT0, PT1, PT01, PX0, PX1, PX01, PCROSS) = range(14)
_SUMS = 14
# Further rows that the loop over times needs: this sample and the one before.
_SHIFT, _ONE, _X, _ONE_BEFORE, _X_BEFORE = range(14, 19)
_MEANS = ("t", "x")
_PAIR_MEANS = ("t0", "t1", "x0", "x1")


def chunk_moments(block: Array, start: int, times: Floats, adjacent: Array) -> State:
    """Return the moments of a ``(times, cells)`` block; NaN is missing.

    Parameters
    ----------
    block
        Values of any real type.
    start
        Index of the block's first time.
    times
        Time of each sample of the whole axis.
    adjacent
        Whether each sample and the next are one step apart.

    Raises
    ------
    FloatingPointError
        The block holds an infinite value.
    """
    if block.dtype not in (np.float32, np.float64):
        block = block.astype("float64")
    if len(block) == 0:
        return _empty(block.shape[1])
    block = np.ascontiguousarray(block)
    own = times[start : start + len(block)]
    joined = adjacent[start : start + len(block)]
    origin = own.mean()
    relative = own - origin
    if joined[:-1].all():
        sums, shift = _complete(block, relative)
        gappy = np.flatnonzero(~np.isfinite(sums[SX] + shift))
        if len(gappy):
            # take() keeps rows together, which indexing with an array does not.
            sums[:, gappy], shift[gappy] = _gappy(block.take(gappy, 1), relative, joined)
    else:
        sums, shift = _gappy(block, relative, joined)
    if not np.isfinite(sums[SX] + shift).all():
        infinite = np.isinf(block).any(axis=1)
        if infinite.any():
            raise FloatingPointError(f"infinite value at time index {start + infinite.argmax()}")
        raise FloatingPointError("values too large to sum in float64")
    state = _centre(sums, shift, origin)
    state["first_t"], state["first_x"] = _edge(own[0], block[0])
    state["last_t"], state["last_x"] = _edge(own[-1], block[-1])
    if not joined[-1]:  # never a pair with what follows
        state["last_x"][:] = np.nan
    return state


def combine_moments(states: Sequence[State]) -> State:
    """Return the moments of consecutive stretches, given in time order, together."""
    whole = states[0]
    for state in states[1:]:
        whole = _merge_two(whole, state)
    return whole


def neighbour_sum(state: State, slope: Floats | float) -> Floats:
    """Sum of e_i e_i+1 over neighbours, e the departures from a line through the means.

    For n - 1 pairs: where some are missing, the mean of those that there are stands for the
    others; NaN without any.
    """
    t0, t1 = state["t0"] - state["t"], state["t1"] - state["t"]
    x0, x1 = state["x0"] - state["x"], state["x1"] - state["x"]
    pairs = state["pairs"]
    values = state["x0x1"] + pairs * x0 * x1
    cross = state["cross"] + pairs * (x0 * t1 + t0 * x1)
    times = state["t0t1"] + pairs * t0 * t1
    total: Floats = values - slope * cross + slope**2 * times
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, total * ((state["n"] - 1) / pairs), np.nan)


def _complete(block: Array, times: Floats) -> tuple[Floats, Floats]:
    """Sums of cells without a gap, all times adjacent; NaN where a cell has a gap."""
    n, cells = block.shape
    sums = np.empty((_SUMS, cells))
    sums[N], sums[ST], sums[STT] = n, times.sum(), times @ times
    sums[P], sums[PT0], sums[PT1] = n - 1, times[:-1].sum(), times[1:].sum()
    sums[PT01] = times[:-1] @ times[1:]
    shift = block[0].astype("float64")
    _sum_complete(block, times, shift, sums)
    with np.errstate(invalid="ignore"):  # infinite values are refused by the caller
        sums[PX0] = sums[SX] - (block[-1] - shift)
    sums[PX1] = sums[SX]
    return sums, shift


def _gappy(block: Array, times: Floats, adjacent: Array) -> tuple[Floats, Floats]:
    """Sums of cells of which samples, and of times of which steps, may be missing."""
    shift = np.zeros(block.shape[1])
    sums = np.zeros((_SUMS, block.shape[1]))
    _first_valid(block, shift)
    _sum_gappy(block, times, adjacent.astype("float64"), shift, sums)
    return sums, shift


@compiled
def _first_valid(block: Array, shift: Floats) -> None:
    n, cells = block.shape
    found = np.zeros(cells, np.bool_)
    left = cells
    for i in range(n):
        if left == 0:
            return
        for c in range(cells):
            value = block[i, c]
            if not found[c] and value == value:  # noqa: PLR0124 - NaN is not equal to itself
                shift[c] = value
                found[c] = True
                left -= 1


@compiled_with(fastmath={"contract"})
def _sum_complete(block: Array, times: Floats, shift: Floats, sums: Floats) -> None:
    n, cells = block.shape
    w = _TILE
    # One flat array with constant offsets, and rows cut out beforehand: the compiler then sees
    # that nothing overlaps and no index is negative, and works on several cells at once.
    acc = np.empty(6 * w)
    for low in range(0, cells, w):
        width = min(w, cells - low)
        acc[:] = 0.0
        acc[5 * w : 5 * w + width] = shift[low : low + width]
        i = 1
        while i < n:
            # Four times at once: a quarter of the traffic of the sums. Past the end the last row
            # comes again, as one that is not there.
            j2, j3, j4 = min(i + 1, n - 1), min(i + 2, n - 1), min(i + 3, n - 1)
            w2, w3, w4 = 1.0 * (i + 1 < n), 1.0 * (i + 2 < n), 1.0 * (i + 3 < n)
            t0, t1 = times[i - 1], times[i]
            t2, t3, t4 = w2 * times[j2], w3 * times[j3], w4 * times[j4]
            r0, r1 = block[i - 1, low : low + width], block[i, low : low + width]
            r2, r3 = block[j2, low : low + width], block[j3, low : low + width]
            r4 = block[j4, low : low + width]
            for c in range(width):
                s = acc[5 * w + c]
                a, b = r0[c] - s, r1[c] - s
                d, e, f = w2 * (r2[c] - s), w3 * (r3[c] - s), w4 * (r4[c] - s)
                acc[c] += (b + d) + (e + f)
                acc[w + c] += b * b + d * d + e * e + f * f
                acc[2 * w + c] += t1 * b + t2 * d + t3 * e + t4 * f
                acc[3 * w + c] += a * b + b * d + d * e + e * f
                acc[4 * w + c] += a * t1 + (t0 + t2) * b + (t1 + t3) * d + (t2 + t4) * e + t3 * f
            i += 4
        for c in range(width):
            sums[SX, low + c] = acc[c]
            sums[SXX, low + c] = acc[w + c]
            sums[STX, low + c] = acc[2 * w + c]
            sums[PX01, low + c] = acc[3 * w + c]
            sums[PCROSS, low + c] = acc[4 * w + c]


@compiled_with(fastmath={"contract"})
def _sum_gappy(block: Array, times: Floats, adjacent: Floats, shift: Floats, sums: Floats) -> None:
    # Three short loops over cells: in one with all the sums the compiler gives up working on
    # several cells at once.
    (n, cells), w = block.shape, _TILE
    acc = np.empty(19 * w)
    for low in range(0, cells, w):
        width = min(w, cells - low)
        acc[:] = 0.0
        acc[_SHIFT * w : _SHIFT * w + width] = shift[low : low + width]
        t0, step = 0.0, 0.0  # the first sample has no neighbour before it
        for i in range(n):
            t = times[i]
            row = block[i, low : low + width]
            for c in range(width):
                value = np.float64(row[c])
                there = value == value  # noqa: PLR0124 - NaN is not equal to itself
                acc[_ONE_BEFORE * w + c] = acc[_ONE * w + c]
                acc[_X_BEFORE * w + c] = acc[_X * w + c]
                acc[_ONE * w + c] = 1.0 if there else 0.0
                acc[_X * w + c] = value - acc[_SHIFT * w + c] if there else 0.0
            for c in range(width):
                one, x = acc[_ONE * w + c], acc[_X * w + c]
                acc[N * w + c] += one
                acc[ST * w + c] += one * t
                acc[STT * w + c] += one * (t * t)
                acc[SX * w + c] += x
                acc[SXX * w + c] += x * x
                acc[STX * w + c] += t * x
            for c in range(width):
                pair = step * acc[_ONE * w + c] * acc[_ONE_BEFORE * w + c]
                x0, x1 = pair * acc[_X_BEFORE * w + c], pair * acc[_X * w + c]
                acc[P * w + c] += pair
                acc[PT0 * w + c] += pair * t0
                acc[PT1 * w + c] += pair * t
                acc[PT01 * w + c] += pair * (t0 * t)
                acc[PX0 * w + c] += x0
                acc[PX1 * w + c] += x1
                acc[PX01 * w + c] += x0 * x1
                acc[PCROSS * w + c] += x0 * t + t0 * x1
            t0, step = t, adjacent[i]
        for k in range(_SUMS):
            sums[k, low : low + width] = acc[k * w : k * w + width]


def _centre(sums: Floats, shift: Floats, origin: float) -> State:
    """Turn raw sums into counts, means and centred moments."""
    n, pairs = sums[N], sums[P]
    per, pair = 1 / np.maximum(n, 1), 1 / np.maximum(pairs, 1)
    there, paired = n > 0, pairs > 0
    return {
        "n": n.astype("int64"),
        "t": (sums[ST] * per + origin) * there,
        "x": (sums[SX] * per + shift) * there,
        "tt": sums[STT] - sums[ST] ** 2 * per,
        "tx": sums[STX] - sums[ST] * sums[SX] * per,
        "xx": sums[SXX] - sums[SX] ** 2 * per,
        "pairs": pairs.astype("int64"),
        "t0": (sums[PT0] * pair + origin) * paired,
        "t1": (sums[PT1] * pair + origin) * paired,
        "x0": (sums[PX0] * pair + shift) * paired,
        "x1": (sums[PX1] * pair + shift) * paired,
        "x0x1": sums[PX01] - sums[PX0] * sums[PX1] * pair,
        "cross": sums[PCROSS] - (sums[PX0] * sums[PT1] + sums[PT0] * sums[PX1]) * pair,
        "t0t1": sums[PT01] - sums[PT0] * sums[PT1] * pair,
    }


def _merge_two(a: State, b: State) -> State:
    bridged = np.isfinite(a["last_x"]) & np.isfinite(b["first_x"])
    bridge: State = {
        "pairs": bridged.astype("int64"),
        "t0": a["last_t"] * bridged,
        "t1": b["first_t"] * bridged,
        "x0": np.where(bridged, a["last_x"], 0.0),
        "x1": np.where(bridged, b["first_x"], 0.0),
        **{name: np.zeros(len(bridged)) for name in ("x0x1", "cross", "t0t1")},
    }
    return {
        **_merge_samples(a, b),
        **_merge_pairs(_merge_pairs(a, bridge), b),
        "first_t": a["first_t"],
        "first_x": a["first_x"],
        "last_t": b["last_t"],
        "last_x": b["last_x"],
    }


def _merge_samples(a: State, b: State) -> State:
    n, share, weight = _weights(a["n"], b["n"])
    apart = {name: b[name] - a[name] for name in _MEANS}
    merged = {name: a[name] + share * apart[name] for name in _MEANS}
    for name, one, other in (("tt", "t", "t"), ("tx", "t", "x"), ("xx", "x", "x")):
        merged[name] = a[name] + b[name] + weight * apart[one] * apart[other]
    return {"n": n, **merged}


def _merge_pairs(a: State, b: State) -> State:
    pairs, share, weight = _weights(a["pairs"], b["pairs"])
    d = {name: b[name] - a[name] for name in _PAIR_MEANS}
    added = {
        "x0x1": d["x0"] * d["x1"],
        "cross": d["x0"] * d["t1"] + d["t0"] * d["x1"],
        "t0t1": d["t0"] * d["t1"],
    }
    return {
        "pairs": pairs,
        **{name: a[name] + share * d[name] for name in _PAIR_MEANS},
        **{name: a[name] + b[name] + weight * more for name, more in added.items()},
    }


def _weights(a: Array, b: Array) -> tuple[Array, Floats, Floats]:
    """Return the joint count, the second part's share of it, and Chan's weight."""
    n = a + b
    share = b / np.maximum(n, 1)
    return n, share, a * share


def _edge(time: float, values: Array) -> tuple[Floats, Floats]:
    return np.full(len(values), time), values.astype("float64")


def _empty(cells: int) -> State:
    state = _centre(np.zeros((_SUMS, cells)), np.zeros(cells), 0.0)
    edges = dict.fromkeys(("first_t", "first_x", "last_t", "last_x"))
    return {**state, **{name: np.full(cells, np.nan) for name in edges}}
