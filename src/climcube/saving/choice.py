"""Who is to compute, as Dask is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dask.config
import dask.threaded
from dask.base import get_scheduler

from climcube.clusters.current import current_client
from climcube.planning.tiles.jobs import Job
from climcube.saving.crews import Crew, local_crew

__all__ = ["crew_of"]


@contextmanager
def crew_of(job: Job, most: int) -> Iterator[Crew]:
    """Yield the workers that Dask is told to use; nobody works any more when this returns.

    Of those on this machine at most so many work at the same time.

    Dask's own threads raise the first error at once and leave other tasks running: one that
    comes late would write anew the file that is being removed. A pool of our own can be waited
    for.
    """
    get = get_scheduler() or dask.threaded.get
    given = dask.config.get("pool", None)
    crew = _on_cluster(job) or local_crew(job, get, given, most)
    try:
        yield crew
    finally:
        crew.close(shut=given is None)


def _on_cluster(job: Job) -> Crew | None:
    client = current_client()
    if client is None:
        return None
    from climcube.saving.cluster import ClusterCrew

    return ClusterCrew(job, client)
