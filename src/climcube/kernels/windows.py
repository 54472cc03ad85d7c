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

Index = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Windows:
    """Sliding windows of samples, visited in the order of ``groups``.

    A *node* is one membership of a sample: a sample that pools twice into one window (possible
    only in records with long holes) has two nodes. Going to the ``k``-th group, the nodes
    ``leave[leave_start[k]:leave_start[k + 1]]`` leave and the nodes ``enter[...]`` enter.
    """

    samples: Index  # node -> sample
    groups: Index
    enter: Index
    enter_start: Index
    leave: Index
    leave_start: Index

    def arrays(self) -> tuple[Index, ...]:
        """Return the tables in the order in which kernels take them."""
        return (
            self.samples, self.groups, self.enter, self.enter_start, self.leave, self.leave_start,
        )  # fmt: skip


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
    bounds = np.searchsorted(base[order], np.column_stack([groups, groups + 1]))
    members = []
    for start, stop in bounds:
        centres = order[start:stop] + first
        pooled = (centres[:, None] + offsets).ravel()
        members.append(_keys(pooled[(pooled >= 0) & (pooled < size)], size))
    keys = np.unique(np.concatenate(members)) if members else np.empty(0, "int64")
    empty = np.empty(0, "int64")
    changes = list(zip([empty, *members[:-1]], members, strict=True))
    enter, enter_start = _lists([np.setdiff1d(new, old, assume_unique=True) for old, new in changes], keys)
    leave, leave_start = _lists([np.setdiff1d(old, new, assume_unique=True) for old, new in changes], keys)
    return Windows(
        (keys % size).astype("int32"), np.asarray(groups, "int32"), enter, enter_start, leave, leave_start
    )  # fmt: skip


def _keys(samples: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Number memberships: the k-th time a sample occurs it is ``k * size + sample``."""
    ordered = np.sort(samples)
    first = np.searchsorted(ordered, ordered)
    copy = np.arange(len(ordered)) - first
    return np.sort(copy * size + ordered)


def _lists(parts: list[npt.NDArray[np.int64]], keys: npt.NDArray[np.int64]) -> tuple[Index, Index]:
    start = np.zeros(len(parts) + 1, "int32")
    np.cumsum([len(p) for p in parts], out=start[1:])
    joined = np.concatenate(parts) if parts else np.empty(0, "int64")
    return np.searchsorted(keys, joined).astype("int32"), start
