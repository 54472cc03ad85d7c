"""Means by month, season and year against CDO, on real data of three calendars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from climcube.analysis.means import annual_mean, monthly_mean, seasonal_mean
from tests.oracles.cdo import case, dataset, output

DAILY = ["tasman_west_6x6", "hadgem2_mrsos_360", "canesm5_snw_noleap"]
MONTHLY = ["era5_psl", "hadgem2_tas_360", "access_tas", "ersstv5"]
EQUAL = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("name", [*DAILY, "tasman_west"])
def test_monmean(reference_data: Path, name: str) -> None:
    theirs = output(reference_data, name, "monmean")
    ours = monthly_mean(case(reference_data, name), min_coverage=0.0)
    np.testing.assert_allclose(ours, theirs, **EQUAL)


@pytest.mark.parametrize("name", ["access_tas", "era5_psl", "hadgem2_tas_360"])
@pytest.mark.parametrize("bounds", [True, False])
def test_yearmonmean_weighs_by_days(reference_data: Path, name: str, bounds: bool) -> None:
    theirs = output(reference_data, name, "yearmonmean_dpm")
    given = dataset(reference_data, name) if bounds else case(reference_data, name)
    np.testing.assert_allclose(annual_mean(given, min_coverage=0.0), theirs, **EQUAL)


@pytest.mark.parametrize("name", [*DAILY, "hadgem2_tas_360"])
def test_yearmean_where_steps_are_equal(reference_data: Path, name: str) -> None:
    theirs = output(reference_data, name, "yearmean")
    cube = case(reference_data, name)
    ours = annual_mean(cube, min_coverage=0.0)
    np.testing.assert_allclose(ours, theirs, **EQUAL)
    # A December alone, or eleven months of the last year, are no year.
    partial = [
        i
        for i, y in enumerate(ours.time.dt.year)
        if (cube.time.dt.year == y).sum() < expected(cube)
    ]
    guarded = annual_mean(cube, min_coverage=0.95)
    assert np.isnan(guarded[partial]).all()
    whole = np.setdiff1d(np.arange(len(ours)), partial)
    np.testing.assert_array_equal(guarded[whole], ours[whole])


@pytest.mark.parametrize("name", ["access_tas", "era5_psl", "ersstv5"])
def test_yearmean_of_months_does_not_weigh(reference_data: Path, name: str) -> None:
    """CDO's yearmean takes months of unequal length as equal; ours must differ, by little."""
    theirs = output(reference_data, name, "yearmean")
    ours = annual_mean(case(reference_data, name), min_coverage=0.0).values
    difference = np.nanmax(abs(ours - theirs))
    assert 1e-4 < difference < 0.01 * np.nanmax(abs(theirs))


@pytest.mark.parametrize("name", [*DAILY, "hadgem2_tas_360"])
def test_seasmean(reference_data: Path, name: str) -> None:
    """CDO runs through all seasons; ours are one season at a time, labelled by January's year."""
    cube = case(reference_data, name)
    theirs = output(reference_data, name, "seasmean")
    table = {}
    for number, season in enumerate(("DJF", "MAM", "JJA", "SON")):
        ours = seasonal_mean(cube, season, min_coverage=0.0)
        years = ours.time.dt.year.values.tolist()
        table |= {(y, number): v for y, v in zip(years, ours.values, strict=True)}
    assert len(table) == len(theirs)
    np.testing.assert_allclose(np.stack([table[k] for k in sorted(table)]), theirs, **EQUAL)


@pytest.mark.parametrize("name", MONTHLY)
def test_seasons_of_months_by_definition(reference_data: Path, name: str) -> None:
    cube = case(reference_data, name)
    winter = seasonal_mean(cube, "DJF")
    days = cube.time.dt.days_in_month.astype("float64")
    label = cube.time.dt.year + (cube.time.dt.month == 12)
    for year in (2015, 1950, 2011):
        mine = ((label == year) & cube.time.dt.month.isin([12, 1, 2])).values
        if mine.sum() == 3:
            expected = (cube * days)[mine].sum("time", skipna=False) / days[mine].sum()
            found = winter[(winter.time.dt.year == year).values].squeeze("time")
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def expected(cube: object) -> int:
    """Fewest samples of a whole year."""
    step = np.diff(cube.time.values[:2])[0]  # type: ignore[attr-defined]
    monthly = (
        step / (np.timedelta64(1, "D") if isinstance(step, np.timedelta64) else step / step.days)
        > 20
    )
    return 12 if monthly else 360
