"""Each analysis command gives the numbers of the function it mirrors, and says its mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


def test_anomaly_and_trend_equal_the_functions(
    run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path
) -> None:
    anomaly, trend = tmp_path / "anomaly.zarr", tmp_path / "trend.nc"
    made = run("anomaly", cube_file, "-f", "month", "--base-period", "2001-2002", "-o", anomaly)
    assert made.exit_code == 0, made.output
    expected = cc.anomaly(ocean.sst, "month", base_period=(2001, 2002))
    xr.testing.assert_allclose(
        cc.open(str(anomaly)).to_dataarray()[0].drop_vars("variable"), expected
    )
    made = run("trend", anomaly, "--per", "year", "-o", trend)
    assert made.exit_code == 0 and str(trend) in made.stdout
    with xr.open_dataset(trend) as saved:
        np.testing.assert_allclose(saved.slope, cc.trend(expected, per="year").slope, rtol=1e-5)


def test_anomalies_of_means_that_are_labelled_by_their_ends(run: Run, tmp_path: Path) -> None:
    """Of months as their bounds say: a January that is labelled 1 February is none of February."""
    time = xr.date_range("1991-01-01", periods=37, freq="MS").to_numpy()
    month = (np.arange(36.0) % 12)[:, None, None] + np.zeros((36, 2, 3))
    month[0] += 6
    whole = xr.Dataset(
        {
            "tos": (("time", "lat", "lon"), month, {"units": "degC"}),
            "time_bnds": (("time", "bnds"), np.stack([time[:-1], time[1:]], 1)),
        },
        {"time": ("time", time[1:], {"bounds": "time_bnds"}), "lat": [0.0, 1], "lon": [0.0, 1, 2]},
    )
    whole.to_netcdf(tmp_path / "tos.nc", encoding={"time": {"units": "days since 1991-01-01"}})
    period = ["--base-period", "1992-1993"]  # without the first January, not the first February
    made = run("anomaly", tmp_path / "tos.nc", "-f", "month", *period, "-o", tmp_path / "a.nc")
    assert made.exit_code == 0, made.output
    with xr.open_dataset(tmp_path / "a.nc") as found:
        np.testing.assert_allclose(found.tos[:, 0, 0], [6, *[0] * 35])


def test_heatwaves_writes_store_and_events(
    run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path
) -> None:
    store, table = tmp_path / "mhw.zarr", tmp_path / "events.csv"
    result = run(
        "heatwaves", cube_file, "-o", store, "-e", table, "--percentile", 85, "--max-gap", 1
    )
    assert result.exit_code == 0, result.output
    expected = cc.heatwaves(ocean.sst, percentile=85, max_gap=1)
    events = pd.read_csv(table, parse_dates=["date_start"])
    assert len(events) == len(expected.events()) > 0
    assert (events.date_start.to_numpy() == expected.events().date_start.to_numpy()).all()
    annual = xr.open_zarr(store, group="annual")
    np.testing.assert_array_equal(annual["count"], expected.annual["count"])
    assert "thresh" in xr.open_zarr(store, group="climatology")


def test_cold_spells_and_parquet(run: Run, cube_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    result = run("heatwaves", cube_file, "--cold", "-e", tmp_path / "spells.parquet")
    assert result.exit_code == 0, result.output
    assert (pd.read_parquet(tmp_path / "spells.parquet").intensity_max < 0).all()


def test_report_writes_page_and_pictures(run: Run, cube_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = run("report", cube_file, page, "--title", "My sea", "--figures", tmp_path / "png")
    assert result.exit_code == 0, result.output
    assert "My sea" in page.read_text(encoding="utf-8")
    assert list((tmp_path / "png").glob("*.png"))
    assert_one_error_line(run("report", cube_file, page), "page.html")


@pytest.fixture
def broken(ocean: xr.Dataset, tmp_path: Path) -> dict[str, Path]:
    """Files that cannot be analysed, by what is wrong with them."""
    sst = ocean.sst
    sick = {
        "no_time": sst[0].drop_vars("time"),
        "monthly": sst.resample(time="MS").mean(),
        "sub_daily": sst[:100].assign_coords(
            time=sst.time.values[0] + np.arange(100) * np.timedelta64(6, "h")
        ),
        "units": sst[:800].assign_attrs(units="furlongs per"),
        "repeated": sst.isel(time=[0, 1, 1, 2]),
        "two": ocean.assign(ice=sst * 0),
    }  # fmt: skip
    paths = {}
    for name, cube in sick.items():
        paths[name] = tmp_path / f"{name}.nc"
        cube.to_netcdf(paths[name])
    paths["truncated"] = tmp_path / "truncated.nc"
    paths["truncated"].write_bytes(paths["two"].read_bytes()[:4000])
    return paths


@pytest.mark.parametrize(
    ("command", "kind", "options", "fragments"),
    [
        ("trend", "no_time", [], ["no time axis"]),
        ("heatwaves", "monthly", [], ["daily"]),
        ("heatwaves", "sub_daily", [], ["sub-daily", "climcube daily-mean"]),
        ("trend", "units", [], ["furlongs per"]),
        ("heatwaves", "repeated", [], ["duplicate times"]),
        ("trend", "two", [], ["ice", "sst"]),
        ("trend", "two", ["-v", "sts"], ["did you mean 'sst'"]),
        ("trend", "truncated", [], ["truncated.nc"]),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    run: Run,
    broken: dict[str, Path],
    command: str,
    kind: str,
    options: list[str],
    fragments: list[str],
) -> None:
    target = broken[kind].parent / "out.zarr"
    assert_one_error_line(run(command, broken[kind], "-o", target, *options), *fragments)
    assert not target.exists()


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        (["--base-period", "1950-1960"], ["base_period", "2000..2003"]),
        (["--window", "4"], ["window"]),
        (["--percentile", "900"], ["percentile"]),
    ],
)
def test_bad_options_of_heatwaves(
    run: Run, cube_file: Path, tmp_path: Path, options: list[str], fragments: list[str]
) -> None:
    result = run("heatwaves", cube_file, "-o", tmp_path / "x.zarr", *options)
    assert_one_error_line(result, *fragments)
    assert not (tmp_path / "x.zarr").exists()


def test_unknown_method_names_the_known_ones(run: Run, cube_file: Path, tmp_path: Path) -> None:
    result = run("trend", cube_file, "-o", tmp_path / "x.nc", "--method", "magic")
    assert_one_error_line(result, "--method magic", "'ols'")


def test_trends_by_ranks(run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path) -> None:
    target = tmp_path / "sen.nc"
    options = ("--method", "theil_sen", "--seasonal", "day", "--autocorrelation", "none")
    made = run("trend", cube_file, "-o", target, *options)
    assert made.exit_code == 0, made.output
    expected = cc.trend(ocean.sst, method="theil_sen", seasonal="day", autocorrelation="none")
    with xr.open_dataset(target) as saved:
        np.testing.assert_allclose(saved.slope, expected.slope, rtol=1e-4, atol=1e-6)
        assert "tau" in saved
    refused = run("trend", cube_file, "-o", tmp_path / "x.nc", "--lags", "3")
    assert_one_error_line(refused, "lags without a method")


def test_existing_targets_are_kept_unless_told_otherwise(
    run: Run, cube_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "trend.nc"
    assert run("trend", cube_file, "-o", target).exit_code == 0
    before = target.read_bytes()
    assert_one_error_line(run("trend", cube_file, "-o", target), "trend.nc")
    assert target.read_bytes() == before
    assert run("trend", cube_file, "-o", target, "--overwrite").exit_code == 0
