"""The commands about habitats give the numbers of the functions they mirror."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.habitats.habitat import habitat
from climcube.analysis.habitats.velocity import climate_velocity
from tests.analysis.habitats.test_habitat import noisy
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line
from tests.cubes.test_area import curvilinear

TABLE = """species,min,preferred_min,preferred_max,max
cod,0,2,9,12
sardine,5,10,18,22
"""


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return noisy(holes=0.0)


@pytest.fixture(scope="module")
def file(sst: xr.DataArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("habitat") / "sst.nc"
    sst.to_netcdf(path)
    return path


def test_velocity(run: Run, sst: xr.DataArray, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "velocity.nc"
    made = run("climate-velocity", file, "-o", out, "--per", "year")
    assert made.exit_code == 0, made.output
    expected = climate_velocity(cc.annual_mean(sst), per="year")
    with xr.open_dataset(out) as saved:
        for name in ("velocity", "direction", "gradient"):
            np.testing.assert_allclose(saved[name], expected[name], rtol=1e-6)


def test_habitat_of_a_range(run: Run, sst: xr.DataArray, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "habitat.zarr"
    options = ["--range", "5,10,18,22", "--from", "2001-2002", "--to", "2003-2004"]
    made = run("habitat", file, *options, "--units", "degC", "-o", out)
    assert made.exit_code == 0, made.output
    expected = habitat(sst, thermal_range=(5, 10, 18, 22))
    saved = {name: cc.open(out, group=name) for name in ("periods", "area", "change")}
    np.testing.assert_allclose(saved["periods"].days, expected.days, rtol=1e-6)
    np.testing.assert_allclose(saved["area"].area, expected.area, rtol=1e-6)
    change = expected.change((2001, 2002), (2003, 2004))
    np.testing.assert_array_equal(saved["change"].state, change.state)
    told = run("habitat", file, *options)
    assert f"{float(expected.area.mean()):,.0f} km2" in told.stdout
    assert f"gain {float(change.area_gain):,.0f}" in told.stdout


def test_habitat_of_a_table(run: Run, sst: xr.DataArray, file: Path, tmp_path: Path) -> None:
    table = tmp_path / "species.csv"
    table.write_text(TABLE)
    told = run("habitat", file, "--species-table", table)
    assert told.exit_code == 0, told.output
    assert [line.split(":")[0] for line in told.stdout.splitlines()] == ["cod", "sardine"]
    one = run("habitat", file, "--species-table", table, "--species", "cod")
    expected = habitat(sst, thermal_range=(0, 2, 9, 12)).area.mean()
    assert one.stdout.splitlines() == [
        f"cod: suitable area, mean of the record: {float(expected):,.0f} km2"
    ]


@pytest.mark.parametrize(
    ("text", "options", "fragment"),
    [
        (TABLE, ["--species", "dod"], "did you mean 'cod'"),
        (TABLE.replace("species,", "fish,"), ["--species", "cod"], "a column 'species'"),
        (TABLE.replace("preferred_min", "pmin"), [], "preferred_min"),
        ("", [], "cannot be read"),
        ('a,b\n"1,2\n3', [], "cannot be read"),
        (None, [], "no such species table"),
    ],
)
def test_tables_that_are_wrong(
    run: Run, file: Path, tmp_path: Path, text: str | None, options: list[str], fragment: str
) -> None:
    table = tmp_path / "species.csv"
    if text is not None:
        table.write_text(text)
    made = run("habitat", file, "--species-table", table, *options)
    assert_one_error_line(made, fragment)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--range", "5,10", "--species-table", "x.csv"],
        ["--range", "5,10", "--species", "cod"],
        ["--range", "five,ten"],
        ["--range", "5,10", "--from", "2001-2002"],
    ],
)
def test_wrong_usage(run: Run, file: Path, options: list[str]) -> None:
    assert run("habitat", file, *options).exit_code == 2


def test_a_range_that_is_none(run: Run, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "habitat.zarr"
    made = run("habitat", file, "--range", "22,5", "-o", out)
    assert_one_error_line(made, "(22.0, 5.0)")
    assert not out.exists()


@pytest.mark.parametrize("verb", ["habitat", "iod", "matchup"])
def test_cells_and_times_of_the_data_set_come_along(run: Run, tmp_path: Path, verb: str) -> None:
    """Corners of curved cells and time bounds are variables of their own in a file."""
    time = xr.date_range("1991-01-01", periods=36, freq="MS")
    grid = curvilinear()
    months = xr.DataArray(20 + np.arange(36.0) % 5, {"time": time}, ("time",))
    whole = grid.assign(tos=(grid.tos * months).transpose("time", ...).assign_attrs(units="degC"))
    starts = time.to_numpy()
    ends = np.append(starts[1:], np.datetime64("1994-01-01"))
    # Bounds that begin half a month later than the calendar says.
    shift = np.timedelta64(15, "D") if verb == "matchup" else np.timedelta64(0, "D")
    whole["time_bounds"] = (("time", "bnds"), np.stack([starts + shift, ends + shift], 1))
    whole.time.attrs["bounds"] = "time_bounds"
    whole.to_netcdf(tmp_path / "tos.nc")
    out = tmp_path / "out.nc"
    if verb == "habitat":
        made = run(verb, tmp_path / "tos.nc", "-r", "20,25", "--units", "degC", "-o", out)
        assert made.exit_code == 0, made.output
        area = xr.open_dataset(out, group="area").area
        np.testing.assert_allclose(area, 4 * np.pi * 6371.0**2, rtol=1e-9)
    elif verb == "iod":
        made = run(verb, tmp_path / "tos.nc", "--base-period", "1991-1993", "-o", out)
        assert made.exit_code == 0, made.output
    else:
        (tmp_path / "buoys.csv").write_text("lon,lat,time,tos\n7.5,7.5,1991-03-05,20\n")
        made = run(verb, tmp_path / "tos.nc", tmp_path / "buoys.csv", "-o", out)
        assert made.exit_code == 0, made.output
        assert float(xr.open_dataset(out).cube[0]) == 21.0  # of 15 February to 15 March
