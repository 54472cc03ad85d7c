"""S3-compatible object storage through s3fs: files, and Zarr stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientConnectorError, ClientError
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem

from climcube.errors import StoreError
from climcube.provenance import redact
from climcube.stores.credentials import without_secrets
from climcube.stores.s3.answers import CREDENTIALS_MISSING, Failure, Malformed, kind_of_status
from climcube.stores.s3.options import DEADLINE, surroundings, timeouts
from climcube.stores.s3.requests import timely
from climcube.stores.s3.session import Unmoved

__all__ = ["S3"]

_BROKEN = (
    ConnectionError,
    EOFError,
    Malformed,
    TimeoutError,
    ConnectionClosedError,
    HTTPClientError,
)
_BROKEN_NAMES = (
    "ClientPayloadError", "FlexibleChecksumError", "IncompleteReadError", "ResponseParserError",
)  # fmt: skip

# What every answer of an object store to a request holds. A page of a proxy, or no body, holds
# none of it, and would be taken for an empty listing or a finished write.
_ANSWERS = {
    "complete_multipart_upload": "ETag",
    "copy_object": "CopyObjectResult",
    "create_multipart_upload": "UploadId",
    "get_object": "ETag",
    "head_object": "ETag",
    "list_object_versions": "IsTruncated",
    "list_objects_v2": "IsTruncated",
    "put_object": "ETag",
    "upload_part": "ETag",
    "upload_part_copy": "CopyPartResult",
}


class _Surroundings:
    def __get__(self, instance: object, owner: type) -> tuple[tuple[str, str], ...]:
        return surroundings()


class S3(S3FileSystem):  # type: ignore[misc]
    """The file system of s3fs with one deadline for each request, and errors of ours.

    Parameters
    ----------
    deadline
        Seconds after which a request has failed, with all its repetitions.
    **options
        As s3fs takes them.
    """

    retries = 1  # of s3fs; repeating is done here

    # fsspec hands out one connection for equal arguments.
    surroundings = _Surroundings()
    _extra_tokenize_attributes = (*S3FileSystem._extra_tokenize_attributes, "surroundings")

    def __init__(self, *args: Any, deadline: float = DEADLINE, **options: Any) -> None:
        # A remembered listing does not know what was written since, by anybody.
        super().__init__(*args, **({"use_listings_cache": False} | options))
        self.deadline = float(deadline)
        self.connect_timeout, self.read_timeout = timeouts(self.deadline)

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Return what describes the file system, without credentials: it is written to files."""
        described: dict[str, Any] = super().to_dict(include_password=include_password)
        return without_secrets(described)

    def to_json(self, *, include_password: bool = True) -> str:
        """Return the same as JSON."""
        return json.dumps(self.to_dict(include_password=include_password), default=str)

    def _prepare_config_kwargs(self) -> dict[str, Any]:
        config: dict[str, Any] = super()._prepare_config_kwargs()
        # aiobotocore would follow a store that sends its requests to another host.
        return {"retries": {"total_max_attempts": 1}, "http_session_cls": Unmoved} | config

    async def _call_s3(self, method: str, *args: Any, **kwargs: Any) -> Any:
        bucket, key = kwargs.get("Bucket"), kwargs.get("Key") or kwargs.get("Prefix") or ""
        where = f"s3://{bucket}/{key}".rstrip("/") if bucket else "s3://"
        inherited = super()._call_s3

        async def request() -> Any:
            answer = await inherited(method, *args, **kwargs)
            _require_sense(method, answer)
            if method == "get_object":
                await self._take_body(answer, kwargs.get("Range"))
            return answer

        return await timely(where, self.deadline, request, _judge, self._forget)

    call_s3 = sync_wrapper(_call_s3)

    def _forget(self) -> None:
        """Let the next call look for credentials anew: their file may be repaired by then."""
        type(self)._cache.pop(self._fs_token, None)

    async def _take_body(self, answer: dict[str, Any], wanted: str | None) -> None:
        """Read what was asked for as part of the request, so that its deadline holds."""
        length = answer.get("ContentLength")
        if wanted is None and (length or 0) > self.default_block_size:
            return  # read in parts by `_cat_file`, or as a stream
        body = answer["Body"]
        try:
            data = await body.read()
        finally:
            body.close()
        whole = length is None or len(data) == length
        if not whole or (wanted is not None and not _in_range(answer, wanted)):
            raise Malformed(f"{len(data)} bytes of another range or length than was asked for")
        answer["Body"] = _Body(data)

    async def _cat_file(
        self,
        path: str,
        version_id: str | None = None,
        start: int | None = None,
        end: int | None = None,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
    ) -> bytes:
        """Return bytes in one request; s3fs asks for the length first."""
        if start is not None or end is not None:
            return bytes(await super()._cat_file(path, version_id, start, end))
        bucket, key, version = self.split_path(path)
        version = version_id or version
        given = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        answer = await self._call_s3("get_object", **given)
        body = answer["Body"]
        if isinstance(body, _Body):
            return await body.read()
        body.close()
        size, step = answer["ContentLength"], chunksize or self.default_block_size
        if answer.get("ETag"):
            given["IfMatch"] = answer["ETag"]  # all parts are parts of one object
        starts = range(0, size, step)
        ranges = [f"bytes={first}-{min(first + step, size) - 1}" for first in starts]
        parts = await asyncio.gather(
            *(self._call_s3("get_object", Range=part, **given) for part in ranges)
        )
        return b"".join([await part["Body"].read() for part in parts])

    async def _bulk_delete(self, pathlist: list[str], **kwargs: Any) -> list[str]:
        """Remove objects; those that were refused are an error, which s3fs leaves out."""
        asked = {self.split_path(path)[1] for path in pathlist}
        for path in pathlist:
            self.invalidate_cache(self._parent(path))
        if not asked:
            return []
        bucket = self.split_path(pathlist[0])[0]
        delete = {"Objects": [{"Key": key} for key in sorted(asked)]}
        answer = await self._call_s3("delete_objects", kwargs, Bucket=bucket, Delete=delete)
        gone = {item["Key"] for item in answer.get("Deleted", [])}
        if asked - gone:
            errors = [item.get("Code", "") for item in answer.get("Errors", [])]
            raise StoreError(
                "objects cannot be removed", where=f"s3://{bucket}/{min(asked - gone)}",
                found=f"{len(asked - gone)} left" + "".join(f", {code}" for code in errors[:1]),
                remedy="check the rights of your credentials",
            )  # fmt: skip
        return [f"{bucket}/{key}" for key in gone]


