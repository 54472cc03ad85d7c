"""What the numbers say, in sentences: careful ones where little is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.errors import AxisError
from climcube.plots.geography import east_west, north_south
from climcube.plots.selection import plain
from climcube.plots.style import date_words, decimals, number, unit_words
from climcube.plots.words import base_period_words, is_cold, kind_words, period_words
from climcube.reports.numbers import Numbers

__all__ = ["Finding", "event_table", "findings", "methods"]

_ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """One result: a large number, what it is, and a sentence that says it in full."""

    number: str
    label: str
    sentence: str
    per: str = ""


def findings(mhw: Any, numbers: Numbers, axis: TimeAxis) -> list[Finding]:
    """Return the key findings: trend, heatwave days then and now, the largest event."""
    kind = kind_words(mhw)
    found = [_trend(numbers, axis), _days(numbers, kind)]
    largest = _largest(mhw, numbers, kind)
    return [f for f in (*found, largest) if f is not None]


def event_table(mhw: Any, numbers: Numbers) -> list[dict[str, str]]:
    """Return the rows of the table of events, as text."""
    try:
        axes = find_spatial(mhw.cube)
        names: tuple[str, str] | None = (axes.latitude, axes.longitude)
    except AxisError:
        names = None
    rows = []
    for rank, (_, row) in enumerate(numbers.events.iterrows(), start=1):
        place = "—"
        if names is not None:
            lat, lon = (float(row[n] if n in row else mhw.cube[n]) for n in names)
            place = f"{north_south(lat)}, {east_west(lon)}"
        rows.append(
            {
                "rank": str(rank),
                "start": date_words(str(row["date_start"])[:10]),
                "end": date_words(str(row["date_end"])[:10]),
                "peak": date_words(str(row["date_peak"])[:10]),
                "place": place,
                "duration": f"{int(row['duration'])}",
                "intensity_max": number(row["intensity_max"]),
                "intensity_mean": number(row["intensity_mean"]),
                "intensity_cumulative": number(row["intensity_cumulative"], 1),
                "category": str(row["category"]),
            }
        )
    return rows


def methods(mhw: Any, numbers: Numbers, axis: TimeAxis) -> list[str]:
    """Return the paragraphs that say how the numbers were made."""
    p, kind = mhw.parameters, kind_words(mhw)
    rank, side = float(p.get("percentile", 90)), "above"
    if is_cold(mhw):
        rank, side = 100 - rank, "below"
    smooth, pad = p.get("smooth", 31), p.get("max_pad", 0)
    smoothing = f", smoothed by a {smooth}-day running mean" if smooth and smooth > 1 else ""
    gaps = (
        f"Gaps of up to {pad} missing days were interpolated linearly."
        if pad
        else "Missing days were not filled: they are no exceedance, and end a run unless joined."
    )
    definition = (
        f"Marine {kind}s follow Hobday et al. (2016): at least {p.get('min_duration', 5)} days in "
        f"a row {side} the {rank:g}th percentile of the day of year; events at most "
        f"{p.get('max_gap', 2)} days apart are joined. Climatology and threshold pool "
        f"{p.get('window', 11)} days around each day of year over {base_period_words(mhw, axis)}"
        f"{smoothing}. Categories (Hobday et al., 2018) count multiples of the distance from "
        f"climatology to threshold. {gaps}{_exceptions(p)}"
    )
    return [definition, *_trend_methods(numbers)]


def _exceptions(p: Mapping[str, Any]) -> str:
    """Return what a definition does beyond the usual."""
    parts = []
    if p.get("baseline") == "detrended":
        parts.append("The linear trend of each series was removed before.")
    if p.get("ice") is not None:
        parts.append(f"Samples with sea ice on {p.get('max_ice', 0.15):.0%} or more of the cell "
                     "count as missing.")  # fmt: skip
    if p.get("min_temperature") is not None:
        parts.append(f"Samples below {p['min_temperature']:g} count as ice and are missing.")
    if p.get("second_threshold") is not None:
        parts.append("Days of an event had to meet a second threshold, too.")
    return "".join(f" {part}" for part in parts)


def _trend_methods(numbers: Numbers) -> list[str]:
    line = (
        "Trends are ordinary least squares on annual means, in real time. Standard errors, "
        "confidence limits and p-values allow for autocorrelation by an effective sample size "
        "from the residuals' lag-1 autocorrelation (Santer et al., 2000; bias-corrected)."
    )
    if not numbers.trend["slope"].ndim:
        return [line]
    if numbers.trend_given:
        how = str(numbers.trend.attrs.get("method", ""))
        line += " The trend map was made beforehand" + (f": {how}." if how else ".")
    line += (
        " Cells on the trend map are marked by false discovery rate (Benjamini and Hochberg, "
        "1995; Wilks, 2016)."
    )
    weights = "Means and shares weight every cell by its area; land and days without data carry "
    return [line, weights + "no weight."]


def _trend(numbers: Numbers, axis: TimeAxis) -> Finding | None:
    trend = {
        n: float(plain(numbers.mean_trend[n]).values)
        for n in ("slope", "ci_low", "ci_high", "pvalue")
    }
    if not np.isfinite(trend["slope"]):
        return None
    units = unit_words(plain(numbers.mean_trend["slope"]).attrs.get("units"))
    mean = numbers.mean_words.lower()
    amount, _, period = units.partition("per ")
    amount, per = amount.strip(), f"per {period}" if period else ""
    digits = decimals(trend["slope"])
    slope = number(trend["slope"], digits, sign=True)
    if not (np.isfinite(trend["ci_low"]) and np.isfinite(trend["pvalue"])):
        text = (
            f"The {mean} changed by {slope} {units}; "
            "the record is too short to judge its significance."
        )
        return Finding(f"{slope} {amount}".strip(), f"trend of the {mean}", text, per)
    limits = f"{number(trend['ci_low'], digits, True)} to {number(trend['ci_high'], digits, True)}"
    verdict = "significant" if trend["pvalue"] < _ALPHA else "not significant"
    text = (
        f"Over {period_words(axis)} the {mean} changed by {slope} {units} (95 % confidence "
        f"interval {limits}), which is {verdict} at the 5 % level ({_p_words(trend['pvalue'])}, "
        "autocorrelation allowed for)."
    )
    label = f"trend of the {mean}, {verdict} (95 % CI {limits})"
    return Finding(f"{slope} {amount}".strip(), label, text, per)


def _days(numbers: Numbers, kind: str) -> Finding | None:
    years = TimeAxis.of(numbers.shares).year
    days = np.asarray(numbers.shares["days"].values, "float64")
    whole = np.flatnonzero(numbers.complete & np.isfinite(days))
    span = min(10, len(whole) // 2)
    if span < 2:
        return None
    first, last = whole[:span], whole[-span:]
    before, after = float(days[first].mean()), float(days[last].mean())
    then, now = (f"{years[i[0]]}–{years[i[-1]]}" for i in (first, last))
    word = "rose" if after > before else "fell"
    change = (
        f"{word} from {number(before, 1)} a year in {then} to {number(after, 1)} a year in {now}"
    )
    if number(before, 1) == number(after, 1):  # no change that the printed digits show
        change = f"were {number(before, 1)} a year in {then} and in {now}"
    area = "mean over the area, " if numbers.trend["slope"].ndim else ""
    text = f"{kind.capitalize()} days {change} ({area}first and last {span} complete years)."
    label = f"{kind} days a year, {then} and {now}"
    digits = 1 if max(before, after) < 10 else 0
    return Finding(f"{number(before, digits)} → {number(after, digits)}", label, text)


def _largest(mhw: Any, numbers: Numbers, kind: str) -> Finding | None:
    if numbers.events.empty:
        return Finding("none", f"{kind}s", f"No {kind} was found in the record.")
    row, text = numbers.events.iloc[0], event_table(mhw, numbers)[0]
    units = unit_words(plain(mhw.cube).attrs.get("units"))
    peak = f"{number(float(row['intensity_max']), 2, sign=True)} {units}".strip()
    place = f" at {text['place']}" if text["place"] != "—" else ""
    sentence = (
        f"The strongest {kind} reached {peak} relative to climatology on {text['peak']}{place}; "
        f"it lasted {text['duration']} days ({text['start']} to {text['end']}) "
        f"and was of category {row['category']}."
    )
    return Finding(peak, f"strongest {kind}: {row['category']}, {text['peak']}", sentence)


def _p_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
