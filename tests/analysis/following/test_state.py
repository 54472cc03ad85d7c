"""A state that follows the record gives the bytes of the whole record, however it got there."""

from __future__ import annotations

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
    ClimcubeError,
    CubeError,
    ParameterError,
    StoreExistsError,
    UnitsError,
    VariableError,
)
from climcube.kernels.checkpoint import SLOTS
from climcube.testing.laziness import no_compute
from tests.analysis.following.comparing import assert_equals_whole, in_pieces, record

SIZE = record().sizes["time"]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    calendar=st.sampled_from(["standard", "noleap", "360_day"]),
    hole=st.sampled_from([0.0, 0.05, 0.3]),
    absent=st.sampled_from([0.0, 0.1]),
    packed=st.booleans(),
    warming=st.sampled_from([0.0, 1.5]),
    options=st.fixed_dictionaries(
        {
            "min_duration": st.integers(1, 6),
            "max_gap": st.integers(0, 4),
            "max_pad": st.integers(0, 5),
            "cold": st.booleans(),
            "compat": st.sampled_from([None, "reference"]),
        }
    ),
    revisable=st.sampled_from([0, 1, 10, 30]),
    splits=st.lists(st.integers(20, 1000), min_size=1, max_size=6),
)
def test_any_split_gives_the_bytes_of_the_whole_record(
    seed, calendar, hole, absent, packed, warming, options, revisable, splits
):
    cube = record(
        seed=seed, calendar=calendar, hole=hole, absent=absent, packed=packed, warming=warming
    )
    size = cube.sizes["time"]
    edges = sorted({min(s, size - 1) for s in splits})
    climatology = cc.heatwaves(cube, **options).climatology
    state = cc.heatwave_state(
        cube.isel(time=slice(0, edges[0])), climatology=climatology, revisable=revisable, **options
    )
    in_pieces(state, cube, [*edges, size])
    assert_equals_whole(state, cube, **options)


@pytest.mark.parametrize(
    "options", [{}, {"max_pad": 3, "cold": True, "min_duration": 3, "revisable": 2}]
)
def test_day_by_day_every_answer_on_the_way(options):
    cube = record(seed=4, packed=True, absent=0.05, years=3)
    size = cube.sizes["time"]
    climatology = cc.heatwaves(cube).climatology
    definition = {k: v for k, v in options.items() if k != "revisable"}
    start = int(np.argmax(cube.time.dt.year.values == 2002)) - 10  # on into the new year
    state = cc.heatwave_state(cube[:start], climatology=climatology, **options)
    for n in range(start, min(size, start + 25)):
        state.update(cube[n : n + 1])
        assert_equals_whole(state, cube[: n + 1], **definition)


def test_its_own_climatology_is_that_of_heatwaves_and_stays():
    cube = record(years=5)
    options = {"base_period": (2000, 2002), "percentile": 85, "window": 7, "smooth": 15}
    state = cc.heatwave_state(cube[:1500], **options)
    expected = cc.heatwaves(cube[:1500], **options).climatology
    state.update(cube[1500:])
    for name in ("seas", "thresh", "count"):
        np.testing.assert_array_equal(state.climatology[name], expected[name])
    assert_equals_whole(state, cube)


def test_preliminary_days_are_replaced_by_final_ones():
    cube = record(seed=7)
    rng = np.random.default_rng(0)
    preliminary = cube + rng.normal(0, 0.6, cube.shape).astype("float32")
    preliminary.attrs = cube.attrs
    climatology = cc.heatwaves(cube).climatology
    state = cc.heatwave_state(cube[:900], climatology=climatology, revisable=14)
    for n in range(900, SIZE):
        state.update(preliminary[n : n + 1])
        if n % 5 == 0:  # the last days but two become final
            changes = state.update(cube[n - 8 : n - 1])
            assert len(changes.replaced) == 7 and not changes.added
    state.update(cube[-14:])
    assert_equals_whole(state, cube)


def test_a_day_that_was_absent_is_put_in_its_place():
    cube = record(seed=2)
    climatology = cc.heatwaves(cube).climatology
    holed = cube.drop_isel(time=[SIZE - 20, SIZE - 6])
    state = cc.heatwave_state(holed, climatology=climatology)
    changes = state.update(cube.isel(time=[SIZE - 20, SIZE - 7, SIZE - 6]))
    assert len(changes.added) == 2 and len(changes.replaced) == 1
    assert_equals_whole(state, cube)


def test_the_same_days_twice_change_nothing():
    cube = record(seed=3)
    state = cc.heatwave_state(cube[:-5])
    state.update(cube[-5:])
    before = state.annual
    changes = state.update(cube[-5:])
    assert not changes.added and len(changes.replaced) == 5 and state.generation == 3
    xr.testing.assert_identical(state.annual, before)


