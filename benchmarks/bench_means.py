"""Means over time and area against reading alone; climatology and anomaly from a Zarr store.

python benchmarks/bench_means.py            # one core, from memory, each beside its own floor
python benchmarks/bench_means.py --zarr     # from a packed, compressed store, beside decoding it

What is compared is measured in turns, in seconds of the processor, so that other work on the
machine meets both alike.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask
import numpy as np
import xarray as xr
from measuring import turns

import climcube as cc
from climcube.analysis.percentile import percentile
from climcube.analysis.rolling import rolling_mean

DAYS = 14_610


def cube_of(edge: int) -> xr.DataArray:
    """Forty years of daily values, time first."""
    values = np.random.default_rng(0).standard_normal((DAYS, edge, edge), dtype="float32") + 15
    coords = {
        "time": xr.date_range("1981-01-01", periods=DAYS),
        "lat": np.linspace(-60, 60, edge),
        "lon": np.linspace(0, 350, edge),
    }
    attrs = {"units": "degC"}
    return xr.DataArray(values, coords, ("time", "lat", "lon"), name="sst", attrs=attrs)


def memory(edge: int, repeats: int) -> None:
    """Microseconds a cell on one core, and how many times the floor."""
    cube = cube_of(edge)
    room = np.empty(cube.shape)
    calls: dict[str, Callable[[], object]] = {
        "read once (sum in float64)": lambda: cube.values.sum(dtype="float64"),
        "cc.annual_mean": lambda: cc.annual_mean(cube),
        "cc.monthly_mean": lambda: cc.monthly_mean(cube),
        "cc.seasonal_mean DJF": lambda: cc.seasonal_mean(cube),
        "cc.area_mean": lambda: cc.area_mean(cube),
        "cc.area_mean nino34": lambda: cc.area_mean(cube, region=(-170, -120, -20, 20)),
        "cc.zonal_mean": lambda: cc.zonal_mean(cube),
        "cc.zonal_mean band=10": lambda: cc.zonal_mean(cube, band=10),
        "cc.climatology day": lambda: cc.climatology(cube),
        "read once, write float32": lambda: cube.values + np.float32(1),
        "cc.anomaly day, with its climatology": lambda: cc.anomaly(cube),
        "read once, write float64": lambda: np.add(cube.values, 1.0, out=room, dtype="float64"),
        "read once, write new float64": lambda: cube.values.astype("float64"),
        "cc.rolling_mean 31": lambda: rolling_mean(cube, 31),
        "cc.rolling_mean 365": lambda: rolling_mean(cube, 365),
        "xarray rolling mean 31": lambda: cube.rolling(time=31, center=True).mean(),
        "cc.percentile 90": lambda: percentile(cube, 90),
        "xarray quantile 0.9": lambda: cube.quantile(0.9, "time"),
        "cc.percentile 90, day, window 11": lambda: percentile(cube, 90, "day", window=11),
    }
    for label, seconds in turns(calls, repeats, time.process_time).items():
        print(f"{label:42s} {seconds / edge**2 * 1e6:9.1f} us a cell")


def zarr(edge: int, repeats: int) -> None:
    """Climatology and anomaly from a packed store, beside reading and decoding it to floats."""
    cube = cube_of(edge)
    encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0, "_FillValue": -32768}
    layouts = {
        "a year a chunk": (365, edge, edge),
        "tiles, all time": (DAYS, edge // 3, edge // 3),
        "a month a chunk": (31, edge, edge),
    }
    for label, chunks in layouts.items():
        with tempfile.TemporaryDirectory() as folder:
            address = f"{folder}/sst.zarr"
            known = {"sst": encoding | {"chunks": chunks}}
            cube.to_dataset().to_zarr(address, encoding=known, consolidated=False)
            with dask.config.set(scheduler="synchronous"):
                calls = _from_store(cc.open(address, variable="sst", chunks={}))
                found = turns(calls, repeats, time.process_time)
        floor = found["read and decode"]
        for name, seconds in found.items():
            times = f"{seconds / floor:6.2f} times reading and decoding"
            print(f"{label:18s} {name:24s} {seconds / edge**2 * 1e6:8.1f} us a cell {times}")


def _from_store(lazy: xr.DataArray) -> dict[str, Callable[[], object]]:
    return {
        "read and decode": lambda: _sink(lazy),
        "cc.climatology day": lambda: cc.climatology(lazy).compute(),
        "cc.anomaly day": lambda: _sink(cc.anomaly(lazy)),
        "cc.annual_mean": lambda: cc.annual_mean(lazy).compute(),
    }


def _sink(cube: xr.DataArray) -> object:
    """Compute every block and keep none."""
    return dask.compute(*(b.sum() for b in cube.data.blocks.ravel()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--edge", type=int, default=48, help="the cube is edge x edge cells")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--zarr", action="store_true")
    given = parser.parse_args()
    (zarr if given.zarr else memory)(given.edge, given.repeats)
