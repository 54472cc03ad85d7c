"""Copies into another layout, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
import zarr

import climcube as cc
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def test_maps_become_series_and_maps_again(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    packed = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -999, "chunks": (20, 4, 6)}
    maps, series, back = (tmp_path / f"{name}.zarr" for name in ("maps", "series", "back"))
    cc.save(ocean.sst.isel(time=slice(100)), maps, encoding={"sst": packed})
    planned = run("relayout", maps, series, "--plan", "--memory", "1 GB")
    assert planned.exit_code == 0, planned.output
    assert "each stored chunk 1 times" in planned.stdout and not series.exists()
    for source, target, layout in ((maps, series, "series"), (series, back, "maps")):
        result = run("relayout", source, target, "--layout", layout, "-v", "sst", "--resume")
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[-1] == str(target)
        copy, original = (zarr.open_array(s / "sst", mode="r") for s in (target, maps))
        np.testing.assert_array_equal(copy[:], original[:])
        assert copy.chunks[0] == (100 if layout == "series" else 1)


def test_mistakes_are_one_line(run: Run, cube_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.zarr"
    assert_one_error_line(run("relayout", cube_file, target, "--layout", "pencils"), "series")
    assert_one_error_line(run("relayout", cube_file, target, "--memory", "9"), "memory")
    assert_one_error_line(run("relayout", tmp_path / "absent.zarr", target), "absent.zarr")
    assert run("relayout", cube_file, target).exit_code == 0
    assert_one_error_line(run("relayout", cube_file, target), "exists")
