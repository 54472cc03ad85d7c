"""Cells on pixels."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climcube.explorer.raster import Raster


def cube(lat: object, lon: object, dims: tuple[str, ...] = ("lat", "lon")) -> xr.DataArray:
    coords = {"lat": ("lat", lat), "lon": ("lon", lon)}
    sizes = {"lat": len(lat), "lon": len(lon)}  # type: ignore[arg-type]
    field = xr.DataArray(np.zeros([sizes[d] for d in dims]), coords, dims)
    field["lat"].attrs["units"], field["lon"].attrs["units"] = "degrees_north", "degrees_east"
    return field


def test_even_cells_are_pixels_from_south_to_north() -> None:
    raster = Raster.of(cube([30.0, 20.0, 10.0], [0.0, 10.0]))
    assert (raster.west, raster.east, raster.south, raster.north) == (-5, 15, 5, 35)
    assert raster.dims == ("lat", "lon")
    picture = raster.picture(np.array([[5, 6], [3, 4], [1, 2]], "uint8"), 0)
    assert picture.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert picture.dtype == np.uint8


def test_uneven_rows_lie_where_they_belong() -> None:
    raster = Raster.of(cube([0.0, 10.0, 40.0], [0.0, 10.0]))
    picture = raster.picture(np.array([[1, 1], [2, 2], [3, 3]], "uint8"), 0)
    # Edges of rows are -5, 5, 25, 55: shares of the picture's height.
    shares = [float((picture[:, 0] == row).mean()) for row in (1, 2, 3)]
    np.testing.assert_allclose(shares, [10 / 60, 20 / 60, 30 / 60], atol=0.1)
    assert picture[0, 0] == 1 and picture[-1, 0] == 3


def test_a_region_across_the_dateline_stays_in_one_piece() -> None:
    raster = Raster.of(cube([0.0, 10.0], [175.0, -175.0, 165.0]))
    assert raster.east - raster.west == 30
    picture = raster.picture(np.array([[2, 3, 1], [2, 3, 1]], "uint8"), 0)
    assert picture[0].tolist() == [1, 2, 3]


def test_scattered_cells_fill_what_is_near_them_and_nothing_else() -> None:
    lat, lon = np.array([0.0, 0.0, 10.0]), np.array([0.0, 10.0, 10.0])
    cells = xr.DataArray(np.zeros(3), {"lat": ("cell", lat), "lon": ("cell", lon)}, ("cell",))
    cells["lat"].attrs["units"], cells["lon"].attrs["units"] = "degrees_north", "degrees_east"
    raster = Raster.of(cells)
    picture = raster.picture(np.array([1, 2, 3], "uint8"), 99)
    assert picture.dtype == np.uint8
    assert {1, 2, 3} <= set(np.unique(picture)) <= {1, 2, 3, 99}
    assert picture[0, 0] == 1 and picture[0, -1] == 2 and picture[-1, -1] == 3
