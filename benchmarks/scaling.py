"""Whole data sets as stores of metadata only: tasks and time to build a full heatwave analysis.

    python benchmarks/scaling.py [--write] [--run] [--share 0.02] [--folder /tmp]

Climatology, years and days of OISST (0.25 degrees), CoralTemp (0.05) and MUR (0.01), in the
layouts of whole-series work; nothing is in the stores but metadata. Printed: tiles as `cc.save`
submits them, tasks of the same graph as Dask has it, seconds of CPU to open and to build, and
what `cc.plan` says of memory and requests. ``--run`` also saves a share of OISST with one and
two workers, threads and processes of `distributed`, and says from these figures what more
workers would take. Seconds of CPU are those of all processes: they say what a way to compute
costs on a machine that does other work, too. ``--write`` puts the tables into
docs/explanation/tables/scaling.md.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLE = Path(__file__).parents[1] / "docs" / "explanation" / "tables" / "scaling.md"

# Name: rows, columns, first day, days, edge of a shard and of a chunk, bytes of a tile as float32
DATASETS = {
    "OISST 0.25°": (720, 1440, "1982-01-01", 14_610, 90, 30, 512 * 2**20),
    "CoralTemp 0.05°": (3600, 7200, "1985-01-01", 14_610, 180, 60, 2048 * 2**20),
    "MUR 0.01°": (17_999, 36_000, "2003-01-01", 7_305, 300, 60, 2816 * 2**20),
}

TILE = 64 * 2**20  # holds a column of stored chunks: smaller tiles would each read it


def empty_store(path: Path, rows: int, columns: int, first: str, days: int, *edges: int) -> None:
    """Write the metadata and the coordinates of a store, and no values."""
    import zarr

    root = zarr.create_group(path, zarr_format=3)
    shard, chunk = edges
    time_of = pd.date_range(first, periods=days).to_numpy("datetime64[D]").astype("int64")
    coordinates = {
        "time": (time_of, {"units": "days since 1970-01-01", "calendar": "standard"}),
        "lat": (np.linspace(-89.875, 89.875, rows), {"units": "degrees_north"}),
        "lon": (np.arange(columns) * 360 / columns, {"units": "degrees_east"}),
    }
    for name, (values, facts) in coordinates.items():
        array = root.create_array(
            name, shape=values.shape, dtype=values.dtype, chunks=values.shape,
            dimension_names=[name],
        )  # fmt: skip
        array[:] = values
        array.attrs.update(facts)
    sst = root.create_array(
        "sst", shape=(days, rows, columns), dtype="int16", chunks=(366, chunk, chunk),
        shards=(366, shard, shard), fill_value=-999, dimension_names=["time", "lat", "lon"],
    )  # fmt: skip
    sst.attrs.update(
        {"units": "degC", "scale_factor": 0.01, "standard_name": "sea_surface_temperature",
         "_FillValue": -999}
    )  # fmt: skip


def analysis(store: Path, tile_bytes: int) -> Any:
    """Return all parts of a heatwave analysis, lazy."""
    import climcube as cc

    with cc.set_options(tile_bytes=tile_bytes):
        sst = cc.open(store, variable="sst", layout="series")
    return cc.heatwaves(sst, base_period=(str(sst.time.dt.year[0].item() + 1), "2012"))


def built(name: str, folder: Path) -> tuple[str, ...]:
    """Return a row of the table: sizes, tasks, and seconds of CPU of one data set."""
    import climcube as cc
    from climcube.planning.plan import planned_job
    from climcube.planning.tiles.prepare import parts_of

    *layout, tile_bytes = DATASETS[name]
    store = folder / f"{len(list(folder.iterdir()))}.zarr"
    empty_store(store, *layout)
    gc.collect()
    began = time.process_time()
    found = analysis(store, tile_bytes)
    parts = parts_of(found, ("climatology", "annual", "daily"))
    took = time.process_time() - began
    began = time.process_time()
    job, _ = planned_job(parts, {})
    cut = time.process_time() - began
    began = time.process_time()
    plan = cc.plan(found, parts=tuple(parts), workers=2, calibrate=False)
    planning = time.process_time() - began
    return (
        name, f"{len(job.tiles):,}", f"{len(job.tiles) + len(job.shared):,}", f"{len(job.graph):,}",
        f"{took:.2f}", f"{cut:.2f}", f"{planning:.2f}", f"{plan.requests:,}",
        f"{plan.memory_per_worker / 2**30:.1f}",
    )  # fmt: skip


def run(store: Path, target: Path, crew: str, workers: int) -> None:
    """Save the analysis of a store in this process; print seconds, of CPU too, and tiles."""
    import dask

    import climcube as cc

    found = analysis(store, TILE)
    tiles = cc.plan(found, workers=workers, calibrate=False).tiles
    few = cc.open(store, variable="sst").isel(lat=slice(0, 2), lon=slice(0, 2))
    cc.save(cc.heatwaves(few), target, overwrite=True)  # compiles
    if crew == "threads":
        with dask.config.set(scheduler="threads", num_workers=workers):
            print(*seconds_of(found, target, time.process_time), tiles)
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):

        def used() -> float:
            return time.process_time() + sum(client.run(time.process_time).values())

        cc.save(cc.heatwaves(few), target, overwrite=True)  # compiles there, too
        print(*seconds_of(found, target, used), tiles)


def seconds_of(found: Any, target: Path, used: Callable[[], float]) -> tuple[float, float]:
    """Return how long a save takes, and the seconds of CPU that it takes."""
    import climcube as cc

    began, before = time.perf_counter(), used()
    cc.save(found, target, overwrite=True)
    return time.perf_counter() - began, used() - before


def measured(share: float, folder: Path) -> tuple[list[tuple[str, ...]], float]:
    """Save a share of OISST in processes of their own; return rows, and seconds of a cell."""
    from stores import write_ocean

    rows = max(30, round((720 * 1440 * share) ** 0.5 / 30) * 30)
    write_ocean(folder / "share.zarr", (rows, rows))
    found: list[tuple[str, ...]] = []
    alone = 0.0
    for crew, workers in (("threads", 1), ("threads", 2), ("distributed", 2)):
        options = [str(folder / "share.zarr"), str(folder / "out.zarr"), crew, str(workers)]
        done = subprocess.run(
            [sys.executable, __file__, "--measure", *options],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds, cpu, tiles = map(float, done.stdout.split())
        alone = alone or seconds
        found.append(
            (crew, str(workers), f"{rows * rows:,}", f"{tiles:.0f}", f"{seconds:.1f}",
             f"{alone / seconds:.2f}", f"{cpu:.1f}")
        )  # fmt: skip
    return found, alone / rows**2


def simulated(tiles: int, each: float, workers: int, submit: float = 2e-3) -> float:
    """Return seconds of so many tiles, handed out one after the other to so many workers."""
    free = [0.0] * workers
    sent = 0.0
    for _ in range(tiles):
        sent = max(sent + submit, free[0])
        heapq.heapreplace(free, sent + each)
    return max(free)


def tables(folder: Path, share: float | None) -> Iterator[str]:
    """Yield the lines of the tables."""
    head = (
        "data set", "tiles", "tasks as saved", "tasks in the graph", "open and build, s",
        "cut into tiles, s", "plan, s", "requests", "memory of a worker, GiB",
    )  # fmt: skip
    rows = [built(name, folder) for name in DATASETS]
    yield from table(head, rows)
    if share is None:
        return
    found, cell = measured(share, folder)
    yield from ("", "Measured:", "")
    columns = ("workers are", "number", "cells", "tiles", "seconds", "times as fast", "CPU, s")
    yield from table(columns, found)
    yield from ("", f"Simulated, from {cell * 1e3:.2f} ms a cell of one worker; hours:", "")
    workers = (1, 2, 20, 100, 400)
    lines = []
    for name, (height, width, *_), row in zip(DATASETS, DATASETS.values(), rows, strict=True):
        tiles = int(row[1].replace(",", ""))
        each = cell * height * width / tiles
        hours = (simulated(tiles, each, n) / 3600 for n in workers)
        lines.append((name, *(f"{h:.3g}" for h in hours)))
    yield from table(("data set", *(f"{n} workers" for n in workers)), lines)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' ---: |' * (len(head) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="into docs/explanation/tables")
    parser.add_argument("--run", action="store_true", help="also save a share of OISST")
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", nargs=4, metavar=("STORE", "TARGET", "CREW", "WORKERS"))
    options = parser.parse_args()
    if options.measure:
        store, target, crew, workers = options.measure
        run(Path(store), Path(target), crew, int(workers))
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        lines = list(tables(folder, options.share if options.run else None))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(lines))
    if options.write:
        TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
