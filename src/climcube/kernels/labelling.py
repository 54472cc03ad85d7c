"""Label and measure the objects of each day in one block of a cube.

A block is ``(days, levels, rows, columns)``. Cells touch if they lie on the same day and differ
by at most one step along each spatial axis. A block is worked through a few days at a time, so
work arrays stay small beside it. What crosses its faces is handed on, for
`climcube.kernels.stitching` to join.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.objects import Face, Ground, Links, Objects, Part, Rules, Shape, ascending

__all__ = ["covered", "find_objects", "label_days", "relabel"]

Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_SLAB_CELLS = 2**20  # cells labelled at once


def find_objects(
    mask: Mask, intensity: Array | None, ground: Ground, origin: Shape, rules: Rules
) -> Part:
    """Label and measure the objects of each day of one block, and link those of its days.

    Objects smaller than ``rules.smallest`` that lie wholly inside the block are left out.
    """
    cells, per_day = math.prod(mask.shape[1:]), math.prod(rules.shape[1:])
    levels = slice(origin[1], origin[1] + mask.shape[1])
    ground = ground._replace(weight=ground.weight[levels], depth=ground.depth[levels])
    sides = np.flatnonzero(_sides(mask.shape[1:], origin[1:], rules))
    numbers = _cell_numbers(mask.shape[1:], origin[1:], rules)
    objects, links, shells = [Objects.blank(1, 0)], [], []
    before, opening, count = np.zeros(cells, "int32"), None, 0
    for start, labels, lower, found in label_days(mask):
        flat = labels.reshape(len(labels), cells)
        opening = _face(flat[0], lower) if opening is None else opening
        if found:
            days = origin[0] + np.arange(start, start + len(flat))
            values = None if intensity is None else intensity[start : start + len(flat)]
            first = days * per_day
            own = Objects.blank(lower + 1, found)
            _fill(own, flat, values, ground, first, numbers, rules.sign)
            objects.append(own)
            links.append(_linked(before, flat, lower, ground.weight, rules.continues[days]))
            shells.append(_shell(flat, lower, sides, first, numbers))
        before = np.where(flat[-1] > 0, flat[-1] + np.int32(lower), 0)
        count = lower + found
    shell = Face.join(shells) if shells else _face(before[:0], 0)
    table, kept = _without_small(Objects.join(objects), shell.label, rules.smallest, count)
    return Part(
        origin, mask.shape, count, table, _between(links, kept), shell,
        _face(before[:0], 0) if opening is None else opening, _face(before, 0),
        ground.weight.ravel(),
    )  # fmt: skip


def relabel(mask: Mask, lookup: Array) -> Array:
    """Return the entry of each cell's label in the lookup, whose first is that of no object."""
    out = np.zeros(mask.shape, lookup.dtype)
    for start, labels, lower, found in label_days(mask):
        if found:
            own = _own(lookup, lower, found)
            np.take(own, labels, out=out[start : start + len(labels)], mode="clip")
    return out


def covered(mask: Mask, lookup: Array) -> Ints:
    """Return each pair of entry of the lookup and horizontal cell that occurs, ascending.

    A pair is entry x (rows x columns) + cell; entries of 0 are left out.
    """
    cells = mask.shape[2] * mask.shape[3]
    pairs = [np.zeros(0, "int64")]
    last = np.zeros(cells, "int64")
    for _, labels, lower, found in label_days(mask):
        if found:
            own = _own(lookup, lower, found)
            flat, out = labels.reshape(-1, cells), np.empty(0, "int64")
            out = np.empty(_pairs(flat, own, last.copy(), out), "int64")
            _pairs(flat, own, last, out)
            pairs.append(out)
    return ascending(np.concatenate(pairs))


