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
_PER_WEEK = 7 * _PER_DEGREE
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
    hotspot, weeks, level, _ = _all(block, mmm, days, rules, np.zeros_like(days), 1)
    return hotspot, weeks, level


def yearly(
    block: Floats, mmm: Floats, days: Days, rules: Rules, year: Days, years: int
) -> tuple[Floats]:
    """Return the largest degree heating weeks of each year; ``year`` numbers them from 0."""
    return (_all(block, mmm, days, rules, year, years)[3],)


def _all(
    block: Floats, mmm: Floats, days: Days, rules: Rules, year: Days, years: int
) -> tuple[Floats, Floats, npt.NDArray[np.int8], Floats]:
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at time index {first}")
    hotspot, weeks = np.empty(block.shape), np.empty(block.shape)
    level, most = np.empty(block.shape, np.int8), np.full((len(block), years), np.nan)
    levels = np.array(_LEVELS, np.int64) * _PER_WEEK
    _loop(
        block, mmm[:, 0], days, rules.per_degree, rules.max_missing, levels[: rules.highest - 2],
        year, hotspot, weeks, level, most,
    )  # fmt: skip
    return hotspot, weeks, level, most


@compiled
def _loop(
    block: Array,
    mmm: Array,
    days: Array,
    per_degree: float,
    max_missing: int,
    levels: Array,
    year: Array,
    hotspot: Array,
    weeks: Array,
    level: Array,
    most: Array,
) -> None:
    length = block.shape[1]
    added = np.zeros(length, np.int64)
    for cell in range(block.shape[0]):
        series, limit = block[cell], mmm[cell]
        hot, week, grade, top = hotspot[cell], weeks[cell], level[cell], most[cell]
        running, valid, start = np.int64(0), 0, 0
        for i in range(length):
            excess = series[i] - limit
            missing = np.isnan(excess)
            valid += not missing
            hot[i] = np.nan if missing else 0.0
            added[i], steps = 0, 0.0
            if excess > 0:
                billionths = np.rint(excess * _PER_DEGREE)
                hot[i] = billionths / _PER_DEGREE
                steps = np.rint(excess * per_degree)
                if steps >= per_degree:
                    added[i] = np.int64(billionths)
                    running += added[i]
            while days[start] <= days[i] - WINDOW:
                running -= added[start]
                valid -= not np.isnan(hot[start])
                start += 1
            week[i], grade[i] = np.nan, -1
            if days[i] - days[0] >= WINDOW - 1 and WINDOW - valid <= max_missing:
                week[i] = running / _PER_WEEK if running else 0.0
                if not week[i] <= top[year[i]]:  # NaN gives way, too
                    top[year[i]] = week[i]
                if not missing:
                    grade[i] = _alert(steps, per_degree, running, levels)


@compiled
def _alert(steps: float, per_degree: float, total: np.int64, levels: Array) -> int:
    if steps <= 0:
        return 0
    if steps < per_degree:
        return 1
    reached = 2
    for least in levels:
        reached += total >= least
    return reached
