"""Every public figure, drawn from one cube: for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import xarray as xr

import climcube as cc

BASE = (2000, 2002)


@cache
def ocean() -> xr.DataArray:
    """Return three years of a small synthetic ocean, the whole globe."""
    return cc.testing.synthetic_ocean(years=3, shape=(6, 12), seed=3).sst


def of_heatwaves(name: str) -> Callable[..., Any]:
    """Return what draws a figure of the heatwaves of a cube."""
    return lambda cube, **options: getattr(cc.plot, name)(cc.heatwaves(cube), **options)


def of_habitat(cube: xr.DataArray) -> Any:
    """Return the habitat of a species that the ocean has, gains and loses."""
    return cc.habitat(cube, thermal_range=(5, 10, 20, 25), units="degC")


def _trend_map(cube: xr.DataArray, **options: Any) -> Any:
    return cc.plot.trend_map(cc.trend(cc.annual_mean(cube)), **options)


def _change_map(cube: xr.DataArray, **options: Any) -> Any:
    means = cc.anomaly(cc.monthly_mean(cube), "month")
    return cc.plot.change_map(cc.change(means, (2000, 2000), (2002, 2002)), **options)


def _habitat_map(cube: xr.DataArray, **options: Any) -> Any:
    return cc.plot.habitat_map(of_habitat(cube).change((2000, 2000), (2002, 2002)), **options)


def _alerts(cube: xr.DataArray, **options: Any) -> Any:
    stress = cc.degree_heating_weeks(cube, base_period=BASE)
    return cc.plot.bleaching_alert_map(stress, "2001-06-30", **options)


def _series(cube: xr.DataArray) -> xr.DataArray:
    return cc.area_mean(cube, region=(-180, 180, -60, 60)) if len(cube.sizes) > 1 else cube


#: What draws each figure from a cube of daily temperatures.
FIGURES: dict[str, Callable[..., Any]] = {
    "anomaly_map": lambda c, **o: cc.plot.anomaly_map(cc.anomaly(c, "month"), "2001-07-01", **o),
    "bleaching_alert_map": _alerts,
    "category_calendar": of_heatwaves("category_calendar"),
    "category_map": of_heatwaves("category_map"),
    "category_share": of_heatwaves("category_share"),
    "change_map": _change_map,
    "event_line": of_heatwaves("event_line"),
    "flame": of_heatwaves("flame"),
    "habitat_area": lambda c, **o: cc.plot.habitat_area(of_habitat(c), **o),
    "habitat_map": _habitat_map,
    "hovmoller": cc.plot.hovmoller,
    "index_line": lambda c, **o: cc.plot.index_line(cc.anomaly(_series(c), "month"), **o),
    "lolliplot": of_heatwaves("lolliplot"),
    "map": cc.plot.map,
    "share_calendar": of_heatwaves("share_calendar"),
    "time_series": lambda c, **o: cc.plot.time_series(cc.monthly_mean(_series(c)), **o),
    "trend_map": _trend_map,
    "warming_stripes": lambda c, **o: cc.plot.warming_stripes(cc.annual_mean(_series(c)), **o),
}

#: Those that take a projection.
MAPS = (
    "anomaly_map", "bleaching_alert_map", "category_map", "change_map", "habitat_map", "map",
    "trend_map",
)  # fmt: skip

#: Those that a single series is enough for.
OF_SERIES = (
    "category_calendar", "category_share", "event_line", "flame", "index_line", "lolliplot",
    "time_series", "warming_stripes",
)  # fmt: skip
