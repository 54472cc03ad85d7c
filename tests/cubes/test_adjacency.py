"""Which grids close around the globe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from climcube.cubes.adjacency import axis_closes, columns_close
from climcube.errors import AxisError


@given(st.integers(3, 400), st.floats(-400, 400), st.booleans())
def test_a_whole_ring_closes_and_a_part_does_not(count: int, west: float, falls: bool) -> None:
    ring = west + np.arange(count) * 360 / count
    for convention in (ring, ring % 360, (ring + 180) % 360 - 180):
        values = convention[::-1] if falls else convention
        assert axis_closes(values, "lon")
        if count > 6:
            assert not axis_closes(values[:-1], "lon")
    assert not axis_closes(ring[:2], "lon")


def test_a_grid_that_repeats_or_is_shuffled_is_refused() -> None:
    with pytest.raises(AxisError, match="repeat the first"):
        axis_closes(np.arange(0, 361, 10.0), "lon")
    with pytest.raises(AxisError, match="not in order"):
        axis_closes(np.array([0.0, 20, 10]), "lon")
    with pytest.raises(AxisError, match="longitude has missing values"):
        axis_closes(np.array([0.0, np.nan, 10]), "lon")


def edges(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.meshgrid(lat, lon, indexing="ij")
    return rows[:, [0, 1, -2, -1]], columns[:, [0, 1, -2, -1]]


def test_columns_of_a_curved_grid() -> None:
    lat = np.linspace(-80, 80, 33)
    assert columns_close(*edges(np.arange(0, 360, 2.0), lat), "lon")
    assert columns_close(*edges(np.arange(73, 433, 1.0) % 360, lat), "lon")
    assert not columns_close(*edges(np.arange(0, 356, 2.0), lat), "lon")
    for repeated in (1, 2):  # ocean models often keep a halo of two columns
        with pytest.raises(AxisError, match="repeat"):
            columns_close(*edges(np.arange(0, 360 + 2 * repeated, 2.0), lat), "lon")
    rows, columns = edges(np.arange(0, 360, 2.0), lat)
    assert columns_close(np.where(rows > 0, rows, np.nan), columns, "lon")
    assert not columns_close(rows * np.nan, columns, "lon")


@pytest.mark.reference
def test_a_real_ocean_grid(reference_data: Path) -> None:
    name = reference_data / "nemo" / "nemo_1m_20150101-20150201_grid-T.nc"
    with xr.open_dataset(name, decode_times=False) as data:
        chosen = [data[n].values[:, [0, 1, -2, -1]] for n in ("nav_lat", "nav_lon")]
        assert columns_close(*chosen, "nav_lon")
        part = [data[n].values[:, [0, 1, 100, 101]] for n in ("nav_lat", "nav_lon")]
        assert not columns_close(*part, "nav_lon")
