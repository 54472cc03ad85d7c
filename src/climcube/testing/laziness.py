"""A guard for tests: nothing may compute while a graph is built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import dask

__all__ = ["ComputedError", "no_compute"]


class ComputedError(AssertionError):
    """Dask was asked to compute where only a graph should have been built."""


@contextmanager
def no_compute() -> Iterator[None]:
    """Make any Dask computation in the block raise `ComputedError`.

    It replaces the default scheduler, a distributed client's included; only a scheduler named
    in the very call (``x.compute(scheduler="threads")``) gets past it.

    Examples
    --------
    >>> import dask.array as da
    >>> with no_compute():
    ...     lazy = da.ones(3, chunks=1).sum()
    >>> with no_compute():
    ...     lazy.compute()
    Traceback (most recent call last):
        ...
    climcube.testing.laziness.ComputedError: Dask computed 1 result inside no_compute()
    """
    with dask.config.set(scheduler=_refuse):
        yield


def _refuse(graph: Any, keys: Any, **_: Any) -> NoReturn:
    count = len(keys) if isinstance(keys, list) else 1
    raise ComputedError(f"Dask computed {count} result{'s' * (count != 1)} inside no_compute()")
