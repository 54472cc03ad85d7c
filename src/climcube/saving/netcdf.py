"""Write data sets as one netCDF-4 file."""

from __future__ import annotations

import errno
import math
import os
import shutil
import warnings
from collections.abc import Mapping
from typing import Any

import xarray as xr
from dask.callbacks import Callback

from climcube.planning.tiles.prepare import Parts, file_chunks
from climcube.progress import dask_progress
from climcube.saving.settle import compute_write
from climcube.stores.integrity.verification import spoken_size

__all__ = ["write_netcdf"]

_TABLES = 4 << 20  # of HDF5's own


def write_netcdf(
    datasets: Parts,
    file: str,
    encoding: Mapping[str, Mapping[str, Any]],
    progress: bool | None,
) -> None:
    """Write data sets, each into its group of a file, compressed and with checksums."""
    with dask_progress("saving", progress), warnings.catch_warnings():
        warnings.simplefilter("ignore", xr.SerializationWarning)
        for number, (group, dataset) in enumerate(datasets.items()):
            room = _least_room(dataset)
            _require_room(file, room)
            pending = dataset.to_netcdf(
                file,
                mode="a" if number else "w",
                group=group or None,
                engine="h5netcdf",
                encoding=_encoding(dataset, encoding),
                compute=False,
            )
            with Callback(pretask=lambda *_, room=room: _require_room(file, room)):
                compute_write(pending)


def _least_room(dataset: xr.Dataset) -> int:
    """Return the bytes that must be free at any time: what is in memory, a block, and tables."""
    held = sum(v.nbytes for v in dataset.variables.values() if not v.chunks)
    lazy = (v.data for v in dataset.variables.values() if v.chunks)
    block = max((math.prod(d.chunksize) * d.dtype.itemsize for d in lazy), default=0)
    return int(held + 4 * block + _TABLES)


def _require_room(file: str, room: int) -> None:
    """Stop while HDF5 can still close its file.

    HDF5 cannot close a file on a full disk, and what it holds of it takes the process down later,
    at the latest when Python ends. So a disk must not be full when HDF5 writes.
    """
    folder = os.path.dirname(os.path.abspath(file))
    free = shutil.disk_usage(folder).free
    if free < room:
        text = f"the disk is full: {spoken_size(free)} free, at least {spoken_size(room)} needed"
        raise OSError(errno.ENOSPC, text)


def _encoding(dataset: xr.Dataset, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    encoding: dict[str, Any] = {}
    for name, variable in dataset.variables.items():
        own: dict[str, Any] = {}
        if variable.ndim and variable.size and variable.dtype.kind in "iufb":
            own = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
            own["chunksizes"] = tuple(
                min(n, size) for n, size in zip(file_chunks(variable), variable.shape, strict=True)
            )
        encoding[str(name)] = own | dict(given.get(str(name), {}))
    return encoding
