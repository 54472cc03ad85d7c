"""Detection and metrics by the letter of shared/semantics.md section 1, given climatology by day.

Nothing of climcube is imported. One series at a time; any calendar, as days since some date.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

NAMES = ("none", "Moderate", "Strong", "Severe", "Extreme")
UNDEFINED = 1e-9


def runs(mask: np.ndarray, days: np.ndarray, shortest: int, longest_gap: int) -> list[list[int]]:
    """First and last index of each run: short ones dropped first, then neighbours joined."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    pieces = [[a, b - 1] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]
    joined: list[list[int]] = []
    for first, last in pieces:
        if joined and days[first] - days[joined[-1][1]] - 1 <= longest_gap:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return joined


def categories(values: np.ndarray, seas: np.ndarray, thresh: np.ndarray) -> np.ndarray:
    """Category of each day by its own ratio; 0 below the threshold, missing or undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (values - seas) / (thresh - seas) + 1e-12
    usable = _defined(seas, thresh) & (ratio >= 1)
    return np.where(usable, np.minimum(np.floor(np.where(usable, ratio, 0)), 4), 0).astype(int)


def _defined(seas: np.ndarray, thresh: np.ndarray) -> np.ndarray:
    return thresh - seas > UNDEFINED * np.maximum(1, np.abs(seas))


def events(
    values: np.ndarray,
    seas: np.ndarray,
    thresh: np.ndarray,
    days: np.ndarray,
    *,
    min_duration: int = 5,
    max_gap: int = 2,
    max_pad: int = 0,
    cold: bool = False,
    second: tuple[np.ndarray, int, int] | None = None,
) -> pd.DataFrame:
    """One row an event; ``second`` is a mask that final events need, and their own limits.

    Where more days are absent from the record than are joined or filled, one is put in that is
    missing, so that nothing goes on across it.
    """
    torn = np.flatnonzero(np.diff(days) - 1 > max(max_gap, max_pad)) + 1
    if torn.size:
        wide = [np.insert(table, torn, np.nan) for table in (values, seas, thresh)]
        of = np.insert(np.arange(len(days)), torn, -1)
        more = second and (np.insert(second[0], torn, False), *second[1:])
        rows = events(
            *wide, np.insert(days, torn, days[torn] - 1), min_duration=min_duration,
            max_gap=max_gap, max_pad=10**9, cold=cold, second=more,
        )  # fmt: skip
        places = [n for n in rows.columns if n.startswith("index_")]
        return rows.assign(**{n: of[rows[n]] for n in places})
    sign = -1.0 if cold else 1.0
    values, seas, thresh = sign * values, sign * seas, sign * thresh
    above = (values > thresh) & _defined(seas, thresh)
    found = runs(above, days, min_duration, max_gap)
    if second is not None:
        mask, shortest, gap = second
        inside = np.zeros(len(values), bool)
        pieces: list[list[int]] = []
        for first, last in found:  # run by run: two neighbouring events stay two
            inside[:] = False
            inside[first : last + 1] = mask[first : last + 1]
            pieces += runs(inside, days, shortest, -1)
        found = []
        for first, last in pieces:
            if found and days[first] - days[found[-1][1]] - 1 <= gap:
                found[-1][1] = last
            else:
                found.append([first, last])
    rows = [_describe(values, seas, thresh, first, last, sign) for first, last in found]
    return pd.DataFrame(rows)


def _describe(
    values: np.ndarray, seas: np.ndarray, thresh: np.ndarray, first: int, last: int, sign: float
) -> dict[str, object]:
    filled = np.where(np.isnan(values), seas, values)  # a missing day counts as the climatology
    anomaly = np.where(np.isnan(values), 0.0, filled - seas)
    own = slice(first, last + 1)
    peak = first + int(np.argmax(anomaly[own]))
    category = categories(filled[own], seas[own], thresh[own])
    row: dict[str, object] = {
        "index_start": first, "index_end": last, "index_peak": peak,
        "duration": last - first + 1, "category": NAMES[category.max()],
    }  # fmt: skip
    for number, name in enumerate(NAMES[1:], start=1):
        row[f"duration_{name.lower()}"] = int((category == number).sum())
    for suffix, series in {"": anomaly, "_relThresh": filled - thresh, "_abs": filled}.items():
        row[f"intensity_max{suffix}"] = sign * series[peak]
        row[f"intensity_mean{suffix}"] = sign * series[own].mean()
        row[f"intensity_var{suffix}"] = series[own].std()
        row[f"intensity_cumulative{suffix}"] = sign * series[own].sum()
    for name, edge, beside in (("onset", first, first - 1), ("decline", last, last + 1)):
        steps = abs(peak - edge)
        if 0 <= beside < len(values):
            middle = (anomaly[edge] + anomaly[beside]) / 2
            row[f"rate_{name}"] = (anomaly[peak] - middle) / (steps + 0.5)
        else:
            row[f"rate_{name}"] = (anomaly[peak] - anomaly[edge]) / max(1, steps)
    return row
