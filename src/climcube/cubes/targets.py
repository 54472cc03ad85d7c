"""What a user's target means: an address of files, of a store, or a catalog entry."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from climcube.catalogs.rules import require_inside
from climcube.errors import ParameterError, StoreError, StoreNotFoundError, suggest
from climcube.provenance import redact
from climcube.stores.addresses import is_remote, lasting
from climcube.stores.credentials import hidden_address, hidden_options
from climcube.stores.files.selfcontained import require_self_contained
from climcube.stores.filesystems import file_system, reporting
from climcube.stores.redirects import staying
from climcube.stores.versioned.repositories import is_repository
from climcube.stores.versioned.snapshots import Version

__all__ = ["Source", "resolve"]

_WILDCARDS = frozenset("*?[")
_LAYOUT_IN_CATALOG = {"series": "series", "maps": "map"}
_NETCDF_SUFFIXES = (".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".hdf5")
_REFERENCES = ".json"
_ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")


@dataclass(frozen=True)
class Source:
    """Where the bytes are.

    Attributes
    ----------
    kind
        ``"zarr"`` (which may keep versions), ``"icechunk"`` (which does), ``"netcdf"``,
        ``"references"`` (kerchunk's JSON) or ``"opendap"``.
    addresses
        One store, or the files in the order of their names.
    label
        The target as the user wrote it, without credentials.
    options
        Storage options of the file system.
    facts
        Catalog entry, version ... for the provenance.
    group
        Group that the entry names, if it does.
    version
        Version of a versioned store that the entry names, if it does.
    name
        Name of the address in its catalog, where it comes from one.
    others
        Names of the entry's other copies, in order, and what makes their sources.
    failures
        Addresses tried before, and why they were left.
    """

    kind: str
    addresses: tuple[str, ...]
    label: str
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str | None] = field(default_factory=dict)
    group: str | None = None
    version: Version | None = None
    name: str | None = None
    others: tuple[tuple[str, Callable[[], Source]], ...] = ()
    failures: tuple[tuple[str, StoreError], ...] = ()


def resolve(
    target: Any,
    *,
    storage_options: Mapping[str, Any] | None = None,
    catalog: Any = None,
    layout: str | None = None,
) -> Source:
    """Find out what a target is; nothing is opened but the first bytes of a local file.

    In this order: a list of files and patterns; an address (``scheme://...``); an existing
    path; a pattern of paths; the id of an entry of the shipped catalog. With ``catalog`` given,
    its entries come first. Of an entry with several addresses the one that suits ``layout`` is
    taken, and its copies stand by (`climcube.cubes.mirrors`); ``ID@NAME`` is that address and
    no other.

    Raises
    ------
    StoreNotFoundError
        The target is none of these; the message names near entries.
    StoreError
        It is neither netCDF nor Zarr.
    """
    options = hidden_options(storage_options)
    if isinstance(target, list | tuple):
        return _from_list(target, options)
    if not isinstance(target, str | os.PathLike):
        raise ParameterError(
            "target not understood",
            expected="a path, an address, a list of netCDF files or a catalog entry",
            found=type(target).__name__,
        )
    text = os.path.expanduser(os.fspath(target))
    if catalog is not None:
        known = _catalog(catalog)
        if text.partition("@")[0] in known:
            return _from_entry(known, text, layout, options)
    try:
        return resolve_address(text, options)
    except StoreNotFoundError:
        if isinstance(target, os.PathLike) or is_remote(text) or _WILDCARDS & set(text):
            raise
    known = _catalog(catalog)
    if text.partition("@")[0] not in known:
        raise _unknown(text, known)
    return _from_entry(known, text, layout, options)


def resolve_address(text: str, options: dict[str, Any]) -> Source:
    """Find out what a path, pattern or address is."""
    if is_remote(text):
        return _from_url(text, options)
    if os.path.exists(text):
        return Source(_kind_of_path(text), (lasting(text),), text, options)
    if _WILDCARDS & set(text):
        return _from_list(_matching(text, options), options, pattern=text)
    raise StoreNotFoundError("no such file or store", where=text)


def _from_list(paths: Iterable[Any], options: dict[str, Any], pattern: str | None = None) -> Source:
    named = [os.path.expanduser(os.fspath(path)) for path in paths]
    if not pattern and any(_is_pattern(text) for text in named):
        parts = [_matching(t, options) if _is_pattern(t) else [t] for t in named]
        for text, part in zip(named, parts, strict=True):
            if not part:
                raise _nothing_matches(text)
        # A file that two patterns match is meant once.
        named = list(dict.fromkeys(file for part in parts for file in part))
    files = tuple(named)
    if not files:
        if pattern:
            raise _nothing_matches(pattern)
        raise StoreNotFoundError("the list of files is empty", expected="at least one netCDF file")
    for file in files:
        if not is_remote(file) and not os.path.exists(file):
            raise StoreNotFoundError("no such file", where=file)
        if (_kind_of_url(file, options) if is_remote(file) else _kind_of_path(file)) != "netcdf":
            raise StoreError(
                "not a netCDF file",
                where=redact(file),
                expected="netCDF files in a list or pattern",
                remedy="open a Zarr store alone, by its own path",
            )
    label = pattern or (files[0] if len(files) == 1 else f"{files[0]} ... {files[-1]}")
    hidden = tuple(hidden_address(lasting(file)) for file in files)
    return Source("netcdf", hidden, redact(label), options, {"files": str(len(files))})


def _from_url(text: str, options: dict[str, Any]) -> Source:
    if _is_pattern(text):
        return _from_list(_matching(text, options), options, pattern=text)
    return Source(_kind_of_url(text, options), (hidden_address(text),), redact(text), options)


def _is_pattern(text: str) -> bool:
    """Whether a path or address stands for others: a file may have a wildcard in its own name."""
    if not is_remote(text):
        return bool(_WILDCARDS & set(text)) and not os.path.exists(text)
    # The question mark of a web address begins its query.
    return bool(
        _WILDCARDS & set(redact(text) if text.startswith(("http://", "https://")) else text)
    )


def _matching(pattern: str, options: Mapping[str, Any]) -> list[str]:
    """Return the files that a pattern means, in the order of their names."""
    if not is_remote(pattern):
        return sorted(glob.glob(pattern, recursive=True))
    with reporting("cannot list", pattern):
        system, path = file_system(pattern, options)
        return sorted(system.unstrip_protocol(p) for p in system.glob(path))


def _kind_of_url(text: str, options: Mapping[str, Any]) -> str:
    path = redact(text).rstrip("/").lower()
    if path.endswith(_REFERENCES):
        return "references"
    return "netcdf" if path.endswith(_NETCDF_SUFFIXES) else "zarr"


def _kind_of_path(text: str) -> str:
    path = Path(text)
    if path.is_dir():
        if any((path / mark).exists() for mark in _ZARR_MARKS) or is_repository(text):
            return "zarr"
        inside = [p.name for p in path.iterdir() if p.suffix.lower() in _NETCDF_SUFFIXES]
        raise StoreError(
            "a folder, not a Zarr store",
            where=text,
            expected="a zarr.json or .zgroup in it",
            found=f"{len(inside)} netCDF files" if inside else "no data that climcube knows",
            remedy=f"open its files with cc.open('{path}/*{Path(inside[0]).suffix}')"
            if inside
            else None,
        )
    if path.exists() and not path.is_file():  # to look into a pipe is to wait for its other end
        raise StoreError("not a file", where=text, expected="netCDF or a Zarr store")
    try:
        with open(path, "rb") as file:
            head = file.read(8)
    except OSError as error:
        raise StoreError("cannot be read", where=text, found=_reason(error)) from error
    if head.startswith((b"CDF", b"\x89HDF\r\n\x1a\n")) or path.suffix.lower() in _NETCDF_SUFFIXES:
        return "netcdf"
    if path.suffix.lower() == _REFERENCES and head.lstrip().startswith(b"{"):
        return "references"
    raise StoreError(
        "not a format that climcube opens",
        where=text,
        expected="netCDF or a Zarr store",
        found=f"a file that starts with {head!r}" if head else "an empty file",
    )


def _nothing_matches(pattern: str) -> StoreNotFoundError:
    return StoreNotFoundError(
        "no file matches", where=redact(pattern), expected="at least one netCDF file",
        found=_near_folder(pattern),
    )  # fmt: skip


def _near_folder(pattern: str) -> str | None:
    if is_remote(pattern):
        return None
    folder = Path(pattern)
    while _WILDCARDS & set(str(folder)):
        folder = folder.parent
    if not folder.is_dir():
        return f"no folder '{folder}'"
    count = sum(1 for _ in folder.iterdir())
    return f"{count} other item{'s' * (count != 1)} in '{folder}'"


def _reason(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return first[0] if first else type(error).__name__


def _from_entry(known: Any, text: str, layout: str | None, options: dict[str, Any]) -> Source:
    name, _, address = text.partition("@")
    entry = known[name]
    if address:
        return _from_address(entry, entry.named(address), options)
    copies = entry.copies(_LAYOUT_IN_CATALOG.get(layout or ""))
    # What the user passes, credentials perhaps, is meant for the host of the first address.
    home = _host(copies[0], options)
    return first_made(
        (
            copy.name,
            partial(_from_address, entry, copy, options if _host(copy, options) == home else {}),
        )
        for copy in copies
    )


def first_made(makers: Iterable[tuple[str, Callable[[], Source]]]) -> Source:
    """Return the first source that can be made; the ones behind it stand by."""
    waiting = list(makers)
    failures: list[tuple[str, StoreError]] = []
    while True:
        name, make = waiting.pop(0)
        try:
            return replace(make(), others=tuple(waiting), failures=tuple(failures))
        except StoreError as error:
            if not waiting:
                raise
            failures.append((name, error))


def _from_address(entry: Any, address: Any, options: Mapping[str, Any]) -> Source:
    facts = {"entry": entry.id, "catalog": redact(entry.catalog), "doi": entry.doi}
    facts["address_name"] = address.name
    # A server must not lead from an address that was checked to one that was not.
    merged = staying(address.url, {**address.storage_options, **options})
    if address.format == "opendap":
        found = Source("opendap", (address.url,), redact(address.url), merged)
    elif address.format == "icechunk":
        found = Source("icechunk", (address.url,), redact(address.url), merged)
    else:
        found = resolve_address(address.url, merged)
        if address.home and not is_remote(address.url):
            require_inside(found.addresses, address.home, f"entry '{entry.id}'")
        if found.kind == "netcdf" and len(found.addresses) > 1 and not is_remote(address.url):
            for file in found.addresses:  # a single one, or a remote one, is looked at when read
                require_self_contained(file, file)
        if found.kind != address.format:
            raise StoreError(
                "the entry's address holds another format", where=f"entry '{entry.id}'",
                expected=address.format, found=f"{found.kind} at {found.label}",
            )  # fmt: skip
    facts = {**found.facts, **facts}
    version = getattr(address, "version", None)
    return replace(found, facts=facts, group=address.group, version=version, name=address.name)


def _host(address: Any, options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what credentials are given to: the host, or the endpoint and the bucket."""
    given = {**address.storage_options, **options}
    endpoint = given.get("endpoint_url") or given.get("client_kwargs", {}).get("endpoint_url")
    own = address.storage_options
    theirs = own.get("endpoint_url") or own.get("client_kwargs", {}).get("endpoint_url")
    scheme, _, rest = address.url.partition("://")
    return scheme, theirs or endpoint, rest.partition("/")[0]


def _catalog(given: Any) -> Any:
    from climcube.catalogs import Catalog, catalog

    return given if isinstance(given, Catalog) else catalog(given)


def _unknown(text: str, known: Any) -> StoreNotFoundError:
    """Return the error that names all that was tried."""
    near = suggest(text, [*known, *known.aliases])
    return StoreNotFoundError(
        "no such file, store or catalog entry",
        where=repr(text),
        expected="a path that exists, an address (s3://...), or the id of an entry",
        remedy=f"{near} (cc.catalog() lists all entries)",
    )
