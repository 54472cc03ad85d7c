"""Object storage on a bad day: a proxy in front of an S3 server that spoils answers on request.

>>> with fault_proxy("http://127.0.0.1:9000") as proxy:  # doctest: +SKIP
...     proxy.spoil("503", times=2, methods={"GET"}, pattern=r"/c/")
...     cc.open("s3://bucket/sst.zarr", storage_options={"endpoint_url": proxy.endpoint})
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["FAULTS", "FaultProxy", "fault_proxy"]

FAULTS = (
    "500", "503", "429", "403", "404", "reset", "stall", "truncated", "empty", "html", "bit flip",
    "swapped", "stale listing", "lost acknowledgement",
)  # fmt: skip
_CODES = {
    "500": "InternalError", "503": "SlowDown", "429": "TooManyRequests", "403": "AccessDenied",
    "404": "NoSuchKey",
}  # fmt: skip
_PAGE = b"<html><head><title>Sign in</title></head><body><p>Welcome to this hotel</p></body></html>"
_HOP = ("connection", "content-length", "keep-alive", "transfer-encoding")
_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_COUNT = re.compile(rb"<KeyCount>\d+</KeyCount>")
_KEY = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


@dataclass
class _Rule:
    fault: str = ""
    times: int = 0
    methods: Collection[str] = ()
    pattern: re.Pattern[str] = re.compile("")
    other: Callable[[str], str] | None = None


@dataclass
class FaultProxy:
    """A proxy whose answers can be spoilt.

    Attributes
    ----------
    endpoint
        Its address, for ``endpoint_url``.
    requests
        Methods and paths that came, in order.
    spoilt
        How many answers were spoilt since `spoil` was called.
    """

    endpoint: str = ""
    requests: list[str] = field(default_factory=list)
    spoilt: int = 0
    _rule: _Rule = field(default_factory=_Rule)
    _recent: set[str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def spoil(
        self,
        fault: str,
        *,
        times: int | None = 1,
        methods: Collection[str] = ("GET", "HEAD"),
        pattern: str = "",
        other: Callable[[str], str] | None = None,
    ) -> None:
        """Spoil the next answers to requests of some methods whose path and query fit a pattern.

        Parameters
        ----------
        fault
            One of `FAULTS`. A "stale listing" leaves out what was written after `remember`; a
            "swapped" object is the one whose path ``other`` returns (the server must not check
            signatures); a "lost acknowledgement" is a request that was carried out.
        times
            How often; ``None`` for always.
        """
        if fault not in FAULTS:
            raise ValueError(f"unknown fault: {fault!r}")
        with self._lock:
            times = 10**9 if times is None else times
            self._rule = _Rule(fault, times, tuple(methods), re.compile(pattern), other)
            self.spoilt = 0
            self.requests.clear()

    def calm(self) -> None:
        """Spoil nothing any more."""
        with self._lock:
            self._rule = _Rule()

    def remember(self) -> None:
        """From now on note what is written, to be left out of stale listings."""
        with self._lock:
            self._recent = set()

    def _next(self, method: str, path: str) -> _Rule | None:
        with self._lock:
            self.requests.append(f"{method} {path}")
            rule = self._rule
            listing = "list-type=" in path
            fits = method in rule.methods and rule.pattern.search(unquote(path))
            if rule.times <= 0 or not fits or (rule.fault == "stale listing" and not listing):
                return None
            rule.times -= 1
            self.spoilt += 1
            return rule

    def _note(self, method: str, path: str) -> None:
        with self._lock:
            if self._recent is not None and method == "PUT":
                self._recent.add(unquote(path.partition("?")[0]).split("/", 2)[-1])

    def _fresh(self, body: bytes) -> bytes:
        recent = self._recent or set()

        def keep(entry: re.Match[bytes]) -> bytes:
            key = _KEY.search(entry[0])
            return b"" if key and unquote(key[1].decode()) in recent else entry[0]

        body = _CONTENTS.sub(keep, body)
        count = len(_CONTENTS.findall(body)) + body.count(b"<CommonPrefixes>")
        return _COUNT.sub(b"<KeyCount>%d</KeyCount>" % count, body)


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int  # as announced


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultProxy
    server_address: tuple[str, int]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = self.proxy._next(self.command, self.path)
        fault = rule.fault if rule else ""
        if fault == "stall":
            self.proxy._closing.wait(120)
            self._break()
        elif fault == "reset":
            self._break()
        elif fault in _CODES:
            self._send(_refusal(fault))
        elif fault == "html":
            self._send(_Answer(200, [("Content-Type", "text/html")], _PAGE, len(_PAGE)))
        else:
            path = rule.other(self.path) if rule and rule.other else self.path
            answer = self._forwarded(path, sent)
            self.proxy._note(self.command, self.path)
            if fault == "lost acknowledgement":
                self._break()
            else:
                self._send(self._spoilt(answer, fault), cut=fault == "truncated")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

    def _spoilt(self, answer: _Answer, fault: str) -> _Answer:
        body, length = answer.body, answer.length
        if fault == "empty":
            body, length = b"", 0
        elif fault == "bit flip" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        elif fault == "stale listing":
            body = self.proxy._fresh(body)
            length = len(body)
        return _Answer(answer.status, answer.headers, body, length)

    def _forwarded(self, path: str, sent: bytes) -> _Answer:
        connection = http.client.HTTPConnection(*self.server_address, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        # A signature covers the name by which the client knows the server.
        connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in (headers | {"Content-Length": str(len(sent))}).items():
            connection.putheader(name, value)
        connection.endheaders(sent)
        answer = connection.getresponse()
        body = answer.read()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
        length = len(body)
        if self.command == "HEAD":
            length = int(answer.headers.get("Content-Length") or 0)
        connection.close()
        return _Answer(answer.status, kept, body, length)

    def _send(self, answer: _Answer, *, cut: bool = False) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(answer.length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        if cut:
            self.wfile.flush()
            self._break()

    def _break(self) -> None:
        """Break the connection as a network does: without an orderly end."""
        self.close_connection = True
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()


def _refusal(status: str) -> _Answer:
    text = f"<Error><Code>{_CODES[status]}</Code><Message>no</Message></Error>".encode()
    return _Answer(int(status), [("Content-Type", "application/xml")], text, len(text))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are broken on purpose."""


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of an S3 server (plain HTTP, path-style addresses) on loopback."""
    proxy = FaultProxy()
    parts = urlsplit(upstream)
    names = {"proxy": proxy, "server_address": (parts.hostname, parts.port or 80)}
    server = _Server(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), names))
    proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy._closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
