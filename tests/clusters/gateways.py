"""A Dask-Gateway of our own on loopback: real server, real proxy, workers as local processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "CANARYPASSWORD"
_CONFIG = """
import json, sys
from dask_gateway_server.options import Float, Integer, Mapping, Options

given = json.loads({given!r})
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.SimpleAuthenticator.password = given["password"]
c.DaskGateway.address = given["address"]
c.Proxy.address = given["proxy"]
c.UnsafeLocalBackend.clusters_directory = given["folder"] + "/clusters"
c.UnsafeLocalBackend.sigint_timeout = c.UnsafeLocalBackend.sigterm_timeout = 2
c.DatabaseBackend.db_url = "sqlite:///" + given["folder"] + "/gateway.sqlite"
c.DatabaseBackend.stop_clusters_on_shutdown = True
c.DaskGateway.log_level = "INFO"
c.ClusterConfig.scheduler_cmd = [sys.executable, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [sys.executable, "-m", "dask", "worker"]
c.ClusterConfig.worker_memory = "1 G"
c.ClusterConfig.scheduler_memory = "1 G"
c.ClusterConfig.cluster_max_workers = 3
# Nothing outlives a test run that was killed.
c.ClusterConfig.idle_timeout = 120


def handler(options):
    extra = {{key: str(value) for key, value in options.environment.items()}}
    return {{"worker_cores": options.worker_cores, "idle_timeout": options.idle_timeout,
            "environment": given["environment"] | extra}}


c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=2),
    Float("idle_timeout", default=120, min=0),
    Mapping("environment", default={{}}),
    handler=handler,
)
"""


@dataclass(frozen=True)
class Server:
    """Where the gateway is, and what it says of itself."""

    address: str
    proxy: str
    log: Path

    def arguments(self) -> dict[str, Any]:
        """Return what `climcube.cluster` is told of it."""
        from dask_gateway.auth import BasicAuth

        return {
            "address": self.address, "proxy_address": self.proxy,
            "auth": BasicAuth("ocean", PASSWORD),
        }  # fmt: skip


@contextmanager
def asking(server: Server) -> Iterator[Any]:
    """Ask the gateway itself."""
    from dask_gateway import Gateway

    given = server.arguments()
    with Gateway(given["address"], given["proxy_address"], auth=given["auth"]) as gateway:
        yield gateway
    gateway._asynchronous = True  # when collected it would be closed again, and fail


@contextmanager
def gateway_server(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a gateway whose schedulers and workers have an environment of their own."""
    address, proxy = (f"127.0.0.1:{port}" for port in _free_ports(2))
    given = {
        "password": PASSWORD, "address": address, "proxy": proxy, "folder": str(folder),
        "environment": dict(environment),
    }  # fmt: skip
    config, log = folder / "config.py", folder / "gateway.log"
    config.write_text(_CONFIG.format(given=json.dumps(given)), encoding="utf-8")
    command = [sys.executable, "-m", "dask_gateway_server", "-f", str(config)]
    with log.open("wb") as output:
        # A session of its own: whatever is left of it can be ended together.
        server = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(f"http://{address}/api/version", server, log)
        _wait(f"http://{proxy}/api/version", server, log)
        yield Server(f"http://{address}", proxy, log)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2400):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the gateway did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
