"""Events, days and years tell one story under every option, and it is the oracle's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.events.test_heatwaves import weather
from tests.oracles import heatwave_metrics as oracle

NAMES = ("moderate", "strong", "severe", "extreme")


def odd_record(calendar="standard"):
    """Missing values and stretches, absent dates, events at both ends and over New Year."""
    cube = weather((2, 2), years=7, seed=21, calendar=calendar).astype("float64")
    rng = np.random.default_rng(7)
    cube[:9] += 6.0
    cube[-7:] += 6.0
    for year in (2001, 2003):
        new_year = int(np.flatnonzero(cube.time.dt.year.values == year)[0])
        cube[new_year - 6 : new_year + 8] += 8.0
        cube[new_year + 1 : new_year + 3, 0, 0] = np.nan  # within an event
    cube = cube.where(rng.random(cube.shape) > 0.02)
    cube[900:960, 1, 1] = np.nan
    absent = np.concatenate([rng.permutation(cube.sizes["time"] - 40)[:25] + 20, range(400, 420)])
    return cube.drop_isel(time=np.unique(absent))


CASES = {
    "plain": {},
    "cold": {"cold": True},
    "noleap": {"calendar": "noleap"},
    "360 days": {"calendar": "360_day", "cold": True},
    "padded": {"max_pad": 2},
    "short events": {"min_duration": 1, "max_gap": 0},
    "far apart": {"min_duration": 3, "max_gap": 20},
    "75th": {"percentile": 75, "smooth": None},
    "detrended": {"baseline": "detrended"},
    "shifting": {"baseline": "shifting", "baseline_years": 3},
    "second threshold": {"second_threshold": 21.0, "min_duration2": 3, "max_gap2": 1},
    "second threshold, cold": {"second_threshold": 19.0, "cold": True, "min_duration2": 2},
    "second threshold, padded": {"second_threshold": 21.0, "max_pad": 2, "max_gap2": 0},
    "wet": {"min_temperature": 15.0},
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    options = dict(CASES[request.param])
    cube = odd_record(options.pop("calendar", "standard"))
    mhw = cc.heatwaves(cube, **options)
    return mhw, options


def cells(mhw):
    """Values as they are analysed, climatology by day, and the events of each cell."""
    events, axis, options = mhw.events(), mhw.subject.axis, mhw.parameters
    cube, table = mhw.cube, mhw.climatology
    for place in np.ndindex(2, 2):
        at = {"lat": place[0], "lon": place[1]}
        values = cube.isel(at).values.astype("float64")
        if options["baseline"] == "detrended":
            values = _detrended(values, axis.ordinal)
        if options["max_pad"]:
            values = _padded(values, axis.ordinal, options["max_pad"])
        own = table.isel(at)
        if "year" in own.dims:
            of_day = {"year": xr.DataArray(axis.year - own.year.values[0], dims="t")}
        else:
            of_day = {}
        rows = own.isel(dayofyear=xr.DataArray(axis.dayofyear, dims="t"), **of_day)
        lat, lon = (cube[d].values[i] for d, i in zip(("lat", "lon"), place, strict=True))
        mine = events[(events.lat == lat) & (events.lon == lon)].reset_index(drop=True)
        yield at, values, rows.seas.values, rows.thresh.values, mine


def _detrended(values, days):
    known = ~np.isnan(values)
    slope = np.polynomial.polynomial.polyfit(days[known], values[known], 1)[1]
    return values - slope * (days - days[known].mean())


def _padded(values, days, longest):
    out, known = values.copy(), np.flatnonzero(~np.isnan(values))
    for a, b in pairwise(known):
        if b - a > 1 and days[b] - days[a] - 1 <= longest:
            out[a + 1 : b] = np.interp(days[a + 1 : b], days[[a, b]], values[[a, b]])
    return out


def test_events_are_those_of_the_oracle(case):
    mhw, options = case
    total = 0
    for _, values, seas, thresh, own in cells(mhw):
        second = None
        if "second_threshold" in options:
            limit, beyond = (
                options["second_threshold"],
                np.less if mhw.definition.cold else np.greater,
            )
            shortest = options.get("min_duration2", mhw.definition.min_duration)
            gap = options.get("max_gap2", mhw.definition.max_gap)
            second = beyond(values, limit), shortest, gap
        expected = oracle.events(
            values, seas, thresh, mhw.subject.axis.ordinal, second=second,
            min_duration=mhw.definition.min_duration, max_gap=mhw.definition.max_gap,
            max_pad=mhw.definition.max_pad, cold=mhw.definition.cold,
        )  # fmt: skip
        assert len(own) == len(expected)
        total += len(own)
        if len(own):
            found = own[expected.columns]
            pd.testing.assert_frame_equal(
                found, expected, check_dtype=False, rtol=1e-10, atol=1e-10
            )
    assert total > 20
    assert np.isfinite(mhw.events().select_dtypes("number").to_numpy()).all()


def test_days_are_those_of_the_events(case):
    mhw, _ = case
    daily = mhw.daily
    for at, values, seas, thresh, own in cells(mhw):
        here = daily.isel(at)
        number = np.zeros(len(values), int)
        for k, row in enumerate(own.itertuples(), start=1):
            number[row.index_start : row.index_end + 1] = k
        np.testing.assert_array_equal(here.event, number)
        sign = -1 if mhw.definition.cold else 1
        by_ratio = oracle.categories(sign * values, sign * seas, sign * thresh)
        np.testing.assert_array_equal(here.category, np.where(number > 0, by_ratio, 0))
        np.testing.assert_allclose(here.anomaly, values - seas, rtol=1e-12, atol=1e-12)


def test_years_are_those_of_the_events_and_days(case):
    mhw, _ = case
    annual, daily, axis = mhw.annual, mhw.daily, mhw.subject.axis
    years = annual.time.dt.year.values
    assert years.tolist() == axis.years.tolist()
    for at, values, seas, thresh, own in cells(mhw):
        here = annual.isel(at).to_dataframe().reset_index(drop=True).set_index(years)
        begun = own.assign(year=axis.year[own.index_start]).groupby("year")
        counts = begun.size().reindex(years, fill_value=0)
        assert (here["count"] == counts).all()
        day = daily.isel(at).to_dataframe().assign(year=axis.year)
        by_year = day.groupby("year")
        assert (here.days == by_year.event.apply(lambda e: (e > 0).sum()).reindex(years)).all()
        for k, name in enumerate(NAMES, start=1):
            of_category = by_year.category.apply(lambda c, k=k: (c == k).sum()).reindex(years)
            assert (here[f"days_{name}"] == of_category).all(), name
        missing = pd.Series(np.isnan(values)).groupby(axis.year).sum()
        present = pd.Series(axis.year).value_counts().reindex(years)
        assert (here.days_missing == missing + axis.expected_days - present).all()
        sign = -1 if mhw.definition.cold else 1
        close = ~(sign * (thresh - seas) > 1e-9 * np.maximum(1, np.abs(seas)))
        undefined = pd.Series(close & ~np.isnan(values)).groupby(axis.year).sum()
        assert (here.days_undefined == undefined).all()
        total = begun.intensity_cumulative.sum().reindex(years, fill_value=0)
        np.testing.assert_allclose(here.total_intensity_cumulative, total, rtol=1e-12, atol=1e-12)
        strongest = begun.intensity_max.min() if sign < 0 else begun.intensity_max.max()
        np.testing.assert_array_equal(here.intensity_max_max, strongest.reindex(years))
        means = begun.mean(numeric_only=True).reindex(years)
        averaged = [n for n in here if n.startswith(("intensity", "rate", "duration"))]
        averaged.remove("intensity_max_max")
        assert len(averaged) == 15
        for name in averaged:
            np.testing.assert_allclose(here[name], means[name], rtol=1e-12, err_msg=name)


def test_rank_and_return_period_follow_from_intensity(case):
    mhw, _ = case
    days = mhw.subject.axis.ordinal
    length = (days[-1] - days[0] + 1) / {366: 365.25}.get(
        mhw.subject.axis.days_of_year, mhw.subject.axis.days_of_year
    )
    for *_, own in cells(mhw):
        strength = own.intensity_max.abs().to_numpy()
        rank = [(strength > s).sum() + 1 for s in strength]
        assert own["rank"].tolist() == rank
        np.testing.assert_allclose(own.return_period, (length + 1) / np.array(rank, float))
