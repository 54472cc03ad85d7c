"""The annual table of one series: counts of its calendar years, and means over their events."""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.events import METRICS, category_of, severity_of

__all__ = ["ANNUAL", "add_day", "add_event", "add_metrics", "begin_years", "finish_years"]

COUNTS = (
    "count",
    "days",
    "days_moderate",
    "days_strong",
    "days_severe",
    "days_extreme",
    "days_missing",
    "days_undefined",
    "total_intensity_cumulative",
    "intensity_max_max",
)
# Means over the events that start in the year.
MEANS = tuple(name for name in METRICS if name != "category" and "duration_" not in name)
ANNUAL = COUNTS + MEANS

_COUNT, _DAYS, _IN_CATEGORY = 0, COUNTS.index("days"), COUNTS.index("days_moderate")
_MISSING, _UNDEFINED = COUNTS.index("days_missing"), COUNTS.index("days_undefined")
_TOTAL, _MAX = COUNTS.index("total_intensity_cumulative"), COUNTS.index("intensity_max_max")
# Days in all and in each category, in the order of their counts.
# Unsigned: a number that might be negative would be tested at each use.
_IN_A_YEAR = np.array([i for i, n in enumerate(METRICS) if n.startswith("duration")], np.uint32)
_MEANS = len(COUNTS)
_METRICS = np.array([METRICS.index(name) for name in MEANS], np.uint32)
_INTENSITY_MAX = METRICS.index("intensity_max")
_INTENSITY_CUMULATIVE = METRICS.index("intensity_cumulative")


@compiled
def begin_years(
    series: Array, limit: Array, group: Array, year: Array, absent: Array, columns: Array
) -> None:
    """Clear the table and count the days that are missing or have no defined threshold."""
    columns[:] = 0.0
    for y in range(absent.size):
        columns[_MISSING, y] = absent[y]
        columns[_MAX, y] = np.nan
    some_undefined = np.isinf(limit).any()
    some_missing = False  # a truth value: the usual case is over in one vectorised pass
    for i in range(series.size):
        some_missing |= series[i] != series[i]
    if not some_missing and not some_undefined:
        return
    for i in range(series.size):
        if np.isnan(series[i]):
            columns[_MISSING, year[i]] += 1
        elif some_undefined:
            columns[_UNDEFINED, year[i]] += np.isinf(limit[group[i]])


@compiled
def add_event(
    series: Array,
    seas: Array,
    thresh: Array,
    limit: Array,
    group: Array,
    year: Array,
    start: int,
    end: int,
    sign: float,
    row: Array,
    columns: Array,
) -> None:
    """Add one event: its days to their own years, all the rest to the year it starts in."""
    add_metrics(row, year[start], sign, columns)
    if year[start] == year[end]:
        for k in range(_IN_A_YEAR.size):
            columns[_DAYS + k, year[start]] += row[_IN_A_YEAR[k]]
        return
    for i in range(start, end + 1):
        g = group[i]
        add_day(series[i], seas[g], thresh[g], limit[g], year[i], columns)


@compiled
def add_metrics(row: Array, y: int, sign: float, columns: Array) -> None:
    """Add the metrics of an event to the year it starts in."""
    columns[_COUNT, y] += 1
    columns[_TOTAL, y] += row[_INTENSITY_CUMULATIVE]
    top = columns[_MAX, y]
    if np.isnan(top) or sign * row[_INTENSITY_MAX] > sign * top:
        columns[_MAX, y] = row[_INTENSITY_MAX]
    for k in range(_METRICS.size):
        columns[_MEANS + k, y] += row[_METRICS[k]]


@compiled
def add_day(value: float, seas: float, thresh: float, limit: float, y: int, columns: Array) -> None:
    """Add one day of an event to its year."""
    columns[_DAYS, y] += 1
    if not np.isinf(limit):
        category = category_of(severity_of(value, seas, thresh))
        if category > 0:
            columns[_IN_CATEGORY + category - 1, y] += 1


@compiled
def finish_years(columns: Array, within: Array, thresh: Array) -> None:
    """Turn sums over events into means; NaN in a year without any.

    ``within`` holds the days of each year that lie in the record. Where all of them are missing
    (land, years before the data begin), or no day of the year has a threshold (no data in the
    base period), nobody knows whether there were events: counts are NaN, since a mean over an
    area would take a 0 for a sea without any.
    """
    unknown = np.isnan(thresh).all()
    for y in range(columns.shape[1]):
        count = columns[_COUNT, y]
        if unknown or columns[_MISSING, y] >= within[y]:
            columns[:_MISSING, y] = np.nan
            columns[_TOTAL, y] = np.nan
        for m in range(_MEANS, columns.shape[0]):
            columns[m, y] = columns[m, y] / count if count > 0 else np.nan
