"""Catalogs that climcube writes."""

from __future__ import annotations

import os
import string
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.catalogs import facts_of, write_catalog, write_entry
from climcube.errors import CatalogError

NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=12).filter(
    lambda name: name[0].isalnum()
)
IDS = st.lists(NAMES, min_size=1, max_size=2).map("/".join)
# What a person might write, YAML's own signs included; braces and control characters are refused.
TEXT = st.text(
    st.characters(
        min_codepoint=32,
        max_codepoint=0x2FFF,
        exclude_characters="{}\x7f\x85\u200b\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=40,
).filter(lambda text: not text.lstrip().startswith(("data(", "env(", "shell(", "func(", "import(")))
LENGTHS = st.integers(1, 10**6)
CHUNKS = st.one_of(
    st.just("unknown"),
    st.lists(LENGTHS, min_size=1, max_size=4),
    st.dictionaries(NAMES, LENGTHS, min_size=1, max_size=4),
)
VARIABLES = st.dictionaries(
    st.text(string.ascii_letters + "_", min_size=1, max_size=8),
    st.fixed_dictionaries({"units": TEXT}, optional={"standard_name": TEXT, "long_name": TEXT}),
    min_size=1,
    max_size=3,
)
FIELDS = st.fixed_dictionaries(
    {"title": TEXT, "variables": VARIABLES, "licence": TEXT, "citation": TEXT, "chunks": CHUNKS},
    optional={
        "summary": TEXT,
        "doi": TEXT,
        "cadence": TEXT,
        "traps": st.lists(TEXT, max_size=3),
        "period": st.fixed_dictionaries({"start": TEXT, "end": TEXT}),
        "calendar": st.sampled_from(["standard", "noleap", "360_day"]),
    },
)


@settings(max_examples=60, deadline=None)
@given(entries=st.dictionaries(IDS, FIELDS, min_size=1, max_size=3))
def test_what_is_written_is_read(entries: dict[str, dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "catalog.yaml"
        for number, (name, fields) in enumerate(entries.items()):
            write_entry(file, name, address=f"{folder}/store-{number}.zarr", **fields)
        found = cc.catalog(file)
        assert found.ids() == sorted(entries)
        for number, (name, fields) in enumerate(entries.items()):
            entry = found[name]
            home = os.path.realpath(folder)
            assert entry.addresses[0].url == f"{home}/store-{number}.zarr"
            for key in ("title", "licence", "citation", "chunks", "summary", "doi"):
                assert getattr(entry, key) == fields.get(key)
            assert entry.traps == tuple(fields.get("traps", ()))
            assert entry.calendar == fields.get("calendar", "unknown")
            units = {variable.name: variable.units for variable in entry.variables}
            assert units == {key: value["units"] for key, value in fields["variables"].items()}


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A small Zarr store."""
    cube = xr.Dataset(
        {"sst": (("time", "lat"), np.ones((4, 3), "float32"), {"units": "degC"})},
        {"time": pd.date_range("2000-01-01", periods=4)},
    )
    cube.to_zarr(tmp_path / "sst.zarr", zarr_format=3, consolidated=False)
    return str(tmp_path / "sst.zarr")


def test_entry_of_a_store_just_made(store: str, tmp_path: Path) -> None:
    cube = xr.open_zarr(store, consolidated=False)
    file = write_entry(
        tmp_path / "catalog.yaml", "mine", title="Mine", address=store, **facts_of(cube)
    )
    entry = cc.catalog(file)["mine"]
    assert entry.period == ("2000-01-01", "2000-01-04")
    assert entry.chunks == {"time": 4, "lat": 3}
    assert "{CATALOG_DIR}/sst.zarr" in file.read_text()
    opened = cc.open("mine", variable="sst", catalog=str(file))
    np.testing.assert_array_equal(opened.values, np.ones((4, 3)))


def test_intake_opens_what_was_written(store: str, tmp_path: Path, monkeypatch: Any) -> None:
    intake = pytest.importorskip("intake")
    file = write_entry(tmp_path / "catalog.yaml", "mine", title="Mine", address=store)
    monkeypatch.chdir("/")
    catalog = intake.open_catalog(str(file))
    assert list(catalog) == ["mine"]
    assert catalog["mine"].read().sst.chunks == ((4,), (3,))


def test_a_folder_can_be_moved(store: str, tmp_path: Path) -> None:
    write_entry(tmp_path / "catalog.yaml", "mine", title="Mine", address=store)
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    assert cc.catalog(moved / "catalog.yaml")["mine"].addresses[0].url == str(moved / "sst.zarr")


def test_entries_are_added_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    write_entry(file, "a", title="A", address=str(tmp_path / "a.zarr"))
    write_entry(file, "b", title="B", address=str(tmp_path / "b.nc"))
    assert [a.format for e in cc.catalog(file).ids() for a in cc.catalog(file)[e].addresses] == [
        "zarr",
        "netcdf",
    ]
    before = file.read_text()
    with pytest.raises(CatalogError, match="overwrite=True"):
        write_entry(file, "a", title="Other", address=str(tmp_path / "a.zarr"))
    assert file.read_text() == before
    write_entry(
        file, "a", overwrite=True, title="Other",
        addresses=[{"name": "new", "url": "s3://bucket/a.zarr", "storage_options": {"anon": True}}],
    )  # fmt: skip
    entry = cc.catalog(file)["a"]
    assert (entry.title, [a.name for a in entry.addresses]) == ("Other", ["a@new"])
    assert "a@1" not in file.read_text()


def test_aliases_follow_a_removed_entry(tmp_path: Path) -> None:
    file = write_catalog(
        tmp_path / "c.yaml", {"a": {"title": "A", "address": "s3://b/a.zarr"}}, aliases={"x": "a"}
    )
    write_entry(file, "a", overwrite=True, title="A again", address="s3://b/a.zarr")
    assert cc.catalog(file)["x"].title == "A again"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": "/etc/x.zarr"}, "outside the folder"),
        ({"address": "{tmp}"}, "outside the folder"),
        ({"address": "s3://me:pw@bucket/x.zarr"}, "credentials"),
        ({"addresses": [{"url": "s3://b/x", "storage_options": {"key": "k"}}]}, "credentials"),
        ({"addresses": [{"url": "s3://b/x", "storage_option": {}}]}, "did you mean"),
        ({"addresses": [{"url": "s3://b/x", "format": "zar"}]}, "did you mean 'zarr'"),
        ({"addresses": []}, "at least 1 items|address"),
        ({}, "address= or addresses="),
        ({"address": "s3://b/x.zarr", "title": "{{ 1 }}"}, "templates"),
        ({"address": "s3://b/x.zarr", "licens": "CC0"}, "did you mean 'licence'"),
        ({"address": "s3://b/x.zarr", "traps": [object()]}, "cannot hold"),
        ({"address": "s3://b/x.zarr", "calendar": "lunar"}, "calendar"),
    ],
)
def test_nothing_is_written_that_is_not_valid(
    fields: dict[str, Any], words: str, tmp_path: Path
) -> None:
    given = {"title": "T"} | fields
    if given.get("address") == "{tmp}":
        given["address"] = str(tmp_path)
    with pytest.raises(CatalogError, match=words):
        write_entry(tmp_path / "catalog.yaml", "x", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    file = write_entry(tmp_path / "catalog.yaml", "a", title="A", address="s3://b/a.zarr")
    before = file.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(CatalogError, match="No space left"):
        write_entry(file, "b", title="B", address="s3://b/b.zarr")
    assert file.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["catalog.yaml"]


def test_existing_catalog_is_kept(tmp_path: Path) -> None:
    entries = {"a": {"title": "A", "address": "s3://b/a.zarr"}}
    file = write_catalog(tmp_path / "c.yaml", entries, title="Mine")
    with pytest.raises(CatalogError, match="overwrite=True"):
        write_catalog(file, entries)
    write_catalog(file, {}, overwrite=True)
    assert cc.catalog(file).ids() == []


@pytest.mark.parametrize("path", ["s3://bucket/c.yaml", "catalog.txt"])
def test_only_local_yaml_is_written(path: str) -> None:
    with pytest.raises(CatalogError, match="ends in .yaml"):
        write_entry(path, "a", title="A", address="s3://b/a.zarr")


def test_facts_of_other_calendars() -> None:
    time = xr.date_range("2001-02-27", periods=3, calendar="noleap", use_cftime=True)
    cube = xr.Dataset(
        {"tas": ("time", np.zeros(3), {"units": "K", "standard_name": "air_temperature"})},
        {"time": time},
        {"license": "CC BY 4.0", "references": "Doe {2020}"},
    )
    facts = facts_of(cube)
    assert facts["calendar"] == "noleap"
    assert facts["period"] == {"start": "2001-02-27", "end": "2001-03-01"}
    assert facts["licence"] == "CC BY 4.0"
    assert facts["citation"] == "Doe (2020)"
    assert facts["variables"] == {
        "tas": {
            "units": "K",
            "standard_name": "air_temperature",
            "dims": ["time"],
            "dtype": "float64",
        }
    }
    assert facts["chunks"] == "unknown"


def test_facts_of_a_shard() -> None:
    cube = xr.Dataset({"sst": (("time", "lat"), np.zeros((2, 2)))})
    cube["sst"].encoding = {"chunks": (1, 1), "shards": (2, 2)}
    assert facts_of(cube)["chunks"] == {"time": 2, "lat": 2}
