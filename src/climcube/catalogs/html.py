"""Catalogs and entries in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from climcube.catalogs.text import facts, remarks, rows
from climcube.display import fact_table, heading, list_table, panel

if TYPE_CHECKING:
    from climcube.catalogs.collection import Catalog
    from climcube.catalogs.entry import Entry

__all__ = ["catalog_html", "entry_html"]

_COLUMNS = ("entry", "title", "variables", "period", "status")


def catalog_html(catalog: Catalog) -> str:
    """Return a catalog as HTML: its entries, and what the list does not show."""
    return panel(
        heading("Catalog", f"{len(catalog)} entries"),
        panel(list_table(_COLUMNS, rows(catalog)), height="30em"),
        *(heading("Note", line) for line in remarks(catalog)),
    )


def entry_html(entry: Entry) -> str:
    """Return what is known of an entry as HTML."""
    return panel(heading(entry.id), fact_table(facts(entry)))
