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
Integers = npt.NDArray[np.int64]


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
    visited = np.asarray(groups)
    membership, place = _pooled(np.asarray(group), first, last, half_width, visited)
    # Consecutive places of one membership are one stay in the window.
    enters = np.flatnonzero(
        (np.diff(membership, prepend=-1) != 0) | (np.diff(place, prepend=-2) != 1)
    )
    leaves = np.append(enters, len(place))[1:] - 1
    stay_sample = membership[enters] % len(group)
    slots, samples, start, capacity = _assign(
        place[enters], place[leaves] + 1, stay_sample, len(visited), len(group)
    )
    tables = (np.asarray(t, "uint32") for t in (visited, start, slots, samples))
    return Windows(capacity, *tables)


def _pooled(
    group: Integers, first: int, last: int, half_width: int, visited: Integers
) -> tuple[Integers, Integers]:
    """Return membership and place (in the order of visits) of each sample in each window.

    The k-th time a sample pools into one window is membership ``k * size + sample``: more than
    once only in records with long holes. Sorted by membership, then place.
    """
    size = len(group)
    order = np.full(int(max(visited.max(), group.max())) + 1, -1)
    order[visited] = np.arange(len(visited))
    centres = np.arange(first, last + 1)
    centres = centres[order[group[centres]] >= 0]
    # Row by row in order already, which a stable sort merges.
    samples = centres + np.arange(-half_width, half_width + 1)[:, None]
    code = samples * len(visited) + order[group[centres]]
    code = np.sort(code[(samples >= 0) & (samples < size)], kind="stable")
    sample, place = np.divmod(code, len(visited))
    if (code[1:] != code[:-1]).all():
        return sample, place
    copy = np.arange(len(code)) - np.searchsorted(code, code)
    membership = copy * size + sample
    turn = np.lexsort((code, membership))
    return membership[turn], place[turn]


def _assign(
    enter: Integers, leave: Integers, sample: Integers, windows: int, nothing: int
) -> tuple[Integers, Integers, Integers, int]:
    """Give each stay a slot; return slots and samples of the changes, their starts, the slots.

    A slot that becomes free is taken over at once if another sample enters; it is emptied (takes
    the sample ``nothing``) if none does.
    """
    by_enter = np.argsort(enter, kind="stable")
    by_leave = np.argsort(leave, kind="stable")
    entering = np.searchsorted(enter[by_enter], np.arange(windows + 1))
    leaving = np.searchsorted(leave[by_leave], np.arange(windows + 1))
    slot_of = np.empty(len(enter), np.int64)
    free = np.empty(0, np.int64)
    slots, samples, start, capacity = [], [], [0], 0
    for k in range(windows):
        left = slot_of[by_leave[leaving[k] : leaving[k + 1]]]
        stays = by_enter[entering[k] : entering[k + 1]]
        pool = np.concatenate([left, free])
        lacking = len(stays) - len(pool)
        if lacking > 0:
            pool = np.concatenate([pool, np.arange(capacity, capacity + lacking)])
            capacity += lacking
        slot_of[stays] = pool[: len(stays)]
        free = pool[len(stays) :]
        emptied = left[len(stays) :]
        slots += [slot_of[stays], emptied]
        samples += [sample[stays], np.full(len(emptied), nothing)]
        start.append(start[-1] + len(stays) + len(emptied))
    return np.concatenate(slots), np.concatenate(samples), np.array(start), capacity
