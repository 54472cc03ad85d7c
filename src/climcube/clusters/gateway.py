"""Clusters that a Dask-Gateway grants: started, waited for, and stopped again."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import distributed.utils
from dask import config

from climcube.clusters.address import shown
from climcube.clusters.client import ClusterClient, connected
from climcube.errors import ClusterError, ClusterWarning, ParameterError, require_module, suggest

__all__ = ["Grant", "Request", "granted"]

_LONGEST = 30.0  # seconds in which a gateway that is there has answered
_CREDENTIALS = (
    "check the settings of gateway.auth in Dask's configuration (a password, or "
    "JUPYTERHUB_API_TOKEN), or pass auth="
)


@dataclass(frozen=True)
class Request:
    """Which gateway, and what is asked of it."""

    address: str | None
    proxy_address: str | None
    auth: Any
    name: str | None
    options: Mapping[str, Any]
    idle_timeout: float | None
    workers: int | None
    adaptive: tuple[int, int] | None
    deadline: float


@dataclass(frozen=True)
class Grant:
    """A running cluster of a gateway, with a client."""

    client: ClusterClient
    name: str
    dashboard: str | None


@contextmanager
def granted(request: Request) -> Iterator[Grant]:
    """Start a cluster, or connect to one, scale it, and stop what was started."""
    gateway = _Gateway(request)
    if request.name is not None:
        gateway.require_running(request.name)
        name = request.name
    else:
        name = gateway.start(gateway.options())
    try:
        with gateway.connected(name) as cluster:
            gateway.scale(cluster)
            with gateway.client(cluster) as client:
                yield Grant(client, name, cluster.dashboard_link)
    finally:
        if request.name is None:
            gateway.stop(name)


class _Gateway:
    """The gateway of a request; each question has a time limit and an answer in our words."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._package = require_module("dask_gateway", "gateway")
        address = request.address or config.get("gateway.address", None)
        if address is None:
            raise ParameterError(
                "no address of a Dask-Gateway is known", where="cluster('gateway')",
                remedy="pass address='https://...', or set gateway.address in Dask's configuration"
                " (DASK_GATEWAY__ADDRESS)",
            )  # fmt: skip
        self.where = shown(str(address))
        self._given = {
            "address": request.address, "proxy_address": request.proxy_address,
            "auth": request.auth,
        }  # fmt: skip

    def options(self) -> Any:
        """Return the options of a new cluster, checked against what the gateway offers."""
        offered = self._ask(lambda gateway: gateway.cluster_options())
        wanted = dict(self.request.options)
        if self.request.idle_timeout is not None:
            wanted.setdefault("idle_timeout", self.request.idle_timeout)
        for name, value in wanted.items():
            if name not in offered:
                raise ParameterError(
                    "the gateway offers no such option of a cluster", where=name, found=self.where,
                    remedy=suggest(name, list(offered)),
                )  # fmt: skip
            try:
                offered[name] = value
            except (TypeError, ValueError) as error:
                raise ParameterError(
                    "the gateway does not take this value", where=f"{name}={value!r}",
                    expected=" ".join(str(error).split()),
                ) from error  # fmt: skip
        return offered

    def start(self, options: Any) -> str:
        """Ask for a new cluster and wait until its scheduler runs."""
        name = str(self._ask(lambda gateway: gateway.submit(options)))
        end = time.monotonic() + self.request.deadline
        try:
            while (status := self._status(name)) != "RUNNING":
                if status != "PENDING" or time.monotonic() >= end:
                    raise ClusterError(
                        "the gateway started no cluster", where=f"{self.where}, cluster {name}",
                        found="it failed" if status in ("FAILED", "STOPPED")
                        else f"{status.lower()} after {self.request.deadline:g} s",
                        remedy="its administrators see why; there may be no room: try later, or "
                        "ask for less (options=)",
                    )  # fmt: skip
                time.sleep(0.2)
        except BaseException:
            self.stop(name)
            raise
        return name

    @contextmanager
    def connected(self, name: str) -> Iterator[Any]:
        """Connect to a cluster; it goes on when the connection is closed."""
        make = self._package.GatewayCluster.from_name
        with config.set({"distributed.comm.timeouts.connect": self._patience}):
            cluster = self._done(lambda: make(name, shutdown_on_close=False, **self._given))
        try:
            yield cluster
        finally:
            cluster.close(shutdown=False)
            # Nothing is left to close: when collected, it would try, on a loop that has stopped.
            cluster.gateway._asynchronous = True

    def client(self, cluster: Any) -> AbstractContextManager[ClusterClient]:
        """Return a client of a cluster."""
        proxy = "/".join(str(cluster.scheduler_address).split("/")[:3])
        return connected(
                cluster, where=f"{self.where}, through {proxy}",
                remedy="the gateway's proxy for schedulers may have an address of its own: pass "
                "proxy_address=, or set gateway.proxy-address in Dask's configuration",
                security=cluster.security, loop=cluster.loop, timeout=self._patience,
            )  # fmt: skip

    @property
    def _patience(self) -> float:
        return min(_LONGEST, self.request.deadline)

    def scale(self, cluster: Any) -> None:
        """Ask for workers.

        Raises
        ------
        ClusterError
            There is a limit below that.
        """
        count, adaptive = self.request.workers, self.request.adaptive
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if adaptive is not None:
                self._done(lambda: cluster.adapt(*adaptive))
            elif count is not None:
                self._done(lambda: cluster.scale(count))
        limits = [str(w.message) for w in told if w.category is self._package.GatewayWarning]
        if limits:
            raise ClusterError(
                "the gateway does not grant that many workers", where=self.where,
                expected=f"{adaptive[1] if adaptive else count} workers", found=limits[0],
                remedy="ask for fewer workers",
            )  # fmt: skip

    def stop(self, name: str) -> None:
        """Stop a cluster; one that is gone already is no failure."""
        try:
            self._ask(lambda gateway: gateway.stop_cluster(name))
        except ClusterError as error:
            warnings.warn(
                ClusterWarning(f"the cluster {name} may still run: {error}"), stacklevel=2
            )

    def require_running(self, name: str) -> None:
        """Raise unless a cluster of that name is running."""
        running = [report.name for report in self._ask(lambda g: g.list_clusters("running"))]
        if name not in running:
            raise ClusterError(
                "no such cluster is running", where=f"name={name!r}", found=self.where,
                remedy=suggest(name, running),
            )  # fmt: skip

    def _status(self, name: str) -> str:
        report = self._ask(lambda gateway: gateway.get_cluster(name))
        return str(report.status.name)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """Return the answer to one question."""
        runner = distributed.utils.LoopRunner()
        runner.start()
        given = {**self._given, "asynchronous": True, "loop": runner.loop}

        async def asked() -> Any:
            async with self._package.Gateway(**given) as gateway:
                return await question(gateway)

        try:
            return self._done(
                lambda: distributed.utils.sync(runner.loop, asked, callback_timeout=_LONGEST)
            )
        finally:
            runner.stop()

    def _done(self, action: Callable[[], Any]) -> Any:
        """Do something with the gateway; its failures are told in our words."""
        import aiohttp

        package = self._package
        try:
            return action()
        except aiohttp.ClientResponseError as error:
            raise self._refused(error.status, error.message) from error
        except json.JSONDecodeError as error:
            raise self._refused(200, "an answer that is none of a gateway") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterError(
                "the gateway does not answer", where=self.where,
                found=_line(error) if not isinstance(error, TimeoutError)
                else f"nothing within {_LONGEST:g} s",
                remedy="check its address (address=, or gateway.address in Dask's configuration) "
                "and the network",
            ) from error  # fmt: skip
        except (package.GatewayClusterError, package.GatewayServerError, ValueError) as error:
            raise ClusterError(
                "the gateway refuses", where=self.where, found=_line(error),
                remedy="check what was asked for, or ask its administrators",
            ) from error  # fmt: skip

    def _refused(self, status: int, message: str) -> ClusterError:
        if status in (401, 403):
            return ClusterError(
                "the gateway refuses the credentials", where=self.where,
                found=f"{status} {message}", remedy=_CREDENTIALS,
            )  # fmt: skip
        return ClusterError(
            "this does not answer as a Dask-Gateway", where=self.where, found=f"{status} {message}",
            remedy="check the address: on a JupyterHub it ends in /services/dask-gateway",
        )  # fmt: skip


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
