"""Writing catalogs: validated before anything is written, and replaced in one step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from climcube.catalogs.building import build
from climcube.catalogs.parsing import is_remote, parse, read
from climcube.catalogs.rules import CATALOG_DIR
from climcube.catalogs.schema import NO_READER, READER, UNKNOWN
from climcube.errors import CatalogError, suggest

__all__ = ["write_catalog", "write_entry"]

_TYPE = "intake.readers.datatypes:"
_TYPES = {
    "zarr": _TYPE + "Zarr",
    "netcdf": _TYPE + "HDF5",
    "opendap": _TYPE + "OpenDAP",
    "icechunk": _TYPE + "IcechunkRepo",
    "esm-table": _TYPE + "JSONFile",
    "table": _TYPE + "CSV",
    "files": _TYPE + "FileData",
    "service": _TYPE + "Service",
    "toolbox": _TYPE + "Service",
}
# Formats that Intake's xarray reader reads. It is not told the engine: it finds it by the data
# type, and told one it would forget the group.
_READ = ("zarr", "netcdf", "opendap", "icechunk")
_MANDATORY = {
    "licence": UNKNOWN,
    "citation": UNKNOWN,
    "calendar": UNKNOWN,
    "chunks": UNKNOWN,
    "status": "unverified",
    "variables": UNKNOWN,
}
_ADDRESS_KEYS = ("layout", "chunks", "region", "auth", "period", "note", "virtual", "role")


class _Dumper(yaml.SafeDumper):
    """Writes every value out: climcube's catalogs have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_entry(
    path: str | os.PathLike[str], name: str, *, overwrite: bool = False, **fields: Any
) -> Path:
    """Add one entry to a catalog file, which is made if it does not exist.

    The whole new file is validated first and then put in place in one step: a reader sees the
    old file or the new one. Comments in the file are lost.

    Parameters
    ----------
    path
        Local catalog file.
    name
        Id of the entry.
    overwrite
        Replace an entry of that name.
    **fields
        ``address`` (path or URL) or ``addresses`` (a list of such, or of mappings with ``url``,
        ``format``, ``storage_options``, ``group``, ``version``, ``layout``, ``chunks``,
        ``region``, ``auth``, ``period``, ``note``, ``virtual``, ``role``); ``title``,
        ``variables`` (by name:
        ``{"units": ...}``), ``licence``, ``citation``, ``calendar``, ``chunks`` and the other facts
        of `Entry`. Facts left out are written as ``unknown``. ``consolidated`` tells Intake's
        reader whether a Zarr store has consolidated metadata. Local paths start from the working
        directory and must lie below the folder of the catalog file.

    Returns
    -------
    Path
        The catalog file.

    Raises
    ------
    CatalogError
        The entry exists, or the catalog would not be valid; nothing is written then.

    Examples
    --------
    >>> import tempfile, climcube as cc
    >>> from climcube.catalogs import write_entry
    >>> folder = tempfile.mkdtemp()
    >>> file = write_entry(folder + "/catalog.yaml", "mine", address=folder + "/mine.zarr",
    ...                    title="My cube", variables={"sst": {"units": "degC"}})
    >>> cc.catalog(file)["mine"].variables[0].units
    'degC'
    """
    file = _local_file(path)
    if file.exists():
        document = parse(read(str(file)), str(file))
        entries, _ = build(document, str(file))
        if name in entries and not overwrite:
            raise CatalogError(
                "the catalog has an entry of that name",
                where=f"{file}, entry '{name}'",
                remedy="pass overwrite=True, or choose another name",
            )
        _remove(document, name)
    else:
        document = _empty({})
    _add(document, name, fields, file)
    _write(document, file)
    return file


def write_catalog(
    path: str | os.PathLike[str],
    entries: Mapping[str, Mapping[str, Any]],
    *,
    overwrite: bool = False,
    aliases: Mapping[str, str] | None = None,
    **about: Any,
) -> Path:
    """Write a catalog file with these entries, by id; fields as in `write_entry`.

    Parameters
    ----------
    path
        Local catalog file.
    entries
        Fields of each entry.
    overwrite
        Replace an existing file.
    aliases
        Other names of entries.
    **about
        ``title``, ``summary``, ``provider``, ``retired`` of the catalog itself.

    Raises
    ------
    CatalogError
        The file exists, or the catalog would not be valid; nothing is written then.
    """
    file = _local_file(path)
    if file.exists() and not overwrite:
        raise CatalogError("the catalog file exists", where=str(file), remedy="pass overwrite=True")
    document = _empty(about)
    for name, fields in entries.items():
        _add(document, name, fields, file)
    document["aliases"] |= dict(aliases or {})
    _write(document, file)
    return file


def _local_file(path: str | os.PathLike[str]) -> Path:
    address = os.fspath(path)
    if is_remote(address) or not address.endswith((".yaml", ".yml")):
        raise CatalogError(
            "not a catalog file to write to",
            where=address,
            expected="a local file that ends in .yaml or .yml",
        )
    return Path(address.removeprefix("file://"))


def _empty(about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": 2,
        "metadata": {"climcube_schema": 1} | dict(about),
        "user_parameters": {},
        "aliases": {},
        "entries": {},
        "data": {},
    }


def _remove(document: dict[str, Any], name: str) -> None:
    entry = document["entries"].pop(name, None)
    if entry is None:
        return
    used = {a for e in document["entries"].values() for a in e["metadata"]["addresses"]}
    for address in entry["metadata"]["addresses"]:
        if address not in used:
            document["data"].pop(address, None)


