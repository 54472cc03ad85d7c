"""Digests: what tells the bytes that were written from any others.

A manifest names its algorithm. The default is xxh3-128, which costs about 1 % of decompressing
the same bytes (SHA-256: 15 to 40 %): it finds every accident, and is no defence against an
adversary who may write to the store and could rewrite its manifest as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Buffer, Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from climcube.errors import require_choice

__all__ = ["ALGORITHMS", "DEFAULT", "canonical", "digest", "digest_words", "document_digest"]

DEFAULT = "xxh3_128"


def _sha256(data: Buffer) -> bytes:
    return hashlib.sha256(data, usedforsecurity=False).digest()


_FUNCTIONS: Mapping[str, Callable[[Any], bytes]] = {
    "xxh3_128": xxhash.xxh3_128_digest,
    "sha256": _sha256,
}
ALGORITHMS: Mapping[str, int] = {"xxh3_128": 2, "sha256": 4}  # name: numbers of 64 bits


def digest(algorithm: str, data: Buffer) -> bytes:
    """Return the digest of bytes.

    >>> digest(DEFAULT, b"sea").hex()
    '38e83bd8639e52d23bd03e0d7d3019fd'
    """
    require_choice("digest", algorithm, ALGORITHMS)
    return _FUNCTIONS[algorithm](data)


def digest_words(algorithm: str, data: Buffer) -> npt.NDArray[np.uint64]:
    """Return the digest of bytes as numbers of 64 bits, as a manifest keeps it."""
    return np.frombuffer(_FUNCTIONS[algorithm](data), "<u8")


def canonical(document: Any) -> bytes:
    """Return the one text of a JSON document: stores may write the same content anew.

    >>> canonical({"b": 1e-5, "a": [1, None]})
    b'{"a":[1,null],"b":1e-05}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def document_digest(algorithm: str, document: Any) -> str:
    """Return the digest of the content of a metadata document, without its copies of others."""
    own = {k: v for k, v in document.items() if k != "consolidated_metadata"}
    return digest(algorithm, canonical(own)).hex()
