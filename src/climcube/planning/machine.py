"""Who will compute: how many tiles at the same time, and the memory that they have."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any

import dask.config
from dask.system import CPU_COUNT

from climcube.clusters.current import current_client
from climcube.errors import ParameterError
from climcube.options import get_option

__all__ = ["Machine", "bytes_of", "machine_of"]

_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip


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


def bytes_of(given: float | str) -> int:
    """Return a number of bytes that may have been written with a unit.

    >>> bytes_of("16 GB"), bytes_of("2GiB"), bytes_of(1e9)
    (16000000000, 2147483648, 1000000000)
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([kmgt]?i?)b?\s*", str(given).lower())
    try:
        size = float(match[1]) * _UNITS[match[2]] if match else 0.0
    except (ValueError, KeyError):
        size = 0.0
    if not 1 <= size < 2**63:
        raise ParameterError(
            "a size in bytes was not understood", where=f"memory={given!r}",
            expected="a positive number, or a text such as '16 GB'",
        )  # fmt: skip
    return int(size)


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
