"""Saves that were interrupted: what is kept, what is computed again, what a reader sees."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import fsspec
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import (
    ClimcubeWarning,
    ConflictError,
    CubeError,
    ParameterError,
    StoreError,
    StoreExistsError,
)
from tests.recipes.killing import digests
from tests.saving import killing as killing_saves
from tests.servers import client, options

TILES = 6

__all__ = ["client", "options"]  # fixtures


class Killed(BaseException):
    """Stands for the end of the process: nothing but the system cleans up after it."""


class Tally:
    """A lazy cube whose tiles are counted when they are computed, and may fail."""

    def __init__(self) -> None:
        self.computed: list[tuple[int, ...]] = []
        self.fail: Callable[[int], None] = lambda count: None

    def cube(self, factor: float = 2.0, name: str = "counted", side: int = 2) -> xr.DataArray:
        def count(block: Any, block_info: Any = None) -> Any:
            if block.size:
                self.fail(len(self.computed) + 1)
                self.computed.append(tuple(block_info[0]["chunk-location"]))
            return block * factor

        sizes = 10, 2 * side, 3 * side
        values = np.arange(np.prod(sizes), dtype="f8").reshape(sizes)
        data = da.from_array(values, chunks=(10, side, side), name="plain-values")
        told = data.map_blocks(count, name=f"{name}-{factor}", dtype="f8")
        return xr.DataArray(told, dims=("time", "lat", "lon"), name="sst", attrs={"units": "K"})

    def stop_at(self, count: int, error: BaseException) -> None:
        def fail(at: int) -> None:
            if at == count:
                raise error

        self.fail = fail


@pytest.fixture
def tally() -> Iterator[Tally]:
    with dask.config.set(scheduler="synchronous"):
        yield Tally()


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str] | None:
    """The objects of a save that nothing interrupted."""
    with dask.config.set(scheduler="synchronous"):
        cc.save(Tally().cube(), tmp_path / "whole.zarr")
    return digests(tmp_path / "whole.zarr")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "whole.zarr")


def interrupted(tally: Tally, target: Any, error: BaseException, at: int = 4) -> None:
    tally.stop_at(at, error)
    with pytest.raises(type(error)):
        cc.save(tally.cube(), target, resume=True)
    tally.fail = lambda count: None


@pytest.mark.parametrize("error", [Killed(), CubeError("a day is wrong"), OSError("disk full")])
def test_what_is_finished_is_not_computed_again(
    tally: Tally, tmp_path: Path, whole: Any, error: BaseException
) -> None:
    target = tmp_path / "x.zarr"
    tally.stop_at(4, error)
    with pytest.raises((Killed, CubeError, StoreError)) as caught:
        cc.save(tally.cube(), target, resume=True)
    if not isinstance(error, Killed):
        assert "tile lat 2-3, lon 0-1" in " ".join([str(caught.value), *_notes(caught.value)])
    assert not target.exists() and len(tally.computed) == 3
    tally.fail = lambda count: None
    cc.save(tally.cube(), target, resume=True)
    assert len(tally.computed) == len(set(tally.computed)) == TILES
    assert digests(target) == whole and names(tmp_path) == ["x.zarr"]


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", []) + (_notes(error.__cause__) if error.__cause__ else [])


def test_a_finished_save_is_known_again(tally: Tally, tmp_path: Path) -> None:
    target = tmp_path / "x.zarr"
    cc.save(tally.cube(), target, resume=True)
    before = target.stat().st_mtime_ns
    tally.stop_at(TILES + 1, AssertionError("computed again"))
    for overwrite in (False, True):
        cc.save(tally.cube(), target, resume=True, overwrite=overwrite)
    assert target.stat().st_mtime_ns == before
    with pytest.raises(StoreExistsError):
        cc.save(tally.cube(3.0), target, resume=True)
    assert names(tmp_path) == ["x.zarr"]


def test_without_resume_a_save_begins_anew(tally: Tally, tmp_path: Path, whole: Any) -> None:
    target = tmp_path / "x.zarr"
    interrupted(tally, target, Killed())
    tally.computed.clear()
    cc.save(tally.cube(), target)
    assert len(tally.computed) == TILES and digests(target) == whole
    assert names(tmp_path) == ["x.zarr"]


@pytest.mark.parametrize("error", [Killed(), CubeError("a day is wrong"), ValueError("bug")])
def test_without_resume_nothing_is_left(tally: Tally, tmp_path: Path, error: BaseException) -> None:
    tally.stop_at(4, error)
    with pytest.raises(type(error)):
        cc.save(tally.cube(), tmp_path / "x.zarr")
    assert names(tmp_path) == []


def test_another_result_leaves_an_attempt_until_it_is_published(
    tally: Tally, tmp_path: Path
) -> None:
    target = tmp_path / "x.zarr"
    interrupted(tally, target, Killed())
    interrupted(tally, tmp_path / "x", Killed(), at=len(tally.computed) + 2)  # another target
    other = xr.DataArray(np.ones(3), dims="x", name="other")
    cc.save(other, target, resume=True)
    assert float(cc.open(target, variable="other").sum()) == 3
    assert len(names(tmp_path)) == 2  # the attempt at the other target is left
    cc.save(other, tmp_path / "x")
    assert names(tmp_path) == ["x", "x.zarr"]


def test_names_that_differ_in_each_process_are_told(tally: Tally, tmp_path: Path) -> None:
    target = tmp_path / "x.zarr"
    interrupted(tally, target, Killed())
    with pytest.warns(ClimcubeWarning, match=r"x\.zarr.*starts anew"):
        cc.save(tally.cube(name="other-name"), target, resume=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClimcubeWarning)
        cc.save(tally.cube(), tmp_path / "y.zarr", resume=True)


def test_a_damaged_tile_is_computed_again(tally: Tally, tmp_path: Path, whole: Any) -> None:
    """What was written just before the power was lost may never have reached the disk."""
    target = tmp_path / "x.zarr"
    interrupted(tally, target, Killed())
    (chunk,) = tmp_path.glob(".x.zarr.*.partial/store/sst/c/0/0/1")
    chunk.write_bytes(b"")
    tally.computed.clear()
    cc.save(tally.cube(), target, resume=True)
    assert sorted(tally.computed) == [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2)]
    assert digests(target) == whole


@pytest.mark.parametrize("left", [None, b""])
def test_a_damaged_tile_of_a_version_is_computed_again(
    tally: Tally, tmp_path: Path, left: bytes | None
) -> None:
    pytest.importorskip("icechunk")
    target = tmp_path / "x.icechunk"

    def made() -> xr.DataArray:  # in chunks that are files of their own
        return tally.cube(side=20)

    tally.stop_at(4, Killed())
    with pytest.raises(Killed):
        cc.save(made(), target, resume=True)
    chunk = min((target / "chunks").iterdir())
    chunk.unlink() if left is None else chunk.write_bytes(left)
    tally.stop_at(99, Killed())
    tally.computed.clear()
    cc.save(made(), target, resume=True)
    assert len(tally.computed) == 4  # the one that was lost, and three that were never there
    assert cc.verify(target).ok


def test_a_complete_result_is_only_moved(
    tally: Tally, tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("climcube.stores.places.LocalPlace.publish", fail)
        with pytest.raises(Killed):
            cc.save(tally.cube(), tmp_path / "x.zarr", resume=True)
    tally.stop_at(TILES + 1, AssertionError("computed again"))
    cc.save(tally.cube(), tmp_path / "x.zarr", resume=True)
    assert digests(tmp_path / "x.zarr") == whole


def test_two_saves_of_one_result_at_once(tally: Tally, tmp_path: Path) -> None:
    def begin_another(count: int) -> None:
        tally.fail = lambda count: None
        with pytest.raises(ConflictError, match="another process"):
            cc.save(tally.cube(), tmp_path / "x.zarr", resume=True)

    tally.fail = begin_another
    cc.save(tally.cube(), tmp_path / "x.zarr")
    assert len(tally.computed) == TILES and names(tmp_path) == ["x.zarr"]


def test_netcdf_files_cannot_be_resumed(tally: Tally, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"netCDF.*resume=True.*\.zarr"):
        cc.save(tally.cube(), tmp_path / "x.nc", resume=True)
    assert names(tmp_path) == []


def test_object_stores_go_on_too(tally: Tally) -> None:
    target = "memory://resumed/deep/x.zarr"
    system = fsspec.filesystem("memory")
    interrupted(tally, target, Killed())
    assert any(".partial/ledger/tile-00002.json" in n for n in system.find("/resumed"))
    other = xr.DataArray(np.ones(3), dims="x", name="other")
    cc.save(tally.cube(), target, resume=True)
    assert len(tally.computed) == TILES
    interrupted(tally, "memory://resumed/deep/y.zarr", Killed(), at=TILES + 3)
    cc.save(other, "memory://resumed/deep/y.zarr", resume=True)
    assert not [n for n in system.find("/resumed") if ".partial" in n]


@pytest.mark.s3
@pytest.mark.usefixtures("client")
def test_s3_goes_on_too(tally: Tally, options: dict[str, Any]) -> None:
    """The same objects as of a save that nothing interrupted, and none beside them."""
    system = fsspec.filesystem("s3", **options, use_listings_cache=False)

    def save() -> None:
        cc.save(tally.cube(), "s3://bucket/x.zarr", resume=True, storage_options=options)

    def objects() -> dict[str, bytes]:
        return {name: system.cat_file(name) for name in system.find("bucket")}

    save()
    whole = objects()
    system.rm("bucket/x.zarr", recursive=True)
    tally.computed.clear()
    tally.stop_at(4, Killed())
    with pytest.raises(Killed):
        save()
    assert len(tally.computed) == 3
    assert not system.exists("bucket/x.zarr/zarr.json")  # nobody takes it for a result
    tally.fail = lambda count: None
    save()
    assert len(tally.computed) == len(set(tally.computed)) == TILES
    assert len(whole) > TILES and objects() == whole
    save()
    assert len(tally.computed) == TILES  # known again


def test_versioned_stores_go_on_too(tally: Tally, tmp_path: Path) -> None:
    pytest.importorskip("icechunk")
    target = tmp_path / "x.icechunk"
    interrupted(tally, target, Killed())
    cc.save(tally.cube(), target, resume=True)
    assert len(tally.computed) == TILES
    np.testing.assert_array_equal(cc.open(target, variable="sst"), tally.cube())
    cc.save(tally.cube(), target, resume=True)  # known again
    assert len(cc.versions(target)) == 1
    with pytest.raises(StoreExistsError):
        cc.save(tally.cube(3.0), target)
    cc.save(tally.cube(3.0), target, overwrite=True)
    assert len(cc.versions(target)) == 2


def test_identities_follow_all_that_decides_the_result() -> None:
    from climcube.planning.tiles.cutting import cut
    from climcube.planning.tiles.layout import layout_of
    from climcube.planning.tiles.prepare import parts_of, plain_dataset

    def identity(cube: xr.DataArray, **encoding: Any) -> str:
        parts = {n: plain_dataset(d) for n, d in parts_of(cube, None).items()}
        given = {"sst": encoding} if encoding else {}
        return layout_of(cut(parts, given), given).identity()

    def made(**changes: Any) -> xr.DataArray:
        cube = Tally().cube(changes.get("factor", 2.0))
        cube = cube.assign_coords(lat=np.arange(4.0) + changes.get("shift", 0.0))
        return cube.assign_attrs(units=changes.get("units", "K"))

    same = identity(made())
    assert identity(made()) == same
    others = [
        identity(made(factor=3.0)),
        identity(made(units="degC")),
        identity(made(shift=0.25)),
        identity(made().rename(lat="y")),
        identity(made().chunk(lat=4)),
        identity(made().astype("f4")),
        identity(made(), dtype="int16", scale_factor=0.5, _FillValue=-1),
        identity(made(), chunks=(5, 2, 2)),
    ]
    assert len({same, *others}) == len(others) + 1


def killing(processes: BaseContext, *arguments: Any, limit: int = 250) -> Any:
    """Kill saves, each a fork of a process that has imported all; return what became of them."""
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=killing_saves.tell, args=(sender, *arguments))  # type: ignore[attr-defined]
    process.start()
    sender.close()
    try:
        assert receiver.poll(limit), "no answer"
        return receiver.recv()
    finally:
        process.kill()
        process.join()


# Of some 170 writes on a local disk and 60 of Icechunk: here every so many, each night all.
@pytest.mark.parametrize(
    ("kind", "workers", "every", "first"),
    [
        ("plain", 1, 85, 30),
        ("icechunk", 1, 30, 11),
        pytest.param("plain", 1, 1, 1, marks=pytest.mark.slow),
        pytest.param("plain", 2, 1, 1, marks=pytest.mark.slow),
        pytest.param("icechunk", 1, 1, 1, marks=pytest.mark.slow),
    ],
)
def test_killed_before_a_write(
    tmp_path: Path, processes: BaseContext, kind: str, workers: int, every: int, first: int
) -> None:
    result = killing(processes, kind, workers, tmp_path / "work", every, first, limit=1200)
    assert result["wrong"] == []
    assert result["tried"] >= 2 and result["killed"] >= result["tried"] - 1


@pytest.mark.parametrize(("kind", "times"), [("plain", 10), ("relayout", 5)])
def test_killed_at_random_moments(
    tmp_path: Path, processes: BaseContext, kind: str, times: int
) -> None:
    result = killing(processes, kind, 2, tmp_path / "work", "random", times, 1)
    assert result["wrong"] == [] and result["tried"] == times


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "icechunk", "relayout"])
def test_killed_at_100_random_moments(
    tmp_path: Path, processes: BaseContext, kind: str, capsys: Any
) -> None:
    """Its result is in docs/explanation/kill-tests.md."""
    result = killing(processes, kind, 2, tmp_path / "work", "random", 100, 7, limit=3000)
    with capsys.disabled():
        print(f"\n| save, {kind} | {result['killed']} killed | {len(result['wrong'])} wrong |")
    assert result["wrong"] == []
