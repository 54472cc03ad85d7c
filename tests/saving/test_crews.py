"""The same bytes from every way to compute, and what happens to tiles that fail."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from signal import SIGKILL
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from distributed import Client, LocalCluster

import climcube as cc
from climcube.errors import ClusterError, CubeError
from climcube.saving.crews import LocalCrew
from tests.recipes.killing import digests


def times_two(block: Any) -> Any:
    return block * 2


def deviating(block: Any, table: Any) -> Any:
    return block - table[7]


def cube(tiles: int = 4, sleep: float = 0.0) -> xr.DataArray:
    values = np.random.default_rng(1).normal(15, 3, (12, 3 * tiles, 4)).astype("f4")
    values[0, 0, 0] = np.nan
    data = da.from_array(values, chunks=(4, 3, 4), name=f"values-{tiles}")
    if sleep:
        data = data.map_blocks(slowly, sleep, dtype="f4")
    time_ = xr.date_range("2000-01-01", periods=12, freq="D")
    return xr.DataArray(
        data, dims=("time", "lat", "lon"), name="sst", coords={"time": time_}, attrs={"units": "K"}
    )


def slowly(block: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return block * 2


def results() -> Mapping[str, Any]:
    """One tile of many tasks; many tiles; tiles that share something; groups."""
    whole = cube()
    table = da.from_array(np.arange(20_000.0), chunks=-1, name="large-table")
    apart = da.blockwise(
        deviating, "tyx", whole.data, "tyx", table, "n", concatenate=True, dtype="f8"
    )
    mean = whole.mean("time")
    return {
        "mean": whole.mean(("lat", "lon")),
        "tiles": whole.copy(data=whole.data.map_blocks(times_two, dtype="f4")),
        "shared": whole - mean,
        "table": whole.copy(data=apart),
        "groups": {"values": (whole - mean).to_dataset(), "mean": mean.to_dataset(name="mean")},
    }


def save_all(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    for name, result in results().items():
        cc.save(result, folder / f"{name}.zarr", resume=name == "groups")
    left = [p.name for p in folder.iterdir() if not p.name.endswith(".zarr") or p.name[0] == "."]
    assert left == []
    return {name: digests(folder / f"{name}.zarr") for name in results()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("expected") / "all"
    with dask.config.set(scheduler="synchronous"):
        found = save_all(folder)
    for name, result in results().items():
        if isinstance(result, xr.DataArray):
            np.testing.assert_array_equal(cc.open(folder / f"{name}.zarr", variable="sst"), result)
    return found


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_threads_write_the_same_bytes(
    tmp_path: Path, expected: dict[str, Any], workers: int
) -> None:
    with dask.config.set(scheduler="threads", num_workers=workers):
        assert save_all(tmp_path / "all") == expected


def test_pools_of_the_caller_are_used_and_left_open(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        with dask.config.set(pool=pool):
            assert save_all(tmp_path / "pool") == expected
        with dask.config.set(scheduler=pool):
            assert save_all(tmp_path / "scheduler") == expected
        assert pool.submit(lambda: 1).result() == 1


def test_processes_write_the_same_bytes(
    tmp_path: Path, expected: dict[str, Any], processes: BaseContext
) -> None:
    with dask.config.set({"scheduler": "processes", "num_workers": 2,
                          "multiprocessing.context": "forkserver"}):  # fmt: skip
        assert save_all(tmp_path / "all") == expected


def test_a_cluster_of_threads_writes_the_same_bytes(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as workers,
        Client(workers),
    ):
        assert save_all(tmp_path / "all") == expected


def test_what_is_shared_is_computed_once_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    held: list[int] = []

    def aggregate(block: Any, axis: Any, keepdims: bool) -> Any:
        if block.size:
            counted.append("computed")
        return np.sum(block, axis=axis, keepdims=keepdims)

    release = LocalCrew.release

    def released(self: LocalCrew, keys: Any) -> None:
        release(self, keys)
        held.append(len(self._values))

    monkeypatch.setattr(LocalCrew, "release", released)
    whole = cube(tiles=6)
    total = da.reduction(whole.data, np.sum, aggregate, axis=0, dtype="f4", name="total")
    counted.clear()
    shared = whole.copy(data=whole.data - total)
    with dask.config.set(scheduler="threads", num_workers=2):
        cc.save(shared, tmp_path / "x.zarr")
    assert len(counted) == 6  # not once for each of three stretches of time
    assert max(held) <= 4 and held[-1] == 0  # never that of all tiles
    np.testing.assert_array_equal(cc.open(tmp_path / "x.zarr", variable="sst"), shared)


def test_no_more_than_a_few_tiles_are_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    start = LocalCrew.start

    def started(self: LocalCrew, order: Any) -> None:
        nonlocal most
        start(self, order)
        most = max(most, len(self._running))

    monkeypatch.setattr(LocalCrew, "start", started)
    with dask.config.set(scheduler="threads", num_workers=3):
        cc.save(results()["tiles"], tmp_path / "x.zarr")
    assert 3 <= most <= 6


def fail_at(block: Any, block_info: Any = None) -> Any:
    if block_info and tuple(block_info[0]["chunk-location"]) == (1, 2, 0):
        raise CubeError("a day is wrong", where="variable 'sst'")
    return block


@contextmanager
def of_kind(kind: str, processes: BaseContext) -> Iterator[None]:
    if kind == "cluster":
        with (
            LocalCluster(
                n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
            ) as workers,
            Client(workers),
        ):
            yield
    else:
        with dask.config.set({"scheduler": kind, "num_workers": 2,
                              "multiprocessing.context": "forkserver"}):  # fmt: skip
            yield


@pytest.mark.parametrize("kind", ["synchronous", "threads", "processes", "cluster"])
def test_a_tile_that_fails_is_named_and_others_are_kept(
    tmp_path: Path, kind: str, processes: BaseContext
) -> None:
    whole = cube()
    bad = whole.copy(data=whole.data.map_blocks(fail_at, dtype="f4"))
    with of_kind(kind, processes):
        with pytest.raises(CubeError, match=r"a day is wrong.*'sst', tile time 4-7, lat 6-8"):
            cc.save(bad, tmp_path / "x.zarr", resume=True)
        (stage,) = tmp_path.iterdir()
        finished = sorted((stage / "ledger").glob("tile-*.json"))
        assert len(finished) >= 3
        with pytest.raises(CubeError, match="a day is wrong"):
            cc.save(bad, tmp_path / "x.zarr")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ workers that die


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalCluster]:
    """Two processes that are started again when they die."""
    config = {"distributed.worker.multiprocessing-method": "forkserver",
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


def mortal(block: Any, chance: float, bullets: str) -> Any:
    """Compute for 20 ms; now and then the worker is killed soon after, whatever it does then.

    From within: a nanny whose worker is killed before it has started would give up. Each
    killing uses up a file, so that a run has an end.
    """
    time.sleep(0.02)
    if random.random() < chance:
        with suppress(StopIteration, FileNotFoundError):
            next(Path(bullets).iterdir()).unlink()
            threading.Timer(random.uniform(0, 0.04), os.kill, (os.getpid(), SIGKILL)).start()
    return block * 2


def runs_with_deaths(
    workers: LocalCluster, tmp_path: Path, runs: int, chance: float, most: int
) -> int:
    """Save several times; return how many workers were killed."""
    bullets, kills = tmp_path / "bullets", 0
    bullets.mkdir()
    whole = cube(tiles=16)
    result = whole.copy(data=whole.data.map_blocks(mortal, chance, str(bullets), dtype="f4"))
    with dask.config.set(scheduler="synchronous"):
        cc.save(whole.copy(data=whole.data.map_blocks(times_two, dtype="f4")), tmp_path / "x.zarr")
    expected = without_identity(tmp_path / "x.zarr")
    given, workers.scheduler.allowed_failures = workers.scheduler.allowed_failures, 10
    try:
        with Client(workers):
            for run in range(runs):
                for number in range(most):
                    (bullets / str(number)).touch()
                cc.save(result, tmp_path / f"{run}.zarr")
                assert without_identity(tmp_path / f"{run}.zarr") == expected
                kills += most - len(list(bullets.iterdir()))
    finally:
        workers.scheduler.allowed_failures = given
    return kills


def without_identity(store: Path) -> Any:
    """Digests of the objects, but of the documents that say what made them."""
    found = digests(store)
    assert found is not None
    manifest = json.loads((store / "climcube_manifest/zarr.json").read_text())["attributes"]
    return {k: v for k, v in found.items() if "climcube_manifest" not in k and k != "zarr.json"} | {
        "arrays": manifest["arrays"], "documents": manifest["documents"],
    }  # fmt: skip


def test_workers_that_die_change_nothing(workers: LocalCluster, tmp_path: Path) -> None:
    assert runs_with_deaths(workers, tmp_path, 5, chance=0.2, most=1) >= 3


@pytest.mark.slow
def test_workers_that_die_change_nothing_in_50_runs(
    workers: LocalCluster, tmp_path: Path, capsys: Any
) -> None:
    """Its result is in docs/explanation/kill-tests.md."""
    kills = runs_with_deaths(workers, tmp_path, 50, chance=0.02, most=20)
    with capsys.disabled():
        print(f"\n| 50 saves on a cluster | {kills} workers killed | same bytes |")
    assert kills
