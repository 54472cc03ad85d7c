"""What must hold for any series: mirrored in time, in sign, scaled, shifted, packed, cut up."""

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
DATES = ["lat", "lon", "index_start", "index_end", "index_peak", "duration", "category"]
INTENSITIES = [
    f"intensity_{statistic}{reference}"
    for statistic in ("max", "mean", "var", "cumulative")
    for reference in ("", "_relThresh", "_abs")
]


def hundredths(seed: int, years: int = 4) -> xr.DataArray:
    """Red noise in hundredths of a degree, as float64, exactly decoded."""
    cube = weather((1, 2), years=years, seed=seed).astype("float64")
    return (np.rint(cube / 0.01) * 0.01).assign_attrs(cube.attrs)


def packed(cube: xr.DataArray) -> xr.DataArray:
    """The same as archives give it: float32, and what it was packed with."""
    given = cube.astype("float32")
    given.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    return given


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from([-64.0, 0.5, 16.0, 256.0]))
def test_a_constant_changes_no_event(seed: int, constant: float) -> None:
    # Sixteenths: sums and means of shifted values are exact, so not even a tie can turn.
    cube = np.rint(weather((1, 2), years=4, seed=seed).astype("float64") * 16) / 16
    plain, shifted = cc.heatwaves(cube).events(), cc.heatwaves(cube + constant).events()
    pd.testing.assert_frame_equal(plain[DATES], shifted[DATES])
    for name in INTENSITIES:
        shift = {"intensity_max_abs": constant, "intensity_mean_abs": constant}.get(name, 0)
        shift += constant * plain.duration if name == "intensity_cumulative_abs" else 0
        np.testing.assert_allclose(shifted[name], plain[name] + shift, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(-6, 6))
def test_a_power_of_two_scales_intensities_exactly(seed: int, power: int) -> None:
    cube, factor = weather((1, 2), years=4, seed=seed).astype("float64"), 2.0**power
    plain, scaled = cc.heatwaves(cube).events(), cc.heatwaves(cube * factor).events()
    pd.testing.assert_frame_equal(plain[DATES], scaled[DATES])
    for name in [*INTENSITIES, "rate_onset", "rate_decline"]:
        np.testing.assert_array_equal(scaled[name], factor * plain[name])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(0, 3))
def test_time_reversed_events_are_mirrored(seed: int, min_duration: int, max_gap: int) -> None:
    """For a threshold that is the same on all days, so that only detection is reversed."""
    cube = weather((1, 2), years=3, seed=seed).astype("float64")
    rng = np.random.default_rng(seed)
    cube = cube.where(rng.random(cube.shape) > 0.02)
    climatology = cc.heatwaves(cube).climatology
    flat = climatology.mean("dayofyear").expand_dims(dayofyear=climatology.dayofyear)
    options = {"climatology": flat, "min_duration": min_duration, "max_gap": max_gap}
    there = cc.heatwaves(cube, **options).events()
    turned = cube.copy(data=cube.values[::-1])
    back = cc.heatwaves(turned, **options).events()
    last = cube.sizes["time"] - 1
    mirrored = back.assign(index_start=last - back.index_end, index_end=last - back.index_start)
    mirrored = mirrored.sort_values(["lat", "lon", "index_start"], ignore_index=True)
    assert len(there) == len(mirrored) > 0
    same = ["lat", "lon", "index_start", "index_end", "duration", "category"]
    pd.testing.assert_frame_equal(there[same], mirrored[same])
    for name in [*INTENSITIES, "duration_moderate", "duration_strong"]:
        if name in ("intensity_max_relThresh", "intensity_max_abs"):
            continue  # taken at the peak, which of equal days is the first
        np.testing.assert_allclose(there[name], mirrored[name], rtol=1e-9, atol=1e-12)
    single = there.index_peak == last - mirrored.index_peak
    np.testing.assert_allclose(there.rate_onset[single], mirrored.rate_decline[single])
    np.testing.assert_allclose(there.rate_decline[single], mirrored.rate_onset[single])


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from([80, 90, 95.5]))
def test_warm_is_cold_of_the_negated(seed: int, percentile: float) -> None:
    cube = hundredths(seed)
    warm = cc.heatwaves(cube, percentile=percentile)
    cold = cc.heatwaves(-cube, percentile=percentile, cold=True)
    a, b = warm.events(), cold.events()
    pd.testing.assert_frame_equal(a[DATES], b[DATES])
    for name in INTENSITIES:
        sign = 1 if "_var" in name else -1
        np.testing.assert_array_equal(a[name], sign * b[name])
    np.testing.assert_array_equal(a.rate_onset, b.rate_onset)
    np.testing.assert_array_equal(warm.annual.days, cold.annual.days)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.booleans(), st.sampled_from([0.0, 0.05]))
