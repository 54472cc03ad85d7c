"""Climatologies, anomalies and deviations against CDO, on real data of three calendars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.anomaly import anomaly
from climcube.analysis.climatology import climatology
from climcube.analysis.events.heatwaves import heatwaves
from tests.oracles.cdo import case, output

DAILY = ["tasman_west_6x6", "hadgem2_mrsos_360", "canesm5_snw_noleap"]
MONTHLY = ["era5_psl", "hadgem2_tas_360", "access_tas"]
EQUAL = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("name", DAILY)
def test_ydaymean(reference_data: Path, name: str) -> None:
    theirs = output(reference_data, name, "ydaymean")
    np.testing.assert_allclose(
        climatology(case(reference_data, name), leap="pool"), theirs, **EQUAL
    )


@pytest.mark.parametrize("name", DAILY)
def test_ydrunmean(reference_data: Path, name: str) -> None:
    """CDO's first and last five days are no window centres: days that they touch differ."""
    theirs = output(reference_data, name, "ydrunmean11")
    ours = climatology(case(reference_data, name), window=11, leap="pool").values
    time = case(reference_data, name).time
    day = (time.dt.dayofyear if name != "tasman_west_6x6" else leap_year_day(time)).values - 1
    touched = np.unique([*day[:5], *day[-5:]])
    rest = np.setdiff1d(np.arange(len(ours)), touched)
    assert len(rest) >= len(ours) - 10
    np.testing.assert_allclose(ours[rest], theirs[rest], **EQUAL)


@pytest.mark.parametrize("name", DAILY)
def test_ydaystd(reference_data: Path, name: str) -> None:
    """CDO divides by n."""
    cube = case(reference_data, name)
    theirs = output(reference_data, name, "ydaystd")
    ours = climatology(cube, leap="pool", statistic="std").values
    count = group_sizes(cube)
    np.testing.assert_allclose(ours * np.sqrt((count - 1) / count), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DAILY + MONTHLY)
def test_ymonmean(reference_data: Path, name: str) -> None:
    theirs = output(reference_data, name, "ymonmean")
    np.testing.assert_allclose(climatology(case(reference_data, name), "month"), theirs, **EQUAL)


@pytest.mark.parametrize("name", [*DAILY, "tasman_west", "hadgem2_tas_360"])
def test_yseasmean(reference_data: Path, name: str) -> None:
    """Rows are DJF, MAM, JJA, SON; CDO does not weigh, which is right for equal steps."""
    theirs = output(reference_data, name, "yseasmean")
    np.testing.assert_allclose(climatology(case(reference_data, name), "season"), theirs, **EQUAL)


def test_yseasmean_of_months_of_unequal_length(reference_data: Path) -> None:
    """Where months differ in length we weigh by days and CDO does not."""
    cube = case(reference_data, "era5_psl")
    theirs = output(reference_data, "era5_psl", "yseasmean")
    ours = climatology(cube, "season")
    days = cube.time.dt.days_in_month
    for row, season in enumerate(ours.season.values):
        mine = (cube.time.dt.season == season).values
        np.testing.assert_allclose(cube.astype("f8")[mine].mean("time"), theirs[row], rtol=1e-12)
        expected = (cube.astype("f8") * days)[mine].sum("time") / days[mine].sum()
        np.testing.assert_allclose(ours[row], expected, rtol=1e-12)
    assert abs(ours.values - theirs).max() > 0.1  # Pa


@pytest.mark.parametrize("name", ["era5_psl", "hadgem2_tas_360"])
def test_ymonstd_and_ymonsub(reference_data: Path, name: str) -> None:
    cube = case(reference_data, name)
    years = cube.sizes["time"] / 12
    ours = climatology(cube, "month", statistic="std") * np.sqrt((years - 1) / years)
    # CDO subtracts large sums of squares (1e10 Pa2), which costs it half of its digits.
    np.testing.assert_allclose(ours, output(reference_data, name, "ymonstd"), rtol=1e-8)
    departures = anomaly(cube.astype("float64"), "month")
    theirs = output(reference_data, name, "ymonsub")
    np.testing.assert_allclose(departures, theirs, atol=1e-9 * float(abs(cube).max()))


def test_anomalies_of_ersst(reference_data: Path) -> None:
    cube = case(reference_data, "ersstv5").sel(lat=slice(5, -5), lon=slice(189, 241))
    theirs = output(reference_data, "ersstv5_nino34", "anom")
    np.testing.assert_allclose(anomaly(cube.astype("float64"), "month"), theirs, atol=1e-12)


def leap_year_day(time: xr.DataArray) -> xr.DataArray:
    """Day of a leap year from month and day."""
    start = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    return time.dt.day + start[time.dt.month.values - 1]


def group_sizes(cube: xr.DataArray) -> np.ndarray:
    """Number of samples of each (month, day)."""
    key = np.asarray(cube.time.dt.month * 100 + cube.time.dt.day)
    return np.unique(key, return_counts=True)[1].reshape(-1, *[1] * (cube.ndim - 1))


def test_the_same_seas_as_heatwaves(reference_data: Path) -> None:
    """Real packed data with land: pooled and smoothed as heatwaves do it."""
    cube = case(reference_data, "tasman_west_6x6")
    options = {"window": 11, "smooth": 31, "base_period": (1983, 2012)}
    seas = heatwaves(cube, **options).climatology.seas
    np.testing.assert_allclose(climatology(cube, **options), seas, **EQUAL)
