"""Packages of client, scheduler and workers: what differs is told in one line before any work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import pytest
from distributed import LocalCluster

import climcube as cc
from climcube.clusters import joining
from climcube.clusters.client import connected
from climcube.clusters.session import Session, Terms, opened
from climcube.clusters.versions import differing, of_cluster, of_this_process, require_same
from climcube.errors import ClusterError, ClusterWarning
from tests.clusters.schedulers import elsewhere, scheduler

NAMES = {
    "python", "climcube", "numpy", "numba", "dask", "distributed", "xarray", "zarr", "pandas",
    "s3fs", "cloudpickle",
}  # fmt: skip
_FAKE = """
import importlib.metadata, distributed.versions
told = {{"numpy": "1.26.4", "numba": "0.60.0", "climcube": {climcube!r}}}
real = importlib.metadata.version
def version(name):
    try:
        return told[name] if name in told else real(name)
    except importlib.metadata.PackageNotFoundError:
        return None
distributed.versions._version_cached = version
"""


def test_what_is_compared() -> None:
    here = of_this_process()
    assert {*NAMES, "icechunk", "obstore"} <= set(here)
    assert all(here[name] for name in NAMES)
    assert here["climcube"] == cc.__version__
    assert str(here["python"]).count(".") == 1  # 3.13.1 and 3.13.2 understand one another


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_of_them_matters(name: str) -> None:
    here = of_this_process()
    assert differing(here, here) == []
    assert differing(here, {**here, name: "0.1"}) == [name]
    assert differing(here, {**here, name: None}) == [name]


@pytest.mark.parametrize(
    ("client", "worker", "wrong"),
    [("2.3", "2.2", True), ("2.3", None, False), (None, "2.3", False), (None, None, False)],
)
def test_optional_packages_may_be_missing(client: Any, worker: Any, wrong: bool) -> None:
    assert differing({"icechunk": client}, {"icechunk": worker}) == (["icechunk"] if wrong else [])


def test_the_error_counts_and_stays_one_line() -> None:
    here = {"python": "3.13", "numpy": "2.5.0", "zarr": "3.4.2"}
    others: dict[str, Any] = {
        f"worker tcp://10.0.0.{n}:1": {**here, "numpy": "2.4"} for n in range(9)
    }
    others |= {"scheduler": {**here, "python": "3.12"}, "worker tcp://h:1": {**here, "zarr": None}}
    with pytest.raises(ClusterError) as caught:
        require_same(here, others)
    text = str(caught.value)
    assert "expected numpy 2.5.0, python 3.13, zarr 3.4.2" in text
    assert "found numpy 2.4 on a worker (9 of them), python 3.12 on the scheduler" in text
    assert "zarr missing on a worker" in text and " and 7 more)" in text
    assert "one environment or image" in text and "check_versions=False" in text
    assert len(text.splitlines()) == 1 and len(text) < 600
    require_same(here, {"scheduler": here})


def test_a_cluster_with_other_packages_is_refused() -> None:
    with elsewhere(_FAKE.format(climcube="0.0.9")) as other:
        with (
            pytest.raises(ClusterError, match="not those of this process") as caught,
            cc.cluster(other.address, warm_up=None, deadline=30),
        ):
            pass
        text = str(caught.value)
        for package in ("numpy 1.26.4", "numba 0.60.0", "climcube 0.0.9"):
            assert f"{package} on the scheduler" in text and f"{package} on a worker" in text
        with cc.cluster(other.address, warm_up=None, check_versions=False) as session:
            assert dask.delayed(sum)([1, 2]).compute() == 3
            with pytest.raises(ClusterError, match="climcube 0.0.9 on a worker"):
                require_same(of_this_process(), of_cluster(session.client))


@contextmanager
def at_work(*, own: bool) -> Iterator[tuple[LocalCluster, Session]]:
    """Have a session whose workers that join later have another numpy."""
    terms = Terms("test", 1, 30, check_versions=True, warm_up=None, own=own)
    there = {**of_this_process(), "numpy": "1.26.4"}
    with (
        scheduler() as cluster,
        connected(cluster.scheduler_address, where="test", remedy="") as client,
        opened(client, terms) as session,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(joining, "of_this_process", lambda: there)
        yield cluster, session


def until(true: Callable[[], object]) -> None:
    for _ in range(3000):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")


def test_a_worker_that_joins_later_is_sent_away() -> None:
    with at_work(own=True) as (cluster, session):
        with pytest.warns(ClusterWarning, match="sent away.*numpy 1.26.4 on a worker") as told:  # noqa: PT031
            cluster.scale(2)
            until(lambda: len(told))
        until(lambda: session.workers == 1)
        assert dask.delayed(sum)([1, 2]).compute() == 3


def test_a_worker_that_others_may_use_is_not_sent_away_but_its_results_are_refused() -> None:
    with (  # noqa: PT012
        pytest.raises(ClusterError, match="joined that does not fit"),
        at_work(own=False) as (cluster, session),
    ):
        cluster.scale(2)
        until(lambda: session.client.alarm is not None)  # type: ignore[attr-defined]
        assert session.workers == 2
        with pytest.raises(ClusterError, match="does not fit.*numpy 1.26.4 on a worker"):
            dask.delayed(sum)([1, 2]).compute()
