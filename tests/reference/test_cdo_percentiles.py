"""Percentiles and running means against CDO.

CDO's percentiles over time come from histograms: of 101 bins, or 10,001 (``_fine``) between the
least and the greatest value of each cell. Ours, exact, lie within the width of a bin. CDO takes
the value at the rank that is rounded up where we interpolate between two: the order statistics
on either side bound it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.area_means import area_mean
from climcube.analysis.percentile import percentile
from climcube.analysis.rolling import rolling_mean
from tests.oracles.cdo import case, output

CASES = ["tasman_west", "ersstv5", "era5_psl", "trefht_b06.57", "a1b_na", "hadgem2_tas_360",
         "hadgem2_mrsos_360", "canesm5_snw_noleap"]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_timpctl(reference_data: Path, name: str) -> None:
    cube = case(reference_data, name)
    theirs = output(reference_data, name, "timpctl90_fine").squeeze()
    ours = percentile(cube, 90)
    assert (ours["count"] == cube.count(cube.dims[0])).all()
    values = np.sort(cube.values.astype("float64"), axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    rank = np.clip(np.floor((count - 1) * 0.9).astype(int), 0, None)
    low, high = (
        np.take_along_axis(values, np.clip(rank + k, 0, np.maximum(count - 1, 0))[None], axis=0)[0]
        for k in (-1, 2)
    )
    width = (np.nanmax(values, axis=0) - np.nanmin(values, axis=0)) / 10_001
    known = (count > 10) & (width > 0)  # CDO has no answer for a constant
    assert known.any()
    slack = width + 1e-6 * np.abs(high)
    assert (theirs >= low - slack)[known].all() and (theirs <= high + slack)[known].all()
    exact = np.nanpercentile(cube.values[:, known].astype("float64"), 90, axis=0)
    np.testing.assert_allclose(ours.percentile.values[known], exact, rtol=1e-6)


@pytest.mark.parametrize("name", ["tasman_west_6x6", "hadgem2_mrsos_360", "canesm5_snw_noleap"])
def test_ydrunpctl(reference_data: Path, name: str) -> None:
    """Windows of 11 days; the first and last five days are no centres of CDO's."""
    cube = case(reference_data, name)
    theirs = output(reference_data, name, "ydrunpctl90_11_fine")
    ours = percentile(cube, 90, "day", window=11, leap="pool")
    days = np.arange(len(theirs))
    rest = days[20:-20] if len(theirs) < 366 else np.setdiff1d(days[20:-20], np.arange(55, 66))
    spread = np.nanmax(cube.values, axis=0) - np.nanmin(cube.values, axis=0)
    apart = np.abs(ours.percentile.values[rest] - theirs[rest])
    # Between two neighbouring order statistics of some 385 samples CDO takes one of them.
    assert np.nanmedian(apart / np.where(spread > 0, spread, np.nan)) < 2e-3
    assert np.nanmax(apart / np.where(spread > 0, spread, np.nan)) < 0.1


def test_runmean_of_hours(reference_data: Path) -> None:
    with xr.open_dataset(
        next((reference_data / "gridded").glob("air_6hourly_na_2014-10*"))
    ) as file:
        cube = file.air.load()
    with xr.open_dataset(
        reference_data / "reference" / "cdo" / "air_oct2014__runmean5.nc", decode_times=False
    ) as answer:
        theirs = answer.air.values
    ours = rolling_mean(cube, 5).values[2:-2]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_runmean_of_months(reference_data: Path) -> None:
    """CDO takes months as equal: weighing by days moves a mean of three by some hundredths."""
    nino = area_mean(case(reference_data, "ersstv5"), region="nino34")
    theirs = output(reference_data, "ersstv5_nino34", "runmean3_fldmean").squeeze()
    ours = rolling_mean(nino, 3).values[1:-1]
    assert abs(ours - theirs).max() < 0.02
    equal = nino.rolling(time=3, center=True).mean().values[1:-1]
    assert abs(equal - theirs).max() < 1e-5
    days = nino.time.dt.days_in_month.values
    by_days = np.convolve(nino * days, np.ones(3), "valid") / np.convolve(days, np.ones(3), "valid")
    np.testing.assert_allclose(ours, by_days, rtol=1e-12)


@pytest.mark.parametrize("name", ["hadgem2_mrsos_360", "canesm5_snw_noleap", "hadgem2_tas_360"])
def test_running_means_in_every_calendar(reference_data: Path, name: str) -> None:
    cube = case(reference_data, name).isel(time=slice(0, 2000))
    plain = cube.astype("float64").rolling(time=5, center=True).mean()
    if name == "hadgem2_tas_360":  # months are all of 30 days; bounds say so, too
        np.testing.assert_allclose(rolling_mean(cube, 5), plain, rtol=1e-10)
    else:
        found = rolling_mean(cube, 5, min_coverage=1)
        np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-9)
