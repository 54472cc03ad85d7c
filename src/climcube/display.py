"""What results look like in a notebook: facts and tables, readable in light and in dark.

The one place that knows of styles. Colours are inherited and backgrounds left transparent, so
that a notebook's own theme decides; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["fact_table", "fact_text", "heading", "link", "list_table", "panel"]

_TABLE = (
    "border-collapse:collapse;color:inherit;background:transparent;font-size:0.9em;"
    "margin:0.3em 0 0.6em 0"
)
# Jupyter centres tables, aligns their cells to the right, and stripes their rows.
_ROW = "background:transparent"
_CELL = (
    "text-align:left;vertical-align:top;padding:0.15em 0.9em 0.15em 0;color:inherit;"
    "background:transparent;border:none;border-bottom:1px solid rgba(127,127,127,0.3);"
    "max-width:46em;overflow-wrap:break-word;white-space:normal"
)
_TITLE = "margin:0.2em 0;color:inherit"
_LABEL = _CELL + ";font-weight:600;white-space:nowrap"


def fact_text(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and values as lines for a terminal.

    >>> print(fact_text([("store", "sst.zarr"), ("objects", "12")]))
    store:     sst.zarr
    objects:   12
    """
    return "\n".join(f"{label + ':':<10} {text}" for label, text in facts)


def fact_table(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and values as an HTML table.

    >>> "<b>" in fact_table([("store", "<b>.zarr")])
    False
    """
    rows = ((_cell("th", label, _LABEL), _cell("td", text)) for label, text in facts)
    return _table("", rows)


def list_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows under the names of their columns as an HTML table."""
    head = "".join(_cell("th", name, _LABEL) for name in columns)
    return _table(
        f'<thead><tr style="{_ROW}">{head}</tr></thead>',
        ([_cell("td", text) for text in row] for row in rows),
    )


def heading(kind: str, name: str = "", level: str = "p") -> str:
    """Return a title: what it is in bold, and its name."""
    rest = f": {escape(name)}" if name else ""
    return f'<{level} style="{_TITLE}"><b>{escape(kind)}</b>{rest}</{level}>'


def link(name: str, address: str) -> str:
    """Return a line that leads to another page, in a tab of its own.

    >>> "href" in link("dashboard", "javascript:alert(1)")
    False
    """
    if not address.startswith(("http://", "https://")):
        return heading(name, address)
    style = "color:inherit;text-decoration:underline;overflow-wrap:anywhere"
    to = f'<a style="{style}" href="{escape(address)}" target="_blank" rel="noopener">'
    return f'<p style="{_TITLE}"><b>{escape(name)}</b>: {to}{escape(address)}</a></p>'


def panel(*parts: str, height: str | None = None) -> str:
    """Return parts, which are HTML, below one another; they scroll if too wide, or too high."""
    limit = f"max-height:{height};" if height else ""
    return f'<div style="{limit}overflow:auto">{"".join(parts)}</div>'


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    body = "".join(f'<tr style="{_ROW}">{"".join(row)}</tr>' for row in rows)
    return f'<table style="{_TABLE}">{head}<tbody>{body}</tbody></table>'


def _cell(tag: str, text: str, style: str = _CELL) -> str:
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'
