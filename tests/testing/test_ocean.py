"""The synthetic ocean keeps its promises, checked by an oracle that knows nothing of climcube."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.errors import ParameterError
from climcube.testing import planted_events, planted_trend, synthetic_ocean
from tests.oracles.heatwave import climatology, day_of_leap_year, events

SHAPE = (12, 24)


@pytest.fixture(scope="module")
def ocean() -> xr.Dataset:
    return synthetic_ocean(years=12, shape=SHAPE, seed=3)


def sample_of_cells(ocean: xr.Dataset, number: int) -> list[tuple[float, float]]:
    wet = ocean.sst[0].stack(cell=("lat", "lon")).dropna("cell").cell.values
    planted = planted_events(ocean).drop_duplicates(["lat", "lon"])[["lat", "lon"]]
    eventful = [tuple(row) for row in planted.to_numpy()]
    quiet = [cell for cell in wet if tuple(cell) not in set(eventful)]
    return [
        c for group in (eventful, quiet) for c in group[:: max(1, len(group) // number)][:number]
    ]


def test_looks_like_packed_daily_sst(ocean: xr.Dataset) -> None:
    sst = ocean.sst
    assert sst.dims == ("time", "lat", "lon") and sst.dtype == np.float32
    assert sst.sizes["time"] == 4383
    assert sst.encoding["dtype"] == np.int16
    assert sst.encoding["scale_factor"].dtype == np.float32
    assert set(sst.encoding) == {"dtype", "scale_factor", "add_offset", "_FillValue"}
    assert sst.attrs["units"] == "degC"
    assert sst.attrs["standard_name"] == "sea_surface_temperature"
    assert float(sst.lon.min()) >= 0 and float(sst.lon.max()) < 360
    land = np.isnan(sst.values)
    assert (land == land[0]).all() and 0.05 < land[0].mean() < 0.5
    assert np.nanmin(sst) > -2 and np.nanmax(sst) < 40


def test_values_are_exactly_decoded_integers(ocean: xr.Dataset) -> None:
    values = ocean.sst.values
    integers = np.rint(values.astype("float64") / 0.01)
    np.testing.assert_array_equal(values, (integers * 1.0).astype("float32") * np.float32(0.01))


def test_a_seed_means_the_same_ocean_for_ever() -> None:
    ocean = synthetic_ocean(years=2, shape=(5, 9), seed=7)
    integers = np.nan_to_num(np.rint(ocean.sst.values.astype("float64") / 0.01), nan=-999)
    digest = hashlib.sha256(integers.astype("<i2").tobytes()).hexdigest()
    assert digest[:16] == "c91eb48ba5b92547"
    assert not ocean.sst.equals(synthetic_ocean(years=2, shape=(5, 9), seed=8).sst)


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_the_definition_finds_the_planted_events_and_no_other(seed: int) -> None:
    ocean = synthetic_ocean(years=12, shape=SHAPE, seed=seed)
    planted = planted_events(ocean)
    days = pd.DatetimeIndex(ocean.time.values)
    for lat, lon in sample_of_cells(ocean, 8):
        series = ocean.sst.sel(lat=lat, lon=lon).values
        # exactly the integers: a day on the threshold must not depend on float32
        found = events(np.round(series.astype("float64"), 2), days)
        rows = planted[(planted.lat == lat) & (planted.lon == lon)]
        wanted = list(zip(rows.date_start, rows.date_end, strict=True))
        assert [(days[a].normalize(), days[b].normalize()) for a, b in found] == wanted


def test_every_kind_is_planted(ocean: xr.Dataset) -> None:
    table = planted_events(ocean)
    assert set(table.kind) == {
        "five_day",
        "near_threshold",
        "joined",
        "separate",
        "long",
        "new_year",
    }
    assert (table[table.kind == "five_day"].duration == 5).all()
    new_year = table[table.kind == "new_year"]
    assert (new_year.date_start.dt.year + 1 == new_year.date_end.dt.year).all()
    assert (table.duration == (table.date_end - table.date_start).dt.days + 1).all()


def test_near_threshold_events_are_near_the_threshold(ocean: xr.Dataset) -> None:
    table = planted_events(ocean)
    days = pd.DatetimeIndex(ocean.time.values)
    for row in table[table.kind == "near_threshold"].iloc[::9].head(6).itertuples():
        series = np.round(ocean.sst.sel(lat=row.lat, lon=row.lon).values.astype("float64"), 2)
        excess = series - climatology(series, days)[1][day_of_leap_year(days) - 1]
        during = (days.normalize() >= row.date_start) & (days.normalize() <= row.date_end)
        assert excess[during].min() > 0 and excess[during].max() < 0.3


def test_planted_trend_is_in_the_data() -> None:
    ocean = synthetic_ocean(years=12, shape=(10, 20), seed=5)
    rows = planted_events(ocean)[["lat", "lon"]].drop_duplicates()
    quiet = ocean.sst.copy()
    for lat, lon in rows.to_numpy():
        quiet.loc[{"lat": lat, "lon": lon}] = np.nan
    annual = quiet.groupby("time.year").mean()
    slope = annual.polyfit("year", 1).polyfit_coefficients.sel(degree=1) * 10
    error = (slope - planted_trend(ocean)).values
    # An annual mean of AR(1) noise with memory 0.5 has a deviation of 0.4 * 1.73 / sqrt(365).
    expected = 10 * 0.036 / np.sqrt(143)
    assert abs(np.nanmean(error)) < expected / 4
    assert 0.7 * expected < np.nanstd(error) < 1.3 * expected
    assert np.isnan(planted_trend(ocean).values[np.isnan(ocean.sst.values[0])]).all()


def test_no_part_of_the_planted_trend_is_lost() -> None:
    """Spells are broken, and days planted: 2 % of the trend went with them, in a long record."""
    ocean = synthetic_ocean(years=30, shape=(8, 16), seed=1)
    annual = ocean.sst.groupby("time.year").mean()
    slope = annual.polyfit("year", 1).polyfit_coefficients.sel(degree=1) * 10
    planted = planted_trend(ocean)
    error = (slope - planted).values[planted.notnull()]
    expected = 10 * 0.036 / np.sqrt(30 * (30**2 - 1) / 12)
    assert abs(error.mean()) < 2.5 * expected / np.sqrt(error.size) < 0.012 * planted.mean()
    assert 0.7 * expected < error.std() < 1.3 * expected


def test_without_heatwaves_nothing_is_planted() -> None:
    ocean = synthetic_ocean(years=2, shape=(4, 6), heatwaves=False)
    assert planted_events(ocean).empty
    assert list(planted_events(ocean).columns)[:2] == ["lat", "lon"]


def test_unpacked_values_are_plain_floats() -> None:
    ocean = synthetic_ocean(years=1, shape=(4, 6), packed=False)
    assert ocean.sst.encoding == {} and ocean.sst.dtype == np.float32
    assert np.abs(ocean.sst - synthetic_ocean(years=1, shape=(4, 6)).sst).max() <= 0.0051


@pytest.mark.parametrize("bad", [{"years": 0}, {"shape": (0, 3)}, {"noise": -1.0}])
def test_sizes_must_be_positive(bad: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="not positive"):
        synthetic_ocean(**bad)  # type: ignore[arg-type]


def test_only_synthetic_oceans_have_planted_events() -> None:
    with pytest.raises(ParameterError, match="not a synthetic ocean"):
        planted_events(xr.Dataset())


def test_records_without_a_leap_year() -> None:
    ocean = synthetic_ocean(years=2, start=2001, shape=(20, 40))
    assert ocean.sizes["time"] == 730
    assert bool(ocean.sst.notnull().any("time").any())
