"""Heatwaves, habitats, tracks and states in a notebook: what they hold, and how to go on.

Nothing is computed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.display import fact_table, heading, list_table, panel
from climcube.errors import AxisError
from climcube.stores.integrity.verification import spoken_size

__all__ = ["changes_html", "habitat_html", "heatwaves_html", "state_html", "tracks_html"]

_HEATWAVES = (
    (".climatology", "climatology and threshold by day of the year"),
    (".daily", "anomaly, severity, category and event of every day"),
    (".annual", "count, days, intensity ... of every year"),
    (".events()", "a table with a row an event"),
    (".trend()", "trends of the annual metrics"),
    (".track()", "events in space and time"),
    ("cc.plot.category_map(mhw)", "a map of the worst day; and other figures"),
    ("cc.save(mhw, ...)", "to a store; cc.explain(mhw) says how it was made"),
)
_HABITAT = (
    (".suitability", "0 to 1, by time and cell"),
    (".days, .mean, .coverage", "of each period, by cell"),
    (".area, .centroid", "by time"),
    (".latitudes(), .poleward_shift()", "north and south, centre and edges"),
    (".change((1961, 1990), (1991, 2020))", "gain and loss, with their map"),
    ("cc.plot.habitat_area(habitat)", "the area in time"),
)
_TRACKS = (
    (".labels", "number of the event of each cell and day"),
    (".events()", "a row an event"),
    (".objects()", "a row an event, day and connected region"),
    (".ledger()", "merges and splits"),
    (".footprints(), .to_geoparquet(path)", "polygons"),
)
_STATE = (
    (".update(new_days)", "take new days; says which cells changed category"),
    (".category(date)", "the map of a day"),
    (".annual, .daily, .climatology", "as of heatwaves"),
    (".events()", "a row an event"),
    (".save(target)", "to a store, which update() then changes"),
)

_CHANGES = (
    (".counts", "cells that entered, rose in, fell in or left a category, by day"),
    (".table", "a row a cell and day"),
)


def heatwaves_html(mhw: Any) -> str:
    """Return heatwaves as HTML."""
    p, cube = mhw.parameters, mhw.cube
    kind = "cold spells" if p.get("cold") else "heatwaves"
    facts = [*_cube_facts(cube), *_threshold(p), *_rest(p, _SHOWN_OF_HEATWAVES)]
    members = list(getattr(mhw, "members", ()))
    if members:
        facts.append(("definitions", "; ".join(f"mhw[{name!r}]" for name in members)))
    return _result(f"Marine {kind}", cube.name, facts, _HEATWAVES)


def habitat_html(habitat: Any) -> str:
    """Return a habitat as HTML."""
    ranges = [
        (name, _bounds(bounds)) for name, bounds in habitat.ranges.items()
    ]  # fmt: skip
    facts = [
        *_cube_facts(habitat.values), *ranges,
        ("suitable", f"above {habitat.threshold:g}"),
        ("means", f"of each {habitat.frequency}, with {100 * habitat.min_coverage:g} % covered"),
    ]  # fmt: skip
    return _result("Habitat", "by " + ", ".join(habitat.ranges), facts, _HABITAT)


def tracks_html(tracks: Any) -> str:
    """Return tracked events as HTML."""
    mask = tracks.grid.mask
    facts = [*_cube_facts(mask), *_rest(tracks.parameters, ())]
    return _result("Events in space and time", mask.name, facts, _TRACKS)


def state_html(
    state: Any, place: str, cells: Mapping[Any, int], parameters: Mapping[str, Any]
) -> str:
    """Return a state that follows heatwaves as HTML."""
    facts = [
        ("cells", ", ".join(f"{d}: {n:,}" for d, n in cells.items()) or "one place"),
        ("record", f"{state.first_day} to {state.last_day}"),
        ("generation", f"{state.generation} {place}"),
        ("revisable", f"the last {state.revisable} days"),
        *_threshold(parameters), *_rest(parameters, (*_SHOWN_OF_HEATWAVES, "revisable")),
    ]  # fmt: skip
    kind = "cold spells" if parameters.get("cold") else "heatwaves"
    return _result(f"Marine {kind}, followed", state.name, facts, _STATE)


def changes_html(changes: Any) -> str:
    """Return what an update changed as HTML."""
    facts = [("added", _days(changes.added)), ("replaced", _days(changes.replaced))]
    return _result("Changes of heatwaves", None, facts, _CHANGES)


def _days(dates: list[str]) -> str:
    if len(dates) < 2:
        return dates[0] if dates else "none"
    return f"{len(dates)} days, {dates[0]} to {dates[-1]}"


_SHOWN_OF_HEATWAVES = (
    "percentile", "window", "smooth", "base_period", "baseline", "baseline_years", "climatology",
    "min_duration", "max_gap", "cold",
)  # fmt: skip


def _cube_facts(cube: xr.DataArray) -> Iterable[tuple[str, str]]:
    yield "shape", ", ".join(f"{d}: {n:,}" for d, n in cube.sizes.items())
    try:
        axis = TimeAxis.of(cube)
    except AxisError:  # cells without time
        axis = None
    if axis is not None:
        yield "record", f"{axis.label(0)} to {axis.label(len(axis) - 1)} ({axis.calendar})"
    if cube.attrs.get("units"):
        yield "units", str(cube.attrs["units"])
    yield "size", spoken_size(cube.nbytes) + (f", lazy: {_chunks(cube)}" if is_lazy(cube) else
                                              ", in memory")  # fmt: skip


def _chunks(cube: xr.DataArray) -> str:
    count = 1
    for sizes in cube.chunksizes.values():
        count *= len(sizes)
    largest = " x ".join(str(max(sizes)) for sizes in cube.chunksizes.values())
    return f"{count:,} chunk{'s' * (count != 1)} of at most {largest}"


def _threshold(p: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the definition of heatwaves in words."""
    percentile = p.get("percentile", 90)
    ranks = percentile if isinstance(percentile, list) else [percentile]
    cold = bool(p.get("cold"))
    shown = ", ".join(f"{100 - r if cold else r:g}" for r in ranks)
    window, smooth = p.get("window", 11), p.get("smooth", 31)
    text = f"percentile {shown}, window of {window} days"
    yield "threshold", text + (f", smoothed over {smooth} days" if smooth else ", not smoothed")
    if _is_cube(p.get("climatology")) or p.get("climatology") == "given":
        yield "climatology", "given"
    else:
        yield "base period", _base(p)
    least, gap = p.get("min_duration", 5), p.get("max_gap", 2)
    yield "an event", f"at least {least} days, joined over gaps of at most {gap} days"


