"""What an archive must be, beyond what one lazy cube needs, to be written as one packed store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from climcube.cubes.archive import Archive
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import require_signs
from climcube.cubes.headers import Header, Roles
from climcube.cubes.units import Units
from climcube.errors import (
    AxisError,
    CalendarError,
    IngestError,
    UnitsError,
    VariableError,
    suggest,
)
from climcube.provenance import redact
from climcube.recipes.filenames import DIGITS, Filenames
from climcube.recipes.recipe import Checks

__all__ = [
    "find_gaps",
    "gap_between",
    "require_expected",
    "require_named_dates",
    "require_one_value_a_day",
    "require_same_packing",
]

_SAME_CALENDAR = {
    "gregorian": "standard",
    "proleptic_gregorian": "standard",
    "365_day": "noleap",
    "366_day": "all_leap",
}

_MEANING = ("standard_name", "cell_methods")  # a daily maximum is no daily mean
_PACKING = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")


def require_same_packing(first: Header, other: Header, roles: Roles) -> None:
    """Refuse a file whose numbers mean something else than the first one's.

    The integers are copied as they are, so type, scale, offset and fill value must be equal.
    """
    for name in roles.gridded:
        for key in _MEANING:
            here, there = (
                " ".join(str(h.attrs[name].get(key, "")).split()) for h in (first, other)
            )
            if here and there and here != there:  # many archives began to say it later
                raise IngestError(
                    "the files hold different quantities",
                    where=f"{redact(other.address)}, variable {name!r}",
                    expected=f"{key} {here!r} as in {redact(first.address)}",
                    found=f"{key} {there!r}",
                    remedy="leave the file out, or correct its attribute",
                )  # fmt: skip
        expected, found = _storage(first, name), _storage(other, name)
        if expected == found:
            continue
        key = next(k for k in expected | found if expected.get(k) != found.get(k))
        raise IngestError(
            "the files are packed differently",
            where=f"{redact(other.address)}, variable {name!r}",
            expected=f"{key} {expected.get(key)} as in {redact(first.address)}",
            found=f"{key} {found.get(key)}",
            remedy="repack the file, or leave it out",
        )


def require_expected(checks: Checks, header: Header, roles: Roles) -> None:
    """Refuse a file that is not what the recipe says.

    Raises
    ------
    VariableError
        The recipe names a variable that is not there.
    UnitsError, AxisError, CalendarError, IngestError
        Units, cells, calendar or packing are others.
    """
    where = redact(header.address)
    for name in roles.static:
        require_signs(header.attrs[name].get("units"), f"{where}, variable {name!r}")
    for name in {*checks.units, *checks.packing, *checks.valid_range} - set(header.dims):
        raise VariableError(
            "the recipe checks a variable that is not there", where=where, found=repr(name),
            remedy=suggest(name, header.dims),
        )  # fmt: skip
    for name, units in checks.units.items():
        found = header.attrs[name].get("units")
        if not Units(units).agree(found):
            raise UnitsError(
                "the file has other units than the recipe", where=f"{where}, variable {name!r}",
                expected=repr(units), found=repr(found),
            )  # fmt: skip
    _require_grid(checks, header, where)
    _require_calendar(checks, header, roles, where)
    for name, packing in checks.packing.items():
        _require_packing(packing, header, name, where)


def _require_grid(checks: Checks, header: Header, where: str) -> None:
    lengths = {
        d: n for v in header.dims for d, n in zip(header.dims[v], header.shapes[v], strict=True)
    }
    for dim, cells in checks.grid.items():
        if lengths.get(dim) != cells:
            raise AxisError(
                "the file has another grid than the recipe", where=f"{where}, dimension {dim!r}",
                expected=f"{cells} cells", found=lengths.get(dim, "no such dimension"),
                remedy=None if dim in lengths else suggest(dim, lengths),
            )  # fmt: skip


def _require_calendar(checks: Checks, header: Header, roles: Roles, where: str) -> None:
    found = str(header.attrs[roles.time].get("calendar", "standard")).lower()
    if checks.calendar is not None and _calendar(found) != _calendar(checks.calendar):
        raise CalendarError(
            "the file has another calendar than the recipe", where=where,
            expected=repr(checks.calendar), found=repr(found),
        )  # fmt: skip


def _require_packing(packing: Mapping[str, Any], header: Header, name: str, where: str) -> None:
    attrs = {"dtype": header.dtypes[name].newbyteorder("=").name} | header.attrs[name]
    for key, expected in packing.items():
        found = attrs.get(key, {"scale_factor": 1.0, "add_offset": 0.0}.get(key))
        equal = found == expected if key == "dtype" or found is None else _close(found, expected)
        if not equal:
            raise IngestError(
                "the file is packed otherwise than the recipe says",
                where=f"{where}, variable {name!r}", expected=f"{key} {expected}",
                found=f"{key} {found}",
            )  # fmt: skip


def _close(found: Any, expected: float) -> bool:
    # A scale of 0.01 is a float32 in many files.
    return bool(np.isclose(float(np.asarray(found).reshape(-1)[0]), expected, rtol=1e-6, atol=0))


def _calendar(name: str) -> str:
    return _SAME_CALENDAR.get(name, name)


def require_one_value_a_day(archive: Archive, axis: TimeAxis) -> None:
    """Refuse a second value of a day in an archive of daily (or longer) steps.

    The times differ, or the archive could not have been scanned: a preliminary file beside the
    final one, say, stamped at another hour.
    """
    steps = np.diff(axis.ordinal)
    if not len(steps) or np.median(steps) < 1 or not (steps == 0).any():
        return
    index = int(np.argmax(steps == 0))
    files = [_file_of(archive, i) for i in (index, index + 1)]
    raise IngestError(
        "two values for one day",
        where=" and ".join(dict.fromkeys(redact(f.address) for f in files)),
        expected="one time a day",
        found=f"two on {axis.label(index)}",
        remedy="leave one of them out",
    )


def require_named_dates(
    archive: Archive, axis: TimeAxis, names: Filenames, dates: Mapping[str, dt.date]
) -> None:
    """Refuse a file whose times are not those of the date in its name.

    Where every file ends with the midnight after its date, as times that end an interval do,
    that is what this archive means.
    """
    digits = DIGITS[names.span]
    moments = archive.columns[archive.roles.time].dt
    midnight = np.asarray((moments.hour == 0) & (moments.minute == 0))
    outside, all_end, first = [], True, 0
    for header in archive.headers:
        stop = first + header.steps(archive.roles.time)
        date = dates[header.address]
        own = [axis.label(i) for i in range(first, stop)]
        if not any(day[:digits] == date.isoformat()[:digits] for day in own):
            outside.append((header, date.isoformat()[:digits], own))
        after = names.following(date).isoformat()
        all_end = all_end and own[-1] == after and bool(midnight[stop - 1])
        first = stop
    if not outside or all_end:
        return
    header, named, own = outside[0]
    raise IngestError(
        "the name of the file and its times contradict each other", where=redact(header.address),
        expected=f"a time in {named}, as its name says",
        found=own[0] if own[0] == own[-1] else f"{own[0]} to {own[-1]}",
        remedy="find out which is wrong; rename the file, or fetch it again",
    )  # fmt: skip


def find_gaps(axis: TimeAxis) -> tuple[str, ...]:
    """List the missing stretches of a daily axis."""
    steps = np.diff(axis.ordinal)
    if not len(steps) or np.median(steps) != 1:
        return ()
    found = []
    for index in np.flatnonzero(steps > 1):
        missing = int(steps[index]) - 1
        after, before = axis.label(int(index)), axis.label(int(index) + 1)
        found.append(gap_between(missing, after, before))
    return tuple(found)


def gap_between(missing: int, after: str, before: str) -> str:
    """Say which days are missing."""
    days = "1 day" if missing == 1 else f"{missing:,} days"
    return f"{days} between {after} and {before}"


def _storage(header: Header, name: str) -> dict[str, Any]:
    attrs = header.attrs[name]
    # As text: a fill value of NaN equals itself.
    packing = {k: str(np.asarray(attrs[k]).tolist()) for k in _PACKING if k in attrs}
    return {"type": str(header.dtypes[name])} | packing


def _file_of(archive: Archive, index: int) -> Header:
    ends = np.cumsum([h.steps(archive.roles.time) for h in archive.headers])
    return archive.headers[int(np.searchsorted(ends, index, "right"))]
