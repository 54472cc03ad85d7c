"""Clusters of somebody else, reached over the network: in this process, or in one of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import LocalCluster

_SCRIPT = """
import sys
from distributed import LocalCluster
{before}
if __name__ == "__main__":
    none = "127.0.0.1:0"
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1",
        dashboard_address=none, worker_dashboard_address=none,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            cluster.scale(int(line))
"""


@contextmanager
def scheduler(workers: int = 1, **options: Any) -> Iterator[LocalCluster]:
    """Run a cluster in this process."""
    given = {"protocol": "tcp://", "threads_per_worker": 1, "processes": False} | options
    address = "127.0.0.1:0"
    with LocalCluster(
        n_workers=workers, host="127.0.0.1", dashboard_address=address,
        worker_dashboard_address=address, **given,
    ) as cluster:  # fmt: skip
        yield cluster


@dataclass(frozen=True)
class Elsewhere:
    """A cluster in another process, which can be killed."""

    address: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it as a machine that is switched off."""
        self.process.kill()
        self.process.wait(60)


@contextmanager
def elsewhere(before: str = "") -> Iterator[Elsewhere]:
    """Run a cluster in a process that runs some lines of Python before."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(before=before)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Elsewhere(process.stdout.readline().strip(), process)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
