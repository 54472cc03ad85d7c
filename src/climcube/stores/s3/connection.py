"""Connections of obstore to S3-compatible object storage, made of the options of s3fs."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, NoCredentialsError, PartialCredentialsError

from climcube.errors import ParameterError, require_module
from climcube.provenance import redact
from climcube.stores.s3.answers import CREDENTIALS_MISSING, Failure, Malformed, kind_of_status
from climcube.stores.s3.options import DEADLINE, s3_options, surroundings, timeouts

__all__ = ["Connection", "judge"]

_KNOWN = (
    "anon", "client_kwargs", "config_kwargs", "deadline", "endpoint_url", "key", "profile",
    "requester_pays", "secret", "token", "use_ssl",
)  # fmt: skip
_CLIENT = (
    "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "endpoint_url",
    "region_name", "use_ssl", "verify",
)  # fmt: skip
_CONFIG = ("connect_timeout", "read_timeout", "s3")
_LIFE = timedelta(minutes=5)  # of credentials from the usual places: they may be replaced
_MOST = 64  # connections that are kept
_stores: dict[Any, Any] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Connection:
    """A bucket and how to reach it.

    Only this travels to other processes; what obstore makes of it shows its credentials in
    ``config`` and is kept here, one for equal options in equal surroundings.
    """

    bucket: str
    options: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, bucket: str, given: Mapping[str, Any] | None) -> Connection:
        """Return the connection that options of s3fs describe.

        Raises
        ------
        ParameterError
            An option is unknown, or means nothing to obstore.
        DependencyError
            obstore is not installed.
        """
        require_module("obstore", "obstore")
        options = s3_options(given)
        for group, known in (
            (None, _KNOWN),
            ("client_kwargs", _CLIENT),
            ("config_kwargs", _CONFIG),
        ):
            held = options if group is None else options.get(group) or {}
            for name in held:
                if name not in known:
                    raise ParameterError(
                        "the S3 client 'obstore' does not take this storage option",
                        where=f"{group}[{name!r}]" if group else repr(name),
                        remedy="leave it out, or cc.set_options(s3_client='s3fs')",
                    )  # fmt: skip
        return cls(bucket, options)

    @property
    def deadline(self) -> float:
        """Seconds for one request with all its repetitions."""
        return float(self.options.get("deadline", DEADLINE))

    @staticmethod
    def errors() -> tuple[type[BaseException], ...]:
        """Return what obstore raises."""
        from obstore.exceptions import BaseError

        return (BaseError,)

    async def store(self) -> Any:
        """Return obstore's store of the bucket."""
        found = _stores.get(self._mark())
        # Reading files of configuration, or asking a host for credentials, may take a while.
        return found if found is not None else await asyncio.to_thread(self._made)

    def forget(self) -> None:
        """Make it anew the next time: credentials may be repaired by then."""
        with _lock:
            _stores.pop(self._mark(), None)

    def _mark(self) -> Any:
        return self.bucket, _frozen(self.options), surroundings()

    def _made(self) -> Any:
        from obstore.store import S3Store

        mark = self._mark()
        arguments = _arguments(self.options)
        with _lock:
            if mark not in _stores:
                while len(_stores) >= _MOST:
                    _stores.pop(next(iter(_stores)))
                _stores[mark] = S3Store(self.bucket, **arguments)
            return _stores[mark]


