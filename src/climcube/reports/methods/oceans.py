"""Methods of marine heatwaves, indices, heat stress, habitats; and of ingests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from climcube.plots.words import ordinal
from climcube.reports.methods.trends import fitted
from climcube.reports.methods.words import Method, Parameters, counted, given, period, series_of

__all__ = ["OCEANS"]

_FIXED = (
    "Against a fixed baseline long-term warming itself adds heatwave days; "
    'baseline="detrended" or "shifting" leaves it out.'
)


def _heatwaves(p: Parameters) -> Method:
    cold = bool(p.get("cold"))
    name, beyond = ("cold spells", "below") if cold else ("heatwaves", "above")
    rank = float(p.get("percentile", 90))
    rank = 100 - rank if cold else rank
    text = (
        f"Marine {name} are periods of at least {counted(p.get('min_duration', 5), 'day')} "
        f"{beyond} the {ordinal(rank)} percentile of the season [@hobday2016], in four "
        f"categories [@hobday2018]; events at most {counted(p.get('max_gap', 2), 'day')} apart "
        "were joined. "
    )
    if given(p.get("climatology")) or p.get("climatology") == "given":
        text += "Climatology and threshold were given."
    else:
        smooth = p.get("smooth")
        text += (
            "Climatology and threshold of each day pool a window of "
            f"{counted(p.get('window', 11), 'day')} of {_baseline(p)}"
            + (f", smoothed over {counted(smooth, 'day')}." if smooth else ", without smoothing.")
        )
    if p.get("max_pad"):
        text += f" Gaps of up to {counted(p['max_pad'], 'day')} were filled linearly."
    if given(p.get("ice")) or p.get("ice"):
        text += f" Days with a share of sea ice above {p.get('max_ice', 0.15)} were left out."
    if p.get("min_temperature") is not None:
        text += f" Days below {p['min_temperature']} were left out."
    if p.get("second_threshold") is not None:
        text += " Days had to meet a second threshold as well."
    fixed = p.get("baseline", "fixed") == "fixed" and not cold
    return Method(text, (_FIXED,) if fixed else ())


def _baseline(p: Parameters) -> str:
    kind = p.get("baseline", "fixed")
    if kind == "shifting":
        return f"the {counted(p.get('baseline_years', 30), 'year')} before each year"
    text = period(p.get("base_period"))
    return text + (", after the linear trend of each cell was removed" if kind == "detrended" else
                   "")  # fmt: skip


def _state(p: Parameters) -> Method:
    method = _heatwaves(p)
    more = " The record was followed day by day; climatology and threshold stayed as they were."
    return Method(method.text + more, method.cautions)


def _track(p: Parameters) -> Method:
    limits = []
    if p.get("min_area"):
        limits.append(f"objects of at least {p['min_area']:g} km²")
    if p.get("min_volume"):
        limits.append(f"objects of at least {p['min_volume']:g} km³")
    if p.get("min_overlap"):
        limits.append(f"an overlap of at least {100 * p['min_overlap']:g} % of the smaller object")
    if (p.get("min_duration") or 1) > 1:
        limits.append(f"events of at least {counted(p['min_duration'], 'day')}")
    if (p.get("min_category") or 1) > 1:
        limits.append(f"cells in category {p['min_category']} or worse")
    return Method(
        "Events were followed through space and time as objects that are connected on each day and "
        "overlap from day to day [@scannell2024]"
        + (f" ({series_of(limits)})" if limits else "") + ".",
    )  # fmt: skip


def _nino(p: Parameters) -> Method:
    box = p.get("region", "nino34")
    name = {"nino34": "Niño 3.4", "nino3": "Niño 3", "nino4": "Niño 4", "nino12": "Niño 1+2"}.get(
        str(box), "a box of its own"
    )
    return Method(
        f"The index of {name} is the area mean of monthly sea surface temperature anomalies from "
        f"{period(p.get('base_period'))} [@trenberth1997]."
    )


def _oni(p: Parameters) -> Method:
    base = p.get("base_period")
    bases = (
        "30-year bases that move with each block of five years, as NOAA's Climate Prediction "
        "Center makes it" if base is None else f"{period(base)} for all months"
    )  # fmt: skip
    rounded = p.get("decimals")
    text = (
        "The Oceanic Niño Index is the centred 3-month mean of the anomaly of the Niño 3.4 box "
        f"from {bases}; an episode is a run of at least five overlapping seasons of 0.5 degrees or "
        "more, of one sign"
    )
    return Method(text + (f" (compared after rounding to {counted(rounded, 'decimal')})." if
                          rounded is not None else "."))  # fmt: skip


def _iod(p: Parameters) -> Method:
    return Method(
        "The Dipole Mode Index is the difference of sea surface temperature anomalies (from "
        f"{period(p.get('base_period'))}) between 50–70°E, 10°S–10°N and 90–110°E, 10°S–0° "
        "[@saji1999]."
    )


def _pdo(p: Parameters) -> Method:
    return Method(
        "The Pacific Decadal Oscillation is the leading mode of monthly sea surface temperature "
        "anomalies of the North Pacific (20–70°N), less the global mean anomaly of each month "
        f"[@mantua1997], with {period(p.get('base_period'))} as base period."
    )


def _warmest(p: Parameters) -> str:
    return (
        "The maximum monthly mean is the warmest of twelve climatological months, each the line "
        f"through the monthly means of {period(p.get('base_period'))} evaluated at "
        f"{p.get('centre_year', 1988.2857):g}"
    )


def _mmm(p: Parameters) -> Method:
    return Method(_warmest(p) + " [@liu2014; @skirving2020].")


def _heat(p: Parameters) -> Method:
    own = p.get("mmm") is None
    known = _warmest(p) + "." if own else "The maximum monthly mean was given."
    missing = int(p.get("max_missing") or 0)
    return Method(
        "Degree heating weeks are the sum over 84 days of HotSpots (temperature above the maximum "
        "monthly mean) of at least 1 degree, divided by 7, with bleaching alert levels, after NOAA "
        f"Coral Reef Watch 3.1 [@liu2014; @skirving2020]. {known}"
        + (f" Up to {counted(missing, 'day')} of the 84 could be missing." if missing else ""),
    )  # fmt: skip


def _velocity(p: Parameters) -> Method:
    slope = fitted({**p, "confidence": None})
    return Method(
        "The velocity of climate change is the temporal trend divided by the spatial gradient "
        "[@loarie2009; @burrows2011]; the gradient is that of the mean over time in windows of 3x3 "
        f"cells [@horn1981], at least {p.get('gradient_floor', 1e-4):g} per km. {slope.text}",
        ("Where the gradient is at its floor the velocity is a convention.", *slope.cautions),
    )


def _habitat(p: Parameters) -> Method:
    ranges = p.get("ranges")
    known = []
    for name, rows in ranges.items() if isinstance(ranges, Mapping) else ():
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
        bounds = ", ".join(f"{b:g}" for b in row) if isinstance(row, list) else "several species"
        known.append(f"{name}: {bounds}")
    bounds = f" ({'; '.join(known)}; absolute and preferred limits)" if known else ""
    return Method(
        f"Suitability is a trapezoid of the environment{bounds} [@kaschner2006], the product of "
        f"those of all variables; a cell is suitable above {p.get('threshold', 0.5):g}."
    )


def _habitat_change(p: Parameters) -> Method:
    spans = f"{period(p.get('period_a'))} with {period(p.get('period_b'))}"
    return Method(f"{_habitat(p).text} Gains and losses compare the mean suitability of {spans}.")


def _habitat_shift(p: Parameters) -> Method:
    edges = p.get("edges") or (5, 95)
    slope = fitted(p)
    return Method(
        f"{_habitat(p).text} Shifts are trends of the mean latitude of the suitable area of each "
        f"hemisphere, and of the latitudes within which {edges[0]:g} % and {edges[1]:g} % of it "
        f"lie. {slope.text}",
        slope.cautions,
    )


def _ingest(p: Parameters) -> Method:
    return Method(f"The files of the archive ({p.get('files', 'not named')}) were checked and "
                  "written to one cube.")  # fmt: skip


OCEANS: dict[str, Callable[[Any], Method]] = {
    "climate_velocity": _velocity,
    "degree_heating_weeks": _heat,
    "habitat": _habitat,
    "habitat.change": _habitat_change,
    "habitat.poleward_shift": _habitat_shift,
    "heatwave_state": _state,
    "heatwaves": _heatwaves,
    "ingest": _ingest,
    "iod": _iod,
    "maximum_monthly_mean": _mmm,
    "nino34": _nino,
    "oni": _oni,
    "pdo": _pdo,
    "track": _track,
}
