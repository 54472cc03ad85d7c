"""Catalogs and entries in a notebook. Colours are inherited, so that light and dark both read."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from climcube.catalogs.text import facts, remarks, rows

if TYPE_CHECKING:
    from climcube.catalogs.collection import Catalog
    from climcube.catalogs.entry import Entry

__all__ = ["catalog_html", "entry_html"]

_TABLE = "border-collapse:collapse;color:inherit;background:transparent;font-size:0.9em"
_CELL = (
    "text-align:left;vertical-align:top;padding:0.15em 0.8em 0.15em 0;color:inherit;"
    "background:transparent;border-bottom:1px solid rgba(127,127,127,0.3)"
)


def catalog_html(catalog: Catalog) -> str:
    """Return a catalog as an HTML table, every text escaped."""
    heading = "".join(
        _cell("th", word) for word in ("entry", "title", "variables", "period", "status")
    )
    body = "".join(
        "<tr>" + "".join(_cell("td", cell) for cell in row) + "</tr>" for row in rows(catalog)
    )
    return (
        f"<div><p><b>Catalog</b>: {len(catalog)} entries</p>"
        f'<div style="max-height:30em;overflow:auto"><table style="{_TABLE}">'
        f"<thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table></div>"
        + "".join(f"<p>{escape(line)}</p>" for line in remarks(catalog))
        + "</div>"
    )


def entry_html(entry: Entry) -> str:
    """Return what is known of an entry as an HTML table, every text escaped."""
    body = "".join(
        "<tr>" + _cell("th", label) + _cell("td", value) + "</tr>" for label, value in facts(entry)
    )
    return (
        f'<div><b>{escape(entry.id)}</b><table style="{_TABLE}"><tbody>{body}</tbody></table></div>'
    )


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{_CELL}">{escape(text)}</{tag}>'
