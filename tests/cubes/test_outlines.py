"""Edges of rows and columns, corners of curved cells."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climcube.cubes.outlines import cell_corners, column_edges, row_edges
from climcube.errors import AxisError


def axis(name: str, values: list[float], **attrs: str) -> xr.DataArray:
    return xr.DataArray(np.zeros(len(values)), {name: (name, values, attrs)}, [name])


def test_rows_end_at_the_poles() -> None:
    cube = axis("lat", [-90, -88, 0, 88, 90])
    edges = [[-90, -89], [-89, -44], [-44, 44], [44, 89], [89, 90]]
    np.testing.assert_allclose(row_edges(cube, cube, "lat"), edges)
    falling = cube.isel(lat=slice(None, None, -1))
    np.testing.assert_allclose(row_edges(falling, falling, "lat"), edges[::-1])
    one = axis("lat", [3.0])
    np.testing.assert_allclose(row_edges(one, one, "lat"), [[2.5, 3.5]])


@pytest.mark.parametrize("turn", [0, 360, -360])
def test_columns_are_told_from_180_west_to_180_east(turn: float) -> None:
    cube = axis("lon", [170.0 + turn, 180 + turn, 190 + turn])
    np.testing.assert_allclose(
        column_edges(cube, cube, "lon"), [[165, 175], [175, -175], [-175, -165]]
    )
    west = axis("lon", [175.0, -175.0])
    np.testing.assert_allclose(column_edges(west, west, "lon"), [[170, 180], [-180, -170]])


def test_neighbours_share_an_edge() -> None:
    lon = np.arange(4320) / 12 + 1 / 24
    cube = axis("lon", list(lon.astype("float32")))
    edges = column_edges(cube, cube, "lon")
    shared = edges[:-1, 1] == edges[1:, 0]
    assert shared.sum() == len(shared) - 1  # but at the dateline
    assert {edges[2159, 1], edges[2160, 0]} == {180.0, -180.0}


def test_bounds_across_greenwich() -> None:
    data = axis("lon", [0.0, 10.0], bounds="edges").to_dataset(name="t")
    data["edges"] = (("lon", "n"), [[355, 5], [5, 15]])
    np.testing.assert_allclose(column_edges(data, data.t, "lon"), [[-5, 5], [5, 15]])


def test_corners_of_a_cell_stay_together() -> None:
    names = {"lat": [[0.0]], "lon": [[180.0]]}
    data = xr.Dataset({"t": (("y", "x"), [[1.0]])}).assign_coords(
        {n: (("y", "x"), v, {"bounds": f"{n}_b"}) for n, v in names.items()}
    )
    data["lat_b"] = (("y", "x", "n"), [[[-1, -1, 1, 1]]])
    data["lon_b"] = (("y", "x", "n"), [[[179, -179, -179, 179]]])
    corners = cell_corners(data, data.t, "lat", "lon")
    np.testing.assert_allclose(corners[0, 0], [[179, -1], [181, -1], [181, 1], [179, 1]])
    with pytest.raises(AxisError, match="whole Dataset"):
        cell_corners(data.t, data.t, "lat", "lon")
