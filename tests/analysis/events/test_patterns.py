"""Patterns of hot, cool, missing and absent days against the oracle; cells that share nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import CalendarError
from tests.analysis.events.test_heatwaves import weather
from tests.oracles import heatwave_metrics as oracle

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


# ---------------------------------------------------------------- detection and metrics


@settings(max_examples=100, deadline=None)
@given(patterns(), st.sampled_from(CALENDARS), st.booleans(), st.integers(0, 99))
def test_any_pattern_of_days_has_the_events_of_the_oracle(drawn, calendar, cold, seed) -> None:
    days, min_duration, max_gap = drawn
    climatology = season(calendar)
    cube = pattern(days, climatology, calendar, seed)
    options = {"min_duration": min_duration, "max_gap": max_gap, "cold": cold}
    sign = -1 if cold else 1
    try:
        mhw = cc.heatwaves(sign * cube, climatology=sign * climatology, **options)
    except CalendarError:  # every other day absent: no daily record
        reject()
    date = mhw.subject.axis.ordinal
    seas, thresh = (sign * table for table in at_days(climatology, cube))
    expected = oracle.events(sign * cube.values, seas, thresh, date, **options)
    found = mhw.events()
    assert len(found) == len(expected)
    if len(found):
        own = found[expected.columns]
        pd.testing.assert_frame_equal(own, expected, check_dtype=False, rtol=1e-11, atol=1e-11)
    numbers = np.zeros(cube.size, int)
    for k, row in enumerate(found.itertuples(), start=1):
        numbers[row.index_start : row.index_end + 1] = k
    np.testing.assert_array_equal(mhw.daily.event, numbers)
    assert mhw.annual.days.sum() == found.duration.sum()


# ---------------------------------------------------------------- cells


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
