"""Options of heatwaves beyond the plain definition: baselines, ice, second threshold, several."""

from __future__ import annotations

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CalendarError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.analysis.events.test_heatwaves import assert_same, weather


@pytest.fixture(scope="module")
def cube():
    return weather((2, 3), years=8)


# ---------------------------------------------------------------- several definitions


def test_several_definitions_are_those_of_each_alone(cube):
    several = cc.heatwaves(
        cube, percentile=[90, 95], base_period=[("2000", "2004"), ("2002", "2007")]
    )
    assert several.annual.sizes["definition"] == len(several) == 4
    for label, period, percentile in zip(
        several, [("2000", "2004")] * 2 + [("2002", "2007")] * 2, [90, 95] * 2, strict=True
    ):
        alone = cc.heatwaves(cube, percentile=percentile, base_period=period)
        for part in ("climatology", "annual", "daily"):
            stacked = getattr(several, part).sel(definition=label, drop=True)
            xr.testing.assert_equal(stacked, getattr(alone, part))
        rows = several.events().query("definition == @label").drop(columns="definition")
        pd.testing.assert_frame_equal(rows.reset_index(drop=True), alone.events())
        assert_same(several[label], alone)


def test_definitions_are_coordinates_that_can_be_asked_for(cube):
    several = cc.heatwaves(cube, percentile=[90, 95.5], smooth=[31, None])
    annual = several.annual
    assert annual.percentile.values.tolist() == [90, 90, 95.5, 95.5]
    assert annual.smooth.values.tolist() == ["31", "None", "31", "None"]
    assert list(several)[1] == "percentile=90, smooth=None"
    hotter = annual.days.where(annual.percentile > 95, drop=True).sum()
    assert hotter < annual.days.where(annual.percentile < 95, drop=True).sum()


def test_the_data_are_read_once_for_all_definitions(cube, tmp_path):
    reads = []

    def read(block):
        if block.size:
            reads.append(block.shape)
        return block

    lazy = cube.chunk(lat=1)
    counted = lazy.copy(data=lazy.data.map_blocks(read, dtype=cube.dtype, meta=np.empty((0, 0, 0))))
    several = cc.heatwaves(counted, percentile=[90, 95], max_gap=[0, 2])
    dask.compute(several.annual, several.climatology, scheduler="synchronous")
    assert len(reads) == 2  # tiles
    reads.clear()
    several.events(tmp_path / "events.parquet")
    assert len(reads) == 2
    back = pd.read_parquet(tmp_path / "events.parquet")
    assert set(back.definition) == set(several)


def test_definitions_are_lazy_and_saved(cube, tmp_path):
    with no_compute():
        several = cc.heatwaves(cube.chunk(lat=1), percentile=[90, 95])
        lazy = several.annual
    cc.save(several, tmp_path / "mhw.zarr")
    back = cc.open(tmp_path / "mhw.zarr", group="annual")
    np.testing.assert_array_equal(back.days, lazy.days.compute())


def test_definitions_of_a_quantified_cube(cube):
    pytest.importorskip("pint_xarray")
    several = cc.heatwaves(cube.pint.quantify(), percentile=[90, 95])
    assert str(several.annual.intensity_max.pint.units) == "delta_degree_Celsius"


def test_empty_repeated_and_unknown_definitions_are_one_line(cube):
    with pytest.raises(ParameterError, match="empty list"):
        cc.heatwaves(cube, percentile=[])
    with pytest.raises(ParameterError, match="the same"):
        cc.heatwaves(cube, percentile=[90, 90])
    with pytest.raises(ParameterError, match="percentile=95"):
        cc.heatwaves(cube, percentile=[90, 95])["percentile=59"]
    with pytest.raises(ParameterError, match="out of range"):
        cc.heatwaves(cube, percentile=[90, 100])


# ---------------------------------------------------------------- baselines


def test_a_shifting_baseline_is_each_year_against_the_years_before(cube):
    shifting = cc.heatwaves(cube, baseline="shifting", baseline_years=4)
    assert shifting.annual.time.dt.year.values.tolist() == [2004, 2005, 2006, 2007]
    assert shifting.climatology.sizes["year"] == 4
    for year in (2004, 2007):
        alone = cc.heatwaves(cube, base_period=(year - 4, year - 1))
        own = shifting.climatology.sel(year=year, drop=True)
        xr.testing.assert_equal(own, alone.climatology)
        day = shifting.daily.anomaly.sel(time=str(year))
        xr.testing.assert_equal(day, alone.daily.anomaly.sel(time=str(year)))


def test_a_shifting_baseline_is_lazy_and_chunks_do_not_matter(cube):
    eager = cc.heatwaves(cube, baseline="shifting", baseline_years=3)
    with no_compute():
        lazy = cc.heatwaves(cube.chunk(lat=1, lon=2), baseline="shifting", baseline_years=3)
        _ = lazy.annual, lazy.daily, lazy.climatology
    assert_same(lazy, eager)


