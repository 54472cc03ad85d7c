"""Entries that a catalog may have, and whose data try to do what a catalog may not."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.catalogs.documents import change, text, valid, with_url

SECRET = b"SECRET-BYTES-OF-ANOTHER-FILE!!!!"


class Touch:
    """What runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def zarr_v2(store: Path, filters: Any, compressor: Any, dtype: str = "|O") -> None:
    """A Zarr store, format 2, whose axis of time is read when it is opened."""
    (store / "time").mkdir(parents=True)
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    facts = {
        "zarr_format": 2, "shape": [2], "chunks": [2], "dtype": dtype, "compressor": compressor,
        "fill_value": None, "order": "C", "filters": filters,
    }  # fmt: skip
    (store / "time" / ".zarray").write_text(json.dumps(facts))
    (store / "time" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["time"]}')
    (store / "time" / "0").write_bytes(pickle.dumps([Touch(), Touch(), (2,)]))


def zarr_v3(store: Path, codecs: list[Any], attributes: dict[str, Any] | None = None) -> None:
    """A Zarr store, format 3, with codecs of its own choice."""
    (store / "time" / "c").mkdir(parents=True)
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes or {}}
    (store / "zarr.json").write_text(json.dumps(group))
    facts = {
        "zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "float64",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0.0, "codecs": codecs,
        "attributes": attributes or {}, "dimension_names": ["time"],
    }  # fmt: skip
    (store / "time" / "zarr.json").write_text(json.dumps(facts))
    (store / "time" / "c" / "0").write_bytes(np.arange(2.0).tobytes())


def netcdf(path: Path, kind: str, outside: Path) -> None:
    """A netCDF file whose data lie in another file."""
    with h5py.File(path, "w") as file:
        time = file.create_dataset("time", data=np.arange(2.0))
        time.attrs["units"] = "days since 2000-01-01"
        time.make_scale("time")
        if kind == "raw":
            file.create_dataset("sst", (2,), dtype="f8", external=[(str(outside), 0, 16)])
        elif kind == "link":
            file["sst"] = h5py.ExternalLink(str(outside), "/x")
        elif kind == "group link":
            file["more"] = h5py.ExternalLink(str(outside), "/")
        else:
            layout = h5py.VirtualLayout((2,), "f8")
            layout[:] = h5py.VirtualSource(str(outside), "x", (2,))
            file.create_virtual_dataset("sst", layout)


