"""The command and the function before there is a page: what is wrong is one line."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import climcube as cc
from climcube.cli import app
from climcube.errors import DependencyError, ParameterError
from climcube.explorer import words
from climcube.explorer.server import _free_port
from climcube.plots.style import CATEGORIES


@pytest.fixture
def without_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "panel", None)


@pytest.mark.usefixtures("without_panel")
def test_a_missing_extra_is_named(sst: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"'panel'.*climcube\[explorer\]"):
        cc.explore(sst)
    found = CliRunner().invoke(app, ["explore", str(tmp_path / "none.zarr")])
    assert found.exit_code == 1
    assert found.stderr.count("\n") == 1 and "climcube[explorer]" in found.stderr


@pytest.mark.parametrize(
    ("cube", "message"),
    [
        (lambda sst: sst[:, 3, 3], "explore needs a map"),
        (lambda sst: sst[:, :0], "explore needs at least one cell"),
        (lambda sst: sst[::30], "daily"),
    ],
)
def test_what_cannot_be_explored_ends_the_command(
    sst: xr.DataArray, tmp_path: Path, cube: Any, message: str
) -> None:
    pytest.importorskip("panel")
    path = tmp_path / "cube.nc"
    cube(sst).compute().to_netcdf(path)
    found = CliRunner().invoke(app, ["explore", str(path), "--no-open"])
    assert found.exit_code == 1, found.output
    assert message in found.stderr and found.stderr.count("\n") == 1


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ParameterError, match=f"cannot listen there.*{port}.*another port"):
            _free_port("127.0.0.1", port)
    assert _free_port("127.0.0.1", port) == port
    assert _free_port("127.0.0.1", None) > 0


def test_all_missing_and_gaps_in_the_legend() -> None:
    codes = np.array([[16, 16, 8, 0], [16, 1, 2, 12]], "uint8")
    entries = dict(words.legend_entries(codes, np.array([[1.0], [3.0]])))
    # Of what has a value: one cell of weight 1 and two of weight 3; a bridged gap has none.
    assert entries["None"] == pytest.approx(1 / 7)
    assert entries["Moderate"] == entries["Strong"] == pytest.approx(3 / 7)
    assert entries["Extreme"] == 0 and "Land" in entries and "No value" in entries
    assert "Not computed yet" not in entries
    empty = dict(words.legend_entries(np.full((2, 2), 16, "uint8"), np.ones((2, 1))))
    assert [empty[name] for name in CATEGORIES] == [None] * 4
    waiting = dict(words.legend_entries(np.array([[32, 0]], "uint8"), np.ones((1, 1))))
    assert waiting["None"] is None and "Not computed yet" in waiting
