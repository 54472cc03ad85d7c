"""The metrics of one event, from the samples between its start and end.

A tally holds what the samples of an event have added up to so far. Events are described in one
go (`describe_event`), or stretch by stretch as the samples arrive: the same operations in the
same order, hence the same bits.
"""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled
from climcube.kernels.runs import is_after_hole

__all__ = [
    "METRICS",
    "TALLY",
    "WIDTH",
    "anomaly_of",
    "begin_event",
    "category_of",
    "describe_event",
    "exceedance_limits",
    "extend_event",
    "finish_event",
    "severity_of",
]

# The field's column names, in its order (headers of the reference tables).
METRICS = (
    "duration",
    "duration_moderate",
    "duration_strong",
    "duration_severe",
    "duration_extreme",
    "intensity_max",
    "intensity_mean",
    "intensity_var",
    "intensity_cumulative",
    "intensity_max_relThresh",
    "intensity_mean_relThresh",
    "intensity_var_relThresh",
    "intensity_cumulative_relThresh",
    "intensity_max_abs",
    "intensity_mean_abs",
    "intensity_var_abs",
    "intensity_cumulative_abs",
    "category",
    "rate_onset",
    "rate_decline",
)
# A row of an event: its metrics, then the samples of start, end and peak.
WIDTH = len(METRICS) + 3
_START, _END, _PEAK = WIDTH - 3, WIDTH - 2, WIDTH - 1
_DURATION = METRICS.index("duration")
_IN_CATEGORY = METRICS.index("duration_moderate")
_INTENSITY = METRICS.index("intensity_max")
_CATEGORY = METRICS.index("category")
_ONSET, _DECLINE = METRICS.index("rate_onset"), METRICS.index("rate_decline")

# Thresholds this close to the climatology (ice, constants) define no heatwave.
_CLOSEST = 1e-9

# What a tally holds. Of three each: intensity relative to climatology, to threshold, absolute.
TALLY = (
    "origin",
    "origin_relThresh",
    "origin_abs",
    "sum",
    "sum_relThresh",
    "sum_abs",
    "square",
    "square_relThresh",
    "square_abs",
    "top",
    "top_relThresh",
    "top_abs",
    "peak",
    "worst",
    "days_moderate",
    "days_strong",
    "days_severe",
    "days_extreme",
)
_ORIGIN, _SUM, _SQUARE = TALLY.index("origin"), TALLY.index("sum"), TALLY.index("square")
_TOP, _AT_PEAK, _WORST = TALLY.index("top"), TALLY.index("peak"), TALLY.index("worst")
_DAYS = TALLY.index("days_moderate")


@compiled
def exceedance_limits(seas: Array, thresh: Array, ties: float, limit: Array) -> None:
    """Write what a value must exceed: infinity where the threshold defines no heatwave."""
    for i in range(seas.size):
        defined = thresh[i] - seas[i] > _CLOSEST * max(1.0, abs(seas[i]))
        limit[i] = thresh[i] + ties * abs(thresh[i]) if defined else np.inf


@compiled
def severity_of(value: float, seas: float, thresh: float) -> float:
    """Distance from the climatology in units of threshold minus climatology.

    Written about the threshold, where it is 1: the category boundaries sit there exactly.
    """
    return 1.0 + (value - thresh) / (thresh - seas)


@compiled
def category_of(severity: float) -> int:
    """Category of a severity: 1 Moderate to 4 Extreme, 0 below the threshold or undefined.

    A severity that misses a boundary by rounding alone is on it.
    """
    rounded = severity + 1e-12
    return int(min(rounded, 4.0)) if rounded >= 1.0 else 0


@compiled
def anomaly_of(series: Array, seas: Array, group: Array, i: int) -> float:
    """Anomaly of a sample; a missing one counts as the climatology."""
    value = series[i] - seas[group[i]]
    return 0.0 if np.isnan(value) else value


@compiled
def begin_event(
    series: Array, seas: Array, thresh: Array, group: Array, start: int, tally: Array
) -> None:
    """Clear the tally for an event that starts at a sample; the sample itself is not added.

    Spread ("var", the field's name for a standard deviation with ddof 0) is accumulated about
    the first sample, so that absolute temperatures lose no digits.
    """
    g = group[start]
    tally[:] = 0.0
    tally[_ORIGIN] = series[start] - seas[g]
    tally[_ORIGIN + 1] = series[start] - thresh[g]
    tally[_ORIGIN + 2] = series[start]
    tally[_TOP] = -np.inf


