"""The schema that is published, and entries as STAC collections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import climcube as cc
from climcube.catalogs import write_entry
from climcube.catalogs.collection import shipped_folder
from climcube.catalogs.published import schema_text
from tests.catalogs.documents import FACTS, change, valid

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "catalog.schema.json"


def test_the_published_schema_is_the_one_in_force() -> None:
    assert PAGE.read_text() == schema_text(), "climcube catalog schema > " + str(PAGE)


def test_other_programs_can_use_it() -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    assert not list(check.iter_errors(valid()))
    assert list(check.iter_errors(change(f"{FACTS}|licens", "CC0")))
    assert "\\Z" not in json.dumps(schema).replace("\\\\", "\\")
    for file in shipped_folder().glob("*.yaml"):
        assert not list(check.iter_errors(yaml.safe_load(file.read_text()))), file


@pytest.mark.parametrize("name", cc.catalog().ids())
def test_every_entry_as_a_stac_collection(name: str) -> None:
    entry = cc.catalog()[name]
    found = entry.to_stac()
    assert json.loads(json.dumps(found)) == found
    assert (found["type"], found["stac_version"]) == ("Collection", "1.0.0")
    assert found["description"] and found["license"] and found["climcube:id"] == name
    assert [a["href"] for a in found["assets"].values()] == [a.url for a in entry.addresses]
    (interval,) = found["extent"]["temporal"]["interval"]
    assert len(interval) == 2 and all(end is None or end.endswith("Z") for end in interval)
    pystac = pytest.importorskip("pystac")
    pystac.Collection.from_dict(found)


def test_facts_of_a_collection(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "title": "T",
        "licence": "CC BY 4.0",
        "doi": "10.1/x",
        "citation": "Somebody",
        "period": {"start": "1981-09", "end": "rolling"},
        "variables": {"sst": {"units": "degC", "dims": ["time", "lat", "lon"]}},
        "addresses": [
            {"name": "a", "url": "s3://b/x.zarr", "storage_options": {"anon": True}},
            {"name": "m", "url": "s3://b/y.zarr", "role": "twin", "layout": "map"},
        ],
    }
    file = write_entry(tmp_path / "c.yaml", "x/y", **facts)
    found = cc.catalog(file)["x/y"].to_stac()
    assert (found["id"], found["license"], found["sci:doi"]) == ("x-y", "CC-BY-4.0", "10.1/x")
    assert found["extent"]["temporal"]["interval"] == [["1981-09-01T00:00:00Z", None]]
    assert found["assets"]["a"]["xarray:storage_options"] == {"anon": True}
    assert found["assets"]["m"]["roles"] == ["data", "twin"]
    assert found["cube:variables"]["sst"]["dimensions"] == ["time", "lat", "lon"]
    assert found["cube:dimensions"]["time"]["type"] == "temporal"
    assert len(found["stac_extensions"]) == 2
