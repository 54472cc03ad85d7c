"""Who will compute: how many tiles at the same time, and the memory that they have."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import dask.config
from dask.system import CPU_COUNT

from climcube.clusters.current import current_client
from climcube.options import get_option

__all__ = ["Machine", "machine_of"]


@dataclass(frozen=True)
class Machine:
    """Workers, the processes that they are threads of, and the bytes of all of these."""

    workers: int
    processes: int
    memory: int | None


def machine_of(workers: int | None, memory: int | None) -> Machine:
    """Return who Dask would let compute, but for what is said otherwise."""
    cluster = _cluster()
    if cluster is not None:
        threads, processes, limit = cluster
        share = 1.0 if workers is None else workers / max(1, threads)
        there = None if limit is None else round(limit * share)
        count = max(1, threads if workers is None else workers)
        return Machine(count, max(1, min(processes, count)), there if memory is None else memory)
    alone = dask.config.get("scheduler", None) in ("synchronous", "sync", "single-threaded")
    own = 1 if alone else dask.config.get("num_workers", None) or CPU_COUNT
    return Machine(workers or own, 1, memory or get_option("memory") or _free())


def _cluster() -> tuple[int, int, int | None] | None:
    """Return threads, processes and memory of the cluster that is connected."""
    client = current_client()
    if client is None:
        return None
    found = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [int(worker.get("memory_limit") or 0) for worker in found]
    threads = sum(int(worker["nthreads"]) for worker in found)
    return threads, len(limits), sum(limits) if limits and all(limits) else None


def _free() -> int | None:
    """Return the bytes of this machine that nobody uses; ``None`` where it does not say."""
    try:
        psutil: Any = importlib.import_module("psutil")
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)
