"""From a parsed catalog to entries: every reference and address checked, nothing opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from climcube.catalogs.entry import Address, Entry, Variable
from climcube.catalogs.rules import (
    check_group,
    check_options,
    home_of,
    reference,
    require_inert,
    resolve,
)
from climcube.catalogs.schema import FORMATS, NO_READER, READER, check, place
from climcube.errors import CatalogError, suggest

__all__ = ["build"]

_Node = Mapping[str, Any]
_TYPE = "intake.readers.datatypes:"
# Keys that Intake's data types take beside `url`; another one would fail only when opened.
_KWARGS: Mapping[str, tuple[str, ...]] = {
    _TYPE + "Zarr": ("storage_options", "root"),
    _TYPE + "HDF5": ("storage_options", "path"),
    _TYPE + "IcechunkRepo": ("storage_options", "root", "ref"),
    _TYPE + "OpenDAP": (),
    _TYPE + "Service": (),
    _TYPE + "FileData": ("storage_options", "root", "ref"),  # the last two: of a repository
}
_SPELLINGS = {"anonymous": "anon"}  # as Icechunk has it, and as s3fs has it
_PLACE = ("bucket", "prefix", "base_url")
_ADDRESS_FACTS = ("layout", "chunks", "region", "auth", "note", "virtual", "role")
# Formats that are a service somewhere, not bytes that might lie in a folder.
TOOLBOX = ("copernicusmarine:",)
_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "opendap": ("http://", "https://"),
    "service": ("http://", "https://"),
    "toolbox": TOOLBOX,
}


def build(document: Any, file: str) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return the entries of a catalog by id, and its aliases.

    Parameters
    ----------
    document
        What `climcube.catalogs.parsing.parse` made of the file.
    file
        Path or URL of the file: for messages, and for addresses relative to it.

    Raises
    ------
    CatalogError
        For the first thing that is not as the schema and the rules of addresses say.
    """
    if not isinstance(document, Mapping):
        raise CatalogError(
            "not a catalog",
            where=file,
            expected="a mapping with the key 'version: 2'",
            found=type(document).__name__,
        )
    require_inert(document, file)
    check(document, file)
    home = home_of(file)
    addresses = {name: _address(name, data, home, file) for name, data in document["data"].items()}
    entries = {
        name: _entry(name, node, addresses, document["metadata"], file)
        for name, node in document["entries"].items()
    }
    return entries, _aliases(document["aliases"], entries, file)


def _address(name: str, node: _Node, home: str, file: str) -> Address:
    kind, kwargs, facts = node["datatype"], node["kwargs"], node["metadata"]
    where = place(file, ("data", name, "kwargs", "url"))
    form = facts.get("format", FORMATS[kind][0])
    _check_keys(name, node, form, file)
    options = kwargs.get("storage_options", {})
    check_options(options, place(file, ("data", name, "kwargs", "storage_options")))
    group = kwargs.get("root") or kwargs.get("path")
    check_group(group, place(file, ("data", name, "kwargs", "root")))
    url = _icechunk_url(kwargs, where) if kind == _TYPE + "IcechunkRepo" else kwargs["url"]
    protocols = _PROTOCOLS.get(form, ())
    strange = url.startswith(TOOLBOX) and form != "toolbox"
    if strange or (protocols and not url.startswith(protocols)):
        raise CatalogError(
            "address and format do not fit",
            where=where,
            expected=" or ".join(protocols or ("a path", "a URL")) + f" for the format {form}",
            found=f"{url!r:.120}",
        )
    return Address(
        name=name,
        url=resolve(url, home, where),
        format=form,
        # Intake has the place of an Icechunk repository among its options; here it is in the URL.
        storage_options={_SPELLINGS.get(k, k): v for k, v in options.items() if k not in _PLACE},
        group=group,
        version=kwargs.get("ref"),
        home=home,
        period=_period(facts),
        **{key: facts[key] for key in _ADDRESS_FACTS if key in facts},
    )


