"""Catalogs: which data sets there are, where they lie, and what is known of them."""

from __future__ import annotations

from climcube.catalogs.collection import Catalog, catalog, resolve_entry
from climcube.catalogs.entry import Address, Entry, Variable
from climcube.catalogs.facts import facts_of
from climcube.catalogs.writing import write_catalog, write_entry

__all__ = [
    "Address",
    "Catalog",
    "Entry",
    "Variable",
    "catalog",
    "facts_of",
    "resolve_entry",
    "write_catalog",
    "write_entry",
]
