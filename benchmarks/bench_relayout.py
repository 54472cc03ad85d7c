"""A store of maps copied as series: time and peak memory, beside a plain rechunk through Dask.

    python benchmarks/bench_relayout.py [--days 1096] [--memory 200e6] [--folder /tmp]

Each side in a process of its own, two threads; memory above what the process took before.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from measuring import reset_peak, resident

MAP = (400, 500)


def write(path: Path, days: int) -> None:
    """Write a map a day, packed."""
    import zarr

    lat, lon = (np.linspace(-50, 50, MAP[0]), np.linspace(0, 120, MAP[1]))
    coords = {
        "time": xr.date_range("2001-01-01", periods=days),
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    xr.Dataset(coords=coords).to_zarr(path, zarr_format=3, consolidated=False)
    array = zarr.open_group(path).create_array(
        "sst", shape=(days, *MAP), dtype="int16", chunks=(1, *MAP), fill_value=-999,
        dimension_names=("time", "lat", "lon"),
    )  # fmt: skip
    array.attrs.update(units="degC", scale_factor=0.01, _FillValue=-999)
    rng = np.random.default_rng(0)
    for first in range(0, days, 50):
        steps = min(50, days - first)
        array[first : first + steps] = rng.integers(0, 3000, (steps, *MAP), dtype="int16")


def copy(side: str, source: Path, target: Path, memory: str) -> None:
    """Copy once; print seconds and peak."""
    import dask

    import climcube as cc
    from climcube.saving.relayout import relayout

    dask.config.set(num_workers=2)
    warnings.simplefilter("ignore")
    cube = cc.open(source, chunks={})
    plain = xr.open_zarr(source, chunks={}, mask_and_scale=False, consolidated=False)
    reset_peak()
    before, start = resident("VmRSS"), time.perf_counter()
    if side == "climcube":
        relayout(cube, target, memory=memory)
    else:
        sst = plain.chunk(time=366, lat=90, lon=90)
        del sst.sst.encoding["chunks"]
        sst.to_zarr(target, zarr_format=3, consolidated=False)
    seconds, peak = time.perf_counter() - start, resident("VmHWM") - before
    print(f"{side:12s} {seconds:6.1f} s  {peak / 2**20:6.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=1096)
    parser.add_argument("--memory", default="200e6")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--side", choices=["climcube", "dask"])
    given = parser.parse_args()
    source = Path(given.folder) / f"relayout-{given.days}.zarr"
    if given.side:
        target = Path(given.folder) / "relayout-copy.zarr"
        shutil.rmtree(target, ignore_errors=True)
        copy(given.side, source, target, given.memory)
        return
    if not source.exists():
        write(source, given.days)
    print(f"{given.days * MAP[0] * MAP[1] * 2 / 2**20:.0f} MiB of integers")
    for side in ("climcube", "dask"):
        subprocess.run([sys.executable, *sys.argv, "--side", side], check=True)


if __name__ == "__main__":
    main()
