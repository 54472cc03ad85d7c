"""Every public statistic that is lazy, of a cube in a store: what plans are tested with."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import climcube as cc

YEARS = 6
FIRST = 1990
BASE = (FIRST, FIRST + YEARS - 1)
HALVES = (FIRST, FIRST + 2), (FIRST + 3, FIRST + 5)
TILE = 10 * 2**20

Cubes = dict[str, xr.DataArray]


def write_cube(path: Path, shape: tuple[int, int] = (32, 64), **encoding: Any) -> str:
    """Write a packed daily cube of noise around a cycle, which compresses about as real ones do."""
    times = pd.date_range(f"{FIRST}-01-01", f"{FIRST + YEARS - 1}-12-31")
    cycle = np.sin(2 * np.pi * np.arange(len(times)) / 365.25)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 50, (len(times), *shape))
    values = (1500 + 500 * cycle + noise).astype("int16")
    values[:, :3, :3] = -9999
    degrees = {"lat": ("degrees_north", -60, 60), "lon": ("degrees_east", 2, 358)}
    coords = {
        name: (name, np.linspace(first, last, n), {"units": units, "standard_name": f"{name}itude"})
        for (name, (units, first, last)), n in zip(degrees.items(), shape, strict=True)
    }
    coords["lon"][2]["standard_name"] = "longitude"
    facts = {"units": "degC", "standard_name": "sea_surface_temperature", "scale_factor": 0.01}
    cube = xr.Dataset({"sst": (("time", *coords), values, facts)}, {"time": times, **coords})
    cube["sst"].encoding = {"_FillValue": np.int16(-9999), "chunks": (366, 16, 16)} | encoding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # consolidated metadata, which need no listing
        cube.to_zarr(path, zarr_format=3, consolidated=True)
    return str(path)


def cubes_of(path: str) -> Cubes:
    """Open the cube in both layouts, and what other statistics start from."""
    with cc.set_options(tile_bytes=TILE):
        series = cc.open(path, variable="sst", layout="series")
        maps = cc.open(path, variable="sst", chunks={"time": 366})
    assert isinstance(series, xr.DataArray) and isinstance(maps, xr.DataArray)
    return {"series": series, "maps": maps}


def _months(cubes: Cubes) -> Any:
    return cc.monthly_mean(cubes["series"])


def _years(cubes: Cubes) -> Any:
    return cc.annual_mean(cubes["series"])


STATISTICS: dict[str, Callable[[Cubes], Any]] = {
    "annual_mean": _years,
    "anomaly": lambda c: cc.anomaly(c["series"], "month"),
    "anomaly of days": lambda c: cc.anomaly(c["series"], "day"),
    "anomaly of maps": lambda c: cc.anomaly(c["maps"], "month"),
    "anomaly standardized": lambda c: cc.anomaly(c["series"], "month", standardize=True),
    "area_mean": lambda c: cc.area_mean(c["series"]),
    "area_sum": lambda c: cc.area_sum(c["series"]),
    "breakpoint": lambda c: cc.breakpoint(_years(c), min_valid=4),
    "change": lambda c: cc.change(_years(c), *HALVES, min_valid=3),
    "climate_velocity": lambda c: cc.climate_velocity(_years(c), min_valid=3),
    "climatology of days": lambda c: cc.climatology(c["series"], "day", window=11),
    "climatology of maps": lambda c: cc.climatology(c["maps"], "day", window=11),
    "climatology of months": lambda c: cc.climatology(c["series"], "month"),
    "climatology, harmonics": lambda c: cc.climatology(c["series"], "day", harmonics=3),
    "climatology, percentile": lambda c: cc.climatology(
        c["series"], "day", statistic="percentile", window=11
    ),
    "climatology, std": lambda c: cc.climatology(c["series"], "day", statistic="std"),
    "daily_mean": lambda c: cc.daily_mean(c["series"]),
    "degree_heating_weeks": lambda c: cc.degree_heating_weeks(c["series"], base_period=BASE),
    "detrend": lambda c: cc.detrend(c["series"]),
    "emergence": lambda c: cc.emergence(_years(c), base_period=BASE, min_valid=5),
    "fdr": lambda c: cc.fdr(cc.trend(_years(c)).pvalue),
    "habitat": lambda c: cc.habitat(c["series"], thermal_range=(10, 20)),
    "heatwaves": lambda c: cc.heatwaves(c["series"]),
    "heatwaves daily": lambda c: cc.heatwaves(c["series"]).daily,
    "iod": lambda c: cc.iod(c["series"], base_period=BASE),
    "mask": lambda c: cc.mask(c["series"], "nino34"),
    "maximum_monthly_mean": lambda c: cc.maximum_monthly_mean(c["series"], base_period=BASE),
    "monthly_mean": _months,
    "nino34": lambda c: cc.nino34(c["series"]),
    "oni": lambda c: cc.oni(c["series"], base_period=BASE),
    "pdo": lambda c: cc.pdo(c["series"], base_period=BASE),
    "percentile": lambda c: cc.percentile(c["series"], (10, 90)),
    "quantile_trend": lambda c: cc.quantile_trend(_years(c)),
    "rechunk": lambda c: cc.rechunk(c["series"], layout="maps"),
    "rolling_mean": lambda c: cc.rolling_mean(c["series"], 31),
    "rolling_mean of maps": lambda c: cc.rolling_mean(c["maps"], 31),
    "seasonal_mean": lambda c: cc.seasonal_mean(c["series"], "DJF"),
    "trend": lambda c: cc.trend(cc.anomaly(c["series"], "month")),
    "trend of maps": lambda c: cc.trend(cc.anomaly(c["maps"], "month")),
    "trend, mann_kendall": lambda c: cc.trend(_months(c), test="mann_kendall"),
    "trend, theil_sen": lambda c: cc.trend(_months(c), method="theil_sen", seasonal="month"),
    "trend_moments": lambda c: cc.trend_moments(c["series"]),
    "zonal_mean": lambda c: cc.zonal_mean(c["series"]),
}

# Not lazy, or not a statistic of a cube: there is nothing to plan.
NOT_PLANNED = {
    "branch_version", "catalog", "cluster", "expire_versions", "explain", "explore",
    "false_positive_rates", "heatwave_state", "ingest", "matchup", "open", "open_heatwave_state",
    "plan", "plan_ingest", "relayout", "remove_version_name", "report", "roll_back", "save",
    "tag_version", "track", "verify", "versions",
}  # fmt: skip


def result_of(name: str, cubes: Cubes) -> Any:
    """Return one of them, lazy, in tiles of a few megabytes."""
    with warnings.catch_warnings(), cc.set_options(tile_bytes=TILE):
        warnings.simplefilter("ignore")
        return STATISTICS[name](cubes)