@compiled
def extend_event(
    series: Array,
    seas: Array,
    thresh: Array,
    limit: Array,
    group: Array,
    first: int,
    last: int,
    shift: int,
    tally: Array,
) -> None:
    """Add the samples ``first`` to ``last``; ``shift`` is the number of sample 0 in the record."""
    # Plain numbers, which stay in registers: an array's elements are written at each step.
    origin, origin_thresh, origin_abs = tally[_ORIGIN], tally[_ORIGIN + 1], tally[_ORIGIN + 2]
    total, total_thresh, total_abs = tally[_SUM], tally[_SUM + 1], tally[_SUM + 2]
    square, square_thresh, square_abs = tally[_SQUARE], tally[_SQUARE + 1], tally[_SQUARE + 2]
    top, worst = tally[_TOP], int(tally[_WORST])
    for i in range(first, last + 1):
        g = group[i]
        value = seas[g] if np.isnan(series[i]) else series[i]
        anomaly, excess = value - seas[g], value - thresh[g]
        if anomaly > top:
            top = anomaly
            tally[_AT_PEAK] = i + shift
            tally[_TOP + 1], tally[_TOP + 2] = excess, value
        difference = anomaly - origin
        total += difference
        square += difference * difference
        difference = excess - origin_thresh
        total_thresh += difference
        square_thresh += difference * difference
        difference = value - origin_abs
        total_abs += difference
        square_abs += difference * difference
        category = 0 if np.isinf(limit[g]) else category_of(severity_of(value, seas[g], thresh[g]))
        worst = max(worst, category)
        if category > 0:
            tally[_DAYS + category - 1] += 1
    tally[_SUM], tally[_SUM + 1], tally[_SUM + 2] = total, total_thresh, total_abs
    tally[_SQUARE], tally[_SQUARE + 1], tally[_SQUARE + 2] = square, square_thresh, square_abs
    tally[_TOP], tally[_WORST] = top, worst


@compiled
def finish_event(
    tally: Array,
    start: int,
    end: int,
    before: float,
    last: float,
    after: float,
    sign: float,
    row: Array,
) -> None:
    """Write the metrics of an event into ``row``.

    ``before``, ``last`` and ``after`` are the anomalies of the samples before the start, at the
    end and after it; NaN where the record has no such sample. The anomaly half a day before the
    start is the mean of the first sample's and the one before (mirrored at the end); where there
    is none, the rate counts from the sample itself.
    """
    size = end - start + 1
    row[_DURATION] = size
    row[_START], row[_END], row[_PEAK] = start, end, tally[_AT_PEAK]
    for k in range(4):
        row[_IN_CATEGORY + k] = tally[_DAYS + k]
    for m in range(3):
        mean = tally[_SUM + m] / size
        column = _INTENSITY + 4 * m
        row[column] = sign * tally[_TOP + m]
        row[column + 1] = sign * (tally[_ORIGIN + m] + mean)
        row[column + 2] = np.sqrt(max(0.0, tally[_SQUARE + m] / size - mean * mean))
        row[column + 3] = sign * (tally[_ORIGIN + m] * size + tally[_SUM + m])
    row[_CATEGORY] = tally[_WORST]
    top, first, peak = tally[_TOP], tally[_ORIGIN], int(tally[_AT_PEAK])
    if np.isnan(before):
        row[_ONSET] = (top - first) / max(1, peak - start)
    else:
        row[_ONSET] = (top - 0.5 * (first + before)) / (peak - start + 0.5)
    if np.isnan(after):
        row[_DECLINE] = (top - last) / max(1, end - peak)
    else:
        row[_DECLINE] = (top - 0.5 * (last + after)) / (end - peak + 0.5)


@compiled
def describe_event(
    series: Array,
    seas: Array,
    thresh: Array,
    limit: Array,
    group: Array,
    holes: Array,
    start: int,
    end: int,
    sign: float,
    tally: Array,
    row: Array,
) -> None:
    """Write the metrics of the event from sample ``start`` to ``end`` into ``row``.

    ``holes`` are samples before which many days are absent (`climcube.kernels.runs.long_holes`):
    the day next to them is a missing one. ``tally`` is room for ``TALLY``, used by one event
    after another.
    """
    begin_event(series, seas, thresh, group, start, tally)
    extend_event(series, seas, thresh, limit, group, start, end, 0, tally)
    before = after = np.nan
    if start > 0:
        before = 0.0 if is_after_hole(holes, start) else anomaly_of(series, seas, group, start - 1)
    last = anomaly_of(series, seas, group, end)
    if end < series.size - 1:
        after = 0.0 if is_after_hole(holes, end + 1) else anomaly_of(series, seas, group, end + 1)
    finish_event(tally, start, end, before, last, after, sign, row)
