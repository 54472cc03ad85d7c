"""Whether workers see the folder that a result is to be saved in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.clusters import visibility
from climcube.clusters.session import Session
from climcube.clusters.visibility import require_reachable, require_visible
from climcube.errors import ClusterError

ANSWER = visibility._answer
ASKED: list[str] = []


def first_gone(probe: str, token: str) -> tuple[str, str]:
    """Answer for all workers but the first."""
    ASKED.append(token)
    if len(ASKED) == 1:
        raise OSError("the connection was closed")
    return ANSWER(probe, token)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with cc.cluster("local", workers=2, processes=False, dashboard=False, warm_up=None) as running:
        yield running


def test_a_shared_folder(session: Session, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", encoding="ascii")
    require_visible(session.client, tmp_path)
    assert os.listdir(tmp_path) == ["mine"]


def test_a_worker_that_is_gone_says_nothing(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ASKED.clear()
    monkeypatch.setattr(visibility, "_answer", first_gone)
    require_visible(session.client, tmp_path)
    assert len(ASKED) == 2
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"cannot be written.*No such file.*another target"):
        require_visible(session.client, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (("no such folder, or another one", ""), "no such folder, or another one on"),
        (("Permission denied", ""), "Permission denied on"),
        (("", "-elsewhere"), "other files under this path on"),  # written, but not seen here
    ],
)
def test_a_folder_of_another_machine(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, found: str
) -> None:
    monkeypatch.setattr(visibility, "_answer", lambda *_: answer)
    monkeypatch.setattr(visibility, "_PATIENCE", 0.1)
    with pytest.raises(ClusterError, match=f"do not see a local folder.*{found}.*s3://") as caught:
        require_visible(session.client, tmp_path)
    assert " and 1 more" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_target_beside_which_workers_see_nothing(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_reachable(tmp_path / "result.zarr")
    monkeypatch.setattr(visibility, "_answer", lambda *_: ("no such folder, or another one", ""))
    with pytest.raises(ClusterError, match=f"local folder .{tmp_path}.*object storage"):
        require_reachable(tmp_path / "result.zarr")
    require_reachable("s3://bucket/result.zarr")
    with dask.config.set(scheduler="threads"):  # no worker has to see it
        require_reachable(tmp_path / "result.zarr")


def test_a_save_to_a_disk_that_workers_do_not_see(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visibility, "_answer", lambda *_: ("no such folder, or another one", ""))
    cube = xr.DataArray(np.zeros(4), dims="x", name="zero").chunk(x=2)
    with pytest.raises(ClusterError, match="workers do not see a local folder"):
        cc.save(cube, tmp_path / "result.zarr")
    assert not (tmp_path / "result.zarr").exists()


def test_a_target_in_the_memory_of_this_process(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other processes wrote there would be lost with them, without an error."""
    cube = xr.DataArray(np.arange(40.0), dims="x", name="v").chunk(x=2)
    target = "memory://seen/result.zarr"
    cc.save(cube, target)  # these workers are threads of this process
    np.testing.assert_array_equal(cc.open(target, variable="v").values, cube.values)
    other = {"tcp://far:1": os.getpid() + 1}
    monkeypatch.setattr(session.client, "run", lambda *_, **__: other)
    with pytest.raises(ClusterError, match="memory of this process .memory://unseen/.*threads"):
        cc.save(cube, "memory://unseen/result.zarr")
    with (
        dask.config.set(scheduler="processes"),
        pytest.raises(ClusterError, match="memory of this process"),
    ):
        cc.save(cube, "memory://unseen/result.zarr")
    with dask.config.set(scheduler="threads"):
        cc.save(cube, "memory://unseen/result.zarr")


def test_what_a_worker_answers(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    assert visibility._answer(str(probe), "token") == ("no such folder, or another one", "")
    probe.write_text("of another file", encoding="ascii")
    assert visibility._answer(str(probe), "token") == ("other files under this path", "")
    probe.write_text("token", encoding="ascii")
    wrong, ending = visibility._answer(str(probe), "token")
    assert wrong == "" and Path(str(probe) + ending).read_text(encoding="ascii") == "token"


def test_without_workers_nobody_is_asked(tmp_path: Path) -> None:
    with cc.cluster("local", workers=1, processes=False, dashboard=False, warm_up=None) as empty:
        empty.client.cluster.scale(0)
        while empty.workers:
            time.sleep(0.01)
        require_visible(empty.client, tmp_path)
    assert os.listdir(tmp_path) == []
