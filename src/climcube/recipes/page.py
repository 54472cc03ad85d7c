"""Facts of an ingest as text, as a table in a notebook, and as an HTML page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import ClassVar

from climcube.display import fact_table, fact_text, heading, panel
from climcube.recipes.decisions import Decision

__all__ = ["Facts", "report_page"]

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;"
    "color-scheme:light dark}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid rgba(127,127,127,.35);"
    "vertical-align:top;overflow-wrap:anywhere}h1,h2{font-weight:600}"
)


class Facts:
    """What has names and values to show: as text in a terminal, as a table in a notebook."""

    title: ClassVar[str]

    def __str__(self) -> str:
        return fact_text(self._lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return panel(heading(self.title), fact_table(self._lines()))

    def _lines(self) -> list[tuple[str, str]]:
        """Return names and values."""
        raise NotImplementedError


def report_page(lines: Iterable[tuple[str, str]], decisions: Sequence[Decision]) -> str:
    """Return a page with the facts of an ingest, and a row for each irregular file.

    Parameters
    ----------
    lines
        Names and values.
    decisions
        What was found and decided.
    """
    facts = "".join(_row("th", "td", *line) for line in lines if line[0] != "irregular")
    if decisions:
        rows = "".join(_row("td", "td", d.file, d.found, d.decided) for d in decisions)
        head = _row("th", "th", "file or days", "found", "decided")
        irregular = f"<p>{len(decisions):,} of them.</p><table>{head}{rows}</table>"
    else:
        irregular = "<p>None: every file is as the others are.</p>"
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Ingest report</title>"
        f"<style>{_STYLE}</style><h1>Ingest report</h1><table>{facts}</table>"
        f"<h2>Irregular files</h2>{irregular}</html>\n"
    )


def _row(first: str, rest: str, *cells: str) -> str:
    kinds = [first] + [rest] * (len(cells) - 1)
    inside = (f"<{k}>{html.escape(c)}</{k}>" for k, c in zip(kinds, cells, strict=True))
    return f"<tr>{''.join(inside)}</tr>"
