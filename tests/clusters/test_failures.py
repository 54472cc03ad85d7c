"""What becomes of Dask's own errors; real deaths are in test_processes.py."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker, NoValidWorkerError

from climcube.clusters.failures import translated
from climcube.errors import ClusterError, DependencyError, StoreError

WORKER = "tcp://10.0.0.7:40001"
KEY = ("heatwaves-0a1b2c3d4e5f60718293a4b5c6d7e8f9", 0, 3)


def killed(limit: int = 2**30) -> KilledWorker:
    worker: Any = SimpleNamespace(address=WORKER, memory_limit=limit)
    return KilledWorker(KEY, worker, 2)


def client(*events: tuple[float, dict[str, Any]], status: str = "running") -> Any:
    """Be a client whose scheduler knows these deaths for want of memory."""
    return SimpleNamespace(status=status, asynchronous=False, get_events=lambda _: events)


def test_memory_is_told_where_dask_tells_it() -> None:
    now = time.time()
    told = client(
        (now, {"worker": "tcp://10.0.0.1:1", "rss": 1}), (now, {"worker": WORKER, "rss": 2**30})
    )
    text = str(translated(killed(), client=told))
    assert text.startswith("workers ran out of memory (task heatwaves 0, 3): expected at most 1.00")
    assert "found 1.00 GiB when one of 3 was stopped" in text
    assert "more memory or fewer threads" in text and "tile_bytes" in text


def test_a_death_of_another_worker_shortly_before_counts() -> None:
    told = client((time.time(), {"worker": "tcp://10.0.0.1:1", "rss": 2**20}))
    assert "ran out of memory" in str(translated(killed(), client=told))


@pytest.mark.parametrize(
    "asked",
    [
        None,
        client(),
        client((time.time() - 3600, {"worker": WORKER, "rss": 2**30})),
        client((time.time(), {"worker": WORKER, "rss": 2**30}), status="closed"),
    ],
)
def test_otherwise_the_reason_is_not_guessed(asked: Any) -> None:
    text = str(translated(killed(), client=asked))
    assert text.startswith("workers died at work (task heatwaves 0, 3): found 3 of them, with 1.00")
    assert "their logs tell" in text and "mostly" in text


def test_the_tile_is_named_where_it_is_known() -> None:
    text = str(translated(killed(), "tile lat 0-89, lon 90-179"))
    assert "(tile lat 0-89, lon 90-179)" in text and "heatwaves" not in text


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (CommClosedError("in <TCP>: Stream is closed"), "running", "connection to the scheduler"),
        (FutureCancelledError(KEY, "scheduler-connection-lost"), "running", "connection to the"),
        (FutureCancelledError(KEY, "unknown"), "closed", "connection to the scheduler was lost"),
        (CancelledError(), "closed", "connection to the scheduler was lost"),
        (ModuleNotFoundError("No module named 'gsw'", name="gsw"), "running", "found no 'gsw'"),
        (MemoryError("Unable to allocate 8 TiB"), "running", "ran out of memory.*8 TiB"),
        (
            NoValidWorkerError(KEY, set(), set(), {"GPU": 1.0}, 5), "running",
            "no worker can take a task",
        ),
        (
            RuntimeError("Error during deserialization of the task graph. This frequently ..."),
            "running", "the scheduler cannot read the tasks.*one environment",
        ),
    ],
)  # fmt: skip
def test_what_the_cluster_did(error: BaseException, status: str, message: str) -> None:
    with pytest.raises(ClusterError, match=message) as caught:
        raise translated(error, "lat 0-89", client=client(status=status)) or error
    assert "(lat 0-89)" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("of the data"), RuntimeError("of the code"), StoreError("of ours"),
        DependencyError("of ours"), OSError("of a file"), KeyError("x"),
        FutureCancelledError(KEY, "user request"), CancelledError(), KeyboardInterrupt(),
    ],
)  # fmt: skip
def test_what_it_did_not(error: BaseException) -> None:
    assert translated(error, client=client()) is None
