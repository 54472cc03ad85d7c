"""heatwave3 as a second opinion: every difference has a rule, and the rule gives its answer.

Two steps, each exact to the ten decimals that heatwave3 is asked for. Its climatology is that of
`tests.oracles.heatwave3.climatology`, and equals ours but for the days of year that the rules
name. Given that climatology, our events are its events, but for five conventions:

- *spread*: its "var" divides by n - 1, ours (and the Python reference's) by n;
- *extremes*: ``intensity_max_relThresh`` and ``_abs`` are those of any day, ours of the peak;
- *cold rates* are negated, as heatwaveR does;
- *rates beside a day without a value*, or at an end of the record, are missing; ours take a
  missing day as the climatology, and count from the event's own first or last day at the ends;
- *share of days*: categories are whole per cent of the duration, ours counts of days.

A difference that no rule explains fails the test.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.events.test_heatwaves import weather
from tests.oracles import heatwave3 as rules

peer = pytest.importorskip(
    "heatwave3", reason="the second opinion is heatwave3: pip install heatwave3"
)
pytestmark = pytest.mark.reference

BASE = (1982, 2011)
# Our name of an option, and the peer's.
OPTIONS = {
    "plain": ({}, {}),
    "cold": ({"cold": True}, {"coldSpells": True, "pctile": 10}),
    "95th": ({"percentile": 95}, {"pctile": 95}),
    "three days": ({"min_duration": 3}, {"minDuration": 3}),
    "not joined": ({"max_gap": 0}, {"joinAcrossGaps": False}),
    "joined over five": ({"max_gap": 5}, {"maxGap": 5}),
    "not smoothed": ({"smooth": None}, {"smoothPercentile": False}),
    "wide window": (
        {"window": 31, "smooth": 11},
        {"windowHalfWidth": 15, "smoothPercentileWidth": 11},
    ),
}
METRICS = [f"intensity_{s}{v}" for s in ("max", "mean", "var", "cumulative")
           for v in ("", "_relThresh", "_abs")]  # fmt: skip


@pytest.fixture(scope="module")
def cubes(reference_data) -> dict[str, tuple[xr.DataArray, tuple[int, int]]]:
    def series(path):
        table = pd.read_csv(path)
        return xr.DataArray(
            table.iloc[:, -1].to_numpy(float)[:, None, None],
            dims=("time", "lat", "lon"),
            coords={"time": pd.to_datetime(table.iloc[:, 0]).to_numpy(), "lat": [-29.375],
                    "lon": [112.625]},
        )  # fmt: skip

    missing = reference_data / "reference" / "mhw_sst_WA" / "series_with_missing.csv"
    whole = series(reference_data / "series" / "sst_WA.csv")
    synthetic = _with_events_at_the_ends(weather((2, 3), years=14, seed=5).astype("float64"))
    return {
        "sst_WA": (whole, BASE),
        "sst_WA, a base period amid the record": (whole, (1990, 2005)),
        "sst_WA with missing days": (series(missing), BASE),
        "Tasman Sea": (_tasman(reference_data), (1983, 2012)),
        "synthetic": (synthetic, (2000, 2013)),
        "synthetic, a base period amid the record": (synthetic, (2003, 2009)),
    }


def _with_events_at_the_ends(cube: xr.DataArray) -> xr.DataArray:
    """Both ends lie in an event; in two cells the peak is the very first or last day."""
    cube[:8] += 9.0
    cube[-8:] += 9.0
    cube[0, 0, 0] += 4.0
    cube[-1, 0, 1] += 4.0
    return cube


def _tasman(reference_data) -> xr.DataArray:
    """A few pixels, land among them, decoded from the hundredths in float64."""
    files = sorted((reference_data / "oisst_tasman").glob("*.nc"))
    parts = []
    for file in files:
        with xr.open_dataset(file, mask_and_scale=False) as data:
            (name,) = (n for n in data if data[n].ndim == 3)
            packed = data[name].isel(lat=slice(0, 32, 10), lon=slice(0, 16, 7)).load()
        fill = packed.attrs["_FillValue"]
        parts.append((packed.where(packed != fill) / 100.0).astype("float64"))
    cube = xr.concat(parts, "time").drop_attrs()
    assert cube.isnull().all("time").any() and cube.notnull().all("time").sum() > 5
    return cube


def ask(cube, base, folder, options):
    """Return climatology, events and annual means of heatwave3, to ten decimals."""
    named = cube.rename("sst")
    named.lat.attrs["units"], named.lon.attrs["units"] = "degrees_north", "degrees_east"
    dates = {"units": "days since 1970-01-01", "dtype": "int32"}
    named.to_netcdf(folder / "sst.nc", encoding={"time": dates})
    paths = peer.detect3(
        str(folder / "sst.nc"), str(folder / "found"), (f"{base[0]}-01-01", f"{base[1]}-12-31"),
        var_name="sst", category=True, roundClm=10, roundRes=10, n_threads=1, quiet=True, **options,
    )  # fmt: skip
    events = peer.hw3_export(paths["events"]).sort_values(["lat", "lon", "date_start"])
    table = peer.hw3_export(paths["clim"]).set_index(["doy", "lat", "lon"]).to_xarray()
    table = table.reindex(lat=cube.lat, lon=cube.lon).rename(doy="dayofyear")
    return table, events.reset_index(drop=True), peer.block_average3(paths["events"])


CASES = [
    ("sst_WA", option) for option in OPTIONS
] + [
    ("sst_WA, a base period amid the record", "plain"),
    ("sst_WA with missing days", "plain"),
    ("sst_WA with missing days", "cold"),
    ("Tasman Sea", "plain"),
    ("Tasman Sea", "cold"),
    ("synthetic", "plain"),
    ("synthetic", "cold"),
    ("synthetic, a base period amid the record", "plain"),
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=" / ".join)
def case(request, cubes, tmp_path_factory):
    name, option = request.param
    (cube, base), (ours, theirs) = cubes[name], OPTIONS[option]
    table, events, blocks = ask(cube, base, tmp_path_factory.mktemp("peer"), theirs)
    return cube, base, ours, table, events, blocks


def test_every_difference_of_the_climatology_has_a_rule(case):
    cube, base, ours, table, _, _ = case
    times = pd.DatetimeIndex(cube.time.values)
    half, width = (ours.get("window", 11) - 1) // 2, ours.get("smooth", 31) or 1
    percentile = ours.get("percentile", 90.0)
    if ours.get("cold"):
        percentile = 100 - percentile
    own = cc.heatwaves(cube, base_period=base, **ours).climatology
    named = xr.DataArray(
        _days_that_rules_name(times, base, half, width), dims="dayofyear",
        coords={"dayofyear": own.dayofyear},
    )  # fmt: skip
    complete = cube.notnull().all("time")
    for lat, lon in _cells(cube):
        cell = {"lat": lat, "lon": lon}
        values = cube.sel(cell).values
        if np.isnan(values).all():
            assert np.isnan(table.seas.sel(cell)).all() and np.isnan(own.seas.sel(cell)).all()
            continue
        explained = rules.climatology(
            values, times, base, percentile=percentile, half=half, width=width
        )
        for column, by_rule in zip(("seas", "thresh"), explained, strict=True):
            theirs = table[column].sel(cell).values
            np.testing.assert_allclose(theirs, by_rule, rtol=0, atol=6e-11, err_msg=column)
            different = np.abs(theirs - own[column].sel(cell)) > 6e-11
            if complete.sel(cell):
                assert not (different & ~named).any(), (column, np.flatnonzero(different))
            assert different.any()  # the rules are needed


def _days_that_rules_name(times, base, half, width):
    """Days of year whose pool can differ.

    About 29 February: ours count samples, so a window over it reaches a day further in common
    years. About New Year: ours reach beyond the base period, where the record does. On days
    that the record lacks (before its start, after its end): theirs pool the days around them.
    """
    raw = np.zeros(366, bool)
    raw[rules.LEAP_DAY - half : rules.LEAP_DAY + half + 1] = True
    if times[0].year < base[0]:
        raw[:half] = True
    if times[-1].year > base[1]:
        raw[-half:] = True
    every = pd.date_range(f"{base[0]}-01-01", f"{base[1]}-12-31")
    raw[_dayofyear(every.difference(times))] = True
    near = np.arange(-(width // 2), width // 2 + 1)
    return raw[(np.arange(366)[:, None] + near) % 366].any(axis=1)


def _dayofyear(times):
    return pd.DatetimeIndex(times.strftime("2000-%m-%d")).day_of_year.to_numpy() - 1


def _cells(cube):
    return [(lat, lon) for lat in cube.lat.values for lon in cube.lon.values]


@pytest.mark.parametrize("compat", [None, "reference"])
def test_given_its_climatology_every_difference_of_the_events_has_a_rule(case, compat):
    cube, _, ours, table, theirs, _ = case
    detect = {k: v for k, v in ours.items() if k in ("cold", "min_duration", "max_gap")}
    mhw = cc.heatwaves(cube, climatology=table[["seas", "thresh"]], compat=compat, **detect)
    own = mhw.events().sort_values(["lat", "lon", "date_start"], ignore_index=True)
    assert len(own) == len(theirs) > 0
    for column in ("lat", "lon", "date_start", "date_end", "date_peak", "duration"):
        assert (own[column] == theirs[column]).all(), column
    by_rule = _in_its_conventions(own, cube, table, cold=bool(ours.get("cold")))
    assert (by_rule.category == theirs.category).all()
    for column in ("p_moderate", "p_strong", "p_severe", "p_extreme"):
        np.testing.assert_array_equal(by_rule[column], theirs[column], err_msg=column)
    for column in (*METRICS, "rate_onset", "rate_decline"):
        np.testing.assert_allclose(
            by_rule[column], theirs[column], rtol=1e-14, atol=1e-10, err_msg=column
        )


def _in_its_conventions(own, cube, table, *, cold):
    """Return our events as heatwave3 would report them."""
    table = table[["seas", "thresh"]]
    roman = {"Moderate": "I", "Strong": "II", "Severe": "III", "Extreme": "IV"}
    out = own.assign(category=[f"{roman[c]} {c}" for c in own.category])
    for name in ("moderate", "strong", "severe", "extreme"):
        share = own[f"duration_{name}"] / own.duration * 100
        out[f"p_{name}"] = np.rint(share)  # ties to even
    for column in ("intensity_var", "intensity_var_relThresh", "intensity_var_abs"):
        out[column] = own[column] * np.sqrt(own.duration / (own.duration - 1))
    doy = _dayofyear(pd.DatetimeIndex(cube.time.values))
    strongest = np.min if cold else np.max
    for row, event in own.iterrows():
        cell = {"lat": event.lat, "lon": event.lon}
        values = cube.sel(cell).values
        inside = slice(event.index_start, event.index_end + 1)
        seas, thresh = (table[n].sel(cell).values[doy[inside]] for n in ("seas", "thresh"))
        temp = np.where(np.isnan(values[inside]), seas, values[inside])
        out.loc[row, "intensity_max_relThresh"] = strongest(temp - thresh)
        out.loc[row, "intensity_max_abs"] = strongest(temp)
        for name, i in (("onset", event.index_start - 1), ("decline", event.index_end + 1)):
            if not 0 <= i < values.size or np.isnan(values[i]):
                out.loc[row, f"rate_{name}"] = np.nan
    if cold:
        out[["rate_onset", "rate_decline"]] *= -1
    return out


def test_annual_blocks_are_the_same_numbers(case):
    cube, _, ours, table, _, theirs = case
    detect = {k: v for k, v in ours.items() if k in ("cold", "min_duration", "max_gap")}
    mhw = cc.heatwaves(cube, climatology=table[["seas", "thresh"]], **detect)
    annual = mhw.annual.assign_coords(time=mhw.annual.time.dt.year)
    rows = annual.to_dataframe().reset_index().query("count > 0")
    rows = rows.sort_values(["lat", "lon", "time"], ignore_index=True)
    theirs = theirs.sort_values(["lat", "lon", "year"], ignore_index=True)
    assert (rows.time == theirs.year).all() and (rows["count"] == theirs["count"]).all()
    for mine, its in {
        "duration": "duration_mean",
        "intensity_mean": "intensity_mean",
        "intensity_max": "intensity_max_mean",
        "intensity_max_max": "intensity_max_max",
        "intensity_cumulative": "intensity_cumulative_mean",
        "total_intensity_cumulative": "total_icum",
    }.items():
        if mine == "intensity_max_max" and ours.get("cold"):
            # The peer takes the largest number, which of cold spells is the mildest.
            continue
        np.testing.assert_allclose(rows[mine], theirs[its], atol=1e-9, err_msg=mine)
    # Its days belong to the year in which their event starts, ours to their own: over all
    # years of a cell they are as many.
    ours_total = rows.groupby(["lat", "lon"]).days.sum() if len(rows) else 0
    their_total = theirs.groupby(["lat", "lon"]).total_days.sum()
    every = annual.days.sum("time").to_series()
    assert (every[every > 0].sort_index() == their_total.sort_index()).all()
    assert (ours_total <= their_total).all()
