"""What happens on each worker before it takes a task, also on those that join later."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Worker, WorkerPlugin

from climcube.clusters.versions import Packages, of_this_process, require_same
from climcube.errors import ClusterError
from climcube.options import set_options

__all__ = ["TOPIC", "Joining", "this_process"]

TOPIC = "climcube-workers-refused"
_TOKEN = secrets.token_hex(8)
_warmed: set[str] = set()  # sessions that this process is ready for
_one_at_a_time = threading.Lock()  # workers may be threads of one process


def this_process() -> str:
    """Return what tells this process from all others, its forks included."""
    return f"{_TOKEN}-{os.getpid()}"


class Joining(WorkerPlugin):
    """Compare packages, take over the user's options, compile kernels; then work may come.

    Parameters
    ----------
    name
        Of this session, so that another one with the same scheduler keeps its own.
    packages
        Those of the client; None: they are not compared.
    options
        Options of climcube that tasks look up.
    warm_up
        A function, or its name as ``"module:function"``, that is called once in each process.
    leave
        Whether a worker that does not fit is to leave; others may use one that was there before.
    """

    def __init__(
        self,
        name: str,
        packages: Packages | None,
        options: Mapping[str, Any],
        warm_up: str | Callable[[], object] | None,
        leave: bool,
    ) -> None:
        self.name, self.leave = name, leave
        self.packages, self.options, self.warm_up = packages, dict(options), warm_up
        self.client = this_process()
        self._before: set_options | None = None

    async def setup(self, worker: Worker) -> None:
        """Make a worker ready, or send it away."""
        if self.packages is not None:
            try:
                require_same(self.packages, {f"worker {worker.address}": of_this_process()})
            except ClusterError as error:
                worker.log_event(TOPIC, {"worker": worker.address, "error": str(error)})
                if self.leave:
                    worker.loop.add_callback(_leave, worker)
                raise
        if self.client != this_process():
            self._before = set_options(**self.options)
        if self.warm_up is not None:
            await asyncio.to_thread(_warm, self.warm_up, self.name)

    def teardown(self, worker: Worker) -> None:
        """Give a worker that goes on for others its options back."""
        if self._before is not None:
            self._before.__exit__(None, None, None)
            self._before = None


async def _leave(worker: Worker) -> None:
    await worker.close(reason="climcube: packages are not those of the client")


def _warm(function: str | Callable[[], object], session: str) -> None:
    with _one_at_a_time:
        if session not in _warmed:
            _function(function)()
            _warmed.add(session)


def _function(named: str | Callable[[], object]) -> Callable[[], object]:
    if not isinstance(named, str):
        return named
    module, _, name = named.partition(":")
    function: Callable[[], object] = getattr(importlib.import_module(module), name)
    return function
