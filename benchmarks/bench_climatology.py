"""Climatology, anomaly and means of 40 years of daily float32: time a cell, tasks, memory.

python benchmarks/bench_climatology.py            # one core, from memory, with xarray as peer
python benchmarks/bench_climatology.py --graph    # tasks for each chunk, by layout
python benchmarks/bench_climatology.py --memory   # peak above the baseline, by layout and threads
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask
import dask.array as da
import numpy as np
import xarray as xr
from measuring import best

import climcube as cc

DAYS = 14_610
LAYOUTS = {  # time, lat, lon
    "one tile a chunk": (DAYS, 30, 30),
    "a year a chunk, tiles": (365, 60, 60),
    "a month a chunk, maps": (31, 180, 180),
    "a day a chunk, maps": (1, 180, 180),
}


def cube_of(lat: int, lon: int) -> xr.DataArray:
    """Forty years of daily values, time first."""
    values = np.random.default_rng(0).standard_normal((DAYS, lat, lon), dtype="float32") + 15
    coords = {
        "time": xr.date_range("1981-01-01", periods=DAYS),
        "lat": np.linspace(-60, 60, lat),
        "lon": np.linspace(0, 350, lon),
    }
    return xr.DataArray(values, coords, ("time", "lat", "lon"), name="sst", attrs={"units": "degC"})


def speed(edge: int) -> None:
    """Microseconds a cell on one core."""
    cube = cube_of(edge, edge)
    packed = cube.copy()
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    rows = {
        "read once (sum)": lambda: cube.values.sum(dtype="float64"),
        "cc.climatology, day": lambda: cc.climatology(cube),
        "cc.climatology, day, packed": lambda: cc.climatology(packed),
        "cc.climatology, window 11, smooth 31": lambda: cc.climatology(cube, window=11, smooth=31),
        "cc.climatology, day, std": lambda: cc.climatology(cube, statistic="std"),
        "cc.anomaly, day (with its climatology)": lambda: cc.anomaly(cube),
        "cc.annual_mean": lambda: cc.annual_mean(cube),
        "cc.monthly_mean": lambda: cc.monthly_mean(cube),
        "cc.area_mean": lambda: cc.area_mean(cube),
        "xarray groupby anomaly": lambda: (
            cube.groupby("time.dayofyear") - cube.groupby("time.dayofyear").mean()
        ),
        "xarray resample to years": lambda: cube.resample(time="YS").mean(),
    }
    for label, call in rows.items():
        print(f"{label:42s} {best(call, 3) / edge**2 * 1e6:9.1f} us a cell")


def graph() -> None:
    """Tasks of climatology and anomaly for each chunk of the cube, beyond the chunks themselves."""
    for label, (steps, lat, lon) in LAYOUTS.items():
        cube = lazy_cube((steps, lat, lon), 180)
        tasks = [len(dask.optimize(c)[0].__dask_graph__()) for c in (cc.anomaly(cube), cube)]
        count = cube.data.npartitions
        print(f"{label:26s} {count:7d} chunks {(tasks[0] - tasks[1]) / count:6.2f} tasks a chunk")


def lazy_cube(chunks: tuple[int, ...], edge: int) -> xr.DataArray:
    """A cube whose chunks are made when they are needed."""
    data = da.random.default_rng(0).standard_normal((DAYS, edge, edge), chunks=chunks, dtype="f4")
    time_axis = xr.date_range("1981-01-01", periods=DAYS)
    return xr.DataArray(data, {"time": time_axis}, ("time", "lat", "lon"), name="sst")


def memory() -> None:
    """Peak above the baseline for each layout, each in a process of its own."""
    for label, layout in LAYOUTS.items():
        for threads in (1, 2):
            call = [sys.executable, __file__, "--one", ",".join(map(str, layout)), str(threads)]
            peak, chunk = subprocess.run(
                call, capture_output=True, text=True, check=True
            ).stdout.split()
            print(f"{label:26s} {threads} threads: {peak:>6s} MiB above start, chunk {chunk} MiB")


def one(layout: str, threads: int) -> None:
    """Print the peak of one run, in MiB above what was used before."""
    steps, lat, lon = map(int, layout.split(","))
    cube = lazy_cube((steps, lat, lon), 180)
    small = cube.isel(lat=slice(2), lon=slice(2))
    cc.anomaly(small.compute())  # compiled code is no data
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with dask.config.set(scheduler="threads", num_workers=threads):
        cc.climatology(cube).mean().compute()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    chunk = np.prod([c[0] for c in cube.chunks]) * 4 / 2**20
    print(f"{peak / 1024:.0f} {chunk:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--edge", type=int, default=50, help="the cube is edge x edge cells")
    parser.add_argument("--graph", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=2)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], int(given.one[1]))
    elif given.memory:
        memory()
    elif given.graph:
        graph()
    else:
        speed(given.edge)
