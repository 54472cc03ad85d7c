"""Workers that die while they save, and clusters that lose the last one, or the scheduler."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from signal import SIGKILL
from typing import Any

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from distributed.core import Status

import climcube as cc
from climcube.clusters.attendance import Attendance
from climcube.errors import ClusterError
from climcube.saving import zarrs
from tests.recipes.killing import digests
from tests.saving.cubes import cube, doubled


@pytest.fixture(scope="module")
def workers(processes: BaseContext) -> Iterator[LocalCluster]:
    """Two processes that are started again when they die."""
    # Else Dask looks 15 s after a death who is there, and gives up whoever starts once more.
    config = {"distributed.deploy.lost-worker-timeout": "1 day",
              "distributed.worker.multiprocessing-method": "forkserver",
              "distributed.scheduler.allowed-failures": 2}  # fmt: skip
    with (
        dask.config.set(config),
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as workers,
    ):
        yield workers


def deadly(block: Any, block_info: Any = None, file: str = "") -> Any:
    if block_info and tuple(block_info[0]["chunk-location"]) == (1, 2, 0) and os.path.exists(file):
        os._exit(1)
    return block


def test_a_tile_that_workers_die_of_is_named_while_others_finish(
    workers: LocalCluster, tmp_path: Path
) -> None:
    whole, poison = cube(), tmp_path / "poison"
    poison.touch()
    bad = whole.copy(data=whole.data.map_blocks(deadly, file=str(poison), dtype="f4"))
    target = tmp_path / "out" / "x.zarr"
    with Client(workers):
        with pytest.raises(ClusterError, match=r"tile time 4-7, lat 6-8.*resume=True") as caught:
            cc.save(bad, target)
        assert "\n" not in str(caught.value) and "lat 3-5" not in str(caught.value)
        (stage,) = target.parent.iterdir()
        assert len(list((stage / "ledger").glob("tile-*.json"))) == 11
        poison.unlink()
        cc.save(bad, target, resume=True)
    np.testing.assert_array_equal(cc.open(target, variable="sst"), whole)
    assert [p.name for p in target.parent.iterdir()] == ["x.zarr"]


def kill_one(workers: LocalCluster, chooser: random.Random) -> None:
    """Kill a worker that has started: a nanny gives up one that dies before."""
    while not (there := [n for n in workers.workers.values() if started(n)]):
        time.sleep(0.01)
    with suppress(ProcessLookupError):
        os.kill(chooser.choice(there).process.pid, SIGKILL)


def started(nanny: Any) -> bool:
    return nanny.process is not None and nanny.process.status == Status.running


def runs_with_deaths(
    workers: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int, kills: int
) -> int:
    """Save several times, with so many deaths each time; return how many there were."""
    result, chooser, done = doubled(16), random.Random(5), 0
    with dask.config.set(scheduler="synchronous"):
        cc.save(result, tmp_path / "x.zarr")
    expected = digests(tmp_path / "x.zarr")
    given, workers.scheduler.allowed_failures = workers.scheduler.allowed_failures, 10
    take, moments, taken = zarrs._Writing._take, set[int](), 0

    def then(self: Any, tile: Any, results: Any) -> None:
        nonlocal taken, done
        take(self, tile, results)
        taken += 1
        if taken in moments:
            kill_one(workers, chooser)
            done += 1

    try:
        with Client(workers):
            for run in range(runs):
                taken, moments = 0, set(chooser.sample(range(1, 40), kills))
                with monkeypatch.context() as patch:
                    patch.setattr(zarrs._Writing, "_take", then)
                    cc.save(result, tmp_path / f"{run}.zarr")
                assert digests(tmp_path / f"{run}.zarr") == expected
    finally:
        workers.scheduler.allowed_failures = given
    return done


def test_workers_that_die_change_nothing(
    workers: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs_with_deaths(workers, tmp_path, monkeypatch, 5, kills=1) == 5


@pytest.mark.slow
def test_workers_that_die_change_nothing_in_50_runs(
    workers: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Its result is in docs/explanation/kill-tests.md."""
    kills = runs_with_deaths(workers, tmp_path, monkeypatch, 50, kills=3)
    with capsys.disabled():
        print(f"\n| 50 saves on a cluster | {kills} workers killed | same bytes |")
    assert kills == 150


# ------------------------------------------------------------------ nobody who computes


def stopped(monkeypatch: pytest.MonkeyPatch, stop: Callable[[], None]) -> list[str]:
    """Stop something when the first tile is finished; return the names of the finished ones."""
    taken: list[str] = []
    take = zarrs._Writing._take

    def then(self: Any, tile: Any, results: Any) -> None:
        take(self, tile, results)
        taken.append(tile.name)
        if len(taken) == 1:
            stop()

    monkeypatch.setattr(zarrs._Writing, "_take", then)
    return taken


def goes_on(target: Path, taken: list[str], tiles: int) -> None:
    """Save again in this thread: the same bytes, and no tile twice."""
    before = len(taken)
    with dask.config.set(scheduler="synchronous"):
        cc.save(doubled(16), target, resume=True)
        assert len(taken) == tiles and before >= 1
        cc.save(doubled(16), target.with_name("whole.zarr"))
    assert digests(target) == digests(target.with_name("whole.zarr"))


def in_this_process(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None,
        silence_logs=50,
    )  # fmt: skip


def test_without_workers_a_save_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More tiles than wait for a worker: some are left, whenever it went away."""
    target = tmp_path / "x.zarr"
    with in_this_process(1) as workers, Client(workers) as client:

        def stop() -> None:
            for worker in workers.workers.values():
                workers.sync(worker.close)
            while client.nthreads():
                time.sleep(0.01)

        taken = stopped(monkeypatch, stop)
        with (
            dask.config.set({"distributed.scheduler.no-workers-timeout": "0.2s"}),
            pytest.raises(ClusterError, match=r"no worker is left \(tile.*resume=True") as caught,
        ):
            cc.save(doubled(16), target, resume=True)
    number = len(taken)
    kept = "1 finished tile is kept" if number == 1 else f"{number} finished tiles are kept"
    assert kept in str(caught.value)
    goes_on(target, taken, 48)


def test_a_few_large_tiles_come_to_an_end_too(tmp_path: Path) -> None:
    with (
        in_this_process(0) as workers,
        Client(workers),
        dask.config.set({"distributed.scheduler.no-workers-timeout": "0.2s"}),
        pytest.raises(ClusterError, match="no worker is left") as caught,
    ):
        cc.save(cube().mean(("lat", "lon")), tmp_path / "x.zarr")
    assert "time 0-3; tile time 4-7" in str(caught.value)


def test_workers_that_come_later_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a cluster that follows the work: the first is started when there is some."""
    looks = 0

    def looked(self: Attendance, unfinished: Any) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            workers.scale(1)

    monkeypatch.setattr(Attendance, "require", looked)
    with in_this_process(0) as workers, Client(workers):
        cc.save(doubled(4), tmp_path / "x.zarr")
    np.testing.assert_array_equal(cc.open(tmp_path / "x.zarr", variable="sst"), doubled(4))


def test_a_scheduler_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.zarr"
    workers = in_this_process(1)
    with Client(workers):
        taken = stopped(monkeypatch, workers.close)
        with pytest.raises(ClusterError, match=r"connection to the scheduler was lost.*resume=Tr"):
            cc.save(doubled(16), target, resume=True)
    goes_on(target, taken, 48)
