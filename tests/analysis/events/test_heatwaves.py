"""Heatwaves on cubes: labels, laziness, chunks, calendars, missing days, bad input."""

from __future__ import annotations

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.errors import (
    AxisError,
    CalendarError,
    ChunkError,
    CubeError,
    ParameterError,
    StoreExistsError,
)
from climcube.testing.laziness import no_compute

YEARS = 6


def weather(shape=(3, 4), years=YEARS, seed=0, calendar="standard", start="2000-01-01"):
    """Red noise on a seasonal cycle: many events, none planted."""
    time = xr.date_range(start, f"{2000 + years - 1}-12-30", freq="D", calendar=calendar)
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.5, (len(time), *shape))
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]
    season = 5 * np.cos(2 * np.pi * np.arange(len(time)) / 365.25)
    return xr.DataArray(
        (20 + season[:, None, None] + noise).astype("float32"),
        dims=("time", "lat", "lon"),
        coords={"time": time, "lat": np.arange(shape[0]) - 1.0, "lon": np.arange(shape[1]) * 10.0},
        name="sst",
        attrs={"units": "degC", "standard_name": "sea_surface_temperature"},
    )


@pytest.fixture(scope="module")
def cube():
    return weather()


@pytest.fixture(scope="module")
def eager(cube):
    return cc.heatwaves(cube)


def assert_same(a, b):
    """Equal to the byte in all four results."""
    for name in ("climatology", "daily", "annual"):
        xr.testing.assert_identical(getattr(a, name).compute(), getattr(b, name).compute())
    pd.testing.assert_frame_equal(a.events(), b.events())


@pytest.mark.parametrize("chunks", [{"lat": 1, "lon": 3}, {"lat": 2}, {}])
def test_dask_and_numpy_give_the_same_bytes(cube, eager, chunks):
    assert_same(cc.heatwaves(cube.chunk(chunks)), eager)


def test_dimension_order_does_not_matter(cube, eager):
    turned = cc.heatwaves(cube.transpose("lon", "time", "lat"))
    assert turned.daily.anomaly.dims == ("lon", "time", "lat")
    for name in ("climatology", "daily", "annual"):
        for variable, expected in getattr(eager, name).items():
            again = getattr(turned, name)[variable].transpose(*expected.dims)
            xr.testing.assert_equal(again, expected)


def test_blocks_do_not_matter(cube, eager):
    with cc.set_options(block_cells=5):
        assert_same(cc.heatwaves(cube), eager)


def test_nothing_computes_while_the_graph_is_built(cube):
    with no_compute():
        mhw = cc.heatwaves(cube.chunk(lat=1))
        assert all(v.chunks for d in (mhw.climatology, mhw.daily, mhw.annual) for v in d.values())
        repr(mhw)


def test_graph_has_as_many_tasks_as_tiles(cube):
    """A task or two per tile and variable, never days times cells."""
    tiles = 3
    (annual,) = dask.optimize(cc.heatwaves(cube.chunk(lat=1)).annual)
    assert len(dict(annual.__dask_graph__())) <= tiles * (len(annual) + 5) + 3


def test_input_is_not_written_to(cube):
    for cold in (False, True):
        data = cube.copy(deep=True)
        data[5:8, 0, 0] = np.nan
        before = data.copy(deep=True)
        assert cc.heatwaves(data, max_pad=5, cold=cold).annual
        xr.testing.assert_identical(data, before)


def test_labels_units_and_types(eager, cube):
    assert eager.climatology.seas.attrs["units"] == "degC"
    assert "units_metadata" not in eager.climatology.thresh.attrs
    assert eager.daily.anomaly.attrs["units_metadata"] == "temperature: difference"
    assert eager.daily.anomaly.dtype == "float32" and eager.daily.category.dtype == "int8"
    assert eager.annual.intensity_cumulative.attrs["units"] == "degC day"
    assert eager.annual.rate_onset.attrs["units"] == "degC day-1"
    assert eager.annual.intensity_max_abs.attrs["units"] == "degC"
    assert eager.annual.time.dt.year.values.tolist() == list(range(2000, 2006))
    assert eager.climatology.dayofyear.values.tolist() == list(range(1, 367))
    assert "heatwaves" in eager.annual.attrs["history"]
    assert list(eager.events().columns[:5]) == ["lat", "lon", "date_start", "date_end", "date_peak"]


