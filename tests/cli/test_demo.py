"""The demonstration in small: eleven years in a few cells, written as yearly files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
import climcube.cli.verdict
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def yearly_files(ocean: xr.Dataset, folder: Path) -> None:
    """Write what thousands of daily files would hold, in seconds less."""
    folder.mkdir(parents=True, exist_ok=True)
    for year, part in ocean.groupby("time.year"):
        part.to_netcdf(folder / f"oisst-avhrr-v02r01.{year}0101.nc")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(cc.testing, "write_daily_files", yearly_files)
    return ["--years", "11", "--grid", "9x18"]


def test_demo_finds_what_was_planted_and_leaves_everything_behind(
    run: Run, small: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    result = run("demo", "--folder", tmp_path, *small)
    assert result.exit_code == 0, result.output
    assert "FAILED" not in result.stdout and "100.0 %" in result.stdout
    assert "not planted" in result.stdout and "near threshold" in result.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert {"report.html", "events.csv", "catalog.yaml", "ocean.zarr", "heatwaves.zarr"} <= names
    assert sum(name.endswith(".png") for name in names) >= 4
    assert str(tmp_path) in result.stdout
    ocean = cc.testing.synthetic_ocean(years=11, shape=(9, 18))
    opened = cc.open("synthetic-ocean", variable="sst", catalog=str(tmp_path / "catalog.yaml"))
    np.testing.assert_array_equal(opened, ocean.sst)
    assert len(pd.read_csv(tmp_path / "events.csv")) == len(cc.testing.planted_events(ocean))
    source = json.loads(cc.heatwaves(opened.load()).annual.attrs["climcube_provenance"])
    assert "synthetic-ocean" in json.dumps(source["sources"])


def test_a_second_run_replaces_the_first(run: Run, small: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    stale = tmp_path / "files" / "oisst-avhrr-v02r01.19990101.nc"
    stale.parent.mkdir()
    stale.write_bytes(b"of another run")
    (tmp_path / ".climcube-demo").touch()
    for _ in range(2):
        assert run("demo", "--folder", tmp_path, *small).exit_code == 0


def test_demo_fails_loudly_when_the_truth_is_not_found(
    run: Run, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(climcube.cli.verdict, "_LEAST_SHARE", 1.01)
    result = run("demo", "--folder", tmp_path, *small)
    assert result.exit_code == 1
    assert "did not find what was planted" in result.stderr.strip().splitlines()[-1]


def test_demo_on_own_data(run: Run, cube_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("demo", "--data", cube_file, "--folder", tmp_path, "--base-period", "2000-2002")
    assert result.exit_code == 0, result.output
    assert "events in" in result.stdout and "Planted" not in result.stdout
    assert (tmp_path / "report.html").exists() and not (tmp_path / "files").exists()


def test_demo_on_data_that_is_not_there(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--data", tmp_path / "absent.nc", "--folder", tmp_path / "demo")
    assert_one_error_line(result, "absent.nc")
    assert not (tmp_path / "demo").exists()


def test_demo_never_writes_into_a_folder_of_something_else(
    run: Run, small: list[str], tmp_path: Path
) -> None:
    precious = tmp_path / "report.html"
    precious.write_text("my own")
    assert_one_error_line(run("demo", "--folder", tmp_path, *small), "did not write", str(tmp_path))
    assert_one_error_line(run("demo", "--folder", precious, *small), "not a folder")
    assert precious.read_text() == "my own" and list(tmp_path.iterdir()) == [precious]
