"""What a verification found: a report for people, a table and JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from climcube.display import fact_table, fact_text, heading, list_table, panel
from climcube.errors import IntegrityError
from climcube.stores.damage import KINDS, REMEDY

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Problem", "VerifyReport", "spoken_size"]

_SHOWN = 10  # problems listed one by one


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was written.

    Attributes
    ----------
    kind
        ``"missing"``, ``"truncated"``, ``"damaged"``, ``"other content"``, ``"unexpected"``,
        ``"metadata"`` or ``"manifest"``.
    variable
        The variable concerned (with its group); empty for the store as a whole.
    key
        The object below it.
    place
        Dates, latitudes and longitudes; indices where coordinates do not say.
    found
        What was found, and what was expected.
    region
        First and last index (exclusive) along each dimension.
    """

    kind: str
    variable: str
    key: str
    place: str = ""
    found: str = ""
    region: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        name = f"{self.variable}/{self.key}".strip("/")
        return "; ".join(t for t in (f"{self.kind}: {name}", self.place, self.found) if t)


@dataclass(frozen=True)
class VerifyReport:
    """The result of `climcube.verify`.

    Attributes
    ----------
    store
        What was verified, without credentials.
    version
        Of a versioned store: the snapshot.
    digest
        Algorithm of the manifest; ``None`` where there is none.
    objects, bytes
        Objects that were read and compared, and their size.
    empty
        Objects left out on purpose: nothing but fill values.
    unread
        Objects of which a sample left out the content, not the presence.
    documents
        Metadata documents compared.
    findings
        All problems.
    notes
        What could not be checked, and why.
    """

    store: str
    version: str | None
    digest: str | None
    objects: int
    bytes: int
    empty: int
    unread: int
    documents: int
    findings: tuple[Problem, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.findings

    @property
    def problems(self) -> pd.DataFrame:
        """All problems as a table: kind, variable, key, place, found."""
        import pandas as pd

        names = ["kind", "variable", "key", "place", "found"]
        rows = [[getattr(p, name) for name in names] for p in self.findings]
        return pd.DataFrame(rows, columns=names, dtype="str")

    def raise_if_damaged(self) -> VerifyReport:
        """Return the report, or raise `IntegrityError` where there are problems."""
        if self.ok:
            return self
        more = f" and {len(self.findings) - 1} more" if len(self.findings) > 1 else ""
        raise IntegrityError(
            "the store is damaged", where=self.store, found=f"{self.findings[0]}{more}",
            remedy=REMEDY,
        )  # fmt: skip

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Return the report as JSON; with ``path`` write it there as well."""
        text = json.dumps({"ok": self.ok, **asdict(self)}, indent=1)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def _facts(self) -> list[tuple[str, str]]:
        counts = Counter(problem.kind for problem in self.findings)
        found = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        left = [f"{self.empty} empty by design" if self.empty else ""]
        left += [f"{self.unread} only for presence" if self.unread else ""]
        checked = ", ".join(
            [f"{self.objects} objects, {spoken_size(self.bytes)}", *filter(None, left)]
        )
        return [
            ("store", self.store + (f", version {self.version}" if self.version else "")),
            ("manifest", self.digest or "none: only what the codecs themselves notice"),
            ("checked", f"{checked}; {self.documents} metadata documents"),
            ("problems", found or "none"),
            *(("note", note) for note in self.notes),
        ]

    def __str__(self) -> str:
        lines = [fact_text(self._facts())]
        lines += [f"  {problem}" for problem in self.findings[:_SHOWN]]
        more = len(self.findings) - _SHOWN
        return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        parts = [
            heading("Verification", "intact" if self.ok else "damaged"),
            fact_table(self._facts()),
        ]
        if self.findings:
            columns = ("kind", "variable", "object", "place", "found")
            shown = self.findings[: 5 * _SHOWN]
            rows = ((p.kind, p.variable, p.key, p.place, p.found) for p in shown)
            parts.append(list_table(columns, rows))
        return panel(*parts)


def spoken_size(count: float) -> str:
    """Return a number of bytes for people.

    >>> spoken_size(900), spoken_size(2_500_000)
    ('900 B', '2.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