def _base(p: Mapping[str, Any]) -> str:
    kind = p.get("baseline") or "fixed"
    if kind == "shifting":
        return f"the {p.get('baseline_years', 30)} years before each year"
    period = p.get("base_period")
    text = "the whole record" if period is None else _years(period)
    return text + (", linear trend removed" if kind == "detrended" else "")


def _years(period: Any) -> str:
    if any(isinstance(part, list | tuple) for part in period):
        return "; ".join(_years(part) for part in period)
    return " to ".join(str(part)[:10] for part in period)


def _rest(p: Mapping[str, Any], shown: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield the parameters that were set, and that no other line tells."""
    known = {*shown}
    for name, value in p.items():
        if name in known or value is None or value is False:
            continue
        text = "given" if _is_cube(value) else str(value)
        if text not in ("0", "0.0"):  # a limit that limits nothing
            yield name, text


def _bounds(bounds: Any) -> str:
    values = getattr(bounds, "values", bounds)
    text = ", ".join(f"{float(v):g}" for v in values.ravel()[:4])
    more = " ..." if values.size > 4 else ""
    return f"{text}{more} {getattr(bounds, 'attrs', {}).get('units', '')}".strip()


def _is_cube(value: Any) -> bool:
    return isinstance(value, xr.DataArray | xr.Dataset)


def _result(
    kind: str, name: Any, facts: Iterable[tuple[str, str]], members: Iterable[tuple[str, str]]
) -> str:
    return panel(
        heading(kind, "" if name is None else f"of {name}" if not str(name).startswith("by ")
                else str(name)),
        fact_table(facts),
        list_table(("go on with", "which is"), members),
    )  # fmt: skip