class Servers:
    """One server that a catalog names, and one that nobody may reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.forbidden = _serve(self._forbidden)
        self.named = _serve(self._named)

    def _forbidden(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        _answer(request, 200, {}, b"{}")

    def _named(self, request: BaseHTTPRequestHandler) -> None:
        other = f"http://127.0.0.1:{self.forbidden.server_port}"
        kind, _, rest = request.path.strip("/").partition("/")
        code, there = {
            "moved": (301, f"{other}/{rest}"),
            "found": (302, f"{other}/{rest}"),
            "temporary": (307, f"{other}/{rest}"),
            "permanent": (308, f"{other}/{rest}"),
            "relative": (302, f"//127.0.0.1:{self.forbidden.server_port}/{rest}"),
            "byname": (302, f"http://localhost:{self.named.server_port}/{rest}"),
            "file": (302, "file:///etc/passwd"),
            "bucket": (307, f"{other}/{rest}"),
            "region": (301, f"{other}/{rest}"),
        }.get(kind, (200, ""))
        body = b"<html>a page for everything</html>" if code == 200 else b""
        headers = {"Location": there} if there else {}
        if kind == "region":
            headers |= {"x-amz-bucket-region": f"x.{other.removeprefix('http://')}/"}
            body = b"<Error><Code>PermanentRedirect</Code><Endpoint>" + other.encode()
            body += b"</Endpoint><Message>go</Message></Error>"
        _answer(request, code, headers, body)


def _serve(handle: Callable[[BaseHTTPRequestHandler], None]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        do_HEAD = do_PUT = do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _answer(
    request: BaseHTTPRequestHandler, code: int, headers: dict[str, str], body: bytes
) -> None:
    request.send_response(code)
    for name, value in (headers | {"Content-Length": str(len(body))}).items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


@contextmanager
def servers() -> Iterator[Servers]:
    """Both servers, for as long as they are needed."""
    running = Servers()
    try:
        yield running
    finally:
        for server in (running.named, running.forbidden):
            server.shutdown()
            server.server_close()


PICKLE = {"id": "pickle"}
BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
STORES: dict[str, Callable[[Path, Path], str]] = {}


def _store(name: str, make: Callable[[Path], None], suffix: str = ".zarr") -> None:
    def build(folder: Path, outside: Path) -> str:
        make(folder / f"{name}{suffix}")
        return f"{name}{suffix}"

    STORES[name] = build


for _number, (_filters, _compressor, _dtype) in enumerate(
    [
        ([PICKLE], None, "|O"),
        (None, PICKLE, "|O"),
        ([{"id": "vlen-utf8"}, PICKLE], None, "|O"),
        ([{"id": "vlen-utf8"}], PICKLE, "|O"),
        ([{"id": "json2"}, PICKLE], None, "|O"),
        ([{"id": "vlen-bytes"}], PICKLE, "|O"),
        ([PICKLE], None, "<f8"),
        (None, PICKLE, "<f8"),
    ]
):
    _store(
        f"pickle-{_number}",
        lambda path, f=_filters, c=_compressor, d=_dtype: zarr_v2(path, f, c, d),  # type: ignore[misc]
    )
for _number, _codec in enumerate(
    [
        {"name": "numcodecs.pickle", "configuration": {}},
        {"name": "os.system", "configuration": {"command": "touch pwned"}},
        {"name": "evilmodule:Codec", "configuration": {}},
        {"name": "https://127.0.0.1/codec", "configuration": {}},
    ]
):
    _store(f"codec-{_number}", lambda path, c=_codec: zarr_v3(path, [BYTES, c]))  # type: ignore[misc]
_store(
    "attributes",
    lambda path: zarr_v3(
        path,
        [BYTES],
        {"units": "{{ env('HOME') }}", "coordinates": "../../x", "calendar": "!!python/name:os"},
    ),
)
_store(
    "reference",
    lambda path: path.write_text('{"version": 1, "refs": {"a": ["/etc/passwd"]}}') and None,
)
for _kind in ("raw", "link", "group link", "virtual"):

    def _file(folder: Path, outside: Path, kind: str = _kind) -> str:
        name = f"hdf5-{kind.replace(' ', '-')}.nc"
        netcdf(folder / name, kind, outside)
        return name

    STORES[f"hdf5-{_kind.replace(' ', '-')}"] = _file


def linked_later(folder: Path, outside: Path) -> str:
    """A folder that is a store when the catalog is read, and a link when it is opened."""
    return "later.zarr"


STORES["linked-later"] = linked_later
HTTP = ("moved", "found", "temporary", "permanent", "relative", "byname", "file", "page")
S3 = ("bucket", "region")


def write_corpus(folder: Path, outside: Path, named: int) -> list[str]:
    """Write every store and its catalog; return the names."""
    names = []
    for name, make in STORES.items():
        document = with_url("{CATALOG_DIR}/" + make(folder, outside))
        if name.startswith("hdf5"):
            document["data"]["sst@1"]["datatype"] = "intake.readers.datatypes:HDF5"
            document["data"]["sst@1"]["metadata"]["format"] = "netcdf"
        document["data"]["sst@1"]["kwargs"].pop("storage_options")
        names.append(_write(folder, name, document))
    for kind in HTTP:
        for suffix in (".zarr", ".nc"):
            document = with_url(f"http://127.0.0.1:{named}/{kind}/x{suffix}")
            document["data"]["sst@1"]["kwargs"].pop("storage_options")
            if suffix == ".nc":
                document["data"]["sst@1"]["datatype"] = "intake.readers.datatypes:HDF5"
                document["data"]["sst@1"]["metadata"]["format"] = "netcdf"
            names.append(_write(folder, f"http-{kind}{suffix}", document))
    for kind in S3:
        document = change(
            "data|sst@1|kwargs",
            {
                "url": f"s3://{kind}/x.zarr",
                "storage_options": {"anon": True, "endpoint_url": f"http://127.0.0.1:{named}"},
            },
        )
        names.append(_write(folder, f"s3-{kind}", document))
    (folder / "good.zarr").mkdir()
    zarr_v3(folder / "good.zarr" / "x", [BYTES])
    document = valid()
    document["data"]["sst@1"]["kwargs"] = {"url": "{CATALOG_DIR}/good.zarr/x"}
    return [*names, _write(folder, "good", document)]


def _write(folder: Path, name: str, document: dict[str, Any]) -> str:
    (folder / f"{name}.yaml").write_text(text(document))
    return name