def test_years_without_a_day():
    cube = record(years=7, seed=20)
    gone = cube.sel(time=(cube.time.dt.year != 2004) & (cube.time.dt.year != 2005))
    start = int((cube.time.dt.year < 2004).sum())
    state = cc.heatwave_state(gone[:start])
    in_pieces(state, gone, [start, start + 2, gone.sizes["time"]])
    assert_equals_whole(state, gone)
    assert state.annual.days_missing.sel(time="2004").min() == 366


def test_a_long_event_costs_nothing_more():
    """Years above the threshold, over several New Years: a checkpoint of the same size."""
    cube = record(years=6, hole=0.0)
    climatology = cc.heatwaves(cube).climatology
    hot = cube + xr.where(cube.time.dt.year >= 2002, np.float32(9), np.float32(0))
    hot.attrs = cube.attrs
    state = cc.heatwave_state(hot[:900], climatology=climatology)
    sizes = []
    for n in range(900, hot.sizes["time"], 100):
        state.update(hot[n : n + 100])
        snapshot = state._snapshot
        sizes.append((snapshot.window.size, snapshot.checkpoint.size))
    assert len(set(sizes[:-1])) == 1 and sizes[0][1] == 6 * len(SLOTS)
    assert state.events().duration.max() > 3 * 365
    assert_equals_whole(state, hot)


@pytest.mark.reference
def test_a_year_of_real_packed_data_month_by_month(reference_data):
    pattern = str(reference_data / "oisst_tasman" / "*.nc")
    cube = cc.open(pattern, variable="sst", layout="series").load()
    month = cube.time.dt.year * 12 + cube.time.dt.month
    edges = np.flatnonzero(np.diff(month, append=month[-1] + 1)) + 1
    start = len(edges) - 13
    state = cc.heatwave_state(cube[: edges[start]], base_period=(1983, 2012))
    assert state._snapshot.packing is not None
    for before, end in zip(edges[start:-1], edges[start + 1 :], strict=True):
        state.update(cube[before - 10 : end])  # the last ten days come twice
    assert_equals_whole(state, cube)


def test_dimension_order_series_and_extra_dimensions():
    cube = record(seed=5)
    for turned in (cube.transpose("lat", "time", "lon"), cube.transpose("lon", "lat", "time")):
        state = in_pieces(cc.heatwave_state(turned.isel(time=slice(800))), turned, [800, 801, SIZE])
        assert_equals_whole(state, turned)
    series = cube[:, 0, 1]
    assert_equals_whole(in_pieces(cc.heatwave_state(series[:800]), series, [800, SIZE]), series)
    members = cube.expand_dims(member=["a", "b"]) * xr.DataArray([1, 1.1], dims="member")
    members.attrs = cube.attrs
    state = cc.heatwave_state(members.isel(time=slice(800)))
    assert_equals_whole(in_pieces(state, members, [800, SIZE]), members)


def test_other_forms_of_the_same_days():
    cube = record(seed=6, hour=12)
    states = [cc.heatwave_state(cube[:-1]) for _ in range(4)]
    states[0].update(cube[-1:])
    states[1].update(cube[-1])  # a single day without its dimension
    states[2].update(cube[-1:].transpose("lon", "lat", "time").to_dataset(name="sst"))
    states[3].update(cube[-1:].chunk(lat=1))
    for state in states:
        assert_equals_whole(state, cube)


def test_quantified_cubes_come_back_quantified():
    pytest.importorskip("pint_xarray")
    cube = record(seed=8)
    state = cc.heatwave_state(cube[:800].pint.quantify())
    state.update(cube[800:].pint.quantify())
    assert str(state.annual["intensity_max"].pint.units).startswith("delta")
    plain = in_pieces(cc.heatwave_state(cube[:800]), cube, [800, SIZE])
    np.testing.assert_array_equal(
        state.annual["intensity_max"].pint.dequantify(), plain.annual["intensity_max"]
    )


def test_ice_and_lowest_temperature():
    cube = record(seed=9)
    rng = np.random.default_rng(1)
    ice = xr.DataArray(rng.uniform(0, 0.3, cube.shape).astype("float32"), cube.coords, cube.dims)
    options = {"max_ice": 0.27, "min_temperature": 15.0}
    state = cc.heatwave_state(cube[:800], ice=ice[:800], **options)
    state.update(cube[800:], ice=ice[800:])
    assert_equals_whole(state, cube, ice=ice, **options)
    with pytest.raises(ParameterError, match="ice"):
        state.update(cube[-1:])
    with pytest.raises(ParameterError, match="make the state with ice="):
        cc.heatwave_state(cube[:800]).update(cube[800:], ice=ice[800:])


