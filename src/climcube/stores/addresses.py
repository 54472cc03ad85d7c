"""Paths on this machine and addresses elsewhere."""

from __future__ import annotations

import os
from typing import Any

from climcube.errors import ParameterError

__all__ = ["address_of", "is_remote", "is_versioned_name", "lasting"]


def address_of(target: Any) -> str:
    """Return the path or address that a user names, with ``~`` expanded.

    Raises
    ------
    ParameterError
        It is none, or empty.
    """
    if not isinstance(target, str | os.PathLike) or not str(target):
        raise ParameterError(
            "path not understood", expected="a path or an address (s3://bucket/name.zarr)",
            found="an empty one" if isinstance(target, str) else type(target).__name__,
        )  # fmt: skip
    return os.path.expanduser(os.fspath(target))


def lasting(address: str) -> str:
    """Return a path that means the same wherever the process, or a worker, goes to.

    >>> lasting("s3://bucket/cube.zarr"), lasting("/data/cube.zarr")
    ('s3://bucket/cube.zarr', '/data/cube.zarr')
    """
    return address if is_remote(address) else os.path.join(os.getcwd(), address)


def is_remote(address: str) -> bool:
    """Whether an address has a scheme (``s3://``, ``https://``, ``memory://`` ...).

    >>> is_remote("s3://bucket/cube.zarr"), is_remote("cube.zarr")
    (True, False)
    """
    return "://" in address


def is_versioned_name(address: str) -> bool:
    """Whether a name says that the store keeps its versions.

    >>> is_versioned_name("s3://bucket/sst.icechunk/"), is_versioned_name("sst.zarr")
    (True, False)
    """
    return address.rstrip("/").endswith(".icechunk")
