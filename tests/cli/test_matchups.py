"""``climcube matchup``: pairs to a table or a store, the statistics in one line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from typer.testing import Result

from climcube.analysis.matchup.matchup import matchup
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def buoys(ocean: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("buoys") / "buoys.csv"
    some = ocean.sst.isel(time=slice(3, 300, 50), lat=2).to_dataframe().reset_index()
    some.assign(sst=some.sst - 0.5, quality_qc=1).to_csv(path, index=False)
    return path


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".nc", ".zarr"])
def test_pairs_are_written(
    run: Run, cube_file: Path, buoys: Path, ocean: xr.Dataset, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"pairs{suffix}"
    said = succeeded(run("matchup", cube_file, buoys, "-v", "sst", "-o", output))
    expected = matchup(ocean.sst, pd.read_csv(buoys))
    assert f"{int(expected.n)} pairs of {expected.sizes['obs']} observations, bias 0.5 degC" in said
    if suffix in (".csv", ".parquet"):
        found = pd.read_csv(output) if suffix == ".csv" else pd.read_parquet(output)
        assert {"lon", "lat", "time", "profile", "cube", "observation", "flag"} <= set(found)
    else:
        found = xr.open_dataset(output, engine="zarr" if suffix == ".zarr" else None)
        assert int(found.n) == int(expected.n) and found.flag.dtype == "int8"
    assert list(found["difference"]) == pytest.approx(list(expected.difference.values))
    again = run("matchup", cube_file, buoys, "-v", "sst", "-o", output)
    assert again.exit_code == 1 and "exists" in again.stderr
    assert run("matchup", cube_file, buoys, "-v", "sst", "-o", output, "--overwrite").exit_code == 0


def test_options_reach_the_function(run: Run, cube_file: Path, buoys: Path) -> None:
    said = succeeded(
        run("matchup", cube_file, buoys, "-v", "sst", "--method", "linear", "--units", "degC",
            "--time-tolerance", "12h", "--distance", 50, "--qc", "all", "--observed", "sst")
    )  # fmt: skip
    assert "bias 0.5" in said


def test_mistakes(run: Run, cube_file: Path, buoys: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ((buoys, "--method", "cubic"), "unknown method"),
        (("nowhere.nc",), "no such file of observations"),
        ((buoys, "--observed", "salt"), "no such variable among"),
        ((buoys, "--time-tolerance", "soon"), "time_tolerance is no duration"),
    ):
        failed = run("matchup", cube_file, *arguments, "-v", "sst")
        assert failed.exit_code == 1 and words in failed.stderr, failed.output
    wrong = run("matchup", cube_file, buoys, "-v", "sst", "--qc", "good")
    assert wrong.exit_code == 2 and "no list of flags" in wrong.stderr
