"""Open and create Icechunk repositories: where a store keeps all its versions.

Addresses and storage options are those of every other store. Icechunk brings its own client;
here it gets the same deadline, the same errors and the same way to credentials: by name, from
the places where they are usually kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from climcube.errors import (
    ClimcubeError,
    ConflictError,
    IntegrityError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
    require_module,
)
from climcube.options import get_option
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.beginnings import LOCK, barely_begun, names_below
from climcube.stores.filesystems import file_system, own_error, reporting
from climcube.stores.s3.options import DEADLINE, s3_options
from climcube.stores.versioned.conditions import require_conditional_writes

__all__ = [
    "LOCK",
    "damage_of",
    "icechunk",
    "is_icechunk_error",
    "is_repository",
    "is_write_error",
    "local_path",
    "open_repository",
    "repository_reporting",
    "require_clean",
    "s3_arguments",
    "settings_of",
    "storage_of",
    "translated",
]

_CREDENTIALS = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "for public data pass storage_options={'anon': True}"
)
# Kept as long as the process: what `memory://` names are, for tests and examples.
_memory: dict[str, Any] = {}


def icechunk() -> ModuleType:
    """Import Icechunk, whose remarks on its own settings users need not read."""
    module = require_module("icechunk", "versions")
    if "ICECHUNK_LOG" not in os.environ:
        module.set_logs_filter("off")  # what matters is raised
    return module


def is_repository(address: str, options: Mapping[str, Any] | None = None) -> bool:
    """Whether an Icechunk repository is there; asks for one or two names, opens nothing."""
    if address.startswith("memory://"):
        return _memory_name(address) in _memory
    path = local_path(address)
    if path is not None:
        # Also one that lost its file of versions: opening it says so.
        marked = (path / "snapshots").is_dir() and (
            (path / "transactions").is_dir() or (path / "refs").is_dir()
        )
        return marked and ((path / "repo").exists() or not barely_begun(names_below(path)))
    with reporting("the store cannot be looked at", address):
        system, root = file_system(address, _plain(options or {}))
        root = root.rstrip("/")
        # The first is Icechunk 2, the second Icechunk 1.
        marks = (f"{root}/repo", f"{root}/refs/branch.main/ref.json")
        return any(system.exists(mark) for mark in marks)


def open_repository(
    address: str,
    options: Mapping[str, Any] | None = None,
    *,
    create: bool = False,
    authorize: Mapping[str, Any] | None = None,
    config: Any = None,
) -> Any:
    """Open the repository at an address; with ``create`` make it where there is none.

    Parameters
    ----------
    address, options
        Of the store, as everywhere; of S3: ``key``, ``secret``, ``token``, ``anon``,
        ``profile``, ``endpoint_url``, ``region``, ``client_kwargs``, ``requester_pays``,
        ``deadline``.
    authorize
        Locations of virtual chunks that may be read, with Icechunk's credentials for them;
        default none.
    config
        Icechunk's configuration instead of ours.

    Raises
    ------
    StoreNotFoundError
        There is no versioned store, and none is to be made.
    StoreError
        It cannot be reached, or is in the way of a new one.
    DependencyError
        The extra ``versions`` is not installed.
    """
    module = icechunk()
    given = dict(options or {})
    with repository_reporting("the versioned store cannot be opened", address):
        storage = storage_of(address, given, create=create)
        settings = {
            "config": config or settings_of(given),
            "authorize_virtual_chunk_access": dict(authorize) if authorize else None,
        }
        if create and not module.Repository.exists(storage, _settings(given)):
            try:
                # Our lock may lie in the folder already; what else does is in the way.
                require_clean(address, given)
                if address.startswith(("s3://", "s3a://")):
                    require_conditional_writes(address, _plain(given))
                return module.Repository.create(storage, check_clean_root=False, **settings)
            except (StoreError, module.IcechunkError):
                # Unless another process made it just now.
                if not module.Repository.exists(storage, _settings(given)):
                    raise
        return module.Repository.open(storage, **settings)


def storage_of(address: str, options: Mapping[str, Any], *, create: bool = False) -> Any:
    """Return Icechunk's description of a place, from ours."""
    module = icechunk()
    path = local_path(address)
    if path is not None:
        if not create and not path.is_dir():
            raise StoreNotFoundError("no versioned store", where=str(path), found="nothing there")
        return module.local_filesystem_storage(str(path.absolute()))
    scheme = address.partition("://")[0]
    if scheme == "memory":
        name = _memory_name(address)
        if create:
            _memory.setdefault(name, module.in_memory_storage())
        if name not in _memory:
            raise StoreNotFoundError("no versioned store", where=address, found="nothing there")
        return _memory[name]
    if scheme in ("http", "https"):
        return module.http_storage(address.rstrip("/"))
    if scheme in ("s3", "s3a"):
        bucket, _, prefix = address.partition("://")[2].rstrip("/").partition("/")
        if "@" in bucket or not bucket:
            raise ParameterError(
                "address of a versioned store not understood", where=redact(address),
                expected="s3://bucket/name; credentials go into storage_options",
            )  # fmt: skip
        return module.s3_storage(bucket=bucket, prefix=prefix or None, **s3_arguments(options))
    raise StoreError(
        "versioned stores cannot lie there", where=redact(address),
        expected="a path, s3://, or (to read) https://", found=f"{scheme}://",
    )  # fmt: skip


