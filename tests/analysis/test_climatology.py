"""Climatology: against plain NumPy, in every calendar, over any chunks, with units."""

from __future__ import annotations

import dask
import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.climatology import climatology
from climcube.errors import AxisError, CalendarError, ParameterError
from climcube.testing.laziness import no_compute
from tests.oracles.series import cube_of, month_day

CALENDARS = ["standard", "noleap", "360_day", "julian"]


def pooled(cube: xr.DataArray, key: int, half: int, first: int, last: int) -> np.ndarray:
    """Values pooled for one (month, day): its days in the period and their neighbours."""
    centres = np.flatnonzero(month_day(cube) == key)
    centres = centres[(centres >= first) & (centres <= last)]
    places = (centres[:, None] + np.arange(-half, half + 1)).ravel()
    places = places[(places >= 0) & (places < cube.sizes["time"])]
    return cube.values[places].astype("float64")


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("half", [0, 5])
@pytest.mark.parametrize(("statistic", "rule"), [("mean", np.nanmean), ("std", np.nanstd)])
def test_daily_by_definition(calendar: str, half: int, statistic: str, rule: object) -> None:
    cube = cube_of(calendar)
    result = climatology(
        cube, window=2 * half + 1, base_period=(2002, 2005), statistic=statistic, leap="pool"
    )
    year = cube.time.dt.year.values
    first, last = np.flatnonzero((year >= 2002) & (year <= 2005))[[0, -1]]
    keys = np.unique(month_day(cube))
    assert (
        result.sizes["dayofyear"] == len(keys) == {"noleap": 365, "360_day": 360}.get(calendar, 366)
    )
    options = {"ddof": 1} if statistic == "std" else {}
    for day in (0, 1, 58, 59, 60, 200, len(keys) - 1):
        pool = pooled(cube, keys[day], half, first, last)
        if (np.isfinite(pool).sum(axis=0) > options.get("ddof", 0)).all():
            expected = rule(pool, axis=0, **options)  # type: ignore[operator]
            np.testing.assert_allclose(result[day], expected, rtol=1e-12)
    assert result.dayofyear.values.tolist() == list(range(1, len(keys) + 1))


