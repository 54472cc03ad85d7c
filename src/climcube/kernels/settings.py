"""Plain numbers that travel with a task (no compiled code is imported for them)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NO_GRID", "Settings"]

NO_GRID = (0.0, 0.0)  # scale and offset of values that were never packed


class Settings(NamedTuple):
    """Numbers that define a heatwave event."""

    min_duration: int
    max_gap: int
    max_pad: int
    sign: float  # 1.0 for heatwaves, -1.0 for cold spells
    ties: float  # relative distance from the threshold within which a value is equal to it
    min_duration2: int = 5  # of the runs that meet a second criterion, where there is one
    max_gap2: int = 2
    detrend: bool = False  # remove each series' linear trend first
