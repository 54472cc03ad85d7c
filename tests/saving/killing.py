"""Kill a save at a chosen write, look at what a reader sees, and go on; run as a script.

    python killing.py KIND WORKERS WORK [EVERY [FIRST]]      before chosen writes
    python killing.py KIND WORKERS WORK random TIMES SEED    SIGKILL at random moments

Each attempt is a child made by fork, so that libraries are imported once. Prints one JSON
object: the number of writes, the moments tried, and what was wrong, if anything. KIND is plain,
icechunk or relayout: a copy of a store into another layout.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.recipes.killing import KILLED, digests, in_child, kill_at, left_beside, target_of

SLAB = 8_410_000  # bytes that hold an eighth of the maps
PACKED = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -999, "chunks": (1, 12, 18)}


def result(log: int) -> Any:
    """Make a lazy result of two groups; each tile that is computed is told to a file."""
    import numpy as np
    import xarray as xr

    def told(block: Any, block_info: Any = None) -> Any:
        if block_info is not None:
            os.write(log, f"{block_info[0]['chunk-location']}\n".encode())
        return block * 2.0

    values = np.arange(20 * 8 * 6, dtype="f4").reshape(20, 8, 6)
    cube = xr.DataArray(values, dims=("time", "lat", "lon"), name="sst").chunk(lat=2, lon=3)
    doubled = cube.copy(data=cube.data.map_blocks(told, name="told-doubled", dtype="f4"))
    mean = doubled.mean("time").to_dataset(name="mean")
    return {"values": doubled.to_dataset(), "mean": mean}


def save(kind: str, folder: Path, workers: int) -> None:
    """Save the result, or what is left of it."""
    import dask

    import climcube as cc

    target = target_of(kind, folder)
    options: dict[str, Any] = {"overwrite": True, "resume": True, "progress": False}
    file = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    scheduler = {"scheduler": "synchronous"} if workers == 1 else {"scheduler": "threads"}
    with dask.config.set(num_workers=workers, **scheduler):
        if kind == "relayout":
            maps = cc.open(folder.parent / "maps.zarr", chunks={})
            with told_writes(file):
                cc.relayout(maps, target, memory=workers * SLAB, **options)
        else:
            cc.save(result(file), target, **options)
    os.close(file)


@contextmanager
def told_writes(log: int) -> Iterator[None]:
    """Tell each slab that is written to a file."""
    from climcube.saving.tasks import Target

    plain = Target.write

    def told(self: Any, piece: Any, block: Any) -> Any:
        os.write(log, f"{piece.region}\n".encode())
        return plain(self, piece, block)

    Target.write = told  # type: ignore[method-assign]
    try:
        yield
    finally:
        Target.write = plain  # type: ignore[method-assign]


def save_maps(folder: Path) -> None:
    """Have a store of maps, to be copied into another layout."""
    import climcube as cc

    ocean = cc.testing.synthetic_ocean(years=1, shape=(12, 18)).sst[:50]
    cc.save(ocean.chunk(time=1), folder / "maps.zarr", encoding={"sst": PACKED})


def save_old(target: Path) -> None:
    """Have something at the target that is to stay until it is replaced."""
    import xarray as xr

    import climcube as cc

    cc.save(xr.DataArray([1.0, 2.0], dims="x", name="old"), target)


def new_folder(folder: Path, old: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(old, folder)
    return folder


def look_and_go_on(kind: str, workers: int, folder: Path, when: str, known: Any) -> str | None:
    """Look at what a reader sees after a kill, save again, and compare."""
    target, log = target_of(kind, folder), folder / "log"

    def go_on() -> Any:
        seen = digests(target)
        save(kind, folder, workers)
        return seen, digests(target)

    code, said = in_child(go_on, folder)
    if code:
        return f"{when}: it could not go on: {said}"
    seen, after = said
    computed = log.read_text().count("\n")
    log.unlink()
    if seen not in (known["old"], known["new"]):
        return f"{when}: a reader saw another store"
    if after != known["new"]:
        wrong = sorted(k for k in after if after[k] != known["new"].get(k))
        return f"{when}: another result: {wrong[:5]}"
    if left := left_beside(kind, folder):
        return f"{when}: left {left}"
    # A worker may have begun the next tile before the one before was noted.
    most = known["tiles"] + (1 if workers == 1 else 2 * workers)
    if computed > most:
        return f"{when}: {computed} tiles computed, at most {most} expected"
    in_child(lambda: save(kind, folder, workers), folder)
    return f"{when}: computed again when all was done" if log.read_text() else None


def prepare(kind: str, workers: int, work: Path) -> tuple[int, Any, float]:
    """Make the store once without a kill; return writes, digests before and after, seconds."""
    old, whole = work / "old", work / "whole"
    old.mkdir(parents=True)
    in_child(lambda: save_old(target_of(kind, old)), old)
    if kind == "relayout":
        in_child(lambda: save_maps(work), old)
    (old / "answer.json").unlink()
    new_folder(whole, old)
    target = target_of(kind, whole)

    def count() -> tuple[int, float]:
        counted = kill_at(0, kind)
        began = time.perf_counter()
        save(kind, whole, workers)
        return counted(), time.perf_counter() - began

    code, said = in_child(count, work)
    if code:
        raise SystemExit(f"the save fails when it is not killed: {said}")
    _, before = in_child(lambda: digests(target_of(kind, old)), work)
    _, after = in_child(lambda: digests(target), work)
    tiles = (whole / "log").read_text().count("\n")
    assert tiles >= 5, "tiles are not those expected"
    return said[0], {"old": before, "new": after, "tiles": tiles}, said[1]


def before_writes(kind: str, workers: int, work: Path, every: int = 1, first: int = 1) -> Any:
    """Kill before every so many writes."""
    writes, known, _ = prepare(kind, workers, work)
    wrong, killed, tried = [], 0, 0
    for number in range(first, writes + 1, every):
        folder = new_folder(work / "tried", work / "old")

        def run(number: int = number, folder: Path = folder) -> None:
            kill_at(number, kind)
            save(kind, folder, workers)

        code, said = in_child(run, folder)
        if code not in (0, KILLED):
            wrong.append(f"write {number}: the save failed: {said}")
            continue
        tried, killed = tried + 1, killed + (code == KILLED)
        problem = look_and_go_on(kind, workers, folder, f"write {number}", known)
        wrong += [problem] if problem else []
    return {"writes": writes, "tried": tried, "killed": killed, "wrong": wrong}


def at_random(kind: str, workers: int, work: Path, times: int, seed: int) -> Any:
    """SIGKILL at random moments."""
    _, known, seconds = prepare(kind, workers, work)
    generator, wrong, killed = random.Random(seed), [], 0
    for number in range(times):
        folder = new_folder(work / "tried", work / "old")
        child = os.fork()
        if not child:
            try:
                save(kind, folder, workers)
            finally:
                os._exit(0)
        time.sleep(generator.uniform(0, 1.1 * seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        problem = look_and_go_on(kind, workers, folder, f"kill {number} (seed {seed})", known)
        wrong += [problem] if problem else []
    return {"tried": times, "killed": killed, "wrong": wrong, "seconds": seconds}


def run(kind: str, workers: int, work: Path, *more: Any) -> Any:
    """Kill saves as asked for; return what became of them."""
    if more[:1] == ("random",):
        return at_random(kind, workers, work, int(more[1]), int(more[2]))
    return before_writes(kind, workers, work, *map(int, more))


def tell(sender: Any, *arguments: Any) -> None:
    """Tell another process what `run` returns."""
    sender.send(run(*arguments))


def main(kind: str, workers: str, work: str, *more: str) -> None:
    import climcube.cubes.open
    import climcube.saving.save  # noqa: F401 - once, for all children

    print(json.dumps(run(kind, int(workers), Path(work), *more)))


if __name__ == "__main__":
    main(*sys.argv[1:])
