"""Data with known answers, for tests, notebooks and the demonstration."""

from climcube.testing.files import write_daily_files
from climcube.testing.ocean import planted_events, planted_trend, synthetic_ocean
from climcube.testing.score import EventScore, TrendScore, score_events, score_trend

__all__ = [
    "EventScore",
    "TrendScore",
    "planted_events",
    "planted_trend",
    "score_events",
    "score_trend",
    "synthetic_ocean",
    "write_daily_files",
]
