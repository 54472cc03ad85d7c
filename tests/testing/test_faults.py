"""The proxy does what it says, so that a matrix of right outcomes means something."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from climcube.testing.faults import FAULTS, fault_proxy

BODY = bytes(range(200))
LISTING = (
    b"<ListBucketResult><KeyCount>2</KeyCount><Contents><Key>old</Key></Contents>"
    b"<Contents><Key>new</Key></Contents></ListBucketResult>"
)


@pytest.fixture
def upstream():
    """A server that knows three objects and counts what is written."""
    written = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = (
                LISTING if "list-type" in self.path else BODY[:: -1 if "other" in self.path else 1]
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"x"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def do_PUT(self):
            written.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.written = written
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(upstream):
    with fault_proxy(f"http://127.0.0.1:{upstream.server_address[1]}") as made:
        yield made


def ask(proxy, path="/bucket/key", method="GET", body=None, patience=60):
    parts = urlsplit(proxy.endpoint)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=patience)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_calm_answers_are_those_of_the_server(proxy, upstream):
    assert ask(proxy) == (200, BODY)
    assert ask(proxy, method="HEAD") == (200, b"")
    assert ask(proxy, method="PUT", body=b"data") == (200, b"")
    assert upstream.written == [("/bucket/key", b"data")]
    assert proxy.requests == ["GET /bucket/key", "HEAD /bucket/key", "PUT /bucket/key"]


@pytest.mark.parametrize("fault", ["500", "503", "429", "403", "404"])
def test_refusals_come_as_often_as_asked_for(proxy, fault):
    proxy.spoil(fault, times=2)
    assert [ask(proxy)[0] for _ in range(3)] == [int(fault), int(fault), 200]
    assert proxy.spoilt == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", (ConnectionError, http.client.BadStatusLine)),
        ("stall", TimeoutError),
        ("truncated", (http.client.IncompleteRead, ConnectionError)),
    ],
)
def test_broken_answers(proxy, fault, error):
    proxy.spoil(fault)
    with pytest.raises(error):
        ask(proxy, patience=0.5 if fault == "stall" else 60)
    assert ask(proxy) == (200, BODY)


def test_answers_of_other_content(proxy):
    proxy.spoil("empty")
    assert ask(proxy) == (200, b"")
    proxy.spoil("html")
    assert b"<html>" in ask(proxy)[1]
    proxy.spoil("bit flip")
    got = ask(proxy)[1]
    assert sum((a ^ b).bit_count() for a, b in zip(got, BODY, strict=True)) == 1
    proxy.spoil("swapped", other=lambda path: path.replace("key", "other"))
    assert ask(proxy) == (200, BODY[::-1])


def test_a_stale_listing_lacks_what_was_written_since(proxy):
    proxy.remember()
    ask(proxy, "/bucket/new", "PUT", b"")
    assert ask(proxy, "/bucket?list-type=2")[1] == LISTING
    proxy.spoil("stale listing", times=None)
    body = ask(proxy, "/bucket?list-type=2")[1]
    assert b"old" in body and b"new" not in body and b"<KeyCount>1<" in body
    assert ask(proxy) == (200, BODY)


def test_a_lost_acknowledgement_was_carried_out(proxy, upstream):
    proxy.spoil("lost acknowledgement", methods={"PUT"})
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        ask(proxy, method="PUT", body=b"data")
    assert upstream.written == [("/bucket/key", b"data")]


def test_only_what_fits_is_spoilt(proxy):
    proxy.spoil("500", times=None, methods={"GET"}, pattern="/c/")
    assert ask(proxy)[0] == 200 and ask(proxy, "/bucket/c/0")[0] == 500
    assert ask(proxy, "/bucket/c/0", "PUT", b"")[0] == 200
    proxy.calm()
    assert ask(proxy, "/bucket/c/0")[0] == 200


def test_an_unknown_fault_is_refused(proxy):
    with pytest.raises(ValueError, match="unknown fault"):
        proxy.spoil("rain")
    assert len(FAULTS) == 14
