"""A Dask client whose failures are told in climcube's words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dask import config
from distributed import Client
from distributed.versions import VersionMismatchWarning

from climcube.clusters.failures import translated
from climcube.errors import ClusterError

__all__ = ["ClusterClient", "connected"]


class ClusterClient(Client):
    """The client of a session; whatever computes with Dask uses it without knowing."""

    #: Set when results may come from a worker with other packages.
    alarm: ClusterError | None = None

    def gather(self, *args: Any, **kwargs: Any) -> Any:
        """Bring results here, as Dask does; deaths of workers are errors of ours."""
        if self.asynchronous or kwargs.get("asynchronous"):
            return super().gather(*args, **kwargs)  # type: ignore[no-untyped-call]
        try:
            results = super().gather(*args, **kwargs)  # type: ignore[no-untyped-call]
        except Exception as error:
            ours = translated(error, client=self)
            if ours is None:
                raise
            raise ours from error
        if self.alarm is not None:
            raise self.alarm
        return results


@contextmanager
def connected(
    scheduler: Any, *, where: str, remedy: str, **options: Any
) -> Iterator[ClusterClient]:
    """Connect to a scheduler, or say why that fails; Dask's default is afterwards what it was.

    Raises
    ------
    ClusterError
        It does not answer, or not as a scheduler, or it refuses.
    """
    with _same_scheduler(), _made(scheduler, where, remedy, options) as client:
        yield client


def _made(scheduler: Any, where: str, remedy: str, options: Mapping[str, Any]) -> ClusterClient:
    with warnings.catch_warnings():
        # Ours says more, and refuses.
        warnings.simplefilter("ignore", VersionMismatchWarning)
        try:
            return ClusterClient(scheduler, **options)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, TypeError, ValueError, RuntimeError) as error:
            lines = str(error).strip().splitlines()
            raise ClusterError(
                "the scheduler does not answer", where=where,
                found=lines[0] if lines else type(error).__name__, remedy=remedy,
            ) from error  # fmt: skip


@contextmanager
def _same_scheduler() -> Iterator[None]:
    """Undo what a client leaves behind that never came to be, or that was lost."""
    before = config.get("scheduler", None)
    try:
        yield
    finally:
        if before is None:
            config.config.pop("scheduler", None)
        else:
            config.set(scheduler=before)
