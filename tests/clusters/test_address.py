"""Schedulers that run already: reached safely, compared, left as they were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dask
import distributed
import pytest
from distributed import LocalCluster

import climcube as cc
from climcube.clusters.address import require_safe
from climcube.errors import ClusterError, ParameterError
from climcube.options import get_option
from tests.clusters.schedulers import elsewhere, scheduler

QUICK: dict[str, Any] = {"warm_up": None, "deadline": 60}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalCluster]:
    with scheduler() as cluster:
        yield cluster


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.1:8786", "tcp://192.168.1.20:8786", "tcp://scheduler.example.org:8786",
        "node7:8786", "10.0.0.1:8786", "tcp://0.0.0.0:8786", "ws://10.0.0.1:80",
        "ucx://10.0.0.1:8786", "tcp://[2001:db8::1]:8786", "tcp://127.0.0.1.example.org:8786",
        "tcp://localhost.example.org:8786", "tcp://me:CANARY@10.0.0.1:8786",
        "tcp://127.0.0.1@10.0.0.1:8786",
    ],
)  # fmt: skip
def test_a_network_without_encryption_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="without encryption.*tls://.*allow_insecure") as caught:
        cc.cluster(address)
    assert "CANARY" not in str(caught.value)
    require_safe(address, allow_insecure=True)


@pytest.mark.parametrize(
    "address",
    [
        "tls://10.0.0.1:8786", "wss://scheduler.example.org:443", "tcp://127.0.0.1:8786",
        "127.0.0.1:8786", "localhost:8786", "tcp://[::1]:8786", "tcp://127.1.2.3:8786",
        "inproc://10.0.0.1/77/1",
    ],
)  # fmt: skip
def test_what_nobody_can_listen_to_is_fine(address: str) -> None:
    require_safe(address, allow_insecure=False)


@pytest.mark.parametrize("address", ["ftp://h:1", "https://h/x", "s3://bucket"])
def test_other_addresses_are_none_of_a_scheduler(address: str) -> None:
    with pytest.raises(ParameterError, match="no address of a Dask scheduler"):
        cc.cluster(address)


def test_one_that_does_not_answer() -> None:
    with (
        pytest.raises(ClusterError, match=r"scheduler does not answer \(tcp://127.0.0.1:9\)"),
        cc.cluster("tcp://127.0.0.1:9", warm_up=None, deadline=0.3),
    ):
        pass
    assert dask.config.get("scheduler", None) is None  # later work is done here again


def test_no_worker_is_an_error() -> None:
    with (
        scheduler(workers=0) as cluster,
        pytest.raises(ClusterError, match=r"no worker came.*1 within 0.2 s.*found 0 of them"),
        cc.cluster(cluster.scheduler_address, warm_up=None, deadline=0.2),
    ):
        pass


def test_too_few_workers_are_counted(running: LocalCluster) -> None:
    with (
        pytest.raises(ClusterError, match=r"not all workers came.*3 within.*found 1 of them.*wait"),
        cc.cluster(running.scheduler_address, workers=3, warm_up=None, deadline=0.2),
    ):
        pass


def test_it_is_used_and_left_as_it_was(running: LocalCluster) -> None:
    address = running.scheduler_address
    with cc.cluster(address, **QUICK) as session:
        assert distributed.default_client() is session.client
        assert session.kind == address and session.workers == 1
        assert dask.delayed(sum)([1, 2]).compute() == 3
        worker = next(iter(running.workers.values()))
        assert any(name.startswith("climcube-") for name in worker.plugins)
    assert not any(name.startswith("climcube-") for name in worker.plugins)
    assert running.status.name == "running" and worker.status.name == "running"
    assert not running.scheduler.worker_plugins.keys() - {"shuffle"}


def test_tls_with_certificates() -> None:
    security = distributed.Security.temporary()
    with scheduler(protocol="tls://", security=security) as cluster:
        assert cluster.scheduler_address.startswith("tls://")
        with cc.cluster(cluster.scheduler_address, security=security, **QUICK) as session:
            assert session.workers == 1
        with (
            pytest.raises(ClusterError, match="scheduler does not answer"),
            cc.cluster(cluster.scheduler_address, warm_up=None, deadline=1),
        ):
            pass


def test_a_lost_scheduler_is_one_clear_error() -> None:
    with (
        elsewhere() as cluster,
        cc.cluster(cluster.address, warm_up=None, deadline=10) as session,
    ):
        task = session.client.submit(time.sleep, 60)
        while not any(session.client.processing().values()):
            time.sleep(0.02)
        cluster.kill()
        with pytest.raises(ClusterError, match="connection to the scheduler was lost") as told:
            session.client.gather(task)
        with pytest.raises(ClusterError, match="connection to the scheduler was lost"):
            dask.delayed(sum)([1, 2]).compute()
    assert dask.config.get("scheduler", None) is None
    assert "resume=True" in str(told.value) and len(str(told.value).splitlines()) == 1


def test_options_of_this_process_stay(running: LocalCluster) -> None:
    # Its workers are threads of this process here: nothing may be set, nothing restored.
    with cc.set_options(s3_concurrency=7), cc.cluster(running.scheduler_address, **QUICK):
        assert get_option("s3_concurrency") == 7
    assert get_option("s3_concurrency") == 32
