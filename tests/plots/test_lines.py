"""The event line and the mean series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.heatwaves import heatwaves
from climcube.analysis.trend import trend
from climcube.errors import CubeError, ParameterError
from climcube.plots import event_line, time_series
from climcube.plots.style import palette


def all_texts(ax: Any) -> str:
    legend = ax.get_legend()
    return " | ".join(
        [ax.get_title(loc="left"), *(t.get_text() for t in ax.texts)]
        + ([t.get_text() for t in legend.get_texts()] if legend else [])
    )


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_strongest_event_of_all_cells_by_default(make: Any, calendar: str) -> None:
    text = all_texts(event_line(make(calendar=calendar)))
    assert "Extreme marine heatwave at 30°N, 170°E" in text
    assert "1 Mar 2001 to 8 Mar 2001, 8 days" in text
    assert "+4.50 °C" in text
    assert "Threshold (90th percentile)" in text


def test_colours_of_every_category_reached(make: Any, colours_of: Any) -> None:
    for cold in (False, True):
        ax = event_line(make(cold=cold), padding_days=3)
        assert set(palette(cold)) <= colours_of(ax)
    assert "−4.50 °C" in all_texts(ax)
    assert "10th percentile" in all_texts(ax)
    assert "cold spell" in all_texts(ax)


def test_only_categories_reached_are_filled(mhw: Any) -> None:
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


def test_event_by_number_and_by_day(mhw: Any) -> None:
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


def test_the_2011_western_australian_heatwave(reference_data: Any, colours_of: Any) -> None:
    table = pd.read_csv(reference_data / "series" / "sst_WA.csv", parse_dates=["time"])
    cube = table.set_index("time").sst.to_xarray().assign_attrs(units="degC")
    ax = event_line(heatwaves(cube, base_period=(1983, 2012)))
    text = all_texts(ax)
    assert "Extreme marine heatwave" in text
    assert "6 Feb 2011 to 6 Apr 2011, 60 days" in text
    assert "+6.51 °C" in text
    assert set(palette(cold=False)) <= colours_of(ax)


def test_time_series_with_its_trend() -> None:
    time = xr.date_range("1990-01-01", periods=30, freq="YS")
    values = 15 + 0.02 * np.arange(30) + 0.01 * (-1.0) ** np.arange(30)
    series = xr.DataArray(values, {"time": time}, "time", name="sst", attrs={"units": "degC"})
    ax = time_series(series, trend=trend(series), title="Area mean")
    assert ax.get_title(loc="left") == "Area mean, 1990–2019"
    assert "trend +0.20 °C per decade (95 % CI" in all_texts(ax)
    line = next(item for item in ax.lines if item.get_label() == "Trend")
    drawn = np.asarray(line.get_ydata())
    assert drawn[-1] - drawn[0] == pytest.approx(0.02 * 29, rel=0.05)
    with pytest.raises(CubeError, match="one series"):
        time_series(series.expand_dims(x=2))
    with pytest.raises(CubeError, match="nothing to draw"):
        time_series(series * np.nan)
