"""The shipped catalog, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import climcube as cc
from climcube.catalogs import write_entry
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def test_every_entry_is_listed_and_shown(run: Run) -> None:
    result = run("catalog", "ls")
    assert result.exit_code == 0, result.output
    ids = list(cc.catalog().ids())
    assert [line.split()[0] for line in result.stdout.splitlines()] == ids
    shown = run("catalog", "show", ids[0])
    assert shown.exit_code == 0, shown.output
    for fact in (ids[0], "licence", "citation", "calendar"):
        assert fact in shown.stdout


def test_mistakes_are_one_line(run: Run, tmp_path: Path) -> None:
    name = next(iter(cc.catalog().ids()))
    assert_one_error_line(run("catalog", "show", name + "x"), f"did you mean '{name}'")
    absent = tmp_path / "absent.yaml"
    assert_one_error_line(run("catalog", "ls", "--catalog", absent), "absent.yaml")


def test_search_names_what_it_finds_and_counts_who_is_silent(run: Run) -> None:
    result = run("catalog", "search", "--variable", "sst", "--period", "2000-2001")
    assert result.exit_code == 0, result.output
    assert "demo" in [line.split()[0] for line in result.stdout.splitlines()]
    assert "do not say what was asked (--unknown returns them)" in result.stderr
    more = run("catalog", "search", "--variable", "sst", "--period", "2000-2001", "--unknown")
    assert len(more.stdout.splitlines()) > len(result.stdout.splitlines())
    assert_one_error_line(run("catalog", "search", "--layout", "map"), "layout")


def test_check_has_an_exit_code(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    good = run("catalog", "check", "demo", "--html", page)
    assert good.exit_code == 0 and "1 addresses: 1 good" in good.stdout
    assert "1 good" in page.read_text()
    file = write_entry(tmp_path / "c.yaml", "x", title="X", address=f"{tmp_path}/gone.zarr")
    bad = run("catalog", "check", "--catalog", file, "--json")
    assert bad.exit_code == 1 and json.loads(bad.stdout)["counts"] == {"dead": 1}


@pytest.mark.parametrize("verb", ["check", "show", "stac"])
def test_a_catalog_in_the_place_of_an_entry(run: Run, tmp_path: Path, verb: str) -> None:
    result = run("catalog", verb, tmp_path / "cat.yaml")
    assert_one_error_line(result, "the name of a catalog", "--catalog", "cat.yaml")


def test_schema_and_stac_are_json(run: Run) -> None:
    assert json.loads(run("catalog", "schema").stdout)["$id"] == "urn:climcube:catalog:1"
    assert json.loads(run("catalog", "stac", "demo").stdout)["type"] == "Collection"


def test_several_catalogs(run: Run, tmp_path: Path) -> None:
    one = write_entry(tmp_path / "a.yaml", "a", title="A", address="s3://b/a.zarr")
    two = write_entry(tmp_path / "b.yaml", "b", title="B", address="s3://b/b.zarr")
    result = run("catalog", "ls", "--catalog", one, "--catalog", two)
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["a", "b"]
