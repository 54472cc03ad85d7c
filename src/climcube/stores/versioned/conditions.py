"""Whether a store keeps two writers apart: some take any write, whatever its condition.

A commit replaces one small object if it is still the one that was read. On a store that ignores
the condition, one of two commits is lost, and nobody is told. So it is tried before the first
version is written there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from climcube.errors import StoreError
from climcube.provenance import redact
from climcube.stores.filesystems import file_system, reporting

__all__ = ["require_conditional_writes"]

_NO_TAG = '"00000000000000000000000000000000"'
_CONDITIONS: tuple[dict[str, str], ...] = ({"IfNoneMatch": "*"}, {"IfMatch": _NO_TAG})


def require_conditional_writes(address: str, options: Mapping[str, Any]) -> None:
    """Raise `StoreError` where a store on S3 writes although the condition is not met."""
    system, root = file_system(address, options)
    bucket, _, prefix = root.partition("/")
    # Beside the store, not in it: another process may look whether its place is free.
    key = f"{prefix.strip('/')}.{uuid.uuid4().hex[:12]}.partial"
    with reporting("the store cannot be written", address):
        system.call_s3("put_object", Bucket=bucket, Key=key, Body=b"first")
    try:
        for condition in _CONDITIONS:
            if _writes(system, bucket, key, condition):
                raise StoreError(
                    "the store cannot keep versions", where=redact(address),
                    expected="writes that fail where their condition is not met",
                    found=f"{next(iter(condition))} is ignored: of two writers one would be lost",
                    remedy="use another server, or a plain store (a name that ends in .zarr)",
                )  # fmt: skip
    finally:
        with suppress(Exception):
            system.call_s3("delete_object", Bucket=bucket, Key=key)


def _writes(system: Any, bucket: str, key: str, condition: Mapping[str, str]) -> bool:
    try:
        system.call_s3("put_object", Bucket=bucket, Key=key, Body=b"second", **condition)
    except Exception:  # noqa: BLE001 - each server has its own way to refuse
        return False
    return True
