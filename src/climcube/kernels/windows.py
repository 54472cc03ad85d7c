"""Which samples pool into each day of year, as a list of changes from one day to the next.

The windows of neighbouring days of year share almost all their samples. What enters and what
leaves depends on the time axis alone, so it is worked out once and shared by every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Windows", "sliding_windows"]

Index = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Windows:
    """Sliding windows of samples, visited in the order of ``groups``.

    A window is a row of ``capacity`` slots. Going to the ``k``-th group, slot ``slots[i]``
    takes sample ``samples[i]``, for ``i`` from ``start[k]`` up to ``start[k + 1]``; the sample
    that is one past the end of the record stands for nothing.
    """

    capacity: int
    groups: Index
    start: Index
    slots: Index
    samples: Index

    def tables(self) -> tuple[Any, ...]:
        """Return the tables in the order in which kernels take them."""
        return self.capacity, self.groups, self.start, self.slots, self.samples


def sliding_windows(
    group: npt.NDArray[Any], first: int, last: int, half_width: int, groups: npt.NDArray[Any]
) -> Windows:
    """Build the windows of the groups given.

    Parameters
    ----------
    group
        Group (day of year) of every sample of the record.
    first, last
        First and last sample of the base period; only these are window centres.
    half_width
        Samples pooled before and after each centre; cut at the ends of the *record* only.
    groups
        The groups to visit, in order.
    """
    size = len(group)
    offsets = np.arange(-half_width, half_width + 1)
    base = np.asarray(group[first : last + 1])
    order = np.argsort(base, kind="stable")
    bounds = np.searchsorted(base[order], np.column_stack([groups, np.asarray(groups) + 1]))
    held: dict[int, int] = {}  # membership in the window -> its slot
    free: list[int] = []
    capacity = 0
    slots, samples, start = [], [], [0]
    for begin, stop in bounds:
        pooled = ((order[begin:stop] + first)[:, None] + offsets).ravel()
        members = _memberships(pooled[(pooled >= 0) & (pooled < size)], size)
        leaving = [held.pop(m) for m in held.keys() - members]
        free = sorted(free + leaving, reverse=True)
        for member in sorted(members - held.keys()):
            if not free:
                free.append(capacity)
                capacity += 1
            held[member] = free.pop()
            slots.append(held[member])
            samples.append(member % size)
        emptied = sorted(set(leaving) & set(free))
        slots += emptied
        samples += [size] * len(emptied)
        start.append(len(slots))
    tables = (np.asarray(t, "uint32") for t in (groups, start, slots, samples))
    return Windows(capacity, *tables)


def _memberships(samples: npt.NDArray[np.int64], size: int) -> set[int]:
    """Number memberships: the k-th time a sample occurs it is ``k * size + sample``.

    A sample pools twice into one window only in records with long holes.
    """
    ordered = np.sort(samples)
    copy = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return set((copy * size + ordered).tolist())
