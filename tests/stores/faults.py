"""A server that answers as S3 does on a bad day."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}


@dataclass
class Weather:
    """What the next answers look like: a kind of fault, and how often it comes."""

    fault: str = "none"
    times: int = 10**9
    only: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0.0
    active: int = 0
    most: int = 0  # requests under way at once
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, path: str, headers: Mapping[str, str]) -> str:
        with self.lock:
            self.requests.append(path)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            if self.times <= 0 or self.only not in path:
                return "none"
            self.times -= 1
            return self.fault

    def work(self) -> None:
        """Take ``delay`` over a request; it is done before a client can have any of its answer."""
        with self.lock:
            self.active += 1
            self.most = max(self.most, self.active)
        time.sleep(self.delay)
        with self.lock:
            self.active -= 1


@contextmanager
def bad_weather(content: dict[str, bytes]) -> Iterator[tuple[str, Weather]]:
    """Serve objects by ``/bucket/key`` on a free port; yield the endpoint and its weather."""
    weather = Weather(content=content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            weather.work()
            self._answer(body=True)

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = weather.next(self.path, self.headers)
            self._refuse(int(fault) if fault.isdigit() else 500, body=True)

        def _answer(self, *, body: bool) -> None:
            fault = weather.next(self.path, self.headers)
            if fault == "stall":
                time.sleep(30)
                self.close_connection = True
                return
            if fault == "reset":
                self.connection.close()
                self.close_connection = True
                return
            if fault.isdigit():
                self._refuse(int(fault), body)
                return
            content = weather.content.get(self.path.partition("?")[0])
            if content is None:
                self._refuse(404, body)
                return
            status, start, stop = 200, 0, len(content)
            wanted = self.headers.get("Range", "")
            if wanted.startswith("bytes="):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start = int(first) if first else len(content) - int(last)
                stop = min(len(content), int(last) + 1) if first and last else len(content)
                status = 206
            part = content[start:stop]
            self.send_response(status)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            self.send_header("ETag", '"x"')
            self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
            self.end_headers()
            if body and fault == "truncated":
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
            elif body:
                self.wfile.write(part)

        def _refuse(self, status: int, body: bool) -> None:
            text = f"<Error><Code>{_CODES[status]}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if body:
                self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # connections are broken on purpose
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", weather
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
