"""Which samples make up which group, written so that each sample is touched once.

With a window of 11 days a sample belongs to 11 days of year, but most samples share their list
of groups with the same day of other years. Samples with equal lists form one *class*; a pass
over the data adds each sample to its class only, and classes are added up to groups at the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Pools", "group_samples", "pool_samples"]

Index = npt.NDArray[np.int32]


class Pools(NamedTuple):
    """Class of every sample, and the classes of every group.

    Group ``g`` consists of the classes ``member[start[g]:start[g + 1]]``, each of them
    ``times[...]`` times (more than once only where a record has holes).
    """

    label: Index  # class of each sample, -1 for none
    weight: npt.NDArray[np.float64]  # of each sample
    start: Index
    member: Index
    times: npt.NDArray[np.float64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.member.max()) + 1 if len(self.member) else 0

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.start) - 1


def group_samples(
    group: npt.NDArray[Any], groups: int, weight: npt.NDArray[np.float64] | None = None
) -> Pools:
    """Put each sample into one group (-1 for none): every class is a group."""
    return Pools(
        np.asarray(group, "int32"),
        np.ones(len(group)) if weight is None else np.asarray(weight, "float64"),
        np.arange(groups + 1, dtype="int32"),
        np.arange(groups, dtype="int32"),
        np.ones(groups),
    )


def pool_samples(
    group: npt.NDArray[Any], groups: int, first: int, last: int, half_width: int = 0
) -> Pools:
    """Pool samples with their neighbours in the record.

    Parameters
    ----------
    group
        Group of every sample of the record; -1 for samples that are no window centre.
    groups
        Number of groups.
    first, last
        First and last sample of the base period; only these are window centres.
    half_width
        Samples pooled before and after each centre; cut at the ends of the *record* only, so
        neighbours just outside the base period do count.
    """
    size = len(group)
    group = np.asarray(group, "int64")
    centres = np.arange(first, last + 1)
    centres = centres[group[first : last + 1] >= 0]
    if half_width == 0:
        own = np.full(size, -1)
        own[centres] = group[centres]
        return group_samples(own, groups)
    sample = (centres[:, None] + np.arange(-half_width, half_width + 1)).ravel()
    into = np.repeat(group[centres], 2 * half_width + 1)
    inside = (sample >= 0) & (sample < size)
    pairs, times = np.unique(sample[inside] * groups + into[inside], return_counts=True)
    return _classify(pairs // groups, pairs % groups, times, size, groups)


def _classify(
    sample: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    size: int,
    groups: int,
) -> Pools:
    """Give samples with the same list of (group, times) the same class."""
    begin = np.searchsorted(sample, np.arange(size + 1))
    length = np.diff(begin)
    column = np.arange(len(sample)) - begin[sample]
    lists = np.full((size, max(1, int(length.max(initial=0)))), -1)
    lists[sample, column] = group * (int(times.max(initial=0)) + 1) + times
    used = np.flatnonzero(length)
    _, example, own = np.unique(lists[used], axis=0, return_index=True, return_inverse=True)
    label = np.full(size, -1, "int32")
    label[used] = own.reshape(-1)
    rows = [np.arange(begin[s], begin[s + 1]) for s in used[example]]
    entries = np.concatenate(rows) if rows else np.empty(0, "int64")
    member = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    order = np.argsort(group[entries], kind="stable")
    start = np.searchsorted(group[entries][order], np.arange(groups + 1)).astype("int32")
    return Pools(
        label, np.ones(size), start,
        member[order].astype("int32"), times[entries][order].astype("float64"),
    )  # fmt: skip
