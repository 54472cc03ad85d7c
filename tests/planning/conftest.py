"""One cube in a store for all plans."""

from __future__ import annotations

import pytest

from tests.planning.statistics import Cubes, cubes_of, write_cube


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The cube's address."""
    return write_cube(tmp_path_factory.mktemp("plans") / "sst.zarr")


@pytest.fixture(scope="session")
def cubes(stored: str) -> Cubes:
    """The cube, lazily, in both layouts."""
    return cubes_of(stored)
