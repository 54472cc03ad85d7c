"""The same bytes from every way to compute, and what happens to tiles that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from distributed import Client, LocalCluster

import climcube as cc
from climcube.errors import CubeError
from climcube.saving.crews import LocalCrew
from tests.recipes.killing import digests
from tests.saving.cubes import cube, doubled


def deviating(block: Any, table: Any) -> Any:
    return block - table[7]


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
        "tiles": doubled(),
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


@pytest.mark.parametrize("kind", ["threads", "cluster"])
def test_tiles_and_bytes_are_told(
    tmp_path: Path, kind: str, processes: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that an earlier attempt has written."""
    told: list[tuple[int, int]] = []

    @contextmanager
    def bar(what: str, total: int, progress: bool | None) -> Iterator[Any]:
        assert (what, total, progress) == ("saving", 12, True)
        yield lambda n=1, nbytes=0: told.append((n, nbytes))

    monkeypatch.setattr("climcube.saving.zarrs.progress_bar", bar)
    whole = cube()
    bad = whole.copy(data=whole.data.map_blocks(fail_at, dtype="f4", name="sometimes-bad"))
    with dask.config.set(scheduler="synchronous"), pytest.raises(CubeError):
        cc.save(bad, tmp_path / "x.zarr", resume=True, progress=True)
    before, finished = sum(size for _, size in told), len(told) - 1
    monkeypatch.setattr(f"{__name__}.failing", False)
    told.clear()
    with of_kind(kind, processes):
        cc.save(bad, tmp_path / "x.zarr", resume=True, progress=True)
    assert told[0] == (finished, before) and len(told) == 1 + 12 - finished
    files = sum(p.stat().st_size for p in (tmp_path / "x.zarr/sst/c").rglob("*") if p.is_file())
    assert sum(size for _, size in told) == files > before > 0


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


failing = True


def fail_at(block: Any, block_info: Any = None) -> Any:
    if failing and block_info and tuple(block_info[0]["chunk-location"]) == (1, 2, 0):
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
