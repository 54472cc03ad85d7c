"""A save holds the tiles under way, whatever the size of the cube: as the system counts it."""

from __future__ import annotations

from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

import climcube as cc

MIB = 2**20
TILE = 8 * MIB
WORKERS = 2


def grown(sender: Any, folder: str, tiles: int) -> None:
    """In a process of its own: tell by how much a save made it grow."""
    save(folder, 2, "warm")
    before = resident()
    save(folder, tiles, "whole")
    sender.send((before, resident() - before))


def save(folder: str, tiles: int, name: str) -> None:
    blocks = da.map_blocks(
        made, chunks=((512,) * tiles, (2048,)), dtype="f8", meta=np.empty((0, 0)), name=name
    )
    cube = xr.DataArray(blocks, dims=("lat", "lon"), name="v")
    with dask.config.set(scheduler="threads", num_workers=WORKERS):
        cc.save(cube, f"{folder}/{name}.zarr", progress=False)


def made(block_info: Any = None) -> Any:
    """Whole numbers, which are compressed in little time."""
    if block_info is None:
        return np.empty((0, 0))
    (start, stop), (_, width) = block_info[None]["array-location"]
    return np.broadcast_to(np.arange(start, stop, dtype="f8")[:, None], (stop - start, width)) + 0


def resident() -> int:
    """Return the most bytes that this process ever had in memory.

    Not ru_maxrss: that may begin with what a process had that it comes from.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def test_a_process_grows_by_the_tiles_under_way_only(
    tmp_path: Path, processes: BaseContext
) -> None:
    receiver, sender = processes.Pipe(duplex=False)
    tiles = 40
    process = processes.Process(  # type: ignore[attr-defined]
        target=grown, args=(sender, str(tmp_path), tiles)
    )
    process.start()
    sender.close()
    before, more = receiver.recv()
    process.join()
    array = cc.open(tmp_path / "whole.zarr", variable="v")
    assert array.nbytes == tiles * TILE and float(array[-1, -1]) == tiles * 512 - 1
    # Each worker's tile, what it was made of, and its chunks encoded.
    assert more < 4 * WORKERS * TILE < tiles * TILE / 3, (before, more)
    assert before < 500 * MIB
