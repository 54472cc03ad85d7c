"""The commands of indices give what the functions give, and say their mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.indices.heating_weeks import degree_heating_weeks
from climcube.analysis.indices.iod import iod
from climcube.analysis.indices.nino import oni
from climcube.analysis.indices.warmest_month import maximum_monthly_mean
from climcube.testing import synthetic_ocean
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line

PERIOD = ("2000", "2003")


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return synthetic_ocean(years=4, shape=(18, 36)).sst


@pytest.fixture(scope="module")
def file(sst: xr.DataArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("globe") / "sst.nc"
    sst.to_netcdf(path)
    return path


def test_oni_iod_and_pdo(run: Run, file: Path, sst: xr.DataArray, tmp_path: Path) -> None:
    options = ["--base-period", "2000-2003"]
    target = tmp_path / "oni.nc"
    assert run("oni", file, "-o", target, *options, "--decimals", 1).exit_code == 0
    with xr.open_dataset(target) as saved:
        expected = oni(sst, base_period=PERIOD, decimals=1)
        np.testing.assert_allclose(saved.oni, expected.oni, atol=1e-6)
        assert saved.season[0] == "DJF"
    target = tmp_path / "iod.zarr"
    assert run("iod", file, "-o", target, *options).exit_code == 0
    np.testing.assert_allclose(
        xr.open_zarr(target).dmi, iod(sst, base_period=PERIOD).dmi, atol=1e-6
    )
    pytest.importorskip("xeofs")
    target = tmp_path / "pdo.nc"
    made = run("pdo", file, "-o", target, *options)
    assert made.exit_code == 0 and "pdo.nc" in made.stdout, made.output
    with xr.open_dataset(target) as saved:
        assert saved["index"].sizes["time"] == 48


def test_degree_heating_weeks(run: Run, file: Path, sst: xr.DataArray, tmp_path: Path) -> None:
    expected = degree_heating_weeks(sst, base_period=PERIOD)
    target = tmp_path / "dhw.zarr"
    made = run("dhw", file, "-o", target, "--base-period", "2000-2003")
    assert made.exit_code == 0, made.output
    saved = xr.open_zarr(target)
    np.testing.assert_allclose(saved.dhw, expected.dhw, atol=1e-5)
    np.testing.assert_array_equal(saved.alert, expected.alert)
    climatology = tmp_path / "mmm.nc"
    maximum_monthly_mean(sst, base_period=PERIOD).to_netcdf(climatology)
    again = tmp_path / "again.zarr"
    made = run("dhw", file, "-o", again, "--mmm", climatology, "--max-missing", 2)
    assert made.exit_code == 0, made.output
    np.testing.assert_allclose(xr.open_zarr(again).dhw, expected.dhw, atol=1e-5)
    assert run("dhw", file, "-o", tmp_path / "n.zarr", "--mmm", 20).exit_code == 0


@pytest.mark.parametrize(
    ("command", "options", "fragments"),
    [
        ("oni", [], ["--base-period 2000-2003"]),
        ("dhw", [], ["--base-period 1985-2012"]),
        ("dhw", ["--mmm", "nothing.nc"], ["nothing.nc"]),
        ("iod", ["--base-period", "1900-1910"], ["2000..2003"]),
    ],
)
def test_mistakes_are_one_line(
    run: Run, file: Path, tmp_path: Path, command: str, options: list[str], fragments: list[str]
) -> None:
    target = tmp_path / "out.zarr"
    assert_one_error_line(run(command, file, "-o", target, *options), *fragments)
    assert not target.exists()
