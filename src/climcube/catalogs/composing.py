"""Several catalogs as one: yours before the shipped one, and no two of yours with one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from climcube.catalogs.entry import Entry
from climcube.errors import CatalogError

__all__ = ["Names", "compose"]

# Entries by id, aliases.
Names = tuple[Mapping[str, Entry], Mapping[str, str]]


def compose(parts: Iterable[Names], shipped: str) -> tuple[Names, Mapping[str, str]]:
    """Return the entries and aliases of several catalogs, and what is hidden by what.

    Parameters
    ----------
    parts
        Entries and aliases of each.
    shipped
        Folder of the catalogs that come with climcube: an entry from there gives way to an
        entry of the same name from elsewhere, wherever it stands among the parts.

    Raises
    ------
    CatalogError
        Two entries that are not climcube's have one name: which of them is meant is not for
        the order of a list to say.
    """
    entries: dict[str, Entry] = {}
    aliases: dict[str, str] = {}
    hidden: dict[str, str] = {}
    given = list(parts)
    for known, others in (_only(part, shipped, False) for part in given):
        for name in [*known, *others]:
            _require_new(name, known, others, (entries, aliases))
        entries |= known
        aliases |= others
    taken = {*entries, *aliases}
    for known, others in (_only(part, shipped, True) for part in given):
        hidden |= {name: known[name].catalog for name in known if name in taken}
        entries |= {name: entry for name, entry in known.items() if name not in taken}
        aliases |= {
            alias: name
            for alias, name in others.items()
            if alias not in taken and name not in taken
        }
    names = (MappingProxyType(entries), MappingProxyType(aliases))
    return names, MappingProxyType(hidden)


def _require_new(
    name: str, known: Mapping[str, Entry], others: Mapping[str, str], sofar: Names
) -> None:
    entries, aliases = sofar
    old = entries.get(aliases.get(name, name))
    new = known[others.get(name, name)]
    if old is None or old == new:
        return
    raise CatalogError(
        "two entries of one name",
        where=f"{new.catalog}, entry '{name}'",
        found=f"it is also in {old.catalog}",
        remedy="rename one of them, or name one catalog only",
    )


def _only(part: Names, shipped: str, wanted: bool) -> Names:
    known, others = part
    kept = {n: e for n, e in known.items() if e.catalog.startswith(shipped) is wanted}
    return kept, {alias: name for alias, name in others.items() if name in kept}
