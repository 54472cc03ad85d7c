"""Means over periods: month lengths, the December before, completeness, any chunks."""

from __future__ import annotations

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.means import annual_mean, daily_mean, monthly_mean, seasonal_mean
from climcube.errors import CalendarError, ParameterError
from climcube.testing.laziness import no_compute
from tests.oracles.series import cube_of

CALENDARS = ["standard", "noleap", "360_day", "julian"]


def whole(calendar: str = "standard", **options: object) -> xr.DataArray:
    return cube_of(calendar, dtype="float64", **options).fillna(7.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("calendar", CALENDARS)
def test_months_of_days_and_years_of_months_agree(calendar: str) -> None:
    daily = whole(calendar)
    monthly = monthly_mean(daily)
    np.testing.assert_allclose(monthly, daily.resample(time="MS").mean(), rtol=1e-13)
    annual = annual_mean(daily)
    np.testing.assert_allclose(annual, daily.groupby("time.year").mean(), rtol=1e-13)
    # A mean of means is the mean, if months weigh by their days.
    np.testing.assert_allclose(annual_mean(monthly), annual, rtol=1e-13)
    plain = monthly.groupby("time.year").mean()
    assert (abs(annual.values - plain.values) > 1e-6).any() == (calendar != "360_day")
    assert annual.time.dt.calendar == daily.time.dt.calendar
    assert annual.time.dt.year.values.tolist() == list(range(2001, 2007))
    assert (annual.time.dt.dayofyear == 1).all()
    np.testing.assert_allclose(
        seasonal_mean(monthly, "NDJFM"), seasonal_mean(daily, "NDJFM"), rtol=1e-13
    )


@pytest.mark.parametrize("calendar", CALENDARS)
def test_december_comes_from_the_year_before(calendar: str) -> None:
    daily = whole(calendar)
    winter = seasonal_mean(daily)
    assert winter.time.dt.year.values.tolist() == list(range(2001, 2008))
    assert np.isnan(winter[[0, -1]]).all()  # two months without December, and December alone
    inside = (daily.time >= daily.time[0]) & (
        daily.time.dt.year * 12 + daily.time.dt.month >= 2001 * 12 + 12
    )
    inside &= daily.time.dt.year * 12 + daily.time.dt.month <= 2002 * 12 + 2
    np.testing.assert_allclose(
        winter.sel(time="2002").squeeze(), daily[inside.values].mean("time"), rtol=1e-13
    )
    assert winter.season == "DJF"
    partial = seasonal_mean(daily, min_coverage=0.0)
    assert not np.isnan(partial).any()


def test_coverage_counts_days_of_the_calendar() -> None:
    daily = whole(years=2)
    for missing, expected in ((36, False), (37, True)):  # 36.5 days are a tenth of 365
        holes = daily.copy()
        holes[10 : 10 + missing, 0] = np.nan
        result = annual_mean(holes)
        assert bool(np.isnan(result[0, 0])) is expected
        assert not np.isnan(result[:, 1:]).any()
        absent = annual_mean(daily.isel(time=np.r_[0:10, 10 + missing : 730]))
        assert bool(np.isnan(absent[0, 0])) is expected
    half_december = daily.sel(time=slice("2001-12-16", "2002-12-31"))
    assert np.isnan(seasonal_mean(half_december)[0]).all()
    assert not np.isnan(seasonal_mean(half_december, min_coverage=0.8)[0]).any()
    assert np.isnan(annual_mean(half_december)[0]).all()
    assert np.isnan(annual_mean(daily.where(False))).all()
    strict = annual_mean(daily, min_coverage=1.0)
    np.testing.assert_array_equal(strict, annual_mean(daily))


def test_missing_values_have_no_weight() -> None:
    cube = whole(years=1, freq="MS")
    cube[1, 0] = np.nan
    days = cube.time.dt.days_in_month.values[:, None]
    keep = np.isfinite(cube.values)
    expected = np.nansum(cube.values * days, axis=0) / (days * keep).sum(axis=0)
    np.testing.assert_allclose(annual_mean(cube)[0], expected, rtol=1e-13)
    assert np.isnan(annual_mean(cube, min_coverage=0.95)[0, 0])


def test_a_missing_year_stays_in_its_place() -> None:
    daily = whole(years=4)
    result = annual_mean(daily[(daily.time.dt.year != 2002).values])
    assert result.time.dt.year.values.tolist() == [2001, 2002, 2003, 2004]
    assert np.isnan(result).any("x").values.tolist() == [False, True, False, False]


def test_time_bounds_of_a_dataset_weigh() -> None:
    edges = np.array(["2001-01-01", "2001-01-11", "2002-01-01"], "datetime64[ns]")
    bounds = np.stack([edges[:-1], edges[1:]], axis=1)
    dataset = xr.Dataset(
        {"x": ("time", [1.0, 2.0]), "time_bnds": (("time", "bnds"), bounds)},
        coords={"time": ("time", edges[:-1], {"bounds": "time_bnds"})},
    )
    np.testing.assert_allclose(annual_mean(dataset), [(10 * 1 + 355 * 2) / 365])
    ends = dataset.assign_coords(time=("time", edges[1:], {"bounds": "time_bnds"}))
    result = annual_mean(ends)
    assert result.time.dt.year.values.tolist() == [2001]
    np.testing.assert_allclose(result, annual_mean(dataset))


def test_six_hourly_data() -> None:
    cube = whole(years=1, freq="6h").sel(time="2001")
    full = cube.isel(time=slice(0, 1456))
    np.testing.assert_allclose(
        annual_mean(full, min_coverage=0.99)[0], full.mean("time"), rtol=1e-13
    )
    assert np.isnan(annual_mean(full.isel(time=slice(0, 1300)))).all()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 2190), max_size=6),
    st.sampled_from([annual_mean, monthly_mean, lambda c: seasonal_mean(c, "NDJFM")]),
    st.permutations(["time", "x", "z"]),
)
def test_chunks_and_order_never_matter(cuts: list[int], mean: object, order: list[str]) -> None:
    cube = cube_of().expand_dims(z=2)
    expected = mean(cube)  # type: ignore[operator]
    edges = np.unique([0, *cuts, cube.sizes["time"]])
    lazy = cube.transpose(*order).chunk(time=tuple(np.diff(edges).tolist()), x=2, z=1)
    with no_compute():
        result = mean(lazy)  # type: ignore[operator]
    assert list(result.dims) == order
    assert result.transpose(*expected.dims).values.tobytes() == expected.values.tobytes()


