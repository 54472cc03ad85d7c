"""What heatwave3 1.4.2 does differently, stated as rules that can be checked to the last digits.

Written from its answers, not from its code; nothing of climcube is imported. One series at a
time, standard calendar, one sample a day.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

LEAP_DAY = 59  # index of 29 February among the 366 days of year


def climatology(
    values: np.ndarray,
    times: pd.DatetimeIndex,
    base: tuple[int, int],
    *,
    percentile: float = 90.0,
    half: int = 5,
    width: int = 31,
) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed mean and threshold (366 values each) as heatwave3 pools them.

    A table of 366 days by years: a year without a 29 February gets one, the mean of its
    neighbours (or the one that is there) rounded to two decimals, so that windows count days of
    year, not samples; the window of a day near New Year reaches into the rows of the year
    before or after, but never out of the base period. 29 February keeps the statistics of its
    own window.
    """
    first, last = base
    table = np.full((366, last - first + 1), np.nan)
    doy = pd.DatetimeIndex(times.strftime("2000-%m-%d")).day_of_year.to_numpy() - 1
    inside = (times.year >= first) & (times.year <= last)
    table[doy[inside], times.year[inside] - first] = values[inside]
    for column in table.T:
        beside = column[[LEAP_DAY - 1, LEAP_DAY + 1]]
        beside = beside[~np.isnan(beside)]
        if np.isnan(column[LEAP_DAY]) and beside.size:
            column[LEAP_DAY] = round_r(beside.mean())
    row = table.T.ravel()  # day after day, 366 to each year
    mean, threshold = np.empty(366), np.empty(366)
    for day in range(366):
        pool = [row[max(0, i - half) : i + half + 1] for i in range(day, row.size, 366)]
        own = np.concatenate(pool)
        mean[day], threshold[day] = np.nanmean(own), np.nanpercentile(own, percentile)
    return _smooth(mean, width), _smooth(threshold, width)


def round_r(value: float, decimals: int = 2) -> float:
    """Round as R 4 does: to the nearer of two decimal candidates, the even one of a tie."""
    if math.isnan(value):
        return value
    scale = 10**decimals
    low, high = math.floor(value * scale), math.ceil(value * scale)
    below, above = value - low / scale, high / scale - value
    even = low if low % 2 == 0 else high
    return (low if below < above else high if above < below else even) / scale


def _smooth(table: np.ndarray, width: int) -> np.ndarray:
    near = np.arange(-(width // 2), width // 2 + 1)
    return table[(np.arange(table.size)[:, None] + near) % table.size].mean(axis=1)
