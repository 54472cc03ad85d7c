from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from climcube.testing.laziness import ComputedError, no_compute


@pytest.fixture
def cube() -> xr.DataArray:
    return xr.DataArray(da.ones((4, 6), chunks=2), dims=("time", "x"))


def test_building_a_graph_passes(cube: xr.DataArray) -> None:
    with no_compute():
        lazy = (cube - cube.mean("time")).rename("anomaly")
    assert lazy.chunks is not None


@pytest.mark.parametrize(
    "evaluate",
    [
        lambda c: c.compute(),
        lambda c: c.load(),
        lambda c: c.persist(),
        lambda c: c.values,
        lambda c: float(c.sum()),
        lambda c: np.asarray(c.data),
        lambda c: dask.compute(c.data, c.data),
        lambda c: bool((c > 0).all()),
    ],
)
def test_every_way_to_compute_is_caught(cube: xr.DataArray, evaluate: object) -> None:
    with no_compute(), pytest.raises(ComputedError):
        evaluate(cube)  # type: ignore[operator]


def test_the_scheduler_is_back_afterwards(cube: xr.DataArray) -> None:
    with pytest.raises(ComputedError), no_compute():
        cube.compute()
    assert float(cube.sum()) == 24


def test_eager_arrays_are_none_of_its_business() -> None:
    with no_compute():
        assert float(xr.DataArray(np.ones(3)).sum()) == 3
