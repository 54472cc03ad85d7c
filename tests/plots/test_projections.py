"""Globes where cartopy is installed; longitude by latitude elsewhere, with the same cells."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ParameterError
from climcube.plots.projections import choose, projected
from tests.plots.gallery import FIGURES, ocean

GLOBE = np.arange(0, 361, 10.0), np.arange(-90, 91, 10.0)
REGION = np.arange(100, 151, 10.0), np.arange(-40, -9, 10.0)


@pytest.fixture(scope="module")
def crs() -> Any:
    return pytest.importorskip("cartopy.crs")


def test_globes_are_equal_earth_and_regions_plain(crs: Any) -> None:
    chosen = choose(None, *GLOBE)
    assert isinstance(chosen, crs.EqualEarth)
    assert chosen.proj4_params["lon_0"] == 180
    assert choose(None, *REGION) is None
    assert choose("plate_carree", *GLOBE) is None
    assert isinstance(choose("robinson", *REGION), crs.Robinson)
    own = crs.Orthographic()
    assert choose(own, *GLOBE) is own


def test_without_cartopy_globes_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "cartopy" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert choose(None, *GLOBE) is None
    ax = cc.plot.map(ocean())
    assert ax.get_xlabel() == "Longitude"


@pytest.mark.parametrize("given", [3, ["robinson"]])
def test_what_is_no_projection(given: Any) -> None:
    with pytest.raises(ParameterError, match="projection not understood"):
        choose(given, *GLOBE)


def test_places_are_those_of_the_map_projection(crs: Any) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot(projection=crs.EqualEarth(central_longitude=180))
    x, y = projected(ax, np.array([0.0, 180.0, 360.0, 90.0]), np.array([0.0, 0.0, 0.0, 45.0]))
    limit = ax.projection.x_limits[1]
    np.testing.assert_allclose(x[:3], [-limit, 0, limit], rtol=1e-6, atol=1e-3)
    expected = ax.projection.transform_point(90, 45, crs.PlateCarree())
    np.testing.assert_allclose([x[3], y[3]], expected)


@pytest.mark.parametrize("shift", [0, -180, 37])
def test_no_cell_is_drawn_across_the_globe(crs: Any, shift: float) -> None:
    cube = ocean().isel(time=0)
    cube = cube.assign_coords(lon=cube.lon + shift)
    (mesh,) = (
        c for c in cc.plot.map(cube, projection="equal_earth").collections
        if hasattr(c, "get_coordinates")
    )  # fmt: skip
    corners = mesh.get_coordinates()
    widths = np.diff(corners[..., 0], axis=1)
    globe = np.ptp(corners[..., 0])
    assert (widths > 0).all()
    assert widths.max() < 1.3 * globe / cube.sizes["lon"]
    # As many cells have a colour as have a value.
    assert np.ma.count(mesh.get_array()) == int(cube.notnull().sum())


@pytest.mark.parametrize("name", ["category_map", "change_map", "map"])
def test_globes_are_tidy(crs: Any, tidy: Any, name: str) -> None:
    tidy(FIGURES[name](ocean(), projection="equal_earth"))


def test_marks_lie_on_their_cells(crs: Any) -> None:
    lat, lon = np.arange(-75, 90, 30.0), np.arange(15, 360, 30.0)
    shape = (lat.size, lon.size)
    fit = xr.Dataset(
        {"slope": (("lat", "lon"), np.ones(shape)), "pvalue": (("lat", "lon"), np.ones(shape))},
        {"lat": lat, "lon": lon},
    )
    fit["pvalue"][4, 2] = 1e-9
    ax = cc.plot.trend_map(fit, projection="robinson")
    (dots,) = [c for c in ax.collections if c.get_gid() == "significant"]
    expected = ax.projection.transform_point(lon[2], lat[4], crs.PlateCarree())
    np.testing.assert_allclose(dots.get_offsets(), [expected])
    hatched = cc.plot.trend_map(fit, projection="robinson", marks="hatching").patches
    assert any(p.get_gid() == "not significant" for p in hatched)


def test_the_callers_globe_is_used(crs: Any) -> None:
    from matplotlib.figure import Figure

    mine = Figure().add_subplot(projection=crs.Robinson(central_longitude=0))
    assert cc.plot.map(ocean(), ax=mine) is mine
    mine.figure.draw_without_rendering()
    drawn = sum(np.ma.count(mesh.get_array()) for mesh in mine.collections[:2])
    assert drawn == int(ocean().isel(time=-1).notnull().sum())
    for mesh in mine.collections[:2]:  # one each side of the seam
        assert (np.diff(mesh.get_coordinates()[..., 0], axis=1) > 0).all()
    with pytest.raises(ParameterError, match="projection is that of the axes"):
        cc.plot.map(ocean(), ax=mine, projection="robinson")


def test_one_side_of_the_globe(crs: Any) -> None:
    ax = cc.plot.map(ocean(), projection=crs.Orthographic(20, 10))
    ax.figure.draw_without_rendering()
    meshes = [c for c in ax.collections if hasattr(c, "get_coordinates")]
    drawn = sum(np.ma.count(mesh.get_array()) for mesh in meshes)
    assert 0 < drawn < int(ocean().isel(time=-1).notnull().sum())
