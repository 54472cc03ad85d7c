"""What goes wrong on a cluster, in one sentence: which work, why, and what to do."""

from __future__ import annotations

import sys
import time
from concurrent.futures import CancelledError
from typing import Any

from climcube.errors import ClimcubeError, ClusterError

__all__ = ["connection_lost", "translated"]

_MEMORY = "worker-restart-memory"  # the topic under which Dask's nannies tell what they did
_LATELY = 300.0  # seconds
_MORE_MEMORY = (
    "give each worker more memory or fewer threads, or make tiles smaller: "
    "cc.set_options(tile_bytes=...)"
)


def translated(
    error: BaseException, where: str | None = None, *, client: Any = None
) -> ClusterError | None:
    """Return what a failure of the cluster means; None where it is none.

    Parameters
    ----------
    error
        What was raised by a computation on a cluster, or is the exception of a future.
    where
        What was being worked on, for example the name of a tile; by default the task is named.
    client
        The Dask client; it is asked what became of the workers.

    Returns
    -------
    ClusterError or None
        None for errors of climcube, which are clear already, and for those of the data or the
        code. Not raised here: ``raise ours from error``.

    Examples
    --------
    >>> print(translated(ModuleNotFoundError("No module named 'gsw'", name="gsw"), "lat 0-89"))
    a package is missing on a worker (lat 0-89): found no 'gsw'; install it in the environment
    or image of the workers, the same version as here
    >>> translated(ValueError("of the data"))
    """
    if isinstance(error, ClimcubeError):
        return None
    if isinstance(error, ModuleNotFoundError):
        return ClusterError(
            "a package is missing on a worker", where=where, found=f"no {error.name!r}",
            remedy="install it in the environment or image of the workers, the same version as here"
        )  # fmt: skip
    if isinstance(error, MemoryError):
        return ClusterError(
            "a worker ran out of memory", where=where, found=_line(error), remedy=_MORE_MEMORY
        )
    if "distributed" not in sys.modules:
        return None
    return _of_dask(error, where, client)


def _of_dask(error: BaseException, where: str | None, client: Any) -> ClusterError | None:
    from distributed.client import FutureCancelledError, FuturesCancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker, NoValidWorkerError

    if isinstance(error, KilledWorker):
        return _killed(error, where, client)
    if isinstance(error, CommClosedError):
        return connection_lost(where, _line(error))
    if isinstance(error, (FutureCancelledError, FuturesCancelledError)):
        lost = "connection" in str(error) or (client is not None and client.status != "running")
        return connection_lost(where, _line(error)) if lost else None
    if isinstance(error, CancelledError) and client is not None and client.status != "running":
        return connection_lost(where, "all tasks cancelled")
    if isinstance(error, NoValidWorkerError):
        return ClusterError(
            "no worker can take a task", where=where or _task(error.task), found=_line(error),
            remedy="start workers that have what it asks for",
        )  # fmt: skip
    if isinstance(error, RuntimeError) and "deserialization of the task graph" in str(error):
        cause = error.__cause__
        return ClusterError(
            "the scheduler cannot read the tasks", where=where,
            found=_line(error) if cause is None else _line(cause),
            remedy="give client, scheduler and workers one environment or image",
        )  # fmt: skip
    return None


def connection_lost(where: str | None, found: str) -> ClusterError:
    """Return the error of a scheduler that is out of reach."""
    return ClusterError(
        "the connection to the scheduler was lost", where=where, found=found,
        remedy="it was stopped (an idle timeout, a limit of the gateway) or the network failed: "
        "start the cluster again and repeat; a save goes on where it stopped with resume=True",
    )  # fmt: skip


def _killed(error: Any, where: str | None, client: Any) -> ClusterError:
    """Say why workers died, as far as Dask knows: a nanny tells of memory, nobody of the rest."""
    worker, tries = error.last_worker, error.allowed_failures + 1
    limit = int(getattr(worker, "memory_limit", 0) or 0)
    place = where or _task(error.task)
    used = _memory_at_the_end(client, worker.address)
    if used is not None:
        return ClusterError(
            "workers ran out of memory", where=place,
            expected=f"at most {_bytes(limit)} a worker" if limit else None,
            found=f"{_bytes(used)} when one of {tries} was stopped", remedy=_MORE_MEMORY,
        )  # fmt: skip
    return ClusterError(
        "workers died at work", where=place,
        found=f"{tries} of them" + (f", with {_bytes(limit)} each" if limit else ""),
        remedy="mostly they had no memory left, or a machine was taken away; their logs tell, "
        f"and if it was memory, {_MORE_MEMORY}",
    )  # fmt: skip


def _memory_at_the_end(client: Any, address: str) -> int | None:
    """Return the bytes that a worker held when its nanny stopped it for that.

    Not every death for want of memory is told. Where the last one is not, but one shortly before
    is, that is the reason.
    """
    if client is None or client.asynchronous or client.status != "running":
        return None
    for _ in range(10):  # the nanny's word may come after that of the death
        told = [event for at, event in client.get_events(_MEMORY) if time.time() - at < _LATELY]
        used = [event["rss"] for event in told if event["worker"] == address]
        if used:
            return int(used[-1])
        time.sleep(0.1)
    return int(told[-1]["rss"]) if told else None


def _task(key: Any) -> str:
    """Return a task's name without the digits that tell graphs apart.

    >>> _task(("heatwaves-0a1b2c3d4e5f60718293a4b5c6d7e8f9", 0, 1))
    'task heatwaves 0, 1'
    """
    from dask.utils import key_split

    place = ", ".join(map(str, key[1:])) if isinstance(key, tuple) else ""
    return f"task {key_split(key)} {place}".rstrip()


def _bytes(number: int) -> str:
    from dask.utils import format_bytes

    return str(format_bytes(number))


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