def s3_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `icechunk.s3_storage` takes, from storage options as s3fs takes them."""
    known = s3_options(_plain(options))
    client = dict(known.get("client_kwargs") or {})
    usual = _usual(known.get("profile"))
    endpoint = known.get("endpoint_url") or client.get("endpoint_url") or usual["endpoint_url"]
    region = client.get("region_name") or usual["region"]
    return {
        # Other servers than Amazon's have no region, but a request must name one.
        "region": region or "us-east-1",
        "endpoint_url": endpoint,
        "allow_http": bool(endpoint and endpoint.startswith("http://")),
        "force_path_style": bool(endpoint),
        "requester_pays": bool(known.get("requester_pays")),
        **_credentials(known),
    }


def _usual(profile: str | None) -> dict[str, str | None]:
    """Return region and endpoint as the Amazon tools find them: environment, then their file."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    surroundings = os.environ.get
    session = Session(profile=profile)
    try:
        region, file = session.get_config_variable("region"), session.get_scoped_config()
    except BotoCoreError as error:
        raise StoreError(
            "no credentials", where="s3://", found=redact(str(error)), remedy=_CREDENTIALS
        ) from error
    endpoint = surroundings("AWS_ENDPOINT_URL_S3") or surroundings("AWS_ENDPOINT_URL")
    return {
        "region": surroundings("AWS_REGION") or region,
        "endpoint_url": endpoint or file.get("endpoint_url"),
    }


def _credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    """Say where credentials come from; only those that were handed in are handed on."""
    if options.get("anon"):
        return {"anonymous": True}
    if options.get("key"):
        # Called when they are needed: Icechunk's sessions are pickled, and hold what was given.
        given = [options.get(name) for name in ("key", "secret", "token")]
        return {"get_credentials": partial(_of_options, *given)}
    if options.get("profile"):
        return {"get_credentials": partial(_of_profile, str(options["profile"]))}
    return {"from_env": True}


def _of_options(key: str | None, secret: str | None, token: str | None) -> Any:
    """Hand on what was handed in; in another process, where it is not known, look for its own."""
    if not key or not secret:
        return _of_profile(None)
    return icechunk().S3StaticCredentials(
        access_key_id=key, secret_access_key=secret, session_token=token or None
    )


def _of_profile(name: str | None) -> Any:
    """Look a profile's credentials up where the Amazon tools keep them."""
    from botocore.session import Session

    found = Session(profile=name).get_credentials()
    if found is None:
        where = f"profile '{name}'" if name else "s3://"
        raise StoreError("no credentials", where=where, remedy=_CREDENTIALS)
    frozen = found.get_frozen_credentials()
    return icechunk().S3StaticCredentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
    )


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return storage options in one spelling, without what Intake's entries add to say where."""
    spelled = {"anonymous": "anon"}
    placed = {"bucket", "prefix", "base_url", "path"}
    return {spelled.get(k, k): v for k, v in options.items() if k not in placed}


def settings_of(options: Mapping[str, Any]) -> Any:
    """Return Icechunk's configuration, from storage options and ours."""
    return icechunk().RepositoryConfig(
        max_concurrent_requests=get_option("s3_concurrency"), storage=_settings(options)
    )


def _settings(options: Mapping[str, Any]) -> Any:
    """Return settings under which a request is repeated, and fails, within one deadline."""
    module = icechunk()
    deadline = float(options.get("deadline") or DEADLINE)
    return module.StorageSettings(
        retries=module.StorageRetriesSettings(
            max_tries=8, initial_backoff_ms=200, max_backoff_ms=8000
        ),
        timeouts=module.StorageTimeoutSettings(
            connect_timeout_ms=5000,
            read_timeout_ms=15000,
            operation_timeout_ms=int(1000 * deadline),
        ),
    )


