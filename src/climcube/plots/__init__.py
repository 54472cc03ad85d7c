"""Figures: ``climcube.plot`` for users. matplotlib is imported when one is drawn."""

from climcube.plots.calendars import category_calendar, share_calendar
from climcube.plots.event_lines import event_line, flame
from climcube.plots.habitats import habitat_area, habitat_map
from climcube.plots.hovmoller import hovmoller
from climcube.plots.index_lines import index_line
from climcube.plots.lines import time_series
from climcube.plots.lollipops import lolliplot
from climcube.plots.maps import anomaly_map, category_map, map
from climcube.plots.shares import category_share
from climcube.plots.stress_maps import bleaching_alert_map
from climcube.plots.stripes import warming_stripes
from climcube.plots.trend_maps import change_map, trend_map

__all__ = [
    "anomaly_map",
    "bleaching_alert_map",
    "category_calendar",
    "category_map",
    "category_share",
    "change_map",
    "event_line",
    "flame",
    "habitat_area",
    "habitat_map",
    "hovmoller",
    "index_line",
    "lolliplot",
    "map",
    "share_calendar",
    "time_series",
    "trend_map",
    "warming_stripes",
]
