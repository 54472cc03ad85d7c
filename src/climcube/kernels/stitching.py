"""Join the objects of blocks across their faces, and link objects of consecutive days to events."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from climcube.kernels.objects import Face, Ground, Links, Objects, Part, Rules, ascending

__all__ = ["Joined", "Stitched", "join_block", "stitch", "sum_areas", "unite"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Joined:
    """What the stitch needs of one block: its objects, and pairs with those of later blocks.

    ``same`` and ``next`` hold, for each later block concerned, pairs of labels (own, its) of one
    object, and links to its objects of the next day.
    """

    count: int
    objects: Objects
    links: Links
    same: dict[int, tuple[Array, Array]]
    next: dict[int, Links]


@dataclass(frozen=True)
class Stitched:
    """The objects of the whole cube and their events.

    Objects stand in the order of their first cells; ``event`` numbers events from 1 in the
    order of theirs. ``links`` hold rows of objects. ``lookups`` give, for each block, the event
    of each of its labels (0 for none), ``numbers`` the object (from 1), with depth only.
    """

    objects: Objects
    event: npt.NDArray[np.int32]
    links: Links
    lookups: list[npt.NDArray[np.int32]]
    numbers: list[npt.NDArray[np.int64]]


def join_block(
    own: Part, later: Sequence[tuple[int, Part]], after: tuple[int, Part] | None, rules: Rules
) -> Joined:
    """Pair the labels of one block with those of later neighbours, and of the next days' block.

    ``later`` holds number and part of each neighbour whose pairs are this block's to find (the
    block itself, where it touches itself around the globe); ``after`` has the same cells.
    """
    same = {}
    for number, other in later:
        a, b = _touching(own, other, rules)
        if len(a):
            same[number] = (a, b)
    links = {}
    if after is not None and rules.continues[after[1].origin[0]]:
        links[after[0]] = _linked(own, after[1])
    return Joined(own.count, own.objects, own.links, same, links)


def _touching(own: Part, other: Part, rules: Rules) -> tuple[Array, Array]:
    """Return each pair of labels whose cells on the two shells touch."""
    mine, theirs = _near(own, other, rules), _near(other, own, rules)
    if not len(mine) or not len(theirs):
        return mine.label[:0], theirs.label[:0]
    day, *place = np.unravel_index(mine.cell, rules.shape)
    found = [np.zeros(0, "int64")]
    steps = [(0,) if n == 1 else (-1, 0, 1) for n in rules.shape[1:]]
    steps[2] = (-1, 0, 1) if rules.wraps else steps[2]
    for step in itertools.product(*steps):
        moved = [p + s for p, s in zip(place, step, strict=True)]
        if rules.wraps:
            moved[2] %= rules.shape[3]
        inside = np.ones(len(day), bool)
        for axis, n in enumerate(rules.shape[1:]):
            inside &= (moved[axis] >= 0) & (moved[axis] < n)
        cell = np.ravel_multi_index((day[inside], *(m[inside] for m in moved)), rules.shape)
        at = np.minimum(np.searchsorted(theirs.cell, cell), len(theirs) - 1)
        hit = theirs.cell[at] == cell
        first, second = mine.label[inside][hit], theirs.label[at[hit]]
        found.append(ascending(first.astype("int64") * (other.count + 1) + second))
    return np.divmod(ascending(np.concatenate(found)), other.count + 1)


def _near(part: Part, other: Part, rules: Rules) -> Face:
    """Return the cells of a shell that lie at most one step from another block."""
    _, *place = np.unravel_index(part.shell.cell, rules.shape)
    near = np.ones(len(part.shell), bool)
    for axis, at in enumerate(place):
        low = other.origin[axis + 1] - 1
        beyond = other.origin[axis + 1] + other.extent[axis + 1]
        here = (at >= low) & (at <= beyond)
        if axis == 2 and rules.wraps:
            n = rules.shape[3]
            here |= (at - n >= low) | (at + n <= beyond)
        near &= here
    return part.shell.take(near)


def _linked(own: Part, after: Part) -> Links:
    """Link the last day of a block to the first of the next block with the same cells."""
    cell, i, j = np.intersect1d(
        own.closing.cell, after.opening.cell, assume_unique=True, return_indices=True
    )
    return Links(own.closing.label[i], after.opening.label[j], own.weight[cell]).summed()


def stitch(blocks: Sequence[Joined], rules: Rules) -> Stitched:
    """Unite the blocks' objects, link those of consecutive days, and number events."""
    offsets = np.concatenate([[0], np.cumsum([block.count for block in blocks])])
    owner = _united(blocks, offsets)
    parts = [block.objects for block in blocks]
    held, row = np.unique(
        owner[np.concatenate([o + p.label - 1 for o, p in zip(offsets, parts, strict=False)])],
        return_inverse=True,
    )
    count = len(held)
    first = _least(row, _column(parts, "first"), count)
    size = np.bincount(row, _column(parts, "size"), count)
    row_of = np.full(len(owner) + 1, count)  # of each label's object; none where it was dropped
    row_of[held] = np.arange(count)
    row_of = row_of[owner]
    links = _strong_links(_all_links(blocks, offsets, row_of, count), size, rules)
    event = _events(first, size, links, rules)
    order = np.flatnonzero(event)
    order = order[np.argsort(first[order])]
    number = np.zeros(count + 1, "int64")
    number[order] = np.arange(1, len(order) + 1)
    links = links.take(event[links.before] > 0)
    links = Links(number[links.before] - 1, number[links.after] - 1, links.shared).summed()
    own = [row_of[start:stop] for start, stop in itertools.pairwise(offsets)]
    event_of = np.append(event, np.int32(0))
    return Stitched(
        _summed(parts, number[row], len(order)), event[order], links,
        [np.append(np.int32(0), event_of[r]) for r in own],
        [np.append(0, number[r]) for r in own] if rules.shape[1] > 1 else [],
    )  # fmt: skip


