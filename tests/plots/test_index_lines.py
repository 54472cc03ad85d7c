"""Index lines, habitat and alert figures: what is filled and counted is what the result says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import AxisError, ParameterError, VariableError
from tests.plots.gallery import ocean, of_habitat


@pytest.fixture(scope="module")
def nino() -> xr.Dataset:
    """Thirty years: one El Nino of nine seasons, one La Nina, and a warm spell too short."""
    time = xr.date_range("1991-01-01", "2020-12-01", freq="MS", name="time")
    warm = 1.2 * ((time.year == 1997) & (time.month > 3)) - 1.1 * (time.year == 2010)
    warm = warm + 0.8 * ((time.year == 2003) & (time.month < 4))
    sst = xr.DataArray(27 + warm, {"time": time}, ("time",), attrs={"units": "degC"})
    return cc.oni(sst, base_period=(1991, 2020))


def _filled(ax: Any, gid: str) -> list[float]:
    """Return the mean height of each area filled."""
    parts = [c for c in ax.collections if c.get_gid() == gid]
    return [float(p.vertices[:, 1].mean()) for c in parts for p in c.get_paths()]


def test_episodes_are_full_and_other_spells_pale(nino: xr.Dataset) -> None:
    ax = cc.plot.index_line(nino)
    full = _filled(ax, "full")
    assert [f > 0 for f in full] == [True, False]
    assert len([h for h in _filled(ax, "pale") if h > 0.1]) == 2  # the El Nino, and the spell
    assert next(t.get_text() for t in ax.get_legend().get_texts()) == "El Niño episode"
    spell = cc.plot.index_line(nino, threshold=0.3)
    assert len([h for h in _filled(spell, "full") if h > 0]) == 2


def test_an_index_without_threshold_is_one_colour_a_sign(nino: xr.Dataset) -> None:
    ax = cc.plot.index_line(nino["oni"].rename("dmi"))
    assert ax.get_legend() is None
    assert not _filled(ax, "pale")
    assert {f > 0 for f in _filled(ax, "full")} == {True, False}


@pytest.mark.parametrize("threshold", [0, -1, "warm", True, np.inf])
def test_a_threshold_is_a_number_above_zero(nino: xr.Dataset, threshold: Any) -> None:
    with pytest.raises(ParameterError, match="threshold not understood"):
        cc.plot.index_line(nino, threshold=threshold)


def test_a_dataset_without_index() -> None:
    with pytest.raises(VariableError, match=r"no index to draw.*found sst"):
        cc.plot.index_line(xr.Dataset({"sst": ("time", [1.0])}))


def test_index_lines_are_tidy(nino: xr.Dataset, tidy: Any) -> None:
    tidy(cc.plot.index_line(nino))
    tidy(cc.plot.index_line(nino["oni"], threshold=0.5))


def test_gains_and_losses_are_drawn_with_their_areas(tidy: Any) -> None:
    lat, lon = np.arange(-75, 90, 10.0), np.arange(5, 360, 30.0)
    time = xr.date_range("2001-01-01", periods=4, freq="YS", name="time")
    warm = np.array([0, 0, 6, 6.0])[:, None, None]
    values = 30 - 0.4 * np.abs(lat)[:, None] + warm + 0 * lon
    values = np.where(lon > 320, np.nan, values)
    cube = xr.DataArray(
        values, {"time": time, "lat": lat, "lon": lon}, ("time", "lat", "lon"), name="sst",
        attrs={"units": "degC"},
    )  # fmt: skip
    change = cc.habitat(cube, thermal_range=(10, 20)).change((2001, 2002), (2003, 2004))
    ax = cc.plot.habitat_map(change, projection="plate_carree")
    codes = np.ma.filled(ax.collections[0].get_array().astype(float), np.nan)
    state = change["state"].values
    np.testing.assert_array_equal(codes, np.where(state < 0, np.nan, state))
    assert {0, 1, 2, 3} >= set(np.unique(codes[np.isfinite(codes)])) >= {2, 3}
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[-1] == "Unknown"
    gain = float(change["area_gain"]) / 1e6
    assert f"Gain {gain:.3g} million km²" in texts
    tidy(ax)


def test_the_area_in_time_is_that_of_the_habitat(tidy: Any) -> None:
    found = of_habitat(ocean())
    ax = cc.plot.habitat_area(found)
    thin, means = ax.lines
    np.testing.assert_allclose(thin.get_ydata(), found.area.values / 1e6)
    yearly = cc.annual_mean(found.area).values / 1e6
    np.testing.assert_allclose(means.get_ydata(), yearly)
    tidy(ax)


def test_species_have_a_line_each() -> None:
    area = of_habitat(ocean()).area.isel(time=slice(0, 60))
    both = xr.concat([area, area / 2], "species").assign_coords(species=["cod", "eel"])
    ax = cc.plot.habitat_area(both)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["cod", "eel"]


def test_a_station_has_no_area() -> None:
    with pytest.raises(AxisError, match="station has no area"):
        cc.plot.habitat_area(of_habitat(ocean().isel(lat=2, lon=7)))


def test_alert_levels_keep_their_colours(tidy: Any) -> None:
    from matplotlib.colors import to_rgb

    cube = ocean()
    stress = cc.degree_heating_weeks(cube, base_period=(2000, 2002))
    day = stress["alert"].copy()
    day[-1, 0] = [-1, 0, 1, 2, 3, 4] * 2
    stress = stress.assign(alert=day)
    ax = cc.plot.bleaching_alert_map(stress, projection="plate_carree")
    mesh = ax.collections[0]
    codes = np.asarray(mesh.get_array())[0]
    np.testing.assert_array_equal(codes, [-1, 0, 1, 2, 3, 4] * 2)
    seen = [mesh.cmap(mesh.norm(k))[:3] for k in (1, 3, 4)]
    wanted = [to_rgb(c) for c in ("#fff000", "#f00000", "#960000")]
    np.testing.assert_allclose(seen, wanted, atol=1e-6)
    tidy(ax)
    with pytest.raises(VariableError, match="no alert level"):
        cc.plot.bleaching_alert_map(stress[["dhw"]])
