"""Compute what writes, and come back only when nothing writes any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import dask.config
import dask.threaded
from dask.base import compute, get_scheduler
from dask.system import CPU_COUNT

__all__ = ["Threads", "compute_write"]


def compute_write(pending: Any) -> None:
    """Compute a delayed write; also after a failure no task is at work when this returns.

    Dask's threads raise the first error at once and leave other tasks running: one that comes
    late would write anew the file that is being removed. A pool of our own can be waited for.
    """
    if get_scheduler() not in (None, dask.threaded.get) or dask.config.get("pool", None):
        compute(pending)
        return
    workers = dask.config.get("num_workers", None) or CPU_COUNT
    with Threads(workers) as pool:
        compute(pending, pool=pool)


class Threads(ThreadPoolExecutor):
    """Threads that know the context of the caller, as those of Dask's own pool do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a call made by one of them."""
        return super().submit(copy_context().run, fn, *args, **kwargs)
