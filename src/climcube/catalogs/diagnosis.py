"""What a data set says of itself beside what its catalog entry says of it."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from climcube.catalogs.entry import Address, Entry
from climcube.catalogs.facts import facts_of
from climcube.catalogs.schema import UNKNOWN
from climcube.catalogs.spans import is_rolling, written

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Facts", "differences", "facts_stored", "lateness"]

Facts = Mapping[str, Any]
# The proleptic calendar has the days of the standard one since 1582; writers take either.
_SAME_CALENDAR = {
    "gregorian": "standard",
    "proleptic_gregorian": "standard",
    "365_day": "noleap",
    "366_day": "all_leap",
}
# Days from one time step to the next: a delay is counted from the last step that was due.
_STEP = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "yearly": 366}


def facts_stored(raw: xr.Dataset) -> Facts:
    """Return what an opened, undecoded data set says of itself: `facts_of` and more.

    Dimensions, stored types and chunk lengths by variable come beside; of values, only those
    of the axes of time are read.
    """
    import xarray as xr

    times = {n for n, v in raw.variables.items() if " since " in str(v.attrs.get("units", ""))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Other coordinates could be large, and are not asked about.
        decoded = xr.decode_cf(raw, mask_and_scale=False, decode_coords=False, decode_times=False)
        for name in times & set(raw.dims):
            decoded[name] = xr.decode_cf(raw[[name]])[name]
    stored = {
        str(name): {
            "dims": tuple(map(str, array.dims)),
            "dtype": str(array.dtype),
            "chunks": [
                dict(zip(map(str, array.dims), lengths, strict=False))
                for lengths in (array.encoding.get("shards"), array.encoding.get("chunks"))
                if lengths
            ],
        }
        for name, array in raw.variables.items()
    }
    return {**facts_of(decoded), "stored": stored}


def differences(entry: Entry, address: Address, found: Facts) -> Iterator[str]:
    """Say what is not as the entry has it; what the entry does not state is not compared."""
    stored = found["stored"]
    for variable in entry.variables:
        facts = stored.get(variable.name)
        if facts is None:
            yield f"no variable '{variable.name}' any more"
            continue
        now = found["variables"].get(variable.name, {})
        for label, then, there in (
            ("units", variable.units, now.get("units", UNKNOWN)),
            ("standard name", variable.standard_name, now.get("standard_name", UNKNOWN)),
            ("dimensions", ", ".join(variable.dims) or UNKNOWN, ", ".join(facts["dims"])),
            ("type", variable.dtype, facts["dtype"]),
        ):
            if then not in (UNKNOWN, there):
                yield f"{label} of '{variable.name}' '{there}', not '{then}'"
    yield from _calendar(entry, found)
    yield from _chunks(entry, address, stored)
    yield from _period(address.period or entry.period, found.get("period"))


def lateness(entry: Entry, last: str | None, today: dt.date) -> tuple[bool, str]:
    """Whether data end earlier than the entry promises, and how old the last of them are."""
    if last is None or entry.period is None or not is_rolling(entry.period[1]):
        return False, ""
    try:
        age = (today - dt.date.fromisoformat(last[:10])).days
    except ValueError:  # the 30th of February of a model's calendar
        return False, ""
    if entry.delay_days is None:
        return False, f"the last day is {age} days ago; the entry states no delay"
    due = entry.delay_days + _STEP.get(entry.cadence.split(",")[0].split(" ")[0], 31)
    return age > due, f"the last day is {age} days ago; the entry promises {due}" * (age > due)


def _calendar(entry: Entry, found: Facts) -> Iterator[str]:
    then, now = (_SAME_CALENDAR.get(c, c) for c in (entry.calendar, str(found["calendar"])))
    if UNKNOWN not in (then, now) and then != now:
        yield f"calendar '{found['calendar']}', not '{entry.calendar}'"


def _chunks(entry: Entry, address: Address, stored: Facts) -> Iterator[str]:
    then = entry.chunks if address.chunks == UNKNOWN else address.chunks
    names = [variable.name for variable in entry.variables]
    for name in names or list(stored):
        facts = stored.get(name)
        if facts is None or not facts["chunks"] or then == UNKNOWN:
            continue
        if isinstance(then, dict):
            if not set(then) <= set(facts["dims"]):
                continue
            fits = any(then.items() <= now.items() for now in facts["chunks"])
        else:
            if len(facts["dims"]) != len(then):
                continue
            fits = any(list(now.values()) == then for now in facts["chunks"])
        if not fits:
            shown = ", ".join(f"{dim} {n}" for dim, n in facts["chunks"][0].items())
            yield f"chunks of '{name}' {shown}, not {then}"


def _period(then: tuple[str, str] | None, now: Mapping[str, str] | None) -> Iterator[str]:
    if then is None or now is None:
        return
    first, last = written(then[0]), written(then[1])
    if first is not None and not now["start"].startswith(first):
        yield f"begins {now['start']}, not {then[0]}"
    if last is not None and not now["end"].startswith(last):
        yield f"ends {now['end']}, not {then[1]}"