@pytest.fixture(scope="module")
def lazy_cube():
    return record(seed=10, cells=(4, 5)).chunk(time=-1, lat=2, lon=3)


def test_dask_cubes_give_the_same_and_states_stay_in_memory(lazy_cube):
    state = cc.heatwave_state(lazy_cube[:800])
    assert state._snapshot.lazy is False
    state.update(lazy_cube[800:])
    assert_equals_whole(state, lazy_cube.compute())


def test_a_stored_state_reads_nothing_before_it_is_asked(lazy_cube, tmp_path):
    state = cc.heatwave_state(lazy_cube[:800], target=tmp_path / "state")
    state.update(lazy_cube[800:].compute())
    with no_compute():
        again = cc.open_heatwave_state(tmp_path / "state")
        annual, daily, category = again.annual, again.daily, again.category()
    assert annual["days"].chunks and daily["event"].chunks and category.chunks
    assert_equals_whole(again, lazy_cube.compute())


def test_a_dask_cube_cut_in_time_is_refused(lazy_cube):
    with pytest.raises(ChunkError, match="heatwave_state"):
        cc.heatwave_state(lazy_cube.chunk(time=100))


def test_category_on_a_date():
    cube = record(seed=11)
    state = cc.heatwave_state(cube, revisable=10)
    day = cube.time[-8]
    expected = cc.heatwaves(cube).daily.category.sel(time=day)
    for date in (day.dt.strftime("%F").item(), day.values, pd.Timestamp(day.values)):
        np.testing.assert_array_equal(state.category(date), expected)
    with pytest.raises(ParameterError, match="2002-12-20 to 2002-12-30"):
        state.category("2002-01-01")


def test_events_are_written_and_rows_stay_few(tmp_path, monkeypatch):
    cube = record(seed=12)
    state = cc.heatwave_state(cube[:400], climatology=cc.heatwaves(cube).climatology)
    for n in range(400, SIZE, 3):
        state.update(cube[n : n + 3])
    assert len(state._snapshot.events) < 8  # parts, merged as they grow
    monkeypatch.setattr("climcube.analysis.following.results._ROWS_AT_ONCE", 7)
    path = state.events(tmp_path / "events.csv")
    written = pd.read_csv(path)
    assert written.index_start.tolist() == state.events().index_start.tolist()
    with pytest.raises(StoreExistsError):
        state.events(tmp_path / "events.csv")


def other_days(cube, name):
    """The last days, not as they should be."""
    new = cube[-3:]
    sick = {
        "before": cube[:3].assign_coords(time=cube.time[:3] - pd.Timedelta(days=5000)),
        "old": cube[-70:],
        "all_old": cube[-70:-65],
        "unordered": new.isel(time=[1, 0, 2]),
        "twice": new.isel(time=[0, 0, 1]),
        "sub_daily": new.assign_coords(
            time=new.time.values[-1] + np.arange(3) * np.timedelta64(6, "h")
        ),
        "monthly": cube[-10:].assign_coords(
            time=pd.date_range(new.time.values[-1], periods=10, freq="31D")
        ),
        "no_time": new[0].drop_vars("time"),
        "grid": new.assign_coords(lat=new.lat + 0.1),
        "flipped": new.isel(lat=slice(None, None, -1)),
        "fewer": new.isel(lat=slice(1)),
        "dims": new.isel(lat=0, drop=True),
        "units": new.assign_attrs(units="kelvin"),
        "no_units": new.drop_attrs(),
        "calendar": new.convert_calendar("noleap"),
        "cftime": new.convert_calendar("standard", use_cftime=True),
        "variable": new.rename("ice"),
        "dtype": new.astype("float64"),
        "text": "sst.nc",
        "time_name": new.rename(time="t"),
    }
    return sick[name]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("before", AxisError, "before the record"),
        ("old", AxisError, "drop them: new_days.sel(time=slice('2002-11-28', None))"),
        ("all_old", AxisError, "last 30 days of the record"),
        ("unordered", AxisError, "not increasing"),
        ("twice", AxisError, "duplicate"),
        ("sub_daily", CalendarError, "sub-daily"),
        ("monthly", CalendarError, "daily values"),
        ("no_time", AxisError, "no time axis"),
        ("grid", CubeError, "another grid"),
        ("flipped", CubeError, "another grid"),
        ("fewer", CubeError, "2 cells, found 1"),
        ("dims", CubeError, "other dimensions"),
        ("units", UnitsError, "expected degC, found kelvin"),
        ("no_units", UnitsError, "found none"),
        ("calendar", CalendarError, "noleap"),
        ("cftime", CalendarError, "cftime"),
        ("variable", VariableError, "expected 'sst', found 'ice'"),
        ("dtype", CubeError, "astype('float32')"),
        ("text", ParameterError, "needs a cube"),
        ("time_name", AxisError, "expected 'time', found 't'"),
    ],
)
def test_wrong_days_are_one_line_and_change_nothing(name, error, says):
    cube = record(seed=13)
    state = cc.heatwave_state(cube[:-3])
    snapshot, generation = state._snapshot, state.generation
    with pytest.raises(error) as caught:
        state.update(other_days(cube, name))
    message = str(caught.value)
    assert says in message and "\n" not in message
    assert state._snapshot is snapshot and state.generation == generation
    state.update(cube[-3:])
    assert_equals_whole(state, cube)