def test_a_shifting_baseline_of_a_record_that_begins_in_march(cube):
    late = cc.heatwaves(
        cube.sel(time=slice("2000-03-01", None)), baseline="shifting", baseline_years=4
    )
    assert late.annual.time.dt.year.values.tolist() == [2005, 2006, 2007]


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_a_shifting_baseline_in_other_calendars(calendar):
    cube = weather((1, 2), years=5, calendar=calendar)
    shifting = cc.heatwaves(cube, baseline="shifting", baseline_years=3)
    alone = cc.heatwaves(cube, base_period=(2001, 2003))
    own = shifting.climatology.sel(year=2004, drop=True)
    xr.testing.assert_equal(own, alone.climatology)


def test_a_detrended_baseline_is_that_of_a_detrended_cube(cube):
    days = xr.DataArray(np.arange(cube.sizes["time"]), dims="time")
    warming = (cube + 3e-4 * days).astype("float64")
    found = cc.heatwaves(warming, baseline="detrended")
    line = np.polynomial.polynomial.polyfit(days, warming.values.reshape(len(days), -1), 1)[1]
    centred = (days - days.mean()).values[:, None, None]
    flat = warming - line.reshape(1, 2, 3) * centred
    expected = cc.heatwaves(flat.transpose(*cube.dims))
    np.testing.assert_allclose(found.climatology.seas, expected.climatology.seas, atol=1e-9)
    np.testing.assert_array_equal(found.annual.days, expected.annual.days)
    assert (found.annual.days.mean("lat") != cc.heatwaves(warming).annual.days.mean("lat")).any()


def test_baselines_that_cannot_be_are_one_line(cube):
    with pytest.raises(ParameterError, match="base period"):
        cc.heatwaves(cube, baseline="shifting", base_period=(2000, 2003))
    with pytest.raises(CalendarError, match="too short for a shifting baseline"):
        cc.heatwaves(cube, baseline="shifting", baseline_years=8)
    with pytest.raises(ParameterError, match="at least 3"):
        cc.heatwaves(cube, baseline="shifting", baseline_years=2)
    with pytest.raises(ParameterError, match="detrended"):
        cc.heatwaves(cube, baseline="moving")
    climatology = cc.heatwaves(cube).climatology
    with pytest.raises(ParameterError, match="its own climatology"):
        cc.heatwaves(cube, baseline="shifting", baseline_years=3, climatology=climatology)
    shifting = cc.heatwaves(cube, baseline="shifting", baseline_years=3).climatology
    with pytest.raises(CubeError, match=r"lacks.*year"):
        cc.heatwaves(cube, climatology=shifting)


# ---------------------------------------------------------------- ice


def test_samples_under_ice_are_missing(cube):
    rng = np.random.default_rng(1)
    ice = xr.zeros_like(cube).rename("ice") + (rng.random(cube.shape) < 0.1)
    ice[:, 0, 0] = np.nan  # land in the ice product
    found = cc.heatwaves(cube, ice=ice)
    assert_same(found, _like(cc.heatwaves(cube.where(~(ice >= 0.15))), found))
    assert found.annual.days_missing[:, 1, 1].sum() == (ice[:, 1, 1] > 0).sum()
    percent = (100 * ice).assign_attrs(units="%")
    for given in (percent, ice > 0, ice.chunk(time=50)):
        np.testing.assert_array_equal(cc.heatwaves(cube, ice=given).annual.days, found.annual.days)


def _like(other, found):
    """Return results with the provenance of others: it is not what is compared."""
    for part in ("climatology", "daily", "annual"):
        ours, theirs = getattr(other, part), getattr(found, part)
        ours.attrs = theirs.attrs
        for name in ours:
            ours[name].attrs = theirs[name].attrs
    return other


def test_samples_below_a_temperature_are_ice(cube):
    found = cc.heatwaves(cube, min_temperature=15.5)
    same = cc.heatwaves(cube.where(cube >= 15.5))
    np.testing.assert_array_equal(found.annual.days, same.annual.days)
    assert found.annual.days_missing.sum() == (cube < 15.5).sum()


def test_ice_keeps_packed_values_exact_and_is_lazy(cube):
    packed = cube.copy(data=np.round(cube.values, 2).astype("float32"))
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    with no_compute():
        lazy = cc.heatwaves(packed.chunk(lat=1), min_temperature=15.5, ice=cube.chunk() > 99)
    exact = cc.heatwaves(np.round(packed.astype("float64"), 2).where(packed >= 15.5))
    pd.testing.assert_frame_equal(
        lazy.events(), exact.events(), check_dtype=False, rtol=1e-9, atol=1e-9
    )


