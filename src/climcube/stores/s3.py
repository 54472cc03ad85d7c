"""S3-compatible object storage: one place for timeouts and retries, one deadline for all of them.

s3fs retries requests, botocore below it retries each of those, and reading a body retries both:
a stalled object took 15 requests and 41 s. Here botocore does not retry, and one clock runs
over everything that is done for one request of ours.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem

from climcube.errors import StoreError, StoreNotFoundError
from climcube.provenance import redact

__all__ = ["S3"]

_CREDENTIALS = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "for public data pass storage_options={'anon': True}"
)
_MISSING = (NoCredentialsError, PartialCredentialsError, ProfileNotFound)
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_CONNECTIONS = 3  # attempts to reach a host that refuses connections or has no address
_LONGEST_WAIT = 8.0
_BROKEN = (
    ConnectionError,
    EOFError,
    TimeoutError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
)

# Whether a clock runs already: what is called within one request does not start its own.
_timed: ContextVar[bool] = ContextVar("climcube_s3_timed", default=False)


class _Surroundings:
    """What the environment says about object storage at this moment."""

    def __get__(self, instance: object, owner: type) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))


class S3(S3FileSystem):  # type: ignore[misc]
    """The file system of s3fs with one deadline for each request, and errors of ours.

    Parameters
    ----------
    deadline
        Seconds after which a request has failed, with all its repetitions.
    **options
        As s3fs takes them.
    """

    connect_timeout = 5
    read_timeout = 15
    retries = 3  # of s3fs, all of them under our clock

    # fsspec hands out one connection for equal arguments. One that was made with other
    # credentials, or none, is not equal: AWS_PROFILE may be set in the next cell of a notebook.
    surroundings = _Surroundings()
    _extra_tokenize_attributes = (*S3FileSystem._extra_tokenize_attributes, "surroundings")

    def __init__(self, *args: Any, deadline: float = 60.0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.deadline = float(deadline)

    def _prepare_config_kwargs(self) -> dict[str, Any]:
        config: dict[str, Any] = super()._prepare_config_kwargs()
        return {"retries": {"total_max_attempts": 1}} | config

    async def _call_s3(self, method: str, *args: Any, **kwargs: Any) -> Any:
        bucket, key = kwargs.get("Bucket"), kwargs.get("Key") or kwargs.get("Prefix") or ""
        where = f"s3://{bucket}/{key}".rstrip("/") if bucket else "s3://"
        inherited = super()._call_s3
        return await self._timely(where, lambda: inherited(method, *args, **kwargs))

    call_s3 = sync_wrapper(_call_s3)

    async def _cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        inherited = super()._cat_file
        return await self._timely(f"s3://{path}", lambda: inherited(path, *args, **kwargs))

    async def _timely(self, where: str, request: Callable[[], Awaitable[Any]]) -> Any:
        """Repeat a request until it succeeds, fails for good, or the time is up."""
        if _timed.get():
            return await request()
        mark = _timed.set(True)
        try:
            return await self._repeated(where, request)
        finally:
            _timed.reset(mark)

    async def _repeated(self, where: str, request: Callable[[], Awaitable[Any]]) -> Any:
        clock = asyncio.get_running_loop().time
        end = clock() + self.deadline
        attempt, last = 0, None
        while True:
            attempt += 1
            try:
                async with asyncio.timeout_at(end):
                    return await request()
            except Exception as error:
                last = error if last is None or clock() < end else last
                if clock() < end and not _passes(error):
                    self._forget_denied(error)
                    raise _translated(error, where) from error
                wait = random.uniform(0.5, 1.0) * min(0.1 * 2**attempt, _LONGEST_WAIT)
                unreachable = isinstance(error, EndpointConnectionError)
                if clock() + wait >= end or (unreachable and attempt >= _CONNECTIONS):
                    raise _no_answer(last, where, self.deadline, attempt) from last
                await asyncio.sleep(wait)

    def _forget_denied(self, error: BaseException) -> None:
        """Let the next call look for credentials anew: their file may be repaired by then."""
        if _denied(error) or isinstance(error, _MISSING):
            self.clear_instance_cache()


def _denied(error: BaseException) -> bool:
    return isinstance(error, PermissionError) or _status(error)[0] in (401, 403)


def _status(error: BaseException) -> tuple[int | None, str]:
    """Return HTTP status and code of an answer, where there was one."""
    for candidate in (error, error.__cause__):
        response = getattr(candidate, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status, str(response.get("Error", {}).get("Code", status))
    return None, type(error).__name__


def _passes(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    status, code = _status(error)
    if status is not None:
        return status in _TRANSIENT or code in ("SlowDown", "RequestTimeout", "InternalError")
    broken = type(error).__name__ in ("ClientPayloadError", "IncompleteReadError")
    return broken or isinstance(error, _BROKEN)


def _translated(error: BaseException, where: str) -> BaseException:
    """Return our error; files that are not there keep theirs, which zarr and s3fs look for."""
    code = _status(error)[1]
    if code == "NoSuchBucket":
        bucket = where.removeprefix("s3://").partition("/")[0]
        return StoreNotFoundError(
            "no such bucket", where=where, found=f"no bucket '{bucket}'",
            remedy="check its name and the endpoint; buckets are never made by climcube",
        )  # fmt: skip
    if _denied(error):
        return StoreError(
            "the store refuses access", where=where, found=code,
            remedy=f"check the rights of your credentials: {_CREDENTIALS}",
        )  # fmt: skip
    if isinstance(error, _MISSING):
        found = redact(str(error).splitlines()[0])
        return StoreError("no credentials", where=where, found=found, remedy=_CREDENTIALS)
    if isinstance(error, BotoCoreError):
        found = redact((str(error).strip() or code).splitlines()[0])
        return StoreError(
            "the request failed", where=where, found=found, remedy="check the address"
        )
    return error


def _no_answer(
    error: BaseException | None, where: str, deadline: float, attempts: int
) -> StoreError:
    status, code = (None, "no answer") if error is None else _status(error)
    reason = redact((str(error).strip() or code).splitlines()[0])
    if status is not None:
        reason = f"{code} (HTTP {status})"
    elif isinstance(error, TimeoutError):
        reason = "no answer in time"
    return StoreError(
        "the store does not answer", where=where,
        expected=f"an answer within {deadline:g} s",
        found=f"{reason} after {attempts} attempt{'s' * (attempts != 1)}",
        remedy="check address, credentials and network; "
        f"for a slow line pass storage_options={{'deadline': {5 * deadline:g}}}",
    )  # fmt: skip
