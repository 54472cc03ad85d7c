"""What each of many files says about itself, and whether it continues the first one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from climcube.errors import AxisError, CalendarError, UnitsError, VariableError
from climcube.provenance import redact
from climcube.stores.files.rawfile import raw_file

__all__ = ["Header", "Roles", "compare", "read_header"]

_STATIC = 2**22  # numbers, up to which a variable without time is kept; of larger ones, a digest
_SAME_CALENDAR = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}


@dataclass(frozen=True)
class Roles:
    """What the variables of the first file are to the whole."""

    time: str
    gridded: tuple[str, ...]
    columns: tuple[str, ...]
    static: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What one file says about itself; values of columns and static ones, or their digests."""

    address: str
    dims: dict[str, tuple[str, ...]]
    shapes: dict[str, tuple[int, ...]]
    attrs: dict[str, dict[str, Any]]
    values: dict[str, npt.NDArray[Any]]
    dtypes: dict[str, np.dtype[Any]]
    names: tuple[str, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def steps(self, time: str) -> int:
        """Return the number of times."""
        return self.shapes[time][0] if self.shapes[time] else 0


def read_header(address: str, options: Mapping[str, Any], roles: Roles) -> Header:
    """Read what `compare` and the joined data set need of one file."""
    with raw_file(address, options) as file:
        names = tuple(file.names())
        wanted = [n for n in (*roles.gridded, *roles.columns, *roles.static) if n in names]
        facts = {name: file.header(name) for name in wanted}
        values, digests = {}, {}
        for name in wanted:
            if name in roles.gridded:
                continue
            if np.prod(facts[name][1], dtype=float) <= _STATIC:
                values[name] = file.read(name)
            elif name in roles.static:
                digests[name] = _digest(file.read(name))
        dtypes = {name: file.dtype(name) for name in wanted}
    return Header(
        address,
        {n: f[0] for n, f in facts.items()},
        {n: f[1] for n, f in facts.items()},
        {n: f[2] for n, f in facts.items()},
        values,
        dtypes,
        names,
        digests,
    )


def compare(first: Header, other: Header, roles: Roles, *, strict: bool) -> None:
    """Refuse a file that does not continue the first one."""
    if other is first:
        return
    where = redact(other.address)
    missing = [n for n in first.dims if n not in other.dims]
    extra = [n for n in other.names if n not in first.names] if strict else []
    if missing or extra:
        raise VariableError(
            "the files hold different variables", where=where,
            expected=f"those of {redact(first.address)}",
            found=f"no {missing[0]!r}" if missing else f"{extra[0]!r} too",
            remedy=None if missing else "pass variable=... to open one that all files hold",
        )  # fmt: skip
    for name in (*roles.gridded, *roles.columns):
        _compare_layout(name, first, other, roles.time)
        _compare_units(name, first, other, where)
    for name in roles.static:
        _compare_values(name, first, other, where)
    calendars = [_calendar(h.attrs[roles.time]) for h in (first, other)]
    if calendars[0] != calendars[1]:
        raise CalendarError(
            "the files have different calendars", where=where,
            expected=f"{calendars[0]} as in {redact(first.address)}", found=calendars[1],
        )  # fmt: skip


def _compare_layout(name: str, first: Header, other: Header, time: str) -> None:
    shapes = [
        {d: n for d, n in zip(h.dims[name], h.shapes[name], strict=True) if d != time}
        for h in (first, other)
    ]
    if first.dims[name] != other.dims[name] or shapes[0] != shapes[1]:
        raise AxisError(
            "the files have different dimensions",
            where=f"{redact(other.address)}, variable {name!r}",
            expected=", ".join(f"{d}: {n}" for d, n in shapes[0].items()),
            found=", ".join(f"{d}: {n}" for d, n in shapes[1].items()),
        )


def _compare_units(name: str, first: Header, other: Header, where: str) -> None:
    units = [str(h.attrs[name].get("units", "")).strip() for h in (first, other)]
    if units[0] != units[1] and not all(" since " in text for text in units):
        raise UnitsError(
            "the files have different units", where=f"{where}, variable {name!r}",
            expected=f"{units[0]!r} as in {redact(first.address)}", found=repr(units[1]),
            remedy="convert one part and save it first",
        )  # fmt: skip


def _compare_values(name: str, first: Header, other: Header, where: str) -> None:
    """Grids must be equal to the last bit: aligning them would make cells and gaps."""
    one, two = first.values.get(name), other.values.get(name)
    numeric = one is not None and one.dtype.kind in "iuf"
    if (one is None or two is None) and first.shapes[name] == other.shapes[name]:
        digests = {h.digests.get(name) or _digest(h.values[name]) for h in (first, other)}
        if len(digests) == 1:
            return
        found = "other values"
    elif one is not None and two is not None and one.shape == two.shape:
        if np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
            return
        found = (
            f"values up to {np.nanmax(np.abs(np.subtract(two, one, dtype='float64'))):.3g} apart"
            if numeric and two.dtype.kind in "iuf"
            else "other values"
        )
    else:
        found = f"shape {other.shapes[name]} instead of {first.shapes[name]}"
    raise AxisError(
        "the files lie on different grids", where=f"{where}, variable {name!r}",
        expected=f"the values of {redact(first.address)}", found=found,
        remedy="regrid or correct the coordinates; if it is no coordinate, pass variable=...",
    )  # fmt: skip


def _digest(values: npt.NDArray[Any]) -> str:
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return f"{native.dtype} {xxhash.xxh3_128_hexdigest(native)}"


def _calendar(attrs: Mapping[str, Any]) -> str:
    name = str(attrs.get("calendar", "standard")).lower()
    return _SAME_CALENDAR.get(name, name)