def test_ice_that_does_not_fit_is_one_line(cube):
    with pytest.raises(CubeError, match="different grids or times"):
        cc.heatwaves(cube, ice=cube.assign_coords(lat=cube.lat + 0.1))
    with pytest.raises(CubeError, match="different grids or times"):
        cc.heatwaves(cube, ice=cube.isel(time=slice(10, None)))
    with pytest.raises(ParameterError, match="share of the area"):
        cc.heatwaves(cube, ice=cube, max_ice=15)
    with pytest.raises(CubeError, match="dimension that the cube lacks"):
        cc.heatwaves(cube, ice=cube.expand_dims(member=2))
    with pytest.raises(ParameterError, match="min_temperature is no number"):
        cc.heatwaves(cube, min_temperature="cold")


# ---------------------------------------------------------------- second threshold


def test_a_second_threshold_forms_the_final_events(cube):
    plain = cc.heatwaves(cube)
    limit = 21.0
    found = cc.heatwaves(cube, second_threshold=limit, min_duration2=3, max_gap2=0)
    met = ((plain.daily.event > 0) & (cube > limit)).values
    for place in np.ndindex(cube.shape[1:]):
        runs = _runs(met[(slice(None), *place)])
        expected = [r for r in runs if r[1] - r[0] >= 2]
        events = found.events()
        own = events[
            (events.lat == cube.lat.values[place[0]]) & (events.lon == cube.lon.values[place[1]])
        ]
        assert list(zip(own.index_start, own.index_end, strict=True)) == expected
    assert found.annual["count"].sum() == len(found.events()) > 0


def _runs(mask):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))


def test_a_second_threshold_may_be_many_things(cube):
    limit = 21.0
    by_number = cc.heatwaves(cube, second_threshold=limit).annual.days
    days = xr.DataArray(np.full(366, limit), dims="dayofyear")
    cells = xr.full_like(cube.isel(time=0, drop=True), limit)
    for given in (cube > limit, days, cells, xr.full_like(cube, limit), (cube > limit).chunk()):
        with no_compute():
            lazy = cc.heatwaves(cube.chunk(lat=1), second_threshold=given).annual.days
        np.testing.assert_array_equal(lazy, by_number)
    cold = cc.heatwaves(-cube, second_threshold=-limit, cold=True).annual.days
    np.testing.assert_array_equal(cold, by_number)
    everywhere = cc.heatwaves(cube, second_threshold=-99)
    np.testing.assert_array_equal(everywhere.annual.days, cc.heatwaves(cube).annual.days)


def test_a_second_threshold_that_does_not_fit_is_one_line(cube):
    with pytest.raises(ParameterError, match="or a DataArray"):
        cc.heatwaves(cube, second_threshold="hot")
    with pytest.raises(CubeError, match="different calendars"):
        cc.heatwaves(cube, second_threshold=xr.DataArray(np.ones(365), dims="dayofyear"))
    kelvin = xr.full_like(cube, 290).assign_attrs(units="K")
    with pytest.raises(CubeError, match="different units"):
        cc.heatwaves(cube, second_threshold=kelvin)


# ---------------------------------------------------------------- trends of annual metrics


def test_trend_of_metrics_is_that_of_the_annual_values(cube):
    mhw = cc.heatwaves(cube)
    one = mhw.trend("days")
    # The last day of the record is 30 December: every year is seen well enough.
    expected = cc.trend(mhw.annual.days.astype("float64"))
    xr.testing.assert_equal(one, expected)
    tree = mhw.trend(per="year")
    assert "days_missing" not in tree and {"count", "days", "intensity_max"} <= set(tree)
    np.testing.assert_allclose(tree["days"]["slope"] * 10, one.slope)
    assert tree["count"]["slope"].attrs["units"] == "year-1"
    assert tree["days"]["slope"].attrs["units"] == "day year-1"


def test_trends_are_lazy_and_saved(cube, tmp_path):
    with no_compute():
        tree = cc.heatwaves(cube.chunk(lat=1)).trend(["days", "count"])
    assert dask.is_dask_collection(tree["days"]["slope"].data)
    cc.save(tree, tmp_path / "trends.zarr")
    back = cc.open(tmp_path / "trends.zarr", group="count")
    np.testing.assert_allclose(back.slope, tree["count"]["slope"])


def test_years_seen_too_little_are_left_out(cube):
    gappy = cube.copy()
    gappy[400:600] = np.nan  # most of 2001
    mhw = cc.heatwaves(gappy.sel(time=slice("2000-06-01", None)))
    assert set(np.unique(mhw.trend("days").n)) == {6}
    assert set(np.unique(mhw.trend("days", min_coverage=0).n)) == {8}
    land = cc.heatwaves(cube.where(cube.lat > 0))
    assert land.trend("days").slope.isnull().any()


def test_trend_of_what_is_not_there_is_one_line(cube):
    mhw = cc.heatwaves(cube)
    with pytest.raises(ParameterError, match="intensity_max"):
        mhw.trend("intensity_mx")
    with pytest.raises(ParameterError, match="min_coverage"):
        mhw.trend("days", min_coverage=90)