@pytest.mark.parametrize("window", [1, 11])
def test_leap_rules(window: int) -> None:
    cube = cube_of(years=9)
    by_rule = {r: climatology(cube, window=window, leap=r) for r in ("interp", "pool", "drop")}
    around = 0.5 * (by_rule["interp"][58] + by_rule["interp"][60])
    np.testing.assert_array_equal(by_rule["interp"][59], around)
    np.testing.assert_allclose(
        by_rule["pool"][59],
        np.nanmean(pooled(cube, 229, window // 2, 0, 10**6), axis=0),
        rtol=1e-12,
    )
    others = np.r_[0:59, 60:366]
    np.testing.assert_array_equal(by_rule["interp"][others], by_rule["pool"][others])
    without = cube.convert_calendar("noleap")
    np.testing.assert_array_equal(by_rule["drop"], climatology(without, window=window))
    assert by_rule["drop"].dayofyear.values.tolist() == [*range(1, 60), *range(61, 367)]


@pytest.mark.parametrize("calendar", CALENDARS)
def test_months_and_seasons_of_daily_data(calendar: str) -> None:
    cube = cube_of(calendar).astype("float64")
    month = climatology(cube, "month")
    np.testing.assert_allclose(month, cube.groupby("time.month").mean(), rtol=1e-12)
    std = climatology(cube, "season", statistic="std")
    expected = cube.groupby("time.season").std(ddof=1).sel(season=std.season)
    np.testing.assert_allclose(std, expected, rtol=1e-11)
    assert std.season.values.tolist() == ["DJF", "MAM", "JJA", "SON"]


def test_seasons_of_monthly_data_weigh_by_days() -> None:
    cube = cube_of(freq="MS", dtype="float64").fillna(3.0)
    result = climatology(cube, "season")
    days = cube.time.dt.days_in_month
    for season in ("DJF", "MAM", "JJA", "SON"):
        mine = cube.time.dt.season == season
        expected = (cube * days)[mine].sum("time") / days[mine].sum()
        np.testing.assert_allclose(result.sel(season=season), expected, rtol=1e-13)
    plain = climatology(cube, "month")
    np.testing.assert_allclose(plain, cube.groupby("time.month").mean(), rtol=1e-13)


def test_smoothing_and_harmonics() -> None:
    cube = cube_of("noleap").fillna(0.0)
    raw = climatology(cube).values
    around = np.concatenate([raw[-15:], raw, raw[:15]])
    expected = np.stack([around[d : d + 31].mean(axis=0) for d in range(365)])
    np.testing.assert_allclose(climatology(cube, smooth=31), expected, rtol=1e-12)
    spectrum = np.fft.rfft(raw, axis=0)
    spectrum[4:] = 0
    fitted = climatology(cube, harmonics=3)
    np.testing.assert_allclose(fitted, np.fft.irfft(spectrum, 365, axis=0), rtol=1e-11)


def test_days_without_data_do_not_spread() -> None:
    cube = cube_of("noleap").fillna(1.0)
    empty = cube.where(~cube.time.dt.dayofyear.isin([100, 101]))
    result = climatology(empty, smooth=31)
    assert np.isnan(result[99:101]).all()
    assert not np.isnan(np.delete(result.values, [99, 100], axis=0)).any()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 2190), max_size=6),
    st.sampled_from(["day", "month", "season"]),
    st.sampled_from(["interp", "pool", "drop"]),
    st.permutations(["time", "x", "z"]),
)
def test_chunks_and_order_never_matter(
    cuts: list[int], frequency: str, leap: str, order: list[str]
) -> None:
    cube = cube_of().expand_dims(z=2)
    window = 11 if frequency == "day" else 1
    expected = climatology(cube, frequency, window=window, leap=leap).transpose("z", ..., "x")
    edges = np.unique([0, *cuts, cube.sizes["time"]])
    lazy = cube.transpose(*order).chunk(time=tuple(np.diff(edges).tolist()), x=2, z=1)
    with no_compute():
        result = climatology(lazy, frequency, window=window, leap=leap)
    assert [d for d in result.dims if d in ("x", "z")] == [d for d in order if d != "time"]
    assert result.transpose("z", ..., "x").values.tobytes() == expected.values.tobytes()


def test_labels_units_and_provenance() -> None:
    cube = cube_of().assign_coords(depth=5.0)
    mean = climatology(cube, base_period=("2001", "2003"))
    assert mean.name == "sst"
    assert mean.dtype == "float64"
    assert float(mean.depth) == 5.0
    assert mean.attrs["units"] == "degC"
    assert "units_metadata" not in mean.attrs
    assert "mean over years" in mean.attrs["cell_methods"]
    assert "climatology(frequency='day'" in mean.attrs["history"]
    assert '"base_period": ["2001", "2003"]' in mean.attrs["climcube_provenance"]
    std = climatology(cube, statistic="std")
    assert std.attrs["units_metadata"] == "temperature: difference"
    anonymous = climatology(cube.rename(None).drop_attrs())
    assert "units" not in anonymous.attrs


def test_pint_in_pint_out() -> None:
    cube = cube_of()
    quantified = cube.pint.quantify()
    mean = climatology(quantified)
    assert str(mean.pint.units) == "degree_Celsius"
    np.testing.assert_array_equal(mean.pint.dequantify(), climatology(cube))
    assert str(climatology(quantified, statistic="std").pint.units) == "delta_degree_Celsius"


def test_a_cell_without_values() -> None:
    cube = cube_of()
    cube[:, 1] = np.nan
    result = climatology(cube, window=11, smooth=31)
    assert np.isnan(result[:, 1]).all()
    assert not np.isnan(result[:, 0]).any()


def test_the_same_seas_as_heatwaves() -> None:
    from climcube.analysis.events.heatwaves import heatwaves

    cube = cube_of(years=9, dtype="float64")
    packed = (cube * 100).round().astype("float32") * np.float32(0.01)
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    for each in (cube, packed):
        options = {"window": 11, "smooth": 31, "base_period": (2002, 2007)}
        seas = heatwaves(each, **options).climatology.seas
        np.testing.assert_allclose(climatology(each, **options), seas, rtol=1e-12, atol=1e-12)


