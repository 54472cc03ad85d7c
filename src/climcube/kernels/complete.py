"""Climatology, threshold and what follows from them, of one block while it is at hand.

The series are gathered and prepared once for both.
"""

from __future__ import annotations

from typing import Any

from climcube.kernels import heatwave

__all__ = ["annual", "events"]


def annual(block: Any, *rest: Any) -> tuple[Any, ...]:
    """Return climatology, threshold and count by day of year, then the annual columns.

    After the block comes the second criterion, where there is one; then the tables of time, the
    options of `climcube.kernels.heatwave.climatology`, and further tables of ``annual``.
    """
    blocks, (group, days, settings, options, *tables) = _apart(rest)
    heatwave.prepare(block, days, settings)
    seas, thresh, count = heatwave.prepared_climatology(block, settings, *options)
    columns = heatwave.prepared_annual(
        block, seas, thresh, group, days, settings, *tables, **blocks
    )
    return seas, thresh, count, *columns


def events(block: Any, *rest: Any) -> tuple[Any, Any]:
    """Return the cell of each event, and its row; arguments as those of ``annual``."""
    blocks, (group, days, settings, options) = _apart(rest)
    heatwave.prepare(block, days, settings)
    seas, thresh, _ = heatwave.prepared_climatology(block, settings, *options)
    return heatwave.prepared_events(block, seas, thresh, group, days, settings, **blocks)


def _apart(rest: tuple[Any, ...]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Tell the second criterion, a block, from the tables: the first one has one dimension."""
    return ({"allowed": rest[0]}, rest[1:]) if rest[0].ndim == 2 else ({}, rest)
