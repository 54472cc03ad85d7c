"""Chunks that lie in files elsewhere: which places a store names, and which of them may be read.

A virtual cube refers to byte ranges of files. Whoever wrote it chose the addresses; whoever opens
it says which of them may be read. Where these are reached, and with which credentials, is never
taken from the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from climcube.errors import ParameterError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.versioned.repositories import (
    icechunk,
    repository_reporting,
    s3_arguments,
    settings_of,
    storage_of,
)

__all__ = ["Sources", "allowed", "homes_of", "location_of", "naming", "reading"]

Sources = bool | str | Iterable[str] | Mapping[str, Mapping[str, Any]]
_S3 = ("s3://", "s3a://")
_WEB = ("http://", "https://")
_STORE_KEYS = ("region", "endpoint_url", "allow_http", "force_path_style", "requester_pays")


def location_of(address: str) -> str:
    """Return the address of a file as it is written in references.

    >>> location_of("/data/raw/a.nc"), location_of("s3a://bucket/a.nc")
    ('file:///data/raw/a.nc', 's3://bucket/a.nc')
    """
    if address.startswith("s3a://"):
        return "s3://" + address.removeprefix("s3a://")
    if is_remote(address):
        return address
    return f"file://{os.path.abspath(address)}"


def homes_of(addresses: Iterable[str]) -> list[str]:
    """Return the folders that files lie in, one for each bucket or host: as narrow as may be.

    >>> homes_of(["/data/raw/1982/a.nc", "/data/raw/1983/b.nc", "s3://bucket/sst/c.nc"])
    ['file:///data/raw/', 's3://bucket/sst/']
    """
    folders: dict[str, list[str]] = {}
    for location in map(location_of, addresses):
        scheme, _, rest = location.partition("://")
        host, _, path = rest.partition("/")
        folders.setdefault(f"{scheme}://{host}", []).append(path.rpartition("/")[0])
    homes = []
    for root, paths in folders.items():
        distinct = sorted(set(paths))
        shared = os.path.commonpath([f"/{p}" for p in distinct]).strip("/")
        # The whole disk is nobody's folder of files: then each by itself.
        kept = [shared] if shared or root != "file://" else distinct
        homes += [f"{root}/{folder}/" if folder else f"{root}/" for folder in kept]
    return sorted(homes)


def naming(options: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what opens a repository so that references to these places can be written.

    Parameters
    ----------
    options
        Of the repository's own place.
    sources
        Folders, each with the options of its file system.
    """
    # Icechunk has one deadline for all that it reads: the shortest that is asked for.
    asked = [o["deadline"] for o in (options, *sources.values()) if o.get("deadline")]
    config = settings_of({**options, "deadline": min(asked, default=None)})
    authorize = {}
    for prefix, given in sources.items():
        container, access = _container(prefix, given)
        config.set_virtual_chunk_container(container)
        authorize[prefix] = access
    return {"config": config, "authorize": icechunk().containers_credentials(authorize)}


def reading(address: str, options: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """Return what opens a repository so that places it names, and the user allows, are read.

    Parameters
    ----------
    sources
        True: all that the repository names. Else folders, or paths; or a mapping of these to
        the options of their file systems. Of a store on S3, other places on S3 are reached in
        the same way where nothing else is said.

    Raises
    ------
    ParameterError
        The repository names no such place.
    """
    with repository_reporting("the versioned store cannot be opened", address):
        config = icechunk().Repository.fetch_config(storage_of(address, options))
    named = sorted(config.virtual_chunk_containers or {}) if config is not None else []
    usual = options if address.startswith(_S3) else {}
    return naming(options, allowed(named, sources, usual))


def allowed(
    named: Sequence[str], sources: Sources | None, usual: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Return the places that are named and allowed, with the options of their file systems.

    Parameters
    ----------
    named
        Folders that references lead to.
    sources
        What the user allows; see `reading`.
    usual
        Options for places on S3 for which nothing else is said.
    """
    if sources is True:
        given: dict[str, Mapping[str, Any]] = {prefix: {} for prefix in named}
    elif isinstance(sources, Mapping):
        given = {_prefix(k): v for k, v in sources.items()}
    elif not sources or isinstance(sources, bool):
        given = {}
    else:
        listed = [sources] if isinstance(sources, str) else sources
        given = {_prefix(item): {} for item in listed}
    chosen: dict[str, Mapping[str, Any]] = {}
    for prefix, own in given.items():
        known = own or (usual if prefix.startswith(_S3) else {})
        within = [place for place in named if place.startswith(prefix)]
        if not within and not any(prefix.startswith(place) for place in named):
            raise ParameterError(
                "the store does not refer to files there", where=f"sources={redact(prefix)!r}",
                expected=", ".join(named) or "nothing: the store refers to no other files",
            )  # fmt: skip
        chosen |= dict.fromkeys(within or [prefix], known)
    return chosen


def _prefix(place: str) -> str:
    return location_of(os.path.expanduser(os.fspath(place))).rstrip("/") + "/"


def _container(prefix: str, options: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return how a place is reached, and with which credentials, from storage options."""
    module = icechunk()
    if prefix.startswith("file://"):
        folder = prefix.removeprefix("file://")
        store, access = module.local_filesystem_store(folder), _access("LocalFileSystemAccess")
    elif prefix.startswith(_S3):
        known = s3_arguments(options)
        about = {key: known.pop(key) for key in _STORE_KEYS}
        store = module.s3_store(
            **about, anonymous=bool(known.get("anonymous")),
            s3_compatible=bool(about["endpoint_url"]),
        )  # fmt: skip
        access = module.s3_credentials(**known)
    elif prefix.startswith(_WEB):
        store, access = module.http_store(), _access("HttpAccess")
    else:
        raise ParameterError(
            "references cannot lead there", where=redact(prefix),
            expected="local files, s3://, http:// or https://",
        )  # fmt: skip
    return module.VirtualChunkContainer(prefix, store), access


def _access(name: str) -> Any:
    return getattr(icechunk().credentials, name)