class _Body:
    """A body that was read already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, size: int = -1) -> bytes:
        data, self._data = (self._data, b"") if size < 0 else (self._data[:size], self._data[size:])
        return data

    def close(self) -> None:
        """Nothing is open."""


def _require_sense(method: str, answer: Mapping[str, Any]) -> None:
    needed = _ANSWERS.get(method)
    if needed is not None and needed not in answer:
        raise Malformed("an answer that is none of an object store")
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if method == "delete_objects" and headers.get("content-length") == "0":
        raise Malformed("an empty answer")


def _in_range(answer: Mapping[str, Any], wanted: str) -> bool:
    """Whether the bytes that came are those of ``bytes=first-last`` or ``bytes=-count``."""
    unit, _, span = str(answer.get("ContentRange", "")).partition(" ")
    if unit != "bytes":
        return False
    first, _, last = span.partition("/")[0].partition("-")
    asked_first, _, asked_last = wanted.removeprefix("bytes=").partition("-")
    if not asked_first:
        return int(last) - int(first) + 1 <= int(asked_last)
    return first == asked_first and (not asked_last or int(last) <= int(asked_last))


def _judge(error: BaseException) -> Failure:
    status, code = _status(error)
    reason = redact((str(error).strip() or type(error).__name__).splitlines()[0])
    if status is not None:
        return Failure(kind_of_status(status, code), status, code, reason)
    if isinstance(error, CREDENTIALS_MISSING):
        return Failure("no credentials", reason=reason)
    if isinstance(error, FileNotFoundError):
        return Failure("told", reason=reason)
    if isinstance(error, PermissionError):
        return Failure("denied", code="access denied", reason=reason)
    if isinstance(error, ConnectTimeoutError):  # of no family of botocore's that tells
        return Failure("unreachable", reason=reason)
    if isinstance(error, EndpointConnectionError):
        # botocore says so of every connection that fails, of those that were made, too.
        inner = error.kwargs.get("error")
        made = isinstance(inner, ClientError) and not isinstance(inner, ClientConnectorError)
        return Failure("passing" if made else "unreachable", reason=reason)
    if isinstance(error, TimeoutError):
        return Failure("passing", reason="no answer in time")
    if isinstance(error, _BROKEN) or type(error).__name__ in _BROKEN_NAMES:
        return Failure("passing", reason=reason)
    if isinstance(error, BotoCoreError):
        return Failure("other", reason=reason)
    return Failure("told", reason=reason)  # not of the store: passed on as it is


def _status(error: BaseException) -> tuple[int | None, str]:
    """Return HTTP status and code of an answer, where there was one."""
    for candidate in (error, error.__cause__):
        response = getattr(candidate, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status, str(response.get("Error", {}).get("Code", status))
    return None, type(error).__name__