def test_daily_annual_and_events_tell_the_same_story(eager):
    daily, annual, events = eager.daily, eager.annual, eager.events()
    in_event = daily.event > 0
    assert int(in_event.sum()) == events.duration.sum() == int(annual.days.sum())
    assert len(events) == int(annual["count"].sum()) == int(daily.event.max("time").sum())
    for number, name in enumerate(("moderate", "strong", "severe", "extreme"), start=1):
        by_year = (daily.category == number).groupby("time.year").sum()
        np.testing.assert_array_equal(by_year, annual[f"days_{name}"])
        assert events[f"duration_{name}"].sum() == int(by_year.sum())
    row = events.iloc[7]
    cell = daily.sel(lat=row.lat, lon=row.lon, time=slice(row.date_start, row.date_end))
    assert cell.sizes["time"] == row.duration
    np.testing.assert_allclose(cell.anomaly.max(), row.intensity_max, rtol=1e-6)
    assert cell.time[int(cell.anomaly.argmax("time"))] == row.date_peak
    np.testing.assert_allclose(
        annual.total_intensity_cumulative.sum(), events.intensity_cumulative.sum()
    )


def test_rank_and_return_period(eager):
    events = eager.events()
    cell = events[(events.lat == 0) & (events.lon == 10)]
    assert sorted(cell["rank"]) == list(range(1, len(cell) + 1))
    top = cell.loc[cell.intensity_max.idxmax()]
    assert top["rank"] == 1
    assert top.return_period == pytest.approx(YEARS + 1, abs=0.01)


def test_cold_spells_mirror_heatwaves(cube):
    warm, cold = cc.heatwaves(-cube).events(), cc.heatwaves(cube, cold=True).events()
    assert len(warm) == len(cold) > 50
    for column in warm.columns:
        sign = -1 if column.startswith("intensity") and "var" not in column else 1
        if column == "category" or column.startswith("date"):
            assert (warm[column] == cold[column]).all()
        else:
            np.testing.assert_allclose(cold[column], sign * warm[column], err_msg=column)
    annual = cc.heatwaves(cube, cold=True).annual
    assert float(annual.intensity_max_max.max()) < 0 < float(annual.rate_onset.mean())


