"""What must hold to the last bit, on series made so that every day is a possible tie.

Values on a coarse binary grid meet their thresholds often: those are interpolated between a few
levels, so in exact arithmetic a value is either on its threshold or a hundred-thousandth away.
Rounding may then decide nothing: no event, no category, no peak.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from tests.analysis.events.test_heatwaves import weather

SEEDS = st.integers(0, 10_000)
DATES = ["lat", "lon", "index_start", "index_end", "duration", "category",
         "duration_moderate", "duration_strong", "duration_severe", "duration_extreme"]  # fmt: skip
DECIDED = [*DATES, "index_peak", "rank"]  # the largest of several: of equal ones, rounding decides
RATES = ["rate_onset", "rate_decline"]
MEANS = [f"intensity_{s}{v}" for s in ("max", "mean", "var", "cumulative")
         for v in ("", "_relThresh", "_abs")]  # fmt: skip
CALENDARS = st.sampled_from(["standard", "noleap", "360_day"])


def gridded(seed, calendar="standard", step=0.125, years=4, missing=0.03, absent=0):
    """Weather on a binary grid, with missing values and some dates that the record lacks."""
    cube = weather((1, 2), years=years, seed=seed, calendar=calendar).astype("float64")
    rng = np.random.default_rng(seed)
    cube = (np.rint(cube / step) * step).where(rng.random(cube.shape) >= missing)
    kept = np.sort(rng.permutation(cube.sizes["time"])[absent:])
    return cube.isel(time=kept).assign_attrs(units="degC")


def is_tie(cube, climatology):
    """Whether a value lies on its threshold, up to rounding."""
    mhw = cc.heatwaves(cube, climatology=climatology)
    daily = climatology.thresh.values[mhw.subject.axis.dayofyear]
    return np.abs(cube.values - daily) < 1e-12 * np.abs(daily)


def test_the_grid_makes_ties():
    """Otherwise the tests below would prove nothing."""
    ties = [is_tie(c, cc.heatwaves(c, smooth=None).climatology).mean()
            for c in map(gridded, range(4))]  # fmt: skip
    assert min(ties) > 0.005


@settings(max_examples=12, deadline=None)
@given(
    SEEDS, CALENDARS, st.integers(-8000, 8000), st.booleans(), st.sampled_from([None, 5, 31]),
    st.sampled_from([75, 90, 95.0]),
)  # fmt: skip
def test_a_constant_turns_no_tie(seed, calendar, steps, cold, smooth, percentile):
    cube, constant = gridded(seed, calendar), 0.125 * steps
    options = {"cold": cold, "smooth": smooth, "percentile": percentile}
    plain = cc.heatwaves(cube, **options)
    shifted = cc.heatwaves(cube + constant, **options)
    pd.testing.assert_frame_equal(shifted.events()[DATES], plain.events()[DATES])
    for name in ("event", "category"):
        np.testing.assert_array_equal(shifted.daily[name], plain.daily[name])
    counted = [n for n in plain.annual if plain.annual[n].dtype.kind == "i"]
    for name in counted:
        np.testing.assert_array_equal(shifted.annual[name], plain.annual[name], err_msg=name)
    rounding = 64 * np.spacing(abs(constant) + 64)
    moved = plain.climatology[["seas", "thresh"]] + constant
    for name in moved:
        np.testing.assert_allclose(shifted.climatology[name], moved[name], rtol=0, atol=rounding)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(-1000, 1000), st.sampled_from([0.01, 0.02, 0.001]), st.booleans())
def test_a_constant_turns_no_tie_of_packed_values(seed, steps, scale, cold):
    """A decimal scale has no exact sums; the packed integers decide."""
    cube = gridded(seed)
    integers = np.rint(cube / 0.125) * 4

    def packed(offset):
        values = (integers * np.float32(scale) + np.float32(offset)).astype("float32")
        values.encoding = {"dtype": "int16", "scale_factor": scale, "add_offset": offset}
        return values

    plain = cc.heatwaves(packed(0.0), cold=cold).events()
    shifted = cc.heatwaves(packed(steps * scale), cold=cold).events()
    pd.testing.assert_frame_equal(shifted[DATES], plain[DATES])


def mirrored(cube, climatology):
    """The record read backwards: day d of a noleap year becomes day 366 - d."""
    time = cube.time.values
    days = np.array([365 * (t.year - 2000) + t.dayofyr - 1 for t in time])
    turned = 365 * 4 - 1 - days[::-1]
    axis = xr.date_range("2000-01-01", periods=365 * 4, freq="D", calendar="noleap",
                         use_cftime=True)[turned]  # fmt: skip
    back = cube.copy(data=cube.values[::-1]).assign_coords(time=axis)
    tables = climatology.copy(data={n: climatology[n].values[::-1] for n in climatology})
    return back, tables


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(0, 3), st.booleans(), st.integers(0, 60))
def test_time_reversal_mirrors_events_exactly(seed, min_duration, max_gap, cold, absent):
    """With a season, missing values and absent dates: detection and sums have no direction."""
    cube = gridded(seed, "noleap", absent=absent).astype("float64")
    raw = cc.heatwaves(cube, cold=cold, percentile=80).climatology[["seas", "thresh"]]
    climatology = np.rint(raw * 64) / 64  # on the grid, so that sums are exact
    for name in climatology:
        climatology[name].attrs = raw[name].attrs
    options = {"min_duration": min_duration, "max_gap": max_gap, "cold": cold}
    back_cube, back_climatology = mirrored(cube, climatology)
    there = cc.heatwaves(cube, climatology=climatology, **options)
    back = cc.heatwaves(back_cube, climatology=back_climatology, **options)
    a, b = there.events(), back.events()
    last = cube.sizes["time"] - 1
    b = b.assign(index_start=last - b.index_end, index_end=last - b.index_start,
                 index_peak=last - b.index_peak, rate_onset=b.rate_decline,
                 rate_decline=b.rate_onset)  # fmt: skip
    b = b.sort_values(["lat", "lon", "index_start"], ignore_index=True)
    assert len(a) == len(b) > 0
    # The peak is the first of equal days, backwards the last: only there may it differ.
    one = (a.index_peak == b.index_peak).to_numpy()
    either = ["index_peak", *RATES, "intensity_max_relThresh", "intensity_max_abs"]
    close = [n for n in MEANS if "_mean" in n or "_var" in n]
    exact = [n for n in (*DECIDED, *MEANS) if n not in (*either, *close)]
    pd.testing.assert_frame_equal(a[exact], b[exact])
    pd.testing.assert_frame_equal(a.loc[one, either], b.loc[one, either])
    for name in close:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-12, err_msg=name)
    anomaly = there.daily.anomaly.fillna(0.0)
    for row in a[~one].itertuples():  # two days were equally strong
        series = anomaly.sel(lat=row.lat, lon=row.lon).values[row.index_start : row.index_end + 1]
        assert (series == row.intensity_max).sum() > 1
    for name in ("category", "anomaly", "severity"):
        np.testing.assert_array_equal(there.daily[name], back.daily[name][::-1], err_msg=name)
    np.testing.assert_array_equal(there.daily.event > 0, back.daily.event[::-1] > 0)


@settings(max_examples=10, deadline=None)
@given(SEEDS, CALENDARS, st.sampled_from([75, 90, 99.0]), st.sampled_from([None, 31]),
       st.integers(0, 3), st.sampled_from(["fixed", "detrended"]))  # fmt: skip
def test_cold_spells_are_the_heatwaves_of_the_negated(
    seed, calendar, percentile, smooth, max_pad, baseline
):
    cube = gridded(seed, calendar)
    options = {"percentile": percentile, "smooth": smooth, "max_pad": max_pad,
               "baseline": baseline}  # fmt: skip
    warm, cold = cc.heatwaves(-cube, **options), cc.heatwaves(cube, cold=True, **options)
    a, b = warm.events(), cold.events()
    signless = [*DECIDED, *RATES, *(n for n in MEANS if "_var" in n), "return_period"]
    pd.testing.assert_frame_equal(a[signless], b[signless])
    signed = [n for n in MEANS if "_var" not in n]
    pd.testing.assert_frame_equal(-a[signed], b[signed])
    for name in ("seas", "thresh"):
        np.testing.assert_array_equal(-warm.climatology[name], cold.climatology[name])
    for name, sign in {"event": 1, "category": 1, "severity": 1, "anomaly": -1}.items():
        np.testing.assert_array_equal(sign * warm.daily[name], cold.daily[name], err_msg=name)
    for name, values in warm.annual.items():
        turned = name in signed or name in ("total_intensity_cumulative", "intensity_max_max")
        sign = -1 if turned else 1
        np.testing.assert_array_equal(sign * values, cold.annual[name], err_msg=name)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(-12, 12), st.sampled_from(["float32", "float64"]), st.booleans())
def test_a_power_of_two_scales_everything_exactly(seed, power, dtype, cold):
    factor = 2.0**power
    cube = weather((1, 2), years=4, seed=seed).astype(dtype)
    cube[700:710, 0, 1] = np.nan
    plain = cc.heatwaves(cube, cold=cold)
    scaled = cc.heatwaves((cube * factor).astype(dtype), cold=cold)
    scales = {"seas", "thresh", "anomaly", "total_intensity_cumulative", "intensity_max_max",
              *RATES, *MEANS}  # fmt: skip
    for part in ("climatology", "daily", "annual"):
        for name, values in getattr(plain, part).items():
            expected = values * factor if name in scales else values
            np.testing.assert_array_equal(getattr(scaled, part)[name], expected, err_msg=name)
    a, b = plain.events(), scaled.events()
    pd.testing.assert_frame_equal(a[DECIDED], b[DECIDED])
    pd.testing.assert_frame_equal(a[[*MEANS, *RATES]] * factor, b[[*MEANS, *RATES]])


PACKINGS = {
    "OISST": ("int16", 0.01, 0.0),
    "an offset": ("int16", 0.01, 20.0),
    "float32 attributes": ("int16", np.float32(0.01), np.float32(0)),
    "kelvin": ("int16", 0.002, 293.15),
    "bytes": ("uint8", 0.15, -3.0),
    "falling": ("int16", -0.01, 5.0),
    "offset alone": ("int16", 1.0, 273.15),
    "four bytes": ("int32", 0.0001, 0.0),
}


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_in_float32_or_decoded_exactly_the_events_are_the_same(packing, cold):
    dtype, scale, offset = PACKINGS[packing]
    cube = gridded(11, step=0.05) + (273.15 if offset > 200 else 0)
    integers = np.rint((cube - offset) / scale)
    limits = np.iinfo(dtype)
    integers = integers.where((integers >= limits.min) & (integers <= limits.max))
    exact = integers * float(scale) + float(offset)
    float_type = "float32" if dtype != "int32" else "float64"
    as_read = (integers.astype(float_type) * np.dtype(float_type).type(scale)).astype(float_type)
    as_read = (as_read + np.dtype(float_type).type(offset)).astype(float_type)
    as_read.encoding = {"dtype": dtype, "scale_factor": scale, "add_offset": offset}
    assert (as_read.astype("float64") != exact).any() or dtype == "int32"
    given_packed = cc.heatwaves(as_read, cold=cold)
    decoded = cc.heatwaves(exact, cold=cold)
    a, b = given_packed.events(), decoded.events()
    assert len(a) > 10
    pd.testing.assert_frame_equal(a[DECIDED], b[DECIDED])
    pd.testing.assert_frame_equal(a[MEANS], b[MEANS], rtol=0, atol=1e-10)
    for name in ("event", "category"):
        np.testing.assert_array_equal(given_packed.daily[name], decoded.daily[name])
