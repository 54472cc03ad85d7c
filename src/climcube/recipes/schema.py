"""What a recipe may say: a JSON schema, and its complaints in one line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from climcube.catalogs.schema import CALENDARS
from climcube.errors import IngestError, suggest

__all__ = ["DUPLICATE", "MISSING", "SCHEMA", "STEPS", "UNFIT", "check"]

MISSING = ("leave", "fill", "refuse")
DUPLICATE = ("refuse", "last", "first")
UNFIT = ("refuse", "leave out")
STEPS = ("day", "month", "year")

_Schema = dict[str, Any]
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z"
_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]*\Z"


def _object(properties: _Schema, required: tuple[str, ...] = (), says: str = "") -> _Schema:
    found: _Schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {"description": says} | found if says else found


def _by_variable(values: _Schema, says: str) -> _Schema:
    names = {"pattern": _NAME, "maxLength": 120}
    return {
        "type": "object", "description": says, "additionalProperties": values,
        "propertyNames": names, "maxProperties": 500,
    }  # fmt: skip


def _text(says: str = "", longest: int = 4000) -> _Schema:
    found: _Schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {"description": says} | found if says else found


def _choice(choices: tuple[str, ...], says: str) -> _Schema:
    return {"description": says, "enum": list(choices)}


def _whole(says: str, low: int, high: int) -> _Schema:
    return {"description": says, "type": "integer", "minimum": low, "maximum": high}


_DATE: _Schema = {"type": "string", "pattern": r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?\Z"}
_NUMBER: _Schema = {"type": "number"}
_ADDRESSES: _Schema = {"type": "array", "items": _text(), "minItems": 1, "maxItems": 200_000}
_TEMPLATE = _object(
    {
        "template": _text("address of each file; {date:%Y%m%d} stands for its date"),
        "period": {
            "description": "first and last date",
            "type": "array", "items": _DATE, "minItems": 2, "maxItems": 2,
        },
        "step": _choice(STEPS, "from one file's date to the next one's"),
        "preliminary": _text("template of files that stand in for final ones until those exist"),
    },
    ("template", "period"),
    "files whose names follow from their dates",
)  # fmt: skip
_STORAGE = _object(
    {
        "anon": {"type": "boolean"},
        "endpoint_url": _text(),
        "region": _text(),
        "requester_pays": {"type": "boolean"},
        "client_kwargs": _object({"endpoint_url": _text(), "region_name": _text()}),
    },
    says="where an object store is; credentials come from the usual places, never from here",
)
_PACKING = _object(
    {
        "dtype": {"type": "string", "pattern": r"^u?(int|float)(8|16|32|64)\Z"},
        "scale_factor": _NUMBER,
        "add_offset": _NUMBER,
        "_FillValue": _NUMBER,
    }
)
_CHECKS = _object(
    {
        "units": _by_variable(_text(), "units of each variable, however they are spelled"),
        "grid": _by_variable(
            {"type": "integer", "minimum": 1},
            "cells along each dimension, e.g. {lat: 720, lon: 1440}",
        ),
        "calendar": _choice(
            tuple(c for c in CALENDARS if c not in ("none", "unknown")), "CF calendar"
        ),
        "packing": _by_variable(_PACKING, "how the numbers of each variable are stored"),
        "valid_range": _by_variable(
            {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
            "least and greatest value of each variable, in its units",
        ),
        "missing": _choice(
            MISSING, "days that no file has: left out, filled as missing, or an error"
        ),
        "duplicate": _choice(
            DUPLICATE, "two files of the same times: an error, or by name the last or first is kept"
        ),
        "unfit": _choice(UNFIT, "files that cannot be read or do not fit: an error, or left out"),
        "preliminary": _text("pattern of the names of preliminary files, e.g. '*_preliminary.nc'"),
    },
    says="what files must be, and what is done where they are not",
)
_STORE = _object(
    {
        "times": _whole("times in a shard", 1, 100_000),
        "tile": _whole("cells along each side of a shard", 1, 100_000),
        "chunk": _whole("cells along each side of a chunk in a shard", 1, 100_000),
        "compression_level": _whole("of zstd", 1, 22),
        "block_bytes": _whole("most bytes of a variable in memory at once", 2**16, 2**40),
    },
    says="how the store is cut and compressed",
)
SCHEMA: _Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "climcube recipe",
    **_object(
        {
            "recipe": {"description": "version of this format", "const": 1},
            "name": {"type": "string", "pattern": _ID, "maxLength": 120},
            "title": _text(),
            "files": {
                "description": "an address or glob, a list of them, or a template over dates",
                "anyOf": [_text(), _ADDRESSES, _TEMPLATE],
            },
            "storage_options": _STORAGE,
            "variables": {
                "description": "variables to keep, with their coordinates; default all",
                "type": "array", "items": {"type": "string", "pattern": _NAME},
                "minItems": 1, "maxItems": 500,
            },
            "checks": _CHECKS,
            "store": _STORE,
            "attributes": {
                "description": "global attributes of the store",
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "array"]},
                "maxProperties": 500,
            },
            "licence": _text(),
            "citation": _text(),
            "traps": {"type": "array", "items": _text(), "maxItems": 100},
        },
        ("files",),
    ),
}  # fmt: skip


def check(document: Any, where: str) -> None:
    """Raise `IngestError` for the first thing in a recipe that the schema does not know.

    Parameters
    ----------
    document
        Plain dictionaries, lists, strings, numbers.
    where
        The recipe, for the message.
    """
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        raise _complaint(_most_telling(errors[0]), where)


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(SCHEMA)


def _rank(error: Any) -> tuple[int, bool, str]:
    path = [str(part) for part in error.absolute_path]
    return len(path), error.validator != "additionalProperties", ".".join(path)


def _most_telling(error: Any) -> Any:
    """Of alternatives, take the one that has the type of what was written."""
    if error.context:
        fitting = [e for e in error.context if e.validator != "type" or e.relative_path]
        return min(fitting, key=_rank) if fitting else error
    return error


def _complaint(error: Any, where: str) -> IngestError:
    path = [str(part) for part in error.absolute_path]
    rule, wanted, value = str(error.validator), error.validator_value, error.instance
    if rule == "additionalProperties" and isinstance(value, Mapping):
        known = error.schema.get("properties", {})
        stranger = next(str(key) for key in value if key not in known)
        return IngestError(
            "the recipe has an unknown key", where=_spot(where, [*path, stranger]),
            remedy=suggest(stranger, known),
        )  # fmt: skip
    if rule == "required":
        missing = next(key for key in wanted if key not in value)
        return IngestError(
            "the recipe lacks a key", where=_spot(where, [*path, missing]),
            found=f"keys {', '.join(map(str, value))}" if value else "no keys", remedy="add it",
        )  # fmt: skip
    return IngestError(
        "the recipe has a value that is not allowed", where=_spot(where, path),
        expected=_wanted(rule, wanted), found=repr(value)[:80],
        remedy=suggest(str(value), wanted) if rule == "enum" else None,
    )  # fmt: skip


def _spot(where: str, path: list[str]) -> str:
    return f"{where}, key '{'.'.join(path)}'" if path else where


def _wanted(rule: str, wanted: Any) -> str:
    if rule == "enum":
        return "one of " + ", ".join(repr(choice) for choice in wanted)
    kinds = {"object": "a mapping", "array": "a list", "string": "text", "number": "a number"}
    if rule == "type":
        kinds |= {"integer": "a whole number", "boolean": "true or false"}
        return kinds.get(str(wanted), str(wanted))
    if rule == "anyOf":
        return " or ".join(kinds.get(str(choice.get("type")), "another") for choice in wanted)
    words = {
        "minimum": "at least {}", "maximum": "at most {}", "minItems": "at least {} items",
        "maxItems": "at most {} items", "maxLength": "at most {} characters",
        "minLength": "some text", "const": "{!r}", "pattern": "text like {}",
    }  # fmt: skip
    return words.get(rule, rule + " {}").format(wanted)
