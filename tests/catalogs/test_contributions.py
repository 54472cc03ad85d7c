"""What a pull request with a data set is checked for, without network."""

from __future__ import annotations

from pathlib import Path

import pytest

import climcube as cc
from climcube.catalogs.spans import is_rolling, written

ROOT = Path(__file__).resolve().parents[2]
CATALOGS = sorted((ROOT / "catalogs").glob("*.yaml"))
RECIPES = sorted((ROOT / "recipes").glob("*.y*ml"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may reach out."""
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a contribution is checked without network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.stem)
def test_a_catalog_is_valid_and_says_what_its_addresses_are(file: Path) -> None:
    for entry in cc.catalog(file).entries.values():
        assert entry.show() and entry.to_stac()
        assert entry.addresses[0].role == "unknown", "the first is what the others are compared to"
        openable = [
            a for a in entry.addresses if a.format in ("zarr", "icechunk", "netcdf", "opendap")
        ]
        for address in openable[1:]:
            assert address.role != "unknown", f"{address.name}: mirror, twin or other?"
        if entry.successor is not None:
            assert entry.successor in cc.catalog()
        if entry.delay_days is not None:
            assert entry.period is not None and is_rolling(entry.period[1])
        if entry.status == "verified":
            assert entry.verified, "by whom, and when?"
        if entry.period is not None and written(entry.period[0]):
            assert not written(entry.period[1]) or entry.period[0] <= entry.period[1] + "-99"


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_is_valid(file: Path) -> None:
    from climcube.recipes.recipe import read_recipe

    recipe = read_recipe(file)
    assert recipe.name and recipe.licence and recipe.citation


def test_there_are_recipes() -> None:
    assert CATALOGS