def _united(blocks: Sequence[Joined], offsets: Ints) -> Ints:
    """Return for each label of each block the number of the object that it is part of."""
    pairs = [np.zeros((2, 0), "int64")]
    for offset, block in zip(offsets, blocks, strict=False):
        for other, (a, b) in block.same.items():
            pairs.append(np.stack([offset + a, offsets[other] + b]) - 1)
    return _components(np.concatenate(pairs, axis=1), int(offsets[-1]))


def _components(pairs: Ints, count: int) -> Ints:
    """Return the number of the connected component of each of ``count`` nodes."""
    graph = coo_array((np.ones(pairs.shape[1], bool), tuple(pairs)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], "int64")


def _column(parts: Sequence[Objects], name: str) -> Array:
    return np.concatenate([getattr(part, name) for part in parts])


def _least(group: Ints, values: Ints, count: int) -> Ints:
    least = np.full(count, np.iinfo("int64").max)
    np.minimum.at(least, group, values)
    return least


def _summed(parts: Sequence[Objects], number: Ints, count: int) -> Objects:
    """Return the objects that the parts make up; each part's number counts from 1, 0 for none.

    Column by column, as there may be tens of millions of objects.
    """

    def total(values: Array) -> Floats:
        return np.bincount(number, values, count + 1)[1:]

    own, at = _column(parts, "peak"), _column(parts, "peak_at")
    peak = np.full(count + 1, -np.inf)
    np.maximum.at(peak, number, own)
    top = (own == peak[number]) & (at >= 0)
    peak_at = _least(number[top], at[top], count + 1)  # of equal peaks the first cell's
    peak_at[np.isneginf(peak)] = -1
    del own, at, top
    return Objects(
        np.zeros(count, "int32"),
        _least(number, _column(parts, "first"), count + 1)[1:],
        peak_at[1:],
        total(_column(parts, "cells")).astype("int64"),
        total(_column(parts, "size")),
        np.stack([total(m) for m in _column(parts, "moment").T], axis=1),
        total(_column(parts, "heat")),
        peak[1:],
    )


def _all_links(blocks: Sequence[Joined], offsets: Ints, row: Ints, none: int) -> Links:
    """Return the links within and between blocks, by row of their objects."""
    kind = "int32" if none < np.iinfo("int32").max else "int64"
    row = row.astype(kind)
    found = [(np.zeros(0, kind), np.zeros(0, kind), np.zeros(0))]
    for number, block in enumerate(blocks):
        for other, links in [(number, block.links), *block.next.items()]:
            before = row[offsets[number] + links.before - 1]
            after = row[offsets[other] + links.after - 1]
            known = (before < none) & (after < none)
            found.append((before[known], after[known], links.shared[known]))
    before, after, shared = (np.concatenate(part) for part in zip(*found, strict=True))
    return Links(before, after, shared).summed()


def _strong_links(links: Links, size: Floats, rules: Rules) -> Links:
    """Drop links of objects that are too small, and those that share too little."""
    smaller = np.minimum(size[links.before], size[links.after])
    share = np.divide(links.shared, smaller, out=np.ones(len(links)), where=smaller > 0)
    return links.take((smaller >= rules.smallest) & (share >= rules.overlap))


def _events(first: Ints, size: Floats, links: Links, rules: Rules) -> npt.NDArray[np.int32]:
    """Number the events by their first cells, from 1; objects of none have 0."""
    count = len(first)
    event = np.zeros(count, "int32")
    kept = np.flatnonzero(size >= rules.smallest)
    if not len(kept):
        return event
    member = _components(np.stack([links.before, links.after]).astype("int64"), count)[kept]
    start, end = np.full(count, np.iinfo("int64").max), np.full(count, -1)
    np.minimum.at(start, member, first[kept])
    np.maximum.at(end, member, first[kept])
    per_day = math.prod(rules.shape[1:])
    long = (end // per_day - start // per_day + 1 >= rules.duration) & (end >= 0)
    chosen = np.flatnonzero(long)
    number = np.zeros(count, "int32")
    number[chosen[np.argsort(start[chosen])]] = np.arange(1, len(chosen) + 1)
    event[kept] = number[member]
    return event


def unite(parts: Sequence[Ints]) -> Ints:
    """Return the numbers that occur in any of several ascending lists, ascending."""
    return ascending(np.concatenate(parts))


def sum_areas(pairs: Ints, ground: Ground) -> tuple[Ints, Floats]:
    """Return each entry of pairs (entry x cells + cell) and the area of its cells."""
    entry, cell = np.divmod(pairs, len(ground.area))
    found, group = np.unique(entry, return_inverse=True)
    return found, np.bincount(group, ground.area[cell], len(found))
