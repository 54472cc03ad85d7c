"""What the doctor found: as text, as HTML, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from climcube.catalogs.entry import Address, Entry
from climcube.display import heading, list_table, panel

__all__ = ["CheckReport", "Finding", "replacements"]

_STATES = ("dead", "changed", "late", "not checked", "good")
_BAD = ("dead", "changed", "late")


@dataclass(frozen=True)
class Finding:
    """What one address answered.

    Attributes
    ----------
    entry, address, url
        Which it is; the URL without credentials.
    state
        ``good``; ``changed``: it is not as the entry says; ``late``: its last day is older than
        the entry promises; ``dead``: it does not answer, or cannot be opened; ``not checked``.
    seconds
        Until its metadata were read.
    first, last
        First and last day found.
    notes
        What is changed, late, wrong, or worth knowing.
    """

    entry: str
    address: str
    url: str
    state: str
    seconds: float | None = None
    first: str | None = None
    last: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class CheckReport:
    """What `Catalog.check` found; prints as a table, shows as HTML in a notebook.

    Attributes
    ----------
    findings
        One for each address, in the order of the catalog.
    replaced
        For each dead address what to use instead: ``entry``, ``was``, ``now`` (None where
        nothing is known) and ``why``.
    day
        The day of the check, UTC.
    """

    findings: tuple[Finding, ...]
    replaced: tuple[Mapping[str, str | None], ...]
    day: str

    @property
    def ok(self) -> bool:
        """Whether nothing is dead, changed or late; what was not checked does not count."""
        return not any(finding.state in _BAD for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """Return 0 where `ok`, else 1: for the command line."""
        return 0 if self.ok else 1

    def counts(self) -> dict[str, int]:
        """Return how many addresses are in which state."""
        found = [finding.state for finding in self.findings]
        return {state: found.count(state) for state in _STATES if state in found}

    def to_text(self) -> str:
        """Return the report as text, what needs attention first."""
        lines = [f"catalog check of {self.day}: {self._summary()}"]
        for finding in self._sorted():
            took = "" if finding.seconds is None else f"  {finding.seconds:.2f} s"
            lines.append(f"{finding.state:<11}  {finding.address}{took}  {finding.url}")
            lines += [f"             {note}" for note in finding.notes]
        known = [item for item in self.replaced if item["now"]]
        if self.replaced:
            lines.append(f"instead of what is dead ({len(known)} of {len(self.replaced)} known):")
            lines += [f"  {item['was']} -> {item['now']} ({item['why']})" for item in known]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the report as JSON."""
        document = {
            "day": self.day,
            "counts": self.counts(),
            "findings": [asdict(finding) for finding in self.findings],
            "replaced": [dict(item) for item in self.replaced],
        }
        return json.dumps(document, indent=1, ensure_ascii=False)

    def to_html(self) -> str:
        """Return the report as a piece of HTML, every text escaped."""
        rows = (
            (f.state, f.address, f.url, "" if f.seconds is None else f"{f.seconds:.2f} s",
             f.last or "", "; ".join(f.notes))
            for f in self._sorted()
        )  # fmt: skip
        dead = [
            (str(i["was"]), str(i["now"] or "nothing known"), str(i["why"])) for i in self.replaced
        ]
        return panel(
            heading(f"Catalog check of {self.day}", self._summary()),
            list_table(("state", "address", "URL", "latency", "last day", "notes"), rows),
            *([heading("Instead of what is dead"), list_table(("was", "now", "why"), dead)]
              if dead else []),
        )  # fmt: skip

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def _summary(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts().items())
        return f"{len(self.findings)} addresses" + (f": {counts}" if counts else "")

    def _sorted(self) -> list[Finding]:
        return sorted(self.findings, key=lambda f: (_STATES.index(f.state), f.entry))


def replacements(
    jobs: Sequence[tuple[Entry, Address]],
    findings: Sequence[Finding],
    retired: Iterable[Mapping[str, str]] = (),
) -> tuple[Mapping[str, str | None], ...]:
    """Return what to use instead of each dead address.

    A copy of the same data that was just found good; else the entry's successor; else what the
    catalog says of a retired address; else nothing.
    """
    good = {finding.address for finding in findings if finding.state in ("good", "late")}
    old = {item["was"]: item for item in retired}
    found: list[Mapping[str, str | None]] = []
    for (entry, address), finding in zip(jobs, findings, strict=True):
        if finding.state != "dead":
            continue
        copies = [
            other.name
            for number, other in enumerate(entry.addresses)
            if other.name in good and (number == 0 or other.role in ("mirror", "twin"))
        ]
        related = address is entry.addresses[0] or address.role in ("mirror", "twin")
        now, why = None, "no copy answers, and the entry names no successor"
        if copies and related:
            now, why = copies[0], "a copy of the same data"
        elif entry.successor is not None:
            now, why = entry.successor, "the entry that follows it"
        elif address.url in old:
            now, why = old[address.url].get("now"), old[address.url]["why"]
        found.append({"entry": entry.id, "was": address.name, "now": now, "why": why})
    return tuple(found)
