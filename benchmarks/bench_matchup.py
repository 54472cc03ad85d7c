"""Match-up of points with a global daily cube in a packed Zarr store, beside xarray's selection.

    python benchmarks/bench_matchup.py [--years 2] [--points 100000] [--workers 2] [--store PATH]

The cube is at 0.25 degrees; the observations lie at random in space and time, so that they need
every chunk. climcube reads the store with ``cc.open``; the peers are xarray's vectorised ``sel``
and ``interp``, from ``xr.open_zarr`` on Dask and without. All give the values of the points;
climcube also finds places, differences and statistics. Reads are counted at the store: requests
of chunks, and how many of them were asked for before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr
import zarr
from measuring import reset_peak, resident
from stores import FILL, SCALE, write_ocean

import climcube as cc
from climcube.analysis.matchup.matchup import matchup

METHODS = ("nearest", "linear")
READS: Counter[tuple[str, str]] = Counter()


def count_reads() -> None:
    """Let local stores note every request of a chunk, by its key and byte range."""
    plain = zarr.storage.LocalStore.get

    async def get(self: Any, key: str, *arguments: Any, **options: Any) -> Any:
        if "/c/" in key and "sst" in key:
            ranges = [*arguments[1:], *options.values()]
            READS[key, repr([r for r in ranges if "Byte" in type(r).__name__])] += 1
        return await plain(self, key, *arguments, **options)

    zarr.storage.LocalStore.get = get  # type: ignore[method-assign]


def write_maps(path: Path, shape: tuple[int, int], years: float) -> None:
    """The same kind of cube as one day a chunk, as archives hold it."""
    series = path.with_name("series.zarr")
    if not series.exists():
        write_ocean(series, shape, years)
    source = zarr.open_group(series)["sst"]
    xr.open_zarr(series, consolidated=False).drop_vars("sst").to_zarr(path, consolidated=False)
    array = zarr.open_group(path).create_array(
        "sst", shape=source.shape, dtype="int16", fill_value=FILL,
        dimension_names=("time", "lat", "lon"), chunks=(1, *shape),
    )  # fmt: skip
    array.attrs.update(units="degC", scale_factor=SCALE, add_offset=0.0, _FillValue=int(FILL))
    for first in range(0, source.shape[0], 30):
        array[first : first + 30] = source[first : first + 30]


def points_of(cube: xr.DataArray, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    last = cube.time.values[-1] - cube.time.values[0]
    share = rng.uniform(0, 1, n)
    return pd.DataFrame({
        "lon": rng.uniform(float(cube.lon.min()), float(cube.lon.max()), n),
        "lat": rng.uniform(float(cube.lat.min()), float(cube.lat.max()), n),
        "time": cube.time.values[0] + (share * last.astype("timedelta64[s]").astype("int64"))
        .astype("timedelta64[s]"),
        "sst": rng.normal(18, 5, n),
    })  # fmt: skip


def selected(cube: xr.DataArray, table: pd.DataFrame, method: str) -> xr.DataArray:
    where: dict[str, Any] = {
        n: xr.DataArray(table[n].to_numpy(), dims="obs") for n in ("lon", "lat")
    }
    times = table.time.to_numpy().astype(cube.time.dtype)
    where["time"] = xr.DataArray(times, dims="obs")
    if method == "nearest":
        where["time"] = where["time"].dt.floor("D")  # labels at midnight stand for their day
        return cube.sel(where, method="nearest")
    # The middle of the day is what a daily mean stands for.
    where["time"] = where["time"] - np.timedelta64(12, "h")
    return cube.interp(where)


def measure(task: tuple[str, str, Path, argparse.Namespace]) -> tuple[str, np.ndarray]:
    """One way of matching up, in a process of its own; its row, and the values."""
    way, method, path, options = task
    # The writer of patches knows no poles: what it wrote is spread over the globe.
    lat = (np.arange(options.rows) + 0.5) * 180 / options.rows - 90
    chunks = None if way == "xarray without Dask" else {}
    plain = xr.open_zarr(path, consolidated=False, chunks=chunks).sst.assign_coords(lat=lat)
    cube = cc.open(str(path), variable="sst").assign_coords(lat=lat)
    table = points_of(cube, options.points)
    matchup(cube.isel(time=slice(0, 2), lat=[0, 1], lon=[0, 1]), table.iloc[:0:-1], distance=1e6,
            time_tolerance="9999 days")  # imports  # fmt: skip
    count_reads()
    reset_peak()
    before, start, busy = resident("VmRSS"), time.perf_counter(), time.process_time()
    with dask.config.set(scheduler="threads", num_workers=options.workers):
        if way == "climcube":
            values = matchup(cube, table, method=method).compute().cube.values
        else:
            values = selected(plain, table, method).values
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    memory = (resident("VmHWM") - before) / 2**20
    again = sum(n - 1 for n in READS.values())
    row = f"| {way}, {method} | {seconds:.1f} | {busy:.1f} | {memory:,.0f} "
    return row + f"| {sum(READS.values()):,} | {again:,} |", values


def compare(path: Path, options: argparse.Namespace) -> list[str]:
    rows = []
    ways = [("climcube", m) for m in METHODS] + [("xarray on Dask", m) for m in METHODS]
    answers: dict[str, np.ndarray] = {}
    # Without Dask, interp would read the whole cube first.
    for way, method in [*ways, ("xarray without Dask", "nearest")]:
        with get_context("spawn").Pool(1) as alone:
            row, values = alone.apply(measure, ((way, method, path, options),))
        rows.append(row)
        print(row, flush=True)
        known = answers.setdefault(method, values)
        both = np.isfinite(known) & np.isfinite(values)
        assert both.mean() > 0.2 and np.abs(known - values)[both].max() < 1e-11
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=float, default=2)
    parser.add_argument("--rows", type=int, default=720)
    parser.add_argument("--columns", type=int, default=1440)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--store", type=Path, default=None, help="folder of stores to keep")
    parser.add_argument("--layouts", nargs="+", default=["series", "maps"])
    options = parser.parse_args()
    folder = options.store or Path(tempfile.mkdtemp(prefix="bench_matchup"))
    folder.mkdir(parents=True, exist_ok=True)
    shape = (options.rows, options.columns)
    writers = {"series": lambda p: write_ocean(p, shape, options.years),
               "maps": lambda p: write_maps(p, shape, options.years)}  # fmt: skip
    found: dict[str, list[str]] = {}
    for layout in options.layouts:
        path = folder / f"{layout}.zarr"
        if not path.exists():
            writers[layout](path)
    for layout in options.layouts:
        found[layout] = compare(folder / f"{layout}.zarr", options)
    for layout, rows in found.items():
        print(f"\n{options.points:,} points, {layout} layout, {options.workers} thread(s)\n")
        print(
            "| what | seconds | CPU seconds | memory beyond the start, MiB | requests | repeated |"
        )
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(rows))


if __name__ == "__main__":
    main()
