"""Commands that average give the numbers of the functions they mirror, and say their mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.area_means import area_mean, area_sum, zonal_mean
from climcube.analysis.climatology import climatology
from climcube.analysis.masks import mask
from climcube.analysis.means import annual_mean, daily_mean, monthly_mean, seasonal_mean
from climcube.analysis.percentile import percentile
from climcube.analysis.rolling import rolling_mean
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line

COMMANDS: dict[str, tuple[tuple[object, ...], Callable[[xr.DataArray], Any]]] = {
    "climatology": (
        ("--window", 11, "--base-period", "2001-2003", "--smooth", 31),
        lambda cube: climatology(cube, window=11, base_period=(2001, 2003), smooth=31),
    ),
    "climatology spread": (
        ("-f", "month", "--statistic", "std"),
        lambda cube: climatology(cube, "month", statistic="std"),
    ),
    "climatology high": (
        ("--statistic", "percentile", "--percentile", 95, "--window", 11),
        lambda cube: climatology(cube, statistic="percentile", percentile=95, window=11),
    ),
    "percentile": (("-q", 10, "-q", 90), lambda cube: percentile(cube, [10, 90])),
    "percentile months": (("-f", "month"), lambda cube: percentile(cube, 90, "month")),
    "annual-mean": ((), annual_mean),
    "monthly-mean": (("--min-coverage", 0.5), lambda cube: monthly_mean(cube, min_coverage=0.5)),
    "daily-mean": ((), daily_mean),
    "seasonal-mean": (("-s", "NDJFM"), lambda cube: seasonal_mean(cube, "NDJFM")),
    "seasonal-mean both": (
        ("-s", "DJF", "-s", "JJA"), lambda cube: seasonal_mean(cube, ["DJF", "JJA"]),
    ),
    "rolling-mean": (
        ("-w", 30, "--trailing"), lambda cube: rolling_mean(cube, 30, center=False),
    ),
    "area-mean": (("-r", "tropics"), lambda cube: area_mean(cube, region="tropics")),
    "area-mean box": (
        ("-r", "100,-100,-50,50"), lambda cube: area_mean(cube, region=(100, -100, -50, 50)),
    ),
    "area-sum": (("--unit", "km2"), lambda cube: area_sum(cube, unit="km2")),
    "zonal-mean": ((), zonal_mean),
    "zonal-mean bands": (("--band", 45), lambda cube: zonal_mean(cube, band=45)),
    "mask": (("-r", "tropics"), lambda cube: mask(cube, "tropics")),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_equal_the_functions(
    run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path, name: str
) -> None:
    options, function = COMMANDS[name]
    output = tmp_path / "result.nc"
    made = run(name.split()[0], cube_file, "-o", output, *options)
    assert made.exit_code == 0, made.output
    assert str(output) in made.stdout and "'sst'" in made.stdout
    expected = function(ocean.sst)
    expected = expected if isinstance(expected, xr.Dataset) else expected.to_dataset()
    with xr.open_dataset(output) as saved:
        for key, values in expected.data_vars.items():
            np.testing.assert_allclose(saved[key], values, rtol=1e-5)


def test_areas_and_bounds_travel_with_the_file(run: Run, ocean: xr.Dataset, tmp_path: Path) -> None:
    lat_bounds = np.array([[-90, -80], [-80, -10], [-10, 50], [50, 90]], "float64")
    given = ocean[["sst"]].assign(lat_bnds=(("lat", "bnds"), lat_bounds))
    given["more"] = given.sst + 1
    given["lat"].attrs["bounds"] = "lat_bnds"
    given.to_netcdf(tmp_path / "bounded.nc")
    output = tmp_path / "mean.nc"
    made = run("area-mean", tmp_path / "bounded.nc", "-v", "sst", "-o", output)
    assert made.exit_code == 0, made.output
    expected = area_mean(given.drop_vars("more"))
    assert abs(expected - area_mean(ocean.sst)).max() > 1e-3
    with xr.open_dataset(output) as saved:
        np.testing.assert_allclose(saved.sst, expected, rtol=1e-5)


def test_weights_from_a_file(run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path) -> None:
    areas = xr.DataArray(
        np.arange(1.0, 25).reshape(4, 6), ocean.sst[0].drop_vars("time").coords,
        name="areacello", attrs={"units": "m2"},
    )  # fmt: skip
    areas.to_netcdf(tmp_path / "area.nc")
    output = tmp_path / "mean.nc"
    made = run("area-sum", cube_file, "--weights", tmp_path / "area.nc", "-o", output)
    assert made.exit_code == 0, made.output
    with xr.open_dataset(output) as saved:
        np.testing.assert_allclose(saved.sst, area_sum(ocean.sst, weights=areas), rtol=1e-5)


def test_outlines_from_a_file(run: Run, cube_file: Path, ocean: xr.Dataset, tmp_path: Path) -> None:
    geopandas, shapely = pytest.importorskip("geopandas"), pytest.importorskip("shapely")
    path = tmp_path / "basin.geojson"
    outline = shapely.box(0, -50, 200, 20)
    geopandas.GeoSeries([outline], crs=4326).to_file(path)
    output = tmp_path / "mean.nc"
    made = run("area-mean", cube_file, "-r", path, "-o", output)
    assert made.exit_code == 0, made.output
    with xr.open_dataset(output) as saved:
        np.testing.assert_allclose(saved.sst, area_mean(ocean.sst, region=outline), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("area-mean", "-r", "atlantis"), "unknown region"),
        (("mask", "-r", "1,2,3,3.5"), "no cell of the cube"),
        (("seasonal-mean", "-s", "winter"), "unknown season"),
        (("rolling-mean", "-w", 4), "no middle"),
        (("percentile", "-q", 900), "percentile out of range"),
        (("zonal-mean", "--band", 0), "band out of range"),
        (("area-mean", "-r", "no_such.shp"), "no such file of outlines"),
    ],
)
def test_mistakes(
    run: Run, cube_file: Path, tmp_path: Path, arguments: tuple[object, ...], fragment: str
) -> None:
    verb, *options = arguments
    result = run(verb, cube_file, "-o", tmp_path / "out.nc", *options)
    assert_one_error_line(result, fragment)
    assert not (tmp_path / "out.nc").exists()
