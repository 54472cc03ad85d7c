"""``climcube plan``: what another command would take, and nothing is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import climcube as cc
from climcube.cli import app, plans
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plans") / "sst.zarr"
    cc.save(cc.testing.synthetic_ocean(years=3, shape=(4, 6)), path)
    return str(path)


def test_a_command_is_planned_and_not_run(run: Run, cube: str, tmp_path: Path) -> None:
    target = tmp_path / "mean.zarr"
    result = run("plan", "--json", "--workers", "2", "monthly-mean", cube, "-o", str(target))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["target"] == str(target) and found["tasks"] > 0 and found["workers"] == 2
    assert not target.exists()
    assert cc.save.__module__ == "climcube.saving.save"  # it is itself again


def test_the_target_may_be_left_out(run: Run, cube: str) -> None:
    result = run("plan", "--json", "trend", cube)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["target"] is None


def test_what_does_not_fit_ends_with_1(run: Run, cube: str, tmp_path: Path) -> None:
    result = run("plan", "--memory", "1 MB", "anomaly", cube, "-o", str(tmp_path / "a.zarr"))
    assert result.exit_code == 1
    assert "DOES NOT FIT" in result.stdout and "or 3" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("report", "CUBE"), "cannot be planned"),
        (("heatwaves", "update", "CUBE"), "cannot be planned"),
        (("heatwaves", "CUBE", "--events", "TARGET"), "would compute something"),
        (("nonsense",), "cannot be planned"),
    ],
)
def test_what_cannot_be_planned(
    run: Run, cube: str, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    target = tmp_path / "events.csv"
    given = [{"CUBE": cube, "TARGET": str(target)}.get(a, a) for a in arguments]
    result = run("plan", *given)
    assert result.exit_code == 2 and told in result.stderr
    assert not target.exists()


def test_a_mistake_in_the_command_is_one_line(run: Run, cube: str, tmp_path: Path) -> None:
    result = run("plan", "trend", cube, "-o", str(tmp_path / "x.nc"), "--per", "fortnight")
    assert result.exit_code == 1 and result.stderr.count("climcube: error: ") == 1


def test_every_planned_command_is_one() -> None:
    names = {command.name for command in app.registered_commands}
    assert names >= plans._PLANNED
