"""The variants of the Python reference implementation on one real series (semantics.md 1)."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc

pytestmark = pytest.mark.reference

BASE = (1982, 2011)
# variant: (series, options); every one of the 26 but ly360_off, a limit of the peer.
VARIANTS = {
    "default": ("complete", {}),
    "clim1982_2011": ("complete", {"base_period": BASE}),
    "clim1983_2012": ("complete", {"base_period": (1983, 2012)}),
    "cold_clim1982_2011": ("complete", {"base_period": BASE, "cold": True}),
    "cold_pctile95": ("complete", {"base_period": BASE, "cold": True, "percentile": 95}),
    "pctile95": ("complete", {"base_period": BASE, "percentile": 95}),
    "pctile99": ("complete", {"base_period": BASE, "percentile": 99}),
    "nosmooth": ("complete", {"base_period": BASE, "smooth": None}),
    "nojoin": ("complete", {"base_period": BASE, "max_gap": 0}),
    "maxgap0": ("complete", {"base_period": BASE, "max_gap": 0}),
    "maxgap5": ("complete", {"base_period": BASE, "max_gap": 5}),
    "mindur3": ("complete", {"base_period": BASE, "min_duration": 3}),
    "mindur10": ("complete", {"base_period": BASE, "min_duration": 10}),
    "halfwidth0_nosmooth": ("complete", {"base_period": BASE, "window": 1, "smooth": None}),
    "halfwidth15_smooth11": ("complete", {"base_period": BASE, "window": 31, "smooth": 11}),
    "missing_nopad": ("missing", {"base_period": BASE}),
    "missing_pad3": ("missing", {"base_period": BASE, "max_pad": 3}),
    "missing_pad10": ("missing", {"base_period": BASE, "max_pad": 10}),
    "missing_cold_pad3": ("missing", {"base_period": BASE, "max_pad": 3, "cold": True}),
    "partial_years": ("partial", {"base_period": (1983, 2012)}),
    "partial_years_default": ("partial", {}),
    "altclim_2013on": ("since 2013", {"climatology": BASE}),
    "noleap_dropped_feb29": ("no 29 Feb", {"base_period": BASE}),
    "ly360": ("360 days", {"base_period": BASE}),
    "all_constant": ("constant", {}),
}
# Annual columns: ours and the reference's. total_icum is left out where events span New Year:
# the reference books them in their last year (a listed fault).
BLOCKS = {
    "count": "count",
    "duration": "duration",
    "days": "total_days",
    "days_moderate": "moderate_days",
    "days_strong": "strong_days",
    "days_severe": "severe_days",
    "days_extreme": "extreme_days",
    "rate_onset": "rate_onset",
    "rate_decline": "rate_decline",
} | {
    f"intensity_{s}{v}": f"intensity_{s}{v}"
    for s in ("max", "mean", "var", "cumulative")
    for v in ("", "_relThresh", "_abs")
}


@pytest.fixture(scope="module")
def folder(reference_data):
    return reference_data / "reference" / "mhw_sst_WA"


@pytest.fixture(scope="module")
def series(reference_data, folder):
    def read(path):
        table = pd.read_csv(path)
        return xr.DataArray(
            table.iloc[:, -1].to_numpy(float),
            dims="time",
            coords={"time": pd.to_datetime(table.iloc[:, 0]).to_numpy()},
            name="sst",
            attrs={"units": "degC"},
        )

    complete = read(reference_data / "series" / "sst_WA.csv")
    month, day = complete.time.dt.month, complete.time.dt.day
    leap = (month == 2) & (day == 29)
    last = (day == 31) & month.isin([1, 3, 5, 7, 8])
    return {
        "complete": complete,
        "missing": read(folder / "series_with_missing.csv"),
        "partial": read(folder / "series_partial_years.csv"),
        "since 2013": complete.sel(time=slice("2013", None)),
        "no 29 Feb": complete[~leap.values],
        "360 days": complete[~(leap | last).values],
        "constant": xr.full_like(complete[:3653], 15.0),
    }


@pytest.fixture(scope="module")
def results(series):
    known = {}

    def result(variant, **more):
        if (variant, *more) not in known:
            name, options = VARIANTS[variant]
            options = dict(options) | more
            if "climatology" in options:
                base = series["complete"].sel(time=slice("1982", "2011"))
                options["climatology"] = cc.heatwaves(base).climatology
            known[(variant, *more)] = cc.heatwaves(series[name], **options)
        return known[(variant, *more)]

    return result


def test_all_target_variants_are_here(folder):
    made = set(json.loads((folder / "variants.json").read_text()))
    assert made - set(VARIANTS) == {"ly360_off"}
    assert len(VARIANTS) == 25


@pytest.mark.parametrize("compat", [None, "reference"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_climatology_and_events(variant, compat, results, folder):
    mhw = results(variant, compat=compat)
    expected = pd.read_csv(folder / f"{variant}_clim.csv")
    table = mhw.climatology.sel(dayofyear=expected.doy366.to_numpy())
    for name in ("seas", "thresh"):
        np.testing.assert_allclose(table[name], expected[name], rtol=0, atol=1e-9)
    events, expected = mhw.events(), pd.read_csv(folder / f"{variant}_events.csv")
    assert len(events) == len(expected)
    for column in expected.columns:
        if column.startswith("date"):
            if variant == "ly360" and column == "date_peak":
                continue  # the peer counts absent days as present; its index_peak is compared
            assert (events[column] == pd.to_datetime(expected[column])).all(), column
        elif column == "category":
            assert events[column].tolist() == expected[column].fillna("").tolist()
        elif len(expected):
            assert_metric(events, expected, column)


def assert_metric(events, expected, column):
    values, wanted = events[column].to_numpy(float), expected[column].to_numpy(float)
    if column == "rate_decline":  # NaN for a peak on the last day is a fault; ours is a number
        assert np.isfinite(values).all()
        values = values[np.isfinite(wanted)]
        wanted = wanted[np.isfinite(wanted)]
    np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-9, err_msg=column)


@pytest.mark.parametrize("variant", VARIANTS)
def test_annual_blocks(variant, results, folder):
    if variant == "all_constant":
        pytest.skip("the reference wrote no block for a series without events")
    annual = results(variant).annual
    expected = pd.read_csv(folder / f"{variant}_block.csv")
    np.testing.assert_array_equal(annual.time.dt.year, expected.years_start)
    padded = "max_pad" in VARIANTS[variant][1]
    for ours, theirs in BLOCKS.items():
        if padded and ours.startswith("days_"):
            # The peer's blockAverage was given the series without its padding, so its padded
            # days have no category there, though they have one in its own event table.
            by_event = results(variant).events()[ours.replace("days", "duration")].sum()
            assert int(annual[ours].sum()) == by_event
            continue
        np.testing.assert_allclose(
            annual[ours], expected[theirs], rtol=0, atol=1e-9, err_msg=f"{variant} {ours}"
        )
    if not VARIANTS[variant][1].get("cold"):  # 0 for cold spells is a listed fault
        np.testing.assert_allclose(
            annual.intensity_max_max, expected.intensity_max_max, rtol=0, atol=1e-9
        )
    np.testing.assert_allclose(
        annual.total_intensity_cumulative.sum(), expected.total_icum.sum(), rtol=1e-12
    )


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.startswith("missing")])
def test_missing_days_are_reported(variant, results, folder):
    expected = pd.read_csv(folder / f"{variant}_missing.csv", comment="#")
    assert int(results(variant).annual.days_missing.sum()) == len(expected)


def test_western_australia_2011(series):
    """The event everyone knows, to the digits of semantics.md."""
    record = series["complete"].sel(time=slice("1982", "2014"))
    events = cc.heatwaves(record, base_period=(1983, 2012)).events()
    event = events.loc[events.intensity_max.idxmax()]
    assert str(event.date_start.date()) == "2011-02-06"
    assert str(event.date_peak.date()) == "2011-02-28"
    assert str(event.date_end.date()) == "2011-04-06"
    assert event.duration == 60 and event.category == "Extreme"
    days = event[["duration_moderate", "duration_strong", "duration_severe", "duration_extreme"]]
    assert days.tolist() == [28, 19, 5, 8]
    for column, value in {
        "intensity_max": 6.5065,
        "intensity_mean": 3.2122,
        "intensity_cumulative": 192.7299,
        "rate_onset": 0.2231,
        "rate_decline": 0.1375,
    }.items():
        assert round(event[column], 4) == value, column
