"""Names, types, units and CF attributes of what `climcube.heatwaves` returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.cubes.units import Units

__all__ = ["CATEGORIES", "annual_attributes", "daily_attributes"]

CATEGORIES = ("none", "Moderate", "Strong", "Severe", "Extreme")

_RELATIVE_TO = {"": "climatology", "_relThresh": "threshold", "_abs": "zero (absolute value)"}
_STATISTIC = {
    "max": "at the day of the largest anomaly",
    "mean": "mean over the event",
    "var": "standard deviation (ddof 0) over the event",
    "cumulative": "sum over the days of the event",
}


def daily_attributes(name: str, units: Units, definition: HeatwaveDefinition) -> dict[str, Any]:
    """Attributes of one daily variable."""
    if name == "anomaly":
        return units.difference() | {"long_name": "value minus seasonal climatology"}
    if name == "severity":
        text = "anomaly divided by threshold minus climatology"
        return {"units": "1", "long_name": text}
    if name == "category":
        return {
            "long_name": ("cold spell" if definition.cold else "marine heatwave") + " category",
            "flag_values": list(range(len(CATEGORIES))),
            "flag_meanings": " ".join(c.lower() for c in CATEGORIES),
        }
    return {"long_name": "number of the event in its cell, 0 for none", "units": "1"}


def annual_attributes(
    units: Units, definition: HeatwaveDefinition
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, type and attributes of each annual variable, in the kernel's order."""
    event = "cold spell" if definition.cold else "heatwave"
    day = {"units": "day"}
    yield "count", "float32", {"units": "1", "long_name": f"{event}s that start in the year"}
    yield "days", "float32", day | {"long_name": f"{event} days in the year"}
    for category in CATEGORIES[1:]:
        name = category.lower()
        yield f"days_{name}", "float32", day | {"long_name": f"{event} days in category {category}"}
    yield "days_missing", "int16", day | {"long_name": "days of the year without a value"}
    text = "days where the threshold does not exceed the climatology"
    yield "days_undefined", "int16", day | {"long_name": text}
    text = f"cumulative intensity of the {event}s that start in the year"
    yield "total_intensity_cumulative", "float64", units.times("day") | {"long_name": text}
    text = f"largest intensity_max of the {event}s that start in the year"
    yield "intensity_max_max", "float64", units.difference() | {"long_name": text}
    yield "duration", "float64", day | {"long_name": f"mean duration of the {event}s"}
    for suffix, reference in _RELATIVE_TO.items():
        for statistic, meaning in _STATISTIC.items():
            text = f"mean over the {event}s of: intensity relative to {reference}, {meaning}"
            attrs = _intensity_units(units, statistic, suffix) | {"long_name": text}
            yield f"intensity_{statistic}{suffix}", "float64", attrs
    for rate, text in (("rate_onset", "onset"), ("rate_decline", "decline")):
        yield rate, "float64", units.times("day-1") | {"long_name": f"mean rate of {text}"}


def _intensity_units(units: Units, statistic: str, suffix: str) -> dict[str, str]:
    if statistic == "cumulative":
        return units.times("day", absolute=suffix == "_abs")
    if suffix == "_abs" and statistic != "var":
        return units.absolute()
    return units.difference()
