"""Figures: ``climcube.plot`` for users. matplotlib is imported when one is drawn."""

from climcube.plots.lines import event_line, time_series
from climcube.plots.maps import anomaly_map, category_map, trend_map
from climcube.plots.shares import category_share

__all__ = [
    "anomaly_map",
    "category_map",
    "category_share",
    "event_line",
    "time_series",
    "trend_map",
]
