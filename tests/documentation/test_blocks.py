"""Every block of code in the documentation runs, page by page, or says why it is not run."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import climcube as cc
from climcube.cli import app
from tests.documentation import setting
from tests.documentation.blocks import Block, blocks_of, pages

PAGES = [blocks_of(path) for path in pages()]
RUN = [page for page in PAGES if page.blocks]


@pytest.fixture(scope="module", autouse=True)
def one_setting() -> Iterator[None]:
    yield
    setting.remove()


@pytest.fixture(autouse=True)
def settings_that_do_not_stay() -> Iterator[None]:
    before = dask.config.get("scheduler", None)
    with cc.set_options(catalogs=(), s3_client="s3fs"):
        yield
    dask.config.set(scheduler=before)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_blocks_of_the_page_run(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names: dict[str, Any] = {
        "cc": cc,
        "np": np,
        "pd": pd,
        "xr": xr,
        "ocean": setting.ocean,
        "record": setting.record,
        "store": setting.store,
        "archive": setting.archive,
    }
    for block in page.blocks:
        run(block.given, names, f"{block.where}, given")
        if block.not_run is not None:
            assert block.not_run, f"{block.where}: not run, and does not say why"
        elif block.language == "python":
            run(block.code, names, block.where)
        else:
            command_line(block)
        pyplot.close("all")


def run(code: str, names: dict[str, Any], where: str) -> None:
    """Run Python; a value in a line of its own is shown, as it would be to a reader."""
    tree = ast.parse(code, where)
    for statement in tree.body:
        try:
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), where, "eval"), names)
                repr(value)
            else:
                exec(compile(ast.Module([statement], []), where, "exec"), names)
        except Exception as error:
            line = ast.unparse(statement)
            raise AssertionError(f"{where}: {line}\n{type(error).__name__}: {error}") from error


def command_line(block: Block) -> None:
    """Run what a console block calls of climcube; other programs are not ours to test."""
    for command in block.commands():
        program, *words = shlex.split(command)
        if program != "climcube":
            continue
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{block.where}: {command}\n{done.output}"
