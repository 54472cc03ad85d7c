"""One cell computed alone gives what the whole cube gives there, under any definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.events.heatwaves import heatwaves
from climcube.plots.cells import one_cell, strongest_cell
from climcube.testing.laziness import no_compute
from climcube.testing.ocean import synthetic_ocean


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return synthetic_ocean(years=9, shape=(3, 4), seed=2).sst.compute()


def options_of(sst: xr.DataArray) -> dict[str, dict[str, Any]]:
    ice = (sst < float(sst.quantile(0.05))).astype("float64").assign_attrs(units="1")
    return {
        "default": {},
        "cold": {"cold": True},
        "gaps filled": {"max_pad": 2, "percentile": 95, "smooth": None},
        "detrended": {"baseline": "detrended"},
        "shifting": {"baseline": "shifting", "baseline_years": 4},
        "ice": {"ice": ice, "min_temperature": float(sst.quantile(0.02))},
        "second threshold": {"second_threshold": sst.mean("time")},
        "climatology given": {"climatology": heatwaves(sst).climatology},
    }


@pytest.mark.parametrize(
    "case",
    ["default", "cold", "gaps filled", "detrended", "shifting", "ice", "second threshold",
     "climatology given"],
)  # fmt: skip
@pytest.mark.parametrize("lazy", [False, True])
def test_a_cell_alone_equals_the_cube(sst: xr.DataArray, case: str, lazy: bool) -> None:
    options = options_of(sst)[case]
    mhw = heatwaves(sst.chunk(lat=2, lon=2) if lazy else sst, **options)
    where = strongest_cell(heatwaves(sst, cold=options.get("cold", False)))
    row, column = where["lat"], where["lon"]
    place = {"lat": float(sst.lat[row]), "lon": float(sst.lon[column])}
    series = one_cell(mhw, place)
    here = mhw.daily.isel(lat=row, lon=column).compute()
    np.testing.assert_array_equal(series.event, here["event"])
    np.testing.assert_array_equal(series.category, here["category"])
    np.testing.assert_array_equal(series.severity.astype(here.severity.dtype), here["severity"])
    # Where anomalies are of a detrended series, the values drawn are, too.
    difference = (series.value - series.seas)[np.isfinite(series.value)]
    expected = here["anomaly"].values[np.isfinite(series.value)]
    np.testing.assert_allclose(difference, expected, atol=2e-5)
    table = mhw.events()
    own = table[(table.lat == place["lat"]) & (table.lon == place["lon"])]
    alone = series.found.events()
    assert len(own) == len(alone) > 0
    for name in ("index_peak", "duration", "intensity_max", "category"):
        assert list(own[name]) == list(alone[name]), name


def test_the_only_cell_needs_no_pass_over_the_cube(sst: xr.DataArray) -> None:
    ocean = np.argwhere(sst.notnull().any("time").values)[0]
    one = sst.isel(lat=[int(ocean[0])], lon=[int(ocean[1])]).chunk(lat=1)
    with no_compute():
        assert strongest_cell(heatwaves(one)) == {"lat": 0, "lon": 0}


def test_the_strongest_cell(sst: xr.DataArray) -> None:
    table = heatwaves(sst).events()
    best = table.loc[table["intensity_max"].idxmax()]
    where = strongest_cell(heatwaves(sst))
    assert float(sst.lat[where["lat"]]) == best["lat"]
    assert float(sst.lon[where["lon"]]) == best["lon"]
