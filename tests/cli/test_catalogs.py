"""The shipped catalog, from the command line."""

from __future__ import annotations

from pathlib import Path

import climcube as cc
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
