"""Other processes for tests: made by a server that has imported what they need, once.

A process that is started afresh imports for two seconds before it does a thing. One of these is
a fork of a process that did nothing but import; like one started afresh it knows nothing of the
test but what it was sent.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import BaseContext
from multiprocessing.forkserver import ensure_running

import pytest

_IMPORTED = [
    "h5netcdf",
    "netCDF4",
    "numba",
    "pytest",
    "zarr",
    "dask.multiprocessing",
    "distributed.nanny",  # its workers are forks of the same process
    "climcube.analysis.following.store",
    "climcube.cubes.open",
    "climcube.recipes.ingest",
    "climcube.saving.save",
    "climcube.stores.versioned.work",
    "climcube.stores.verify",
]


@pytest.fixture(scope="session")
def processes() -> BaseContext:
    """Make processes, each of its own memory."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    ensure_running()  # Dask would have it import less
    return context
