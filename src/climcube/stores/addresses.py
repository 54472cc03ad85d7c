"""Paths on this machine and addresses elsewhere."""

from __future__ import annotations

__all__ = ["is_remote", "is_versioned_name"]


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
