"""Plans of every public statistic against what saving it really takes."""

from __future__ import annotations

import gc
import inspect
import tracemalloc
from pathlib import Path

import dask
import pytest
from dask.callbacks import Callback

import climcube as cc
from climcube.planning.costs.costing import PROCESS_BYTES
from tests.planning.statistics import NOT_PLANNED, STATISTICS, TILE, Cubes, result_of

# Of the graph, its metadata and Dask itself: they do not grow with the cube, and the plan counts
# them with the process.
SMALL = 2 * 2**20


def test_every_public_statistic_is_planned() -> None:
    planned = {name.replace(",", "").split()[0] for name in STATISTICS}
    functions = {name for name in cc.__all__ if inspect.isfunction(getattr(cc, name))}
    assert planned | NOT_PLANNED >= functions, sorted(functions - planned - NOT_PLANNED)


def arrays_of(plan: cc.Plan, workers: int) -> int:
    """Return the planned bytes of arrays: without the process, and what is there already."""
    cost = plan.fit.cost
    return cost.memory(workers) - PROCESS_BYTES - cost.constants


def measured(result: object, target: Path, workers: int) -> int:
    """Save, and return the bytes that NumPy and Python had at most."""
    scheduler = "synchronous" if workers == 1 else "threads"
    with dask.config.set(scheduler=scheduler, num_workers=workers):
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            with cc.set_options(tile_bytes=TILE):
                cc.save(result, target)
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


def warmed_up(name: str, cubes: Cubes, folder: Path) -> None:
    """Compile kernels and import packages with a few cells; they are no part of a plan."""
    few = {
        layout: cube.isel(lat=slice(0, 32, 2), lon=slice(0, 64, 4))
        for layout, cube in cubes.items()
    }
    with dask.config.set(scheduler="synchronous"):
        cc.save(result_of(name, few), folder / "few.zarr")


@pytest.mark.parametrize("name", STATISTICS)
def test_memory_is_bounded_and_tasks_are_counted(name: str, cubes: Cubes, tmp_path: Path) -> None:
    warmed_up(name, cubes, tmp_path)
    result = result_of(name, cubes)
    plan = cc.plan(result, workers=1, calibrate=False)
    ran: list[object] = []
    with Callback(pretask=lambda key, *_: ran.append(key)):
        found = measured(result, tmp_path / "out.zarr", 1)
    assert len(ran) == plan.tasks
    assert not plan.estimated
    planned = arrays_of(plan, 1)
    if found > planned + SMALL:  # a kernel was compiled meanwhile, which is not planned
        found = measured(result, tmp_path / "again.zarr", 1)
    assert found <= planned + SMALL
    assert planned <= 2 * found or planned < SMALL


@pytest.mark.slow
@pytest.mark.parametrize("name", STATISTICS)
def test_memory_of_two_threads(name: str, cubes: Cubes, tmp_path: Path) -> None:
    warmed_up(name, cubes, tmp_path)
    result = result_of(name, cubes)
    plan = cc.plan(result, workers=2, calibrate=False)
    # Threads need not be at their worst at the same time: the most of a few runs.
    found = max(measured(result, tmp_path / f"{i}.zarr", 2) for i in range(3))
    assert found <= arrays_of(plan, 2) + SMALL