def test_a_dataset_and_few_tasks() -> None:
    cube = cube_of(cells=8)
    xr.testing.assert_equal(climatology(cube.to_dataset()), climatology(cube))
    lazy = cube.chunk(time=30, x=2)
    graph = dask.optimize(climatology(lazy))[0].__dask_graph__()
    assert len(graph) <= 2.5 * lazy.data.npartitions


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"frequency": "dayofyear"}, ParameterError, "unknown frequency"),
        ({"leap": "skip"}, ParameterError, "unknown leap"),
        ({"statistic": "median"}, ParameterError, "unknown statistic"),
        ({"window": 10}, ParameterError, "window must be centred"),
        ({"smooth": 2}, ParameterError, "smooth must be centred"),
        ({"harmonics": 0}, ParameterError, "harmonics out of range"),
        ({"harmonics": 2, "smooth": 31}, ParameterError, "exclude each other"),
        ({"frequency": "month", "window": 11}, ParameterError, "window counts days of year"),
        ({"frequency": "season", "smooth": 31}, ParameterError, "smooth counts days of year"),
        ({"base_period": (1991, 2020)}, CalendarError, r"base_period=\(1991, 2020\).*2001..2006"),
        ({"base_period": (2003, 2003), "statistic": "std"}, ParameterError, "at least two years"),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        climatology(cube_of(), **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_steps_that_do_not_fit() -> None:
    hourly = cube_of(years=1, freq="6h")
    with pytest.raises(CalendarError, match="sub-daily"):
        climatology(hourly)
    assert climatology(hourly, "month").sizes["month"] == 12
    with pytest.raises(CalendarError, match="needs daily values"):
        climatology(cube_of(freq="MS"))
    with pytest.raises(CalendarError, match="time step is too long"):
        climatology(cube_of(freq="YS"), "month")
    with pytest.raises(AxisError, match="no time axis"):
        climatology(cube_of().isel(time=0))


@pytest.mark.parametrize("calendar", CALENDARS)
def test_a_base_period_of_one_year(calendar: str) -> None:
    """A mean is that year's own day; a spread from year to year and a percentile there are none."""
    cube = cube_of(calendar, dtype="float64")
    mean = climatology(cube, base_period=(2003, 2003), leap="pool")
    keys = np.unique(month_day(cube))
    own = cube[(cube.time.dt.year == 2003).values]
    rows = np.searchsorted(keys, month_day(own))
    np.testing.assert_array_equal(mean.values[rows], own.values)
    assert np.isnan(np.delete(mean.values, rows, axis=0)).all()  # 29 February
    for frequency in ("month", "season"):
        spread = climatology(cube, frequency, base_period=(2003, 2003), statistic="std")
        grouped = own.groupby(f"time.{frequency}").std(ddof=1)
        np.testing.assert_allclose(spread, grouped.sel({frequency: spread[frequency]}), rtol=1e-11)
    assert np.isnan(climatology(cube, base_period=(2003, 2003), statistic="percentile")).all()
    with pytest.raises(ParameterError, match="at least two years"):
        climatology(cube, base_period=(2003, 2003), statistic="std")


def test_latitudes_matter_to_no_climatology() -> None:
    """North to south, south to north, without a number: time statistics are the cell's own."""
    cube = cube_of(cells=4).rename(x="lat").assign_coords(lat=[-30.0, -10.0, 10.0, 30.0])
    expected = climatology(cube, "month")
    np.testing.assert_array_equal(climatology(cube[:, ::-1], "month")[:, ::-1], expected)
    unknown = cube.assign_coords(lat=np.full(4, np.nan))
    np.testing.assert_array_equal(climatology(unknown, "month"), expected)


def test_a_month_that_never_occurs() -> None:
    cube = cube_of(freq="MS", dtype="float64").fillna(1.0)
    without = cube[(cube.time.dt.month != 2).values]
    found = climatology(without, "month")
    assert np.isnan(found).any("x").values.nonzero()[0].tolist() == [1]
    assert climatology(without, "month", statistic="count").values[:, 0].tolist() == [
        6, 0, *[6] * 10,
    ]  # fmt: skip
    winter = climatology(without, "season").sel(season="DJF")
    mine = without[without.time.dt.month.isin([1, 12]).values]
    np.testing.assert_allclose(winter, mine.mean("time"), rtol=1e-13)
