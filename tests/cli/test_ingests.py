"""Recipes, plans, appends and reports from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.testing import write_daily_files
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def test_a_recipe_planned_ingested_appended_and_reported(
    run: Run, ocean: xr.Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("icechunk")
    paths = write_daily_files(ocean.isel(time=slice(12)), tmp_path / "files")
    template = tmp_path / "files" / paths[0].name.replace("20000101", "{date:%Y%m%d}")
    recipe, store = tmp_path / "recipe.yaml", tmp_path / "sst.icechunk"
    recipe.write_text(
        f"name: mine\nfiles: {{template: '{template}', period: ['2000-01-01', '2000-01-08']}}\n"
    )
    planned = run("ingest", recipe, store, "--plan")
    assert planned.exit_code == 0 and "8 files" in planned.stdout and not store.exists()
    refused = run("ingest", recipe, store, "--plan", "--report", tmp_path / "r.html")
    assert refused.exit_code == 2 and "--plan writes nothing" in refused.output
    made = run(
        "ingest", recipe, store, "--report", tmp_path / "r.html", "--catalog", tmp_path / "c.yaml"
    )
    assert made.exit_code == 0, made.output
    assert (tmp_path / "r.html").exists() and (tmp_path / "r.json").exists()
    again = run("ingest", recipe, store)
    assert again.exit_code == 0 and "holds all of this already" in again.stdout
    more = run("ingest", recipe, store, "--append", "--period", "2000-01-09/2000-01-12")
    assert more.exit_code == 0, more.output
    found = cc.open("mine", catalog=tmp_path / "c.yaml", variable="sst")
    np.testing.assert_array_equal(found, ocean.sst[:12])


def test_wrong_usage(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    paths = write_daily_files(ocean.isel(time=slice(3)), tmp_path / "files")
    store = tmp_path / "x.zarr"
    assert run("ingest", *paths, store, "--append", "--replace").exit_code == 2
    assert run("ingest", *paths, store, "--period", "2000").exit_code == 2
    assert_one_error_line(run("ingest", *paths, store, "--append"), ".icechunk")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("fils: a.nc\n")
    assert_one_error_line(run("ingest", recipe, store), "files")
    assert not store.exists()


def test_several_quoted_globs(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    paths = write_daily_files(ocean.isel(time=slice(6)), tmp_path / "files")
    store = tmp_path / "x.zarr"
    stem, last = str(paths[0])[:-4], paths[-1]  # the first five days end in 1 to 5
    made = run("ingest", f"{stem}[12].nc", f"{stem}[2345].nc", last, store)
    assert made.exit_code == 0, made.output
    np.testing.assert_array_equal(cc.open(store, variable="sst"), ocean.sst[:6])
    assert_one_error_line(run("ingest", paths[0], f"{stem}x*.nc", store), "x*.nc", "no file")
