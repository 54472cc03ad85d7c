"""Marine heatwaves by the letter of shared/semantics.md section 1: slow, plain, independent.

Nothing of climcube is imported. One series at a time, standard calendar, complete data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def day_of_leap_year(times: pd.DatetimeIndex) -> np.ndarray:
    """Day of year on a leap year, from 1: 1 March is always 61."""
    leap = times.strftime("2000-%m-%d")
    return pd.DatetimeIndex(leap).day_of_year.to_numpy()


def climatology(
    values: np.ndarray, times: pd.DatetimeIndex, percentile: float = 90.0
) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed mean and threshold by day of year (366 values each)."""
    doy = day_of_leap_year(times)
    mean, threshold = np.empty(366), np.empty(366)
    for day in range(1, 367):
        pool: list[float] = []
        for index in np.flatnonzero(doy == day):
            pool.extend(values[max(0, index - 5) : index + 6])
        mean[day - 1], threshold[day - 1] = np.nanmean(pool), np.nanpercentile(pool, percentile)
    for table in (mean, threshold):
        table[59] = (table[58] + table[60]) / 2
    return _smooth(mean), _smooth(threshold)


def _smooth(table: np.ndarray, width: int = 31) -> np.ndarray:
    half = width // 2
    return np.array(
        [np.mean([table[(d + k) % 366] for k in range(-half, half + 1)]) for d in range(366)]
    )


def events(values: np.ndarray, times: pd.DatetimeIndex) -> list[tuple[int, int]]:
    """First and last index of each heatwave: five days at least, gaps of two days joined."""
    _, threshold = climatology(values, times)
    above = values > threshold[day_of_leap_year(times) - 1]
    runs: list[tuple[int, int]] = []
    start = None
    for index, hot in enumerate([*above, False]):
        if hot and start is None:
            start = index
        elif not hot and start is not None:
            if index - start >= 5:
                runs.append((start, index - 1))
            start = None
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and first - joined[-1][1] - 1 <= 2:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
