"""A real Dask-Gateway on loopback: server, proxy, schedulers and workers as it starts them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest
import xarray as xr
from dask_gateway.auth import BasicAuth

import climcube as cc
from climcube.errors import ClusterError, CredentialsWarning, ParameterError
from climcube.stores.filesystems import file_system
from tests.clusters.gateways import PASSWORD, Server, asking, gateway_server
from tests.clusters.recording import Recorder, recording_store

QUICK: dict[str, Any] = {"warm_up": None, "deadline": 60}


@pytest.fixture(scope="session")
def store() -> Iterator[Recorder]:
    with recording_store() as server:
        yield server


@pytest.fixture(scope="session")
def server(store: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its workers alone know the credentials of the store."""
    environment = {
        "AWS_ACCESS_KEY_ID": "WORKERKEY", "AWS_SECRET_ACCESS_KEY": "of workers",
        "AWS_ENDPOINT_URL": store.endpoint, "HOME": str(tmp_path_factory.mktemp("home")),
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", ""),
    }  # fmt: skip
    with gateway_server(tmp_path_factory.mktemp("gateway"), environment) as running:
        yield running


def running_on(server: Server) -> list[str]:
    """Return the names of the clusters that the gateway runs, as it says itself."""
    with asking(server) as gateway:
        return [report.name for report in gateway.list_clusters()]


def test_a_heatwave_run_from_object_storage_to_object_storage(
    server: Server, store: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    mine = {"key": "CLIENTKEY", "secret": "CANARY", "endpoint_url": store.endpoint}
    ocean = cc.testing.synthetic_ocean(years=4, shape=(4, 6))
    encoding = {"sst": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -32768}}
    source = "s3://bucket/sst.zarr"
    cc.save(ocean.chunk(lat=4, lon=3), source, encoding=encoding, storage_options=mine)
    sst = cc.open(source, variable="sst", storage_options=mine)
    alone = str(tmp_path / "alone.zarr")
    cc.save(cc.heatwaves(sst), alone, parts=("annual",))

    together = "s3://bucket/together.zarr"
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        cc.cluster("gateway", workers=2, **server.arguments(), **QUICK) as session,
    ):
        assert session.workers == 2 and session.kind == "gateway"
        name = running_on(server)[0]
        assert session.dashboard == f"{server.address}/clusters/{name}/status"
        assert session.client.scheduler_info()["address"].startswith("tls://")
        assert PASSWORD not in repr(session) + session._repr_html_()
        with pytest.warns(CredentialsWarning, match="not sent to the workers"):
            sst = cc.open(source, variable="sst", storage_options=mine)
        store.forget()
        days = cc.heatwaves(sst).annual["days"].compute()
        assert store.keys() == {"WORKERKEY"}
        cc.save(cc.heatwaves(sst), together, parts=("annual",), storage_options=mine)
        assert store.keys() == {"WORKERKEY", "CLIENTKEY"}  # metadata is written here
        raise ZeroDivisionError  # what was started is stopped, also then
    assert running_on(server) == []
    assert session.client.status == "closed"

    assert objects(alone) == objects(together, mine)
    assert objects(alone)
    saved = cc.open(together, group="annual", storage_options=mine)
    xr.testing.assert_equal(saved["days"].compute(), days)


def objects(address: str, options: dict[str, Any] | None = None) -> dict[str, bytes]:
    """Return what was written as data; descriptions say when they were written."""
    system, root = file_system(address, options)
    return {
        path.removeprefix(root): system.cat_file(path)
        for path in system.find(root)
        if "/c/" in path.removeprefix(root) and "climcube" not in path
    }


