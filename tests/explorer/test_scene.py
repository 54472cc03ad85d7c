"""What is seen is what the analyses say; nothing is computed that nobody looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError, ParameterError
from climcube.explorer import words
from climcube.explorer.codes import LAND, MISSING, PENDING
from climcube.explorer.explore import scene_of
from climcube.explorer.scene import Scene
from climcube.plots.selection import worst_day, yearly_shares
from climcube.plots.style import CATEGORIES
from climcube.testing.laziness import no_compute


def test_nothing_is_read_before_it_is_looked_at(sst: xr.DataArray) -> None:
    with no_compute():
        scene = scene_of(sst, base_period=(2000, 2009), region=(0, 100, -40, 40))
        assert scene.pending() == list(range(len(scene.tiles)))
        assert (scene.categories(0) == PENDING).any()  # land of the region is known no more


def test_categories_are_those_of_the_analysis(surveyed: Scene, mhw: cc.Heatwaves) -> None:
    category = mhw.daily["category"].compute()
    missing = mhw.cube.isnull().compute()
    sea = mhw.climatology["seas"].notnull().any("dayofyear").compute()
    for day in (0, 101, 500, 2002, 4000):
        picture = surveyed.categories(day)
        np.testing.assert_array_equal((picture == LAND), ~sea.values)
        np.testing.assert_array_equal(picture[sea] & 7, category[day].values[sea])
        np.testing.assert_array_equal((picture[sea] & MISSING) > 0, missing[day].values[sea])
    assert (category.values > 0).any()


def test_anomalies_are_those_of_the_analysis(surveyed: Scene, mhw: cc.Heatwaves) -> None:
    anomaly = mhw.daily["anomaly"].compute()
    for day in (0, 59, 101, 425, 4000):  # 28 and 29 February, a day without any value
        # In two bytes a value the climatology of a tile is off by less than 0.001 degree.
        np.testing.assert_allclose(surveyed.anomalies(day), anomaly[day].values, atol=1e-3)
    assert np.isfinite(surveyed.anomalies(0)).any() and surveyed.climatology_known


def test_anomalies_wait_for_the_climatology(mhw: cc.Heatwaves) -> None:
    scene = scene_of(mhw)
    assert scene.has_anomalies and np.isnan(scene.anomalies(7)).all()
    scene.compute_tile(0)
    assert np.isfinite(scene.anomalies(7)).any() and not scene.climatology_known
    shifting = scene_of(cc.heatwaves(mhw.cube, baseline="shifting", baseline_years=5))
    assert not shifting.has_anomalies  # its climatology is another one every year


def test_parts_across_the_seam_of_longitudes_weigh_by_area(sst: xr.DataArray) -> None:
    scene = scene_of(sst, region=(-60, 60, -60, 60))
    lon = scene.mhw.cube.lon.values
    assert (np.diff(lon) > 100).any() and scene.measure == "area"  # 10 ... 50, 310 ... 350
    height = np.sin(np.radians(scene.mhw.cube.lat.values + 5))
    height -= np.sin(np.radians(scene.mhw.cube.lat.values - 5))
    found = scene.areas.transpose("lat", "lon").values
    expected = np.outer(height / height[0], np.ones(lon.size))
    np.testing.assert_allclose(found / found[0, 0], expected, rtol=1e-5)  # float32 coordinates


def test_a_cube_stored_as_maps_says_what_a_click_reads(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = sst[:, 4:10, :6].to_dataset(name="sst").drop_encoding()
    scenes = {}
    for name, chunks in (("maps", {"time": 400}), ("series", {"time": -1, "lat": 3, "lon": 3})):
        small.chunk({"lat": -1, "lon": -1} | chunks).to_zarr(tmp_path / name)
        scenes[name] = scene_of(cc.open(str(tmp_path / name), variable="sst", layout="series"))
    assert not scenes["maps"].stored_as_maps  # so small a cube is read at once
    monkeypatch.setattr("climcube.explorer.scene._SOON_READ", 1000)
    assert scenes["maps"].stored_as_maps and not scenes["series"].stored_as_maps
    assert scenes["maps"].cell_bytes == 4 * small.sst.size == 4 * scenes["series"].cell_bytes
    assert "climcube relayout" in words.maps_warning(scenes["maps"].cell_bytes)


def test_shares_and_the_worst_day_add_up_over_tiles(surveyed: Scene, mhw: cc.Heatwaves) -> None:
    expected = yearly_shares(mhw).compute()
    shares = surveyed.shares()
    assert shares is not None
    for k, name in enumerate(CATEGORIES):
        np.testing.assert_allclose(shares[:, k], expected[name].values, rtol=1e-12)
    assert surveyed.sums.worst_day() == worst_day(mhw)


def test_shares_wait_for_the_last_tile(mhw: cc.Heatwaves) -> None:
    scene = scene_of(mhw)
    scene.compute_tile(0)
    assert scene.shares() is None and scene.sums.worst_day() is None
    assert 0 not in scene.pending() and 1 in scene.pending()
    place = scene.tiles[0]
    done = np.zeros(scene.raster.shape, bool)
    done[place["lat"], place["lon"]] = True
    np.testing.assert_array_equal(scene.categories(10) == PENDING, ~done)


def test_a_tile_counts_once(mhw: cc.Heatwaves, surveyed: Scene) -> None:
    before = surveyed.shares()
    surveyed.compute_tile(2)
    np.testing.assert_array_equal(before, surveyed.shares())


def test_values_are_the_cube_s(surveyed: Scene, sst: xr.DataArray) -> None:
    assert not surveyed.has_values(77)
    np.testing.assert_array_equal(surveyed.values(77), sst[77].compute().values)
    assert surveyed.has_values(77)
    assert np.isnan(surveyed.values(101)).all()


def test_a_coarse_map_shows_every_second_cell(mhw: cc.Heatwaves, surveyed: Scene) -> None:
    scene = Scene.of(mhw, pixels=9)
    assert scene.step == 2
    for number in scene.pending():
        scene.compute_tile(number)
    np.testing.assert_array_equal(scene.categories(4000), surveyed.categories(4000)[::2, ::2])
    # A click finds the nearest of all cells nevertheless.
    lat, lon = float(mhw.cube.lat[5]), float(mhw.cube.lon[13])
    assert (scene.place(lat, lon).latitude, scene.place(lat, lon).longitude) == (lat, lon)


def test_memory_bounds_the_number_of_cells(mhw: cc.Heatwaves) -> None:
    days = mhw.cube.sizes["time"]
    scene = Scene.of(mhw, bound=days * 54 // 8 + 1)
    assert scene.step == 2


def test_a_region_is_cut_out_and_nothing_else_counts(sst: xr.DataArray) -> None:
    region = (0, 100, -40, 40)
    scene = scene_of(sst, region=region)
    inside = cc.mask(sst, region)
    assert scene.raster.shape == (int(inside.any("lon").sum()), int(inside.any("lat").sum()))
    outline = xr.zeros_like(inside)
    outline[3:6, 3:6] = True
    outline[4, 4] = False
    part = scene_of(sst, region=outline)
    for number in part.pending():
        part.compute_tile(number)
    assert part.raster.shape == (3, 3)
    assert part.categories(0)[1, 1] == LAND and np.isnan(part.values(0)[1, 1])
    mhw = cc.heatwaves(sst)
    expected = cc.plot.category_share(mhw, region=outline)
    total = sum(p.get_height() for p in expected.patches) / 100
    shares = part.shares()
    assert shares is not None
    np.testing.assert_allclose(shares.sum(), total, rtol=1e-9)


def test_a_cube_in_memory_and_heatwaves_of_it(sst: xr.DataArray) -> None:
    small = sst.isel(lat=slice(4), lon=slice(5)).compute()
    for given in (small, cc.heatwaves(small), small.to_dataset(), small.expand_dims(zlev=[0.0])):
        assert scene_of(given).raster.shape == (4, 5)


def test_what_cannot_be_shown(sst: xr.DataArray, mhw: cc.Heatwaves) -> None:
    with pytest.raises(CubeError, match="explore needs a map.*latitude and longitude"):
        scene_of(sst[:, 0, 0])
    with pytest.raises(CubeError, match="explore needs a map"):
        scene_of(cc.heatwaves(sst[:, 0, 0]))
    with pytest.raises(CubeError, match=r"explore shows one map a day.*isel\(zlev=0\)"):
        scene_of(xr.concat([sst, sst], "zlev"))
    with pytest.raises(ParameterError, match="definition.*base_period"):
        scene_of(mhw, base_period=(2000, 2005))
    with pytest.raises(ParameterError, match="one definition"):
        scene_of(cc.heatwaves(sst, percentile=[90, 95]))
    with pytest.raises(ParameterError, match="no cell"):
        scene_of(sst, region=(0, 1, 80, 81))
    with pytest.raises(ParameterError, match="explore"):
        scene_of("sst.zarr")  # type: ignore[arg-type]


def test_a_map_that_reads_too_much_is_refused(
    mhw: cc.Heatwaves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("climcube.explorer.scene._MAP_AT_MOST", 10)
    with pytest.raises(CubeError, match="too much.*region="):
        scene_of(mhw)
