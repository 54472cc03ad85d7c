"""The metrics of one event, from the samples between its start and end."""

from __future__ import annotations

import numpy as np

from climcube.kernels.compiled import Array, compiled

__all__ = ["METRICS", "WIDTH", "category_of", "describe_event", "severity_of"]

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
def _anomaly(series: Array, seas: Array, group: Array, i: int) -> float:
    """Anomaly of a sample; a missing one counts as the climatology."""
    value = series[i] - seas[group[i]]
    return 0.0 if np.isnan(value) else value


@compiled
def _rates(
    series: Array,
    seas: Array,
    group: Array,
    start: int,
    end: int,
    peak: int,
    top: float,
    row: Array,
) -> None:
    """Write the rates of onset and decline.

    The anomaly half a day before the first sample is the mean of that sample's and the one
    before; at the ends of the record there is none, and the rate counts from the sample itself.
    """
    first, last = _anomaly(series, seas, group, start), _anomaly(series, seas, group, end)
    if start > 0:
        edge = 0.5 * (first + _anomaly(series, seas, group, start - 1))
        row[_ONSET] = (top - edge) / (peak - start + 0.5)
    else:
        row[_ONSET] = (top - first) / max(1, peak - start)
    if end < series.size - 1:
        edge = 0.5 * (last + _anomaly(series, seas, group, end + 1))
        row[_DECLINE] = (top - edge) / (end - peak + 0.5)
    else:
        row[_DECLINE] = (top - last) / max(1, end - peak)


@compiled
def describe_event(
    series: Array,
    seas: Array,
    thresh: Array,
    limit: Array,
    group: Array,
    start: int,
    end: int,
    sign: float,
    row: Array,
) -> None:
    """Write the metrics of the event from sample ``start`` to ``end`` into ``row``.

    Spread ("var", the field's name for a standard deviation with ddof 0) is accumulated about
    the first sample, so that absolute temperatures lose no digits.
    """
    size = end - start + 1
    row[:] = 0.0
    row[_DURATION] = size
    row[_START], row[_END] = start, end
    g = group[start]
    origin = (series[start] - seas[g], series[start] - thresh[g], series[start])
    sums, squares = np.zeros(3), np.zeros(3)
    top, peak, worst = -np.inf, start, 0
    for i in range(start, end + 1):
        g = group[i]
        value = seas[g] if np.isnan(series[i]) else series[i]
        parts = (value - seas[g], value - thresh[g], value)
        if parts[0] > top:
            top, peak = parts[0], i
        for m in range(3):
            difference = parts[m] - origin[m]
            sums[m] += difference
            squares[m] += difference * difference
        category = 0 if np.isinf(limit[g]) else category_of(severity_of(value, seas[g], thresh[g]))
        worst = max(worst, category)
        if category > 0:
            row[_IN_CATEGORY + category - 1] += 1
    row[_PEAK] = peak
    g = group[peak]
    at_peak = (top, series[peak] - thresh[g], series[peak])
    for m in range(3):
        mean = sums[m] / size
        column = _INTENSITY + 4 * m
        row[column] = sign * at_peak[m]
        row[column + 1] = sign * (origin[m] + mean)
        row[column + 2] = np.sqrt(max(0.0, squares[m] / size - mean * mean))
        row[column + 3] = sign * (origin[m] * size + sums[m])
    row[_CATEGORY] = worst
    _rates(series, seas, group, start, end, peak, top, row)
