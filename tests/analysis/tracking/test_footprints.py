"""Footprints: the polygons are the cells, cut at the dateline, and survive GeoParquet."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.tracking.track import track
from climcube.errors import (
    AxisError,
    DependencyError,
    ParameterError,
    StoreExistsError,
)
from tests.analysis.tracking.test_tables import curved, globe

pytestmark = pytest.mark.filterwarnings("ignore:Geometry is in a geographic CRS")
geopandas = pytest.importorskip("geopandas")
shapely = pytest.importorskip("shapely")


def boxes(cube: xr.DataArray, half: float = 5.0) -> shapely.Geometry:
    """The cells of a mask that are ever true, one by one, in longitudes from -180 to 180."""
    found = []
    for row, column in np.argwhere(cube.any("time").values):
        lat, lon = float(cube.lat[row]), (float(cube.lon[column]) + 180) % 360 - 180
        for turn in (-360, 0, 360):
            west, east = max(lon - half + turn, -180), min(lon + half + turn, 180)
            if west < east:
                found.append(shapely.box(west, lat - half, east, lat + half))
    return shapely.union_all(found)


@pytest.mark.parametrize("west", [0.0, -180.0, -175.0, 100.0])
@pytest.mark.parametrize("order", [1, -1])
def test_footprints_are_the_cells(west: float, order: int) -> None:
    cube = globe(west=west)
    cube.values[:] = np.random.default_rng(2).random(cube.shape) < 0.06
    cube[1, 9, :] = True
    cube = cube.isel(lon=slice(None, None, order), lat=slice(None, None, order))
    tracks = track(cube.chunk(time=2, lat=7, lon=11))
    frame, labels = tracks.footprints(), tracks.labels.load()
    assert frame.crs == "EPSG:4326"
    assert frame.is_valid.all()
    assert frame.drop(columns="geometry").equals(tracks.events())
    for event, shape in zip(frame.event, frame.geometry, strict=True):
        cells = boxes(labels == event)
        assert shape.symmetric_difference(cells).area < 1e-6
        assert -180 <= shape.bounds[0] <= shape.bounds[2] <= 180
    total = frame.geometry.area.sum()
    simple = tracks.footprints(simplify=30.0)
    assert simple.geometry.area.sum() != total
    assert simple.is_valid.all()


def test_the_dateline_cuts_a_polygon_in_two() -> None:
    cube = globe(days=1)
    cube[0, 9, 16:20] = True  # 160 to 200 degrees east
    (shape,) = track(cube).footprints().geometry
    assert shape.geom_type == "MultiPolygon"
    assert sorted(part.bounds for part in shape.geoms) == [(-180, 0, -160, 10), (160, 0, 180, 10)]


def test_collinear_points_are_left_out_and_holes_kept() -> None:
    cube = globe(days=1)
    cube[0, 5:10, 5:10] = True
    cube[0, 7, 7] = False
    (shape,) = track(cube).footprints().geometry
    assert len(shape.exterior.coords) == 5
    assert [len(hole.coords) for hole in shape.interiors] == [5]


def test_bounds_of_coordinates_are_used() -> None:
    cube = globe(days=1)
    cube[0, 9, 3:5] = True
    data = cube.to_dataset()
    for name in ("lat", "lon"):
        data[name].attrs["bounds"] = f"{name}_bnds"
        data[f"{name}_bnds"] = ((name, "n"), np.stack([cube[name] - 5, cube[name] + 4], axis=1))
    (shape,) = track(data).footprints().geometry
    assert shape.bounds == (30, 0, 49, 9)


@pytest.mark.parametrize("lazy", [False, True])
def test_curved_grids(lazy: bool) -> None:
    cube = globe(west=-180)
    cube.values[:] = np.random.default_rng(4).random(cube.shape) < 0.06
    plain = track(cube).footprints()
    frame = track(curved(cube, lazy=lazy)).footprints()
    assert frame.is_valid.all()
    assert (frame.symmetric_difference(plain).area < 1e-6).all()
    shifted = track(curved(globe(west=-180 + 5, days=1).where(False, True))).footprints()
    assert shifted.geometry[0].bounds == (-180, -90, 180, 90)
    assert shifted.geometry[0].area == pytest.approx(360 * 180)


def test_corners_that_are_not_known() -> None:
    data = curved(globe(days=1))
    area = xr.DataArray(np.ones((18, 36)), dims=("y", "x"))
    tracks = track(data.hot, areas=area)
    assert len(tracks.events()) == 0
    with pytest.raises(AxisError, match="corners of the cells"):
        tracks.footprints()
    with pytest.raises(AxisError, match="pass areas"):
        track(data.hot)


@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_geoparquet(tmp_path: Path, calendar: str) -> None:
    cube = globe(days=2)
    cube["time"] = xr.date_range(
        "2001-01-01", periods=2, calendar=calendar, use_cftime=calendar != "standard"
    )
    cube[:, 9, 16:20] = True
    tracks = track(cube, intensity=cube * 1.5)
    path = tracks.to_geoparquet(tmp_path / "new" / "tracks.parquet")
    again = geopandas.read_parquet(path)
    assert again.crs == "EPSG:4326"
    assert again.geometry.geom_equals(tracks.footprints().geometry).all()
    assert again.area_max.equals(tracks.events().area_max)
    assert str(again.date_end[0])[:10] == "2001-01-02"
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        tracks.to_geoparquet(path)
    assert tracks.to_geoparquet(path, overwrite=True, simplify=1.0) == path
    assert [p.name for p in path.parent.iterdir()] == ["tracks.parquet"]
    with pytest.raises(ParameterError, match=".parquet"):
        tracks.to_geoparquet(tmp_path / "tracks.csv")
    with pytest.raises(ParameterError, match="simplify"):
        tracks.footprints(simplify=-1.0)


def test_no_event_at_all(tmp_path: Path) -> None:
    tracks = track(globe())
    assert len(tracks.footprints()) == 0
    assert len(geopandas.read_parquet(tracks.to_geoparquet(tmp_path / "none.parquet"))) == 0


def test_without_geopandas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "geopandas", None)
    tracks = track(globe())
    for call in (tracks.footprints, lambda: tracks.to_geoparquet(tmp_path / "x.parquet")):
        with pytest.raises(DependencyError, match=r"climcube\[tracking\]"):
            call()
    assert len(tracks.events()) == 0  # all else works
