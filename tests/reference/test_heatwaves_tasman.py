"""Every pixel of a real daily data set against the Python reference implementation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc

pytestmark = pytest.mark.reference

MAPS = {
    "count": "count",
    "total_days": "days",
    "intensity_max_max": "intensity_max_max",
    "intensity_mean": "intensity_mean",
    "moderate_days": "days_moderate",
    "strong_days": "days_strong",
    "severe_days": "days_severe",
    "extreme_days": "days_extreme",
}


@pytest.fixture(scope="module")
def sst(reference_data):
    return cc.open(str(reference_data / "oisst_tasman" / "*.nc"), variable="sst", layout="series")


@pytest.fixture(scope="module")
def reference(reference_data):
    folder = reference_data / "reference" / "mhw_tasman_west"
    maps = xr.open_dataset(folder / "maps_clim1983_2012.nc", decode_times=False)
    events = pd.read_csv(folder / "events_clim1983_2012.csv.gz")
    for column in ("date_start", "date_end", "date_peak"):
        events[column] = pd.to_datetime(events[column])
    events["lat"] = maps.lat.to_numpy()[events.ilat]
    events["lon"] = maps.lon.to_numpy()[events.ilon]
    return maps, sort(events)


def sort(events):
    return events.sort_values(["lat", "lon", "date_start"], ignore_index=True)


@pytest.fixture(scope="module", params=["reference", None])
def compared(request, sst, reference):
    mhw = cc.heatwaves(sst, base_period=(1983, 2012), compat=request.param)
    return request.param, mhw, sort(mhw.events()), *reference


def test_every_event(compared):
    """All 34,313 events agree.

    By default all but those with a day that lies *exactly* on the threshold (shown in rational
    arithmetic): there the last bit of a sum decides in the reference, and the definition here.
    """
    compat, mhw, events, _, expected = compared
    assert len(events) == len(expected) == 34_313
    same = (events.duration == expected.duration) & (events.date_start == expected.date_start)
    differing = np.flatnonzero(~same)
    assert len(differing) == (0 if compat else 4)
    for row in differing:
        ours, theirs = events.loc[row], expected.loc[row]
        disputed = set(days(theirs)) - set(days(ours))
        assert set(days(ours)) < set(days(theirs))
        assert any(is_exactly_on_threshold(mhw, ours.lat, ours.lon, day) for day in disputed)
    for column in ("date_end", "date_peak"):
        assert (events[column][same] == expected[column][same]).all()
    assert (events.category == expected.category).all()
    for column in ("duration", "intensity_max", "intensity_mean", "intensity_cumulative"):
        np.testing.assert_allclose(
            events[column][same], expected[column][same], rtol=0, atol=1e-9, err_msg=column
        )


def days(event):
    return pd.date_range(event.date_start, event.date_end)


def is_exactly_on_threshold(mhw, lat, lon, day):
    """Compute the smoothed percentile of hundredths of a degree as a rational number."""
    cell = mhw.cube.sel(lat=lat, lon=lon)
    hundredths = np.rint(cell.values * 100).astype(int)
    axis = mhw.subject.axis
    group, (first, last) = axis.dayofyear, axis.period((1983, 2012))

    def percentile(g):
        if g == 59:
            return (percentile(58) + percentile(60)) / 2
        centres = [i for i in range(first, last + 1) if group[i] == g]
        pool = np.sort(np.concatenate([hundredths[i - 5 : i + 6] for i in centres]))
        place = Fraction(9, 10) * (len(pool) - 1)
        low = int(place)
        return Fraction(int(pool[low])) + (place - low) * int(pool[low + 1] - pool[low])

    index = int(np.flatnonzero(cell.time.values == np.datetime64(day))[0])
    around = [percentile((group[index] + k) % 366) for k in range(-15, 16)]
    return sum(around, Fraction(0)) / 31 == int(hundredths[index])


def test_every_map(compared):
    compat, mhw, _, maps, _ = compared
    annual, climatology = mhw.annual.compute(), mhw.climatology.compute()
    ocean = climatology.seas.notnull().all("dayofyear")
    assert int(ocean.sum()) > 400
    for theirs, ours in MAPS.items():
        wanted = maps[theirs].transpose("year", "lat", "lon").values[:, ocean.values]
        values = annual[ours].transpose("time", "lat", "lon").values[:, ocean.values]
        differing = ~np.isclose(values, wanted, rtol=0, atol=1e-9, equal_nan=True)
        assert differing.sum() <= (0 if compat else 5), theirs  # years of the four events above
    for name in ("seas", "thresh"):  # stored as float32
        np.testing.assert_allclose(climatology[name], maps[name], rtol=0, atol=1e-6)


def test_land_has_no_counts(compared):
    _, mhw, _, _, _ = compared
    land = mhw.climatology.seas.isnull().all("dayofyear").compute()
    annual = mhw.annual.compute()
    assert land.any()
    assert (annual["count"].isnull() == land).all() and (annual.days.isnull() == land).all()
    assert annual.intensity_mean.where(land).isnull().all()


def test_float32_gives_the_same_events(sst, compared):
    """Decoding packed data to float32 changes no event: values are compared as integers."""
    compat, _, events, _, _ = compared
    narrow = sst.astype("float32")
    narrow.encoding = dict(sst.encoding)
    again = sort(cc.heatwaves(narrow, base_period=(1983, 2012), compat=compat).events())
    pd.testing.assert_frame_equal(again, events)


def test_exactly_on_threshold_says_no_elsewhere(compared):
    _, mhw, events, _, _ = compared
    event = events.iloc[100]
    assert not is_exactly_on_threshold(mhw, event.lat, event.lon, event.date_peak)
