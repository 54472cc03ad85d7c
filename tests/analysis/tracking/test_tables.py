"""Numbers of tracked events: areas, centroids, intensities, depth, 2-D grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.tracking.track import track
from climcube.testing.laziness import no_compute

RADIUS = 6371.0


def globe(step: float = 10.0, west: float = 0.0, days: int = 3) -> xr.DataArray:
    """Nothing anywhere, on a global grid."""
    lat = np.arange(-90 + step / 2, 90, step)
    lon = west + np.arange(step / 2, 360, step)
    time = xr.date_range("2001-01-01", periods=days)
    shape = (days, len(lat), len(lon))
    coords = {"time": time, "lat": lat, "lon": lon}
    return xr.DataArray(np.zeros(shape, bool), coords, list(coords), name="hot")


def curved(cube: xr.DataArray, *, lazy: bool = False) -> xr.Dataset:
    """The same cells with 2-D coordinates and corners, as a data set."""
    lat, lon = xr.broadcast(cube.lat, cube.lon)
    half = float(cube.lat[1] - cube.lat[0]) / 2
    corners = [(-half, -half), (-half, half), (half, half), (half, -half)]
    data = xr.Dataset({
        "hot": (("time", "y", "x"), cube.values),
        "lat_corners": (("y", "x", "n"), np.stack([lat.values + a for a, _ in corners], -1)),
        "lon_corners": (("y", "x", "n"), np.stack([lon.values + b for _, b in corners], -1)),
    }).assign_coords(
        time=cube.time,
        nav_lat=(("y", "x"), lat.values, {"standard_name": "latitude", "bounds": "lat_corners"}),
        nav_lon=(("y", "x"), lon.values, {"standard_name": "longitude", "bounds": "lon_corners"}),
    )  # fmt: skip
    return data.chunk(y=9, x=14) if lazy else data


def band(south: float, north: float, width: float) -> float:
    """Area in km2 of a box on the sphere, degrees."""
    sines = np.sin(np.deg2rad([south, north]))
    return float(RADIUS**2 * np.deg2rad(width) * (sines[1] - sines[0]))


def test_areas_are_those_of_the_sphere() -> None:
    cube = globe(days=2)
    cube[0] = True
    cube.loc[{"time": "2001-01-02", "lat": slice(0, 20), "lon": slice(0, 30)}] = True
    (event,) = track(cube).events().itertuples()
    sphere = 4 * np.pi * RADIUS**2
    assert event.area_max == pytest.approx(sphere, rel=1e-9)
    assert event.footprint_area == pytest.approx(sphere, rel=1e-9)
    assert event.volume == pytest.approx(sphere + band(0, 20, 30), rel=1e-9)
    assert event.area_mean == pytest.approx(event.volume / 2, rel=1e-12)
    assert str(event.date_area_max)[:10] == "2001-01-01"
    objects = track(cube).objects()
    assert np.isnan(objects.lat[0])  # the whole sphere has no centre
    assert np.isnan(objects.lon[0])
    assert objects.cells.tolist() == [18 * 36, 6]


@pytest.mark.parametrize("west", [0.0, -180.0, -40.0])
def test_the_centroid_does_not_see_the_dateline(west: float) -> None:
    cube = globe(west=west)
    for day, centre in enumerate((175, 180, 185)):
        near = np.abs((cube.lon - centre + 180) % 360 - 180) <= 10
        cube[day] = near & (np.abs(cube.lat) < 10)
    tracks = track(cube)
    (event,) = tracks.events().itertuples()
    assert event.duration == 3
    lon = (tracks.objects().lon + 360) % 360
    np.testing.assert_allclose(lon, [175, 180, 185], atol=1e-9)
    np.testing.assert_allclose(tracks.objects().lat, 0, atol=1e-9)
    assert (
        tracks.objects().lon.between(-180, 180) if west == -180 else lon == tracks.objects().lon
    ).all()
    assert event.distance == pytest.approx(np.deg2rad(10) * RADIUS, rel=1e-9)
    assert event.objects == 3


def test_a_belt_has_a_latitude_but_no_longitude() -> None:
    cube = globe(days=1)
    cube[0] = np.abs(cube.lat - 45) < 1
    objects = track(cube).objects()
    assert objects.lat[0] == pytest.approx(90)  # of its centre of mass, over the pole
    assert np.isnan(objects.lon[0])


def test_intensities() -> None:
    cube = globe(days=3)
    cube[:, 9, 3:6] = True
    strength = xr.full_like(cube, np.nan, dtype="float32")
    strength[0, 9, 3:6] = [1.0, 2.0, 3.0]
    strength[1, 9, 3:6] = [np.nan, 2.0, 5.0]
    strength[2, 9, 3:6] = [5.0, 1.0, -9.0]
    strength[:, 0] = 99.0  # in no event
    for chunks in ({}, {"time": 2, "lon": 4}):
        tracks = track(cube.chunk(chunks) if chunks else cube, intensity=strength)
        objects = tracks.objects()
        np.testing.assert_allclose(objects.intensity_mean, [2.0, 7 / 3, -1.0], rtol=1e-12)
        assert objects.intensity_max.tolist() == [3.0, 5.0, 5.0]
        (event,) = tracks.events().itertuples()
        cell = band(0, 10, 10)
        assert event.intensity_cumulative == pytest.approx(10 * cell, rel=1e-9)
        assert event.intensity_mean == pytest.approx(10 / 9, rel=1e-12)
        assert (event.intensity_max, event.lat_intensity_max, event.lon_intensity_max) == (5, 5, 55)
        assert str(event.date_intensity_max)[:10] == "2001-01-02"  # the first of equals
    nothing = track(cube, intensity=strength * np.nan)
    events = nothing.events()
    for name in ("intensity_max", "intensity_mean", "intensity_cumulative"):
        assert events[name].isna().all()
    assert nothing.events().date_intensity_max.isna().all()
    assert nothing.objects()[["intensity_max", "intensity_mean"]].isna().all(axis=None)
    assert "intensity_max" not in track(cube).events()


def deep() -> xr.DataArray:
    cube = globe(days=2).expand_dims(depth=[5.0, 20.0, 40.0], axis=1).copy()
    cube.depth.attrs["units"] = "m"  # levels of 12.5, 17.5 and 20 m
    cube[0, 0, 9, 3:5] = True
    cube[0, 1, 9, 4:6] = True
    cube[0, 2, 10, 6] = True  # touches by a corner
    cube[1, 1, 9, 5] = True
    cube[1, 0, 0, 0] = True
    return cube


@pytest.mark.parametrize(
    "chunks", [None, {"depth": 1}, {"time": 1, "depth": 2, "lat": 10, "lon": 5}]
)
def test_depth(chunks: dict[str, int] | None) -> None:
    cube = deep()
    tracks = track(cube if chunks is None else cube.chunk(chunks), intensity=cube * 2.0)
    objects, cell = tracks.objects(), band(0, 10, 10)
    assert objects.cells.tolist() == [5, 1, 1]
    np.testing.assert_allclose(objects.area[0], 3 * cell + band(10, 20, 10), rtol=1e-9)
    volume = (2 * 12.5 + 2 * 17.5) * cell / 1000 + 20 * band(10, 20, 10) / 1000
    np.testing.assert_allclose(objects.volume[0], volume, rtol=1e-9)
    mean = ((2 * 12.5 * 5 + 2 * 17.5 * 20) * cell + 20 * 40 * band(10, 20, 10)) / 1000 / volume
    np.testing.assert_allclose(objects.depth[0], mean, rtol=1e-9)
    events = tracks.events()
    assert events.duration.tolist() == [2, 1]
    np.testing.assert_allclose(events.footprint_area[0], 3 * cell + band(10, 20, 10), rtol=1e-9)
    np.testing.assert_allclose(events.area_max[0], objects.area[0])
    np.testing.assert_allclose(events.volume[0], objects.volume[0] + 17.5 * cell / 1000, rtol=1e-9)
    np.testing.assert_allclose(events.intensity_cumulative, 2 * events.volume, rtol=1e-12)
    assert events.depth_intensity_max.tolist() == [5.0, 5.0]
    assert tracks.labels.dims == cube.dims
    least = objects.volume[0] * 0.99
    assert track(cube, min_volume=least).objects().cells.tolist() == [5]
    # 3 levels, one of which alone: no volume then
    assert "volume" in track(cube.isel(depth=[1])).events()
    assert "depth" not in track(cube.isel(depth=[1])).objects()
    assert track(cube.isel(depth=[1])).labels.dims == cube.dims


def test_depths_in_other_units_and_with_bounds() -> None:
    cube = deep()
    kilometres = cube.assign_coords(depth=("depth", cube.depth.values / 1000, {"units": "km"}))
    volume = track(cube).events().volume
    np.testing.assert_allclose(track(kilometres).events().volume, volume, rtol=1e-9)
    data = cube.to_dataset()
    data.depth.attrs["bounds"] = "levels"
    data["levels"] = (("depth", "n"), np.array([[0, 10], [10, 30], [30, 50.0]]))
    cell = band(0, 10, 10)
    found = track(data).objects().volume[0]
    np.testing.assert_allclose(
        found, (2 * 10 + 2 * 20) * cell / 1000 + 20 * band(10, 20, 10) / 1000, rtol=1e-9
    )


@pytest.mark.parametrize("lazy", [False, True])
def test_curved_grids(lazy: bool) -> None:
    cube = globe(west=-40)
    cube.values[:] = np.random.default_rng(1).random(cube.shape) < 0.2
    cube[0, 9] = cube[0, 12, [0, -1]] = True
    data = curved(cube, lazy=lazy)
    with no_compute():
        tracks = track(
            data, areas=xr.DataArray(_areas(cube), dims=("y", "x"), attrs={"units": "m2"})
        )
    plain = track(cube)
    np.testing.assert_array_equal(tracks.labels, plain.labels)
    for mine, theirs in ((tracks.objects(), plain.objects()), (tracks.events(), plain.events())):
        for name in set(mine) & set(theirs):
            if mine[name].dtype.kind == "f":
                np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-8, atol=1e-8)
            else:
                assert (mine[name] == theirs[name]).all()
    # Corners are joined by great circles: areas differ, events do not.
    bare = track(data)
    np.testing.assert_array_equal(bare.labels, plain.labels)
    np.testing.assert_allclose(bare.events().area_max, plain.events().area_max, rtol=0.02)
    assert track(data, wrap=False).labels.max() > plain.labels.max()


def _areas(cube: xr.DataArray) -> np.ndarray:
    rows = [1e6 * band(lat - 5, lat + 5, 10) for lat in cube.lat.values]
    return np.repeat(np.array(rows)[:, None], cube.sizes["lon"], axis=1)


def test_a_region_of_a_curved_grid_does_not_wrap() -> None:
    cube = globe(days=1)
    cube[0, 9] = True
    cube[0, 9, 17] = False
    part = curved(cube).isel(x=slice(0, 35))
    assert track(curved(cube)).labels.max() == 1
    assert track(part).labels.max() == 2


def test_lengths_of_one() -> None:
    cube = globe(days=4)
    cube[:2, 9, 3] = cube[3, 9, 3] = True
    for part in (cube[:, [9], [3]], cube[:, 9, 3], cube[:, 9], cube[:, :, [3]]):
        tracks = track(part)
        assert tracks.labels.dims == part.dims
        assert tracks.events().duration.tolist() == [2, 1]
        assert (tracks.labels > 0).equals(part) or ((tracks.labels > 0) == part).all()


def member(**attrs: Any) -> xr.DataArray:
    cube = globe()
    cube[0, 9, 3] = True
    return cube.expand_dims(member=[1], axis=1).assign_attrs(attrs)


def test_a_dimension_of_one_is_kept() -> None:
    tracks = track(member())
    assert tracks.labels.dims == ("time", "member", "lat", "lon")
    assert tracks.labels.member.values.tolist() == [1]
    assert len(tracks.events()) == 1