@settings(max_examples=10, deadline=None)
@given(st.floats(-250, 250), st.integers(0, 1000))
def test_a_constant_offset_changes_no_event(offset, seed):
    cube = weather((1, 1), years=4, seed=seed).astype("float64")
    a, b = cc.heatwaves(cube).events(), cc.heatwaves(cube + offset).events()
    assert (a.date_start == b.date_start).all() and (a.date_end == b.date_end).all()
    np.testing.assert_allclose(a.intensity_mean, b.intensity_mean, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_scaling_scales_intensities(factor, seed):
    cube = weather((1, 1), years=4, seed=seed).astype("float64")
    a, b = cc.heatwaves(cube).events(), cc.heatwaves(cube * factor).events()
    assert (a.date_start == b.date_start).all() and (a.category == b.category).all()
    np.testing.assert_allclose(a.intensity_cumulative * factor, b.intensity_cumulative, rtol=1e-9)


def test_pint_in_pint_out_and_kelvin_gives_the_same_events(cube, eager):
    pytest.importorskip("pint_xarray")
    celsius = cube.astype("float64").drop_attrs().pint.quantify("degC")
    kelvin = celsius.pint.to("K")
    mhw = cc.heatwaves(kelvin)
    assert str(mhw.climatology.seas.pint.units) == "kelvin"
    assert str(mhw.annual.rate_onset.pint.units) in ("kelvin / day", "delta_degree_Celsius / day")
    assert str(cc.heatwaves(celsius).daily.anomaly.pint.units) == "delta_degree_Celsius"
    a, b = mhw.events(), cc.heatwaves(cube.astype("float64")).events()
    assert (a.date_start == b.date_start).all() and (a.category == b.category).all()
    np.testing.assert_allclose(a.intensity_mean, b.intensity_mean, atol=1e-9)
    np.testing.assert_allclose(a.intensity_mean_abs, b.intensity_mean_abs + 273.15, atol=1e-9)


@pytest.mark.parametrize(("calendar", "days"), [("noleap", 365), ("360_day", 360), ("julian", 366)])
def test_calendars_are_native(calendar, days):
    cube = weather((1, 2), calendar=calendar)
    mhw = cc.heatwaves(cube)
    assert mhw.climatology.sizes["dayofyear"] == days
    assert mhw.annual.time.dt.calendar == calendar
    assert int(mhw.annual.days_missing[:-1].sum()) == 0
    events = mhw.events()
    assert events.duration.sum() == int(mhw.annual.days.sum()) > 0
    assert events.date_start.iloc[0].calendar == calendar
    np.testing.assert_array_equal(mhw.annual.time.dt.month, 1)


def test_noon_stamps_change_nothing(cube, eager):
    noon = cube.assign_coords(time=cube.time + np.timedelta64(12, "h"))
    mhw = cc.heatwaves(noon)
    xr.testing.assert_equal(mhw.annual, eager.annual)
    pd.testing.assert_frame_equal(mhw.events(), eager.events())  # dates are days


def test_an_extra_dimension_is_just_more_cells(cube):
    depth = xr.concat([cube, cube + 1], "depth").transpose("time", "lon", "depth", "lat")
    mhw = cc.heatwaves(depth.chunk(lat=2))
    assert set(mhw.annual["days"].dims) == {"time", "depth", "lat", "lon"}
    xr.testing.assert_equal(mhw.annual["days"].isel(depth=0), mhw.annual["days"].isel(depth=1))


@pytest.mark.parametrize("keep", [[], ["lat"]])
def test_single_series_and_single_row(cube, keep):
    one = cube.isel({d: 0 for d in ("lat", "lon") if d not in keep})
    mhw = cc.heatwaves(one)
    assert set(mhw.annual["days"].dims) == {"time", *keep}
    assert len(mhw.events())


def test_all_missing_cells(cube):
    data = cube.copy()
    data[:, 0, 0] = np.nan
    mhw = cc.heatwaves(data)
    cell = mhw.annual.isel(lat=0, lon=0)
    assert cell["count"].isnull().all() and cell.days.isnull().all()
    assert cell.intensity_mean.isnull().all() and mhw.climatology.seas[:, 0, 0].isnull().all()
    assert cell.days_missing.values.tolist()[:2] == [366, 365]
    events = mhw.events()
    assert not ((events.lat == -1) & (events.lon == 0)).any()
    only_land = cc.heatwaves(xr.full_like(cube, np.nan))
    assert len(only_land.events()) == 0 and int(only_land.annual.days.sum()) == 0


def test_land_and_years_without_data_are_no_years_without_heatwaves(cube):
    """A mean over an area took the zeros of its land for a sea without events."""
    data = cube.copy()
    data[:, 0, 0] = np.nan
    data[data.time.dt.year.values == 2001, 1, 1] = np.nan
    mhw = cc.heatwaves(data)
    days = mhw.annual.days
    assert days.isnull().sum() == days.sizes["time"] + 1
    assert days[:, 1, 1].isnull().values.nonzero()[0].tolist() == [1]
    for name in ("count", "days_strong", "total_intensity_cumulative"):
        assert (mhw.annual[name].isnull() == days.isnull()).all(), name
    sea = days.where(data.notnull().any("time"))
    np.testing.assert_array_equal(cc.area_mean(days), cc.area_mean(sea))
    assert cc.trend(days).slope.isnull().values.nonzero() == (np.array([0]), np.array([0]))
    state = cc.heatwave_state(data[:1200])
    state.update(data[1200:])
    whole = cc.heatwaves(data, climatology=state.climatology).annual
    xr.testing.assert_equal(state.annual.compute(), whole)


def test_a_cell_that_begins_after_the_base_period_has_no_counts(cube):
    """Without a threshold nobody knows of events; 0 days would be a sea without any."""
    data = cube.copy()
    late = data.time.dt.year.values >= 2004  # windows reach five days beyond the period
    data[~late, 1, 1] = np.nan
    mhw = cc.heatwaves(data, base_period=("2000", "2002"))
    assert mhw.climatology.thresh[:, 1, 1].isnull().all()
    unknown = mhw.annual.days.isnull().all("time")
    assert unknown.values.nonzero() == (np.array([1]), np.array([1]))
    state = cc.heatwave_state(data[:1200], base_period=("2000", "2002"))
    state.update(data[1200:])
    xr.testing.assert_equal(state.annual.compute(), mhw.annual)


def test_constant_series_have_no_event_and_say_why(cube):
    mhw = cc.heatwaves(xr.full_like(cube, -1.8))
    assert int(mhw.annual["count"].sum()) == 0
    assert mhw.annual.days_undefined.isel(lat=0, lon=0).values.tolist()[:2] == [366, 365]


def test_missing_days_end_a_run_unless_joined_and_count_as_climatology():
    cube = weather((1, 1)).astype("float64")
    mhw = cc.heatwaves(cube)
    hot = mhw.climatology.thresh.max() + 3
    data = cube.copy()
    data[1000:1030] = hot
    data[1010:1012] = np.nan  # two days: joined
    data[1020:1023] = np.nan  # three days: not
    events = cc.heatwaves(data, climatology=mhw.climatology).events()
    spans = events[(events.index_end >= 1000) & (events.index_start <= 1030)]
    assert [tuple(s) for s in spans[["index_start", "index_end"]].to_numpy()] == [
        (1000, 1019),
        (1023, 1029),
    ]
    joined = spans.iloc[0]
    anomaly = (
        data[:, 0, 0] - mhw.climatology.seas[data.time.dt.dayofyear.values - 1, 0, 0].values
    )[1000:1020]
    assert joined.intensity_cumulative == pytest.approx(float(anomaly.fillna(0).sum()), rel=0.05)
    daily = cc.heatwaves(data, climatology=mhw.climatology).daily
    assert (daily.event[1010:1012] > 0).all() and (daily.category[1010:1012] == 0).all()


def test_event_over_new_year_is_split_by_days_but_not_by_count():
    cube = weather((1, 1)).astype("float64")
    clim = cc.heatwaves(cube).climatology
    data = cube.copy()
    normal = clim.seas.isel(lat=0, lon=0).values[cc.heatwaves(cube).subject.axis.dayofyear]
    data[:, 0, 0] = normal
    first = int(np.flatnonzero(cube.time.values == np.datetime64("2002-12-28"))[0])
    data[first : first + 10, 0, 0] += 30
    annual = cc.heatwaves(data, climatology=clim).annual.isel(lat=0, lon=0)
    assert annual["count"].values.tolist() == [0, 0, 1, 0, 0, 0]
    assert annual.days.values.tolist() == [0, 0, 4, 6, 0, 0]
    assert annual.total_intensity_cumulative.values[2:4] == pytest.approx([300, 0])
    assert annual.duration.values[2] == 10 and np.isnan(annual.duration.values[3])


def test_events_at_the_ends_of_the_record_have_rates():
    cube = weather((1, 1)).astype("float64")
    clim = cc.heatwaves(cube).climatology
    data = cube.copy()
    data[:6] = 60.0 + np.arange(6)[:, None, None]
    data[-6:] = 60.0 + np.arange(6)[:, None, None]
    events = cc.heatwaves(data, climatology=clim).events()
    first, last = events.iloc[0], events.iloc[-1]
    assert first.index_start == 0 and last.index_end == cube.sizes["time"] - 1
    assert last.index_peak == last.index_end and np.isfinite(last.rate_decline)
    assert first.rate_onset == pytest.approx((first.intensity_max - 35) / 5, abs=3)


def test_climatology_of_another_cube(cube, eager):
    warmer = cube + 1
    mhw = cc.heatwaves(warmer, climatology=eager.climatology)
    assert int(mhw.annual.days.sum()) > int(eager.annual.days.sum())
    chunked = cc.heatwaves(warmer.chunk(lat=1), climatology=eager.climatology.chunk(lat=2))
    xr.testing.assert_equal(chunked.annual.compute(), mhw.annual)
    assert_grid = eager.climatology.isel(lat=slice(0, 2))
    with pytest.raises(CubeError, match="different grids"):
        cc.heatwaves(cube, climatology=assert_grid)
    with pytest.raises(CubeError, match="different units"):
        cc.heatwaves(cube.assign_attrs(units="K"), climatology=eager.climatology)
    with pytest.raises(CubeError, match="different calendars"):
        cc.heatwaves(weather(calendar="noleap"), climatology=eager.climatology)
    with pytest.raises(ParameterError, match=r"lacks seas and thresh.*\.climatology"):
        cc.heatwaves(cube, climatology=cube)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_events_stream_to_a_file(cube, eager, tmp_path, suffix):
    target = tmp_path / f"events{suffix}"
    mhw = cc.heatwaves(cube.chunk(lat=1, lon=2))
    assert mhw.events(target) == target
    read = pd.read_parquet if suffix == ".parquet" else pd.read_csv
    table = read(target)
    table["date_start"] = pd.to_datetime(table.date_start)
    expected = eager.events()
    order = ["lat", "lon", "index_start"]
    table, expected = (t.sort_values(order, ignore_index=True) for t in (table, expected))
    assert (table.date_start == expected.date_start).all()
    np.testing.assert_array_equal(table.intensity_mean, expected.intensity_mean)
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        mhw.events(target)
    mhw.events(target, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    with pytest.raises(ParameterError, match="unknown table format"):
        mhw.events(tmp_path / "events.xlsx")


def test_trend_of_annual_days_is_one_line(eager):
    trend = cc.trend(eager.annual["days"])
    assert trend.slope.attrs["units"] == "day decade-1"
    assert trend.slope.dims == ("lat", "lon")


BAD = {
    "percentile": ({"percentile": 10}, ParameterError, "cold=True"),
    "window": ({"window": 10}, ParameterError, "window=11"),
    "smooth": ({"smooth": 30}, ParameterError, "smooth=31"),
    "min_duration": ({"min_duration": 0}, ParameterError, "at least 1"),
    "max_gap": ({"max_gap": -1}, ParameterError, "at least 0"),
    "base outside": ({"base_period": (1983, 2012)}, CalendarError, "2000..2005"),
    "base upside down": ({"base_period": (2004, 2001)}, ParameterError, "upside down"),
    "base too short": ({"base_period": (2001, 2002)}, ParameterError, "at least 3 years.*found 2"),
    "base unclear": ({"base_period": "all"}, ParameterError, "two years"),
    "compat": ({"compat": "xmhw"}, ParameterError, "reference"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options_are_one_line(cube, case):
    options, kind, text = BAD[case]
    with pytest.raises(kind, match=text) as caught:
        cc.heatwaves(cube, **options)
    assert "\n" not in str(caught.value)


def test_bad_cubes_are_one_line(cube):
    cases = [
        (cube.isel(time=0, drop=True), AxisError, "no time axis"),
        (cube.isel(time=[0, 2, 1]), AxisError, "not increasing.*sortby"),
        (cube.isel(time=[0, 1, 1]), AxisError, "duplicate times.*drop_duplicates"),
        (cube.isel(time=slice(0, 0)), AxisError, "empty"),
        (cube.chunk(time=100), ChunkError, r"cc\.rechunk"),
        (
            cube.assign_coords(time=pd.date_range("2000", periods=len(cube.time), freq="6h")),
            CalendarError,
            "sub-daily",
        ),
        (
            cube.assign_coords(time=pd.date_range("1900", periods=len(cube.time), freq="MS")),
            CalendarError,
            "daily",
        ),
        (cube.astype(str), CubeError, "needs numbers"),
        (cube.values, ParameterError, r"cc\.open"),
    ]
    for bad, kind, text in cases:
        with pytest.raises(kind, match=text) as caught:
            cc.heatwaves(bad)
        assert "\n" not in str(caught.value)
