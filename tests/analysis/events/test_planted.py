"""What was planted is what is found: dates exact, in every calendar, plain and quantified."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr

import climcube as cc

# Planted in every calendar: first day (offset from it), days above, gap, days above again.
PLANTED = {
    "start of the record": ("2000-01-01", 7, 0, 0),
    "five days": ("2003-05-10", 5, 0, 0),
    "joined over two days": ("2004-06-01", 6, 2, 5),
    "over the end of February": ("2004-02-25", 8, 0, 0),
    "over New Year": ("2006-12-28", 9, 0, 0),
    "end of the record": ("2011-12-24", 7, 0, 0),
}
NOT_EVENTS = {
    "four days": ("2002-08-03", 4, 0, 0),
    "two short runs": ("2008-03-01", 4, 1, 4),
}


@pytest.fixture(scope="module", params=["standard", "noleap", "360_day"])
def ocean(request) -> tuple[xr.DataArray, pd.DataFrame]:
    """One cell for each event: season, small noise, and the event 3 degC above."""
    calendar = request.param
    time = xr.date_range("2000-01-01", "2011-12-30", freq="D", calendar=calendar,
                         use_cftime=calendar != "standard")  # fmt: skip
    cases = PLANTED | NOT_EVENTS
    rng = np.random.default_rng(5)
    year = {"standard": 365.25, "noleap": 365, "360_day": 360}[calendar]
    season = 5 * np.cos(2 * np.pi * np.arange(len(time)) / year)
    values = 20 + season[:, None] + rng.uniform(-0.2, 0.2, (len(time), len(cases)))
    stamps = np.array([str(t)[:10] for t in time.values])
    rows = []
    for cell, (name, (first, days, gap, again)) in enumerate(cases.items()):
        begin = int(np.flatnonzero(stamps == first)[0])
        hot = np.zeros(len(time), bool)
        hot[begin : begin + days] = True
        hot[begin + days + gap : begin + days + gap + again] = True
        # Elsewhere nothing may last: every fourth day is cool, and so are the days around.
        cool = np.arange(len(time)) % 4 == 0
        cool[max(0, begin - 2) : begin + days + gap + again + 2] = True
        values[:, cell] += np.where(hot, 3, np.where(cool, -1, 0))
        if name in PLANTED:
            rows.append((cell, begin, min(begin + days + gap + again, len(time)) - 1))
    sst = xr.DataArray(
        values, dims=("time", "cell"), coords={"time": time, "cell": np.arange(len(cases))},
        name="sst", attrs={"units": "degC"},
    )  # fmt: skip
    return sst, pd.DataFrame(rows, columns=["cell", "index_start", "index_end"])


def test_events_at_awkward_dates_are_found_to_the_day_and_nothing_else(ocean):
    sst, planted = ocean
    found = cc.heatwaves(sst).events()
    pd.testing.assert_frame_equal(
        found[list(planted)], planted, check_dtype=False, check_index_type=False
    )
    metrics = found.select_dtypes("number")
    assert np.isfinite(metrics.to_numpy()).all()
    assert (found.duration == planted.index_end - planted.index_start + 1).all()


def test_lazy_and_mirrored_oceans_tell_the_same(ocean):
    sst, planted = ocean
    lazy = cc.heatwaves(sst.chunk(cell=3)).events()
    pd.testing.assert_frame_equal(lazy, cc.heatwaves(sst).events())
    cold = cc.heatwaves(-sst, cold=True).events()
    assert cold.index_start.tolist() == planted.index_start.tolist()


def test_kelvin_finds_the_same_events():
    ocean = cc.testing.synthetic_ocean(years=11, shape=(12, 12), seed=3)
    planted = cc.testing.planted_events(ocean)
    kelvin = ocean.sst.astype("float64").pint.quantify().pint.to("K")
    found = cc.heatwaves(kelvin).events()
    score = cc.testing.score_events(planted, found)
    assert score.recall >= 0.99
    assert score.precision >= 0.99
    assert score.max_date_error == 0
    assert set(score.kinds.index) >= {"five_day", "near_threshold", "joined", "new_year"}
