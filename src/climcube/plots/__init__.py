"""Figures: ``climcube.plot`` for users. matplotlib is imported when one is drawn."""

from climcube.plots.calendars import category_calendar, share_calendar
from climcube.plots.event_lines import event_line, flame
from climcube.plots.lines import time_series
from climcube.plots.lollipops import lolliplot
from climcube.plots.maps import anomaly_map, category_map
from climcube.plots.shares import category_share
from climcube.plots.trend_maps import change_map, trend_map

__all__ = [
    "anomaly_map",
    "category_calendar",
    "category_map",
    "category_share",
    "change_map",
    "event_line",
    "flame",
    "lolliplot",
    "share_calendar",
    "time_series",
    "trend_map",
]
