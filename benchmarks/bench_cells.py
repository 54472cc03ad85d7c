"""A cell, a few, a map of a cube that was opened: what is read and decoded of it.

    python benchmarks/bench_cells.py [--cells 180] [--folder /tmp]

`cc.open` beside `xarray.open_zarr(chunks={})`, whose Dask chunks are the small ones inside shards;
and a trend of a cut cube, from the integers and from floats. Seconds of the processor, in turns.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask
import numpy as np
import xarray as xr
from measuring import turns
from stores import write_ocean

import climcube as cc

PARTS = {
    "a cell": {"lat": 3, "lon": 4},
    "5 x 10 cells": {"lat": slice(40, 45), "lon": slice(50, 60)},
    "a map": {"time": 1000},
    "30 x 30 cells, 10 years": {
        "time": slice(1000, 4650), "lat": slice(0, 30), "lon": slice(0, 30)
    },
}  # fmt: skip


def compare(store: Path) -> None:
    """Print a table."""
    ours, theirs = cc.open(store, variable="sst"), xr.open_zarr(store, chunks={}).sst
    calls = {}
    for name, part in PARTS.items():
        calls[f"{name}: climcube"] = ours.isel(part).compute
        calls[f"{name}: xarray"] = theirs.isel(part).compute
    cut = ours.isel(time=slice(366, -366))
    floats = cut.copy(data=cut.data.map_blocks(np.asarray))
    calls["trend of a part: integers"] = cc.trend(cut).compute
    calls["trend of a part: floats"] = cc.trend(floats).compute
    with dask.config.set(scheduler="synchronous"):
        for name, seconds in turns(calls, 3, time.process_time).items():
            print(f"{name:40s} {seconds:8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=180, help="along each side")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    given = parser.parse_args()
    store = Path(given.folder) / f"cells-{given.cells}.zarr"
    if not store.exists():
        write_ocean(store, (given.cells, given.cells), 20, scale=float(np.float32(0.01)))
    compare(store)


if __name__ == "__main__":
    main()
