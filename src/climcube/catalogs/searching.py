"""Which entries answer a question; what an entry does not say never counts as a yes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from climcube.catalogs.entry import OPENABLE, Entry
from climcube.catalogs.schema import UNKNOWN
from climcube.catalogs.spans import stated

__all__ = ["Question", "answers"]


@dataclass(frozen=True)
class Question:
    """What is looked for; None: whatever it is."""

    text: str | None = None
    variable: str | None = None
    period: tuple[str, str] | None = None
    overlap: bool = False
    layout: str | None = None
    cadence: str | None = None
    openable: bool = False


def answers(entry: Entry, question: Question) -> bool | None:
    """Whether an entry is what is looked for; None where it does not say."""
    found = list(_parts(entry, question))
    if False in found:
        return False
    return None if None in found else True


def _parts(entry: Entry, question: Question) -> Iterator[bool | None]:
    if question.text is not None:
        yield _mentions(entry, question.text)
    if question.openable:
        yield any(address.format in OPENABLE for address in entry.addresses)
    if question.variable is not None:
        yield _has(entry, question.variable)
    if question.period is not None:
        yield _reaches(entry, question.period, question.overlap)
    if question.layout is not None:
        wanted = {"maps": "map"}.get(question.layout, question.layout)
        yield _among([a.layout for a in entry.addresses if a.role != "other"], wanted)
    if question.cadence is not None:
        yield _among([entry.cadence.casefold()], question.cadence.casefold())


def _mentions(entry: Entry, text: str) -> bool:
    parts = [entry.id, entry.title, entry.summary or "", entry.provider or "", entry.doi or ""]
    parts += [word for v in entry.variables for word in (v.name, v.standard_name, v.long_name)]
    return any(text.casefold() in part.casefold() for part in parts if part != UNKNOWN)


def _has(entry: Entry, variable: str) -> bool | None:
    if not entry.variables:
        return None
    names = [name for v in entry.variables for name in (v.name, v.long_name) if name != UNKNOWN]
    standard = [v.standard_name for v in entry.variables]
    return True if variable in names else _among(standard, variable)


def _reaches(entry: Entry, period: tuple[str, str], overlap: bool) -> bool | None:
    first, last = stated(entry.period, entry.delay_days)
    begin, end = period
    # Either bound alone may already say no.
    early, late = (end, begin) if overlap else (begin, end)
    if (first is not None and first > early) or (last is not None and last < late):
        return False
    return None if first is None or last is None else True


def _among(known: list[str], wanted: str) -> bool | None:
    if wanted in known and wanted != UNKNOWN:
        return True
    return None if UNKNOWN in known else False
