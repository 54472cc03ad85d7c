"""S3 servers of our own: moto for speed, a Ceph RADOS Gateway for the truth (`make test-s3`).

CLIMCUBE_S3_SERVER names the one that tests run against, moto where it is not set.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

KEY, SECRET = "CANARYKEY", "CANARYSECRET"


@contextmanager
def moto() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    folder = tempfile.TemporaryDirectory()  # what it records would lie where tests are run
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=folder.name, **quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail("the S3 server did not start")
        yield address
    finally:
        server.terminate()
        server.wait(60)
        folder.cleanup()


@contextmanager
def ceph() -> Iterator[str]:
    from tools.ceph_gateway import gateway

    with gateway(KEY, SECRET) as address:
        yield address


SERVERS = {"moto": moto, "ceph": ceph}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """A server for these tests, stopped at their end."""
    with SERVERS[os.environ.get("CLIMCUBE_S3_SERVER", "moto")]() as address:
        yield address


@pytest.fixture
def options(endpoint):
    """Storage options as a user of any S3-compatible store writes them, and an empty bucket."""
    import s3fs

    given = {"key": KEY, "secret": SECRET, "client_kwargs": {"endpoint_url": endpoint}}
    system = s3fs.S3FileSystem(**given, use_listings_cache=False)
    system.mkdir("bucket")
    yield given
    system.rm("bucket", recursive=True)


@pytest.fixture(params=["s3fs", "obstore"])
def client(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test through each client for Zarr in object storage."""
    import climcube as cc

    with cc.set_options(s3_client=request.param):
        yield request.param
