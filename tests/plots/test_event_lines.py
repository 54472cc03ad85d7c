"""One event, and all exceedances of a period."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from climcube.analysis.events.heatwaves import heatwaves
from climcube.errors import CubeError, ParameterError
from climcube.plots import event_line, flame
from climcube.plots.style import palette


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_strongest_event_of_all_cells_by_default(make: Any, all_texts: Any, calendar: str) -> None:
    text = all_texts(event_line(make(calendar=calendar)))
    assert "Extreme marine heatwave at 30°N, 170°E" in text
    assert "1 Mar 2001 to 8 Mar 2001, 8 days" in text
    assert "+4.50 °C" in text
    assert "Threshold (90th percentile)" in text


def test_colours_of_every_category_reached(make: Any, all_texts: Any, colours_of: Any) -> None:
    for cold in (False, True):
        ax = event_line(make(cold=cold), padding_days=3)
        assert set(palette(cold)) <= colours_of(ax)
    assert "−4.50 °C" in all_texts(ax)
    assert "10th percentile" in all_texts(ax)
    assert "cold spell" in all_texts(ax)


def test_only_categories_reached_are_filled(mhw: Any, all_texts: Any) -> None:
    text = all_texts(event_line(mhw, cell={"lat": -29, "lon": 171}, padding_days=5))
    assert "Moderate marine heatwave at 30°S, 170°E" in text
    assert "Strong" not in text


def test_the_fill_ends_where_series_and_level_cross(mhw: Any) -> None:
    ax = event_line(mhw, cell={"lat": 30, "lon": 170}, padding_days=10)
    fills = {c.get_label(): c for c in ax.collections if c.get_label() in ("Moderate", "Extreme")}
    extreme = np.concatenate([p.vertices for p in fills["Extreme"].get_paths()])
    assert extreme[:, 1].min() == pytest.approx(24.0)
    assert extreme[:, 1].max() == pytest.approx(24.5)
    moderate = np.concatenate([p.vertices for p in fills["Moderate"].get_paths()])
    days = np.ptp(moderate[:, 0])
    assert 7.0 < days < 9.0  # eight days, plus less than a day on either side


def test_event_by_number_and_by_day(mhw: Any, all_texts: Any) -> None:
    cell = {"lat": 30, "lon": -190}  # 170 E in another convention
    for event in (1, "2001-03-05", np.datetime64("2001-03-05")):
        assert "8 days" in all_texts(event_line(mhw, cell=cell, event=event))


def test_missing_days_are_gaps(mhw: Any, colours_of: Any) -> None:
    mhw.cube[{"time": slice(430, 433), "lat": 1, "lon": 1}] = np.nan
    ax = event_line(mhw)
    line = next(item for item in ax.lines if item.get_label() == "Daily value")
    assert np.isnan(np.asarray(line.get_ydata(), float)).sum() == 3
    assert colours_of(ax)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"cell": {"lat": -30, "lon": 150}}, CubeError, "no values"),
        ({"cell": {"lat": 30, "lon": 190}}, CubeError, "no heatwave in the cell"),
        ({"cell": {"lat": 30}}, ParameterError, "lacks a coordinate"),
        ({"cell": {"lat": 30, "lon": 170, "depth": 5}}, ParameterError, "unknown coordinate"),
        ({"cell": {"lat": 30, "lon": 170}, "event": 7}, ParameterError, "no such event"),
        (
            {"cell": {"lat": 30, "lon": 170}, "event": "2000-05-05"},
            ParameterError,
            "no heatwave on that day",
        ),
        ({"padding_days": -1}, ParameterError, "padding_days"),
    ],
)
def test_mistakes(mhw: Any, arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        event_line(mhw, **arguments)
    assert "\n" not in str(caught.value)


def test_the_2011_western_australian_heatwave(
    reference_data: Any, all_texts: Any, colours_of: Any
) -> None:
    table = pd.read_csv(reference_data / "series" / "sst_WA.csv", parse_dates=["time"])
    cube = table.set_index("time").sst.to_xarray().assign_attrs(units="degC")
    ax = event_line(heatwaves(cube, base_period=(1983, 2012)))
    text = all_texts(ax)
    assert "Extreme marine heatwave" in text
    assert "6 Feb 2011 to 6 Apr 2011, 60 days" in text
    assert "+6.51 °C" in text
    assert set(palette(cold=False)) <= colours_of(ax)


PLACE = {"lat": 30, "lon": 170}


def fill_days(ax: Any, label: str) -> int:
    """Return how many days a fill covers beyond its edge."""
    (fill,) = [c for c in ax.collections if c.get_label() == label]
    spans = [(p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in fill.get_paths()]
    return int(sum(np.floor(b) - np.ceil(a) + 1 for a, b in spans))


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
@pytest.mark.parametrize("cold", [False, True])
def test_flame_tells_events_from_mere_exceedances(
    plant: Any, all_texts: Any, calendar: str, cold: bool
) -> None:
    ax = flame(plant(calendar=calendar, cold=cold), cell=PLACE, period=(2000, 2001))
    kind, side = ("cold spell", "below") if cold else ("heatwave", "above")
    # Planted: 3 days that are no event; events of 6, 5, 12 and 5 days; and the strongest, of 8.
    assert fill_days(ax, f"Days {side} the threshold") == 3
    assert fill_days(ax, f"Marine {kind}") == 28
    assert fill_days(ax, "Strongest") == 8
    text = all_texts(ax)
    last = "30 Dec 2001"
    assert f"Marine {kind}s at 30°N, 170°E, 2000–2001" in text
    assert f"5 marine {kind}s from 1 Jan 2000 to {last}" in text
    assert f"darkest: 1 Mar 2001 to 8 Mar 2001, {'−' if cold else '+'}4.50 °C" in text
    assert "climatology of a separate data set" in text
    assert ax.get_ylabel() == "Sea surface temperature (°C)"


def test_flame_points_out_the_event_asked_for(plant: Any, all_texts: Any) -> None:
    ax = flame(plant(), cell=PLACE, period=("2001-05", "2001-07-15"), event="2001-06-03")
    assert fill_days(ax, "Strongest") == 12  # of the period drawn
    assert "1 marine heatwave from 1 May 2001 to 15 Jul 2001" in all_texts(ax)
    ax = flame(plant(), cell=PLACE, period=(2001, 2001), event=5)
    assert fill_days(ax, "Event chosen") == 5


def test_flame_draws_a_year_on_either_side_by_default(plant: Any) -> None:
    ax = flame(plant())  # the record is shorter: from a year before 1 March 2001 to its end
    (line,) = [item for item in ax.lines if item.get_label() == "Daily value"]
    assert str(np.asarray(line.get_xdata())[0])[:10] == "2000-03-01"
    assert len(np.asarray(line.get_xdata())) == 670


def test_flame_without_any_event_says_so(plant: Any, all_texts: Any) -> None:
    calm = flame(plant(), cell={"lat": 30, "lon": 190})
    assert "no marine heatwaves from" in all_texts(calm)
    quiet = flame(plant(), cell=PLACE, period=("2000-01", "2000-02"))
    assert "no marine heatwaves from 1 Jan 2000 to 29 Feb 2000" in all_texts(quiet)
    assert "Strongest" not in all_texts(quiet)


def test_lazy_and_eager_flames_are_equal(plant: Any) -> None:
    drawn = [
        [np.asarray(p.vertices) for c in flame(plant(lazy=lazy), cell=PLACE).collections
         for p in c.get_paths()]
        for lazy in (False, True)
    ]  # fmt: skip
    assert len(drawn[0]) == len(drawn[1])
    for first, second in zip(*drawn, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ((2001,), "period not understood"),
        (("2001-07", "soon"), "period not understood"),
        ("2001", "period not understood"),
        ((2002, 2001), "upside down"),
        ((1990, 1991), "no day of the record"),
    ],
)
def test_periods_that_cannot_be_drawn(plant: Any, period: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        flame(plant(), cell=PLACE, period=period)
    assert "\n" not in str(caught.value)


def test_a_detrended_series_is_drawn_as_it_was_judged(reference_data: Any, all_texts: Any) -> None:
    table = pd.read_csv(reference_data / "series" / "sst_WA.csv", parse_dates=["time"])
    cube = table.set_index("time").sst.to_xarray().assign_attrs(units="degC")
    mhw = heatwaves(cube, baseline="detrended")
    row = mhw.events().sort_values("intensity_max").iloc[-1]
    ax = event_line(mhw)
    (line,) = [item for item in ax.lines if item.get_label() == "Daily value"]
    drawn = dict(zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True))
    assert drawn[row["date_peak"].to_datetime64()] == pytest.approx(row["intensity_max_abs"])
    assert "trend removed" in ax.get_ylabel()
    assert "linear trend removed" in all_texts(ax)


def test_a_shifting_baseline_has_its_own_threshold_each_year(
    reference_data: Any, all_texts: Any
) -> None:
    table = pd.read_csv(reference_data / "series" / "sst_WA.csv", parse_dates=["time"])
    cube = table.set_index("time").sst.to_xarray().assign_attrs(units="degC")
    mhw = heatwaves(cube, baseline="shifting", baseline_years=20)
    ax = event_line(mhw, event="2011-02-28")
    (line,) = [item for item in ax.lines if str(item.get_label()).startswith("Threshold")]
    drawn = dict(zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True))
    expected = mhw.climatology.thresh.sel(year=2011, dayofyear=59)
    assert drawn[np.datetime64("2011-02-28")] == pytest.approx(float(expected))
    assert "climatology of the 20 years before each year" in all_texts(ax)