def test_labels_units_and_provenance() -> None:
    cube = cube_of().rename(time="day").assign_attrs(long_name="SST", cell_methods="area: mean")
    result = annual_mean(cube)
    assert result.name == "sst"
    assert result.dims == ("day", "x")
    assert result.attrs["units"] == "degC"
    assert result.attrs["standard_name"] == "sea_surface_temperature"
    assert result.attrs["cell_methods"] == "area: mean day: mean"
    assert "annual_mean(min_coverage=0.9)" in result.attrs["history"]
    delta = annual_mean(cube.assign_attrs(units_metadata="temperature: difference"))
    assert delta.attrs["units_metadata"] == "temperature: difference"
    assert str(annual_mean(cube.pint.quantify()).pint.units) == "degree_Celsius"


@pytest.mark.parametrize("share", [-0.1, 1.1, "all", True, float("nan")])
def test_coverage_out_of_range(share: object) -> None:
    with pytest.raises(ParameterError, match="min_coverage out of range"):
        annual_mean(cube_of(), min_coverage=share)  # type: ignore[arg-type]


def test_steps_that_do_not_fit() -> None:
    yearly = cube_of(freq="YS")
    assert not np.isnan(annual_mean(yearly.fillna(1.0))).any()
    for mean in (monthly_mean, seasonal_mean):
        with pytest.raises(CalendarError, match="time step is too long"):
            mean(yearly)
    with pytest.raises(ParameterError, match="unknown season"):
        seasonal_mean(cube_of(), "winter")


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("chunks", [None, {"time": 7}, {"time": 24, "lat": 1}, {"time": -1}])
def test_days_of_hours(calendar: str, chunks: dict[str, int] | None) -> None:
    time = xr.date_range("2001-02-27 06:00", periods=20, freq="6h", calendar=calendar,
                         use_cftime=calendar != "standard")  # fmt: skip
    rng = np.random.default_rng(0)
    cube = xr.DataArray(
        rng.normal(size=(2, 20, 3)).astype("float32"), dims=("lat", "time", "lon"),
        coords={"time": time, "lat": [0.0, 1.0]}, attrs={"units": "K"}, name="tas",
    )  # fmt: skip
    cube[0, 5, 0] = np.nan
    cube = cube.drop_isel(time=range(7, 11))  # one whole day
    given = cube if chunks is None else cube.chunk(chunks)
    with no_compute():
        found = daily_mean(given)
    resampled = cube.astype("float64").resample(time="1D")
    expected = resampled.mean().where(resampled.count() == 4).transpose(*cube.dims)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert (found.time.dt.day.values == expected.time.dt.day.values).all()
    assert found.attrs["units"] == "K" and found.sizes["time"] == 6
    loose = daily_mean(given, min_coverage=0)
    np.testing.assert_allclose(loose, resampled.mean().transpose(*cube.dims), rtol=1e-13)


