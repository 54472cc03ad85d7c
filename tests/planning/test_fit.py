"""What does not fit the memory is refused, with three ways that cost less of it."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import pytest

import climcube as cc
from climcube.errors import ParameterError, PlanError
from climcube.planning.fit import require_fit
from climcube.planning.machine import machine_of
from climcube.planning.plan import planned_job
from climcube.planning.prices import Prices, kind_of_target, money_of, prices_of
from climcube.planning.tiles.prepare import parts_of
from climcube.testing.laziness import no_compute
from tests.planning.statistics import Cubes, result_of


def plan_of(cubes: Cubes, **options: object) -> cc.Plan:
    return cc.plan(result_of("anomaly", cubes), calibrate=False, **options)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_fits_is_not_refused(cubes: Cubes, workers: int) -> None:
    plan = plan_of(cubes, workers=workers)
    exact = plan_of(cubes, workers=workers, memory=plan.memory)
    assert exact.fits
    exact.require_fit()
    short = plan_of(cubes, workers=workers, memory=plan.memory - 1)
    assert not short.fits
    with pytest.raises(PlanError) as refused:
        short.require_fit()
    text = str(refused.value)
    assert "\n" not in text and text.count("; or ") == 2
    assert len(short.alternatives) == 3
    for way in short.alternatives:
        assert way.way in text and way.costs in text
    assert "tile " in str(refused.value.where)


@pytest.mark.parametrize("memory", ["1 kB", "450 MB", "500 MB"])
def test_there_are_always_three_ways(cubes: Cubes, memory: str) -> None:
    plan = plan_of(cubes, workers=8, memory=memory)
    assert not plan.fits and len(plan.alternatives) == 3
    cube = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).sst.chunk()
    small = cc.plan(cc.annual_mean(cube), workers=1, memory="1 kB", calibrate=False)
    assert len(small.alternatives) == 3


def test_fewer_workers_are_as_many_as_fit(stored: str) -> None:
    small = cc.open(stored, variable="sst", chunks={"time": -1, "lat": 16, "lon": 16})

    def plan_of(**options: object) -> cc.Plan:
        return cc.plan(cc.anomaly(small, "month"), calibrate=False, **options)

    memory = plan_of(workers=2).memory
    many = plan_of(workers=6, memory=memory)
    (choice,) = (choice for choice in many.choices if choice.about == "workers")
    number = int(choice.choice.split()[0])
    assert 1 <= number < 6
    assert plan_of(workers=number, memory=memory).fits
    assert not plan_of(workers=number + 1, memory=memory).fits


def test_smaller_tiles_do_take_less(cubes: Cubes, stored: str) -> None:
    """What is advised is done, and fits."""
    plan = plan_of(cubes, workers=1)
    with cc.set_options(tile_bytes=4 * 2**20):
        smaller = cc.open(stored, variable="sst", layout="series")
    again = cc.plan(cc.anomaly(smaller, "month"), workers=1, calibrate=False)
    assert again.memory_per_worker < plan.memory_per_worker
    assert again.requests == plan.requests  # tiles of whole chunks


def test_the_seam_of_a_save(cubes: Cubes) -> None:
    job, _ = planned_job(parts_of(result_of("trend", cubes), None), {})
    cost = require_fit(job, 2, None)
    assert cost.results > 0
    with pytest.raises(PlanError, match="does not fit"):
        require_fit(job, 2, 10**6)


def test_memory_and_workers_of_this_machine() -> None:
    with dask.config.set(scheduler="synchronous"):
        assert machine_of(None, None).workers == 1
    with dask.config.set(num_workers=3):
        assert machine_of(None, 5).workers == 3
        assert machine_of(7, 5).memory == 5


def test_money() -> None:
    table = prices_of({"get_per_thousand": 1.0, "egress_per_gigabyte": 2.0, "put_per_thousand": 3})
    found = money_of(table, {"aws": (2000, 10**9), "local": (7, 10**12)}, "aws", 1000)
    assert found.requests == pytest.approx(5.0) and found.egress == pytest.approx(2.0)
    assert money_of(None, {"local": (7, 1)}, None, 5).text.startswith("none")
    unknown = money_of(None, {"other": (7, 1)}, None, 5)
    assert unknown.requests is None and "unknown" in unknown.text
    assert money_of(Prices(), {"other": (1000, 0)}, None, 5).requests == pytest.approx(0.0004)
    for wrong in ({"get": 1}, {"get_per_thousand": -1}, {"get_per_thousand": "x"}):
        with pytest.raises(ParameterError):
            prices_of(wrong)


def test_kinds_of_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert kind_of_target("s3://bucket/x", None) == "aws"
    assert kind_of_target("s3://bucket/x", {"endpoint_url": "https://minio.example"}) == "other"
    assert kind_of_target("/tmp/x", None) == kind_of_target("memory://x", None) == "local"
    assert kind_of_target("gs://bucket/x", None) == "other"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert kind_of_target("s3://bucket/x", None) == "other"


def test_the_plan_can_be_read(cubes: Cubes) -> None:
    plan = cc.plan(result_of("heatwaves", cubes), "s3://key:secret@bucket/x.zarr", calibrate=False)
    text, html = str(plan), plan._repr_html_()
    assert "secret" not in text + html + str(plan.to_dict())
    for word in ("result", "reads", "memory", "writes", "money", "tiles", "workers", "layout"):
        assert word in text and word in html
    assert "<script" not in html


def test_what_is_in_memory_needs_no_work() -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3))
    plan = cc.plan(cc.annual_mean(ocean.sst.load()), calibrate=False)
    assert plan.tiles == 0 and plan.fits
    assert str(plan).splitlines()[-1].endswith("none: the values are in memory already")


def test_names_are_escaped() -> None:
    cube = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).sst.rename("<script>alert(1)").chunk()
    assert "<script" not in cc.plan(cube, calibrate=False)._repr_html_()


def test_nothing_computes(cubes: Cubes) -> None:
    with no_compute():
        cc.plan(result_of("habitat", cubes), calibrate=False)


def test_what_cannot_be_planned() -> None:
    with pytest.raises(ParameterError, match="cannot be saved"):
        cc.plan(np.zeros(3))
    cube = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).sst
    with pytest.raises(ParameterError, match="workers"):
        cc.plan(cube, workers=0)
    plan = cc.plan(cube, calibrate=False)  # in memory already
    assert plan.tiles == plan.tasks == plan.requests == 0


def test_tracks_say_what_to_plan_in_their_place(cubes: Cubes) -> None:
    with pytest.raises(ParameterError, match=r"tracks\.labels.*parts=\('daily',\)"):
        cc.plan(cc.heatwaves(cubes["series"], base_period=(1990, 1995)).track(), calibrate=False)


def test_netcdf_files_are_planned_by_their_sizes(tmp_path: Path) -> None:
    """Two files of one task are read one after the other, and put together."""
    ocean = cc.testing.synthetic_ocean(years=2, shape=(8, 12)).sst
    for year, days in ocean.groupby("time.year"):
        days.to_netcdf(tmp_path / f"{year}.nc")
    files = cc.open(str(tmp_path / "*.nc"), variable=str(ocean.name))
    plan = cc.plan(cc.annual_mean(files), workers=1, calibrate=False)
    assert not plan.estimated and not plan.requests
    assert plan.memory_per_worker > 4 * ocean.size
