"""heatwave3 once more: its daily product, and its options whose meaning differs from ours.

- *Padding* (``maxPadLength``) fills gaps for its climatology alone; ours for detection, too.
- *Detrending* takes the line of the base period (ours: of the whole record) out of the values
  that its climatology is made of, and looks for events in the values as they are; ours, as a
  detrended baseline, in what is left.
- *Days* have the same event, number, category and anomaly, missing ones included.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.oracles import heatwave3 as rules

peer = pytest.importorskip(
    "heatwave3", reason="the second opinion is heatwave3: pip install heatwave3"
)
pytestmark = pytest.mark.reference

BASE = (1982, 2011)
ROUNDING = 6e-11  # of ten decimals
STORED = {
    "float64": ("float64", {}),
    "float32": ("float32", {}),
    "packed": ("float32", {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999}),
}


@pytest.fixture(scope="module")
def series(reference_data) -> dict[str, xr.DataArray]:
    folder = reference_data / "reference" / "mhw_sst_WA"
    paths = {"whole": reference_data / "series" / "sst_WA.csv",
             "gaps": folder / "series_with_missing.csv"}  # fmt: skip
    found = {}
    for name, path in paths.items():
        table = pd.read_csv(path)
        lat = xr.Variable("lat", [-29.375], {"units": "degrees_north"})
        lon = xr.Variable("lon", [112.625], {"units": "degrees_east"})
        found[name] = xr.DataArray(
            table.iloc[:, -1].to_numpy(float)[:, None, None], dims=("time", "lat", "lon"),
            coords={"time": pd.to_datetime(table.iloc[:, 0]).to_numpy(), "lat": lat, "lon": lon},
            name="sst",
        )  # fmt: skip
    return found


def ask(cube, folder, **options):
    """Return climatology, events and days of heatwave3, to ten decimals where it keeps them."""
    cube.to_netcdf(folder / "sst.nc")
    paths = peer.detect3(
        str(folder / "sst.nc"), str(folder / "found"), (f"{BASE[0]}-01-01", f"{BASE[1]}-12-31"),
        var_name="sst", category=True, daily="also", roundClm=10, roundRes=10, n_threads=1,
        quiet=True, **options,
    )  # fmt: skip
    table, events, days = (peer.hw3_export(paths[n]) for n in ("clim", "events", "daily"))
    return table.set_index("doy").rename_axis("dayofyear")[["seas", "thresh"]], events, days


def assert_same_events_and_days(cube, table, events, days):
    """Given its climatology: events and their dates, and every day of the record."""
    mhw = cc.heatwaves(cube, climatology=table.to_xarray())
    own = mhw.events()
    assert len(own) == len(events) > 50
    for column in ("date_start", "date_end", "date_peak", "duration"):
        assert (own[column] == events[column]).all(), column
    np.testing.assert_allclose(own.intensity_cumulative, events.intensity_cumulative, atol=1e-8)
    daily = mhw.daily.isel(lat=0, lon=0)
    np.testing.assert_array_equal(days.t, daily.time)
    np.testing.assert_array_equal(days.event_no.fillna(0).astype(int), daily.event)
    np.testing.assert_array_equal(days.category.fillna(0).astype(int), daily.category)
    np.testing.assert_allclose(days.intensity, daily.anomaly, atol=1e-6)  # stored as float32


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("name", ["whole", "gaps"])
def test_days_are_the_same_however_the_series_was_stored(series, tmp_path, name, stored):
    dtype, encoding = STORED[stored]
    cube = series[name].astype(dtype)
    cube.encoding = encoding
    assert_same_events_and_days(cube, *ask(cube, tmp_path))


def test_its_padding_is_for_the_climatology_alone(series, tmp_path):
    cube = series["gaps"]
    table, events, days = ask(cube, tmp_path, maxPadLength=3)
    values = cube.values[:, 0, 0]
    known = np.flatnonzero(~np.isnan(values))
    filled = values.copy()
    for a, b in pairwise(known):
        if b - a <= 4:
            filled[a : b + 1] = np.interp(np.arange(a, b + 1), [a, b], values[[a, b]])
    assert_climatology(table, filled, cube)
    assert_same_events_and_days(cube, table, events, days)  # with no max_pad of ours


def test_its_detrending_is_for_the_climatology_alone(series, tmp_path):
    cube = series["whole"]
    table, events, days = ask(cube, tmp_path, detrend=True)
    values, day = cube.values[:, 0, 0], np.arange(cube.sizes["time"])
    base = ((cube.time.dt.year >= BASE[0]) & (cube.time.dt.year <= BASE[1])).values
    slope = np.polynomial.polynomial.polyfit(day[base], values[base], 1)[1]
    assert_climatology(table, values - slope * (day - day[base].mean()), cube)
    assert_same_events_and_days(cube, table, events, days)


def assert_climatology(table, values, cube):
    explained = rules.climatology(values, pd.DatetimeIndex(cube.time.values), BASE)
    for column, by_rule in zip(("seas", "thresh"), explained, strict=True):
        np.testing.assert_allclose(table[column], by_rule, rtol=0, atol=ROUNDING)
