"""The fault matrix: what becomes of each operation when storage has each kind of bad day.

    python -m tests.stores.matrix > docs/explanation/tables/fault_matrix.md

A cell is one operation through one client against moto behind a proxy that spoils one, two or
all answers. It ends in the right values, or in one typed error before its deadline. Anything
else is a defect: values that are not right, an error of another library, no end.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import s3fs
import xarray as xr
import zarr

import climcube as cc
from climcube.errors import ClimcubeError
from climcube.stores.filesystems import reporting, zarr_target
from climcube.testing.faults import FAULTS, FaultProxy, fault_proxy
from tests.servers import KEY, SECRET, moto

CLIENTS = ("s3fs", "obstore")
TIMES = {"once": 1, "twice": 2, "always": None}
PASSING = ("500", "503", "429", "reset", "truncated", "html")
# One fault is enough of what changes bytes, or is the state of the store for some time.
LASTING = ("403", "404", "bit flip", "swapped", "stale listing")
RIGHT, TYPED, OLDER, UNMET = "right", "error", "older", "–"
GOOD = (RIGHT, TYPED, OLDER, UNMET)


@dataclass(frozen=True)
class Cell:
    operation: str
    fault: str
    times: str
    client: str


@dataclass(frozen=True)
class Outcome:
    result: str
    text: str = ""
    seconds: float = 0.0


class Bench:
    """A server, a proxy before it, and the data that operations read and write."""

    def __init__(self, upstream: str, proxy: FaultProxy, folder: Path) -> None:
        self.proxy = proxy
        self.clean = {"key": KEY, "secret": SECRET, "endpoint_url": upstream}
        self.system = s3fs.S3FileSystem(**self.clean, use_listings_cache=False)
        self.system.mkdir("matrix")
        self.ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 95)).isel(time=slice(12)).load()
        self.files = cc.testing.write_daily_files(self.ocean, folder)
        cc.ingest(self.files, "s3://matrix/cube.zarr", target_options=self.clean, progress=False)
        for file in self.files[:3]:
            self.system.put_file(str(file), f"matrix/raw/{file.name}")
        self.keys = {
            n.removeprefix("matrix/cube.zarr/") for n in self.system.find("matrix/cube.zarr")
        }
        self.count = 0

    def options(self, deadline: float) -> dict[str, Any]:
        return self.clean | {"endpoint_url": self.proxy.endpoint, "deadline": deadline}

    def open(self, options: dict[str, Any], address: str = "s3://matrix/cube.zarr") -> xr.Dataset:
        return cc.open(address, storage_options=options, verify="always")

    def target(self, suffix: str) -> str:
        self.count += 1
        return f"s3://matrix/written/{self.count}{suffix}"


PATTERNS = {
    "metadata": r"\.json|\.z(metadata|attrs|group|array)$",
    "coordinates": r"/(lat|lon|time)/c(/|$)",
    "data": r"/sst/c(/|$)",
}
Operation = Callable[[Bench, Cell, dict[str, Any]], str]


def read(bench: Bench, cell: Cell, options: dict[str, Any]) -> str:
    spoil(bench, cell, ("GET", "HEAD"), r"\.json|\.z(metadata|attrs|group|array)$"
          if cell.operation == "metadata" else r"/c(/|$)")  # fmt: skip
    cube = bench.open(options).load()
    return RIGHT if same(cube, bench.ocean) else "WRONG"


def listing(bench: Bench, cell: Cell, options: dict[str, Any]) -> str:
    """Keys of a store, and the files that a pattern means."""
    spoil(bench, cell, ("GET",), "list-type=")
    store = zarr_target("s3://matrix/cube.zarr", options, read_only=True)["store"]
    with reporting("the store cannot be listed", "s3://matrix/cube.zarr"):
        keys = set(zarr.core.sync.sync(zarr.core.sync._collect_aiterator(store.list())))
    if keys != bench.keys:
        return "WRONG"
    bench.proxy.remember()
    name = f"matrix/raw/{bench.files[3].name}"
    through = s3fs.S3FileSystem(
        **bench.clean | {"endpoint_url": bench.proxy.endpoint}, use_listings_cache=False
    )
    through.put_file(str(bench.files[3]), name)
    try:
        spoil(bench, cell, ("GET",), "list-type=")
        cube = cc.open("s3://matrix/raw/*.nc", storage_options=options).load()
    finally:
        bench.system.rm_file(name)
    if same(cube, bench.ocean.isel(time=slice(4))):
        return RIGHT
    return OLDER if same(cube, bench.ocean.isel(time=slice(3))) else "WRONG"


def write(bench: Bench, cell: Cell, options: dict[str, Any]) -> str:
    return written(bench, cell, options, ".zarr")


def commit(bench: Bench, cell: Cell, options: dict[str, Any]) -> str:
    return written(bench, cell, options, ".icechunk")


def written(bench: Bench, cell: Cell, options: dict[str, Any], suffix: str) -> str:
    """Ingest under faults; what is there afterwards is right, or nothing is."""
    bench.proxy.remember()
    target = bench.target(suffix)
    listed = cell.fault == "stale listing"
    methods = ("GET",) if listed else ("PUT", "POST", "DELETE")
    if cell.fault in ("truncated", "empty", "html"):
        methods = ("PUT", "POST")  # an answer to DELETE has no body
    spoil(bench, cell, methods, "list-type=" if listed else "")
    error: BaseException | None = None
    try:
        cc.ingest(bench.files, target, target_options=options, progress=False)
    except ClimcubeError as caught:
        error = caught
    bench.proxy.calm()
    there = None
    try:
        there = bench.open(bench.clean, target).load()
    except ClimcubeError:
        if error is None:
            return "WRONG"
    if there is not None and not same(there, bench.ocean):
        return "WRONG"
    if error is not None:
        raise error
    return RIGHT


OPERATIONS: dict[str, Operation] = {
    "metadata": read,
    "coordinates": read,
    "data": read,
    "list": listing,
    "write": write,
    "commit": commit,
}


def spoil(bench: Bench, cell: Cell, methods: tuple[str, ...], pattern: str) -> None:
    other = None
    if cell.fault == "swapped":
        # A valid object of the same kind and length under another name.
        other = lambda path: (  # noqa: E731
            path.replace("/sst/c/0/0/0", "/sst/c/0/0/1").replace("/lat/c", "/lon/c")
            if "/c/" in path
            else path.replace("/cube.zarr/zarr.json", "/cube.zarr/sst/zarr.json")
        )
    bench.proxy.spoil(
        cell.fault, times=TIMES[cell.times], methods=methods, pattern=pattern, other=other
    )


def same(one: xr.Dataset, other: xr.Dataset) -> bool:
    return one.sizes == other.sizes and all(
        np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f")
        for name in ("sst", "time", "lat", "lon")
    )


def applies(cell: Cell) -> bool:
    """Whether a fault has a meaning for an operation."""
    reading = cell.operation in PATTERNS
    if cell.times != "always" and cell.fault in LASTING:
        return False
    if cell.fault == "lost acknowledgement":
        return not reading and cell.operation != "list"
    if cell.fault == "stale listing":
        return not reading
    if cell.fault in ("swapped", "bit flip"):
        return reading
    return not (cell.fault == "404" and cell.operation in ("write", "commit"))


def cells() -> Iterator[Cell]:
    for operation in OPERATIONS:
        for fault in FAULTS:
            for times in TIMES:
                for client in CLIENTS:
                    cell = Cell(operation, fault, times, client)
                    if applies(cell):
                        yield cell


def outcome(bench: Bench, cell: Cell, deadline: float, limit: float = 180) -> Outcome:
    """Run one cell; it ends within a limit, or is given up."""
    results: list[Outcome] = []

    def run() -> None:
        try:
            results.append(
                Outcome(OPERATIONS[cell.operation](bench, cell, bench.options(deadline)))
            )
        except ClimcubeError as error:
            line = str(error)
            fine = "\n" not in line and "CANARY" not in line + repr(error)
            results.append(Outcome(TYPED if fine else "UNCLEAN", line))
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            results.append(Outcome("RAW", f"{type(error).__name__}: {error}"))

    began = time.monotonic()
    with cc.set_options(s3_client=cell.client):
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(limit)
    met = bench.proxy.spoilt > 0
    bench.proxy.calm()
    seconds = time.monotonic() - began
    if not results:
        return Outcome("HANG", f"no end after {limit:g} s", seconds)
    found = results[0]
    if found.result == RIGHT and not met:
        found = Outcome(UNMET)
    return Outcome(found.result, found.text, seconds)


def outcome_of(bench: Bench, cell: Cell) -> Outcome:
    """Run one cell with time enough for what passes, and little for what does not."""
    return outcome(bench, cell, deadline=3 if cell.times == "always" else 60)


@contextmanager
def bench() -> Iterator[Bench]:
    with (
        moto() as upstream,
        fault_proxy(upstream) as proxy,
        tempfile.TemporaryDirectory() as folder,
    ):
        yield Bench(upstream, proxy, Path(folder))


def table(found: dict[Cell, Outcome]) -> str:
    """Return the matrix as Markdown: a row for each fault, s3fs / obstore in a cell."""
    operations = [o for o in OPERATIONS if any(c.operation == o for c in found)]
    lines = [
        "| fault | answers | " + " | ".join(operations) + " |",
        "|---|---|" + "---|" * len(operations),
    ]
    for fault in FAULTS:
        for times in TIMES:
            row = []
            for operation in operations:
                both = [found.get(Cell(operation, fault, times, client)) for client in CLIENTS]
                words = [o.result for o in both if o is not None]
                row.append(words[0] if len(set(words)) == 1 else " / ".join(words))
            if any(row):
                lines.append(f"| {fault} | {times} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    found = {}
    with bench() as ground:
        for cell in cells():
            found[cell] = outcome_of(ground, cell)
            result = found[cell]
            print(f"{cell} {result.result} {result.seconds:.1f} s {result.text}", file=sys.stderr)
    print(table(found))
    bad = [cell for cell, result in found.items() if result.result not in GOOD]
    print(f"\n{len(found)} cells, {len(bad)} defects.")


if __name__ == "__main__":
    main()
