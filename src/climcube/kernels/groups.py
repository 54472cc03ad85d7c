"""Means, standard deviations and counts of groups of samples, as mergeable reductions.

The state of a stretch of time holds only the classes (see `climcube.kernels.pools`) that occur
in it, so that one day of data makes a state of one row, not of 366. Sums are kept in float64,
for packed data as sums of the packed integers: both are exact, hence independent of how time
was cut. Values that are not finite are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.harmonics import fit_harmonics
from climcube.kernels.pools import Pools
from climcube.kernels.reduction import Reduction, State, placed
from climcube.kernels.smoothing import smooth_circular

__all__ = ["COUNT", "MEAN", "STANDARD_DEVIATION", "Finish", "Grid", "refine"]

_MOMENTS = ("mean", "square", "count")

Floats = npt.NDArray[np.float64]


class Grid(NamedTuple):
    """The packing of the data: values are ``integer * scale + offset`` up to ``eps``."""

    scale: float = 1.0
    offset: float = 0.0
    eps: float = 0.0  # relative rounding of the decoded values; 0 for data that were never packed


class Finish(NamedTuple):
    """What happens to the group values: numbers and arrays only."""

    expected: Floats | None = None  # full weight of each group, where coverage matters
    min_coverage: float = 0.0
    leap_day: int = -1  # group that becomes the mean of its neighbours, -1 for none
    smooth: int = 1
    harmonics: int = 0


def _mean_stream(
    blocks: Iterable[npt.NDArray[Any]],
    shape: tuple[int, int],
    start: int,
    pools: Pools,
    grid: Grid,
    _: Finish,
) -> State:
    label, weight, classes, own = _local(*shape, start, pools)
    sums = np.zeros((len(classes), shape[1]))
    weights = np.zeros_like(sums)
    for here, block in placed(blocks):
        _add(_native(block), own[here], weight[here], *grid, sums, weights)
    return {"class": label, "sum": sums, "weight": weights}


def _mean_combine(states: Sequence[State]) -> State:
    classes, rows = _union(states)
    whole = [i for i, row in enumerate(rows) if len(row) == len(classes)]
    shape = (len(classes), states[0]["class"].shape[1])
    # A state that holds every class is where the others are added to.
    first = states[whole[0]] if whole else {"sum": np.zeros(shape), "weight": np.zeros(shape)}
    sums, weights = first["sum"].copy(), first["weight"].copy()
    for number, (state, row) in enumerate(zip(states, rows, strict=True)):
        if not whole or number != whole[0]:
            _add_rows(row, *_each(row), state["sum"], state["weight"], sums, weights)
    return {"class": _spread(classes, shape[1]), "sum": sums, "weight": weights}


def _mean_finalize(state: State, pools: Pools, grid: Grid, finish: Finish) -> tuple[Floats]:
    cells = state["class"].shape[1]
    sums, weights = np.zeros((pools.groups, cells)), np.zeros((pools.groups, cells))
    _add_rows(*_members(state, pools), state["sum"], state["weight"], sums, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / weights
    if grid.eps:
        mean = mean * grid.scale + grid.offset
    if finish.expected is not None:
        # A hair's breadth, for weights that are not whole days.
        mean[weights < finish.min_coverage * finish.expected[:, None] * (1 - 1e-12)] = np.nan
    return (refine(mean, finish),)


def _count_finalize(state: State, pools: Pools, _: Grid, finish: Finish) -> tuple[Floats]:
    """Return how much weight each group has; a mean of two days rests on the fewer of both."""
    count = np.zeros((pools.groups, state["class"].shape[1]))
    group, row, times = _members(state, pools)
    np.add.at(count, group, times[:, None] * state["weight"][row])
    if finish.leap_day >= 0:
        day = finish.leap_day
        count[day] = np.minimum(count[day - 1], count[day + 1])
    return (count,)


def _std_stream(
    blocks: Iterable[npt.NDArray[Any]],
    shape: tuple[int, int],
    start: int,
    pools: Pools,
    grid: Grid,
    _: Finish,
) -> State:
    label, _weight, classes, own = _local(*shape, start, pools)
    first, *moments = (np.zeros((len(classes), shape[1])) for _ in ("first", *_MOMENTS))
    for here, block in placed(blocks):
        _add_moments(_native(block), own[here], *grid, first, *moments)
    _centre(first, *moments)
    return {"class": label, **dict(zip(_MOMENTS, moments, strict=True))}


def _std_combine(states: Sequence[State]) -> State:
    classes, rows = _union(states)
    merged = [np.zeros((len(classes), states[0]["class"].shape[1])) for _ in _MOMENTS]
    for state, row in zip(states, rows, strict=True):
        _merge_rows(row, *_each(row), *(state[n] for n in _MOMENTS), *merged)
    whole = dict(zip(_MOMENTS, merged, strict=True))
    return {"class": _spread(classes, merged[0].shape[1]), **whole}


def _std_finalize(state: State, pools: Pools, _: Grid, finish: Finish) -> tuple[Floats]:
    merged = [np.zeros((pools.groups, state["class"].shape[1])) for _ in _MOMENTS]
    _merge_rows(*_members(state, pools), *(state[n] for n in _MOMENTS), *merged)
    _mean, square, count = merged
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = square / (count - 1)
    variance[count < 2] = np.nan
    return (refine(np.sqrt(variance), finish),)


MEAN = Reduction.streaming(_mean_stream, _mean_combine, _mean_finalize)
COUNT = Reduction.streaming(_mean_stream, _mean_combine, _count_finalize)
STANDARD_DEVIATION = Reduction.streaming(_std_stream, _std_combine, _std_finalize)


def _local(
    steps: int, cells: int, start: int, pools: Pools
) -> tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the classes of a stretch, spread over cells and bare, and each sample's row."""
    label = pools.label[start : start + steps]
    classes = np.flatnonzero(np.bincount(label[label >= 0])).astype("int32")
    row_of = np.full(max(1, pools.classes) + 1, -1, "int32")  # the last one is that of label -1
    row_of[classes] = np.arange(len(classes))
    own = row_of[label]
    weight = pools.weight[start : start + steps]
    return _spread(classes, cells), weight, classes, own


