"""An S3 server of our own, for all tests of stores."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

SECRET = "CANARYSECRET"


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def endpoint():
    """A server of its own for these tests, stopped at their end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
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
        server.wait(10)


@pytest.fixture
def options(endpoint):
    """Storage options as a user of any S3-compatible store writes them, and an empty bucket."""
    import s3fs

    given = {
        "key": "CANARYKEY",
        "secret": SECRET,
        "client_kwargs": {"endpoint_url": endpoint},
    }
    system = s3fs.S3FileSystem(**given)
    system.mkdir("bucket")
    yield given
    system.invalidate_cache()
    system.rm("bucket", recursive=True)
