"""A tenth of the cells of global 0.25-degree OISST, 40 years: heatwaves of all of it, saved.

    python benchmarks/bench_scale.py [--share 0.1] [--folder /tmp]

The store (packed, compressed, in the layout of climcube.ingest) is made first, which takes a
while. Then `cc.save(cc.heatwaves(sst), target, parts=("annual",))` runs on one and on two
cores, each in a process of its own. Printed: time, peak of resident memory, tasks, and what
that makes for the whole globe; a tile is a tile, so memory does not grow with the cube.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import reset_peak, resident
from stores import write_ocean

GLOBE = (720, 1440)


def measure(store: Path, target: Path, threads: int) -> None:
    """Run in a process of its own; print seconds, peak bytes and tasks."""
    import dask

    import climcube as cc

    os.sched_setaffinity(0, range(threads))  # decoding has threads of its own
    dask.config.set(scheduler="threads", num_workers=threads)
    sst = cc.open(store, variable="sst")
    cc.heatwaves(sst.isel(lat=slice(0, 2), lon=slice(0, 2))).annual.compute()  # compiles
    reset_peak()
    began = time.perf_counter()
    mhw = cc.heatwaves(sst, base_period=(1983, 2012))
    tasks = len(dict(mhw.annual.__dask_graph__()))
    cc.save(mhw, target, parts=("annual",), overwrite=True)
    print(time.perf_counter() - began, resident("VmHWM"), tasks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", nargs=3, metavar=("STORE", "TARGET", "THREADS"))
    options = parser.parse_args()
    if options.measure:
        store, target, threads = options.measure
        measure(Path(store), Path(target), int(threads))
        return
    shape = (round(GLOBE[0] * options.share**0.5 / 30) * 30, 0)
    shape = (shape[0], round(GLOBE[0] * GLOBE[1] * options.share / shape[0]))
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        store = folder / "ocean.zarr"
        write_ocean(store, shape)
        size = sum(f.stat().st_size for f in store.rglob("*") if f.is_file()) / 2**30
        cells = shape[0] * shape[1]
        share = cells / (GLOBE[0] * GLOBE[1])
        print(f"{shape[0]} x {shape[1]} = {cells:,} cells (30 % land), {size:.1f} GiB stored\n")
        print("| cores | minutes | ms per cell | peak memory | tasks | globe, minutes |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: |")
        for threads in (1, 2):
            arguments = ["--measure", str(store), str(folder / "annual.zarr"), str(threads)]
            command = [sys.executable, __file__, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak, tasks = map(float, done.stdout.split())
            print(
                f"| {threads} | {seconds / 60:.2f} | {seconds / cells * 1e3:.3f} "
                f"| {peak / 2**20:.0f} MiB | {tasks:.0f} | {seconds / 60 / share:.1f} |",
                flush=True,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
