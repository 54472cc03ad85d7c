"""A small cube on disk and a way to call the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from climcube.cli import app
from climcube.testing import synthetic_ocean

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Call ``climcube`` in this process; arguments may be anything that has a text."""
    runner = CliRunner()

    def call(*arguments: object) -> Result:
        return runner.invoke(app, [str(a) for a in arguments])

    return call


@pytest.fixture(scope="session")
def ocean() -> xr.Dataset:
    return synthetic_ocean(years=4, shape=(4, 6))


@pytest.fixture(scope="session")
def cube_file(ocean: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cube") / "sst.nc"
    ocean.to_netcdf(path)
    return path
