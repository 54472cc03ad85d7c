"""Years against days of the year: what is painted where, and the numbers beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.events.heatwaves import heatwaves
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, ParameterError
from climcube.plots import category_calendar, share_calendar
from climcube.plots.style import palette

PLACE = {"lat": 30, "lon": 170}


def painted(ax: Any) -> np.ndarray[Any, Any]:
    """Return the picture: years by days of the year, NaN where nothing is painted."""
    return np.ma.filled(ax.collections[0].get_array().astype(float), np.nan)


@pytest.mark.parametrize(
    ("calendar", "days"), [("standard", 366), ("noleap", 365), ("360_day", 360)]
)
@pytest.mark.parametrize("cold", [False, True])
def test_each_day_of_a_cell_has_its_category(
    plant: Any, all_texts: Any, calendar: str, days: int, cold: bool
) -> None:
    mhw = plant(calendar=calendar, cold=cold)
    ax = category_calendar(mhw, cell=PLACE)
    picture = painted(ax)
    assert picture.shape == (2, days)
    cell = mhw.daily["category"].sel(lat=30, lon=170)
    axis = TimeAxis.of(cell)
    np.testing.assert_array_equal(picture[axis.year - 2000, axis.dayofyear], cell.values)
    assert ax.get_ylim() == (1999.5, 2001.5)
    text = all_texts(ax)
    for name, count in (("Moderate", 15), ("Strong", 7), ("Severe", 13), ("Extreme", 1)):
        assert f"{name} ({count} days)" in text
    assert f"Marine {'cold spell' if cold else 'heatwave'} categories at 30°N, 170°E" in text
    assert "2000–2001" in text
    starts = ax.get_xticks()
    first = TimeAxis.of(cell).dayofyear[(axis.day == 1) & (axis.year == 2000)]
    np.testing.assert_array_equal(starts, first)


def test_colours_are_those_of_the_field(plant: Any, colours_of: Any) -> None:
    for cold in (False, True):
        seen = colours_of(category_calendar(plant(cold=cold), cell=PLACE), dpi=300)
        assert set(palette(cold)) <= seen
        assert not set(palette(not cold)) & seen


def test_29_february_of_common_years_repeats_the_28th(plant: Any) -> None:
    mhw = plant()
    cube = mhw.cube.copy()
    first = list(TimeAxis.of(cube).ordinal).index(TimeAxis.of(cube).ordinal[0] + 366 + 55)
    cube[first : first + 4, 1, 1] = 21.5  # 25 to 28 February 2001, joined to the March event
    picture = painted(category_calendar(heatwaves(cube, climatology=mhw.climatology), cell=PLACE))
    assert list(picture[1, 54:62]) == [0, 1, 1, 1, 1, 1, 1, 2]
    assert picture[0, 59] == 0  # 29 February 2000 is its own


def test_gaps_are_grey_and_what_lies_outside_the_record_is_blank(
    plant: Any, all_texts: Any
) -> None:
    mhw = plant()
    cube = mhw.cube.copy()
    cube[100:110] = np.nan
    cube = cube.isel(time=np.r_[20:200, 203 : cube.sizes["time"]])
    ax = category_calendar(heatwaves(cube, climatology=mhw.climatology), cell=PLACE)
    picture = painted(ax)
    assert np.isnan(picture[0, :20]).all()
    assert (picture[0, 100:110] == -1).all()
    assert (picture[0, 200:203] == -1).all()  # no sample at all
    assert (picture == -1).sum() == 13
    assert np.isnan(picture[1, 365:]).all()  # the record ends on 30 December
    assert "No data" in all_texts(ax)


def test_a_cell_without_any_event_says_so(plant: Any, all_texts: Any) -> None:
    ax = category_calendar(plant(), cell={"lat": 30, "lon": 190})
    assert "no heatwave in the record" in all_texts(ax)
    assert np.nanmax(painted(ax)) == 0


def test_a_cell_without_any_value_is_an_error(plant: Any) -> None:
    with pytest.raises(CubeError, match="no values"):
        category_calendar(plant(), cell={"lat": -30, "lon": 150})


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
@pytest.mark.parametrize("lazy", [False, True])
def test_shares_by_hand(plant: Any, all_texts: Any, calendar: str, lazy: bool) -> None:
    ax = share_calendar(plant(calendar=calendar, lazy=lazy))
    picture = painted(ax)
    march = {"standard": 60, "noleap": 59, "360_day": 60}[calendar]
    # Five ocean cells of equal area; two are in an event from 3 to 7 March 2001.
    assert picture[1, march : march + 9] == pytest.approx([20, 20, 40, 40, 40, 40, 40, 20, 0])
    assert picture[0].max() == pytest.approx(20)
    text = all_texts(ax)
    assert "Share of the ocean in a marine heatwave, 2000–2001" in text
    assert "30°S to 30°N, 150°E to 170°W" in text
    assert "area in category Moderate or worse each day" in text
    assert ax.child_axes[0].get_ylabel() == "Share of the ocean area (%)"


def test_shares_weigh_cells_by_area() -> None:
    time = xr.date_range("2000-01-01", periods=400)
    values = np.full((400, 2, 1), 20.0)
    values[100:110, 0] = 22.0
    cube = xr.DataArray(
        values, {"time": time, "lat": [60.0, 0.0], "lon": [10.0]}, ("time", "lat", "lon"),
        name="sst", attrs={"units": "degC"},
    )  # fmt: skip
    table = xr.Dataset(
        {n: (("dayofyear", "lat", "lon"), np.full((366, 2, 1), v))
         for n, v in (("seas", 20.0), ("thresh", 21.0))},
        {"dayofyear": np.arange(1, 367), "lat": cube.lat, "lon": cube.lon},
    )  # fmt: skip
    picture = painted(share_calendar(heatwaves(cube, climatology=table)))
    # Bands from the mid-point 30 to the pole, and from it as far south as north of the equator.
    north, south = 1 - np.sin(np.pi / 6), 2 * np.sin(np.pi / 6)
    assert picture[0, 105] == pytest.approx(100 * north / (north + south))


def test_missing_cells_leave_the_fraction_and_empty_days_are_grey(
    plant: Any, all_texts: Any
) -> None:
    mhw = plant()
    cube = mhw.cube.copy()
    cube[{"time": slice(10, 13)}] = np.nan
    day = 366 + 62  # 4 March 2001, when two of five cells are in an event
    cube[{"time": day, "lat": 0, "lon": 2}] = np.nan
    ax = share_calendar(heatwaves(cube, climatology=mhw.climatology))
    picture = painted(ax)
    assert (picture[0, 10:13] == -1).all()
    assert picture[1, 63] == pytest.approx(50)
    assert "No data" in all_texts(ax)


def test_a_region_counts_its_own_cells_only(plant: Any, all_texts: Any) -> None:
    box = (165, 175, 20, 40)  # cell (1, 1) alone
    ax = share_calendar(plant(), region=box)
    assert painted(ax)[1, 60:69] == pytest.approx([100] * 8 + [0])
    assert "30°N, 170°E" in all_texts(ax)
    mask = xr.DataArray([[False, True, False], [False, True, True]], dims=("lat", "lon"))
    assert painted(share_calendar(plant(), region=mask))[1, 62] == pytest.approx(200 / 3)
    severe = painted(share_calendar(plant(), region=box, category="Extreme"))
    assert (severe == 100).sum() == 1


def test_only_the_tiles_of_the_region_or_cell_are_computed(plant: Any) -> None:
    touched: list[int] = []

    def watch(block: Any) -> Any:
        touched.append(1)
        return block

    mhw = plant(lazy=True)
    cube = mhw.cube.copy(data=mhw.cube.data.map_blocks(watch, meta=np.empty((0, 0, 0))))
    watched = heatwaves(cube, climatology=mhw.climatology)
    category_calendar(watched, cell=PLACE)
    assert len(touched) == 1
    touched.clear()
    share_calendar(watched, region=(165, 175, 20, 40))
    assert len(touched) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"region": "atlantis"}, "unknown region"),
        ({"region": (0, 10, -5, 5)}, "no cell"),
        ({"region": xr.DataArray([True, False], dims="lat").astype(int)}, "boolean"),
        ({"region": xr.DataArray([True], dims="depth")}, "on the grid"),
        ({"region": xr.DataArray([False, False], dims="lat")}, "no cell"),
        ({"category": "Bad"}, "category"),
    ],
)
def test_mistakes(plant: Any, arguments: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        share_calendar(plant(), **arguments)
    assert "\n" not in str(caught.value)


def test_a_series_has_no_share_and_land_no_value(plant: Any) -> None:
    mhw = plant()
    one = heatwaves(mhw.cube[:, 1, 1], climatology=mhw.climatology.isel(lat=1, lon=1))
    with pytest.raises(CubeError, match="draw category_calendar"):
        share_calendar(one)
    with pytest.raises(CubeError, match="nothing to draw"):
        share_calendar(mhw, region=(140, 160, -40, -20))  # the land cell