def label_days(mask: Mask) -> Iterator[tuple[int, Labels, int, int]]:
    """Yield a few days at a time: the first day, labels from 1, number before, number of them.

    The number before, added, makes labels that count on through the block; the same mask gives
    the same ones.
    """
    surface = mask.shape[1] == 1  # labelling three dimensions costs less than half of four
    structure = np.zeros((3,) * (3 if surface else 4), bool)
    structure[1] = True  # nothing touches in time
    step = max(1, _SLAB_CELLS // max(1, math.prod(mask.shape[1:])))
    count = 0
    for start in range(0, len(mask), step):
        slab = mask[start : start + step]
        labels = np.zeros(slab.shape, "int32")
        found = 0
        if slab.any():
            own, out = (slab[:, 0], labels[:, 0]) if surface else (slab, labels)
            found = int(ndimage.label(own, structure, output=out))
        yield start, labels, count, found
        count += found


def _sides(extent: tuple[int, ...], origin: tuple[int, ...], rules: Rules) -> Mask:
    """Mark the cells of a block that may touch cells of another block (or wrap around)."""
    border = np.zeros(extent, bool)
    for axis, (n, start, whole) in enumerate(zip(extent, origin, rules.shape[1:], strict=True)):
        around = rules.wraps and axis == 2
        along = np.moveaxis(border, axis, 0)
        if n and (start > 0 or around):
            along[0] = True
        if n and (start + n < whole or around):
            along[-1] = True
    return border


def _cell_numbers(extent: tuple[int, ...], origin: tuple[int, ...], rules: Rules) -> Ints:
    """Return the number of each of a block's cells within a day of the whole cube."""
    along = [np.arange(start, start + n) for n, start in zip(extent, origin, strict=True)]
    return np.ravel_multi_index(np.ix_(*along), rules.shape[1:]).ravel()


def _own(lookup: Array, lower: int, found: int) -> Array:
    """Return the entries of the labels of a few days, that of no object first."""
    own: Array = lookup[lower : lower + found + 1].copy()
    own[0] = lookup[0]
    return own


def _fill(
    table: Objects, labels: Labels, intensity: Array | None, ground: Ground, days: Ints,
    numbers: Ints, sign: float,
) -> None:  # fmt: skip
    values: Array = np.zeros((0, 0), "float32")
    if intensity is not None:
        dtype = "float32" if intensity.dtype in (np.float16, np.float32) else "float64"
        values = np.ascontiguousarray(intensity, dtype).reshape(labels.shape)
    _measure(
        labels, values, ground.weight, ground.vector, ground.depth, days, numbers, sign,
        table.first, table.peak_at, table.cells, table.size, table.moment, table.heat, table.peak,
    )  # fmt: skip


@compiled
def _measure(
    labels: Array, intensity: Array, weight: Array, vector: Array, depth: Array, days: Array,
    numbers: Array, sign: float, first: Array, peak_at: Array, cells: Array, size: Array,
    moment: Array, heat: Array, peak: Array,
) -> None:  # fmt: skip
    flat = vector.shape[0]
    for day in range(labels.shape[0]):
        for level in range(depth.size):
            for place in range(flat):
                cell = level * flat + place
                if labels[day, cell] == 0:
                    continue
                k = labels[day, cell] - 1
                own = weight[level, place]
                if first[k] < 0:
                    first[k] = days[day] + numbers[cell]
                cells[k] += 1
                size[k] += own
                for i in range(3):
                    moment[k, i] += own * vector[place, i]
                moment[k, 3] += own * depth[level]
                if intensity.size == 0:
                    continue
                value = np.float64(intensity[day, cell])
                if np.isnan(value):
                    continue
                heat[k] += own * value
                if sign * value > peak[k]:
                    peak[k] = sign * value
                    peak_at[k] = days[day] + numbers[cell]


def _linked(before: Labels, labels: Labels, lower: int, weight: Array, continues: Mask) -> Links:
    """Link the objects of consecutive days that share cells; ``before`` precedes the first."""
    weight = weight.ravel()
    pairs, shared = np.empty((2, 0), "int32"), np.empty((0,))
    for _ in range(2):  # the first round finds how much room the second needs
        room = _runs(before, labels, lower, weight, continues, pairs, shared)
        if room != shared.size:
            pairs, shared = np.empty((2, room), "int32"), np.empty(room)
    return Links(pairs[0], pairs[1], shared).summed()


@compiled
def _runs(
    before: Array, labels: Array, lower: int, weight: Array, continues: Array, pairs: Array,
    shared: Array,
) -> int:  # fmt: skip
    """Write pairs of labels, a new one wherever the pair changes, where there is room for them.

    Objects are compact, so runs are far fewer than cells.
    """
    k = 0
    for day in range(labels.shape[0]):
        if not continues[day]:
            continue
        old = before if day == 0 else labels[day - 1]
        new = labels[day]
        older = 0 if day == 0 else lower
        a = b = 0
        for cell in range(new.size):
            if old[cell] > 0 and new[cell] > 0:
                if old[cell] != a or new[cell] != b:
                    a, b = old[cell], new[cell]
                    k += 1
                    if k <= shared.size:
                        pairs[0, k - 1], pairs[1, k - 1] = a + older, b + lower
                        shared[k - 1] = 0.0
                if k <= shared.size:
                    shared[k - 1] += weight[cell]
    return k


@compiled
def _pairs(labels: Array, lookup: Array, last: Array, out: Array) -> int:
    """Write entry and cell wherever a cell's entry is not the one that it had last."""
    k = 0
    for row in range(labels.shape[0]):
        for cell in range(last.size):
            entry = np.int64(lookup[labels[row, cell]])
            if entry > 0 and entry != last[cell]:
                last[cell] = entry
                if k < out.size:
                    out[k] = entry * last.size + cell
                k += 1
    return k


def _shell(labels: Labels, lower: int, sides: Ints, first: Ints, numbers: Ints) -> Face:
    edge = labels[:, sides]
    day, place = np.nonzero(edge)
    return Face(first[day] + numbers[sides[place]], edge[day, place] + np.int32(lower))


def _face(labels: Labels, lower: int) -> Face:
    cell = np.flatnonzero(labels)
    return Face(cell, labels[cell] + np.int32(lower))


def _without_small(
    objects: Objects, on_shell: Labels, smallest: float, count: int
) -> tuple[Objects, Mask]:
    """Drop the objects that are small and whole; say of each label whether it is kept."""
    kept = np.ones(count + 1, bool)
    kept[1:] = objects.size >= smallest
    kept[on_shell] = True
    return objects.take(kept[1:]), kept


def _between(links: list[Links], kept: Mask) -> Links:
    if not links:
        none = np.zeros(0, "int32")
        return Links(none, none, np.zeros(0))
    whole = Links.join(links)
    return whole.take(kept[whole.before] & kept[whole.after])
