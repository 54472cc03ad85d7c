"""Every file system and every Zarr store beyond this machine is made here."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from climcube.errors import ClimcubeError, StoreError, StoreNotFoundError
from climcube.options import get_option
from climcube.provenance import redact
from climcube.stores.credentials import Secret, cause, hidden_address, hidden_options
from climcube.stores.logs import clean_logs

__all__ = ["file_system", "has_folders", "open_file", "own_error", "reporting", "zarr_target"]

_S3 = ("s3://", "s3a://")
_LOGIN = re.compile(r"s3a?://(?P<key>[^:@/]+):(?P<secret>.+)@[^@/]+(/|$)")
_CHECK = "check address, credentials and network"


def file_system(address: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    if address.startswith(_S3):
        from climcube.stores.s3.filesystem import S3

        return S3(**_s3_options(address, options)), str(S3._strip_protocol(redact(address)))
    import fsspec

    system, path = fsspec.core.url_to_fs(address, **hidden_options(options))
    return system, str(path)


def open_file(address: str, options: Mapping[str, Any] | None = None) -> Any:
    """Open one remote file for reading bytes."""
    if address.startswith(_S3):
        system, path = file_system(address, options)
        return system.open(path, "rb")
    import fsspec

    clean_logs()
    file = fsspec.open(address, "rb", **hidden_options(options)).open()
    return _unsent(file, address, options) if isinstance(hidden_address(address), Secret) else file


def _unsent(file: Any, address: str, options: Mapping[str, Any] | None) -> Any:
    """Return an open file whose pickle refers to its address instead of holding it."""

    class Unsent(type(file)):  # type: ignore[misc]
        def __repr__(self) -> str:
            return f"<{redact(address)}>"  # what xarray calls the source

        __str__ = __repr__

        def __reduce__(self) -> tuple[Any, ...]:
            return _reopened, (hidden_address(address), hidden_options(options))

        def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
            return self.__reduce__()

    file.__class__ = Unsent
    return file


def _reopened(address: str, options: Mapping[str, Any]) -> Any:
    return open_file(address, options)


def zarr_target(
    address: str, options: Mapping[str, Any] | None = None, *, read_only: bool = False
) -> dict[str, Any]:
    """Return ``store`` and ``storage_options`` as zarr and xarray take them."""
    if not address.startswith(_S3):
        return {"store": address, "storage_options": hidden_options(options) or None}
    if get_option("s3_client") == "obstore":
        return {"store": _through_obstore(address, options, read_only), "storage_options": None}
    from zarr.storage import FsspecStore

    from climcube.stores.s3.filesystem import S3

    system = S3(asynchronous=True, **_s3_options(address, options))
    path = str(S3._strip_protocol(redact(address))).rstrip("/")
    store = FsspecStore(fs=system, path=path, read_only=read_only)
    return {"store": store, "storage_options": None}


def _through_obstore(address: str, options: Mapping[str, Any] | None, read_only: bool) -> Any:
    from climcube.stores.s3.connection import Connection
    from climcube.stores.s3.objects import S3Objects

    bucket, _, prefix = redact(address).partition("://")[2].partition("/")
    given = _with_address(address, options)
    return S3Objects(Connection.of(bucket, given), prefix, read_only=read_only)


def has_folders(system: Any) -> bool:
    """Whether folders must be made before files; on S3 that could make a bucket."""
    return "s3" not in system.protocol


@contextmanager
def reporting(what: str, address: str) -> Iterator[None]:
    """Turn whatever a file system raises into one error of ours, of one line."""
    try:
        yield
    except ClimcubeError:
        raise
    # Each file system has exceptions of its own, some of them not even OSError.
    except Exception as error:  # noqa: BLE001
        raise own_error(error) or _translated(what, address, error) from cause(address, error)


def own_error(error: BaseException) -> ClimcubeError | None:
    """Return the error of ours that a library wrapped into its own, if there is one.

    >>> try:
    ...     try:
    ...         raise StoreError("the store does not answer")
    ...     except StoreError as inner:
    ...         raise OSError("cannot read") from inner
    ... except OSError as outer:
    ...     print(own_error(outer))
    the store does not answer
    """
    seen: BaseException | None = error
    for _ in range(20):
        if seen is None or isinstance(seen, ClimcubeError):
            break
        if isinstance(seen, BaseExceptionGroup):  # of requests made together
            inner = (own_error(one) for one in seen.exceptions)
            return next((one for one in inner if one is not None), None)
        seen = seen.__cause__ or seen.__context__
    # A copy: raised from the error it was wrapped in, it would be its own cause.
    return copy.copy(seen) if isinstance(seen, ClimcubeError) else None


def _translated(what: str, address: str, error: BaseException) -> StoreError:
    where = redact(address)
    if isinstance(error, FileNotFoundError):
        return StoreNotFoundError(what, where=where, found="nothing there", remedy=_CHECK)
    found = redact((str(error).strip() or type(error).__name__).splitlines()[0])
    return StoreError(what, where=where, found=found, remedy=_CHECK)


def _s3_options(address: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    from climcube.stores.s3.options import s3_options

    # Instances are shared by options, so the order of keys must not matter.
    return dict(sorted(s3_options(_with_address(address, options)).items()))


def _with_address(address: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options, and the key and secret that an address holds (``s3://key:secret@b``)."""
    held = _LOGIN.match(address)
    names = {} if held is None else {"key": unquote(held["key"]), "secret": unquote(held["secret"])}
    return {**names, **dict(options or {})}
