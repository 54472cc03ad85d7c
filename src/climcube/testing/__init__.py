"""Data with known answers, for tests, notebooks and the demonstration."""

from climcube.testing.files import write_daily_files
from climcube.testing.ocean import planted_events, planted_trend, synthetic_ocean

__all__ = ["planted_events", "planted_trend", "synthetic_ocean", "write_daily_files"]
