"""Peak memory of each analysis on a Dask cube, beside the limit: threads x tile x 4.

    python benchmarks/bench_memory.py [--tiles 8] [--side 48] [--years 30]

A tile is the float32 size of one spatial tile over all time. Each analysis runs in a process of
its own, on a packed Zarr store, on two threads; results are written to a store, as users do
(what fits in memory is not the question). The peak is the kernel's high-water mark of resident
memory above the level just before the run, after a small warm-up run.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import reset_peak, resident

THREADS = 2
ANALYSES = (
    "climatology day",
    "climatology day window 11",
    "anomaly day",
    "anomaly day standardized",
    "annual_mean",
    "monthly_mean",
    "rolling_mean 31",
    "area_mean",
    "zonal_mean",
    "trend",
    "trend_moments",
    "detrend",
    "heatwaves climatology",
    "heatwaves annual",
    "heatwaves daily",
    "heatwaves events",
)


def make_store(path: Path, tiles: int, side: int, years: int) -> None:
    """Write a packed ocean of ``tiles`` tiles, tile by tile, through plain xarray."""
    import numpy as np
    import xarray as xr

    times = xr.date_range("1990-01-01", f"{1990 + years - 1}-12-31", freq="D")
    rng = np.random.default_rng(0)
    season = 500 * np.cos(2 * np.pi * np.arange(len(times)) / 365.25)
    values = np.empty((len(times), side, side * tiles), "int16")
    for tile in range(tiles):
        noise = rng.normal(1800, 60, (len(times), side, side))
        values[:, :, tile * side : (tile + 1) * side] = noise + season[:, None, None]
    attrs = {"units": "degC", "scale_factor": np.float32(0.01), "add_offset": np.float32(0)}
    sst = xr.DataArray(
        values,
        dims=("time", "lat", "lon"),
        coords={
            "time": times,
            "lat": ("lat", np.arange(side) * 0.25, {"units": "degrees_north"}),
            "lon": ("lon", np.arange(side * tiles) * 0.25, {"units": "degrees_east"}),
        },
        attrs=attrs,
    )
    encoding = {"sst": {"chunks": (len(times), side, side)}}
    sst.to_dataset(name="sst").to_zarr(path, zarr_format=3, consolidated=False, encoding=encoding)


def run(analysis: str, sst: object, target: Path) -> None:
    import climcube as cc

    name, _, rest = analysis.partition(" ")
    if name == "heatwaves":
        mhw = cc.heatwaves(sst)
        if rest == "events":
            mhw.events(target.with_suffix(".parquet"))
        else:
            cc.save(getattr(mhw, rest), target)
        return
    options = {"window 11": {"window": 11}, "standardized": {"standardize": True}}
    words = next((words for words in options if rest.endswith(words)), None)
    arguments = ["day"] if "day" in rest else [int(rest)] if rest else []
    cc.save(getattr(cc, name)(sst, *arguments, **options.get(words, {})), target)


def measure(analysis: str, store: Path) -> None:
    """Run in a process of its own: print peak and tile in bytes."""
    import dask

    import climcube as cc

    dask.config.set(scheduler="threads", num_workers=THREADS)
    cube = cc.open(store, variable="sst")
    small = cube.isel(lon=slice(0, 4), lat=slice(0, 4))
    with tempfile.TemporaryDirectory() as folder:
        run(analysis, small, Path(folder) / "warm.zarr")
        gc.collect()
        before = resident("VmRSS")
        reset_peak()
        run(analysis, cube, Path(folder) / "result.zarr")
        peak = resident("VmHWM") - before
    tile = cube.sizes["time"] * 4
    for dim in ("lat", "lon"):
        tile *= cube.chunksizes[dim][0]
    print(peak, tile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=8)
    parser.add_argument("--side", type=int, default=48)
    parser.add_argument("--years", type=int, default=30)
    parser.add_argument("--only", default="")
    parser.add_argument("--measure", nargs=2, metavar=("ANALYSIS", "STORE"))
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "ocean.zarr"
        make_store(store, options.tiles, options.side, options.years)
        print("| analysis | peak above baseline | limit: threads x tile x 4 | share |")
        print("| --- | ---: | ---: | ---: |")
        for analysis in ANALYSES:
            if options.only not in analysis:
                continue
            command = [sys.executable, __file__, "--measure", analysis, str(store)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"| {analysis} | failed: {done.stderr.strip().splitlines()[-1]} | | |")
                continue
            peak, tile = map(int, done.stdout.split())
            limit = THREADS * tile * 4
            mib = 2**20
            print(
                f"| {analysis} | {peak / mib:.0f} MiB "
                f"| {limit / mib:.0f} MiB | {peak / limit:.0%} |"
            )


if __name__ == "__main__":
    main()
