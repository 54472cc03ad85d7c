"""One cell: its events, its years, and what is filled."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError
from climcube.explorer.explore import scene_of
from climcube.explorer.place import Place, place_at
from climcube.explorer.scene import Scene
from climcube.explorer.words import event_words, place_summary
from climcube.plots.style import CATEGORIES


@pytest.fixture(scope="module")
def cell(mhw: cc.Heatwaves) -> dict[str, float]:
    """The cell with the most heatwave days."""
    days = mhw.annual["days"].sum("time").compute()
    lat, lon = np.unravel_index(int(np.argmax(days.values)), days.shape)
    return {"lat": float(days.lat[lat]), "lon": float(days.lon[lon])}


@pytest.fixture(scope="module")
def place(surveyed: Scene, cell: dict[str, float]) -> Place:
    return surveyed.place(cell["lat"] + 0.2, cell["lon"] - 0.2)


def test_events_are_those_of_the_table(
    place: Place, mhw: cc.Heatwaves, cell: dict[str, float]
) -> None:
    table = mhw.events()
    table = table[(table.lat == cell["lat"]) & (table.lon == cell["lon"])]
    assert (place.latitude, place.longitude) == (cell["lat"], cell["lon"])
    assert [e.first for e in place.events] == table.index_start.tolist()
    assert [e.duration for e in place.events] == table.duration.tolist()
    assert [e.category for e in place.events] == table.category.tolist()
    assert [e.number for e in place.events] == list(range(1, len(table) + 1))
    assert place.strongest is not None
    assert place.strongest.intensity_max == table.intensity_max.max()
    event = place.events[1]
    assert place.event_on(event.last) == event
    assert place.event_on(event.last + 1) is None


def test_years_are_those_of_the_analysis(
    place: Place, mhw: cc.Heatwaves, cell: dict[str, float]
) -> None:
    annual = mhw.annual.sel(cell).compute()
    for k, name in enumerate(CATEGORIES):
        np.testing.assert_array_equal(place.days[:, k], annual[f"days_{name.lower()}"])


def test_fills_lie_between_level_and_value_on_event_days(place: Place) -> None:
    series = place.series
    fills = place.fills()
    for level, (edge, top) in enumerate(fills, start=1):
        np.testing.assert_allclose(edge, series.seas + level * (series.thresh - series.seas))
        filled = top > edge
        reached = (series.category >= level) & np.isfinite(series.value)
        assert filled[reached].all()
        near = np.convolve(series.event > 0, [1, 1, 1], "same") > 0
        assert not filled[~near].any()
        np.testing.assert_array_equal(top[filled], series.value[filled])
    assert (fills[0][1] > fills[0][0]).any()


def test_cold_spells_are_filled_downwards(sst: xr.DataArray, cell: dict[str, float]) -> None:
    mhw = cc.heatwaves(-sst, cold=True, base_period=(2000, 2009))
    place = place_at(mhw, cell["lat"], cell["lon"])
    edge, top = place.fills()[0]
    assert (top <= edge).all() and (top < edge).any()
    assert "−" in event_words(place, place.events[0])


def test_land_has_no_values(surveyed: Scene, sst: xr.DataArray) -> None:
    dry = sst.isnull().all("time").compute()
    row, column = np.argwhere(dry.values)[0]
    with pytest.raises(CubeError, match="no values"):
        surveyed.place(float(dry.lat[row]), float(dry.lon[column]))


def test_a_place_is_computed_once(surveyed: Scene, place: Place) -> None:
    assert surveyed.place(place.latitude + 0.2, place.longitude - 0.2) is place


def test_words_of_a_cell_without_events(sst: xr.DataArray) -> None:
    calm = (sst.isel(lat=[0, 6], lon=[0, 12]) * 0 + 10).chunk(time=-1)
    scene = scene_of(calm)
    sea = np.argwhere(np.isfinite(scene.values(0)))[0]
    place = scene.place(float(calm.lat[sea[0]]), float(calm.lon[sea[1]]))
    assert place.events == () and place.strongest is None
    assert place_summary(place, scene.mhw) == "No marine heatwave in 2000–2010."


def test_another_calendar(sst: xr.DataArray) -> None:
    other = sst.isel(lat=slice(6, 9), lon=slice(6)).convert_calendar("noleap")
    scene = scene_of(other.chunk(time=-1))
    scene.compute_tile(0)
    day = np.argwhere(scene.codes.day(0, 0) != 16)[0]
    place = scene.place(float(other.lat[day[0]]), float(other.lon[day[1]]))
    assert place.days.sum() <= sum(e.duration for e in place.events)
    assert len(place.years) == 11
