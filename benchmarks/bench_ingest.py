"""Ingest of daily files beside plain xarray (open_mfdataset to Zarr), in one run.

    python benchmarks/bench_ingest.py [--files 4000] [--peer-files 400]

Files are 180 x 360 cells, int16, zlib, one a day, in the page cache. Each side runs in a process
of its own; the rate includes everything from the call to the finished store (scan, write, read
again, manifest), the peak is the high-water mark of resident memory above the level before the
call. On a machine that does other things, the CPU time of a file says more than the rate.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import reset_peak, resident


def make_files(folder: Path, count: int) -> None:
    import climcube as cc

    years = -(-count // 365)
    block = 2  # years made at a time: the archive need not fit in memory
    for start in range(2000, 2000 + years, block):
        ocean = cc.testing.synthetic_ocean(years=block, start=start, shape=(180, 360))
        cc.testing.write_daily_files(ocean, folder)
    for extra in sorted(folder.glob("*.nc"))[count:]:
        extra.unlink()


def climcube_ingest(files: list[str], target: Path) -> None:
    import climcube as cc

    cc.ingest(files, target)


def plain_xarray(files: list[str], target: Path) -> None:
    """What people write today: packed integers are decoded and stored as floats' encoding says."""
    import xarray as xr

    dataset = xr.open_mfdataset(
        files, engine="h5netcdf", combine="nested", concat_dim="time", parallel=False,
        mask_and_scale=False, data_vars="minimal", coords="minimal", compat="override",
    )  # fmt: skip
    dataset.chunk(time=366, lat=90, lon=90).to_zarr(target, zarr_format=3, consolidated=False)


SIDES = {"climcube.ingest": climcube_ingest, "xarray.open_mfdataset + to_zarr": plain_xarray}


def measure(side: str, folder: Path, count: int) -> None:
    """Run one side in this process: print seconds and peak bytes."""
    import netCDF4  # noqa: F401 - imports are not what is measured
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    import climcube as cc

    cc.ingest  # noqa: B018 - the name is looked up, and its module imported, on first use
    files = [str(p) for p in sorted(folder.glob("*.nc"))[:count]]
    with tempfile.TemporaryDirectory() as scratch:
        SIDES[side](files[:3], Path(scratch) / "warm.zarr")
        before = resident("VmRSS")
        reset_peak()
        start, used = time.perf_counter(), time.process_time()
        SIDES[side](files, Path(scratch) / "cube.zarr")
        used = time.process_time() - used
        print(time.perf_counter() - start, resident("VmHWM") - before, used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--peer-files", type=int, default=400)
    parser.add_argument("--measure", nargs=3, metavar=("SIDE", "FOLDER", "COUNT"))
    options = parser.parse_args()
    if options.measure:
        side, folder, count = options.measure
        measure(side, Path(folder), int(count))
        return
    folder = Path(tempfile.mkdtemp())
    try:
        make_files(folder, options.files)
        size = sum(p.stat().st_size for p in folder.iterdir()) / options.files
        print("| what | files | files a second | MB a second | CPU ms a file | peak memory |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for side, count in zip(SIDES, (options.files, options.peer_files), strict=True):
            command = [sys.executable, __file__, "--measure", side, str(folder), str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak, used = map(float, done.stdout.split())
            print(
                f"| {side} | {count:,} | {count / seconds:.0f} "
                f"| {count * size / seconds / 1e6:.1f} | {1e3 * used / count:.1f} "
                f"| {peak / 2**20:.0f} MiB |"
            )
        block = 366 * 180 * 360 * 2 / 2**20
        print(f"\nOne time block (a year of the whole map, int16) is {block:.0f} MiB.")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
