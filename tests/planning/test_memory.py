"""Resident memory of a process of its own: what is bounded is what an operator sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planning.statistics import STATISTICS

SAVE = """
import json, sys, warnings
import dask
import climcube as cc
from tests.planning.statistics import TILE, cubes_of, result_of

warnings.simplefilter("ignore")
stored, name, target, workers = sys.argv[1:5]
result = result_of(name, cubes_of(stored))
plan = cc.plan(result, workers=int(workers), calibrate=False)
scheduler = "synchronous" if workers == "1" else "threads"
dask.config.set(scheduler=scheduler, num_workers=int(workers))
with cc.set_options(tile_bytes=TILE):
    cc.save(result, target)
# Not ru_maxrss: to the system that began with the parent, which may be larger than all of this.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps([plan.memory, peak]))
"""


def compare(name: str, stored: str, target: Path, workers: int) -> None:
    command = [sys.executable, "-c", SAVE, stored, name, str(target), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    planned, measured = json.loads(done.stdout.splitlines()[-1])
    assert measured <= planned <= 2 * measured


def test_a_process_stays_below_its_plan(stored: str, tmp_path: Path) -> None:
    compare("heatwaves daily", stored, tmp_path / "out.zarr", 2)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_stays_below_its_plan(
    name: str, workers: int, stored: str, tmp_path: Path
) -> None:
    compare(name, stored, tmp_path / "out.zarr", workers)
