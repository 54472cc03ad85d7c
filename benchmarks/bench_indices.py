"""Degree heating weeks and ocean indices: time a cell, tasks, what new days cost.

python benchmarks/bench_indices.py          # one core, from memory, beside plain xarray
python benchmarks/bench_indices.py --graph  # tasks of a lazy global cube
"""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask.array as da
import numpy as np
import xarray as xr
from measuring import best

from climcube.analysis.indices.heating_weeks import degree_heating_weeks
from climcube.analysis.indices.nino import nino34, oni
from climcube.analysis.indices.pdo import pdo
from climcube.analysis.indices.warmest_month import maximum_monthly_mean

DAYS = 14_610


def reefs(cells: int) -> xr.DataArray:
    """Forty years of daily values, time first, as float32 from hundredths."""
    days = xr.date_range("1982-01-01", periods=DAYS)
    rng = np.random.default_rng(0)
    cycle = 27 + 2 * np.cos(2 * np.pi * (np.arange(DAYS) - 220) / 365.25)
    values = np.rint((cycle[:, None] + rng.normal(0, 0.7, (DAYS, cells))) * 100) * 0.01
    cube = xr.DataArray(
        values.astype("float32"), {"time": days}, ("time", "cell"), "sst", {"units": "degC"}
    )
    cube.encoding = {"scale_factor": 0.01, "add_offset": 0.0, "dtype": "int16"}
    return cube


def plain(cube: xr.DataArray, mmm: xr.DataArray) -> xr.DataArray:
    """HotSpots and DHW in xarray, ties left to chance."""
    hotspot = (cube - mmm).clip(min=0)
    return hotspot.where(hotspot >= 1, 0).rolling(time=84).sum() / 7


def speed(cells: int) -> None:
    """Microseconds a cell on one core."""
    cube = reefs(cells)
    mmm = maximum_monthly_mean(cube).mmm
    last = cube[-1:]
    rows = {
        "degree_heating_weeks, mmm given": lambda: degree_heating_weeks(cube, mmm=mmm),
        "degree_heating_weeks, own mmm": lambda: degree_heating_weeks(cube),
        "maximum_monthly_mean": lambda: maximum_monthly_mean(cube),
        "one new day after 83 others": lambda: degree_heating_weeks(
            last, mmm=mmm, before=cube[-84:-1]
        ),
        "xarray, rolling sum": lambda: plain(cube, mmm),
    }
    print(f"{DAYS} days x {cells} cells of float32, from memory, one core")
    for name, call in rows.items():
        print(f"{name:40s} {best(call, 3) / cells * 1e6:8.1f} microseconds a cell")


def globe() -> None:
    """Seconds for indices of a global monthly cube of 2 degrees, 70 years."""
    months = xr.date_range("1951-01-01", periods=840, freq="MS")
    coords = {"time": months, "lat": np.arange(-88.0, 90, 2), "lon": np.arange(0.0, 360, 2)}
    values = np.random.default_rng(0).normal(15, 5, (840, 89, 180)).astype("float32")
    sst = xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", {"units": "degC"})
    print("global, monthly, 2 degrees, 70 years")
    for name, call in {
        "nino34": lambda: nino34(sst),
        "oni": lambda: oni(sst, base_period=(1991, 2020)),
        "pdo": lambda: pdo(sst),
    }.items():
        print(f"{name:40s} {best(call, 3):8.2f} s")


def graph() -> None:
    """Tasks of the lazy results of a daily quarter-degree cube, 40 years, in tiles."""
    shape, tile = (DAYS, 720, 1440), (DAYS, 90, 90)
    coords = {
        "time": xr.date_range("1982-01-01", periods=DAYS),
        "lat": -89.875 + 0.25 * np.arange(720),
        "lon": 0.125 + 0.25 * np.arange(1440),
    }
    values = da.zeros(shape, chunks=tile, dtype="float32")
    sst = xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", {"units": "degC"})
    for name, result in {
        "dhw, mmm given": degree_heating_weeks(sst, mmm=29.0).dhw,
        "dhw, own mmm": degree_heating_weeks(sst).dhw,
        "nino34": nino34(sst),
    }.items():
        tasks = len(result.__dask_optimize__(result.__dask_graph__(), result.__dask_keys__()))
        print(f"{name:40s} {tasks:8d} tasks, {sst.data.npartitions} chunks of the cube")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", action="store_true")
    parser.add_argument("--cells", type=int, default=500)
    given = parser.parse_args()
    if given.graph:
        graph()
    else:
        speed(given.cells)
        globe()
