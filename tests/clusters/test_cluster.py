"""What is asked of a cluster: every argument that has no sense is told before anything starts."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import distributed
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ClusterError, DependencyError, ParameterError
from tests.clusters.listening import listening_elsewhere

QUICK: dict[str, Any] = {"workers": 1, "processes": False, "dashboard": False, "warm_up": None}


def cube(days: int = 3 * 365) -> xr.DataArray:
    return (
        cc.testing.synthetic_ocean(years=3, shape=(2, 3)).sst.isel(time=slice(days)).chunk(time=-1)
    )


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("loca", {}, r"unknown kind of cluster \('loca'\).*did you mean 'local'"),
        ("", {}, "unknown kind"),
        (None, {}, "unknown kind"),
        (7, {}, "unknown kind"),
        ("kubernetes", {}, "expected 'local', 'gateway', or the address"),
        ("local", {"workers": -2}, r"workers not understood \(workers=-2\): expected a positive"),
        ("local", {"workers": 0}, "workers not understood"),
        ("local", {"workers": 1.5}, "workers not understood"),
        ("local", {"workers": True}, "workers not understood"),
        ("gateway", {"workers": -1}, "workers not understood"),
        ("local", {"threads": 0}, "threads not understood"),
        ("local", {"memory": "much"}, r"memory not understood \(memory='much'\).*'4 GiB'"),
        ("local", {"memory": ""}, "memory not understood"),
        ("local", {"memory": "-4 GiB"}, "memory not understood"),
        ("local", {"memory": 0}, "memory not understood"),
        ("local", {"memory": float("nan")}, "memory not understood"),
        ("local", {"memory": True}, "memory not understood"),
        ("local", {"memory": "4"}, "too little memory for a worker.*at least 512"),
        ("local", {"memory": "900 TiB"}, "this machine, or its container, has less memory"),
        ("local", {"deadline": 0}, "deadline not understood"),
        ("local", {"deadline": float("nan")}, "deadline not understood"),
        ("local", {"adaptive": (1, 2)}, "adaptive says nothing here.*with 'gateway' only"),
        ("local", {"address": "http://h"}, "address says nothing here"),
        ("gateway", {"memory": "4 GiB"}, "memory says nothing here.*a gateway has options="),
        ("tcp://127.0.0.1:1", {"threads": 2}, "threads says nothing here.*with 'local' only"),
        ("gateway", {"security": object()}, "security says nothing here.*'local' or 'address'"),
        ("gateway", {"adaptive": (3, 1)}, r"adaptive not understood.*as \(1, 20\)"),
        ("gateway", {"adaptive": 3}, "adaptive not understood"),
        ("gateway", {"adaptive": (0, 0)}, "adaptive not understood"),
        ("gateway", {"adaptive": (1, 2), "workers": 2}, "exclude one another"),
        ("gateway", {"name": "x", "options": {"a": 1}}, "has its options already"),
        ("gateway", {"idle_timeout": -1}, "idle_timeout not understood"),
        ("https://hub.example.org/services/dask-gateway", {}, r"no address of a Dask sch.*cc\.clu"),
    ],
)  # fmt: skip
def test_bad_arguments(kind: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        cc.cluster(kind, **arguments)  # at the call, not at `with`
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_gateway", None)
    with (
        pytest.raises(DependencyError, match=r"pip install 'climcube\[gateway\]'"),
        cc.cluster("gateway", address="http://127.0.0.1:9"),
    ):
        pass


def test_everything_inside_runs_on_the_workers_unchanged() -> None:
    sst = cube()
    alone = cc.heatwaves(sst).annual.compute(scheduler="synchronous")
    with cc.cluster("local", **QUICK) as session:
        assert distributed.default_client() is session.client
        assert not session.client.cluster.scheduler.computations
        together = cc.heatwaves(sst).annual.compute()
        assert session.client.cluster.scheduler.computations
    xr.testing.assert_identical(alone, together)
    assert dask.config.get("scheduler", None) is None
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_nothing_listens_to_other_machines() -> None:
    with cc.cluster("local", **QUICK):
        assert listening_elsewhere(os.getpid()) == []


def test_a_session_shows_itself() -> None:
    with cc.cluster("local", **QUICK | {"dashboard": None}) as session:
        text, page = repr(session), session._repr_html_()
        assert (session.workers, session.threads) == (1, dask.system.CPU_COUNT)
        assert text.startswith("<climcube cluster: local, workers 1, threads ")
        assert session.dashboard is None or session.dashboard.startswith("http://127.0.0.1:")
        assert "<b>Cluster</b>: local" in page and ">workers</th>" in page
        assert session.memory > 0
    assert repr(session) == "<climcube cluster: local, state closed>"
    assert (session.workers, session.threads, session.memory) == (0, 0, 0)


def test_blocks_in_blocks() -> None:
    array = dask.array.ones(4, chunks=1)
    with cc.cluster("local", **QUICK) as outer:
        with cc.cluster("local", **QUICK) as inner:
            assert distributed.default_client() is inner.client
            assert int(array.sum().compute()) == 4
        assert distributed.default_client() is outer.client
        assert outer.client.status == "running" and inner.client.status == "closed"
        assert int(array.sum().compute()) == 4
    assert dask.config.get("scheduler", None) is None


def test_after_an_error_nothing_is_left() -> None:
    with pytest.raises(ZeroDivisionError), cc.cluster("local", **QUICK) as session:  # noqa: PT012
        workers = session.client.cluster
        raise ZeroDivisionError
    assert session.client.status == "closed" and workers.status.name == "closed"
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_errors_of_the_data_stay_what_they_are() -> None:
    infinite = cube()
    infinite = infinite.where(infinite.time != infinite.time[5], np.inf)
    with cc.cluster("local", **QUICK), pytest.raises(ValueError, match="from a task"):
        dask.delayed(_fail)(ValueError("from a task")).compute()
    with cc.cluster("local", **QUICK), pytest.raises(cc.errors.CubeError, match="of ours"):
        dask.delayed(_fail)(cc.errors.CubeError("of ours")).compute()


def test_a_missing_package_is_told_as_such() -> None:
    with cc.cluster("local", **QUICK):
        with pytest.raises(ClusterError, match="missing on a worker: found no 'nosuchthing'"):
            dask.delayed(_fail)(ModuleNotFoundError("No module", name="nosuchthing")).compute()
        with pytest.raises(DependencyError, match="of ours"):
            dask.delayed(_fail)(DependencyError("of ours")).compute()
    # What is missing here is no matter of the cluster.
    with pytest.raises(ModuleNotFoundError), cc.cluster("local", **QUICK):
        import nosuchthing  # type: ignore[import-not-found]  # noqa: F401


def test_a_worker_that_imports_the_script_starts_no_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with (
        pytest.raises(ClusterError, match="imported by a worker; put what.*if __name__"),
        cc.cluster("local", workers=1),
    ):
        pass


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import climcube as cc\nwith cc.cluster('local', workers=1, warm_up=None): pass\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("work under if __name__ == '__main__':")


def _fail(error: Exception) -> None:
    raise error
