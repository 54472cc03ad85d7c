"""Saved heatwaves in place of computed ones, and only if they fit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError, StoreError
from climcube.explorer.explore import scene_of
from climcube.explorer.saved import reopen
from climcube.explorer.scene import Scene


@pytest.fixture(scope="module")
def saved(mhw: cc.Heatwaves, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "heatwaves.zarr"
    cc.save(mhw, str(folder), parts=("climatology", "annual", "daily"))
    return folder


def test_the_same_is_seen(saved: Path, sst: xr.DataArray, surveyed: Scene) -> None:
    scene = scene_of(sst, base_period=("2000", "2009"), results=str(saved))
    assert scene.surveyed and scene.pending() == []
    for day in (0, 101, 2002, 4000):
        np.testing.assert_array_equal(scene.categories(day), surveyed.categories(day))
    found, expected = scene.shares(), surveyed.shares()
    assert found is not None and expected is not None
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_anomalies_need_no_more_than_the_saved_climatology(
    saved: Path, sst: xr.DataArray, surveyed: Scene
) -> None:
    scene = scene_of(sst, base_period=("2000", "2009"), results=str(saved))
    for day in (0, 4000):
        np.testing.assert_allclose(scene.anomalies(day), surveyed.anomalies(day), atol=1e-3)
    assert scene.climatology_known and scene.codes.size == 0


def test_results_lead_to_the_cube_that_they_name(sst: xr.DataArray, tmp_path: Path) -> None:
    small = sst[:, 4:8, :6]
    cc.save(small.to_dataset(name="sst").drop_encoding(), str(tmp_path / "sst.zarr"))
    made = cc.heatwaves(
        cc.open(str(tmp_path / "sst.zarr"), variable="sst"), base_period=(2000, 2008), percentile=80
    )
    target = str(tmp_path / "heatwaves.zarr")
    cc.save(made, target, parts=("climatology", "annual", "daily"))
    scene = scene_of(reopen(target), results=target)
    assert scene.surveyed and scene.mhw.parameters["percentile"] == 80
    assert (scene.categories(4000) & 7).max() <= 4
    shutil.rmtree(tmp_path / "sst.zarr")
    with pytest.raises(CubeError, match=r"cannot be opened.*sst\.zarr.*climcube explore CUBE"):
        reopen(target)


def test_results_that_name_no_cube(saved: Path) -> None:
    with pytest.raises(CubeError, match="do not say which cube.*climcube explore CUBE --results"):
        reopen(str(saved))


def test_the_same_of_a_region(saved: Path, sst: xr.DataArray, mhw: cc.Heatwaves) -> None:
    region = (0, 200, -60, 10)
    scene = scene_of(mhw, region=region, results=str(saved))
    plain = scene_of(mhw, region=region)
    for number in plain.pending():
        plain.compute_tile(number)
    np.testing.assert_array_equal(scene.categories(4000), plain.categories(4000))
    found, expected = scene.shares(), plain.shares()
    assert found is not None and expected is not None
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_years_alone_leave_the_map_to_be_computed(sst: xr.DataArray, tmp_path: Path) -> None:
    mhw = cc.heatwaves(sst[:, :3, :3])
    cc.save(mhw, str(tmp_path / "years.zarr"), parts=("climatology", "annual"))
    scene = scene_of(mhw, results=str(tmp_path / "years.zarr"))
    assert not scene.surveyed and scene.pending()
    assert scene.shares() is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sst: cc.heatwaves(sst, base_period=(2000, 2008)), "definition.*base_period"),
        (lambda sst: cc.heatwaves(sst, base_period=(2000, 2009), min_duration=6), "min_duration=6"),
        (lambda sst: cc.heatwaves(sst[:, 1:], base_period=(2000, 2009)), "another grid.*'lat'"),
        (lambda sst: cc.heatwaves(sst[:-9], base_period=(2000, 2009)), "another period"),
    ],
)
def test_results_of_something_else_are_refused(
    saved: Path, sst: xr.DataArray, change: object, words: str
) -> None:
    with pytest.raises(CubeError, match=words):
        scene_of(change(sst), results=str(saved))  # type: ignore[operator]


def test_results_that_do_not_say_how_they_were_made(sst: xr.DataArray, tmp_path: Path) -> None:
    with cc.set_options(provenance=False):
        cc.save(
            cc.heatwaves(sst[:, :3, :3]),
            str(tmp_path / "mute.zarr"),
            parts=("climatology", "annual"),
        )
    with pytest.raises(CubeError, match="nothing says how"):
        scene_of(sst[:, :3, :3], results=str(tmp_path / "mute.zarr"))


def test_no_such_store(sst: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        scene_of(sst, results=str(tmp_path / "none.zarr"))