def _spread(classes: npt.NDArray[np.int32], cells: int) -> npt.NDArray[np.int32]:
    """Repeat the class numbers for each cell, as states are cut and joined along cells."""
    return np.broadcast_to(classes[:, None], (len(classes), cells))


def _union(
    states: Sequence[State],
) -> tuple[npt.NDArray[np.int32], list[npt.NDArray[np.int64]]]:
    """Return all classes of some states, and the row of each state's classes among them."""
    lists = [_classes(state) for state in states]
    classes = np.unique(np.concatenate(lists))
    return classes, [np.searchsorted(classes, own) for own in lists]


def _classes(state: State) -> npt.NDArray[np.int32]:
    label = state["class"]
    return label[:, 0] if label.shape[1] else np.arange(len(label), dtype="int32")


def _members(state: State, pools: Pools) -> tuple[Array, Array, Array]:
    """Return group, row of the state and number of times, for every class that is present."""
    row_of = np.full(max(1, pools.classes), -1)
    classes = _classes(state)
    row_of[classes] = np.arange(len(classes))
    group = np.repeat(np.arange(pools.groups), np.diff(pools.start))
    rows = row_of[pools.member]
    here = rows >= 0
    return group[here], rows[here], pools.times[here].astype("int64")


def _each(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return every row of a state, once."""
    return np.arange(len(rows)), np.ones(len(rows), "int64")


def refine(values: Floats, finish: Finish) -> Floats:
    """Fill the leap day and smooth over the year; ``(groups, cells)``."""
    if finish.leap_day >= 0:
        day = finish.leap_day
        values[day] = 0.5 * (values[day - 1] + values[day + 1])
    if finish.harmonics:
        return fit_harmonics(values, finish.harmonics)
    if finish.smooth > 1:
        rows = np.ascontiguousarray(values.T)
        smooth_circular(rows, finish.smooth)
        return np.ascontiguousarray(rows.T)
    return values


def _native(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return contiguous float32 or float64, the only types that kernels are compiled for."""
    dtype = "float32" if block.dtype in (np.float16, np.float32) else "float64"
    return np.ascontiguousarray(block, dtype)


@compiled
def _add(
    block: Array,
    own: Array,
    weight: Array,
    scale: float,
    offset: float,
    eps: float,
    sums: Array,
    weights: Array,
) -> None:
    """Add each row of the block to the row of its class; whole rows, so that it vectorises."""
    packed = eps > 0.0
    for t in range(block.shape[0]):
        if own[t] < 0:
            continue
        w, row, total, seen = weight[t], block[t], sums[own[t]], weights[own[t]]
        for c in range(total.size):
            v = np.float64(row[c])
            x = v
            if packed:
                ratio = (v - offset) / scale
                whole = np.rint(ratio)
                near = abs(whole * scale + offset - v) <= 2 * eps * (abs(v) + abs(offset))
                x = whole if near else ratio
            valid = v - v == 0.0
            total[c] += w * x if valid else 0.0
            seen[c] += w if valid else 0.0


@compiled
def _add_moments(
    block: Array,
    own: Array,
    scale: float,
    offset: float,
    eps: float,
    first: Array,
    total: Array,
    square: Array,
    count: Array,
) -> None:
    """Collect count, sum and sum of squares of each class.

    Sums run over deviations from the first valid value of the class, so that a constant has
    exactly no variance and none is lost to cancellation.
    """
    cells = total.shape[1]
    packed = eps > 0.0
    for t in range(block.shape[0]):
        if own[t] < 0:
            continue
        k = own[t]
        row, base, sums, squares, seen = block[t], first[k], total[k], square[k], count[k]
        for c in range(cells):
            v = np.float64(row[c])
            x = v
            if packed:
                snapped = np.rint((v - offset) / scale) * scale + offset
                x = snapped if abs(snapped - v) <= 2 * eps * (abs(v) + abs(offset)) else v
            valid = v - v == 0.0
            base[c] = x if valid and seen[c] == 0.0 else base[c]
            step = x - base[c] if valid else 0.0
            sums[c] += step
            squares[c] += step * step
            seen[c] += 1.0 if valid else 0.0


@compiled
def _centre(first: Array, mean: Array, square: Array, count: Array) -> None:
    """Turn those sums into mean and centred sum of squares, in place."""
    cells = mean.shape[1]
    for k in range(mean.shape[0]):
        for c in range(cells):
            n = max(count[k, c], 1.0)
            square[k, c] = max(square[k, c] - mean[k, c] * mean[k, c] / n, 0.0)
            mean[k, c] = first[k, c] + mean[k, c] / n


@compiled
def _add_rows(
    target: Array,
    source: Array,
    times: Array,
    sums: Array,
    weights: Array,
    into_sums: Array,
    into_weights: Array,
) -> None:
    """Add row ``source[i]`` to row ``target[i]``, ``times[i]`` over."""
    for i in range(target.size):
        total, seen = into_sums[target[i]], into_weights[target[i]]
        more, days, factor = sums[source[i]], weights[source[i]], np.float64(times[i])
        for c in range(total.size):
            total[c] += factor * more[c]
            seen[c] += factor * days[c]


@compiled
def _merge_rows(
    target: Array,
    source: Array,
    times: Array,
    mean: Array,
    square: Array,
    count: Array,
    into_mean: Array,
    into_square: Array,
    into_count: Array,
) -> None:
    """Merge moments as `_add_rows` adds sums (Chan, Golub and LeVeque 1983)."""
    for i in range(target.size):
        here, squares, seen = into_mean[target[i]], into_square[target[i]], into_count[target[i]]
        theirs, spread, number = mean[source[i]], square[source[i]], count[source[i]]
        for _ in range(times[i]):
            for c in range(here.size):
                n, before = number[c], seen[c]
                if n == 0.0:
                    continue
                step = theirs[c] - here[c] if before > 0.0 else 0.0
                share = n / (before + n)
                here[c] = here[c] + step * share if before > 0.0 else theirs[c]
                squares[c] += spread[c] + step * step * before * share
                seen[c] = before + n
