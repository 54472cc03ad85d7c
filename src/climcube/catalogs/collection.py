"""A collection of entries, and how it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from climcube.catalogs.building import build
from climcube.catalogs.entry import Entry
from climcube.catalogs.parsing import is_remote, parse, read
from climcube.catalogs.rules import PROTOCOLS
from climcube.errors import CatalogError, suggest

__all__ = ["Catalog", "catalog", "resolve_entry", "shipped_folder"]


@dataclass(frozen=True, repr=False, eq=False)
class Catalog:
    """Entries by id, read only. ``catalog["demo"]`` is an `Entry`.

    Attributes
    ----------
    files
        The YAML files that it was read from.
    aliases
        Other names of entries.
    retired
        Addresses that no longer work: ``was``, ``why`` and sometimes ``now``.
    """

    entries: Mapping[str, Entry]
    files: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    retired: tuple[Mapping[str, str], ...] = ()

    def __getitem__(self, name: str) -> Entry:
        entry = self.entries.get(self.aliases.get(name, name))
        if entry is None:
            raise CatalogError(
                "no such entry",
                where=repr(name),
                remedy=suggest(name, [*self.entries, *self.aliases]),
            )
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries or name in self.aliases

    def ids(self) -> list[str]:
        """Return the ids of all entries, sorted."""
        return sorted(self.entries)

    def search(self, text: str | None = None, *, variable: str | None = None) -> Catalog:
        """Return the entries that mention a text, or have a variable.

        Parameters
        ----------
        text
            Looked for in id, title, summary, provider and variables; upper and lower case alike.
        variable
            Name, standard name or long name of a variable.

        Examples
        --------
        >>> import climcube as cc
        >>> cc.catalog().search("synthetic").ids()
        ['demo']
        """
        found = {
            name: entry
            for name, entry in self.entries.items()
            if _mentions(entry, text) and _has(entry, variable)
        }
        aliases = {alias: name for alias, name in self.aliases.items() if name in found}
        return Catalog(found, self.files, aliases, self.retired)

    def show(self, name: str) -> str:
        """Return everything that is known of one entry, as text."""
        return self[name].show()

    def __repr__(self) -> str:
        from climcube.catalogs.text import catalog_text

        return catalog_text(self)

    def _repr_html_(self) -> str:
        from climcube.catalogs.html import catalog_html

        return catalog_html(self)

    def _ipython_key_completions_(self) -> list[str]:
        return sorted([*self.entries, *self.aliases])


def catalog(
    path: str | os.PathLike[str] | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> Catalog:
    """Read a catalog: the shipped one, or yours.

    Nothing but the catalog files is opened. A catalog is data: it cannot run code, read the
    environment, carry a credential or name a local file outside its own folder.

    Parameters
    ----------
    path
        YAML file, folder of YAML files, or URL (``s3://bucket/catalog.yaml``). None reads the
        catalog that comes with climcube.
    storage_options
        For a URL: options of the file system, credentials for instance.

    Returns
    -------
    Catalog
        Entries by id.

    Raises
    ------
    CatalogError
        The file is missing, or something in it is not as the schema says; the message names
        file, entry, key, what was expected and what was found.

    Examples
    --------
    >>> import climcube as cc
    >>> "demo" in cc.catalog()
    True
    """
    if path is None:
        return _shipped(str(shipped_folder()))
    address = os.fspath(path)
    if "://" in address and address.partition("://")[0] not in PROTOCOLS:
        raise CatalogError(
            "protocol not allowed",
            where=address,
            expected="a local path or " + ", ".join(f"{name}://" for name in PROTOCOLS),
        )
    if not is_remote(address):
        address = address.removeprefix("file://")
        if os.path.isdir(address):
            return _load(_files_in(Path(address)), None)
    return _load((address,), storage_options)


def resolve_entry(
    name: str,
    catalog: Catalog | str | os.PathLike[str] | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> Entry:
    """Return one entry of a catalog (the shipped one by default).

    Raises
    ------
    CatalogError
        No such entry (near names are suggested), or the catalog is not valid.
    """
    read_from = globals()["catalog"]
    known = catalog if isinstance(catalog, Catalog) else None
    if known is None:
        known = read_from(catalog, storage_options=storage_options)
    return known[name]


def shipped_folder() -> Path:
    """Return the folder of the catalogs that come with climcube.

    In a wheel they lie inside the package; in a checkout at the root of the repository.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_catalogs", package.parents[1] / "catalogs"):
        if folder.is_dir():
            return folder
    raise CatalogError(
        "the catalogs that come with climcube are missing",
        where=str(package / "_catalogs"),
        remedy="install climcube again",
    )


@lru_cache(maxsize=1)
def _shipped(folder: str) -> Catalog:
    return _load(_files_in(Path(folder)), None)


def _files_in(folder: Path) -> tuple[str, ...]:
    files = sorted(str(file) for file in folder.glob("*.y*ml") if file.is_file())
    if not files:
        raise CatalogError(
            "no catalog in this folder", where=str(folder), expected="files *.yaml or *.yml"
        )
    return tuple(files)


def _load(files: tuple[str, ...], storage_options: Mapping[str, Any] | None) -> Catalog:
    entries: dict[str, Entry] = {}
    aliases: dict[str, str] = {}
    retired: list[Mapping[str, str]] = []
    for file in files:
        document = parse(read(file, storage_options), file)
        new, names = build(document, file)
        for name in [*new, *names]:
            if name in entries or name in aliases:
                raise CatalogError(
                    "two entries of one name",
                    where=f"{file}, entry '{name}'",
                    found=f"it is also in {entries[aliases.get(name, name)].catalog}",
                    remedy="rename one of them",
                )
        entries |= new
        aliases |= names
        retired += [
            MappingProxyType(dict(item)) for item in document["metadata"].get("retired", [])
        ]
    return Catalog(MappingProxyType(entries), files, MappingProxyType(aliases), tuple(retired))


def _mentions(entry: Entry, text: str | None) -> bool:
    if text is None:
        return True
    parts = [entry.id, entry.title, entry.summary or "", entry.provider or ""]
    parts += [word for v in entry.variables for word in (v.name, v.standard_name, v.long_name)]
    return text.casefold() in "\n".join(parts).casefold()


def _has(entry: Entry, variable: str | None) -> bool:
    return variable is None or any(
        variable in (v.name, v.standard_name, v.long_name) for v in entry.variables
    )
