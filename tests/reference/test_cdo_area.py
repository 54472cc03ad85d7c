"""Area and zonal means against CDO, on regular, Gaussian, regional and tripolar grids.

CDO draws great circles between the corners of cells and widens the outermost rows of global
grids to the poles; our bands follow the parallels. With CDO's polygons as weights the answers
agree to rounding, which tests both; with our bands they agree to the difference of the areas.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.area_means import area_mean, area_sum, zonal_mean
from climcube.cubes.area import cell_areas
from climcube.cubes.regions import find_region
from climcube.cubes.sphere import polygon_areas
from tests.oracles.cdo import case, dataset, output


def answer(folder: Path, name: str, operator: str = "fldmean") -> np.ndarray:
    return output(folder, name, operator).squeeze()


def great_circles(lat_edges: np.ndarray, lon_edges: np.ndarray) -> np.ndarray:
    """Areas of cells between edges, ``(n, 2)`` each, with great circles for all sides."""
    lat = np.stack([lat_edges[:, 0], lat_edges[:, 0], lat_edges[:, 1], lat_edges[:, 1]], axis=-1)
    lon = np.stack([lon_edges[:, 0], lon_edges[:, 1], lon_edges[:, 1], lon_edges[:, 0]], axis=-1)
    shape = (len(lat), len(lon), 4)
    return polygon_areas(np.broadcast_to(lat[:, None], shape), np.broadcast_to(lon[None], shape))


def edges(values: np.ndarray, pole: bool = False) -> np.ndarray:
    """Mid-points; outside half a step more, or the pole."""
    values = values.astype("float64")
    middle = (values[1:] + values[:-1]) / 2
    ends = 1.5 * values[[0, -1]] - 0.5 * values[[1, -2]]
    first, last = np.copysign(90, ends) if pole else ends
    whole = np.concatenate([[first], middle, [last]])
    return np.stack([whole[:-1], whole[1:]], axis=1)


@pytest.mark.parametrize("name", ["trefht_b06.57", "ersstv5"])
def test_global_grids_with_the_polygons_of_cdo(reference_data: Path, name: str) -> None:
    cube = case(reference_data, name)
    areas = great_circles(edges(cube.lat.values, pole=True), edges(cube.lon.values))
    weights = xr.DataArray(areas, dims=("lat", "lon"))
    theirs = answer(reference_data, name)
    np.testing.assert_allclose(area_mean(cube, weights=weights), theirs, rtol=1e-12)
    assert abs(area_mean(cube) - theirs).max() < 3e-3  # bands against polygons


def test_cells_with_bounds(reference_data: Path) -> None:
    given = dataset(reference_data, "access_tas")
    areas = great_circles(given.lat_bnds.values, given.lon_bnds.values)
    theirs = answer(reference_data, "access_tas")
    ours = area_mean(given, weights=xr.DataArray(areas, dims=("lat", "lon")))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    # Cells of ten degrees: the parallel leaves the great circle by a third of a degree.
    assert abs(area_mean(given) - theirs).max() < 0.05
    assert "bounds" in area_mean(given).attrs["cell_methods"]
    era = dataset(reference_data, "era5_psl")  # cells of 0.25 degree, 25 degrees apart
    np.testing.assert_allclose(area_mean(era), answer(reference_data, "era5_psl"), rtol=1e-5)


def test_cell_measures(reference_data: Path) -> None:
    theirs = answer(reference_data, "access_tas", "fldmean_areacella")
    given = dataset(reference_data, "access_tas")
    path = next((reference_data / "cmip" / "access_tas").glob("areacella*.nc"))
    with xr.open_dataset(path) as fixed:
        area = fixed.areacella.load()
    for ours in (area_mean(given.assign(areacella=area)), area_mean(given.tas, weights=area)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("a1b_na", 1e-3), ("tasman_west", 1e-5), ("canesm5_snw_noleap", 1e-2)],
)
def test_regional_grids(reference_data: Path, name: str, tolerance: float) -> None:
    cube = case(reference_data, name)
    theirs = answer(reference_data, name)
    assert abs(area_mean(cube) - theirs).max() < tolerance
    _, lat, lon = cube.dims
    areas = great_circles(edges(cube[lat].values), edges(cube[lon].values))
    ours = area_mean(cube, weights=xr.DataArray(areas, dims=(lat, lon)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_the_nino34_box(reference_data: Path) -> None:
    ours = area_mean(case(reference_data, "ersstv5"), region="nino34")
    theirs = answer(reference_data, "ersstv5_nino34")
    assert abs(ours - theirs).max() < 1e-6


def test_a_tripolar_grid_with_corners(reference_data: Path) -> None:
    given = dataset(reference_data, "nemo")
    theirs = answer(reference_data, "nemo")
    np.testing.assert_allclose(area_mean(given), theirs, rtol=1e-12)
    lazy = area_mean(given.chunk(y=100, x=200))
    np.testing.assert_allclose(lazy, theirs, rtol=1e-12)


def test_a_box_of_a_tripolar_grid(reference_data: Path) -> None:
    """CDO takes the rectangle of indices around the box; ours is the cells inside."""
    given = dataset(reference_data, "nemo")
    box = find_region((-60, 0, 20, 50))
    inside = box.contains(given.nav_lat.values.astype("f8"), given.nav_lon.values.astype("f8"))
    y, x = (np.flatnonzero(inside.any(axis=a)) for a in (1, 0))
    around = given.isel(y=slice(y[0], y[-1] + 1), x=slice(x[0], x[-1] + 1))
    theirs = answer(reference_data, "nemo", "fldmean_t1_cosbox")
    np.testing.assert_allclose(area_mean(around), theirs, rtol=1e-12)
    ours = area_mean(given, region=box.as_tuple())
    assert 0.1 < abs(ours - theirs).max() < 0.3


@pytest.mark.parametrize("name", ["a1b_na", "trefht_b06.57"])
def test_zonmean(reference_data: Path, name: str) -> None:
    theirs = output(reference_data, name, "zonmean").squeeze()
    np.testing.assert_allclose(zonal_mean(case(reference_data, name)), theirs, rtol=1e-12)


def test_bands_of_a_tripolar_grid(reference_data: Path) -> None:
    """Bands weigh by the same polygons: together, by their areas, they give CDO's mean."""
    given = dataset(reference_data, "nemo")
    bands = zonal_mean(given, band=5)
    sea = given.tos.notnull()
    area = zonal_mean(given.assign(tos=xr.ones_like(given.tos).where(sea)), band=5)
    assert set(np.unique(area.values[np.isfinite(area)]).round(12)) == {1.0}
    areas, _ = cell_areas(given, given.tos)
    south = np.floor((given.nav_lat.values.astype("f8") + 90) / 5) * 5 - 90
    for middle in (-62.5, 2.5, 67.5):
        here = sea.values & (south == middle - 2.5)
        weight = np.where(here, areas.values, 0.0)
        expected = (weight * given.tos.fillna(0).values).sum((1, 2)) / weight.sum((1, 2))
        np.testing.assert_allclose(bands.sel(lat=middle), expected, rtol=1e-10)
    lazy = zonal_mean(given.chunk(y=100, x=200), band=5)
    np.testing.assert_allclose(lazy, bands, rtol=1e-12)


