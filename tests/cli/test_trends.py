"""Each command about trends gives the numbers of the function it mirrors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.trends.test_trend import cube_of, red, years
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


@pytest.fixture(scope="module")
def annual() -> xr.DataArray:
    return cube_of(15 + red((60, 2, 3)) + 0.02 * np.arange(60)[:, None, None], years(60))


@pytest.fixture(scope="module")
def annual_file(annual: xr.DataArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("annual") / "annual.nc"
    annual.to_netcdf(path)
    return path


CASES: list[tuple[list[Any], Any]] = [
    (
        ["change", "--from", "1901-1920", "--to", "1931-1960", "--autocorrelation", "none"],
        lambda cube: cc.change(cube, (1901, 1920), (1931, 1960), autocorrelation="none"),
    ),
    (
        ["quantile-trend", "-q", 0.2, "-q", 0.8, "--per", "year"],
        lambda cube: cc.quantile_trend(cube, (0.2, 0.8), per="year"),
    ),
    (["breakpoint", "--min-valid", 20], lambda cube: cc.breakpoint(cube, min_valid=20)),
    (
        ["emergence", "--base-period", "1901-1920", "--threshold", 1, "--degree", 2],
        lambda cube: cc.emergence(cube, base_period=(1901, 1920), threshold=1, degree=2),
    ),
]


@pytest.mark.parametrize(("arguments", "function"), CASES, ids=[c[0][0] for c in CASES])
def test_commands_equal_the_functions(
    run: Run, annual: xr.DataArray, annual_file: Path, tmp_path: Path, arguments: Any, function: Any
) -> None:
    out = tmp_path / "out.nc"
    made = run(arguments[0], annual_file, "-o", out, *arguments[1:])
    assert made.exit_code == 0, made.output
    assert str(out) in made.stdout
    with xr.open_dataset(out) as saved:
        expected = function(annual)
        for name in expected:
            np.testing.assert_allclose(saved[name], expected[name], rtol=1e-5, err_msg=name)


def test_moments_are_joined_and_make_the_trend_of_all(
    run: Run, annual: xr.DataArray, annual_file: Path, tmp_path: Path
) -> None:
    parts = [tmp_path / f"part{i}.nc" for i in range(2)]
    sums = [tmp_path / f"moments{i}.nc" for i in range(2)]
    for path, part in zip(parts, (annual[:50], annual[50:]), strict=True):
        part.to_netcdf(path)
    assert run("trend-moments", parts[0], "-o", sums[0]).exit_code == 0
    made = run("trend-moments", parts[1], "--before", sums[0], "-o", sums[1])
    assert made.exit_code == 0, made.output
    assert run("trend", sums[1], "-o", tmp_path / "trend.nc").exit_code == 0
    with xr.open_dataset(tmp_path / "trend.nc") as saved:
        for name in ("slope", "pvalue", "n"):
            np.testing.assert_allclose(saved[name], cc.trend(annual)[name], rtol=1e-9)
    wrong = run("trend-moments", parts[0], "--before", sums[0], "-o", tmp_path / "x.nc")
    assert_one_error_line(wrong, "do not follow")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["trend"], "climcube anomaly CUBE --frequency month"),
        (["trend", "--method", "theil_sen"], "pass --seasonal month (or day)"),
        (["breakpoint"], "climcube anomaly CUBE --frequency month"),
        (["change", "--from", "2000-2001", "--to", "2002-2003"], "climcube anomaly CUBE"),
        (["quantile-trend"], "climcube anomaly CUBE"),
        (["climate-velocity", "--as-is"], "leave out --as-is"),
    ],
)
def test_warnings_are_one_line_in_words_of_the_command_line(
    run: Run, cube_file: Path, tmp_path: Path, command: list[str], words: str
) -> None:
    verb, *options = command
    made = run(verb, cube_file, "-v", "sst", *options, "-o", tmp_path / "out.nc")
    assert made.exit_code == 0, made.output
    lines = made.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("climcube: warning: "), made.stderr
    assert words in lines[0]
    assert not any(code in lines[0] for code in ("cc.", ".py", "UserWarning", "seasonal="))


def test_emergence_by_a_driver(
    run: Run, annual: xr.DataArray, annual_file: Path, tmp_path: Path
) -> None:
    force = cube_of(np.linspace(0, 1, 60) ** 2, years(60)).rename("gmst")
    force.to_netcdf(tmp_path / "gmst.nc")
    made = run(
        "emergence", annual_file, "-o", tmp_path / "out.nc", "--base-period", "1901-1920",
        "--driver", tmp_path / "gmst.nc",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    with xr.open_dataset(tmp_path / "out.nc") as saved:
        expected = cc.emergence(annual, base_period=(1901, 1920), driver=force)
        np.testing.assert_allclose(saved.noise, expected.noise, rtol=1e-5)


def test_false_positive_rates_are_printed(run: Run) -> None:
    arguments = ["-n", 30, "--phi", 0.6, "--test", "ols: none", "--series", 300]
    made = run("false-positive-rates", *arguments)
    assert made.exit_code == 0, made.output
    rate = cc.false_positive_rates(30, 0.6, tests="ols: none", series=300).item()
    assert f"{rate:.3f}" in made.stdout and "n = 30" in made.stdout


def test_mistakes_are_one_line_and_nothing_is_written(
    run: Run, annual_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.nc"
    overlap = run("change", annual_file, "-o", out, "--from", "1901-1930", "--to", "1920-1950")
    assert_one_error_line(overlap, "overlap")
    usage = run("change", annual_file, "-o", out, "--from", "1901", "--to", "1920-1950")
    assert usage.exit_code == 2 and "--from" in usage.output
    assert not out.exists()
