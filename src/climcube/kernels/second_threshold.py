"""The kernels of events that must meet a second criterion as well.

The lift hands over all blocks before the tables; the criterion is the fourth block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from climcube.kernels import heatwave

__all__ = ["annual", "category", "event", "events"]


def _restricted(kernel: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(kernel)
    def restricted(block: Any, seas: Any, thresh: Any, allowed: Any, *tables: Any) -> Any:
        return kernel(block, seas, thresh, *tables, allowed=allowed)

    return restricted


annual = _restricted(heatwave.annual)
category = _restricted(heatwave.category)
event = _restricted(heatwave.event)
events = _restricted(heatwave.events)
