"""Merge sort that counts inversions, lists them, or counts ties: O(n log n) ranks of one series."""

from __future__ import annotations

from climcube.kernels.compiled import Array, compiled

__all__ = ["count_inversions", "list_inversions", "sort_with_index", "tie_sums"]

_RUN = 8  # values that are sorted by insertion first
_LONG_RUN = 16  # where they are nearly in order as often as not


@compiled
def count_inversions(values: Array, spare: Array) -> int:
    """Sort values in place and return how many pairs i < j had values[i] > values[j].

    Equal values are no inversion. ``spare`` is room of the same length.
    """
    n, found = values.size, 0
    for start in range(0, n, _RUN):
        for j in range(start + 1, min(start + _RUN, n)):
            moving, k = values[j], j
            while k > start and values[k - 1] > moving:
                values[k] = values[k - 1]
                k -= 1
            values[k] = moving
            found += j - k
    source, target, width = values, spare, _RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            if middle == end or source[middle - 1] <= source[middle]:
                target[start:end] = source[start:end]
            else:
                found += _merge(source, target, start, middle, end)
        source, target, width = target, source, 2 * width
    if width > _RUN:
        values[:] = source
    return found


@compiled
def _merge(source: Array, target: Array, start: int, middle: int, end: int) -> int:
    i, j, k, found = start, middle, start, 0
    while i < middle and j < end:
        left, right = source[i], source[j]
        later = 1 if right < left else 0  # no branch: which side comes first is anyone's guess
        target[k] = right if later else left
        found += later * (middle - i)
        j += later
        i += 1 - later
        k += 1
    while i < middle:
        target[k] = source[i]
        i += 1
        k += 1
    while j < end:
        target[k] = source[j]
        j += 1
        k += 1
    return found


@compiled
def sort_with_index(keys: Array, index: Array, spare_keys: Array, spare_index: Array) -> None:
    """Sort keys in place, stably, and carry ``index`` along."""
    list_inversions(keys, index, spare_keys, spare_index, index, index, 0)


@compiled
def list_inversions(
    keys: Array,
    index: Array,
    spare_keys: Array,
    spare_index: Array,
    first: Array,
    second: Array,
    limit: int,
) -> int:
    """Sort keys in place, stably, carrying ``index`` along; return how many inversions there were.

    The index of both ends of an inversion is written, of at most ``limit``: those found first.
    Keys that are nearly in order already take little time.
    """
    n, found = keys.size, 0
    for start in range(0, n, _LONG_RUN):
        for j in range(start + 1, min(start + _LONG_RUN, n)):
            key, own, k = keys[j], index[j], j
            while k > start and keys[k - 1] > key:
                keys[k], index[k] = keys[k - 1], index[k - 1]
                k -= 1
            keys[k], index[k] = key, own
            for place in range(k + 1, min(j, k + limit - found) + 1):
                first[found + place - k - 1], second[found + place - k - 1] = index[place], own
            found += j - k
    width = _LONG_RUN
    while width < n:
        for start in range(0, n - width, 2 * width):
            middle, end = start + width, min(start + 2 * width, n)
            if keys[middle - 1] > keys[middle]:
                left = _first_above(keys, start, middle)
                found = _merge_listing(
                    keys, index, left, middle, end, spare_keys, spare_index,
                    first, second, limit, found,
                )  # fmt: skip
        width *= 2
    return found


@compiled
def _first_above(keys: Array, start: int, middle: int) -> int:
    """Return where, before ``middle``, the first key above ``keys[middle]`` stands.

    There is one. It is looked for from the middle outwards: nearly sorted keys overlap little.
    """
    key, above, step = keys[middle], middle - 1, 1
    below = above
    while below > start and keys[below] > key:
        above, below = below, max(start, below - step)
        step *= 2
    if keys[below] > key:
        return below
    while above - below > 1:
        half = (above + below) // 2
        if keys[half] > key:
            above = half
        else:
            below = half
    return above


@compiled
def _merge_listing(
    keys: Array,
    index: Array,
    left: int,
    middle: int,
    end: int,
    spare_keys: Array,
    spare_index: Array,
    first: Array,
    second: Array,
    limit: int,
    found: int,
) -> int:
    size = middle - left
    for i in range(size):
        spare_keys[i], spare_index[i] = keys[left + i], index[left + i]
    i, j, k = 0, middle, left
    while i < size and j < end:
        key, other = spare_keys[i], keys[j]
        own, its = spare_index[i], index[j]
        if found < limit and other < key:
            for c in range(min(size - i, limit - found)):
                first[found + c], second[found + c] = spare_index[i + c], its
        later = 1 if other < key else 0  # no branch, as above
        keys[k] = other if later else key
        index[k] = its if later else own
        found += later * (size - i)
        j += later
        i += 1 - later
        k += 1
    for c in range(size - i):  # what is left of the later side stands there already
        keys[k + c], index[k + c] = spare_keys[i + c], spare_index[i + c]
    return found


@compiled
def tie_sums(ordered: Array) -> tuple[int, int]:
    """Return the sums over groups of m equal values of m (m - 1) / 2 and m (m - 1) (2 m + 5)."""
    pairs, weighted, start = 0, 0, 0
    for i in range(1, ordered.size + 1):
        if i < ordered.size and ordered[i] == ordered[start]:
            continue
        m = i - start
        pairs += m * (m - 1) // 2
        weighted += m * (m - 1) * (2 * m + 5)
        start = i
    return pairs, weighted
