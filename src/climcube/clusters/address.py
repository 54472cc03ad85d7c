"""Connect to a scheduler by its address, not across a network without encryption."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from climcube.clusters.client import ClusterClient, connected
from climcube.errors import ClusterError, ParameterError

__all__ = ["address_client", "dashboard_of", "is_address", "require_safe", "shown"]

_ENCRYPTED = ("tls", "wss")
_KNOWN = ("tcp", "tls", "ws", "wss", "ucx", "inproc")
_LONGEST = 30.0  # seconds in which a scheduler that is there has answered


def is_address(text: str) -> bool:
    """Return whether a text is the address of a scheduler.

    >>> is_address("tcp://10.0.0.1:8786"), is_address("node7:8786"), is_address("gateway")
    (True, True, False)
    """
    return "://" in text or text.rpartition(":")[2].isdecimal()


def shown(address: str) -> str:
    """Return an address without user, password and query.

    >>> shown("https://me:pw@gateway.example.org/services/?token=abc")
    'https://gateway.example.org/services/'
    """
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def require_safe(address: str, *, allow_insecure: bool) -> None:
    """Raise where whoever listens could read data and credentials, or send code to run.

    Raises
    ------
    ParameterError
        It is no address of a scheduler.
    ClusterError
        The address is neither of this machine nor encrypted.
    """
    scheme, host = _parts(address)
    if scheme in _ENCRYPTED or scheme == "inproc" or _is_loopback(host) or allow_insecure:
        return
    raise ClusterError(
        "the scheduler is reached over a network without encryption", where=shown(address),
        expected="tls://, or an address of this machine",
        remedy="start the cluster with TLS certificates and pass security=, or a tunnel "
        "(ssh -L 8786:HOST:8786) and tcp://127.0.0.1:8786; allow_insecure=True where the network "
        "is yours alone",
    )  # fmt: skip


@contextmanager
def address_client(
    address: str, deadline: float, *, security: Any = None, allow_insecure: bool = False
) -> Iterator[ClusterClient]:
    """Connect to a scheduler; it stays what it was when the connection is closed."""
    require_safe(address, allow_insecure=allow_insecure)
    with connected(
        address, where=shown(address),
        remedy="check the address, and that it is running"
        + ("; pass its certificates: security=" if _parts(address)[0] in _ENCRYPTED else ""),
        security=security, timeout=min(deadline, _LONGEST),
    ) as client:  # fmt: skip
        yield client


def dashboard_of(client: ClusterClient) -> str | None:
    """Return the address of a scheduler's dashboard, if it has one."""
    known = client.scheduler_info(n_workers=0)["services"]
    return (client.dashboard_link or None) if "dashboard" in known else None


def _parts(address: str) -> tuple[str, str]:
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme not in _KNOWN:
        raise ParameterError(
            "this is no address of a Dask scheduler", where=shown(address),
            expected="tcp://host:port or tls://host:port",
            remedy="of a Dask-Gateway: cc.cluster('gateway', address=...)"
            if parts.scheme in ("http", "https") else None,
        )  # fmt: skip
    return parts.scheme, parts.hostname or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name, which may lead anywhere
