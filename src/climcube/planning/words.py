"""Durations for people."""

from __future__ import annotations

__all__ = ["spoken_time"]


def spoken_time(seconds: float) -> str:
    """Return a duration for people.

    >>> spoken_time(3.2), spoken_time(4000), spoken_time(90000)
    ('3 s', '67 min', '25.0 h')
    """
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
