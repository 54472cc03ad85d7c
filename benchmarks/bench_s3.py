"""Reading a cube from an S3 server through s3fs and obstore, beside plain xarray.open_zarr.

    python benchmarks/bench_s3.py [--years 20] [--repeats 5] [--moto]

The server is a Ceph RADOS Gateway on this machine (tools/install-ceph), or moto. Server and
client share its cores: what is compared is the work of the clients, not a network. All sides of a
line take turns in one run; the shortest time of each counts, and beside it the
seconds that this process computed, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from stores import write_ocean

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import xarray as xr

import climcube as cc

SHAPE = (90, 180)
DAYS = 300
SIDES = ("xarray.open_zarr", "climcube, s3fs", "climcube, obstore")
Open = Callable[[], xr.Dataset]


@contextmanager
def server(*, plain: bool) -> Iterator[dict[str, str]]:
    from tests.servers import KEY, SECRET, ceph, moto
    from tools.ceph_gateway import missing_programs

    real = not plain and not missing_programs()
    print(f"Server: {'Ceph RADOS Gateway' if real else 'moto'}, on this machine.\n")
    with (ceph if real else moto)() as endpoint:
        yield {"key": KEY, "secret": SECRET, "endpoint_url": endpoint}


def sides(address: str, options: dict[str, str]) -> dict[str, Open]:
    """Ways to open one store; each the first time anew, then as a session does."""

    def through(client: str) -> Open:
        def call() -> xr.Dataset:
            with cc.set_options(s3_client=client):
                return cc.open(address, storage_options=options)

        return call

    def plain() -> xr.Dataset:
        return xr.open_zarr(address, storage_options=options, chunks={}, consolidated=True)

    return dict(zip(SIDES, (plain, through("s3fs"), through("obstore")), strict=True))


Took = tuple[float, float]


def race(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, Took]:
    """Shortest seconds on the clock and of the processor; after one round that does not count."""
    times: dict[str, list[Took]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start, cpu = time.perf_counter(), time.process_time()
            call()
            if turn:
                times[name].append((time.perf_counter() - start, time.process_time() - cpu))
    return {n: (min(t for t, _ in took), min(c for _, c in took)) for n, took in times.items()}


def line(what: str, seconds: dict[str, Took]) -> None:
    first = seconds[SIDES[0]]
    cells = [
        f"{t:.2f} s ({t / first[0]:.2f}), {c:.2f} s ({c / first[1]:.2f})"
        for t, c in seconds.values()
    ]
    print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def upload(options: dict[str, str], years: int) -> int:
    """Put a cube as ingests lay it out, and one of one chunk a day, into the bucket."""
    import s3fs

    system = s3fs.S3FileSystem(**options)
    system.mkdir("bench")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cube.zarr"
        write_ocean(path, SHAPE, years=years)
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated")
        days = xr.open_zarr(path, consolidated=False).isel(time=slice(DAYS))
        days = days.chunk(time=1, lat=-1, lon=-1)
        packed = {k: days.sst.encoding[k] for k in ("dtype", "scale_factor", "_FillValue")}
        days.drop_encoding().to_zarr(
            path.with_name("days.zarr"), zarr_format=3, encoding={"sst": packed}
        )
        import zarr

        zarr.consolidate_metadata(path, zarr_format=3)
        system.put(f"{folder}/", "bench/top/", recursive=True)
    return int(system.du("bench/top/cube.zarr"))


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--moto", action="store_true")
    given = parser.parse_args()
    with server(plain=given.moto) as options:
        size = upload(options, given.years)
        cube = sides("s3://bench/top/cube.zarr", options)
        days = sides("s3://bench/top/days.zarr", options)
        print(f"Cube: {given.years} years x {SHAPE[0]} x {SHAPE[1]} cells, {size / 1e6:.0f} MB")
        print(f"stored in shards; and its first {DAYS} days, one object a day.\n", flush=True)
        print("| what | " + " | ".join(SIDES) + " |")
        print("| --- |" + " ---: |" * len(SIDES))
        line("opening", race(dict(cube), given.repeats))
        line("whole cube, shards", race(whole(cube), given.repeats))
        line(f"{DAYS} objects of a day", race(whole(days), given.repeats))
        small = ranges("s3://bench/top/cube.zarr", options)
        line("50 small parts of shards", race(small, given.repeats))
        caps(days["climcube, s3fs"], days["climcube, obstore"], given.repeats)


def whole(opens: dict[str, Open]) -> dict[str, Callable[[], object]]:
    """Read all of it, in chunks of whole shards."""

    def reading(call: Open) -> Callable[[], object]:
        opened = call()
        shards = opened.sst.encoding.get("shards") or opened.sst.encoding["chunks"]
        sizes = dict(zip(opened.sst.dims, shards, strict=True))
        sizes["time"] = max(sizes["time"], 50)

        def read() -> object:
            return call().sst.chunk(sizes).max().compute()

        return read

    return {name: reading(call) for name, call in opens.items()}


def ranges(address: str, options: dict[str, str]) -> dict[str, Callable[[], object]]:
    """Read the series of 50 cells far apart from the arrays: one inner chunk of a shard each."""
    import zarr

    from climcube.stores.filesystems import zarr_target

    def through(client: str) -> dict[str, object]:
        with cc.set_options(s3_client=client):
            return zarr_target(address, options, read_only=True)

    targets = [
        {"store": address, "storage_options": options},
        through("s3fs"),
        through("obstore"),
    ]
    rng = np.random.default_rng(0)
    cells = list(zip(rng.integers(0, SHAPE[0], 50), rng.integers(0, SHAPE[1], 50), strict=True))

    def reading(target: dict[str, object]) -> Callable[[], object]:
        array = zarr.open_group(mode="r", **target)["sst"]
        return lambda: [array[:366, int(i), int(j)] for i, j in cells]

    return {name: reading(target) for name, target in zip(SIDES, targets, strict=True)}


def caps(s3fs: Open, obstore: Open, repeats: int) -> None:
    print("\n| requests at once | s3fs | obstore |\n| ---: | ---: | ---: |")
    for cap in (4, 8, 16, 32, 64, 128):
        with cc.set_options(s3_concurrency=cap):
            took = race(whole({"s3fs": s3fs, "obstore": obstore}), max(2, repeats - 2))
        cells = [f"{took[client][0]:.2f} s" for client in ("s3fs", "obstore")]
        print(f"| {cap} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
