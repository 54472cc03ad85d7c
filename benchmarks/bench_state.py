"""A heatwave state updated by one day, beside computing everything again.

    python benchmarks/bench_state.py [--side 100] [--years 20] [--repeat 5]

A float32 record of noise in memory, one core. The state is updated day by day: in memory, and
in a store on this machine (each update written and published). Beside it the annual metrics and
the event table of the whole record, with the same fixed climatology.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import dask
import numpy as np
import xarray as xr
from scipy.signal import lfilter

import climcube as cc


def ocean(side: int, years: int) -> xr.DataArray:
    """Seasonal cycle and red noise, some of it warm for years (long events)."""
    axis = xr.date_range("1990-01-01", f"{1989 + years}-12-30", freq="D")
    rng = np.random.default_rng(0)
    values = np.empty((len(axis), side, side), "float32")
    season = 18 + 5 * np.cos(2 * np.pi * np.arange(len(axis)) / 365.25)
    for row in range(side):
        noise = lfilter([1.0], [1.0, -0.9], rng.normal(0, 0.4, (len(axis), side)), axis=0)
        values[:, row] = season[:, None] + noise
    values[-700:, : side // 20] += 4  # one row in twenty is in one event for two years
    return xr.DataArray(
        values, dims=("time", "lat", "lon"), name="sst", attrs={"units": "degC"},
        coords={"time": axis, "lat": np.arange(side) * 0.25, "lon": np.arange(side) * 0.25},
    )  # fmt: skip


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def daily(state: cc.HeatwaveState, sst: xr.DataArray, first: int, days: int) -> float:
    """Median time of an update by one day; the first ones warm up."""
    times = [seconds(lambda n=n: state.update(sst[n : n + 1])) for n in range(first, first + days)]
    return statistics.median(times[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=100)
    parser.add_argument("--years", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    dask.config.set(scheduler="synchronous")
    sst = ocean(options.side, options.years)
    cells, size, days = options.side**2, sst.sizes["time"], options.repeat + 2
    first = size - 2 * days
    base = (1990, min(1989 + options.years, 2009))
    rows: list[tuple[str, float]] = []
    state = cc.heatwave_state(sst[:first], base_period=base)
    whole = cc.heatwaves(sst, climatology=state.climatology)
    rows.append(("state made from the whole record (with its climatology)",
                 seconds(lambda: cc.heatwave_state(sst[:first], base_period=base))))  # fmt: skip
    again = statistics.median(
        seconds(lambda: cc.heatwaves(sst, climatology=state.climatology).annual)
        for _ in range(options.repeat)
    )
    rows.append(("**everything again**: annual metrics of the record", again))
    whole.events()
    rows.append(("everything again: event table of the record", seconds(whole.events)))
    one_day = daily(state, sst, first, days)
    rows.append(("**update by one day**, in memory", one_day))
    _ = state.update(sst[first + days : first + days + 1]).table  # compiles
    changes = state.update(sst[first + days + 1 : first + days + 2])
    rows.append(("list of cells that changed category that day", seconds(lambda: changes.table)))
    rows.append(("annual metrics from the state", seconds(lambda: state.annual)))
    state.update(sst[first + days + 2 : first + days + 3])
    rows.append(("categories of the last day", seconds(state.category)))
    thirty = cc.heatwave_state(sst[: size - 30], climatology=state.climatology)
    rows.append(("update by 30 days at once, in memory",
                 seconds(lambda: thirty.update(sst[size - 30 :]))))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        saved = cc.heatwave_state(sst[:first], climatology=state.climatology).save(f"{folder}/s")
        stored = cc.open_heatwave_state(saved)
        rows.append(("update by one day, in a store (written, published)",
                     daily(stored, sst, first, days)))  # fmt: skip
    snapshot = state._snapshot
    held = snapshot.checkpoint.nbytes + snapshot.window.nbytes
    print(f"\n{cells} cells, {size} days ({options.years} years), float32, one core\n")
    print("| what | s | microseconds a cell |")
    print("| --- | ---: | ---: |")
    for label, taken in rows:
        print(f"| {label} | {taken:.3f} | {taken / cells * 1e6:.1f} |")
    print(f"\none day costs 1/{again / one_day:.0f} of everything again; ", end="")
    print(f"checkpoint and window: {held / cells:.0f} bytes a cell")


if __name__ == "__main__":
    main()
