"""Detrending: SciPy and NumPy where they can, gaps, chunks, units, corners."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import signal

from climcube.analysis.trends.detrend import detrend
from climcube.cubes.calendar import TimeAxis
from climcube.errors import ChunkError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.trends.test_trend import cube_of, red, years


def test_a_line_is_removed_as_scipy_does() -> None:
    values = 290 + red((50, 2, 3)) + 0.1 * np.arange(50)[:, None, None]
    cube = cube_of(values, years(50))
    np.testing.assert_allclose(detrend(cube), signal.detrend(values, axis=0), atol=1e-11)
    kept = detrend(cube, keep_mean=True)
    np.testing.assert_allclose(kept.mean("time"), cube.mean("time"), rtol=1e-13)
    assert kept.attrs["units"] == "degC"
    assert "units_metadata" not in kept.attrs
    assert detrend(cube).attrs["units_metadata"] == "temperature: difference"
    assert detrend(cube).name == "sst"


@pytest.mark.parametrize("degree", [1, 2])
def test_gaps_keep_their_times(degree: int) -> None:
    time = xr.date_range("1951-01-01", periods=200, freq="MS")
    values = 290 + red((200, 2)) + 1e-4 * np.arange(200)[:, None] ** 2
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    cube = cube_of(values, time)
    t = TimeAxis.of(cube).decimal_year - 1951
    found = detrend(cube, degree=degree)
    for k in range(2):
        there = ~np.isnan(values[:, k])
        fit = np.polynomial.Polynomial.fit(t[there], values[there, k], degree)
        np.testing.assert_allclose(found[there, k], values[there, k] - fit(t[there]), atol=1e-9)
        assert np.isnan(found.values[~there, k]).all()


def test_a_parabola_leaves_nothing() -> None:
    cube = cube_of(15 + 0.1 * np.arange(40.0) - 0.02 * np.arange(40.0) ** 2, years(40))
    np.testing.assert_allclose(detrend(cube, degree=2), 0, atol=1e-12)


def test_lazy_in_any_order_and_tiles() -> None:
    cube = cube_of(red((60, 3, 4)).astype("float32"), years(60))
    whole = detrend(cube, degree=2)
    assert whole.dtype == "float32"
    with no_compute():
        lazy = detrend(cube.transpose("lat", "time", "lon").chunk(lat=2, lon=3), degree=2)
    assert lazy.dims == ("lat", "time", "lon")
    np.testing.assert_array_equal(lazy.transpose("time", "lat", "lon"), whole)


def test_corners() -> None:
    values = np.full((20, 4), np.nan)
    values[:, 0] = 7.25
    values[[2, 5], 1] = 1.0, 2.0
    values[[2, 5, 9], 2] = 1.0, 2.0, 4.0
    found = detrend(cube_of(values, years(20)).rename(lat="cell"))
    assert (found[:, 0] == 0).all()
    assert np.isnan(found[:, 1]).all()  # two points are on a line whatever they are
    assert int(found[:, 2].notnull().sum()) == 3
    assert np.isnan(found[:, 3]).all()


def test_errors() -> None:
    cube = cube_of(red((30, 2)), years(30))
    for degree in (0, 3, True, "1"):
        with pytest.raises(ParameterError, match="1 or 2"):
            detrend(cube, degree=degree)  # type: ignore[arg-type]
    with pytest.raises(ChunkError):
        detrend(cube.chunk(time=7))
    with pytest.raises(CubeError, match="infinite value at time index 0"):
        detrend(cube.where(cube.time > cube.time[0], np.inf))
