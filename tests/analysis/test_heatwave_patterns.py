"""Any pattern of hot, cool, missing and absent days, against plain lists; and results that must
follow from each other, in every calendar and under every option.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import climcube as cc
from tests.analysis.test_heatwaves import weather
from tests.oracles import heatwave_patterns as oracle

DATES = ["index_start", "index_end", "index_peak", "duration", "category"]
CATEGORIES = [name.lower() for name in oracle.CATEGORIES]
CALENDARS = ("standard", "noleap", "360_day")


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, int, int]:
    """Draw days by their kind, a shortest duration and a longest gap.

    Hot, cool, missing (NaN) or absent from the time axis; most runs and gaps are as long as
    decides about them, or a day more or less.
    """
    shortest, longest = draw(st.integers(1, 6)), draw(st.integers(0, 4))
    runs = st.sampled_from([shortest - 1, shortest, shortest + 1, 2 * shortest])
    gaps = st.sampled_from([longest - 1, longest, longest + 1, longest + 5])
    days = ""
    for _ in range(draw(st.integers(1, 8))):
        size = max(1, draw(gaps))
        gap = draw(st.sampled_from(["c", "m", "a", ""]))
        gap = gap * size or draw(st.text("cma", min_size=size, max_size=size))
        days += "h" * max(1, draw(runs)) + gap
    ends = draw(st.sampled_from(["", "c", "m"]))
    # The record begins and ends with a sample.
    return ends + days[: draw(st.integers(1, len(days)))].rstrip("a"), shortest, longest


def table(seas: np.ndarray, thresh: np.ndarray) -> xr.Dataset:
    days = {"dayofyear": np.arange(1, len(seas) + 1)}
    return xr.Dataset({"seas": ("dayofyear", seas), "thresh": ("dayofyear", thresh)}, days)


def season(calendar: str) -> xr.Dataset:
    """A climatology that no two days of year have in common, and no symmetry in time."""
    size = {"standard": 366, "noleap": 365, "360_day": 360}[calendar]
    days = np.arange(size)
    seas = 15 + 4 * np.sin(2 * np.pi * days / size) + np.cos(4 * np.pi * days / size)
    return table(seas, seas + 1.2 + 0.4 * np.cos(2 * np.pi * days / size + 1))


def pattern(kinds: str, climatology: xr.Dataset, calendar: str, seed: int) -> xr.DataArray:
    """Return the series of a pattern that begins on 20 December 2003; no two anomalies equal."""
    time = xr.date_range("2003-12-20", periods=len(kinds), calendar=calendar, freq="D",
                         use_cftime=calendar != "standard")  # fmt: skip
    cube = xr.DataArray(np.zeros(len(time)), dims="time", coords={"time": time}, name="sst")
    _, thresh = at_days(climatology, cube)
    rng = np.random.default_rng(seed)
    hot = thresh + rng.uniform(0.01, 6, len(time))
    cool = thresh - rng.uniform(0.01, 4, len(time))
    kind = np.array(list(kinds))
    cube[:] = np.select([kind == "h", kind == "m"], [hot, np.nan], cool)
    return cube[kind != "a"]


def at_days(climatology: xr.Dataset, cube: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    month, day = cube.time.dt.month.values, cube.time.dt.day.values
    size = climatology.sizes["dayofyear"]
    if size == 360:
        number = (month - 1) * 30 + day - 1
    else:
        lengths = [31, 29 if size == 366 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]
        number = np.concatenate([[0], np.cumsum(lengths)])[month - 1] + day - 1
    return climatology.seas.values[number], climatology.thresh.values[number]


def date_numbers(cube: xr.DataArray) -> np.ndarray:
    """Days since the first sample."""
    every = every_day(cube)
    return np.searchsorted(every, cube.time.values)


def every_day(cube: xr.DataArray | xr.Dataset) -> np.ndarray:
    """Every date between the first and the last sample, present or not."""
    first, last = cube.time.values[[0, -1]]
    calendar = cube.time.dt.calendar
    return xr.date_range(
        first, last, calendar=calendar, use_cftime=calendar != "proleptic_gregorian"
    ).values


# ---------------------------------------------------------------- detection and metrics


@settings(max_examples=100, deadline=None)
@given(patterns(), st.sampled_from(CALENDARS), st.booleans(), st.integers(0, 99))
def test_any_pattern_of_days_has_the_events_of_plain_lists(drawn, calendar, cold, seed) -> None:
    days, min_duration, max_gap = drawn
    climatology = season(calendar)
    cube = pattern(days, climatology, calendar, seed)
    assume(len(cube) < 2 or np.median(np.diff(date_numbers(cube))) == 1)  # else no daily record
    expected = oracle.events(
        cube.values, *at_days(climatology, cube), date_numbers(cube),
        min_duration=min_duration, max_gap=max_gap,
    )  # fmt: skip
    sign = -1 if cold else 1
    mhw = cc.heatwaves(
        sign * cube, climatology=sign * climatology, cold=cold, min_duration=min_duration,
        max_gap=max_gap,
    )  # fmt: skip
    found = mhw.events()
    assert len(found) == len(expected)
    for (_, row), wanted in zip(found.iterrows(), expected, strict=True):
        for name, value in wanted.items():
            if isinstance(value, str | int):
                assert row[name] == value, name
            else:
                turned = sign if name.startswith("intensity") and "_var" not in name else 1
                assert row[name] == pytest.approx(turned * value, rel=1e-11, abs=1e-11), name
    numbers = np.zeros(len(cube), int)
    for k, wanted in enumerate(expected, start=1):
        numbers[wanted["index_start"] : wanted["index_end"] + 1] = k
    np.testing.assert_array_equal(mhw.daily.event, numbers)
    assert_consistent(mhw, cold=cold)


# ---------------------------------------------------------------- mirrored in time


@settings(max_examples=60, deadline=None)
@given(patterns(), st.sampled_from(["noleap", "360_day"]), st.integers(0, 99))
def test_time_and_threshold_reversed_mirror_the_events(drawn, calendar, seed) -> None:
    """Whole years of a calendar without leap days: a day's mirror image is another day of year.

    Absent and missing days, and joined events, are mirrored with the rest; dates are exact.
    """
    climatology = season(calendar)
    size = climatology.sizes["dayofyear"]
    days, min_duration, max_gap = drawn
    whole = pattern("c" * 12 + days.replace("a", "c") + "c" * 900, climatology, calendar, seed)
    whole = whole.sel(time=slice("2004", "2005"))
    kept = np.ones(2 * size, bool)
    kept[: len(days)] = np.array(list(days)) != "a"
    back = table(climatology.seas.values[::-1], climatology.thresh.values[::-1])
    mirrored = whole.copy(data=whole.values[::-1])
    options = {"min_duration": min_duration, "max_gap": max_gap}
    there = cc.heatwaves(whole[kept], climatology=climatology, **options).events()
    turned = cc.heatwaves(mirrored[kept[::-1]], climatology=back, **options).events()[::-1]
    last = kept.sum() - 1
    assert len(there) == len(turned)
    for here, away in (("start", "end"), ("end", "start"), ("peak", "peak")):
        image = last - turned[f"index_{away}"]
        np.testing.assert_array_equal(there[f"index_{here}"], image)
    same = ["duration", "category", *(f"duration_{c}" for c in CATEGORIES)]
    for name in same:
        np.testing.assert_array_equal(there[name], turned[name])
    for name in (c for c in there if c.startswith("intensity")):
        np.testing.assert_allclose(there[name], turned[name], rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(there.intensity_max, turned.intensity_max)
    np.testing.assert_allclose(there.rate_onset, turned.rate_decline, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(there.rate_decline, turned.rate_onset, rtol=1e-11, atol=1e-12)


# ---------------------------------------------------------------- cells and packing


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 999), st.permutations(range(6)), st.sets(st.integers(0, 5)), st.booleans())
def test_a_cell_knows_nothing_of_the_others(seed, order, land, packed) -> None:
    """Cells in another order, some of them land: the rest keeps its bytes, land has nothing."""
    cube = weather((6, 1), years=3, seed=seed)[..., 0]
    if packed:
        cube = cube.copy(data=np.rint(cube.values / 0.01).astype("float32") * np.float32(0.01))
        cube.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    sea = [cell for cell in range(6) if cell not in land]
    other = cube.copy()
    other[:, sorted(land)] = np.nan
    other = other[:, list(order)]
    other.encoding = dict(cube.encoding)
    plain, found = cc.heatwaves(cube), cc.heatwaves(other)
    for part in ("climatology", "daily", "annual"):
        for name, ours in getattr(plain, part).items():
            theirs = getattr(found, part)[name].sel(lat=cube.lat)
            a, b = (x.isel(lat=sea).values.tobytes() for x in (ours, theirs))
            assert a == b, (part, name)
            nothing = theirs.isel(lat=sorted(land)).values
            if name == "days_missing":
                assert (nothing.sum(axis=0) == cube.sizes["time"]).all()
            else:
                assert (np.isnan(nothing) | (nothing == 0)).all(), (part, name)
    expected = plain.events()
    expected = expected[expected.lat.isin(cube.lat.values[sea])]
    events = found.events().sort_values(["lat", "index_start"], ignore_index=True)
    pd.testing.assert_frame_equal(events, expected.reset_index(drop=True))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 999), st.sampled_from([0.01, 0.001, -0.01, 2.0**-7, 0.0015]),
    st.floats(-300, 300), st.booleans(),
)  # fmt: skip
def test_integers_decide_whatever_they_were_packed_with(seed, scale, offset, cold) -> None:
    """Adding a constant to packed data changes ``add_offset``: no event may change, ties or not.

    Thresholds are multiples of a 620th of the scale, so a day is on the threshold, or off it by
    more than any rounding.
    """
    integers = np.rint(weather((1, 2), years=3, seed=seed).astype("float64") / abs(scale) / 4)
    integers = integers.clip(-32000, 32000)

    def of(offset: float, number: str) -> xr.DataArray:
        cube = integers * scale + offset
        cube = cube.astype(number)
        cube.encoding = {"dtype": "int16", "scale_factor": scale, "add_offset": offset}
        return cube

    plain = cc.heatwaves(of(0.0, "float64"), cold=cold)
    moved = cc.heatwaves(of(offset, "float64"), cold=cold)
    narrow = cc.heatwaves(of(offset, "float32"), cold=cold)
    bare = of(offset, "float64").drop_encoding()
    unpacked = cc.heatwaves(bare, cold=cold).events()
    events = plain.events()
    for other in (moved.events(), narrow.events(), unpacked):
        pd.testing.assert_frame_equal(other[DATES], events[DATES])
        for name in ("intensity_mean", "intensity_var", "intensity_max_relThresh", "rate_onset"):
            np.testing.assert_allclose(other[name], events[name], rtol=1e-8, atol=1e-9)
    thresh = plain.climatology.thresh + offset
    np.testing.assert_allclose(moved.climatology.thresh, thresh, rtol=0, atol=1e-12 * 512)
    # Decoded in float32 or in float64, packed values are the same integers: the same bytes.
    pd.testing.assert_frame_equal(moved.events(), narrow.events())


# ---------------------------------------------------------------- one story in three tellings

OPTIONS = {
    "plain": {},
    "cold": {"cold": True},
    "short and joined": {"min_duration": 2, "max_gap": 6},
    "padded": {"max_pad": 4},
    "second threshold": {"second_threshold": 20.5, "min_duration2": 2},
    "detrended": {"baseline": "detrended"},
    "shifting": {"baseline": "shifting", "baseline_years": 3},
    "without ice": {"min_temperature": 15.5},
}


@pytest.mark.parametrize(
    ("option", "calendar"),
    [*itertools.product(OPTIONS, ["standard"]), ("plain", "noleap"), ("cold", "360_day")],
)
def test_annual_daily_and_events_follow_from_each_other(option, calendar) -> None:
    cube = weather((2, 2), years=6, seed=3, calendar=calendar).astype("float64")
    rng = np.random.default_rng(1)
    cube = cube.where(rng.random(cube.shape) > 0.03)
    cube[500:560, 0, 0] = np.nan
    cube[:, 1, 1] = np.nan
    present = rng.random(cube.sizes["time"]) > 0.01
    present[[0, -1]] = True
    options = OPTIONS[option]
    mhw = cc.heatwaves(cube[present], **options)
    assert len(mhw.events()) > 5
    assert_consistent(mhw, cold="cold" in options)


def assert_consistent(mhw, *, cold: bool) -> None:
    """Annual metrics from the table and the days; the table from the days."""
    daily, annual, table = mhw.daily.compute(), mhw.annual.compute(), mhw.events()
    cells = [d for d in daily.event.dims if d != "time"]
    if not cells:
        daily, annual = (x.expand_dims(cell=[0]) for x in (daily, annual))
        table, cells = table.assign(cell=0), ["cell"]
    days = daily.stack(place=cells).transpose("place", "time")
    years = annual.stack(place=cells).transpose("place", "time")
    for i, place in enumerate(days.place.values):
        labels = place if len(cells) > 1 else (place,) if not isinstance(place, tuple) else place
        own = np.logical_and.reduce([table[c] == v for c, v in zip(cells, labels, strict=True)])
        events = table[own]
        _events_follow_from_days(events, days.isel(place=i), cold=cold)
        _annual_follows(events, days.isel(place=i), years.isel(place=i), cold=cold)


def _events_follow_from_days(events, days, *, cold) -> None:
    number, category, anomaly = days.event.values, days.category.values, days.anomaly.values
    assert set(number) - {0} == set(range(1, len(events) + 1))
    assert (np.diff(number[number > 0]) >= 0).all()  # numbered in their order
    assert not category[number == 0].any()
    stamps = [str(t)[:10] for t in days.time.values]
    for k, event in enumerate(events.itertuples(), start=1):
        inside = np.flatnonzero(number == k)
        assert (inside[0], inside[-1]) == (event.index_start, event.index_end)
        assert len(inside) == event.duration == event.index_end - event.index_start + 1
        for name, i in (("start", inside[0]), ("end", inside[-1]), ("peak", event.index_peak)):
            assert str(getattr(event, f"date_{name}"))[:10] == stamps[i]
        for c, name in enumerate(CATEGORIES, start=1):
            assert getattr(event, f"duration_{name}") == (category[inside] == c).sum()
        assert event.category.lower() == CATEGORIES[category[inside].max() - 1]
        departures = np.nan_to_num(anomaly[inside])
        assert event.intensity_max == (departures.min() if cold else departures.max())
        assert event.intensity_cumulative == pytest.approx(departures.sum(), rel=1e-10)
        assert event.intensity_mean * event.duration == pytest.approx(
            event.intensity_cumulative, rel=1e-12
        )


def _annual_follows(events, days, annual, *, cold) -> None:
    year, number = days.time.dt.year.values, days.event.values
    started = np.array([int(str(d)[:4]) for d in events.date_start], int)
    known = days.anomaly.notnull().values
    every = xr.DataArray(every_day(days), dims="time").dt.year.values
    for j, y in enumerate(annual.time.dt.year.values):
        row, own = annual.isel(time=j), events[started == y]
        assert row["count"] == len(own) and row.days == (number[year == y] > 0).sum()
        for c, name in enumerate(CATEGORIES, start=1):
            assert row[f"days_{name}"] == (days.category.values[year == y] == c).sum()
        assert row.days_missing == (every == y).sum() - known[year == y].sum()
        means = [n for n in annual if n in events and not n.startswith("duration_")]
        assert len(means) == 15
        for name in means:
            expected = own[name].mean() if len(own) else np.nan
            np.testing.assert_allclose(row[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)
        top = own.intensity_max.min() if cold else own.intensity_max.max()
        np.testing.assert_array_equal(row.intensity_max_max, top)
        np.testing.assert_allclose(
            row.total_intensity_cumulative, own.intensity_cumulative.sum(), rtol=1e-12, atol=1e-12
        )
    assert int(annual.days.sum()) == events.duration.sum()
