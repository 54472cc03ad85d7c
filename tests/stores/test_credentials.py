"""Canaries: credentials in every way they can be handed over, and everything that could sing."""

from __future__ import annotations

import io
import json
import logging
import pickle
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cloudpickle
import dask
import fsspec
import pytest
import zarr
from dask.base import tokenize

import climcube as cc
from climcube.catalogs import write_entry
from climcube.errors import CatalogError, ClimcubeError, CredentialsWarning, StoreError
from climcube.stores.credentials import Secret, hidden_address, hidden_options
from climcube.stores.filesystems import file_system, zarr_target

KEY, SECRET, TOKEN = "AKIACANARYKEY", "CANARYSECRET/with+signs", "CANARYTOKEN=="
PASSWORD, SIGNATURE = "CANARYPASSWORD", "CANARYSIGNATURE"
CANARIES = ("CANARY",)


class Cage:
    """Everything that was said, by name."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def hear(self, name: str, thing: Any) -> None:
        """Keep the ways in which a thing shows itself."""
        texts = [repr(thing), str(thing)]
        html = getattr(thing, "_repr_html_", None)
        texts += [str(html())] if html is not None else []
        for attribute in ("attrs", "encoding", "__dict__"):
            texts.append(repr(getattr(thing, attribute, "")))
        self.said[name] = "\n".join(texts)

    def hear_graph(self, name: str, cube: Any) -> None:
        """Keep the graph of a cube, its keys, its token, and its pickles."""
        graph = dict(cube.__dask_graph__())
        for label, dump in (("pickle", pickle.dumps), ("cloudpickle", cloudpickle.dumps)):
            self.said[f"{name}: {label} of the cube"] = dump(cube).decode("latin-1")
            self.said[f"{name}: {label} of the graph"] = dump(graph).decode("latin-1")
        self.said[f"{name}: keys"] = repr(list(graph))
        self.said[f"{name}: token"] = tokenize(cube)
        self.said[f"{name}: tasks"] = repr(list(graph.values()))

    def hear_error(self, name: str, error: BaseException) -> None:
        """Keep an error, its traceback, and the locals of each frame as rich shows them."""
        from rich.console import Console
        from rich.traceback import Traceback

        self.said[f"{name}: error"] = repr(error) + str(error)
        self.said[f"{name}: traceback"] = "".join(traceback.format_exception(error))
        self.said[f"{name}: pickle"] = pickle.dumps(error).decode("latin-1")
        page = io.StringIO()
        # Our own frames only: what a test or a user keeps in a variable is theirs.
        shown = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=False)
        Console(file=page, width=400).print(shown)
        self.said[f"{name}: rich"] = page.getvalue()

    def sang(self) -> dict[str, str]:
        """Return where a canary was heard, and the words around it."""
        found = {}
        for name, text in self.said.items():
            for canary in CANARIES:
                where = text.find(canary)
                if where >= 0:
                    found[name] = text[max(0, where - 80) : where + 40]
        return found


@pytest.fixture
def cage(caplog: pytest.LogCaptureFixture) -> Iterator[Cage]:
    """A cage that hears logs at their most talkative, and warnings."""
    caplog.set_level(logging.DEBUG)
    for name in ("botocore", "aiobotocore", "s3fs", "fsspec", "climcube"):
        caplog.set_level(logging.DEBUG, logger=name)
    heard = Cage()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield heard
    heard.said["warnings"] = "\n".join(str(one.message) for one in caught)
    heard.said["logs"] = caplog.text
    assert heard.sang() == {}


@pytest.fixture
def secret_options(endpoint: str) -> Iterator[dict[str, Any]]:
    """Storage options with a key, a secret and a token, by value."""
    import s3fs

    given = {
        "key": KEY, "secret": SECRET, "token": TOKEN, "client_kwargs": {"endpoint_url": endpoint},
    }  # fmt: skip
    logging.disable()  # s3fs alone is not ours to silence
    system = s3fs.S3FileSystem(**given)
    system.mkdir("canary")
    logging.disable(logging.NOTSET)
    yield given
    logging.disable()
    system.invalidate_cache()
    system.rm("canary", recursive=True)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("how", "client"),
    [
        ("options", "s3fs"), ("options", "obstore"), ("environment", "s3fs"),
        ("address", "s3fs"), ("address", "obstore"),
    ],
)  # fmt: skip
def test_all_verbs_keep_the_secret(
    how: str, client: str, cage: Cage, secret_options: dict[str, Any], endpoint: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    options: dict[str, Any] | None = secret_options
    bucket = "s3://canary"
    if how == "environment":
        options = None
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN, "AWS_ENDPOINT_URL": endpoint,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
    if how == "address":
        options = {"client_kwargs": {"endpoint_url": endpoint}, "token": TOKEN}
        bucket = f"s3://{KEY}:CANARYSECRET@canary"
    reported = (how, client) == ("options", "s3fs")
    ocean = cc.testing.synthetic_ocean(years=4 if reported else 1, shape=(2, 3))
    ocean.to_netcdf(tmp_path / "a.nc")
    with cc.set_options(s3_client=client):
        store = f"{bucket}/cube.zarr"
        cage.hear("ingest", cc.ingest(str(tmp_path / "*.nc"), store, target_options=options))
        cube = cc.open(store, storage_options=options)
        cage.hear("verified", cc.verify(store, storage_options=options))
        cage.hear("cube", cube)
        cage.hear("variable", cube["sst"])
        cage.hear_graph("open", cube["sst"])
        anomaly = cc.anomaly(cube["sst"], "month")
        cage.hear("anomaly", anomaly)
        cage.hear_graph("anomaly", anomaly)
        cage.hear("saved", cc.save(anomaly, f"{bucket}/saved.zarr", storage_options=options))
        if reported:
            page = tmp_path / "report.html"
            cc.report(cube["sst"], str(page))
            cage.said["report"] = page.read_text()
        for name in ("cube.zarr", "saved.zarr"):
            system, root = file_system(f"{bucket}/{name}", options)
            for path in system.find(root):
                cage.said[f"object {path}"] = system.cat_file(path).decode("latin-1")
        with pytest.raises(ClimcubeError) as caught:
            cc.open(f"{bucket}/nothing.zarr", storage_options=options)
        cage.hear_error("missing", caught.value)


def test_file_systems_and_stores_keep_it(cage: Cage, secret_options: dict[str, Any]) -> None:
    system, _ = file_system("s3://canary/x", secret_options)
    cage.hear("file system", system)
    cage.said["json"] = system.to_json() + json.dumps(system.to_dict(), default=str)
    cage.said["pickled"] = pickle.dumps(system).decode("latin-1")
    for client in ("s3fs", "obstore"):
        with cc.set_options(s3_client=client):
            store = zarr_target("s3://canary/x", secret_options)["store"]
        cage.hear(f"store {client}", store)
        cage.said[f"pickled {client}"] = pickle.dumps(store).decode("latin-1")
        array = zarr.create_array(store, name="a", shape=(2,), dtype="f4", overwrite=True)
        array[:] = 1
        cage.said[f"array {client}"] = pickle.dumps(array).decode("latin-1") + repr(array.info)


def test_versioned_stores_keep_it(cage: Cage, secret_options: dict[str, Any]) -> None:
    pytest.importorskip("icechunk")
    from climcube.stores.versioned.repositories import open_repository

    repository = open_repository("s3://canary/v.icechunk", secret_options, create=True)
    session = repository.writable_session("main")
    cage.hear("repository", repository)
    cage.hear("session", session)
    zarr.create_group(session.store)
    for name, thing in (("fork", session.fork()), ("store", session.fork().store)):
        cage.said[f"pickled {name}"] = pickle.dumps(thing).decode("latin-1")
    session.commit("x")
    reader = repository.readonly_session("main")
    cage.said["pickled reader"] = pickle.dumps(reader).decode("latin-1")


def test_verbs_of_versioned_stores_keep_it(
    cage: Cage, secret_options: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("icechunk")
    cc.testing.synthetic_ocean(years=1, shape=(2, 3)).to_netcdf(tmp_path / "a.nc")
    store = "s3://canary/sea.icechunk"
    cage.hear("ingest", cc.ingest(str(tmp_path / "a.nc"), store, target_options=secret_options))
    cube = cc.open(store, variable="sst", storage_options=secret_options)
    cage.hear("cube", cube)
    cage.hear_graph("versioned", cube)
    cage.hear("versions", cc.versions(store, storage_options=secret_options))
    cage.hear("verified", cc.verify(store, storage_options=secret_options))
    system, root = file_system(store, secret_options)
    for path in system.find(root):
        cage.said[f"object {path}"] = system.cat_file(path).decode("latin-1")
    with pytest.raises(ClimcubeError) as caught:
        cc.open(store, version="none", storage_options=secret_options)
    cage.hear_error("no version", caught.value)


def test_catalogs_keep_it(cage: Cage, secret_options: dict[str, Any], tmp_path: Path) -> None:
    file = write_entry(tmp_path / "c.yaml", "x", title="X", address="s3://canary/none.zarr")
    system, _ = file_system("s3://canary/c.yaml", secret_options)
    system.put_file(str(file), "canary/c.yaml")
    known = cc.catalog("s3://canary/c.yaml", storage_options=secret_options)
    address = cc.catalog(
        f"s3://{KEY}:CANARYSECRET@canary/c.yaml",
        storage_options={"client_kwargs": secret_options["client_kwargs"], "token": TOKEN},
    )
    for name, catalog in (("catalog", known), ("catalog by address", address)):
        cage.hear(name, catalog)
        cage.hear(f"entry of {name}", catalog["x"])
        cage.said[f"{name} shown"] = catalog["x"].show() + json.dumps(catalog["x"].to_stac())
        cage.said[f"{name} pickled"] = pickle.dumps(catalog["x"]).decode("latin-1")
    report = known.check(storage_options=secret_options, deadline=20)
    cage.hear("check", report)
    cage.said["check as JSON and HTML"] = report.to_json() + report.to_html()
    for wrong in (
        {"address": f"s3://{KEY}:{SECRET}@b/x.zarr"},
        {"address": f"https://me:{PASSWORD}@h/x.zarr"},
        {"address": f"https://h/x.nc?X-Amz-Signature={SIGNATURE}&X-Amz-Date=1"},
        {"address": f"https://h/x.nc?sig={SIGNATURE}"},
        {"addresses": [{"url": "s3://b/x", "storage_options": {"secret": SECRET}}]},
    ):
        with pytest.raises(CatalogError) as caught:
            write_entry(tmp_path / "bad.yaml", "x", title="X", **wrong)
        cage.said[f"refused {list(wrong)} {wrong['address'][:8] if 'address' in wrong else ''}"] = (
            str(caught.value)
        )
        assert not (tmp_path / "bad.yaml").exists()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that gives one netCDF file to who has the password or the signature."""
    path = tmp_path_factory.mktemp("web") / "x.nc"
    cc.testing.synthetic_ocean(years=1, shape=(4, 6)).to_netcdf(path, engine="h5netcdf")
    body = path.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signed = SIGNATURE in self.path or "Basic" in self.headers.get("Authorization", "")
            first, last = 0, len(body) - 1
            if wanted := self.headers.get("Range", "").removeprefix("bytes="):
                first, last = (int(n or last) for n in wanted.split("-"))
            part = body[first : last + 1] if signed else b""
            self.send_response((206 if wanted else 200) if signed else 403)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "query", [f"?X-Amz-Signature={SIGNATURE}&X-Amz-Expires=60", f"?sig={SIGNATURE}"]
)
def test_signed_web_addresses(query: str, cage: Cage, web: str) -> None:
    cube = cc.open(f"http://{web}/x.nc{query}", variable="sst")
    assert float(cube.isel(time=0).mean()) > -5  # it is read, and the signature is sent
    cage.hear("signed", cube)
    cage.hear_graph("signed", cube)
    again = pickle.loads(pickle.dumps(cube))
    assert float(again.isel(time=0).mean()) > -5  # in this process it is known
    with pytest.raises(StoreError) as caught:
        cc.open(f"http://{web}/x.nc?sig=wrong&token={TOKEN}")
    cage.hear_error("refused", caught.value)


