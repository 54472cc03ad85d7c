"""Workers on this machine, reachable from this machine alone."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
import distributed.system
from dask.utils import format_bytes
from distributed import LocalCluster, Worker

from climcube.clusters.client import ClusterClient, connected
from climcube.clusters.sizes import bytes_of
from climcube.errors import ClusterError, ParameterError

__all__ = ["local_client", "memory_of_each"]

_LOOPBACK = "127.0.0.1"
_ANY_PORT = f"{_LOOPBACK}:0"
_NEVER = "1 day"
_TRIES = 3  # a task that workers die of is given up then
_LEAST_MEMORY = 2**29  # a worker that has done nothing yet uses half of that


class _InProcess(Worker):
    """A worker in this process, whose pages for monitoring are on the loopback interface too."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "dashboard_address": _ANY_PORT})


def memory_of_each(memory: str | int | None, workers: int | None) -> int | None:
    """Return the bytes that each worker may use; None leaves them to the machine's size.

    >>> memory_of_each("1 GiB", 1)
    1073741824
    """
    if memory is None:
        return None
    where, number = f"memory={memory!r}", bytes_of(memory)
    if number < _LEAST_MEMORY:
        raise ParameterError(
            "too little memory for a worker", where=where,
            expected=f"at least {format_bytes(_LEAST_MEMORY)}, and what its tiles need",
        )  # fmt: skip
    total, there = number * (workers or 1), int(distributed.system.MEMORY_LIMIT)
    if total > there:
        raise ParameterError(
            "this machine, or its container, has less memory", where=where,
            expected=f"at most {format_bytes(there)} for all workers", found=format_bytes(total),
            remedy="ask for less, or for fewer workers",
        )  # fmt: skip
    return number


@contextmanager
def local_client(
    workers: int | None,
    threads: int | None,
    memory: str | int | None,
    *,
    processes: bool = True,
    dashboard: bool = True,
    security: Any = None,
) -> Iterator[tuple[ClusterClient, str | None]]:
    """Start workers, connect to them, and stop them; the second is the address of a dashboard."""
    _require_importable_main(processes)
    limit = memory_of_each(memory, workers)
    given = {} if limit is None else {"memory_limit": limit}
    protocol = "inproc" if not processes else "tls" if security is not None else "tcp"
    try:
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=threads, processes=processes,
            worker_class=None if processes else _InProcess,
            host=_LOOPBACK if processes else None, protocol=protocol, security=security,
            scheduler_kwargs={
                "allowed_failures": _TRIES - 1, "dashboard": dashboard,
                # Without an address it would listen on port 8787 of the machine all the same.
                "dashboard_address": _ANY_PORT,
            }, **given,
        )  # fmt: skip
    except (OSError, RuntimeError, TimeoutError) as error:
        raise ClusterError(
            "workers cannot be started on this machine", found=str(error).splitlines()[0],
            remedy="ask for fewer workers; in a script, work under if __name__ == '__main__':",
        ) from error  # fmt: skip
    # 15 s after each death Dask looks who is there, and gives up whoever starts once more.
    with dask.config.set({"distributed.deploy.lost-worker-timeout": _NEVER}), cluster:
        connection = connected(
            cluster, where="local", remedy="start again", security=cluster.security,
        )  # fmt: skip
        with connection as client:
            yield client, _dashboard(client) if dashboard else None


def _dashboard(client: ClusterClient) -> str | None:
    """Return where the dashboard is; workers in this process name the machine, not loopback."""
    port = client.scheduler_info(n_workers=0)["services"].get("dashboard")
    if port is None or importlib.util.find_spec("bokeh") is None:
        return None
    return f"http://{_LOOPBACK}:{port}/status"


def _require_importable_main(processes: bool) -> None:
    """Refuse to start workers in a process that is itself being started as one."""
    # multiprocessing sets this while it imports the script of the user anew.
    if processes and getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ClusterError(
            "workers are started while the script is imported by a worker",
            remedy="put what starts the cluster under if __name__ == '__main__':",
        )
