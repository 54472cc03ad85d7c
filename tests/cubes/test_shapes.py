"""Outlines: inside or on the edge, in either convention, from files, frames and regionmask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from climcube.cubes.regions import Region
from climcube.cubes.shapes import Shape, cells_inside, find_place
from climcube.errors import DependencyError, ParameterError, StoreError

shapely = pytest.importorskip("shapely")
geopandas = pytest.importorskip("geopandas")

SQUARE = shapely.box(10, -5, 20, 5)


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_edges_belong_and_conventions_do_not_matter(turn: float) -> None:
    longitude = np.array([9.9, 10.0, 15.0, 20.0, 20.1, np.nan]) + turn
    expected = [False, True, True, True, False, False]
    assert Shape(SQUARE).contains(0.0, longitude).tolist() == expected
    assert not Shape(SQUARE).contains(np.array([5.1, np.nan, -90]), 15.0 + turn).any()


@pytest.mark.parametrize("edges", [(170, 190), (-190, -170)])
def test_across_the_dateline(edges: tuple[float, float]) -> None:
    shape = Shape(shapely.box(edges[0], -5, edges[1], 5))
    longitude = np.array([169, 170, 180, -180, -170, 190, 191, -169])
    expected = [False, True, True, True, True, True, False, False]
    assert shape.contains(0.0, longitude).tolist() == expected
    two = Shape(shapely.union(shapely.box(170, -5, 180, 5), shapely.box(-180, -5, -170, 5)))
    assert two.contains(0.0, longitude).tolist() == expected


@given(st.floats(-180, 180), st.floats(1, 120), st.floats(-80, 0), st.floats(1, 80))
def test_a_rectangle_is_a_box(west: float, width: float, south: float, height: float) -> None:
    box = Region(west, west + width, south, south + height)
    shape = Shape(shapely.box(west, south, west + width, south + height))
    lat = np.random.default_rng(0).uniform(-90, 90, 300)
    lon = np.random.default_rng(1).uniform(-360, 720, 300)
    clear = np.abs((lon - west + 180) % 360 - 180) > 1e-3  # boxes are a hair wider
    clear &= np.abs((lon - west - width + 180) % 360 - 180) > 1e-3
    clear &= (np.abs(lat - south) > 1e-3) & (np.abs(lat - south - height) > 1e-3)
    np.testing.assert_array_equal(
        shape.contains(lat, lon)[clear], np.asarray(box.contains(lat, lon))[clear]
    )


def test_cells_of_grids() -> None:
    lat = xr.DataArray([-10.0, 0.0, 10.0], dims="lat")
    lon = xr.DataArray([12.0, 372.0, 30.0, -348.0], dims="lon")
    inside = cells_inside(Shape(SQUARE), lat, lon)
    assert inside.dims == ("lat", "lon")
    assert inside.values.tolist() == [[False] * 4, [True, True, False, True], [False] * 4]
    lazy = cells_inside(Shape(SQUARE), lat.chunk(lat=1), lon)
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, inside)


@pytest.mark.parametrize("suffix", ["shp", "geojson", "gpkg", "parquet"])
def test_files_and_frames(tmp_path: Path, suffix: str) -> None:
    outlines = [SQUARE, shapely.box(30, 0, 40, 10)]
    frame = geopandas.GeoDataFrame({"name": ["a", "b"]}, geometry=outlines, crs=4326)
    projected = frame.to_crs(3395)  # World Mercator: metres
    path = tmp_path / f"basins.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        (frame if suffix == "geojson" else projected).to_file(path)
    lon = np.array([9.0, 15.0, 25.0, 35.0])
    for region in (frame, frame.geometry, projected, path, str(path)):
        place = find_place(region)
        assert place.contains(2.0, lon).tolist() == [False, True, False, True]
    assert find_place(str(path)).name == "basins"


def test_regionmask() -> None:
    regionmask = pytest.importorskip("regionmask")
    europe = regionmask.defined_regions.srex["MED"]
    for region in (europe, "srex:MED", "SREX:med", f"srex:{europe.name}"):
        place = find_place(region)
        assert place.contains(40.0, np.array([15.0, 375.0, 100.0])).tolist() == [True, True, False]
    with pytest.raises(ParameterError, match="did you mean 'med'") as caught:
        find_place("srex:mef")
    assert "\n" not in str(caught.value)


def test_regions_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    regionmask = pytest.importorskip("regionmask")

    class Offline:
        @property
        def ocean(self) -> object:
            raise ConnectionError("no network")

    monkeypatch.setattr(regionmask.defined_regions, "ar6", Offline())
    with pytest.raises(StoreError, match=r"could not fetch.*ar6.ocean:NPO.*online"):
        find_place("ar6.ocean:NPO")


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    for name in ("regionmask", "geopandas"):
        monkeypatch.setitem(sys.modules, name, None)
    for region in ("srex:MED", tmp_path / "basins.shp"):
        with pytest.raises(DependencyError, match=r"climcube\[regions\]"):
            find_place(region)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("nowhere.shp", "no such file of outlines"),
        ("basins:MED", "unknown region"),
        (shapely.Point(1, 2), "needs an outline.*Point"),
        (shapely.Polygon(), "an empty Polygon"),
        (shapely.box(0, 0, 4e6, 4e6), "not in degrees"),
        (geopandas.GeoSeries([]), "no outline"),
        (7, "region not understood"),
    ],
)
def test_regions_that_make_no_sense(region: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        find_place(region)
    assert "\n" not in str(caught.value)


def test_a_file_without_outlines(tmp_path: Path) -> None:
    (tmp_path / "broken.geojson").write_text("{")
    with pytest.raises(ParameterError, match="cannot be read") as caught:
        find_place(tmp_path / "broken.geojson")
    assert "\n" not in str(caught.value)


def test_outlines_that_cross_themselves() -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert find_place(bow).contains(np.array([2.0, 5.0]), np.array([1.0, 0.5])).any()