def local_path(address: str) -> Path | None:
    """Return the path of a store on this machine; None for one elsewhere."""
    if is_remote(address) and not address.startswith("file://"):
        return None
    return Path(address.removeprefix("file://"))


def _memory_name(address: str) -> str:
    return address.removeprefix("memory://").strip("/")


def require_clean(address: str, options: Mapping[str, Any]) -> None:
    """Refuse a place that holds something else than the beginning of a versioned store."""
    path = local_path(address)
    if path is not None:
        taken = not barely_begun(names_below(path)) or (path.exists() and not path.is_dir())
    elif address.startswith("memory://"):
        taken = False
    else:
        system, root = file_system(address, _plain(options))
        system.invalidate_cache()
        names = [str(name) for name in system.find(root)] if system.exists(root) else []
        taken = not barely_begun(names)
    if taken:
        raise StoreError(
            "something else is there, no versioned store", where=redact(address),
            remedy="it is never replaced: pass another target",
        )  # fmt: skip


def damage_of(error: BaseException, where: str) -> IntegrityError | None:
    """Return what an error of Icechunk says of lost or damaged objects; None for any other."""
    own = translated(error, "", where) if is_icechunk_error(error) else None
    return own if isinstance(own, IntegrityError) else None


def is_icechunk_error(error: BaseException) -> bool:
    """Whether Icechunk raised this; true without importing it."""
    return any(c.__name__ == "IcechunkError" for c in type(error).__mro__)


def is_write_error(error: BaseException) -> bool:
    """Whether the disk, or what lies behind an address, did not take what was written."""
    return isinstance(error, OSError) or is_icechunk_error(error)


@contextmanager
def repository_reporting(what: str, address: str) -> Iterator[None]:
    """Turn what Icechunk raises into one error of ours, of one line."""
    try:
        yield
    except ClimcubeError:
        raise
    except Exception as error:
        own = own_error(error)
        if own is not None:
            raise own from error
        if is_write_error(error):
            raise translated(error, what, redact(address)) from error
        raise


# What a lost or shortened object is to Icechunk; a range beyond its end is known by its words.
# What is told of references to files elsewhere.
_ELSEWHERE = (
    "unauthorized-virtual-chunk-container", "no-container-for-virtual-chunk",
    "virtual-chunk-modified", "virtual-chunk-fetch",
)  # fmt: skip
_DAMAGED = (
    "deserialization", "invalid-file-format", "inconsistent-manifests", "no-snapshot",
    "object-not-found", "invalid-object-size",
)  # fmt: skip
_SHORT = (
    "Src size is incorrect",
    "range was invalid",
    "InvalidRange",
    "Invalid Icechunk",
    "corruption",
)
_CONFLICT = ("conflict", "rebase", "repo-info-updated", "update-attempts-exhausted")


def translated(error: BaseException, what: str, where: str) -> StoreError:
    """Return our error for one of Icechunk's (or of the file system)."""
    kind = str(getattr(error, "kind", ""))
    reason = redact((str(error).strip() or type(error).__name__).splitlines()[0])
    if kind in _ELSEWHERE:
        return _elsewhere(kind, where, reason)
    if kind == "repository-not-found":
        return StoreNotFoundError("no versioned store", where=where, remedy="check the address")
    if any(word in kind for word in _CONFLICT):
        return ConflictError(
            "another writer was first", where=where, found=reason,
            remedy="open the store again, and repeat what you did",
        )  # fmt: skip
    if any(word in kind for word in _DAMAGED) or any(word in reason for word in _SHORT):
        return IntegrityError(
            "the versioned store is damaged", where=where, found=reason,
            remedy="restore its objects from a copy",
        )  # fmt: skip
    return StoreError(
        what, where=where, found=reason, remedy="check address, credentials and network"
    )


def _elsewhere(kind: str, where: str, reason: str) -> StoreError:
    """Return the error for values that lie in a file elsewhere."""
    place = re.search(r"(file|s3|https?)://[^\s,)]+", reason)
    found = place[0] if place else reason
    if kind in ("unauthorized-virtual-chunk-container", "no-container-for-virtual-chunk"):
        return StoreError(
            "the values lie in files elsewhere, which may not be read unasked", where=where,
            found=found, remedy="if you trust them: cc.open(..., sources=[that place])",
        )  # fmt: skip
    what = "was changed after the cube was made" if kind.endswith("modified") else reason
    return IntegrityError(
        "the file that holds the values is not what it was", where=where,
        found=f"{found} {what}" if kind.endswith("modified") else reason,
        remedy="restore the file, or make the virtual cube again",
    )  # fmt: skip
