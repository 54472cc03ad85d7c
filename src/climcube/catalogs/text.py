"""Catalogs and entries as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from climcube.catalogs.schema import UNKNOWN

if TYPE_CHECKING:
    from rich.table import Table

    from climcube.catalogs.collection import Catalog
    from climcube.catalogs.entry import Address, Entry, Variable

__all__ = ["catalog_text", "chunks_text", "facts", "list_table", "remarks", "rows", "show_text"]

_WIDTH = 96


def rows(catalog: Catalog) -> list[tuple[str, str, str, str, str]]:
    """Return id, title, variables, period and status of each entry, sorted by id."""
    return [_row(catalog[name]) for name in catalog.ids()]


def list_table(catalog: Catalog) -> Table:
    """Return a catalog as a table that ``rich`` prints."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("entry", "title", "variables", "period", "status"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "entry")
    for row in rows(catalog):
        # As Text, since square brackets in a title are not markup.
        table.add_row(*(Text(cell) for cell in row))
    return table


def catalog_text(catalog: Catalog) -> str:
    """Return a catalog as plain text, one entry a line."""
    lines = [f"<Catalog: {len(catalog)} entries in {len(catalog.files)} file(s)>"]
    width = max((len(name) for name in catalog), default=0)
    lines += [f"  {row[0]:<{width}}  {row[1]}" for row in rows(catalog)]
    lines += remarks(catalog)
    return "\n".join(lines)


def remarks(catalog: Catalog) -> list[str]:
    """Return what a list of entries does not show: what is hidden, and what was not said."""
    lines = [
        f"'{name}' hides the entry of that name in {file}" for name, file in catalog.hidden.items()
    ]
    silent = [name for name in catalog.unsaid if name not in catalog]
    if silent:
        lines.append(
            f"{len(silent)} more do not say what was asked (unknown=True returns them): "
            + ", ".join(silent[:8])
            + (", ..." if len(silent) > 8 else "")
        )
    return lines


def show_text(entry: Entry) -> str:
    """Return everything that is known of an entry, one fact a paragraph."""
    lines = [entry.id, "=" * len(entry.id)]
    for label, value in facts(entry):
        lines += textwrap.wrap(
            f"{label + ':':<11} {value}", _WIDTH, subsequent_indent=" " * 12,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(lines)


def facts(entry: Entry) -> list[tuple[str, str]]:
    """Return the facts of an entry as pairs of label and text; labels may repeat."""
    pairs: list[tuple[str, str | None]] = [
        ("title", entry.title),
        ("summary", entry.summary),
        ("provider", entry.provider),
        ("licence", entry.licence),
        ("citation", entry.citation),
        ("doi", entry.doi),
        ("period", _period_text(entry.period)),
        ("cadence", entry.cadence),
        ("grid", entry.grid),
        ("calendar", entry.calendar),
        ("chunks", chunks_text(entry.chunks)),
        *(("variable", _variable_text(variable)) for variable in entry.variables),
        ("variables", None if entry.variables else UNKNOWN),
        *(("address", _address_text(address)) for address in entry.addresses),
        *(("beware", trap) for trap in entry.traps),
        ("status", _status_text(entry)),
        *(("source", source) for source in entry.source),
        ("catalog", entry.catalog),
    ]
    return [(label, value) for label, value in pairs if value]


def chunks_text(chunks: Any) -> str:
    """Return chunks as people write them.

    >>> chunks_text({"time": 20, "lat": 720}), chunks_text([5, 1799, 3600]), chunks_text("unknown")
    ('time 20, lat 720', '5, 1799, 3600', 'unknown')
    """
    if isinstance(chunks, dict):
        return ", ".join(f"{name} {length}" for name, length in chunks.items())
    if isinstance(chunks, list):
        return ", ".join(str(length) for length in chunks)
    return str(chunks)


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    names = ", ".join(variable.name for variable in entry.variables) or UNKNOWN
    return entry.id, entry.title, names, _period_text(entry.period), entry.status


def _period_text(period: tuple[str, str] | None) -> str:
    return UNKNOWN if period is None else f"{period[0]} to {period[1]}"


def _variable_text(variable: Variable) -> str:
    text = f"{variable.name} [{variable.units}]"
    for value in (variable.long_name, variable.standard_name):
        if value != UNKNOWN:
            text += f", {value}"
    return text if variable.packing == UNKNOWN else f"{text}, packed: {variable.packing}"


def _address_text(address: Address) -> str:
    words = [address.url, f"({address.format}"]
    if address.group:
        words[-1] += f", group {address.group}"
    if address.layout != UNKNOWN:
        words[-1] += f", {address.layout} layout"
    if address.chunks != UNKNOWN:
        words[-1] += f", chunks {chunks_text(address.chunks)}"
    if address.region != UNKNOWN:
        words[-1] += f", {address.region}"
    if address.auth != UNKNOWN:
        words[-1] += f", {address.auth}"
    words[-1] += ")"
    if address.period:
        words.append(f"{_period_text(address.period)};")
    return " ".join([*words, address.note or ""]).strip().rstrip(";")


def _status_text(entry: Entry) -> str:
    text = entry.status
    if entry.evidence:
        text += f", evidence {entry.evidence}"
    return f"{text}: {entry.verified}" if entry.verified else text