def _check_keys(name: str, node: _Node, form: str, file: str) -> None:
    kind = node["datatype"]
    for key in node["kwargs"]:
        if key not in ("url", *_KWARGS.get(kind, ("storage_options",))):
            raise CatalogError(
                "key and data type do not fit",
                where=place(file, ("data", name, "kwargs", key)),
                found=f"{key} for {kind}",
            )
    if form not in FORMATS[kind]:
        raise CatalogError(
            "format and data type do not fit",
            where=place(file, ("data", name, "metadata", "format")),
            expected="one of " + ", ".join(FORMATS[kind]) + f" for {kind}",
            found=form,
        )


def _icechunk_url(kwargs: _Node, where: str) -> str:
    # Intake names the kind of storage here, and the place in the storage options.
    options = kwargs.get("storage_options", {})
    if kwargs["url"] == "s3" and {"bucket", "prefix"} <= set(options):
        return f"s3://{options['bucket']}/{options['prefix']}"
    if kwargs["url"] == "http" and "base_url" in options:
        return str(options["base_url"])
    raise CatalogError(
        "Icechunk storage not understood",
        where=where,
        expected="url 's3' with storage options bucket and prefix, or 'http' with base_url",
        found=f"url {kwargs['url']!r} with {', '.join(options) or 'none'}",
    )


def _entry(name: str, node: _Node, known: Mapping[str, Address], about: _Node, file: str) -> Entry:
    facts = node["metadata"]
    _check_reader(name, node, known, file)
    return Entry(
        id=name,
        catalog=file,
        addresses=tuple(known[address] for address in facts["addresses"]),
        variables=_variables(facts["variables"]),
        provider=facts.get("provider", about.get("provider")),
        period=_period(facts),
        traps=tuple(facts.get("traps", ())),
        source=tuple(facts.get("source", ())),
        **{
            key: facts[key]
            for key in (
                *("title", "licence", "citation", "calendar", "chunks", "status", "summary"),
                *("doi", "cadence", "grid", "evidence", "verified", "delay_days", "successor"),
            )
            if key in facts
        },
    )


def _variables(known: _Node | str) -> tuple[Variable, ...]:
    if isinstance(known, str):  # 'unknown'
        return ()
    return tuple(
        Variable(name, dims=tuple(facts.get("dims", ())), **_others(facts, "dims"))
        for name, facts in known.items()
    )


def _others(facts: _Node, name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def _check_reader(name: str, node: _Node, known: Mapping[str, Address], file: str) -> None:
    for number, address in enumerate(node["metadata"]["addresses"]):
        if address not in known:
            raise CatalogError(
                "an address that the catalog does not have",
                where=place(file, ("entries", name, "metadata", "addresses", str(number))),
                found=f"{address!r:.80}",
                remedy=suggest(address, known),
            )
    first = node["metadata"]["addresses"][0]
    argument = node["kwargs"]["args"][0]
    if reference(argument) != first:
        raise CatalogError(
            "Intake and climcube would open different addresses",
            where=place(file, ("entries", name, "kwargs", "args")),
            expected=f"'{{data({first})}}', the first of the entry's addresses",
            found=f"{argument!r:.80}",
        )
    wanted = READER if known[first].format in {"zarr", "netcdf", "opendap"} else NO_READER
    if node["reader"] != wanted and known[first].format != "icechunk":
        raise CatalogError(
            "reader and format do not fit",
            where=place(file, ("entries", name, "reader")),
            expected=f"{wanted} for the format {known[first].format}",
            found=node["reader"],
        )


def _aliases(aliases: _Node, entries: Mapping[str, Entry], file: str) -> dict[str, str]:
    for alias, target in aliases.items():
        if target not in entries:
            raise CatalogError(
                "an alias of an entry that the catalog does not have",
                where=place(file, ("aliases", alias)),
                found=f"{target!r:.80}",
                remedy=suggest(target, entries),
            )
        if alias in entries and alias != target:
            raise CatalogError(
                "an alias hides an entry",
                where=place(file, ("aliases", alias)),
                expected="a name that no entry has",
                found=repr(alias),
            )
    return {alias: target for alias, target in aliases.items() if alias != target}


def _period(facts: _Node) -> tuple[str, str] | None:
    period = facts.get("period")
    return None if period is None else (period["start"], period["end"])