def test_scaling_names_and_what_is_left(server: Server) -> None:
    # One cluster for several questions: each takes a while to start.
    given = server.arguments()
    with asking(server) as gateway:
        name = gateway.submit(environment={"OF_THE_CLUSTER": "sea"}, idle_timeout=90)
        try:
            while gateway.get_cluster(name).status.name == "PENDING":
                time.sleep(0.05)
            for workers, deadline, message in [
                (None, 0.5, r"no worker came \(gateway\).*found 0 of them"),
                (9, 60, "not grant that many.*9 workers.*limit of 3"),
            ]:
                asked = {"name": name, "workers": workers, "warm_up": None, "deadline": deadline}
                with (
                    pytest.raises(ClusterError, match=message),
                    cc.cluster("gateway", **asked, **given),
                ):
                    pass
            gateway.scale_cluster(name, 0)
            with cc.cluster("gateway", name=name, adaptive=(1, 2), **given, **QUICK) as session:
                assert distributed.default_client() is session.client
                told = session.client.run(os.getenv, "OF_THE_CLUSTER")
                assert set(told.values()) == {"sea"}
                assert dask.delayed(sum)([1, 2]).compute() == 3
            # It was there before, and is there still.
            assert gateway.get_cluster(name).status.name == "RUNNING"
        finally:
            gateway.stop_cluster(name)


def test_options_are_those_that_the_gateway_offers(server: Server) -> None:
    given = server.arguments()
    for options, message in [
        (
            {"worker_core": 1},
            r"no such option of a cluster \(worker_core\).*did you mean 'worker_c",
        ),
        ({"gpus": 1}, "known: environment, idle_timeout, worker_cores"),
        ({"worker_cores": 9}, r"does not take this value \(worker_cores=9\).*must be <= 2"),
        ({"worker_cores": "many"}, "does not take this value"),
        ({"environment": 3}, "does not take this value"),
    ]:
        with (
            pytest.raises(ParameterError, match=message),
            cc.cluster("gateway", options=options, **given),
        ):
            pass
    assert running_on(server) == []


def test_a_cluster_that_does_not_exist(server: Server) -> None:
    with (
        pytest.raises(ClusterError, match=r"no such cluster is running \(name='abc'\)"),
        cc.cluster("gateway", name="abc", **server.arguments()),
    ):
        pass


@pytest.mark.parametrize("auth", [BasicAuth("ocean", "CANARYWRONG"), "basic"])
def test_wrong_credentials(server: Server, auth: Any) -> None:
    given = server.arguments() | {"auth": auth}
    with (
        pytest.raises(ClusterError, match="refuses the credentials.*401.*gateway.auth") as caught,
        cc.cluster("gateway", **given),
    ):
        pass
    assert "CANARY" not in str(caught.value)


def test_where_it_is_may_be_configured(server: Server) -> None:
    config = {
        "gateway.address": server.address, "gateway.proxy-address": server.proxy,
        "gateway.auth": {"type": "basic", "kwargs": {"username": "x", "password": PASSWORD}},
    }  # fmt: skip
    with (
        dask.config.set(config),
        pytest.raises(ClusterError, match=r"no such cluster is running"),
        cc.cluster("gateway", name="abc"),
    ):
        pass


def test_no_address_is_known() -> None:
    with (
        dask.config.set({"gateway.address": None}),
        pytest.raises(ParameterError, match=r"no address of a Dask-Gateway.*gateway\.address"),
        cc.cluster("gateway"),
    ):
        pass


def test_a_gateway_that_is_not_there() -> None:
    address = "http://me:CANARY@127.0.0.1:9/services/dask-gateway"
    with (
        pytest.raises(ClusterError, match=r"gateway does not answer \(http://127.0.0.1:9/") as told,
        cc.cluster("gateway", address=address),
    ):
        pass
    assert "CANARY" not in str(told.value)


def test_something_else_that_is_there(store: Recorder) -> None:
    with (
        pytest.raises(ClusterError, match="does not answer as a Dask-Gateway|gateway refuses"),
        cc.cluster("gateway", address=store.endpoint, auth="basic"),
    ):
        pass


def test_a_gateway_that_keeps_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("climcube.clusters.gateway._LONGEST", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(ClusterError, match=r"does not answer.*nothing within 0.3 s"),
            cc.cluster("gateway", address=address, auth="basic"),
        ):
            pass
