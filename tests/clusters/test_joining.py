"""What workers are told before their first task: options, and which kernels to compile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import climcube as cc
from climcube.clusters import joining
from climcube.clusters.joining import Joining, this_process
from climcube.errors import ClusterError
from climcube.options import get_option, set_options, worker_options

QUICK: dict[str, Any] = {"workers": 2, "processes": False, "dashboard": False}
calls: list[str] = []


def note() -> None:
    calls.append("called")


def fail() -> None:
    raise ModuleNotFoundError("No module named 'gsw'", name="gsw")


@pytest.mark.parametrize("named", [True, False])
def test_a_function_is_called_in_each_process(named: bool) -> None:
    calls.clear()
    with cc.cluster("local", warm_up=f"{__name__}:note" if named else note, **QUICK):
        assert calls == ["called"]  # one process, two workers
        with cc.set_options(block_cells=5):
            assert calls == ["called"]


def test_what_cannot_be_prepared_is_told() -> None:
    with (
        pytest.raises(ClusterError, match=r"missing on a worker \(preparing workers\).*'gsw'"),
        cc.cluster("local", warm_up=fail, **QUICK),
    ):
        pass
    with (
        pytest.raises(ClusterError, match="found no 'no_such_module'"),
        cc.cluster("local", warm_up="no_such_module:f", **QUICK),
    ):
        pass


def test_options_that_tasks_look_up_travel() -> None:
    with set_options(verify="never", tile_bytes=2**20):
        sent = Joining("x", None, worker_options(), None, leave=False)
    assert sent.options["verify"] == "never" and sent.options["tile_bytes"] == 2**20
    # Decided where the user is: an open catalog need not even be picklable.
    assert not {"catalogs", "progress"} & set(sent.options)


def test_in_another_process_they_are_set_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Joining("x", None, {"s3_concurrency": 7}, None, leave=False)
    monkeypatch.setattr(joining, "this_process", lambda: "another one")
    worker: Any = None
    asyncio.run(sent.setup(worker))
    try:
        assert get_option("s3_concurrency") == 7
    finally:
        sent.teardown(worker)
    assert get_option("s3_concurrency") == 32
    sent.teardown(worker)  # again: nothing is left to give back


def test_each_process_has_a_name() -> None:
    assert this_process() == this_process()


def test_nothing_changes_in_this_process() -> None:
    with cc.cluster("local", warm_up=None, **QUICK):
        with set_options(block_cells=5):
            assert get_option("block_cells") == 5
        assert get_option("block_cells") == 32
