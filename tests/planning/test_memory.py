"""Resident memory of a process of its own: what is bounded is what an operator sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from climcube.planning.costs.costing import PROCESS_BYTES
from tests.planning.statistics import STATISTICS, cubes_of
from tests.planning.test_statistics import SMALL, warmed_up

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


def resident(what):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status[what].split()[0]) * 1024


before = resident("VmRSS")
with cc.set_options(tile_bytes=TILE):
    cc.save(result, target)
# Not ru_maxrss: to the system that began with the parent, which may be larger than all of this.
print(json.dumps([plan.memory, resident("VmHWM"), before]))
"""


def compare(name: str, stored: str, folder: Path, workers: int) -> None:
    # To compile kernels, once on a machine, takes memory that no plan counts.
    warmed_up(name, cubes_of(stored), folder)
    command = [sys.executable, "-c", SAVE, stored, name, str(folder / "out.zarr"), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    planned, measured, before = json.loads(done.stdout.splitlines()[-1])
    assert measured <= planned
    # What any process is given beside its arrays is a bound that few come near.
    assert planned - PROCESS_BYTES <= 2 * (measured - before) + SMALL


def test_a_process_stays_below_its_plan(stored: str, tmp_path: Path) -> None:
    compare("heatwaves daily", stored, tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_stays_below_its_plan(
    name: str, workers: int, stored: str, tmp_path: Path
) -> None:
    compare(name, stored, tmp_path, workers)
