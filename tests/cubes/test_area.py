"""Cell areas: the sphere is covered exactly, and the order of sources is kept."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from climcube.cubes.area import cell_areas, longitude_widths
from climcube.cubes.sphere import EARTH_RADIUS, polygon_areas
from climcube.errors import AxisError, CubeError, ParameterError
from climcube.testing.laziness import no_compute

GLOBE = 4 * np.pi * EARTH_RADIUS**2


def grid(lat: np.ndarray, lon: np.ndarray) -> xr.DataArray:
    values = np.ones((len(lat), len(lon)))
    return xr.DataArray(values, [("lat", lat), ("lon", lon)], name="sst")


def areas_of(cube: xr.DataArray) -> tuple[xr.DataArray, str]:
    return cell_areas(cube, cube)


def with_bounds(cube: xr.DataArray, lat_bnds: np.ndarray, lon_bnds: np.ndarray) -> xr.Dataset:
    dataset = cube.to_dataset().assign(
        lat_bnds=(("lat", "bnds"), lat_bnds), lon_bnds=(("lon", "bnds"), lon_bnds)
    )
    dataset.lat.attrs["bounds"], dataset.lon.attrs["bounds"] = "lat_bnds", "lon_bnds"
    return dataset


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "lon", [np.arange(0.5, 360), np.arange(-180, 180, 2.5), np.array([0, 90, 180, 270.0])]
)
@pytest.mark.parametrize(
    "lat",
    [
        np.arange(-89.5, 90),
        np.linspace(-90, 90, 19),
        np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(32)[0])),
    ],
    ids=["centres", "poles", "gaussian"],
)
def test_global_grids_cover_the_globe(lat: np.ndarray, lon: np.ndarray, order: int) -> None:
    area, origin = areas_of(grid(lat[::order], lon[::order]))
    assert origin == "bands"
    assert area.dims == ("lat", "lon")
    np.testing.assert_allclose(area.sum(), GLOBE, rtol=1e-13)
    np.testing.assert_allclose(area[0], area[-1], rtol=1e-9)


def test_bands_are_exact_where_no_pole_is_near() -> None:
    area, _ = areas_of(grid(np.array([10.0, 20, 40]), np.array([350.0, 355, 0, 10])))
    edges = np.sin(np.deg2rad([5, 15, 30, 50]))
    width = np.deg2rad([5, 5, 7.5, 10])
    expected = np.diff(edges)[:, None] * width * EARTH_RADIUS**2
    np.testing.assert_allclose(area.values, expected, rtol=1e-13)


def test_a_row_short_of_the_pole_is_not_widened_where_another_would_fit() -> None:
    area, _ = areas_of(grid(np.arange(-88.0, 89, 2), np.arange(0, 360, 2.0)))
    missing = 1 - float(area.sum()) / GLOBE
    np.testing.assert_allclose(missing, 1 - np.sin(np.deg2rad(89)), rtol=1e-6)


def test_single_rows_and_columns() -> None:
    area, _ = areas_of(grid(np.array([60.0]), np.array([5.0])))
    np.testing.assert_allclose(area.item(), GLOBE / 360 / 180 * np.pi / 4, rtol=1e-4)
    line = grid(np.array([10.0, 20]), np.array([5.0])).squeeze("lon")
    assert areas_of(line)[0].dims == ("lat",)


@given(st.floats(-89, 89), st.floats(-360, 360), st.floats(0.01, 40), st.floats(0.01, 40))
def test_an_octant_and_small_squares(lat: float, lon: float, height: float, width: float) -> None:
    octant = polygon_areas(np.array([0, 0, 90.0]), np.array([lon, lon + 90, 0]))
    np.testing.assert_allclose(octant, GLOBE / 8, rtol=1e-13)
    corners = np.array([lat, lat, min(lat + height, 90), min(lat + height, 90)])
    around = np.array([lon, lon + width, lon + width, lon])
    turned = polygon_areas(corners, around)
    np.testing.assert_allclose(polygon_areas(corners[::-1], around[::-1]), turned, rtol=1e-6)
    np.testing.assert_allclose(polygon_areas(corners, around + 360), turned, rtol=1e-6)
    np.testing.assert_allclose(polygon_areas(-corners, around), turned, rtol=1e-6)


def test_small_polygons_keep_their_digits() -> None:
    size = 1e-3  # degrees: about 100 m
    area = polygon_areas(np.array([0, 0, size, size]), np.array([0, size, size, 0]))
    np.testing.assert_allclose(area, (np.deg2rad(size) * EARTH_RADIUS) ** 2, rtol=1e-9)


def test_a_dart_and_doubled_corners() -> None:
    square = polygon_areas(np.array([0, 0, 1, 1.0]), np.array([0, 1, 1, 0.0]))
    doubled = polygon_areas(np.array([0, 0, 0, 1, 1, 1.0]), np.array([0, 1, 1, 1, 0, 0.0]))
    np.testing.assert_allclose(doubled, square, rtol=1e-12)
    dart = polygon_areas(np.array([0, 0.25, 0, 1]), np.array([-1, 0, 1, 0.0]))
    whole = polygon_areas(np.array([0, 0, 1.0]), np.array([-1, 1, 0.0]))
    np.testing.assert_allclose(dart / whole, 0.75, rtol=1e-4)


def curvilinear(ny: int = 12, nx: int = 24) -> xr.Dataset:
    """A regular global grid that pretends to be curvilinear: corners known, areas known."""
    lat_edge, lon_edge = np.linspace(-90, 90, ny + 1), np.linspace(0, 360, nx + 1)
    corner_lat = np.stack([lat_edge[:-1], lat_edge[:-1], lat_edge[1:], lat_edge[1:]], -1)
    corner_lon = np.stack([lon_edge[:-1], lon_edge[1:], lon_edge[1:], lon_edge[:-1]], -1)
    dataset = xr.Dataset(
        {
            "tos": (("y", "x"), np.ones((ny, nx)), {"units": "degC"}),
            "bounds_lat": (("y", "x", "nvertex"), np.repeat(corner_lat[:, None], nx, 1)),
            "bounds_lon": (("y", "x", "nvertex"), np.repeat(corner_lon[None], ny, 0)),
        },
        coords={
            "nav_lat": (("y", "x"), np.repeat(corner_lat.mean(-1)[:, None], nx, 1)),
            "nav_lon": (("y", "x"), np.repeat(corner_lon[:, :2].mean(-1)[None], ny, 0)),
        },
    )
    dataset.nav_lat.attrs.update(standard_name="latitude", bounds="bounds_lat")
    dataset.nav_lon.attrs.update(standard_name="longitude", bounds="bounds_lon")
    return dataset


def test_corner_polygons_cover_the_globe() -> None:
    dataset = curvilinear()
    area, origin = cell_areas(dataset, dataset.tos)
    assert (origin, area.dims) == ("bounds", ("y", "x"))
    np.testing.assert_allclose(area.sum(), GLOBE, rtol=1e-12)
    assert not area.coords


def test_polygons_are_lazy() -> None:
    dataset = curvilinear()
    with no_compute():
        lazy, _ = cell_areas(dataset.chunk(y=5, nvertex=1), dataset.tos.chunk(y=5))
    np.testing.assert_array_equal(lazy.compute(), cell_areas(dataset, dataset.tos)[0])


def test_an_unstructured_grid_needs_corners() -> None:
    stacked = curvilinear().stack(cell=("y", "x")).reset_index("cell", drop=True)
    area, _ = cell_areas(stacked, stacked.tos)
    np.testing.assert_allclose(area.sum(), GLOBE, rtol=1e-12)
    assert area.dims == ("cell",)
    with pytest.raises(AxisError, match="pass weights="):
        cell_areas(stacked.tos, stacked.tos)


def test_the_order_of_sources() -> None:
    cube = grid(np.array([-45.0, 45]), np.array([0.0, 180]))
    dataset = with_bounds(cube, np.array([[-90, 0], [0, 90.0]]), np.array([[-90, 90], [90, 270.0]]))
    dataset["areacella"] = (("lat", "lon"), np.full((2, 2), 7.0), {"standard_name": "cell_area"})
    cell_measures = dataset.copy()
    cell_measures["sst"] = cell_measures.sst.assign_attrs(cell_measures="area: areacella")
    weights = xr.DataArray([1.0, 2.0], dims="lat")
    measured = cell_measures.sst
    assert cell_areas(cell_measures, measured, weights)[1] == "weights"
    assert cell_areas(cell_measures, measured)[1] == "cell_measures"
    assert cell_areas(dataset, dataset.sst)[1] == "cell_measures"
    bounded = dataset.drop_vars("areacella")
    assert cell_areas(bounded, bounded.sst)[1] == "bounds"
    np.testing.assert_allclose(cell_areas(bounded, bounded.sst)[0].values, GLOBE / 4, rtol=1e-13)
    assert cell_areas(bounded.sst, bounded.sst)[1] == "bands"
    carried = measured.assign_coords(areacella=dataset.areacella)
    assert cell_areas(carried, carried)[1] == "cell_measures"


def test_bounds_across_the_turn() -> None:
    lon = xr.DataArray(np.array([355.0, 5.0]), dims="lon", name="lon")
    bounds = xr.DataArray([[350.0, 0.0], [0.0, 10.0]], dims=("lon", "bnds"))
    np.testing.assert_allclose(longitude_widths(lon, bounds), np.deg2rad([10, 10]))


@pytest.mark.parametrize(
    ("lat", "message"),
    [
        ([np.nan, np.nan], "latitude has missing values .*2 of 2 missing"),
        ([0.0, 95.0], "latitudes beyond the pole"),
        ([0.0, 10.0, 5.0], "latitudes are not in order"),
    ],
)
def test_latitudes_that_make_no_sense(lat: list[float], message: str) -> None:
    with pytest.raises(AxisError, match=message):
        areas_of(grid(np.array(lat), np.array([0.0, 1.0])))


def test_curvilinear_without_corners_says_what_to_pass() -> None:
    cube = curvilinear().tos
    with pytest.raises(AxisError, match=r"nav_lat.*pass weights= .*areacello") as caught:
        cell_areas(cube, cube)
    assert "\n" not in str(caught.value)


def test_weights_must_fit() -> None:
    cube = grid(np.array([0.0, 10]), np.array([0.0, 10, 20]))
    good = xr.DataArray([1.0, 2.0], [("lat", [1e-6, 10.0])])
    assert not cell_areas(cube, cube, good)[0].coords
    with pytest.raises(ParameterError, match="weights need dimensions"):
        cell_areas(cube, cube, np.ones((2, 3)))
    with pytest.raises(CubeError, match="dimensions that the cube lacks"):
        cell_areas(cube, cube, xr.DataArray([1.0, 2], dims="y"))
    with pytest.raises(CubeError, match="different grids"):
        cell_areas(cube, cube, xr.DataArray(np.ones(3), dims="lat"))
    with pytest.raises(CubeError, match="different grids.*'lat'"):
        cell_areas(cube, cube, xr.DataArray([1.0, 2], [("lat", [10.0, 0.0])]))


def test_weights_may_be_quantities() -> None:
    pint = pytest.importorskip("pint")
    cube = xr.DataArray([[1.0, 3.0]], coords={"lat": [0.0], "lon": [0.0, 1.0]}, dims=("lat", "lon"))
    areas = cube.copy(data=pint.UnitRegistry().Quantity([[1.0, 3.0]], "m^2"))
    assert cell_areas(cube, cube, areas)[0].values.tolist() == [[1.0, 3.0]]
