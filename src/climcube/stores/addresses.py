"""Paths on this machine and addresses elsewhere."""

from __future__ import annotations

__all__ = ["is_remote"]


def is_remote(address: str) -> bool:
    """Whether an address has a scheme (``s3://``, ``https://``, ``memory://`` ...).

    >>> is_remote("s3://bucket/cube.zarr"), is_remote("cube.zarr")
    (True, False)
    """
    return "://" in address
