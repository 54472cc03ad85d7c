"""Merge sort that counts inversions, lists them, or counts ties: O(n log n) ranks of one series."""

from __future__ import annotations

from climcube.kernels.compiled import Array, compiled

__all__ = ["count_inversions", "list_inversions", "sort_with_index", "tie_sums"]

_RUN = 8  # values that are sorted by insertion first


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
    """Sort keys in place, write the index of both ends of each inversion; return how many.

    At most ``limit`` pairs are written: the first ones found.
    """
    n, found = keys.size, 0
    for start in range(0, n, _RUN):
        for j in range(start + 1, min(start + _RUN, n)):
            key, own, k = keys[j], index[j], j
            while k > start and keys[k - 1] > key:
                if found < limit:
                    first[found], second[found] = index[k - 1], own
                    found += 1
                keys[k], index[k] = keys[k - 1], index[k - 1]
                k -= 1
            keys[k], index[k] = key, own
    width = _RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            if middle == end or keys[middle - 1] <= keys[middle]:
                continue
            spare_keys[start:end] = keys[start:end]
            spare_index[start:end] = index[start:end]
            i, j = start, middle
            for k in range(start, end):
                if j >= end or (i < middle and spare_keys[i] <= spare_keys[j]):
                    keys[k], index[k] = spare_keys[i], spare_index[i]
                    i += 1
                    continue
                for left in range(i, min(middle, i + limit - found)):
                    first[found], second[found] = spare_index[left], spare_index[j]
                    found += 1
                keys[k], index[k] = spare_keys[j], spare_index[j]
                j += 1
        width *= 2
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
