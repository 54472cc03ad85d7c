"""What a catalog knows of one data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from climcube.catalogs.schema import UNKNOWN
from climcube.errors import CatalogError, suggest

__all__ = ["OPENABLE", "Address", "Entry", "Variable"]

# Formats that `climcube.open` reads; the others are described, with what opens them.
OPENABLE = ("zarr", "icechunk", "netcdf", "opendap")


@dataclass(frozen=True)
class Variable:
    """One variable of a data set, as its catalog entry describes it."""

    name: str
    units: str
    standard_name: str = UNKNOWN
    long_name: str = UNKNOWN
    packing: str = UNKNOWN
    dims: tuple[str, ...] = ()
    dtype: str = UNKNOWN


@dataclass(frozen=True)
class Address:
    """One place where a data set lies.

    Attributes
    ----------
    name
        Name of the address in its catalog file.
    url
        URL, or absolute local path (which may hold the wildcards of a glob).
    format
        ``zarr``, ``icechunk``, ``netcdf``, ``opendap``; or one that climcube does not open:
        ``esm-table``, ``table``, ``files``, ``service``, ``toolbox``.
    storage_options
        Options for the file system: never a credential.
    group
        Group inside the store, or None.
    layout
        ``map`` (few times, whole maps a chunk), ``series`` (long times, small tiles) or
        ``unknown``.
    chunks
        Lengths by dimension, or lengths in the order of the dimensions, or ``unknown``.
    virtual
        Whether the chunks lie elsewhere, in the files of an archive.
    role
        What it is to the first address of its entry: ``mirror`` (the same bytes elsewhere),
        ``twin`` (the same values, cut otherwise), ``other`` (something else), or ``unknown``.
    version
        Of an Icechunk repository: branch, tag or snapshot that is meant.
    home
        Folder of the catalog file, below which a local path must lie.
    """

    name: str
    url: str
    format: str
    storage_options: dict[str, Any] = field(default_factory=dict)
    group: str | None = None
    layout: str = UNKNOWN
    chunks: dict[str, int] | list[int] | str = UNKNOWN
    region: str = UNKNOWN
    auth: str = UNKNOWN
    period: tuple[str, str] | None = None
    note: str | None = None
    virtual: bool = False
    role: str = UNKNOWN
    version: str | None = None
    home: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Entry:
    """One data set: what it is, where it lies, under which licence, and what to beware of.

    Facts that nobody established are ``"unknown"``. ``status`` is ``"unverified"`` until
    somebody opened an address from a machine of this project; ``evidence`` says how strong the
    evidence is: A shown working in a dated public document or listed by the owner, B listed in
    a maintained catalog or used in many public repositories, C known from one place.

    Examples
    --------
    >>> import climcube as cc
    >>> entry = cc.catalog()["demo"]
    >>> entry.title
    'Synthetic ocean: three years of daily sea surface temperature'
    >>> entry.variables[0].name, entry.variables[0].units, entry.calendar
    ('sst', 'degC', 'standard')
    """

    id: str
    title: str
    addresses: tuple[Address, ...]
    variables: tuple[Variable, ...]
    licence: str
    citation: str
    calendar: str
    chunks: dict[str, int] | list[int] | str
    status: str
    catalog: str
    summary: str | None = None
    provider: str | None = None
    doi: str | None = None
    period: tuple[str, str] | None = None
    cadence: str = UNKNOWN
    grid: str = UNKNOWN
    traps: tuple[str, ...] = ()
    evidence: str | None = None
    verified: str | None = None
    source: tuple[str, ...] = ()
    delay_days: int | None = None
    successor: str | None = None

    def address(self, layout: str | None = None) -> Address:
        """Return the first address that climcube can open, of this layout where there is one.

        Parameters
        ----------
        layout
            ``"map"`` or ``"series"``; None takes the first.

        Raises
        ------
        CatalogError
            climcube opens none of the addresses; the message says what they are.
        """
        able = [address for address in self.addresses if address.format in OPENABLE]
        if not able:
            first = self.addresses[0]
            raise CatalogError(
                "this entry is described, but climcube cannot open it",
                where=f"entry '{self.id}' of {self.catalog}",
                expected="an address in one of the formats " + ", ".join(OPENABLE),
                found=f"{first.format} at {first.url}",
                remedy=first.note or "open it by other means, or save what you need as Zarr",
            )
        fitting = (a for a in able if a.layout == layout and a.role != "other")
        return next(fitting, able[0])

    def copies(self, layout: str | None = None) -> tuple[Address, ...]:
        """Return the addresses that hold these data, in the order in which they are tried.

        First the one that `address` returns, then the others that climcube can open and that
        the entry calls a ``mirror`` or a ``twin`` of its first: of the same layout before those
        of another. An address whose role is not stated is in nobody's place: it may hold other
        data.

        Raises
        ------
        CatalogError
            climcube opens none of the addresses.
        """
        chosen = self.address(layout)
        same = [
            address
            for number, address in enumerate(self.addresses)
            if (number == 0 or address.role in ("mirror", "twin")) and address.format in OPENABLE
        ]
        if chosen not in same:
            return (chosen,)
        others = [address for address in same if address is not chosen]
        return (chosen, *sorted(others, key=lambda address: address.layout != chosen.layout))

    def named(self, name: str) -> Address:
        """Return the address of this name; ``ID@osn`` may be called ``osn``.

        Raises
        ------
        CatalogError
            The entry has no address of that name.
        """
        known = {address.name: address for address in self.addresses}
        short = {full.rpartition("@")[2]: address for full, address in known.items()}
        found = known.get(name) or short.get(name)
        if found is None:
            raise CatalogError(
                "no such address",
                where=f"entry '{self.id}' of {self.catalog}",
                found=repr(name),
                remedy=suggest(name, [*short]),
            )
        return found

    def to_stac(self) -> dict[str, Any]:
        """Return the entry as a STAC 1.0 collection: a plain dictionary, ready for JSON.

        Its addresses are the assets. What the entry does not state is left out, or null; the
        bounding box, which STAC demands and no entry states, is the whole Earth.

        Examples
        --------
        >>> import climcube as cc
        >>> found = cc.catalog()["demo"].to_stac()
        >>> found["type"], list(found["assets"]), found["cube:variables"]["sst"]["unit"]
        ('Collection', ['local'], 'degC')
        """
        from climcube.catalogs.stac import collection

        return collection(self)

    def show(self) -> str:
        """Return everything that is known of the entry, as text."""
        from climcube.catalogs.text import show_text

        return show_text(self)

    def __repr__(self) -> str:
        names = ", ".join(variable.name for variable in self.variables) or UNKNOWN
        return f"<Entry '{self.id}': {self.title}; variables: {names}; {self.status}>"

    def _repr_html_(self) -> str:
        from climcube.catalogs.html import entry_html

        return entry_html(self)
