"""What all kinds of clusters have in common: wait, compare, make ready; tidy up afterwards."""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dask.utils import format_bytes
from distributed import Client

from climcube.clusters.client import ClusterClient
from climcube.clusters.failures import translated
from climcube.clusters.joining import TOPIC, Joining
from climcube.clusters.versions import of_cluster, of_this_process, require_same
from climcube.display import fact_table, heading, link, panel
from climcube.errors import ClusterError, ClusterWarning
from climcube.options import watching, worker_options

__all__ = ["Session", "Terms", "opened"]


@dataclass(frozen=True)
class Terms:
    """What is asked of a cluster, whatever its kind.

    ``own`` says whether the cluster was started for this session, which may then send workers
    away; ``in_process`` that its workers are threads of this process.
    """

    kind: str
    workers: int
    deadline: float
    check_versions: bool
    warm_up: str | Callable[[], object] | None
    own: bool
    in_process: bool = False


class Session:
    """A cluster at work, as ``with cc.cluster(...) as session:`` hands it over.

    Inside the block every climcube function, and everything else that computes with Dask, runs
    on it. ``session.client`` is the Dask client, for whatever Dask can do beyond that.
    """

    def __init__(self, client: ClusterClient, kind: str, dashboard: str | None) -> None:
        self.client: Client = client
        self.kind = kind
        self._dashboard = dashboard

    @property
    def workers(self) -> int:
        """How many workers there are at this moment."""
        return len(self._threads())

    @property
    def threads(self) -> int:
        """How many tasks run at once, over all workers."""
        return sum(self._threads().values())

    @property
    def memory(self) -> int:
        """Bytes that all workers may use together; 0 where none has a limit."""
        if self.client.status != "running":
            return 0
        known = self.client.scheduler_info(n_workers=-1)["workers"]
        return sum(int(worker["memory_limit"] or 0) for worker in known.values())

    @property
    def dashboard(self) -> str | None:
        """Address of Dask's dashboard, while there is one."""
        return self._dashboard if self.client.status == "running" else None

    def _threads(self) -> Mapping[str, int]:
        if self.client.status != "running":
            return {}
        told: Mapping[str, int] = self.client.nthreads()
        return told

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("workers", str(self.workers)), ("threads", str(self.threads))]
        if self.memory:
            facts.append(("memory", str(format_bytes(self.memory))))
        if self.client.status != "running":
            facts = [("state", "closed")]
        return facts

    def __repr__(self) -> str:
        facts = ", ".join(f"{label} {value}" for label, value in self._facts())
        link = f", {self.dashboard}" if self.dashboard else ""
        return f"<climcube cluster: {self.kind}, {facts}{link}>"

    def _repr_html_(self) -> str:
        page = [heading("Cluster", self.kind), fact_table(self._facts())]
        if self.dashboard:
            page.append(link("dashboard", self.dashboard))
        return panel(*page)


@contextmanager
def opened(
    client: ClusterClient,
    terms: Terms,
    *,
    dashboard: str | None = None,
) -> Iterator[Session]:
    """Make a connected cluster ready, hand it over, and say what became of it."""
    packages = of_this_process() if terms.check_versions else None
    refusals = _Refusals(client, terms.own)
    client.subscribe_topic(TOPIC, refusals.heard)  # type: ignore[no-untyped-call]
    if packages is not None:  # the scheduler first: it is there before its workers
        require_same(packages, of_cluster(client))
    _wait(client, terms)
    if packages is not None:
        require_same(packages, of_cluster(client))
    name = f"climcube-{secrets.token_hex(4)}"

    def plugin() -> Joining:
        return Joining(name, packages, worker_options(), terms.warm_up, terms.own)

    rules = _Rules(client, plugin)
    rules.register()
    refusals.begun = True
    try:
        with watching((lambda: None) if terms.in_process else rules.changed):
            yield Session(client, terms.kind, dashboard)
        if client.alarm is not None:
            raise client.alarm
    except Exception as error:
        # A module that is missing here is no matter of the cluster.
        local = isinstance(error, (ImportError, MemoryError))
        ours = None if local else translated(error, client=client)
        if ours is None:
            raise
        raise ours from error
    finally:
        if not terms.own and client.status == "running":
            with suppress(Exception):  # the scheduler may be gone
                client.unregister_worker_plugin(name)  # type: ignore[no-untyped-call]


def _wait(client: ClusterClient, terms: Terms) -> None:
    """Wait for workers until the deadline.

    Raises
    ------
    ClusterError
        Too few came, or none.
    """
    end = time.monotonic() + terms.deadline
    while len(there := client.nthreads()) < terms.workers:  # type: ignore[no-untyped-call]
        if time.monotonic() >= end:
            raise ClusterError(
                "no worker came" if not there else "not all workers came",
                where=terms.kind, expected=f"{terms.workers} within {terms.deadline:g} s",
                found=f"{len(there)} of them",
                remedy="ask for fewer workers, wait longer (deadline=), or "
                + (
                    "begin with what there is: adaptive=(1, most)" if there
                    else "look at the logs of the cluster: workers may fail to start"
                ),
            )  # fmt: skip
        time.sleep(0.05)


class _Rules:
    """The plugin that makes workers ready, registered anew when the user changes an option."""

    def __init__(self, client: ClusterClient, make: Callable[[], Joining]) -> None:
        self._client, self._make = client, make
        self._sent: Mapping[str, Any] = {}

    def register(self) -> None:
        plugin = self._make()
        try:
            self._client.register_plugin(plugin)
        except Exception as error:
            ours = translated(error, "preparing workers", client=self._client)
            if ours is None:
                raise
            raise ours from error
        self._sent = plugin.options

    def changed(self) -> None:
        if self._client.status == "running" and worker_options() != self._sent:
            self.register()


class _Refusals:
    """Workers that joined later with other packages."""

    def __init__(self, client: ClusterClient, own: bool) -> None:
        self._client, self._own = client, own
        self.begun = False  # before that, what is refused is an error

    def heard(self, event: tuple[float, Mapping[str, Any]]) -> None:
        _, told = event
        if not self.begun:
            return
        if self._own:
            warnings.warn(ClusterWarning(f"a worker was sent away: {told['error']}"), stacklevel=2)
        else:  # others may use that worker: its results are what is refused
            self._client.alarm = ClusterError(f"a worker joined that does not fit: {told['error']}")
