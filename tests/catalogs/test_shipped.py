"""The catalogs that come with climcube."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import climcube as cc
from climcube.catalogs.collection import shipped_folder
from tests.catalogs.make_demo_store import OCEAN

FILES = sorted(shipped_folder().glob("*.yaml"))
IDS = cc.catalog().ids()
MANDATORY = ("title", "licence", "citation", "calendar", "chunks", "status")


def test_there_are_some() -> None:
    assert len(FILES) >= 10 and len(IDS) >= 40
    assert "noaa-oisst" in cc.catalog()


@pytest.mark.parametrize("name", IDS)
def test_mandatory_facts(name: str) -> None:
    entry = cc.catalog()[name]
    for fact in MANDATORY:
        assert getattr(entry, fact)
    assert all(variable.units for variable in entry.variables)
    assert entry.addresses
    if name != "demo":
        assert entry.status == "unverified"
        assert entry.evidence in {"A", "B", "C"}
        assert entry.verified == "never opened from the build machine"
        assert entry.source


@pytest.mark.parametrize("name", IDS)
def test_no_public_entry_is_local(name: str) -> None:
    local = [address for address in cc.catalog()[name].addresses if address.url.startswith("/")]
    assert len(local) == (1 if name == "demo" else 0)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_intake_opens_it(file: Path) -> None:
    intake = pytest.importorskip("intake")
    theirs, ours = intake.open_catalog(str(file)), cc.catalog(file)
    assert sorted(set(theirs) - set(ours.aliases)) == ours.ids()
    assert sorted(theirs.entries) == ours.ids()
    for name in ours:
        reader, entry = theirs[name], ours[name]
        assert reader.metadata["licence"] == entry.licence
        if entry.addresses[0].format in {"zarr", "netcdf", "opendap"} and name != "demo":
            assert reader.data.url == entry.addresses[0].url
            assert type(reader).__name__ == "XArrayDatasetReader"


def test_intake_reads_the_demonstration() -> None:
    intake = pytest.importorskip("intake")
    theirs = intake.open_catalog(str(shipped_folder() / "climcube.yaml"))["demo"].read()
    xr.testing.assert_allclose(theirs.compute(), cc.open("demo").compute())


def test_the_demonstration_is_the_synthetic_ocean() -> None:
    ocean = cc.testing.synthetic_ocean(**OCEAN)  # type: ignore[arg-type]
    demo = cc.open("demo")
    np.testing.assert_array_equal(demo["sst"].values, ocean["sst"].values)
    xr.testing.assert_equal(demo["time"].drop_attrs(), ocean["time"].drop_attrs())
    entry = cc.catalog()["demo"]
    assert entry.variables[0].units == demo["sst"].attrs["units"]
    assert entry.period == ("2000-01-01", "2002-12-31")


def test_the_demonstration_is_small() -> None:
    files = [file for file in (shipped_folder() / "demo-ocean.zarr").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 300_000


def test_retired_addresses() -> None:
    retired = {item["was"]: item for item in cc.catalog().retired}
    assert retired["s3://era5-pds"]["now"] in cc.catalog()


def test_facts_of_the_project_are_all_there() -> None:
    known = Path(__file__).resolve().parents[3] / "shared" / "catalog_facts.yaml"
    if not known.is_file():
        pytest.skip(f"no {known}")
    facts = yaml.safe_load(known.read_text())
    assert {item["id"] for item in facts["entries"]} <= set(IDS)
