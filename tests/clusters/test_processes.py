"""Workers that are processes: what reaches them, what does not, and how they die."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import dask
import numpy as np
import pytest
import xarray as xr
from distributed.protocol import dumps as wire

import climcube as cc
from climcube.clusters.session import Session
from climcube.clusters.visibility import require_visible
from climcube.errors import ClusterError, CredentialsWarning, StoreError
from climcube.options import get_option
from tests.clusters.listening import listening_elsewhere
from tests.clusters.recording import Recorder, recording_store

CANARY = "CANARYSECRET"
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")


@pytest.fixture(scope="module")
def store() -> Iterator[Recorder]:
    with recording_store() as server:
        yield server


@pytest.fixture(scope="module")
def session(store: Recorder) -> Iterator[Session]:
    """One worker with credentials of its own, in its environment alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(NAMES, ("WORKERKEY", "its secret", store.endpoint), strict=True):
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        running = cc.cluster("local", workers=1, threads=1, memory="1 GiB", dashboard=False)
        with running as session:
            for name in NAMES:
                patch.delenv(name)
            yield session


def test_nothing_listens_to_other_machines(session: Session) -> None:
    assert session.workers == 1
    assert listening_elsewhere(os.getpid()) == []


def test_memory_is_limited(session: Session) -> None:
    assert session.memory == 2**30
    assert "memory 1.00 GiB" in repr(session)


def test_options_follow_the_user(session: Session) -> None:
    def there() -> set[int]:
        return set(session.client.run(get_option, "s3_concurrency").values())

    assert there() == {32}
    with cc.set_options(s3_concurrency=7, progress=False):
        assert there() == {7}
        with cc.set_options(s3_concurrency=8):
            assert there() == {8}
        assert there() == {7}
    assert there() == {32}


def test_kernels_are_compiled_before_the_first_task(session: Session) -> None:
    before = session.client.run(_compiled)
    assert all("heatwave" in " ".join(found) for found in before.values())
    ocean = cc.testing.synthetic_ocean(years=3, shape=(2, 3)).sst.chunk(time=-1)
    cc.heatwaves(ocean).annual.compute()
    for worker, found in session.client.run(_compiled).items():
        assert set(found) - set(before[worker]) == set()


def test_a_local_folder_is_seen(session: Session, tmp_path: Path) -> None:
    require_visible(session.client, tmp_path)


def _of_mine(store: Recorder) -> dict[str, Any]:
    return {"key": "CLIENTKEY", "secret": CANARY, "client_kwargs": {"endpoint_url": store.endpoint}}


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_secrets_stay_here_and_workers_have_their_own(
    session: Session, store: Recorder, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"s3://bucket/{client}.zarr"
    ocean = cc.testing.synthetic_ocean(years=3, shape=(2, 3)).sst
    with cc.set_options(s3_client=client), warnings.catch_warnings():
        warnings.simplefilter("ignore", CredentialsWarning)
        cc.save(ocean, address, storage_options=_of_mine(store))
        cube = cc.open(address, variable="sst", storage_options=_of_mine(store))
        days = cc.heatwaves(cube).annual["days"]
        store.forget()
        sent: list[Any] = []
        pass_on = session.client._send_to_scheduler
        monkeypatch.setattr(
            session.client,
            "_send_to_scheduler",
            lambda message: (sent.append(message), pass_on(message)),
        )
        found = days.compute()
    assert store.keys() == {"WORKERKEY"}
    told = b"".join(bytes(frame) for message in sent for frame in wire(message))
    assert b"bucket" in told or b"obstore" in told or len(told) > 1000
    for secret in (CANARY.encode(), b"CLIENTKEY"):
        assert secret not in told
        assert secret not in cloudpickle.dumps(dict(days.__dask_graph__()))
    alone = cc.heatwaves(ocean).annual["days"].compute(scheduler="synchronous")
    np.testing.assert_array_equal(found, alone)


def test_credentials_by_value_are_warned_of(session: Session, store: Recorder) -> None:
    cc_options = _of_mine(store)
    with (
        pytest.warns(CredentialsWarning, match="not sent to the workers"),
        pytest.raises(StoreError),
    ):
        cc.open("s3://bucket/nothing.zarr", storage_options=cc_options)


@pytest.mark.slow  # a nanny gives up a worker that dies while it starts, and then nobody is left
def test_the_task_that_workers_die_of_is_named_after_three_tries(tmp_path: Path) -> None:
    quick: dict[str, Any] = {"warm_up": None, "dashboard": False}
    with cc.cluster("local", workers=1, threads=1, **quick) as session:
        good = [dask.delayed(sum)([n, 1]) for n in range(4)]
        poison = dask.delayed(_die)(str(tmp_path), dask_key_name="poison-tile")
        futures = session.client.compute([*good, poison])
        with pytest.raises(ClusterError, match=r"workers died at work \(task poison-tile\).*3 of"):
            session.client.gather(futures)
        assert len(list(tmp_path.iterdir())) == 3
        assert session.client.gather(futures[:4]) == [1, 2, 3, 4]


@pytest.mark.slow
def test_memory_that_ran_out_is_told_as_such() -> None:
    with (
        cc.cluster("local", workers=1, threads=1, memory="700 MiB", warm_up=None),
        pytest.raises(ClusterError, match=r"ran out of memory \(task eat\).*at most 700.00 MiB"),
    ):
        dask.delayed(_eat, name="eat")(dask_key_name="eat").compute()


@pytest.mark.slow
def test_many_deaths_one_result(tmp_path: Path) -> None:
    # Each task's first worker dies of it; three tries are enough for all of them.
    array = xr.DataArray(np.arange(4.0), dims="x").chunk(x=2)
    with cc.cluster("local", workers=2, threads=1, memory="1 GiB", warm_up=None, dashboard=False):
        done = array.map_blocks(_once, args=(str(tmp_path),), template=array).compute()
    np.testing.assert_array_equal(done, [0, 2, 4, 6])


def _compiled() -> list[str]:
    import sys

    return sorted(
        f"{module}.{name} {signature}"
        for module, namespace in list(sys.modules.items())
        if module.startswith("climcube.kernels")
        for name, function in vars(namespace).items()
        for signature in getattr(function, "nopython_signatures", ())
    )


def _die(folder: str) -> None:
    time.sleep(2)  # by then its nanny knows that it has started
    (Path(folder) / str(os.getpid())).touch()
    os.kill(os.getpid(), signal.SIGKILL)


def _once(block: xr.DataArray, folder: str) -> xr.DataArray:
    mark = Path(folder) / str(float(block[0]) if block.size else "none")
    if block.size and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return block * 2


def _eat() -> int:
    import time

    held = []
    for _ in range(200):
        held.append(np.ones(2**22))
        time.sleep(0.02)
    return len(held)
