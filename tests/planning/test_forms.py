"""Of tiles that are alike one is looked at, and the plan is what it would be if each were."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.planning.costs.costing import JobCost, cost_of_job
from climcube.planning.costs.parts import Parts
from climcube.planning.plan import planned_job
from climcube.planning.tiles.jobs import job_of
from climcube.planning.tiles.prepare import parts_of
from tests.planning.statistics import STATISTICS, Cubes, cubes_of, result_of, write_cube

SMALL = 2**20


def figures(cost: JobCost) -> dict[str, Any]:
    """Return all that a plan says of a job."""
    found: dict[str, Any] = {
        "peaks": [tile.peak for tile in cost.tiles],
        "kept": [(step.before, step.after, step.cost.peak) for step in cost.keeping.steps],
        "memory": [cost.memory(workers) for workers in (1, 2, 5, 50)],
        "tasks": [cost.tasks(workers) for workers in (1, 50)],
        "needed": cost.needed,
        "repeated": cost.repeated,
        "work": cost.work,
        "estimated": cost.estimated,
    }
    for what in ("requests", "stored", "moved"):
        found[what] = [cost.total(what, workers) for workers in (1, 50)]
    return found


def forms_of(cost: JobCost) -> int:
    return len({id(tile.form) for tile in cost.tiles})


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Cubes:
    """Cubes of many tiles, the last of which are smaller, in chunks that some of them cut."""
    folder = tmp_path_factory.mktemp("forms")
    path = write_cube(folder / "sst.zarr", (28, 90), chunks=(122, 4, 6), shards=(732, 12, 18))
    cubes = cubes_of(path)
    series = cc.open(path, variable="sst", chunks={"time": -1, "lat": 8, "lon": 12})
    maps = cc.open(path, variable="sst", chunks={"time": 732, "lat": 14})
    return cubes | {"series": series, "maps": maps}


QUICK = ("anomaly of maps", "fdr", "rolling_mean of maps", "trend of maps", "zonal_mean")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in STATISTICS]
)
def test_figures_are_those_of_looking_at_each_tile(
    name: str, many: Cubes, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, files = planned_job(parts_of(result_of(name, many), None), {})
    cost = cost_of_job(job, files)
    found = figures(cost)
    assert not cost.estimated
    own = itertools.count()
    told = Parts.of

    def apart(*args: Any) -> Any:
        part = told(*args)
        return type(part)(next(own), part.keys, part.tasks, part.reads)

    monkeypatch.setattr(Parts, "of", apart)
    every = cost_of_job(job, files)
    assert figures(every) == found
    assert forms_of(every) == len(every.tiles)
    if len(job.tiles) >= 24:
        # Tiles differ in size at both edges, and where chunks are cut; years in their days.
        assert forms_of(cost) < len(job.tiles)


def test_one_of_each_form_is_looked_at() -> None:
    """Also one at the end, which may be the largest."""
    cube = xr.DataArray(np.zeros((4, 85)), dims=("time", "lat")).chunk(lat=(8,) * 10 + (5,))
    cost = cost_of_job(job_of({"": (cube + 1).to_dataset(name="a")}))
    assert len(cost.tiles) == 11 and forms_of(cost) == 2
    assert cost.tiles[-1].form is not cost.tiles[0].form


def test_what_differs_by_value_is_another_form() -> None:
    """Functions of the user that are told where they are may do anything there."""
    cube = xr.DataArray(np.zeros((4, 8, 1024)), dims=("time", "lat", "lon"), name="a").chunk(lat=1)

    def wide(block: Any, block_info: Any = None) -> Any:
        copies = 1 if block_info[0]["chunk-location"][1] < 7 else 50
        return np.concatenate([block] * copies)[: len(block)]

    own = cube.copy(data=cube.data.map_blocks(wide, dtype="f8"))
    assert forms_of(cost_of_job(job_of({"": own.to_dataset()}))) == 8


def test_what_is_shared_is_alike_too(many: Cubes) -> None:
    """A mean for each place, kept until its anomalies are done."""
    cube = many["series"].chunk(time=400)
    cost = cost_of_job(job_of({"": (cube - cube.mean("time")).to_dataset(name="a")}))
    assert len(cost.job.shared) == len(cost.keeping.steps) > 20
    assert len({id(step.cost.form) for step in cost.keeping.steps}) < 24
