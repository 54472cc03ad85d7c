"""``climcube heatwaves start`` and ``update``: a state on disk, followed from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.following.comparing import assert_equals_whole
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line

FIRST = 1300


@pytest.fixture
def days(ocean: xr.Dataset, tmp_path: Path) -> Path:
    """A folder with the record so far and the days after it, one file each."""
    ocean.isel(time=slice(FIRST)).to_netcdf(tmp_path / "record.nc")
    for n in range(FIRST, FIRST + 4):
        ocean.isel(time=slice(n, n + 1)).to_netcdf(tmp_path / f"day{n - FIRST}.nc")
    return tmp_path


@pytest.fixture
def state(run: Run, days: Path) -> Path:
    path = days / "sst.state"
    made = run("heatwaves", "start", days / "record.nc", path, "--revisable", 10)
    assert made.exit_code == 0, made.output
    assert "2000-01-01 to 2003-07-23" in made.stdout
    return path


def test_day_after_day(run: Run, ocean: xr.Dataset, days: Path, state: Path) -> None:
    for n in range(4):
        told = run("heatwaves", "update", state, days / f"day{n}.nc")
        assert told.exit_code == 0, told.output
        assert f"1 day added (2003-07-{24 + n})" in told.stdout
        assert f"generation {n + 2}" in told.stdout and "entered" in told.stdout
    assert_equals_whole(cc.open_heatwave_state(state), ocean.sst[: FIRST + 4])


@pytest.fixture
def warm(ocean: xr.Dataset, days: Path) -> Path:
    """Five days so hot that every cell is in an event on the fifth."""
    hot = ocean.isel(time=slice(FIRST, FIRST + 5)).copy(deep=True)
    hot["sst"] = (hot.sst + 6).assign_attrs(hot.sst.attrs)
    hot.to_netcdf(days / "hot.nc")
    return days / "hot.nc"


def test_the_list_as_csv_and_json(run: Run, ocean: xr.Dataset, state: Path, warm: Path) -> None:
    cells = int(ocean.sst[0].notnull().sum())
    told = run("heatwaves", "update", state, warm, "--format", "csv")
    table = pd.read_csv(io.StringIO(told.stdout))
    assert list(table.columns[:4]) == ["date", "lat", "lon", "change"]
    assert len(table) == cells and set(table.change) == {"entered"}
    assert "5 days added" in told.stderr
    told = run("heatwaves", "update", state, warm, "--format", "json")
    document = json.loads(told.stdout)
    assert document["replaced"][-1] == document["last_day"] == "2003-07-28"
    assert document["generation"] == 3 and len(document["changes"]) == cells
    assert sum(day["entered"] for day in document["counts"]) == cells
    assert document["changes"][0]["category_before"] == "none"


def test_text_lists_the_first_cells(run: Run, state: Path, warm: Path) -> None:
    told = run("heatwaves", "update", state, warm, "--limit", 3)
    assert told.stdout.count("entered") == 1 + 3 and "more (--limit 0" in told.stdout
    told = run("heatwaves", "update", state, warm, "--limit", 0)
    assert "more (" not in told.stdout


def test_lists_years_and_events_are_written(
    run: Run, ocean: xr.Dataset, days: Path, state: Path, warm: Path
) -> None:
    files = {n: days / n for n in ("new/list.csv", "list.json", "years.nc", "events.csv")}
    told = run(
        "heatwaves", "update", state, warm, "-o", files["new/list.csv"],
        "--annual", files["years.nc"], "--events", files["events.csv"],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    again = run("heatwaves", "update", state, warm, "-o", files["list.json"])
    assert again.exit_code == 0, again.output
    table = pd.read_csv(files["new/list.csv"])
    assert len(table) == len(json.loads(files["list.json"].read_text())["changes"])
    followed = cc.open_heatwave_state(state)
    with xr.open_dataset(files["years.nc"]) as years:
        xr.testing.assert_equal(years["days"], followed.annual["days"].astype(years["days"].dtype))
    assert len(pd.read_csv(files["events.csv"])) == len(followed.events())
    for name in ("new/list.csv", "events.csv"):
        option = "-o" if "list" in name else "--events"
        generation = followed.generation
        refused = run("heatwaves", "update", state, warm, option, files[name])
        assert_one_error_line(refused, "exists already")
        assert cc.open_heatwave_state(state).generation == generation
    assert_one_error_line(run("heatwaves", "update", state, warm, "-o", "x.txt"), ".csv or .json")


def test_of_a_longer_record_the_new_and_the_changed(
    run: Run, ocean: xr.Dataset, days: Path, state: Path
) -> None:
    longer = ocean.isel(time=slice(FIRST + 3)).copy(deep=True)
    longer.to_netcdf(days / "longer.nc")
    told = run("heatwaves", "update", state, days / "longer.nc", "--recent")
    assert "3 days added" in told.stdout and "replaced" not in told.stdout
    told = run("heatwaves", "update", state, days / "longer.nc", "--recent")
    assert told.exit_code == 0 and "nothing new" in told.stderr and told.stdout == ""
    longer.sst[FIRST + 1] += 1
    longer.to_netcdf(days / "revised.nc")
    told = run("heatwaves", "update", state, days / "revised.nc", "--recent")
    assert "1 day replaced (2003-07-25)" in told.stdout
    assert_equals_whole(cc.open_heatwave_state(state), longer.sst)


def test_going_back(run: Run, ocean: xr.Dataset, days: Path, state: Path, warm: Path) -> None:
    run("heatwaves", "update", state, warm)
    told = run("heatwaves", "update", state, days / "day0.nc", "--generation", 1)
    assert "generation 3" in told.stdout
    assert_equals_whole(cc.open_heatwave_state(state), ocean.sst[: FIRST + 1])


def test_mistakes_are_one_line(run: Run, days: Path, state: Path, warm: Path) -> None:
    assert_one_error_line(run("heatwaves", "update", days / "none", warm), "no climcube heatwave")
    assert_one_error_line(run("heatwaves", "update", state, days / "none.nc"), "none.nc")
    too_old = run("heatwaves", "update", state, days / "record.nc")
    assert_one_error_line(too_old, "days after 2003-07-13, found 2000-01-01")
    taken = run("heatwaves", "start", days / "record.nc", state)
    assert_one_error_line(taken, "another state")
    assert cc.open_heatwave_state(state).generation == 1
    replaced = run("heatwaves", "start", days / "record.nc", state, "--overwrite", "--cold")
    assert replaced.exit_code == 0, replaced.output
    assert cc.open_heatwave_state(state)._snapshot.definition.cold


def test_help_names_both_uses(run: Run) -> None:
    told = run("heatwaves", "--help").stdout
    assert "CUBE" in told and "--base-period" in told
    assert "Day by day, in place of CUBE:" in told and "  update  " in told
    assert "STATE" in run("heatwaves", "update", "--help").stdout
    assert "heatwaves update [OPTIONS]" in run("heatwaves", "update", "-h").stdout
    assert run("heatwaves").exit_code == 2 and run("heatwaves", "update").exit_code == 2


def test_a_cube_may_still_be_called_update(
    run: Run, ocean: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cc.save(ocean.sst, "update")
    told = run("heatwaves", "./update", "-e", "events.csv")
    assert told.exit_code == 0, told.output
