"""Trends on 40 years of daily float32: time a cell, and memory by layout of the chunks.

python benchmarks/bench_trend.py            # one core, from memory, and polyfit as peer
python benchmarks/bench_trend.py --ranks    # Theil-Sen and Mann-Kendall beside their peers
python benchmarks/bench_trend.py --others   # change, breakpoint, emergence of annual values
python benchmarks/bench_trend.py --store    # from a packed Zarr store, beside reading it only
python benchmarks/bench_trend.py --memory   # peak above the baseline, by chunks and threads
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask.array as da
import numpy as np
import xarray as xr
from measuring import best, turns
from stores import write_ocean

import climcube as cc

DAYS = 14_610
STORED = {
    "tiles over all time": None,
    "a year of maps a chunk": {"time": 366, "lat": 90, "lon": 90},
}
LAYOUTS = {  # time, lat, lon
    "one tile a chunk": (-1, 30, 30),
    "a year a chunk, tiles": (365, 60, 60),
    "a month a chunk, maps": (31, 180, 180),
    "a day a chunk, maps": (1, 180, 180),
}


def cube_of(cells: int, gaps: float = 0.0) -> xr.DataArray:
    """Forty years of daily values, time first."""
    values = np.random.default_rng(0).standard_normal((DAYS, cells), dtype="float32") + 290
    values[np.random.default_rng(1).random(values.shape) < gaps] = np.nan
    days = xr.date_range("1982-01-01", periods=DAYS, freq="D")
    return xr.DataArray(values, dims=("time", "cell"), coords={"time": days}, name="sst")


def speed(cells: int) -> None:
    """Microseconds a cell on one core."""
    whole, gappy = cube_of(cells), cube_of(cells, 0.03)
    series = whole.transpose("cell", "time").copy()
    rows = {
        "cc.trend, complete": lambda: cc.trend(whole),
        "cc.trend, 3 % missing": lambda: cc.trend(gappy),
        "cc.trend, stored series by series": lambda: cc.trend(series),
        "xarray.polyfit (slope only)": lambda: whole.polyfit("time", 1),
        "reading the values once (mean)": lambda: whole.values.mean(axis=0, dtype="float64"),
    }
    print(f"{DAYS} days x {cells} cells of float32, from memory, one core")
    for name, call in rows.items():
        print(f"{name:40s} {best(call) / cells * 1e6:8.1f} microseconds a cell")


def ranks() -> None:
    """Microseconds a series of the slope, its limits and the test; peers in the same run."""
    print("Theil-Sen slope with limits and Mann-Kendall test, microseconds a series, one core")
    for n, cells, step in ((40, 20_000, "YS"), (480, 1000, "MS"), (DAYS, 16, "D")):
        values = np.random.default_rng(2).standard_normal((cells, n))
        times = xr.date_range("1981-01-01", periods=n, freq=step)
        cube = xr.DataArray(values, dims=("cell", "time"), coords={"time": times}, name="anomaly")
        took = best(partial(cc.trend, cube, method="theil_sen"), 3) / cells * 1e6
        line = f"n = {n:6d}: cc.trend {took:10.1f}"
        if n < DAYS:
            few = values[: max(4, 4000 // n)]
            for name, peer in (("pymannkendall", _pymannkendall), ("scipy", _scipy)):
                theirs = best(partial(peer, few), 1) / len(few) * 1e6
                line += f"   {name} {theirs:10.1f} ({theirs / took:.0f} x)"
        print(line, flush=True)


def _pymannkendall(series: np.ndarray) -> None:
    import pymannkendall

    with np.errstate(invalid="ignore"):  # its variance may be negative
        for x in series:
            pymannkendall.hamed_rao_modification_test(x)


def _scipy(series: np.ndarray) -> None:
    from scipy import stats

    t = np.arange(series.shape[1])
    for x in series:
        stats.theilslopes(x, t)
        stats.kendalltau(t, x)


def others() -> None:
    """Microseconds a cell of 40 and of 80 annual values, seconds of the processor, in turns."""
    for n in (40, 80):
        values = np.random.default_rng(2).standard_normal((20_000, n))
        time_axis = xr.date_range("1901-01-01", periods=n, freq="YS")
        cube = xr.DataArray(values, {"time": time_axis}, ("cell", "time"), name="anomaly")
        half = 1900 + n // 2
        calls = {
            "cc.change": partial(cc.change, cube, (1901, half), (half + 1, 1900 + n)),
            "scipy.stats.ttest_ind (no memory)": partial(_welch, values),
            "cc.breakpoint": partial(cc.breakpoint, cube),
            "cc.emergence": partial(cc.emergence, cube, base_period=(1901, 1930)),
            "cc.quantile_trend, one quantile": partial(cc.quantile_trend, cube[:1000], 0.9),
        }
        for name, seconds in turns(calls, 5, time.process_time).items():
            cells = 1000 if "quantile" in name else len(values)
            print(f"n = {n:3d} {name:36s} {seconds / cells * 1e6:8.2f} microseconds a cell")


def _welch(values: np.ndarray) -> None:
    from scipy import stats

    half = values.shape[1] // 2
    stats.ttest_ind(values[:, half:], values[:, :half], axis=1, equal_var=False)


def store(edge: int = 90) -> None:
    """Forty years from a packed, compressed Zarr store in the layout of cc.ingest, one core."""
    print("seconds of the processor, times those of reading and decoding only; in turns")
    for scale, kind in ((0.01, "float64"), (float(np.float32(0.01)), "float32")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ocean.zarr"
            write_ocean(path, (edge, edge), scale=scale)
            for layout, chunks in STORED.items():
                _from_store(path, f"{kind}, {layout}", chunks, edge**2)


def _from_store(path: Path, what: str, chunks: dict[str, int] | None, cells: int) -> None:
    sst = cc.open(str(path), variable="sst", chunks=chunks).rename("anomaly")
    corners = sst.data.map_blocks(
        _corner, dtype=sst.dtype, chunks=[(1,) * n for n in sst.data.numblocks]
    )
    calls = {
        "read and decode only": partial(corners.compute, scheduler="synchronous"),
        "cc.trend": partial(cc.trend(sst).compute, scheduler="synchronous"),
        "cc.trend_moments": partial(cc.trend_moments(sst).compute, scheduler="synchronous"),
    }
    found = turns(calls, 5, time.process_time)
    for name, seconds in found.items():
        times = seconds / found["read and decode only"]
        print(f"{what:32s} {name:22s} {seconds / cells * 1e6:7.1f} us a cell {times:6.2f} x")


def _corner(block: np.ndarray) -> np.ndarray:
    return block[:1, :1, :1].copy()


def memory() -> None:
    """Peak above the baseline, for each layout in a process of its own."""
    print("peak above the baseline; multiples are of threads x chunk or tile", flush=True)
    for layout in LAYOUTS:
        for threads in (1, 2):
            command = [sys.executable, __file__, "--one", layout, str(threads)]
            subprocess.run(command, check=True)


def one(layout: str, threads: int) -> None:
    """Measure one layout: chunks are made by the tasks, so that nothing but work is held."""
    time_chunk, lat, lon = LAYOUTS[layout]
    chunks = (DAYS if time_chunk < 0 else time_chunk, lat, lon)
    shape = (DAYS, 180, 180) if lat == 180 else (DAYS, 120, 120)
    source = da.map_blocks(
        _noise, chunks=[_cut(n, c) for n, c in zip(shape, chunks, strict=True)], dtype="float32",
        meta=np.empty((0, 0, 0), "float32"),
    )  # fmt: skip
    days = xr.date_range("1982-01-01", periods=DAYS, freq="D")
    cube = xr.DataArray(source, dims=("time", "lat", "lon"), coords={"time": days}, name="sst")
    cc.trend(cube[:400, :2, :2]).compute()  # imports and compiled code belong to the baseline
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    cc.trend(cube).compute(scheduler="threads", num_workers=threads)
    seconds = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline) * 1024
    chunk = 4 * int(np.prod(chunks))
    tile = 4 * DAYS * lat * lon
    print(
        f"{layout:24s} {threads} thread(s), chunk {chunk / 2**20:6.1f} MiB, tile over all time "
        f"{tile / 2**20:6.0f} MiB: peak {peak / 2**20:6.1f} MiB = {peak / threads / chunk:6.2f} "
        f"x chunk = {peak / threads / tile:5.3f} x tile, {seconds:5.1f} s"
    )


def _noise(block_info: dict[object, dict[str, tuple[int, ...]]] | None = None) -> np.ndarray:
    shape = (block_info or {None: {"chunk-shape": (0, 0, 0)}})[None]["chunk-shape"]
    return np.random.default_rng(0).standard_normal(shape, dtype="float32")


def _cut(size: int, chunk: int) -> tuple[int, ...]:
    return (chunk,) * (size // chunk) + ((size % chunk,) if size % chunk else ())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=2048)
    parser.add_argument("--ranks", action="store_true")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("LAYOUT", "THREADS"))
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], int(arguments.one[1]))
    elif arguments.ranks:
        ranks()
    elif arguments.others:
        others()
    elif arguments.store:
        store()
    elif arguments.memory:
        memory()
    else:
        speed(arguments.cells)
