"""`climcube.cluster`: workers for the length of a ``with`` block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from numbers import Integral, Real
from typing import Any

from climcube.clusters.address import (
    address_client,
    dashboard_of,
    is_address,
    require_safe,
    shown,
)
from climcube.clusters.gateway import Request, granted
from climcube.clusters.local import local_client, memory_of_each
from climcube.clusters.session import Session, Terms, opened
from climcube.errors import ParameterError, suggest

__all__ = ["cluster"]

_WARM_UP = "climcube.analysis.warm_up:compile_kernels"
# What only some kinds can be told.
_OF_KIND = {
    "local": ("threads", "memory", "processes", "dashboard", "security"),
    "address": ("security", "allow_insecure"),
    "gateway": (
        "adaptive", "options", "name", "address", "proxy_address", "auth", "idle_timeout",
    ),
}  # fmt: skip


def cluster(
    kind: str = "local",
    *,
    workers: int | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    processes: bool | None = None,
    dashboard: bool | None = None,
    adaptive: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    address: str | None = None,
    proxy_address: str | None = None,
    auth: Any = None,
    idle_timeout: float | None = None,
    security: Any = None,
    allow_insecure: bool = False,
    deadline: float = 300.0,
    check_versions: bool = True,
    warm_up: str | Callable[[], object] | None = _WARM_UP,
) -> AbstractContextManager[Session]:
    """Work on a cluster of Dask workers for the length of a ``with`` block.

    Inside the block every function of climcube, and everything else that computes with Dask,
    runs on the workers; nothing else of your code changes, and neither do the results.

    Parameters
    ----------
    kind
        ``"local"``: processes on this machine, reachable from this machine only. ``"gateway"``:
        workers that a Dask-Gateway grants (extra ``gateway``). Or the address of a Dask scheduler
        that runs: ``"tls://10.0.0.1:8786"``.
    workers
        How many. The block begins when all are there, or one where none are asked for. Local
        default: as fits the processors that this process, or its container, may use.
    threads, memory
        Local: threads of each worker, and what each may use, as ``"4 GiB"``; a worker that
        exceeds that is started anew. Default: processors and memory of the machine, or of its
        container, shared out.
    processes
        Local: ``False`` runs all workers in this process, without memory limits.
    dashboard
        Local: Dask's dashboard, on the loopback interface (needs the package ``bokeh``).
    adaptive
        Gateway: least and most workers; their number follows the work.
    options
        Gateway: options of the new cluster, those that the gateway offers.
    name
        Gateway: of a cluster that runs; it is used, and not stopped at the end.
    address, proxy_address, auth
        Gateway: where it is, where its proxy for schedulers is, how to log in (``"basic"``,
        ``"jupyterhub"``, ``"kerberos"`` or an object of `dask_gateway`). Default: Dask's
        configuration (``gateway.address`` ...).
    idle_timeout
        Gateway: seconds without work after which the gateway stops the cluster, where it offers
        that choice as an option.
    security
        A `distributed.Security` with the certificates of a ``tls://`` scheduler; default: Dask's
        configuration. Local: ``True`` encrypts with certificates made for the occasion (needs the
        package ``cryptography``), on machines that others use too.
    allow_insecure
        Connect across a network without TLS: whoever listens can read data and run code.
    deadline
        Seconds to wait for scheduler and workers.
    check_versions
        Whether client, scheduler and workers must run the same Python and packages.
    warm_up
        A function, or its name as ``"module:function"``, that each worker calls before its first
        task; default: compile the kernels of the common statistics. ``None``: nothing.

    Returns
    -------
    Session
        For ``with``: what it hands over has ``client`` (the Dask client), ``workers``,
        ``threads``, ``memory`` (bytes) and ``dashboard`` (an address, or None).

    Raises
    ------
    ParameterError
        The kind is unknown, an argument has no sense or is not of this kind, the gateway does
        not offer an option.
    ClusterError
        Scheduler or gateway does not answer or refuses, too few workers came, packages differ,
        the address is insecure; inside the block: workers died, the connection was lost, a
        package is missing on a worker.
    DependencyError
        `dask_gateway` is not installed.

    Notes
    -----
    *Credentials* are never sent. Workers find their own, in their environment, configuration
    files or profile; those of ``"local"`` inherit the environment of this process as it is when
    they start. *Options* of `climcube.set_options` that tasks look up are sent, also later ones.
    *Memory*: a task that workers die of three times (elsewhere: as the scheduler is configured,
    by default four) is given up.

    What was started here is stopped at the end of the block, also after an error. Blocks may
    stand in one another; the innermost counts.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=3, shape=(2, 3)).sst.chunk(time=-1)
    >>> with cc.cluster("local", workers=1, processes=False) as session:
    ...     trend = cc.trend(cc.annual_mean(sst)).compute()
    ...     session.workers
    1
    """
    given = {
        "threads": threads, "memory": memory, "processes": processes, "dashboard": dashboard,
        "adaptive": adaptive, "options": options, "name": name, "address": address,
        "proxy_address": proxy_address, "auth": auth, "idle_timeout": idle_timeout,
        "security": security, "allow_insecure": allow_insecure or None,
    }  # fmt: skip
    known = _kind(kind)
    _require_of_kind(known, given)
    _require_counts(workers, threads, adaptive, deadline, idle_timeout)
    label = shown(kind) if known == "address" else known
    least = adaptive[0] if adaptive else 1 if workers is None else workers
    own = known == "local" or (known == "gateway" and name is None)
    # Workers on this machine run what this process runs.
    compare = check_versions and known != "local"
    terms = Terms(label, least, deadline, compare, warm_up, own, processes is False)
    if known == "local":
        memory_of_each(memory, workers)
        return _local(terms, workers, given)
    if known == "address":
        require_safe(kind, allow_insecure=allow_insecure)
        return _address(terms, kind, given)
    _require_one_way(workers, adaptive, name, options)
    request = Request(
        address, proxy_address, auth, name, dict(options or {}), idle_timeout,
        1 if workers is None and name is None else workers, adaptive, deadline,
    )  # fmt: skip
    return _gateway(terms, request)


@contextmanager
def _local(terms: Terms, workers: int | None, given: Mapping[str, Any]) -> Iterator[Session]:
    with (
        local_client(
            workers, given["threads"], given["memory"], processes=given["processes"] is not False,
            dashboard=given["dashboard"] is not False, security=given["security"],
        ) as (client, link),
        opened(client, terms, dashboard=link) as session,
    ):  # fmt: skip
        yield session


@contextmanager
def _address(terms: Terms, address: str, given: Mapping[str, Any]) -> Iterator[Session]:
    insecure = bool(given["allow_insecure"])
    with (
        address_client(
            address, terms.deadline, security=given["security"], allow_insecure=insecure
        ) as client,
        opened(client, terms, dashboard=dashboard_of(client)) as session,
    ):
        yield session


@contextmanager
def _gateway(terms: Terms, request: Request) -> Iterator[Session]:
    with (
        granted(request) as grant,
        opened(grant.client, terms, dashboard=grant.dashboard) as session,
    ):
        yield session


def _kind(kind: Any) -> str:
    if isinstance(kind, str):
        if kind in ("local", "gateway"):
            return kind
        if is_address(kind):
            return "address"
    raise ParameterError(
        "unknown kind of cluster", where=repr(kind),
        expected="'local', 'gateway', or the address of a scheduler (tls://host:port)",
        remedy=suggest(str(kind), ("local", "gateway")),
    )  # fmt: skip


def _require_of_kind(kind: str, given: Mapping[str, Any]) -> None:
    for argument, value in given.items():
        if value is not None and argument not in _OF_KIND[kind]:
            kinds = [name for name, arguments in _OF_KIND.items() if argument in arguments]
            raise ParameterError(
                f"{argument} says nothing here", where=f"cluster of kind {kind!r}",
                expected=f"{argument} with {' or '.join(map(repr, kinds))} only",
                remedy="leave it out"
                + ("; a gateway has options=" if argument in ("threads", "memory") else ""),
            )  # fmt: skip


def _require_counts(
    workers: Any, threads: Any, adaptive: Any, deadline: Any, idle_timeout: Any
) -> None:
    for argument, value in (("workers", workers), ("threads", threads)):
        if value is not None and not _is_count(value):
            raise ParameterError(
                f"{argument} not understood", where=f"{argument}={value!r}",
                expected="a positive whole number",
            )  # fmt: skip
    for argument, value in (("deadline", deadline), ("idle_timeout", idle_timeout)):
        if value is not None and not (_is_number(value) and 0 < value < math.inf):
            raise ParameterError(
                f"{argument} not understood", where=f"{argument}={value!r}",
                expected="a positive number of seconds",
            )  # fmt: skip
    if adaptive is not None and not (
        isinstance(adaptive, tuple | list) and len(adaptive) == 2 and _is_count(adaptive[1])
        and (_is_count(adaptive[0]) or adaptive[0] == 0) and adaptive[0] <= adaptive[1]
    ):  # fmt: skip
        raise ParameterError(
            "adaptive not understood",
            where=f"adaptive={adaptive!r}",
            expected="least and most workers, as (1, 20)",
        )


def _require_one_way(
    workers: int | None,
    adaptive: tuple[int, int] | None,
    name: str | None,
    options: Mapping[str, Any] | None,
) -> None:
    if workers is not None and adaptive is not None:
        raise ParameterError(
            "workers and adaptive exclude one another", expected="a number, or least and most"
        )
    if name is not None and options:
        raise ParameterError(
            "a cluster that runs has its options already", where=f"name={name!r}",
            remedy="leave options out, or name, to start another one",
        )  # fmt: skip


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
