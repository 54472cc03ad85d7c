"""What the schema takes and what it refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

import climcube as cc
from climcube.catalogs.schema import CALENDARS, SCHEMA
from climcube.errors import CatalogError
from tests.catalogs.documents import FACTS, URL, change, text, valid, with_options, without

ACCEPTED: dict[str, Any] = {
    "as it is": valid(),
    "chunks as lengths": change(f"{FACTS}|chunks", [5, 1799, 3600]),
    "chunks unknown": change(f"{FACTS}|chunks", "unknown"),
    "variables unknown": change(f"{FACTS}|variables", "unknown"),
    "units unknown": change(f"{FACTS}|variables", {"sst": {"units": "unknown"}}),
    "no alias": change("aliases", {}),
    "no entry": valid() | {"entries": {}, "aliases": {}},
    "doi": change(f"{FACTS}|doi", "10.1000/1"),
    "period": change(f"{FACTS}|period", {"start": "1981-09-01", "end": "rolling"}),
    "url": change(URL, "s3://bucket/x.zarr"),
    "pattern": change(URL, "files/*/sst_????.zarr"),
    "relative": change(URL, "./a/b.zarr"),
    "query": change(URL, "https://host/x?dataset=sst"),
    "anonymous token": with_options(token="anon"),
    "region": with_options(anon=True, client_kwargs={"region_name": "us-west-2"}),
    "end point": with_options(endpoint_url="http://localhost:9000"),
    "group": change("data|sst@1|kwargs|root", "single/temporal"),
}

# name: (document, parts of the message)
REFUSED: dict[str, tuple[Any, tuple[str, ...]]] = {
    **{
        f"without {key}": (without(f"{FACTS}|{key}"), ("mandatory", "entry 'sst'", key))
        for key in ("licence", "citation", "variables", "calendar", "chunks", "title", "status")
    },
    **{f"without {key}": (without(key), ("mandatory", key)) for key in valid()},
    "without units": (
        change(f"{FACTS}|variables", {"sst": {}}),
        ("mandatory", "metadata.variables.sst.units"),
    ),
    "near name": (
        change(f"{FACTS}|license", "CC0"),
        ("unknown key", "metadata.license", "did you mean 'licence'"),
    ),
    "misspelt": (
        valid() | {"entries": {"sst": {"raeder": "x"}}},
        ("unknown key", "raeder", "did you mean 'reader'?"),
    ),
    "calendar": (
        change(f"{FACTS}|calendar", "gregorain"),
        ("metadata.calendar", "'gregorain'", "did you mean 'gregorian'"),
    ),
    "version": (change("version", 1), ("key 'version'", "expected 2", "found 1")),
    "chunk of nothing": (change(f"{FACTS}|chunks", {"time": 0}), ("at least 1", "found 0")),
    "chunks in words": (
        change(f"{FACTS}|chunks", "yearly"),
        ("expected 'unknown' or a list or a mapping", "'yearly'"),
    ),
    "empty title": (change(f"{FACTS}|title", ""), ("metadata.title", "at least 1 characters")),
    "number as title": (change(f"{FACTS}|title", 5), ("expected text", "found 5")),
    "status": (change(f"{FACTS}|status", "works"), ("'unverified'", "'works'")),
    "evidence": (change(f"{FACTS}|evidence", "D"), ("'A', 'B', 'C'", "'D'")),
    "id with a space": (
        valid() | {"entries": {"s s t": valid()["entries"]["sst"]}},
        ("letters, digits", "'s s t'"),
    ),
    "id that climbs": (
        valid() | {"entries": {"../sst": valid()["entries"]["sst"]}},
        ("letters, digits",),
    ),
    "no such address": (
        change(f"{FACTS}|addresses", ["sst@2"]),
        ("does not have", "sst@2", "did you mean 'sst@1'?"),
    ),
    "other argument": (
        change("entries|sst|kwargs|args", ["s3://elsewhere/x.zarr"]),
        ("different addresses", "elsewhere"),
    ),
    "reader and format": (
        change("entries|sst|reader", "intake.readers.readers:BaseReader"),
        ("reader and format do not fit",),
    ),
    "format and data type": (
        change("data|sst@1|metadata|format", "netcdf"),
        ("format and data type do not fit", "address 'sst@1'"),
    ),
    "key and data type": (
        change("data|sst@1|kwargs|path", "group"),
        ("key and data type do not fit",),
    ),
    "OPeNDAP in a folder": (
        valid()
        | {
            "data": {
                "sst@1": {
                    "datatype": "intake.readers.datatypes:OpenDAP",
                    "kwargs": {"url": "x.nc"},
                    "metadata": {},
                    "user_parameters": {},
                }
            }
        },
        ("address and format do not fit", "http://"),
    ),
    "alias of nothing": (change("aliases", {"warm": "ssst"}), ("alias", "did you mean 'sst'?")),
    "long value": (change(f"{FACTS}|title", "x" * 5000), ("at most 4000 characters",)),
}


def load(document: Any, folder: Path) -> cc.catalogs.Catalog:
    """Write a document and read it as a catalog."""
    file = folder / "catalog.yaml"
    file.write_text(text(document))
    return cc.catalog(file)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str, tmp_path: Path) -> None:
    document = ACCEPTED[name]
    found = load(document, tmp_path)
    assert found.ids() == sorted(document["entries"])


@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_calendar_of_cf(calendar: str, tmp_path: Path) -> None:
    assert load(change(f"{FACTS}|calendar", calendar), tmp_path)["sst"].calendar == calendar


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    document, parts = REFUSED[name]
    with pytest.raises(CatalogError) as caught:
        load(document, tmp_path)
    message = str(caught.value)
    for part in ("catalog.yaml", *parts):
        assert part in message
    assert "\n" not in message