def _add(document: dict[str, Any], name: str, fields: Mapping[str, Any], file: Path) -> None:
    facts = _MANDATORY | dict(fields)
    single, several = facts.pop("address", None), facts.pop("addresses", None)
    if (single is None) == (several is None):
        raise CatalogError(
            "an entry has one address, or a list of addresses",
            where=f"{file}, entry '{name}'",
            expected="address= or addresses=",
            found="both" if single is not None else "neither",
        )
    consolidated = facts.pop("consolidated", None)
    names = _add_addresses(document, name, [single] if several is None else several, file)
    first = document["data"][names[0]]
    form = first["metadata"]["format"]
    kwargs: dict[str, Any] = {"args": ["{data(" + names[0] + ")}"]}
    read = form in _READ and first["datatype"] != _TYPES["files"]
    if read:
        kwargs["chunks"] = {}  # without it Intake's reader gives no Dask arrays
    if consolidated is not None:
        kwargs["consolidated"] = consolidated
    if "*" in first["kwargs"]["url"] or "?" in first["kwargs"]["url"]:
        kwargs["combine"] = "by_coords"
    document["entries"][name] = {
        "reader": READER if read else NO_READER,
        "kwargs": kwargs,
        "output_instance": "xarray:Dataset" if read else None,
        "metadata": _ordered(facts | {"addresses": names}),
        "user_parameters": {},
    }
    # Intake lists aliases, not entries.
    document["aliases"][name] = name


def _add_addresses(
    document: dict[str, Any], name: str, items: Sequence[Any], file: Path
) -> list[str]:
    names = []
    for number, item in enumerate(items, 1):
        address = dict(item) if isinstance(item, Mapping) else {"url": os.fspath(item)}
        label = f"{name}@{address.pop('name', number)}"
        document["data"][label] = _data(address, file, f"{file}, entry '{name}', address {number}")
        names.append(label)
    if not names:
        raise CatalogError("an entry without an address", where=f"{file}, entry '{name}'")
    return names


def _data(address: dict[str, Any], file: Path, where: str) -> dict[str, Any]:
    known = ("url", "format", "storage_options", "group", "version", *_ADDRESS_KEYS)
    for key in address:
        if key not in known:
            raise CatalogError(
                "unknown key of an address", where=f"{where}, key '{key}'",
                remedy=suggest(key, known),
            )  # fmt: skip
    url = str(address.get("url", ""))
    form = address.get("format") or _format_of(url)
    if form not in _TYPES:
        raise CatalogError(
            "unknown format of an address", where=where, found=repr(form),
            remedy=suggest(str(form), _TYPES),
        )  # fmt: skip
    options = dict(address.get("storage_options") or {})
    kwargs: dict[str, Any] = {"url": _written(url, file, where)}
    # Intake's own type has no local path that moves with its catalog.
    local = form == "icechunk" and "://" not in kwargs["url"]
    if form == "icechunk" and not local:
        kwargs["url"], options = _icechunk(url, options)
    if options:
        kwargs["storage_options"] = options
    if address.get("group"):
        kwargs["path" if form == "netcdf" else "root"] = address["group"]
    if address.get("version"):
        kwargs["ref"] = address["version"]
    facts = {key: address[key] for key in _ADDRESS_KEYS if address.get(key) is not None}
    return {
        "datatype": _TYPES["files" if local else form],
        "kwargs": kwargs,
        "metadata": {"format": form} | facts,
        "user_parameters": {},
    }


def _icechunk(url: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    # Intake wants the name of the storage here, and the place among its options.
    if not url.startswith("s3://"):
        return "http", {"base_url": url} | options
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return "s3", {"bucket": bucket, "prefix": prefix} | options


def _format_of(url: str) -> str:
    name = url.rstrip("/")
    if name.endswith(".icechunk"):
        return "icechunk"
    return "netcdf" if name.endswith((".nc", ".nc4", ".h5")) else "zarr"


def _written(url: str, file: Path, where: str) -> str:
    if ("://" in url and not url.startswith("file://")) or url.startswith("copernicusmarine:"):
        return url
    if url.startswith(CATALOG_DIR):
        return url
    home = os.path.realpath(file.parent)
    inside = os.path.relpath(os.path.realpath(url.removeprefix("file://")), home)
    if not url or inside.split(os.sep)[0] in {os.pardir, os.curdir}:
        raise CatalogError(
            "the store lies outside the folder of the catalog file",
            where=where,
            expected=f"a path below {home}",
            found=repr(url),
            remedy="write the catalog beside the store, or above it",
        )
    return CATALOG_DIR + inside.replace(os.sep, "/")


def _ordered(facts: dict[str, Any]) -> dict[str, Any]:
    order: Sequence[str] = (
        "title", "summary", "provider", "licence", "citation", "doi", "status", "evidence",
        "verified", "period", "cadence", "delay_days", "successor", "grid", "calendar", "chunks",
        "variables", "addresses", "traps", "source",
    )  # fmt: skip
    known = {key: facts[key] for key in order if facts.get(key) is not None}
    return known | {key: value for key, value in facts.items() if key not in order}


def _write(document: dict[str, Any], file: Path) -> None:
    try:
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    except yaml.YAMLError as error:
        raise CatalogError(
            "a value that a catalog cannot hold", where=str(file), found=str(error)[:120]
        ) from None
    build(parse(text, str(file)), str(file))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise CatalogError(
            "catalog file cannot be written", where=str(file), found=error.strerror
        ) from error
