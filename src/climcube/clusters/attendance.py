"""Whether anybody is left to work: who waits for a cluster without workers waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from climcube.clusters.failures import connection_lost, translated
from climcube.errors import ClimcubeError, ClusterError

__all__ = ["PATIENCE", "Attendance", "reaching"]

PATIENCE = 300.0  # seconds: what `climcube.cluster` waits for workers, too
_LOOK = 1.0  # seconds between two looks at who is there
_SETTING = "distributed.scheduler.no-workers-timeout"


class Attendance:
    """Whether a cluster has had any worker lately.

    Parameters
    ----------
    client
        The Dask client.
    now
        A clock, in seconds.

    Notes
    -----
    A cluster may have no workers for a while: an adaptive one starts the first when there is
    work, workers that died are started again, machines are taken away and replaced. After 300 s,
    or as Dask's setting ``distributed.scheduler.no-workers-timeout`` in this process says, that
    is an error.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> nobody = SimpleNamespace(nthreads=dict, status="running")
    >>> seconds = iter([0.0, 200.0, 299.0, 310.0])
    >>> attendance = Attendance(nobody, now=lambda: next(seconds))
    >>> for _ in range(3):
    ...     attendance.require(lambda: "tile lat 0-89")
    >>> attendance.require(lambda: "tile lat 0-89")
    Traceback (most recent call last):
      ...
    climcube.errors.ClusterError: no worker is left (tile lat 0-89): expected one within 300 s, ...
    """

    def __init__(self, client: Any, now: Callable[[], float] = time.monotonic) -> None:
        self._client, self._now = client, now
        self._alone: float | None = None  # since when
        self._looked = float("-inf")

    def require(self, unfinished: Callable[[], str]) -> None:
        """Ask who is there, from time to time; ``unfinished`` names what waits for them.

        Raises
        ------
        ClusterError
            There has been no worker for too long, or the scheduler is out of reach.
        """
        now = self._now()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        with reaching(self._client, unfinished):
            workers = self._client.nthreads()
        if workers:
            self._alone = None
        elif self._alone is None:
            self._alone = now
        elif now - self._alone >= (limit := _patience()):
            raise ClusterError(
                "no worker is left", where=unfinished(), expected=f"one within {limit:g} s",
                found="none",
                remedy="the logs of the cluster tell where they are gone; start workers, or give "
                f"them more time (dask.config.set({{{_SETTING!r}: '20 minutes'}}))",
            )  # fmt: skip


@contextmanager
def reaching(client: Any, where: Callable[[], str | None]) -> Iterator[None]:
    """Say it in one sentence where the scheduler is out of reach.

    Raises
    ------
    ClusterError
        The connection was lost, or was closed by whoever stopped the cluster.
    """
    try:
        yield
    except ClimcubeError:
        raise
    except Exception as error:
        ours = translated(error, where(), client=client)
        if ours is None and (client.status != "running" or isinstance(error, OSError)):
            ours = connection_lost(where(), (str(error) or type(error).__name__).splitlines()[0])
        if ours is None:
            raise
        raise ours from error


def _patience() -> float:
    import dask.config
    from dask.utils import parse_timedelta

    given = dask.config.get(_SETTING, None)
    return PATIENCE if given is None else float(parse_timedelta(given))