def test_packed_or_not_the_events_are_the_same(seed: int, cold: bool, missing: float) -> None:
    cube = hundredths(seed)
    rng = np.random.default_rng(seed)
    cube = cube.where(rng.random(cube.shape) >= missing)
    exact = cc.heatwaves(cube, cold=cold)
    counted = cc.heatwaves(packed(cube), cold=cold)
    pd.testing.assert_frame_equal(exact.events(), counted.events(), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(exact.climatology.thresh, counted.climatology.thresh)
    np.testing.assert_allclose(exact.climatology.seas, counted.climatology.seas, rtol=1e-14)


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.permutations(["time", "level", "lat", "lon"]), st.data())
def test_any_order_and_any_chunks_give_the_same_bytes(seed, order, data) -> None:
    cube = weather((2, 3), years=3, seed=seed)
    cube = xr.concat([cube, cube + 1, cube * 1.5], "level").transpose("time", "level", "lat", "lon")
    expected = cc.heatwaves(cube)
    chunks = {d: data.draw(st.integers(1, cube.sizes[d])) for d in ("level", "lat", "lon")}
    found = cc.heatwaves(cube.transpose(*order).chunk(chunks))
    for part in ("climatology", "annual", "daily"):
        theirs = getattr(found, part).compute()
        for name, ours in getattr(expected, part).items():
            again = theirs[name].transpose(*ours.dims)
            assert again.values.tobytes() == ours.values.tobytes(), (part, name)


@pytest.mark.parametrize("cold", [False, True])
def test_annual_values_follow_from_the_event_table(cold: bool) -> None:
    cube = weather((2, 3), years=6, seed=11)
    mhw = cc.heatwaves(cube, cold=cold)
    events, daily = mhw.events(), mhw.daily
    start = pd.to_datetime(events.date_start).dt.year
    for place in np.ndindex(2, 3):
        cell = (events.lat == cube.lat.values[place[0]]) & (events.lon == cube.lon.values[place[1]])
        annual = mhw.annual.isel(lat=place[0], lon=place[1])
        inside = (daily.event[:, place[0], place[1]] > 0).values
        for i, year in enumerate(annual.time.dt.year.values):
            own = events[cell & (start == year)]
            assert annual["count"][i] == len(own)
            assert annual["days"][i] == inside[cube.time.dt.year.values == year].sum()
            if len(own):
                for name in ("duration", "intensity_mean", "intensity_var_abs", "rate_onset"):
                    np.testing.assert_allclose(annual[name][i], own[name].mean(), rtol=1e-12)
                total = own.intensity_cumulative.sum()
                np.testing.assert_allclose(annual.total_intensity_cumulative[i], total, rtol=1e-12)
                top = own.intensity_max.min() if cold else own.intensity_max.max()
                assert annual.intensity_max_max[i] == top
            else:
                assert np.isnan(annual.intensity_mean[i])
    categories = [f"days_{name}" for name in ("moderate", "strong", "severe", "extreme")]
    for number, name in enumerate(categories, start=1):
        assert mhw.annual[name].sum() == (daily.category == number).sum()
