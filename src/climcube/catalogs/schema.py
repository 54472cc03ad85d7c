"""What a catalog file may contain: a JSON schema, and its complaints in one line.

The schema is a subset of Intake 2's catalog syntax: plain data, a short list of data types
and two readers, no user parameters and no templates. What climcube adds (licence, citation,
units, calendar, chunks ...) lives under ``metadata``, which Intake passes through untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from climcube.errors import CatalogError, suggest

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = [
    "CALENDARS",
    "FORMATS",
    "NO_READER",
    "READER",
    "ROLES",
    "SCHEMA",
    "UNKNOWN",
    "check",
    "place",
]

UNKNOWN = "unknown"
READER = "intake.readers.readers:XArrayDatasetReader"
# Intake's reader that reads nothing: the honest one for a data set that is only described.
NO_READER = "intake.readers.readers:BaseReader"
_TYPE = "intake.readers.datatypes:"
# What each of Intake's data types may hold; the first format is the one meant when none is named.
FORMATS: Mapping[str, tuple[str, ...]] = {
    _TYPE + "Zarr": ("zarr",),
    _TYPE + "HDF5": ("netcdf",),
    _TYPE + "NetCDF3": ("netcdf",),
    _TYPE + "OpenDAP": ("opendap",),
    _TYPE + "IcechunkRepo": ("icechunk",),
    _TYPE + "JSONFile": ("esm-table",),
    _TYPE + "CSV": ("table",),
    _TYPE + "FileData": ("files", "icechunk"),
    _TYPE + "Service": ("service", "toolbox"),
}
CALENDARS = (
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "julian",
    "noleap",
    "365_day",
    "all_leap",
    "366_day",
    "360_day",
    "none",
    UNKNOWN,
)

# What an address is to the first of its entry: the same bytes elsewhere, the same values cut
# otherwise, or something else. Only the first two are ever opened in its place.
ROLES = ("mirror", "twin", "other")

_Schema = dict[str, Any]
ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._/@-]*\Z"


def _object(required: _Schema, optional: _Schema | None = None) -> _Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _map(values: _Schema, names: str) -> _Schema:
    return {
        "type": "object",
        "additionalProperties": values,
        "propertyNames": {"pattern": names, "maxLength": 120},
        "maxProperties": 2000,
    }


_TEXT: _Schema = {"type": "string", "minLength": 1, "maxLength": 4000}
_TEXTS: _Schema = {"type": "array", "items": _TEXT, "maxItems": 100}
_FLAG: _Schema = {"type": "boolean"}
_EMPTY: _Schema = {"type": "object", "maxProperties": 0}
_LENGTH: _Schema = {"type": "integer", "minimum": 1}
_CHUNKS: _Schema = {
    "anyOf": [
        {"const": UNKNOWN},
        {"type": "array", "items": _LENGTH, "minItems": 1, "maxItems": 10},
        {"type": "object", "additionalProperties": _LENGTH, "minProperties": 1},
    ]
}
_VARIABLE = _object(
    {"units": _TEXT},
    {
        "standard_name": _TEXT,
        "long_name": _TEXT,
        "packing": _TEXT,
        "dims": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 10},
        "dtype": {"type": "string", "pattern": r"^[a-z]+[0-9]*\Z"},
    },
)
_PERIOD = _object({"start": _TEXT, "end": _TEXT})
_LAYOUT: _Schema = {"enum": ["map", "series", UNKNOWN]}
_STORAGE = _object(
    {},
    {
        "anon": _FLAG,
        "anonymous": _FLAG,
        "endpoint_url": _TEXT,
        "region": _TEXT,
        "bucket": _TEXT,
        "prefix": _TEXT,
        "base_url": _TEXT,
        "token": {"const": "anon"},
        "client_kwargs": _object({}, {"endpoint_url": _TEXT, "region_name": _TEXT}),
    },
)
_ADDRESS_FACTS = _object(
    {},
    {
        "format": {"enum": sorted({f for known in FORMATS.values() for f in known})},
        "layout": _LAYOUT,
        "chunks": _CHUNKS,
        "region": _TEXT,
        "auth": _TEXT,
        "period": _PERIOD,
        "note": _TEXT,
        "virtual": _FLAG,
        "role": {"enum": list(ROLES)},
    },
)
_DATA = _object(
    {
        "datatype": {"enum": list(FORMATS)},
        "kwargs": _object(
            {"url": _TEXT},
            {"storage_options": _STORAGE, "root": _TEXT, "path": _TEXT, "ref": _TEXT},
        ),
        "metadata": _ADDRESS_FACTS,
        "user_parameters": _EMPTY,
    }
)
_FACTS = _object(
    {
        "title": _TEXT,
        "licence": _TEXT,
        "citation": _TEXT,
        "variables": {
            "anyOf": [
                {"const": UNKNOWN},
                _map(_VARIABLE, r"^[A-Za-z_][A-Za-z0-9_.-]*\Z") | {"minProperties": 1},
            ]
        },
        "calendar": {"enum": list(CALENDARS)},
        "chunks": _CHUNKS,
        "addresses": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 20},
        "status": {"enum": ["unverified", "verified"]},
    },
    {
        "summary": _TEXT,
        "provider": _TEXT,
        "doi": _TEXT,
        "period": _PERIOD,
        "cadence": _TEXT,
        "delay_days": {"type": "integer", "minimum": 0, "maximum": 36500},
        "successor": {"type": "string", "pattern": ID},
        "grid": _TEXT,
        "traps": _TEXTS,
        "evidence": {"enum": ["A", "B", "C"]},
        "verified": _TEXT,
        "source": _TEXTS,
    },
)
_ENTRY = _object(
    {
        "reader": {"enum": [READER, NO_READER]},
        "kwargs": _object(
            {"args": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1}},
            {
                "chunks": {"type": "object", "additionalProperties": {"type": "integer"}},
                "engine": {"enum": ["zarr", "h5netcdf", "netcdf4", "scipy", "pydap"]},
                "consolidated": _FLAG,
                "combine": {"enum": ["by_coords", "nested"]},
            },
        ),
        "metadata": _FACTS,
        "user_parameters": _EMPTY,
    },
    {"output_instance": {"enum": ["xarray:Dataset", None]}},
)
_RETIRED = _object({"was": _TEXT, "why": _TEXT}, {"now": _TEXT})
SCHEMA: _Schema = _object(
    {
        "version": {"const": 2},
        "metadata": _object(
            {},
            {
                "title": _TEXT,
                "summary": _TEXT,
                "provider": _TEXT,
                "climcube_schema": {"const": 1},
                "retired": {"type": "array", "items": _RETIRED, "maxItems": 200},
            },
        ),
        "user_parameters": _EMPTY,
        "aliases": _map({"type": "string", "pattern": ID}, ID),
        "data": _map(_DATA, NAME),
        "entries": _map(_ENTRY, ID),
    }
)


def place(file: str, path: tuple[str, ...]) -> str:
    """Name the spot of a file that a complaint is about: file, entry, key."""
    kinds = {"entries": "entry", "data": "address"}
    if len(path) > 1 and path[0] in kinds:
        parts = [file, f"{kinds[path[0]]} '{path[1]}'"]
        path = path[2:]
    else:
        parts = [file]
    return ", ".join(parts + ([f"key '{'.'.join(path)}'"] if path else []))


def check(document: Any, file: str) -> None:
    """Raise `CatalogError` for the first thing in a document that the schema does not know.

    Parameters
    ----------
    document
        Parsed catalog: plain dictionaries, lists, strings, numbers.
    file
        Name of the file, for the message.

    Raises
    ------
    CatalogError
        Naming file, entry, key, what was expected and what was found.
    """
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        raise _complaint(_most_telling(errors[0]), file)


@lru_cache(maxsize=1)
def _validator() -> Validator:
    # Imported here: it takes longer than everything else that `climcube.catalogs` imports.
    import jsonschema

    return jsonschema.Draft202012Validator(SCHEMA)


def _rank(error: ValidationError) -> tuple[int, bool, str]:
    # A key misspelt is unknown and missing; its near name helps more than what is missing.
    path = [str(part) for part in error.absolute_path]
    return len(path), error.validator != "additionalProperties", ".".join(path)


def _most_telling(error: ValidationError) -> ValidationError:
    # Of alternatives, complain about the one that the value came closest to.
    # Where it came close to none, all of them are named.
    while error.context:
        telling = [e for e in error.context if e.validator not in {"type", "const"}]
        if not telling:
            break
        error = max(telling, key=lambda e: len(e.absolute_path))
    return error


def _complaint(error: ValidationError, file: str) -> CatalogError:
    path = tuple(str(part) for part in error.absolute_path)
    rule, wanted, value = error.validator, error.validator_value, error.instance
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if rule == "additionalProperties" and isinstance(value, Mapping):
        known = schema.get("properties", {})
        stranger = next(str(key) for key in value if key not in known)
        return CatalogError(
            "unknown key", where=place(file, (*path, stranger)), remedy=suggest(stranger, known)
        )
    if rule == "required" and isinstance(value, Mapping):
        missing = next(key for key in wanted if key not in value)
        return CatalogError(
            "a mandatory key is missing",
            where=place(file, (*path, missing)),
            found="keys " + ", ".join(sorted(map(str, value))[:12]) if value else "no keys",
            remedy="add it; a fact that nobody knows is written 'unknown'",
        )
    return CatalogError(
        "value not allowed",
        where=place(file, path),
        expected=_wanted(str(rule), wanted),
        found=_short(value),
        remedy=_remedy(path, rule, value),
    )


def _wanted(rule: str, wanted: Any) -> str:
    if rule == "anyOf":
        return " or ".join(
            _wanted(key, choice[key])
            for choice in wanted
            for key in ("const", "type")
            if key in choice
        )
    if rule == "enum":
        return "one of " + ", ".join(repr(choice) for choice in wanted)
    if rule == "const":
        return repr(wanted)
    if rule == "type":
        names = {"object": "a mapping", "array": "a list", "string": "text"}
        return names.get(str(wanted), f"a value of type {wanted}")
    if rule == "pattern":
        return "letters, digits, '.', '_', '-' and '/', beginning with a letter or digit"
    words = {
        "maxProperties": "at most {} keys",
        "minProperties": "at least {} keys",
        "maxItems": "at most {} items",
        "minItems": "at least {} items",
        "maxLength": "at most {} characters",
        "minLength": "at least {} characters",
        "minimum": "at least {}",
    }
    return words.get(rule, rule + " {}").format(wanted)


def _remedy(path: tuple[str, ...], rule: object, value: object) -> str | None:
    if "user_parameters" in path:
        return "climcube catalogs have no user parameters: write 'user_parameters: {}'"
    if path[-1:] in {("reader",), ("datatype",)}:
        return "other readers can run code; describe the data set with one of these"
    if rule == "enum" and isinstance(value, str) and path[-1:] == ("calendar",):
        return suggest(value, CALENDARS)
    return None


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