def test_values_off_the_packed_grid_are_refused():
    cube = record(seed=14, packed=True)
    state = cc.heatwave_state(cube[:-3])
    off = cube[-3:].copy()
    off[1, 0, 1] += np.float32(0.03)
    with pytest.raises(CubeError, match=r"not packed as the record is.*others in 1 cell;"):
        state.update(off)
    plain = cc.heatwave_state(cube[:-3].drop_encoding(), climatology=state.climatology)
    plain.update(off)
    whole = xr.concat([cube[:-3], off], "time")
    assert_equals_whole(plain, whole.drop_encoding())


def test_a_cell_that_never_was_on_the_grid_goes_on_as_it_was():
    cube = record(seed=15, packed=True)
    cube[5, 0, 1] += np.float32(0.03)
    state = in_pieces(cc.heatwave_state(cube[:-30]), cube, [SIZE - 30, SIZE - 10, SIZE])
    assert_equals_whole(state, cube)


def test_of_a_longer_record_what_is_new_or_differs():
    cube = record(seed=19, hole=0.05)
    state = cc.heatwave_state(cube[:-10], revisable=20, min_temperature=14.0)
    assert state.recent(cube).equals(cube[-10:])
    revised = cube.copy()
    revised[-15, 0, 1], revised[-25, 1, 1] = 30, np.nan
    taken = state.recent(revised.chunk(time=100))
    assert (taken.time.values == revised.time.values[[-25, -15, *range(-10, 0)]]).all()
    state.update(taken)
    assert state.recent(revised).sizes["time"] == 0
    revised[-31] += 1  # too old to be taken
    assert state.recent(revised).sizes["time"] == 0
    before = state.annual.compute(), state.generation
    changes = state.update(state.recent(revised))  # an everyday job on a day without news
    assert changes.added == changes.replaced == [] and "nothing new" in repr(changes)
    assert len(changes.table) == len(changes.counts) == 0
    assert list(changes.counts) == ["entered", "rose", "fell", "left", "missing"]
    assert state.annual.identical(before[0]) and state.generation == before[1]
    with pytest.raises(CubeError, match="another grid"):
        state.recent(revised.assign_coords(lat=revised.lat + 1))


@pytest.mark.parametrize("revisable", [-1, 2.5, True, "30"])
def test_revisable_is_a_number_of_days(revisable):
    with pytest.raises(ParameterError, match="revisable"):
        cc.heatwave_state(record(), revisable=revisable)


def test_nothing_can_be_replaced_where_nothing_is_revisable():
    cube = record(seed=16)
    state = cc.heatwave_state(cube[:-2], revisable=0)
    with pytest.raises(AxisError, match="days after 2002-12-28, found 2002-12-28; drop them"):
        state.update(cube[-3:])
    state.update(cube[-2:])
    assert_equals_whole(state, cube)


def test_records_of_a_day_and_options_out_of_range():
    cube = record(seed=17)
    climatology = cc.heatwaves(cube).climatology
    state = in_pieces(cc.heatwave_state(cube[:1], climatology=climatology), cube, range(1, 40))
    assert_equals_whole(state, cube[:39])
    for options in ({"percentile": [90, 95]}, {"window": 10}, {"min_duration": 0}):
        with pytest.raises(ParameterError):
            cc.heatwave_state(cube, **options)
    with pytest.raises(ClimcubeError, match="lacks"):
        cc.heatwave_state(cube, climatology=xr.Dataset())


def test_what_it_says_of_itself():
    cube = record(seed=18)
    state = cc.heatwave_state(cube[:-1], percentile=95, cold=True)
    state.update(cube[-1:])
    text = repr(state)
    assert "cold spells of 'sst'" in text and "2000-01-01 to 2002-12-30, generation 2" in text
    assert (state.first_day, state.last_day) == ("2000-01-01", "2002-12-30")
    assert state.generations == [2] and state.revisable == 30
    assert "last_day='2002-12-30'" in state.annual.attrs["history"]
    assert "percentile=95" in state.climatology.attrs["history"]
