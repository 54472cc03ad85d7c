"""What a manifest is called, where it is, and how its own document is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from climcube.stores.integrity.digests import document_digest

__all__ = ["FORMAT", "GROUP", "IDENTITY", "MARK", "seal_digest"]

GROUP = "climcube_manifest"
MARK = {GROUP: "lengths and digests of all objects; check them with climcube verify"}
IDENTITY = "identity"  # of the work that a store is the result of
FORMAT = {"format": "climcube manifest", "format_version": 1}


def seal_digest(document: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's own document, without the seal in it."""
    head = {k: v for k, v in document.get("attributes", {}).items() if k != "seal"}
    return document_digest(str(head.get("digest")), {**document, "attributes": head})
