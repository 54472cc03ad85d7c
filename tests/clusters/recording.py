"""An S3 server that remembers who asked: the key that signed each request."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import s3fs

from tests.servers import moto

_NAME = "AWS4-HMAC-SHA256 Credential="


@dataclass(frozen=True)
class Recorder:
    """A running server with an empty bucket named ``bucket``."""

    endpoint: str

    def forget(self) -> None:
        """Begin anew."""
        for action in ("reset-recording", "start-recording"):
            self._ask(action, b"")

    def keys(self) -> set[str]:
        """Return the keys that signed requests since."""
        lines = self._ask("download-recording").decode().splitlines()
        found = [json.loads(line)["headers"].get("Authorization", "") for line in lines]
        return {text.removeprefix(_NAME).partition("/")[0] for text in found if text}

    def _ask(self, action: str, data: bytes | None = None) -> bytes:
        url = f"{self.endpoint}/moto-api/recorder/{action}"
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
            told: bytes = answer.read()
        return told


@contextmanager
def recording_store() -> Iterator[Recorder]:
    """Run a server; it takes any key."""
    with moto() as endpoint:
        system = s3fs.S3FileSystem(
            key="anyone", secret="anything", endpoint_url=endpoint, skip_instance_cache=True
        )
        system.mkdir("bucket")
        yield Recorder(endpoint)