def test_daily_means_of_days_are_the_days_and_of_months_a_mistake() -> None:
    daily = whole()
    np.testing.assert_array_equal(daily_mean(daily), daily)
    with pytest.raises(CalendarError, match="too long for a value of each day"):
        daily_mean(monthly_mean(daily))


# ---------------------------------------------------------------- several seasons, and corners


@pytest.mark.parametrize("calendar", CALENDARS)
def test_several_seasons(calendar: str) -> None:
    daily = cube_of(calendar)
    names = ("DJF", "MAM", "ndjfm", "SON")
    for cube in (daily, daily.chunk(time=100, x=2)):
        with no_compute():
            found = seasonal_mean(cube, names)
        assert found.dims == ("season", "time", "x")
        assert found.season.values.tolist() == [n.upper() for n in names]
        assert found.time.dt.year.values.tolist() == list(range(2001, 2008))
        for name in names:
            single = seasonal_mean(cube, name)
            mine = found.sel(season=name.upper())
            np.testing.assert_array_equal(mine.sel(time=single.time), single)
            rest = mine.drop_sel(time=single.time.values)
            assert np.isnan(rest).all()
    assert found.attrs["units"] == "degC"
    assert "season=['DJF', 'MAM', 'ndjfm', 'SON']" in found.attrs["history"]
    assert found.attrs["history"].count("seasonal_mean") == 1
    quantified = seasonal_mean(daily.pint.quantify(), ["DJF", "JJA"])
    assert str(quantified.pint.units) == "degree_Celsius"


@pytest.mark.parametrize("seasons", [(), ("DJF", "djf"), ("DJF", 3), 7, ("DJF", "winter")])
def test_seasons_that_make_no_sense(seasons: object) -> None:
    with pytest.raises(ParameterError, match="season") as caught:
        seasonal_mean(cube_of(years=2), seasons)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_half_a_december(calendar: str) -> None:
    """A DJF of 15 + 31 + 28 days covers 0.82 of its 90; January and February alone 0.66."""
    daily = whole(calendar, years=3)
    late = daily[((daily.time.dt.year > 2001) | (daily.time.dt.month == 12)).values]
    late = late[~((late.time.dt.year == 2001) & (late.time.dt.day < 16)).values]
    assert np.isnan(seasonal_mean(late)[0]).all()
    kept = seasonal_mean(late, min_coverage=0.8)[0]
    first = (late.time.dt.year == 2001) | (late.time.dt.month <= 2)
    first &= late.time.dt.year <= 2002
    np.testing.assert_allclose(kept, late[first.values].mean("time"), rtol=1e-13)
    no_december = late[(late.time.dt.year > 2001).values]
    assert np.isnan(seasonal_mean(no_december, min_coverage=0.7)[0]).all()
    assert not np.isnan(seasonal_mean(no_december, min_coverage=0.6)[0]).any()


def test_a_missing_month() -> None:
    monthly = whole(freq="MS", years=3)
    without = monthly.drop_isel(time=[13])  # February 2002
    covered = (365 - 28) / 365
    found = annual_mean(without, min_coverage=covered)
    days = monthly.time.dt.days_in_month.values[12:24, None].astype("float64")
    keep = np.arange(12) != 1
    expected = (monthly.values[12:24] * days)[keep].sum(axis=0) / days[keep].sum()
    np.testing.assert_allclose(found[1], expected, rtol=1e-13)
    assert np.isnan(annual_mean(without, min_coverage=covered + 1e-6)[1]).all()
    assert np.isnan(annual_mean(without, min_coverage=1)).any("x").values.tolist() == [
        False, True, False,
    ]  # fmt: skip
    winter = seasonal_mean(without)  # December and January: 62 of 90 days
    assert np.isnan(winter.sel(time="2002")).all()
    gone = monthly_mean(whole(years=2).sel(time=without_may_2001()))
    assert np.isnan(gone.sel(time="2001-05")).all() and gone.sizes["time"] == 24


def without_may_2001() -> np.ndarray:
    days = xr.date_range("2001-01-01", "2002-12-31")
    return np.asarray(days[~((days.year == 2001) & (days.month == 5))])


@settings(max_examples=20)
@given(st.floats(-1e5, 1e5), st.sampled_from(CALENDARS))
def test_a_constant_stays_the_constant(value: float, calendar: str) -> None:
    cube = xr.full_like(cube_of(calendar, years=2, dtype="float64"), value)
    for mean in (annual_mean, monthly_mean, lambda c: seasonal_mean(c, "JJA")):
        found = mean(cube)
        np.testing.assert_allclose(found.values[np.isfinite(found)], value, rtol=1e-13)
