"""``cube.climcube.trend()``: the public functions as methods of a DataArray, same signatures."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import xarray as xr

__all__ = ["ClimcubeAccessor"]

# Functions whose first argument is a cube (of p-values, for fdr).
_METHODS = (
    "annual_mean",
    "anomaly",
    "area_mean",
    "area_sum",
    "breakpoint",
    "change",
    "climate_velocity",
    "climatology",
    "daily_mean",
    "degree_heating_weeks",
    "detrend",
    "emergence",
    "explain",
    "explore",
    "fdr",
    "habitat",
    "heatwave_state",
    "heatwaves",
    "iod",
    "mask",
    "matchup",
    "maximum_monthly_mean",
    "monthly_mean",
    "nino34",
    "oni",
    "pdo",
    "percentile",
    "plan",
    "quantile_trend",
    "rechunk",
    "report",
    "rolling_mean",
    "save",
    "seasonal_mean",
    "track",
    "trend",
    "trend_moments",
    "zonal_mean",
)


@xr.register_dataarray_accessor("climcube")
class ClimcubeAccessor:
    """Methods of ``cube.climcube``: each is the function of that name with the cube put in.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> sst.climcube.heatwaves().annual.sizes["time"]
    4
    """

    def __init__(self, cube: xr.DataArray) -> None:
        self._cube = cube

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _METHODS:
            raise AttributeError(f"the climcube accessor has no method {name!r}")
        function = getattr(importlib.import_module("climcube"), name)
        method = functools.partial(function, self._cube)
        functools.update_wrapper(method, function)
        return method

    def __dir__(self) -> list[str]:
        return sorted(_METHODS)