def test_sums_and_constants_on_a_tripolar_grid(reference_data: Path) -> None:
    given = dataset(reference_data, "nemo")
    constant = given.assign(tos=xr.full_like(given.tos, 3.7, "float64"))
    np.testing.assert_allclose(area_mean(constant), 3.7, rtol=1e-13)
    sea = given.assign(tos=given.tos.notnull().astype("float32").assign_attrs(units="1"))
    share = area_mean(given.assign(tos=given.tos.notnull().astype("float32")))
    whole = area_sum(given.assign(tos=xr.ones_like(given.tos)), unit="km2")
    np.testing.assert_allclose(area_sum(sea, unit="km2"), share * whole, rtol=1e-6)
    assert 3.3e8 < float(area_sum(sea, unit="km2")[0]) < 3.8e8  # the ocean, in km2
    np.testing.assert_allclose(
        area_sum(given) / area_sum(sea), answer(reference_data, "nemo"), rtol=1e-6
    )


def test_files_opened_together_keep_the_corners_of_their_cells(reference_data: Path) -> None:
    """As CDO's mean of all three months is of the cells' own polygons."""
    opened = cc.open(str(reference_data / "nemo" / "*.nc"))
    theirs = answer(reference_data, "nemo")
    np.testing.assert_allclose(cc.area_mean(opened), theirs, rtol=1e-6)
    assert cc.area_mean(opened, region="nino34").notnull().all()
