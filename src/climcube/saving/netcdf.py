"""Write data sets as one netCDF-4 file."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Mapping
from typing import Any

import xarray as xr

from climcube.planning.tiles.prepare import Parts, file_chunks
from climcube.progress import dask_progress
from climcube.saving.settle import compute_write

__all__ = ["write_netcdf"]


def write_netcdf(
    datasets: Parts,
    file: str,
    encoding: Mapping[str, Mapping[str, Any]],
    progress: bool | None,
) -> None:
    """Write data sets, each into its group of a file, compressed and with checksums."""
    try:
        with dask_progress("saving", progress), warnings.catch_warnings():
            warnings.simplefilter("ignore", xr.SerializationWarning)
            for number, (group, dataset) in enumerate(datasets.items()):
                pending = dataset.to_netcdf(
                    file,
                    mode="a" if number else "w",
                    group=group or None,
                    engine="h5netcdf",
                    encoding=_encoding(dataset, encoding),
                    compute=False,
                )
                compute_write(pending)
    except (OSError, RuntimeError):  # of HDF5, as a disk that is full
        _let_go(os.path.abspath(file))
        raise


def _let_go(file: str) -> None:
    """Keep h5netcdf from closing a file once more that HDF5 could not close.

    What HDF5 holds of such a file leads nowhere: whatever asks for it, if only when Python tidies
    up, takes the whole process down.
    """
    from h5netcdf import File

    for found in gc.get_objects():
        if issubclass(type(found), File) and getattr(found, "_filename", None) == file:
            found._closed = True


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