def test_another_process_says_what_it_lacks(web: str, tmp_path: Path) -> None:
    address = hidden_address(f"http://{web}/x.nc?sig={SIGNATURE}")
    (tmp_path / "thing").write_bytes(pickle.dumps((hidden_options({"secret": SECRET}),)))
    (tmp_path / "address").write_bytes(pickle.dumps(address))
    code = (
        "import pickle, sys\n"
        "print(pickle.load(open(sys.argv[1] + '/thing', 'rb')))\n"
        "pickle.load(open(sys.argv[1] + '/address', 'rb'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "({'secret': None},)" in done.stdout
    assert "CredentialsWarning" in done.stderr and "are not known here" in done.stderr
    assert "is known in one process only" in done.stderr
    assert "CANARY" not in done.stdout + done.stderr


def test_connections_of_different_secrets_are_different() -> None:
    # fsspec tells them apart by what they print: hidden alike, one user would act as another.
    one, _ = file_system("s3://b/x", {"key": "k", "secret": "one"})
    two, _ = file_system("s3://b/x", {"key": "k", "secret": "two"})
    same, _ = file_system("s3://b/x", {"key": "k", "secret": "one"})
    assert one is same and one is not two and one.secret == "one" and two.secret == "two"
    assert tokenize(Secret("one")) != tokenize(Secret("two"))


def test_a_secret_is_the_text_for_who_signs() -> None:
    options = hidden_options(
        {"secret": SECRET, "client_kwargs": {"headers": {"Authorization": "x"}}, "token": "anon"}
    )
    assert options["secret"] == SECRET and isinstance(options["secret"], Secret)
    assert isinstance(options["client_kwargs"]["headers"]["Authorization"], Secret)
    assert type(options["token"]) is str
    assert hidden_options({"profile": "ocean", "anon": True, "endpoint_url": "https://h"}) == {
        "profile": "ocean", "anon": True, "endpoint_url": "https://h",
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(options)) == options


def test_who_has_a_client_is_told() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=0, processes=True, dashboard_address=None, silence_logs=logging.ERROR
        ) as cluster,
        distributed.Client(cluster),
    ):
        with pytest.warns(CredentialsWarning, match="AWS_PROFILE"):
            hidden_options({"secret": SECRET})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            hidden_options({"profile": "ocean"})


def test_the_cage_hears() -> None:
    # Were it deaf, every test above would pass.
    cage = Cage()
    system = fsspec.filesystem("s3", key=KEY, secret=SECRET, skip_instance_cache=True)
    cage.said["json"] = system.to_json()
    cage.said["pickle"] = pickle.dumps(system).decode("latin-1")
    cube = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).chunk().sst
    cage.hear_graph("cube", cube.assign_attrs(key=KEY))
    cage.hear_error("error", StoreError(f"no {SECRET}"))
    assert {"json", "pickle", "cube: pickle of the cube", "error: error"} <= set(cage.sang())


def test_the_command_line_shows_no_locals() -> None:
    from climcube.cli import app

    assert app.pretty_exceptions_enable is False
    assert dask.is_dask_collection(cc.testing.synthetic_ocean(years=1).chunk().sst)
