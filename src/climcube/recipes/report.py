"""What an ingest found, decided and did."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from climcube.errors import StoreError
from climcube.recipes.decisions import Decision
from climcube.recipes.page import Facts, report_page

__all__ = ["IngestReport"]

_SHOWN = 5  # gaps and notes listed one by one


@dataclass(frozen=True, repr=False)
class IngestReport(Facts):
    """The result of `climcube.ingest`.

    Attributes
    ----------
    store
        Where the cube is, without credentials.
    variables
        Variables written.
    files, times
        How many files and time steps.
    period
        First and last date.
    calendar
        CF calendar of the time axis.
    gaps
        Missing stretches of a daily time axis, ``"2 days between 2001-02-03 and 2001-02-06"``.
    bytes_read, bytes_written
        Size of the files, and of the values before compression.
    seconds
        How long it took.
    notes
        Whatever else was noticed; nothing of it prevented the ingest.
    decisions
        What was found and decided for each irregular file or day.
    preliminary
        Dates with preliminary values.
    version
        Version that was published, where the store has versions.
    unchanged
        Whether the store held all of this already, so that nothing was written.
    mode
        ``"new"``, ``"append"`` or ``"replace"``.
    """

    title: ClassVar[str] = "Ingest report"

    store: str
    variables: tuple[str, ...]
    files: int
    times: int
    period: tuple[str, str]
    calendar: str
    gaps: tuple[str, ...]
    bytes_read: int
    bytes_written: int
    seconds: float
    notes: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    preliminary: tuple[str, ...] = ()
    version: str | None = None
    unchanged: bool = False
    mode: str = "new"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists."""
        return asdict(self)

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    def to_html(self) -> str:
        """Return the report as one HTML page."""
        return report_page(self._lines(), self.decisions)

    def write(self, path: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the report: ``NAME.html`` for people, ``NAME.json`` for machines.

        Returns
        -------
        tuple of Path
            The page and the JSON file.
        """
        page = Path(path).with_suffix(".html")
        document = page.with_suffix(".json")
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(self.to_html(), "utf-8")
            document.write_text(self.to_json(), "utf-8")
        except OSError as error:
            raise StoreError(
                "the report cannot be written", where=str(path), found=error.strerror
            ) from error
        return page, document

    def _lines(self) -> list[tuple[str, str]]:
        rate = self.files / self.seconds if self.seconds else 0.0
        read, written = self.bytes_read / 1e6, self.bytes_written / 1e6
        lines = [
            ("store", self.store),
            ("variables", ", ".join(self.variables)),
            ("period", f"{self.period[0]} to {self.period[1]} ({self.calendar} calendar)"),
            ("files", f"{self.files:,} with {self.times:,} times"),
            ("gaps", _listed(self.gaps) or "none"),
            ("size", f"{read:,.1f} MB of files, {written:,.1f} MB of values"),
            ("took", f"{self.seconds:.1f} s ({rate:,.0f} files a second)"),
        ]
        if self.unchanged:
            lines[-1] = ("took", "nothing to do: the store holds all of this already")
        if self.version:
            lines.insert(1, ("version", self.version))
        if self.preliminary:
            lines.append(("preliminary", _listed(self.preliminary)))
        if self.decisions:
            shown = (f"{os.path.basename(d.file)}: {d.found}: {d.decided}" for d in self.decisions)
            lines.append(("irregular", _listed(tuple(shown))))
        return lines + [("note", note) for note in self.notes[:_SHOWN]]


def _listed(items: tuple[str, ...]) -> str:
    shown = ", ".join(items[:_SHOWN])
    more = len(items) - _SHOWN
    return shown + (f" and {more} more" if more > 0 else "")
