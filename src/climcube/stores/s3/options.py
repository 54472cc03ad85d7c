"""What can be said about an S3 store: one vocabulary, that of s3fs, for every client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from typing import Any

from climcube.errors import ParameterError, suggest
from climcube.stores.credentials import hidden_options
from climcube.stores.logs import clean_logs

__all__ = ["DEADLINE", "s3_options", "surroundings", "timeouts"]

DEADLINE = 60.0
_OF_FILES = (
    "default_block_size", "default_fill_cache", "default_cache_type", "max_concurrency",
    "use_listings_cache", "listings_expiry_time", "max_paths", "skip_instance_cache",
)  # fmt: skip
_OF_STORES = (
    "anon", "cache_regions", "client_kwargs", "config_kwargs", "deadline", "endpoint_url",
    "fixed_upload_size", "key", "local_expiry_check", "password", "profile", "region",
    "requester_pays", "s3_additional_kwargs", "secret", "session", "token", "use_ssl", "username",
    "version_aware",
)  # fmt: skip
_SPELLINGS = {"username": "key", "password": "secret"}
_FLAGS = ("anon", "requester_pays", "use_ssl")


def s3_options(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a store, checked and in one spelling.

    ``region`` becomes ``client_kwargs={'region_name': ...}``, as s3fs has it; what is secret
    becomes a `climcube.stores.credentials.Secret`.

    Raises
    ------
    ParameterError
        An option is not known or has no sense; its value is not shown.
    """
    options: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name not in (*_OF_FILES, *_OF_STORES):
            raise ParameterError(
                "unknown storage option", where=repr(name),
                remedy=suggest(name, (*_OF_FILES, *_OF_STORES)),
            )  # fmt: skip
        plain = _SPELLINGS.get(name, name)
        if plain in options:
            raise ParameterError("a storage option is given twice", where=f"{name!r}, {plain!r}")
        options[plain] = value
    _check(options)
    region = options.pop("region", None)
    if region is not None:
        client = dict(options.get("client_kwargs") or {})
        if client.setdefault("region_name", region) != region:
            raise ParameterError("two regions are given", where="storage_options", found=region)
        options["client_kwargs"] = client
    clean_logs()
    return hidden_options(options)


def timeouts(deadline: float) -> tuple[float, float]:
    """Return the seconds after which a connection, and a silence, is given up.

    There is time for two more attempts then.
    """
    return min(5.0, deadline / 3), min(15.0, deadline / 3)


def surroundings() -> tuple[tuple[str, str], ...]:
    """Return what the environment says about object storage at this moment.

    A connection that was made with other credentials, or none, is not shared: AWS_PROFILE may
    be set in the next cell of a notebook.
    """
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))


def _check(options: Mapping[str, Any]) -> None:
    for name in _FLAGS:
        if not isinstance(options.get(name, False), bool):
            raise ParameterError(
                "storage option not understood", where=name, expected="True or False",
                found=repr(options[name]),
            )  # fmt: skip
    deadline = options.get("deadline", DEADLINE)
    if not isinstance(deadline, Real) or isinstance(deadline, bool) or not float(deadline) > 0:
        raise ParameterError(
            "storage option not understood", where="deadline",
            expected="a positive number of seconds", found=repr(deadline),
        )  # fmt: skip
