"""What an ingest found and did, in words."""

from __future__ import annotations

import html
from dataclasses import dataclass

__all__ = ["IngestReport"]

_SHOWN = 5  # gaps and notes listed one by one


@dataclass(frozen=True)
class IngestReport:
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
        Missing stretches of a regular time axis, ``"2001-02-03"`` or ``"2001-02-03 to ..."``.
    bytes_read, bytes_written
        Size of the files, and of the values before compression.
    seconds
        How long it took.
    notes
        Whatever else was noticed; nothing of it prevented the ingest.
    """

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

    def __str__(self) -> str:
        return "\n".join(f"{label + ':':<10} {text}" for label, text in self._lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for label, text in self._lines()
        )
        return f"<table>{rows}</table>"

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
        return lines + [("note", note) for note in self.notes[:_SHOWN]]


def _listed(items: tuple[str, ...]) -> str:
    shown = ", ".join(items[:_SHOWN])
    more = len(items) - _SHOWN
    return shown + (f" and {more} more" if more > 0 else "")
