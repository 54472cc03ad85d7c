"""The schema of catalogs as other programs read it: editors, checkers, other libraries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from climcube.catalogs.schema import SCHEMA

__all__ = ["schema_text"]

_ABOUT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:climcube:catalog:1",
    "title": "climcube catalog",
    "description": (
        "An Intake 2 catalog as climcube reads it: plain data, a few data types and two readers. "
        "More is checked than a schema can say: addresses, templates, credentials; see "
        "docs/reference/catalog-schema.md."
    ),
}


def schema_text() -> str:
    """Return the schema as JSON text (draft 2020-12), the same for the same climcube.

    >>> json.loads(schema_text())["$id"]
    'urn:climcube:catalog:1'
    """
    return json.dumps(_ABOUT | _plain(SCHEMA), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Return a schema whose patterns every language understands."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    # The absolute end of a text is Python's; JSON Schema speaks the patterns of ECMAScript.
    return value.replace("\\Z", "$") if isinstance(value, str) else value
