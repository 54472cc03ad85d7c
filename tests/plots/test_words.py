"""What figures say of place, period, baseline and metric."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.plots.style import CATEGORIES, LAND, MISSING, OCEAN, palette
from climcube.plots.words import basis_words, metric_words, percentile_words, region_words


def result(**parameters: Any) -> Any:
    return SimpleNamespace(parameters=parameters)


@pytest.fixture
def axis() -> TimeAxis:
    time = xr.date_range("1982-01-01", "1985-06-01")
    return TimeAxis.of(xr.DataArray(np.zeros(len(time)), {"time": time}, ("time",)))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "climatology 1982–1985"),
        ({"base_period": ("1983-01-01", 1984)}, "climatology 1983–1984"),
        ({"climatology": 1}, "climatology of a separate data set"),
        (
            {"baseline": "shifting", "baseline_years": 20},
            "climatology of the 20 years before each year",
        ),
        ({"baseline": "detrended"}, "climatology 1982–1985, linear trend removed"),
        ({"percentile": 95}, "climatology 1982–1985, 95th percentile"),
        ({"second_threshold": 29}, "climatology 1982–1985, days that meet a second threshold"),
        ({"min_temperature": -1.8}, "climatology 1982–1985, days under ice left out"),
    ],
)
def test_what_heatwaves_are_measured_against(axis: TimeAxis, parameters: Any, words: str) -> None:
    assert basis_words(result(**parameters), axis) == words


@pytest.mark.parametrize(
    ("percentile", "cold", "words"),
    [(90, False, "90th"), (92, False, "92nd"), (90, True, "10th"), (97, True, "3rd"),
     (99, True, "1st"), (89, True, "11th"), (97.5, False, "97.5th")],
)  # fmt: skip
def test_ranks(percentile: float, cold: bool, words: str) -> None:
    assert percentile_words(result(percentile=percentile, cold=cold)) == f"{words} percentile"


@pytest.mark.parametrize(
    ("lon", "words"),
    [
        ([150.125, 150.375, 150.625], "10°S to 10°N, 150.12°E to 150.62°E"),
        ([170.0, 180.0, 190.0], "10°S to 10°N, 170°E to 170°W"),
        (list(np.arange(0.5, 360)), "10°S to 10°N, all longitudes"),
        ([20.0], "10°S to 10°N, 20°E"),
    ],
)
def test_regions(lon: list[float], words: str) -> None:
    cube = xr.DataArray(np.zeros((2, len(lon))), {"lat": [-10.0, 10.0], "lon": lon}, ("lat", "lon"))
    assert region_words(cube) == words
    assert region_words(cube.rename(lat="y", lon="x").drop_vars(["y", "x"])) == ""


@pytest.mark.parametrize(
    ("metric", "units", "words"),
    [
        ("intensity_max", "K", "Maximum intensity (K)"),
        ("intensity_var_relThresh", "degC",
         "Standard deviation of intensity, relative to threshold (°C)"),
        ("intensity_cumulative_abs", "degC", "Cumulative intensity, absolute (°C days)"),
        ("rate_decline", "degC", "Rate of decline (°C per day)"),
        ("intensity_max", None, "Maximum intensity"),
        ("rate_onset", None, "Rate of onset"),
    ],
)  # fmt: skip
def test_metrics_have_names_and_units(metric: str, units: str | None, words: str) -> None:
    assert metric_words(metric, units) == words


def test_the_colours_of_categories_are_those_of_the_papers() -> None:
    assert palette(cold=False) == ("#ffc866", "#ff6900", "#9e0000", "#2d0000")
    assert palette(cold=True) == ("#C7ECF2", "#85B7CC", "#4A6A94", "#111433")
    assert CATEGORIES == ("Moderate", "Strong", "Severe", "Extreme")


def test_land_missing_days_and_quiet_sea_are_told_apart() -> None:
    from matplotlib.colors import rgb_to_hsv, to_rgb

    brightness = [rgb_to_hsv(to_rgb(colour))[2] for colour in (LAND, MISSING, OCEAN)]
    assert (np.diff(brightness) > 0.06).all(), brightness
