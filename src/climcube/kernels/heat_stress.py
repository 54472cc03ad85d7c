"""Heat stress of corals, one daily series after another (NOAA Coral Reef Watch 3.1).

Every entry point takes a ``(cells, time)`` float64 block and the maximum monthly mean of each
cell, ``(cells, 1)``. HotSpots are counted in whole billionths of a degree: a sum over 84 days is
then exact, and the same wherever a record begins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import Array, compiled

__all__ = ["WINDOW", "Rules", "daily", "yearly"]

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]

WINDOW = 84  # days
_PER_DEGREE = 1_000_000_000
_WEEK = 7.0
# What each alert level begins with, in degree weeks (from level 3 on).
_LEVELS = (4, 8, 12, 16, 20)


class Rules(NamedTuple):
    """What is a HotSpot, and how many days may be missing.

    Attributes
    ----------
    per_degree
        Steps of a degree in which a HotSpot is compared with 0 and 1.
    max_missing
        Days that may be missing among the 84.
    highest
        Highest alert level: 4, or 7 with the steps of 2024.
    """

    per_degree: float
    max_missing: int
    highest: int


def daily(
    block: Floats, mmm: Floats, days: Days, rules: Rules
) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
    """Return HotSpot, degree heating weeks and alert level (-1 where unknown) of each day."""
    hotspot, total, level = _all(block, mmm, days, rules)
    return hotspot, _weeks(total), level


def yearly(
    block: Floats, mmm: Floats, days: Days, rules: Rules, year: Days, years: int
) -> tuple[Floats]:
    """Return the largest degree heating weeks of each year; ``year`` numbers them from 0."""
    _, total, _ = _all(block, mmm, days, rules)
    most = np.full((len(block), years), -1)
    for number in range(years):
        inside = total[:, year == number]
        if inside.shape[1]:
            most[:, number] = inside.max(axis=1)
    return (_weeks(most),)


def _weeks(total: npt.NDArray[np.int64]) -> Floats:
    return np.where(total < 0, np.nan, total / _PER_DEGREE / _WEEK)


def _all(
    block: Floats, mmm: Floats, days: Days, rules: Rules
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    hotspot = np.empty(block.shape)
    total = np.empty(block.shape, np.int64)
    level = np.empty(block.shape, np.int8)
    levels = np.array(_LEVELS, np.int64) * _PER_DEGREE * 7
    _loop(
        block, mmm[:, 0], days, rules.per_degree, rules.max_missing, rules.highest, levels,
        hotspot, total, level,
    )  # fmt: skip
    return hotspot, total, level


@compiled
def _loop(
    block: Array,
    mmm: Array,
    days: Array,
    per_degree: float,
    max_missing: int,
    highest: int,
    levels: Array,
    hotspot: Array,
    total: Array,
    level: Array,
) -> None:
    length = block.shape[1]
    added = np.zeros(length, np.int64)
    for cell in range(block.shape[0]):
        running, valid, start = np.int64(0), 0, 0
        for i in range(length):
            excess = block[cell, i] - mmm[cell]
            steps = np.rint(excess * per_degree)  # NaN where missing: no comparison holds
            billionths = np.int64(0)
            if np.isnan(excess):
                hotspot[cell, i] = np.nan
            else:
                valid += 1
                billionths = np.int64(max(np.rint(excess * _PER_DEGREE), 0.0))
                hotspot[cell, i] = billionths / _PER_DEGREE
            added[i] = billionths if steps >= per_degree else 0
            running += added[i]
            while days[start] <= days[i] - WINDOW:
                running -= added[start]
                valid -= not np.isnan(block[cell, start] - mmm[cell])
                start += 1
            known = days[i] - days[0] >= WINDOW - 1 and WINDOW - valid <= max_missing
            total[cell, i] = running if known else -1
            level[cell, i] = -1
            if known and not np.isnan(excess):
                level[cell, i] = _alert(steps, per_degree, running, highest, levels)


@compiled
def _alert(steps: float, per_degree: float, total: int, highest: int, levels: Array) -> int:
    if steps <= 0:
        return 0
    if steps < per_degree:
        return 1
    reached = 2
    for least in levels[: highest - 2]:
        reached += total >= least
    return reached
