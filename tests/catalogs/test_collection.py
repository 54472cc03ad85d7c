"""Looking up, searching and showing entries."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import fsspec
import pytest

import climcube as cc
from climcube.catalogs import Catalog, resolve_entry
from climcube.catalogs.text import list_table, rows, show_text
from climcube.errors import CatalogError
from tests.catalogs.documents import FACTS, URL, change, text, valid


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    """A catalog with one entry."""
    file = tmp_path / "mine.yaml"
    file.write_text(text(valid()))
    return cc.catalog(file)


def test_entries_by_id_and_alias(mine: Catalog, tmp_path: Path) -> None:
    entry = mine["sst"]
    assert mine["warm"] is entry
    assert (list(mine), mine.ids(), len(mine)) == (["sst"], ["sst"], 1)
    assert "sst" in mine and "warm" in mine and "ice" not in mine
    assert entry.addresses[0].url == str(tmp_path / "sst.zarr")
    assert entry.addresses[0].storage_options == {"anon": True}
    assert (entry.licence, entry.calendar, entry.chunks) == ("CC0-1.0", "standard", {"time": 10})
    assert entry.catalog == str(tmp_path / "mine.yaml")


def test_near_names(mine: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"no such entry \('ssst'\); did you mean 'sst'\?"):
        mine["ssst"]


def test_entries_are_frozen_and_travel(mine: Catalog) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        mine["sst"].title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        mine.entries["x"] = mine["sst"]  # type: ignore[index]
    assert pickle.loads(pickle.dumps(mine["sst"])) == mine["sst"]


def test_search() -> None:
    found = cc.catalog().search(variable="analysed_sst")
    assert "mur-sst-v4.1/zarr" in found.ids() and "demo" not in found
    assert cc.catalog().search("REANALYSIS").search("no such words").ids() == []
    assert "glorys12v1" in cc.catalog().search("Reanalysis")
    assert cc.catalog().search(variable="sea_surface_temperature").ids() == ["demo"]


def test_folder_of_catalogs(tmp_path: Path) -> None:
    other = valid()
    other["entries"]["ice"] = other["entries"].pop("sst")
    other["aliases"] = {}
    (tmp_path / "a.yaml").write_text(text(valid()))
    (tmp_path / "b.yml").write_text(text(other))
    assert cc.catalog(tmp_path).ids() == ["ice", "sst"]
    (tmp_path / "c.yaml").write_text(text(valid()))
    with pytest.raises(CatalogError, match=r"two entries of one name \(.*c.yaml, entry 'sst'"):
        cc.catalog(tmp_path)


def test_remote_catalog() -> None:
    document = change(URL, "./stores/sst.zarr")
    fsspec.filesystem("memory").pipe("/shelf/catalog.yaml", text(document).encode())
    found = cc.catalog("memory://shelf/catalog.yaml")
    assert found["sst"].addresses[0].url == "memory://shelf/stores/sst.zarr"


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "../x.zarr"])
def test_remote_catalog_names_no_local_path(url: str) -> None:
    fsspec.filesystem("memory").pipe("/shelf/bad.yaml", text(change(URL, url)).encode())
    with pytest.raises(CatalogError, match="catalog read from a URL|path not allowed"):
        cc.catalog("memory://shelf/bad.yaml")


def test_remote_catalog_that_is_not_there() -> None:
    with pytest.raises(CatalogError, match=r"cannot be read \(memory://shelf/none.yaml\)"):
        cc.catalog("memory://shelf/none.yaml")


def test_resolve_entry(mine: Catalog, tmp_path: Path) -> None:
    assert resolve_entry("sst", mine) is mine["sst"]
    assert resolve_entry("sst", tmp_path / "mine.yaml") == mine["sst"]
    assert resolve_entry("demo").id == "demo"


def test_address_by_layout() -> None:
    entry = cc.catalog()["era5/ecmwf-arco"]
    assert entry.address("map").layout == "map"
    assert entry.address("series").layout == "series"
    assert entry.address() is entry.addresses[0]


def test_entry_that_cannot_be_opened() -> None:
    with pytest.raises(CatalogError, match="described, but climcube cannot open it.*esm-table"):
        cc.catalog()["cmip6/pangeo-aws"].address()


def test_catalog_beside_a_link(tmp_path: Path) -> None:
    # A catalog reached through a linked folder still has its own folder as home.
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "c.yaml").write_text(text(valid()))
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    url = cc.catalog(tmp_path / "linked" / "c.yaml")["sst"].addresses[0].url
    assert url == str((tmp_path / "real" / "sst.zarr").resolve())


def test_absolute_path_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text(change(URL, f"{tmp_path}/deep/sst.zarr")))
    assert cc.catalog(tmp_path / "c.yaml")["sst"].addresses[0].url == f"{tmp_path}/deep/sst.zarr"


HOSTILE = '<script>alert("x")</script> [bold]&amp;'


@pytest.fixture
def scripted(tmp_path: Path) -> Catalog:
    """A catalog whose texts are HTML and console markup."""
    document = change(f"{FACTS}|title", HOSTILE)
    facts = document["entries"]["sst"]["metadata"]
    facts["licence"] = facts["summary"] = facts["doi"] = HOSTILE
    facts["traps"] = [HOSTILE]
    facts["variables"] = {"sst": {"units": HOSTILE}}
    (tmp_path / "scripted.yaml").write_text(text(document))
    return cc.catalog(tmp_path / "scripted.yaml")


def test_html_is_escaped(scripted: Catalog) -> None:
    for page in (scripted._repr_html_(), scripted["sst"]._repr_html_()):
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert "&amp;amp;" in page


def test_html_takes_the_colours_of_the_page() -> None:
    for page in (cc.catalog()._repr_html_(), cc.catalog()["demo"]._repr_html_()):
        assert "color:inherit" in page and "background:transparent" in page
        assert "#" not in page.replace("&#", "").replace("&#x27;", "")


def test_console_markup_is_text(scripted: Catalog) -> None:
    from rich.console import Console

    console = Console(width=400, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(list_table(scripted))
    assert HOSTILE in console.export_text()


def test_text(mine: Catalog) -> None:
    shown = show_text(mine["sst"])
    assert shown == mine.show("sst") == mine["sst"].show()
    for fact in ("CC0-1.0", "sst [degC]", "time 10", "standard", "sst.zarr", "unverified"):
        assert fact in shown
    assert all(len(line) <= 96 or " " not in line.strip() for line in shown.splitlines())
    assert repr(mine).splitlines() == [
        "<Catalog: 1 entries in 1 file(s)>",
        "  sst  Sea surface temperature",
    ]
    assert rows(mine) == [("sst", "Sea surface temperature", "sst", "unknown", "unverified")]
    assert repr(mine["sst"]).startswith("<Entry 'sst': Sea surface temperature")
