"""Looking at cubes and making them, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

import climcube as cc
from climcube.testing import write_daily_files
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def test_info_says_what_is_there(run: Run, cube_file: Path) -> None:
    result = run("info", cube_file)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "time 1461, lat 4, lon 6" in text
    assert "[degC]" in text and "float32" in text
    assert "2000-01-01 to 2003-12-31" in text and "calendar" in text
    assert run("info", cube_file, "-v", "sst").exit_code == 0


def test_info_of_what_is_not_there(run: Run, tmp_path: Path) -> None:
    assert_one_error_line(run("info", tmp_path / "absent.zarr"), "absent.zarr")
    assert_one_error_line(run("info", tmp_path / "*.nc"), "*.nc")


def test_ingest_glob_and_list_give_the_ocean(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    paths = write_daily_files(ocean.isel(time=slice(40)), tmp_path / "files")
    quoted, listed = tmp_path / "quoted.zarr", tmp_path / "listed.zarr"
    result = run("ingest", tmp_path / "files" / "*.nc", quoted)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    assert run("ingest", *paths, listed, "--variable", "sst").exit_code == 0
    for store in (quoted, listed):
        sst = cc.open(str(store), variable="sst")
        np.testing.assert_array_equal(sst, ocean.sst[:40])


def test_ingest_mistakes_are_one_line(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    paths = write_daily_files(ocean.isel(time=slice(4)), tmp_path / "files")
    store = tmp_path / "x.zarr"
    assert_one_error_line(run("ingest", tmp_path / "no*.nc", store), "no*.nc")
    paths[2].write_bytes(paths[2].read_bytes()[:500])
    assert_one_error_line(run("ingest", *paths, store), paths[2].name)
    assert not store.exists()
