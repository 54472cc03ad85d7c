"""Trends against the Nile, CDO and SciPy, on the project's reference data."""

from __future__ import annotations

from pathlib import Path

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.trends.trend import trend


@pytest.fixture(scope="module")
def nile(reference_data: Path) -> xr.DataArray:
    table = pd.read_csv(reference_data / "series" / "nile_1871_1970.csv")
    time = pd.to_datetime(table.year.astype(str) + "-01-01")
    return xr.DataArray(table.flow.astype(float), dims="time", coords={"time": time}, name="flow")


def test_nile_known_answers(nile: xr.DataArray) -> None:
    santer = trend(nile, per="year", autocorrelation="ar1_uncorrected")
    assert float(santer.slope) == pytest.approx(-2.71430543054, rel=1e-11)
    assert float(santer.r1) == pytest.approx(0.374941063099, rel=1e-11)
    assert float(santer.n_eff) == pytest.approx(45.4607803692, rel=1e-11)
    assert float(santer.stderr) == pytest.approx(0.783183687815, rel=1e-11)
    assert float(santer.pvalue) == pytest.approx(0.00120248644748, rel=1e-10)
    plain = trend(nile, per="year", autocorrelation="none")
    assert float(plain.stderr) == pytest.approx(0.521554090157, rel=1e-11)


def test_nile_default_takes_the_bias_out(nile: xr.DataArray) -> None:
    fit = trend(nile, per="year")
    corrected = (100 * 0.374941063099 + 2) / 96
    expected = 100 * (1 - corrected) / (1 + corrected)
    assert float(fit.n_eff) == pytest.approx(expected, rel=1e-10)


def test_every_cell_of_a_century_of_model_temperatures(reference_data: Path) -> None:
    """SciPy's slope and p-value, per index step of annual data: per year of real time too."""
    expected = xr.open_dataset(reference_data / "reference/mannkendall/trefht_trend_map.nc")
    source = xr.open_dataset(
        reference_data / "gridded/TREFHT_ccsm_b06.57_annual_1890_1999.nc", decode_times=False
    )["TREFHT"].squeeze(drop=True)
    cube = source.sel(lat=expected.lat, lon=expected.lon, method="nearest", tolerance=1e-3)
    fit = trend(_numbered(cube, "time"), per="year", autocorrelation="none")
    np.testing.assert_allclose(fit.slope, expected.ols_slope, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(fit.pvalue, expected.ols_p, rtol=1e-6, atol=1e-300)


# CDO's name, its input below the data folder, variable. CDO counts steps, whatever the calendar.
CASES = [
    ("tasman_west", "oisst_tasman/oisst_tasman_west_*.nc", "sst"),
    ("ersstv5", "gridded/ersstv5_sst_monthly_2010_2020.nc", "sst"),
    ("era5_psl", "gridded/psl_ERA5_mon_194001-202212.nc", "psl"),
    ("trefht_b06.57", "gridded/TREFHT_ccsm_b06.57_annual_1890_1999.nc", "TREFHT"),
    ("a1b_na", "gridded/A1B_north_america.nc", "air_temperature"),
    ("hadgem2_tas_360", "cmip/hadgem2_tas_monthly_360day/*.nc", "tas"),
    ("access_tas", "cmip/access_tas/tas_*.nc", "tas"),
    ("hadgem2_mrsos_360", "cmip/hadgem2_mrsos_daily_360day/*.nc", "mrsos"),
    (
        "canesm5_snw_noleap",
        "cmip/snw_day_CanESM5_historical_r1i1p1f1_gn_19910101-20101231.nc",
        "snw",
    ),
]


@pytest.mark.parametrize(("case", "files", "variable"), CASES, ids=[c[0] for c in CASES])
def test_cdo(case: str, files: str, variable: str, reference_data: Path) -> None:
    folder = reference_data / "reference" / "cdo"
    rate, level = (_answer(folder / f"{case}__trend_{part}.nc", variable) for part in "ba")
    parts = [_read(path, variable) for path in sorted(reference_data.glob(files))]
    time = _time_dim(parts[0])
    cube = _numbered(xr.concat(parts, time) if len(parts) > 1 else parts[0], time)
    fit = trend(cube, per="year", autocorrelation="none")
    scale = float(np.nanmax(np.abs(cube)))
    several = np.squeeze(fit.n.values) > 2  # CDO fits a line to two values too
    for found, expected in ((fit.slope, rate), (fit.intercept, level)):
        ours, theirs = np.squeeze(found.values)[several], expected[several]
        steps = cube.sizes[time] if found.name == "slope" else 1
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9 * scale / steps)


def _read(path: Path, variable: str) -> xr.DataArray:
    with xr.open_dataset(path, decode_times=False) as dataset:
        return dataset[variable].load()


def _answer(path: Path, variable: str) -> np.ndarray:
    with xr.open_dataset(path, decode_times=False) as dataset:
        names = [variable] if variable in dataset else [n for n in dataset if dataset[n].ndim > 1]
        return np.squeeze(dataset[names[0]].values)


def _time_dim(cube: xr.DataArray) -> str:
    return next(str(d) for d in cube.dims if str(d).startswith("time"))


def _numbered(cube: xr.DataArray, time: str) -> xr.DataArray:
    """Give a cube times one year apart, so that trends per year are trends per step."""
    dates = [cftime.datetime(1 + i, 1, 1, calendar="noleap") for i in range(cube.sizes[time])]
    plain = xr.DataArray(cube.values, dims=cube.dims, name=cube.name)
    return plain.assign_coords({time: dates})
