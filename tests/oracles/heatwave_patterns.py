"""Detection and metrics of one series by the letter of shared/semantics.md 1, with plain lists.

Climatology and threshold are given for each sample; missing values are NaN, and ``days`` numbers
the date of each sample, so that some may be absent. Nothing of climcube is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CATEGORIES = ("Moderate", "Strong", "Severe", "Extreme")


def events(
    values: np.ndarray, seas: np.ndarray, thresh: np.ndarray, days: np.ndarray, *,
    min_duration: int, max_gap: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the events of one series with their metrics, under the field's names."""
    spans: list[list[int]] = []
    hot = [bool(v > t) for v, t in zip(values, thresh, strict=True)]
    for first in range(len(hot)):
        if not hot[first] or (first and hot[first - 1]):
            continue
        last = first
        while last + 1 < len(hot) and hot[last + 1]:
            last += 1
        if last - first + 1 >= min_duration:
            spans.append([first, last])
    joined: list[list[int]] = []
    for first, last in spans:
        if joined and days[first] - days[joined[-1][1]] - 1 <= max_gap:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return [_describe(values, seas, thresh, first, last) for first, last in joined]


def _describe(values, seas, thresh, first, last) -> dict[str, Any]:
    filled = np.where(np.isnan(values), seas, values)
    inside = slice(first, last + 1)
    anomaly = (filled - seas)[inside]
    peak = int(np.argmax(anomaly))
    row: dict[str, Any] = {
        "index_start": first, "index_end": last, "index_peak": first + peak,
        "duration": last - first + 1,
    }  # fmt: skip
    for suffix, series in {
        "": anomaly, "_relThresh": (filled - thresh)[inside], "_abs": filled[inside],
    }.items():  # fmt: skip
        row[f"intensity_max{suffix}"] = series[peak]
        row[f"intensity_mean{suffix}"] = series.mean()
        row[f"intensity_var{suffix}"] = series.std()
        row[f"intensity_cumulative{suffix}"] = series.sum()
    ratio = anomaly / (thresh - seas)[inside]
    number = np.minimum(np.floor(ratio), 4).clip(0).astype(int)
    for k, name in enumerate(CATEGORIES, start=1):
        row[f"duration_{name.lower()}"] = int((number == k).sum())
    row["category"] = CATEGORIES[number.max() - 1]
    row["rate_onset"] = _rate(filled - seas, first, first + peak, -1)
    row["rate_decline"] = _rate(filled - seas, last, first + peak, 1)
    return row


def _rate(anomaly, edge, peak, step) -> float:
    """Return the rate between the peak and an edge of the event, beyond which lies ``step``."""
    length = abs(peak - edge)
    if not 0 <= edge + step < len(anomaly):  # the record ends here
        return float((anomaly[peak] - anomaly[edge]) / max(length, 1))
    half_way = (anomaly[edge] + anomaly[edge + step]) / 2
    return float((anomaly[peak] - half_way) / (length + 0.5))
