"""Plain numbers that travel with a task (no compiled code is imported for them)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Settings"]


class Settings(NamedTuple):
    """Numbers that define a heatwave event."""

    min_duration: int
    max_gap: int
    max_pad: int
    sign: float  # 1.0 for heatwaves, -1.0 for cold spells
    ties: float  # relative distance from the threshold within which a value is equal to it
