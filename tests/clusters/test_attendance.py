"""How long a cluster may be without workers; a save that nobody computes is in tests/saving."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dask
import pytest

from climcube.clusters.attendance import PATIENCE, Attendance, reaching
from climcube.errors import ClusterError, StoreError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def looked_at(*looks: tuple[float, int]) -> float | None:
    """Return when it was an error, if it was; ``looks``: seconds, workers there then."""
    clock, there = Clock(), [0]
    client: Any = SimpleNamespace(
        nthreads=lambda: dict.fromkeys(range(there[0]), 2), status="running"
    )
    attendance = Attendance(client, now=clock)
    for clock.now, there[0] in looks:
        try:
            attendance.require(lambda: "tile lat 0-89")
        except ClusterError as error:
            text = str(error)
            assert text.startswith("no worker is left (tile lat 0-89): expected one within")
            assert "no-workers-timeout" in text and "\n" not in text
            return clock.now
    return None


def test_workers_may_come_late() -> None:
    assert looked_at((0, 0), (PATIENCE - 1, 0), (PATIENCE - 0.5, 1)) is None
    assert looked_at((0, 0), (PATIENCE - 1, 0), (PATIENCE, 0)) == PATIENCE


def test_only_a_time_without_any_counts() -> None:
    long = 10 * PATIENCE
    assert looked_at((0, 1), (long, 1), (long + 2, 0), (long + 4, 1), (2 * long, 0)) is None
    assert looked_at((0, 1), (long, 0), (long + PATIENCE, 0)) == long + PATIENCE


def test_the_time_is_a_setting_of_dask() -> None:
    with dask.config.set({"distributed.scheduler.no-workers-timeout": "20 minutes"}):
        assert looked_at((0, 0), (1199, 0)) is None
        assert looked_at((0, 0), (1199, 0), (1200, 0)) == 1200


def asked(error: Exception, status: str = "running") -> None:
    client = SimpleNamespace(status=status, asynchronous=False)
    with reaching(client, lambda: "tile lat 0-89"):
        raise error


def test_a_scheduler_out_of_reach_is_one_sentence() -> None:
    for error, status in (
        (OSError("Timed out trying to connect"), "running"),
        (RuntimeError("Client is closed"), "closed"),
    ):
        with pytest.raises(ClusterError, match=r"connection to the scheduler.*lat 0-89.*resume"):
            asked(error, status)


@pytest.mark.parametrize("error", [StoreError("of the store"), ValueError("of the data")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error), match="of the"):
        asked(error)