def _arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of obstore's store; nothing is left for it to find out by itself."""
    import botocore.session
    from botocore.configprovider import ConfiguredEndpointProvider

    session = botocore.session.Session(profile=options.get("profile"))
    client = dict(options.get("client_kwargs") or {})
    scoped = session.get_scoped_config()
    configured = ConfiguredEndpointProvider(session.full_config, scoped, "s3").provide()
    endpoint = options.get("endpoint_url") or client.get("endpoint_url") or configured
    region = client.get("region_name") or session.get_config_variable("region") or "us-east-1"
    secure = client.get("use_ssl", options.get("use_ssl", True))
    if not endpoint:
        endpoint = f"http{'s' * secure}://s3.{region}.amazonaws.com"
    anonymous = bool(options.get("anon", False))
    config = dict(options.get("config_kwargs") or {})
    arguments: dict[str, Any] = {
        "endpoint": endpoint.rstrip("/"),
        "region": region,
        "skip_signature": anonymous,
        "request_payer": bool(options.get("requester_pays", False)),
        "virtual_hosted_style_request": False,
        "client_options": _client_options(
            client, config, endpoint, timeouts(float(options.get("deadline", DEADLINE)))
        ),
        # Repeating is done by us, under one clock.
        "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    }
    if not anonymous:
        arguments["credential_provider"] = _credentials(options, client, session)
    return arguments


def _client_options(
    client: Mapping[str, Any], config: Mapping[str, Any], endpoint: str, limits: tuple[float, float]
) -> dict[str, Any]:
    style = (config.get("s3") or {}).get("addressing_style", "path")
    if style not in ("path", "auto") or set(config.get("s3") or {}) - {"addressing_style"}:
        raise ParameterError(
            "the S3 client 'obstore' does not take this storage option",
            where="config_kwargs['s3']", expected="addressing_style 'path' or 'auto'",
            remedy="leave it out, or cc.set_options(s3_client='s3fs')",
        )  # fmt: skip
    # The deadline of a request is ours: no shorter one for a large object on a slow line.
    options: dict[str, Any] = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=config.get("connect_timeout", limits[0])),
        "read_timeout": timedelta(seconds=config.get("read_timeout", limits[1])),
        "timeout": timedelta(days=1),
    }
    verify = client.get("verify", True)
    if verify is False:
        options["allow_invalid_certificates"] = True
    elif isinstance(verify, str):
        with open(verify, encoding="ascii") as file:
            options["root_certificate"] = file.read()
    return options


def _credentials(options: Mapping[str, Any], client: Mapping[str, Any], session: Any) -> Any:
    """Return a function that gives credentials: those passed, or those of the usual places."""
    key = options.get("key") or client.get("aws_access_key_id")
    secret = options.get("secret") or client.get("aws_secret_access_key")
    token = options.get("token") or client.get("aws_session_token")
    if key and secret:
        return partial(_given, key, secret, token)
    if key or secret:
        raise PartialCredentialsError(
            provider="storage_options", cred_var="secret" if key else "key"
        )
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    return partial(_refreshed, found)


def _given(key: str, secret: str, token: str | None) -> dict[str, Any]:
    return {
        "access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": None
    }  # fmt: skip


def _refreshed(credentials: Any) -> dict[str, Any]:
    frozen = credentials.get_frozen_credentials()
    return _given(frozen.access_key, frozen.secret_key, frozen.token) | {
        "expires_at": datetime.now(UTC) + _LIFE
    }


_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_BROKEN = re.compile(
    r"HTTP error|error decoding|Error getting list response body|invalid list response|"
    r"Header|Missing|deserializ|NotPartial|Content-Range|range",
    re.IGNORECASE,
)


def judge(error: BaseException) -> Failure:
    """Return what an exception of obstore means; it says so in words only."""
    text = str(error)
    line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    status = _STATUS.search(text)
    if status is not None:
        number = int(status[1])
        found = _CODE.search(text)
        code = found[1] if found else str(number)
        return Failure(kind_of_status(number, code), number, code, redact(line))
    if isinstance(error, Malformed):
        return Failure("passing", reason=line)
    if isinstance(error, FileNotFoundError):
        return Failure("told", reason=redact(line))
    if isinstance(error, TimeoutError):
        return Failure("passing", reason="no answer in time")
    return _by_name(error, line, text)


def _by_name(error: BaseException, line: str, text: str) -> Failure:
    name = type(error).__name__
    if isinstance(error, CREDENTIALS_MISSING):
        return Failure("no credentials", reason=redact(line))
    if name in ("PermissionDeniedError", "UnauthenticatedError"):
        return Failure("denied", code="access denied")
    if name in ("AlreadyExistsError", "PreconditionError", "NotModifiedError"):
        return Failure("told", reason=redact(line))
    if isinstance(error, BotoCoreError):
        return Failure("other", reason=redact(line))
    if name == "GenericError":
        where = re.search(r"(https?://[^\s?,]+)", line)
        at = f": {redact(where[1])}" if where else ""
        if re.search(r"kind: Connect\b|ConnectError", text) and "ConnectionReset" not in text:
            return Failure("unreachable", reason=f"could not connect to the endpoint{at}")
        if "kind: Timeout" in text or "TimedOut" in text:
            return Failure("passing", reason="no answer in time")
        if "kind: " in text:
            return Failure("passing", reason=f"the connection broke{at}")
        if _BROKEN.search(line):
            return Failure("passing", reason="an answer that is none of an object store")
        return Failure("other", reason=redact(line.removeprefix("Generic S3 error: ")))
    return Failure("told", reason=redact(line))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), _frozen(v)) for k, v in value.items()))
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
