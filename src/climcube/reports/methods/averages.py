"""Methods of means, climatologies, percentiles, regions and match-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from climcube.reports.methods.words import Method, Parameters, counted, given, period, region

__all__ = ["AVERAGES"]

_CYCLES = {"day": "day of the year", "month": "calendar month", "season": "season"}
_OUT_OF = {"day": "days", "month": "months", "season": "seasons"}


def _mean(what: str) -> Callable[[Parameters], Method]:
    def method(p: Parameters) -> Method:
        return Method(
            f"{what} were taken over the values that there are, each weighted by the time it "
            f"stands for; means with less than {100 * float(p.get('min_coverage', 0.9)):g} % of "
            "their time covered were set missing."
        )

    return method


def _seasonal(p: Parameters) -> Method:
    season = p.get("season")
    which = f" of {season}" if isinstance(season, str) else ""
    return _mean(f"Seasonal means{which}")(p)


def _rolling(p: Parameters) -> Method:
    where = "centred " if p.get("center", True) else ""
    share = 100 * float(p.get("min_coverage", 0.9))
    return Method(
        f"Running means over {where}windows of {p.get('window')} were taken; windows with less "
        f"than {share:g} % of their values were set missing."
    )


def _area_mean(p: Parameters) -> Method:
    weights = "the areas given" if given(p.get("weights")) else "the areas of the cells"
    return Method(
        f"Means{region(p.get('region'))} were weighted by {weights}, over the cells with a value."
    )


def _area_sum(p: Parameters) -> Method:
    return Method(
        f"Integrals over the area{region(p.get('region'))} were taken (in {p.get('unit', 'm2')}), "
        "over the cells with a value."
    )


def _zonal(p: Parameters) -> Method:
    band = p.get("band")
    along = "each circle of latitude" if band is None else f"bands of {band:g}° of latitude"
    return Method(f"Means along {along}{region(p.get('region'))} were taken.")


def _cycle(p: Parameters) -> str:
    """Return how a climatology was smoothed, as parts of a sentence."""
    parts = []
    if int(p.get("window") or 1) > 1:
        parts.append(f"samples pooled over a centred window of {counted(p['window'], 'day')}")
    if p.get("smooth"):
        parts.append(f"a running mean of {counted(p['smooth'], 'day')} around the year")
    if p.get("harmonics"):
        parts.append(f"fitted by {counted(p['harmonics'], 'annual harmonic')}")
    if p.get("frequency") == "day":
        leap = {"interp": "29 February interpolated from its neighbours", "drop": "29 February "
                "left out"}.get(str(p.get("leap")))  # fmt: skip
        parts += [leap] if leap else []
    return f" ({', '.join(parts)})" if parts else ""


def _short_base(p: Parameters) -> tuple[str, ...]:
    base = p.get("base_period")
    try:
        first, last = (int(str(v)[:4]) for v in base or ())
    except (TypeError, ValueError):
        return ()
    years = last - first + 1
    if years >= 30:
        return ()
    return (f"The base period has {counted(years, 'year')}; the field's usual length is 30.",)


def _climatology(p: Parameters) -> Method:
    what = {"mean": "means", "std": "standard deviations"}.get(
        str(p.get("statistic")), f"{p.get('statistic')}s"
    )
    every = _CYCLES.get(str(p.get("frequency")), str(p.get("frequency")))
    return Method(
        f"The climatology is that of {what} for each {every} over "
        f"{period(p.get('base_period'))}{_cycle(p)}.",
        _short_base(p),
    )


def _anomaly(p: Parameters) -> Method:
    every = _CYCLES.get(str(p.get("frequency")), str(p.get("frequency")))
    if given(p.get("climatology")):
        text = f"Anomalies are departures from a climatology that was given, for each {every}"
    else:
        base = period(p.get("base_period"))
        text = f"Anomalies are departures from the mean of each {every} over {base}{_cycle(p)}"
    if p.get("standardize"):
        text += ", divided by the standard deviation of the same days of the base period"
    return Method(text + ".", _short_base(p))


def _percentile(p: Parameters) -> Method:
    q = p.get("q")
    ranks = ", ".join(f"{v:g}" for v in q) if isinstance(q, list) else str(q)
    frequency = p.get("frequency")
    every = f" for each {_CYCLES.get(str(frequency), frequency)}" if frequency else ""
    return Method(
        f"Percentiles ({ranks}){every} over {period(p.get('base_period'))} were interpolated "
        f"linearly between order statistics [@hyndman1996]{_cycle(p)}; those of fewer than "
        f"{p.get('min_samples', 10)} samples were set missing.",
        _short_base(p),
    )


def _mask(p: Parameters) -> Method:
    return Method(f"Cells were selected whose centre lies inside{region(p.get('region'))}."
                  .replace("inside of", "inside"))  # fmt: skip


def _matchup(p: Parameters) -> Method:
    method = p.get("method", "nearest")
    how = {
        "nearest": "the value of the nearest cell",
        "linear": "the value interpolated linearly in space and time",
        "nearest_valid": "the value of the nearest cell that has one",
    }.get(str(method), f"the value found by {method}")
    limits = [
        f"{name} within {p[key]}{unit}"
        for key, name, unit in (
            ("distance", "cells", " km"), ("time_tolerance", "times", ""),
            ("depth_tolerance", "levels", " m"),
        )
        if p.get(key) is not None
    ]  # fmt: skip
    text = f"Each observation was compared with {how} of the gridded data"
    text += f" ({', '.join(limits)})" if limits else ""
    flags = p.get("qc")
    text += f"; quality flags {', '.join(map(str, flags))} were accepted" if flags else ""
    return Method(
        text + ". Where the grid has levels in metres, pressure was converted to depth by TEOS-10 "
        "or, where gsw was not installed, by an older formula [@saunders1976]."
    )


AVERAGES: dict[str, Callable[[Any], Method]] = {
    "annual_mean": _mean("Annual means"),
    "anomaly": _anomaly,
    "area_mean": _area_mean,
    "area_sum": _area_sum,
    "climatology": _climatology,
    "daily_mean": _mean("Daily means"),
    "mask": _mask,
    "matchup": _matchup,
    "monthly_mean": _mean("Monthly means"),
    "percentile": _percentile,
    "rolling_mean": _rolling,
    "seasonal_mean": _seasonal,
    "zonal_mean": _zonal,
}
