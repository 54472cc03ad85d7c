"""A collection of entries, and how it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from climcube.catalogs.building import build
from climcube.catalogs.composing import compose
from climcube.catalogs.entry import Entry
from climcube.catalogs.parsing import is_remote, parse, read
from climcube.catalogs.rules import PROTOCOLS
from climcube.catalogs.searching import Question, answers
from climcube.catalogs.spans import asked
from climcube.errors import CatalogError, ParameterError, require_choice, suggest
from climcube.options import get_option
from climcube.provenance import redact

if TYPE_CHECKING:
    from climcube.catalogs.findings import CheckReport

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
    hidden
        Entries of the shipped catalog that one of yours of the same name hides, and their files.
    unsaid
        Of a search: entries that do not say what was asked.
    """

    entries: Mapping[str, Entry]
    files: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    retired: tuple[Mapping[str, str], ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()

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

    def search(
        self,
        text: str | None = None,
        *,
        variable: str | None = None,
        period: tuple[str, str] | None = None,
        overlap: bool = False,
        layout: str | None = None,
        cadence: str | None = None,
        openable: bool = False,
        unknown: bool = False,
    ) -> Catalog:
        """Return the entries that answer a question, as a catalog.

        A fact that an entry does not state never counts as a yes. Entries that might answer,
        if they said more, are named in ``unsaid`` of the result, and counted where it is shown.

        Parameters
        ----------
        text
            Looked for in id, title, summary, provider, DOI and variables; upper and lower case
            alike.
        variable
            Name, standard name or long name of a variable.
        period
            First and last year, month or day (``("1991", "2020")``) that the data must cover.
            An end that the entry calls ``rolling`` is today, less its ``delay_days``.
        overlap
            Be content with data that share a day with the period.
        layout
            ``"maps"`` or ``"series"``: of one of its addresses.
        cadence
            As the entry writes it: ``"daily"``, ``"monthly"`` ...
        openable
            Only what `climcube.open` opens.
        unknown
            Return the entries that do not say, too.

        Raises
        ------
        ParameterError
            The period is none.

        Examples
        --------
        >>> import climcube as cc
        >>> found = cc.catalog().search(variable="sea_surface_temperature", period=("2000", "2001"))
        >>> found.ids(), "glorys12v1" in found.unsaid
        (['demo'], True)
        """
        span = None if period is None else _span(period)
        question = Question(text, variable, span, overlap, layout, cadence, openable)
        require_choice("layout", layout, (None, "maps", "series"))
        verdicts = {name: answers(entry, question) for name, entry in self.entries.items()}
        wanted = (True, None) if unknown else (True,)
        found = {name: e for name, e in self.entries.items() if verdicts[name] in wanted}
        aliases = {alias: name for alias, name in self.aliases.items() if name in found}
        unsaid = tuple(sorted(name for name, verdict in verdicts.items() if verdict is None))
        return Catalog(found, self.files, aliases, self.retired, self.hidden, unsaid)

    def check(
        self,
        *names: str,
        deadline: float = 60.0,
        threads: int = 16,
        storage_options: Mapping[str, Any] | None = None,
    ) -> CheckReport:
        """Ask every address whether the catalog is still right about it.

        Each is opened, its metadata and its axis of time read, and compared with what the entry
        states: variables, dimensions, units, types, calendar, chunks, period, and, of data that
        grow (a period that ends ``rolling``), how old the last day may be (``delay_days``).
        Addresses that climcube does not open are only asked whether they answer.

        Parameters
        ----------
        *names
            Entries to check; all where none is named.
        deadline
            Seconds after which the report is made: who has not answered by then is dead.
        threads
            How many are asked at once.
        storage_options
            For all of them, beside their own.

        Raises
        ------
        CatalogError
            No such entry. Nothing that a server does is an error: it is in the report.

        Examples
        --------
        >>> import climcube as cc
        >>> report = cc.catalog().check("demo")
        >>> report.ok, report.findings[0].last
        (True, '2002-12-31')
        """
        from climcube.catalogs.doctor import check_entries

        chosen = [self[name] for name in names] or list(self.entries.values())
        return check_entries(
            chosen, deadline=deadline, threads=threads, storage_options=storage_options,
            retired=self.retired,
        )  # fmt: skip

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


Source = str | os.PathLike[str] | Catalog


def catalog(
    path: Source | Sequence[Source] | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> Catalog:
    """Read a catalog: the shipped one, yours, or several as one.

    Nothing but the catalog files is opened. A catalog is data: it cannot run code, read the
    environment, carry a credential or name a local file outside its own folder.

    Parameters
    ----------
    path
        YAML file, folder of YAML files, or URL (``s3://bucket/catalog.yaml``): that catalog and
        no other. A list of such, and of catalogs that are open: all of them as one; two entries
        of one name are an error, except that yours hides one of the shipped catalog, which
        ``hidden`` of the result tells. None: the catalog that comes with climcube, together
        with those of the option ``catalogs``
        (``cc.set_options(catalogs=["s3://bucket/catalog.yaml"])``).
    storage_options
        For URLs: options of the file system, credentials for instance.

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
        mine = get_option("catalogs")
        shipped = _shipped(str(shipped_folder()))
        return _composed([*mine, shipped], storage_options) if mine else shipped
    if isinstance(path, Catalog):
        return path
    if isinstance(path, list | tuple):
        return _composed(path, storage_options)
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(
            "catalog not understood", expected="a path, a URL, a catalog, or a list of such",
            found=type(path).__name__,
        )  # fmt: skip
    return _read_one(os.fspath(path), storage_options)


def _read_one(address: str, storage_options: Mapping[str, Any] | None) -> Catalog:
    if "://" in address and address.partition("://")[0] not in PROTOCOLS:
        raise CatalogError(
            "protocol not allowed",
            where=redact(address),
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


def _composed(sources: Sequence[Source], storage_options: Mapping[str, Any] | None) -> Catalog:
    read_from = globals()["catalog"]
    parts: list[Catalog] = [read_from(one, storage_options=storage_options) for one in sources]
    (entries, aliases), hidden = compose(
        [(part.entries, part.aliases) for part in parts], str(shipped_folder())
    )
    files = tuple(dict.fromkeys(file for part in parts for file in part.files))
    retired = tuple(item for part in parts for item in part.retired)
    return Catalog(entries, files, aliases, retired, hidden)


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
    names = tuple(redact(file) for file in files)
    for address in files:
        # A catalog's own address may hold a password or a signature; what it is called does not.
        file = redact(address)
        document = parse(read(address, storage_options), file)
        new, others = build(document, file)
        for name in [*new, *others]:
            if name in entries or name in aliases:
                raise CatalogError(
                    "two entries of one name",
                    where=f"{file}, entry '{name}'",
                    found=f"it is also in {entries[aliases.get(name, name)].catalog}",
                    remedy="rename one of them",
                )
        entries |= new
        aliases |= others
        retired += [
            MappingProxyType(dict(item)) for item in document["metadata"].get("retired", [])
        ]
    return Catalog(MappingProxyType(entries), names, MappingProxyType(aliases), tuple(retired))


def _span(period: tuple[str, str]) -> tuple[str, str]:
    span = asked(period) if isinstance(period, tuple | list) and len(period) == 2 else None
    if span is None:
        raise ParameterError(
            "period not understood",
            where=f"period={period!r}",
            expected="first and last year, month or day, as ('1991', '2020')",
        )
    return span
