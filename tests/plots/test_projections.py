"""Globes where cartopy is installed; longitude by latitude elsewhere, with the same cells."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ParameterError
from climcube.plots.projections import choose, divided, projected
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
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
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
    # As many cells have a colour as have a value; all are cut into as many parts.
    assert _share_drawn([mesh]) == float(cube.notnull().mean())


def _share_drawn(meshes: list[Any]) -> float:
    drawn = sum(np.ma.count(mesh.get_array()) for mesh in meshes)
    return float(drawn / sum(mesh.get_array().size for mesh in meshes))


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
    assert _share_drawn(mine.collections[:2]) == float(ocean().isel(time=-1).notnull().mean())
    for mesh in mine.collections[:2]:  # one each side of the seam
        assert (np.diff(mesh.get_coordinates()[..., 0], axis=1) > 0).all()
    with pytest.raises(ParameterError, match="projection is that of the axes"):
        cc.plot.map(ocean(), ax=mine, projection="robinson")


def test_one_side_of_the_globe(crs: Any) -> None:
    ax = cc.plot.map(ocean(), projection=crs.Orthographic(20, 10))
    ax.figure.draw_without_rendering()
    meshes = [c for c in ax.collections if hasattr(c, "get_coordinates")]
    assert 0 < _share_drawn(meshes) < float(ocean().isel(time=-1).notnull().mean())


def test_wide_cells_are_curved_and_fill_the_globe(crs: Any, recwarn: Any) -> None:
    values = np.arange(4.0).reshape(2, 2)
    cube = xr.DataArray(values, {"lat": [-45.0, 45.0], "lon": [0.0, 187.5]}, ("lat", "lon"))
    ax = cc.plot.map(cube.assign_attrs(units="K"))
    ax.figure.draw_without_rendering()
    assert not recwarn.list  # cells half around the globe are none that cartopy has to wrap
    meshes = [c for c in ax.collections if hasattr(c, "get_coordinates")]
    widths = [np.diff(m.get_coordinates()[..., 0], axis=1).max() for m in meshes]
    assert max(widths) < 1.1 / 36 * np.ptp(ax.get_xlim())


def test_a_cell_at_the_seam_is_on_both_sides() -> None:
    edges, cells = divided(np.array([0.0, 4.0, 8.0, 40.0]), seam=-354.0)
    np.testing.assert_allclose(edges, [0, 4, 6, 8, 16, 24, 32, 40])
    assert cells.tolist() == [0, 1, 1, 2, 2, 2, 2]


def test_around_a_pole_the_cells_fill_the_frame(crs: Any) -> None:
    cube = ocean().isel(time=0)
    for projection, sign in ((crs.NorthPolarStereo(), 1), (crs.SouthPolarStereo(), -1)):
        equator = abs(projection.transform_point(0, 0, crs.PlateCarree())[1])
        whole = cc.plot.map(cube, projection=projection)
        np.testing.assert_allclose([*whole.get_xlim()], [-equator, equator], rtol=1e-6)
        part = cc.plot.map(cube.where(sign * cube.lat > 30, drop=True), projection=projection)
        assert part.get_xlim()[1] < 0.7 * equator
