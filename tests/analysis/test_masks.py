"""cc.mask: which cells lie in a region, on every kind of grid; nothing is read for it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.area_means import area_mean, area_sum
from climcube.analysis.masks import mask
from climcube.errors import AxisError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.test_area_means import bands, cube_of, curvilinear

shapely = pytest.importorskip("shapely")


def test_boxes_on_every_grid() -> None:
    for west in (0.0, -180.0):
        cube = cube_of(west=west)
        inside = mask(cube, (160, -150, -30, 30))
        assert (inside.dtype, inside.dims, inside.name) == (bool, ("lat", "lon"), "mask")
        expected = ((cube.lon - 160) % 360 <= 50) & (abs(cube.lat) < 30)
        np.testing.assert_array_equal(inside, expected.transpose("lat", "lon"))
        np.testing.assert_array_equal(mask(cube.transpose("lon", "time", "lat"),
                                           (160, -150, -30, 30)), inside.T)  # fmt: skip
        curved = mask(curvilinear(cube), (160, -150, -30, 30))
        np.testing.assert_array_equal(curved, inside)
        assert {"nav_lat", "nav_lon"} <= set(curved.coords)
        cells = cube.stack(cell=("lat", "lon")).reset_index("cell")
        np.testing.assert_array_equal(mask(cells, (160, -150, -30, 30)), inside.values.reshape(-1))


def test_a_mask_selects_and_combines() -> None:
    cube = cube_of()
    tropics, pacific = mask(cube, "tropics"), mask(cube, (120, -80, -60, 60))
    both = tropics & pacific
    expected = cube.astype("float64").where(both).weighted(bands(cube)).mean(("lat", "lon"))
    np.testing.assert_allclose(area_mean(cube, region=both), expected, rtol=1e-13)
    np.testing.assert_allclose(area_mean(cube.where(both)), expected, rtol=1e-13)
    whole = area_sum(cube, region=tropics) + area_sum(cube, region=~tropics)
    np.testing.assert_allclose(whole, area_sum(cube), rtol=1e-12)
    assert "region" in both.attrs.get("history", "region")


@pytest.mark.parametrize("kind", ["polygon", "frame", "mask"])
def test_outlines(kind: str) -> None:
    geopandas = pytest.importorskip("geopandas")
    outline = shapely.Polygon([(150, -40), (200, -40), (175, 40)])
    cube = cube_of(step=5)
    inside = mask(cube, outline)
    lon, lat = np.meshgrid(cube.lon, cube.lat)
    within = (lat >= -40) & (lat <= 40 - np.abs(lon - 175) * 80 / 25)
    np.testing.assert_array_equal(inside, within)
    region = {"polygon": outline, "frame": geopandas.GeoSeries([outline]), "mask": inside}[kind]
    weights = bands(cube, 5)
    expected = cube.astype("float64").where(inside).weighted(weights).mean(("lat", "lon"))
    for each in (cube, cube.chunk(time=2, lat=7, lon=11)):
        with no_compute():
            found = area_mean(each, region=region)
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_an_outline_reads_only_its_rows_and_columns() -> None:
    import dask

    cube = cube_of(times=40).chunk(time=10, lat=9, lon=12)
    found = area_mean(cube, region=shapely.box(125, 5, 235, 85))
    graph = dask.optimize(found)[0].__dask_graph__()
    assert len([k for k in graph if "xarray-<this-array>" in str(k)]) <= 4


def test_lazy_cubes_are_not_read() -> None:
    cube = curvilinear(cube_of())
    lazy = cube.chunk(y=5)  # their coordinates, too
    with no_compute():
        inside = mask(lazy, "tropics")
        nothing = mask(lazy, (11, 12, 11, 12))
        assert mask(cube_of().chunk(), "tropics").chunks is None
    assert inside.chunks is not None
    np.testing.assert_array_equal(inside, mask(cube, "tropics"))
    with pytest.raises(ParameterError, match="no cell of the cube"):
        nothing.compute()


def test_regions_without_cells_are_errors() -> None:
    cube = cube_of()
    tiny = shapely.box(11, 11, 12, 12)
    for region in ((11, 12, 11, 12), tiny, xr.zeros_like(cube[0], bool)):
        for function in (mask, lambda c, r: area_mean(c, region=r),
                         lambda c, r: area_sum(c, region=r)):  # fmt: skip
            with pytest.raises(ParameterError, match="no cell of the cube") as caught:
                function(cube, region)
            assert "\n" not in str(caught.value)
    with pytest.raises(ParameterError, match="different grids"):
        mask(cube, xr.DataArray(np.ones(7, bool), dims="lat"))
    north = cube.lat > 30  # of a grid turned over: the same cells, in another order
    for other in (north[::-1], north.assign_coords(lat=cube.lat + 1)):
        with pytest.raises(ParameterError, match="different grids.*'lat'") as caught:
            area_mean(cube, region=other)
        assert "\n" not in str(caught.value)
    near = north.assign_coords(lat=cube.lat.astype("float32") + 1e-5)
    np.testing.assert_array_equal(area_mean(cube, region=near), area_mean(cube, region=north))
    with pytest.raises(AxisError, match="no latitude"):
        mask(cube.drop_vars("lat").drop_vars("lon"), "nino34")


def test_names_and_provenance(tmp_path: object) -> None:
    cube = cube_of()
    assert '"region": "nino4"' in mask(cube, "NINO4").attrs["climcube_provenance"]
    assert (
        "[0.0, 90.0, 0.0, 90.0]"
        in mask(cube, shapely.box(0, 0, 90, 90)).attrs["climcube_provenance"]
    )
