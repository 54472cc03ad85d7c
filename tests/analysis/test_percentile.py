"""Percentiles over time: NumPy's, exactly, on every path; too few samples are NaN, counted."""

from __future__ import annotations

import warnings

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from climcube.analysis.climatology import climatology
from climcube.analysis.events.heatwaves import heatwaves
from climcube.analysis.percentile import percentile
from climcube.errors import CalendarError, ChunkError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.oracles.series import cube_of, month_day

CALENDARS = ["standard", "noleap", "360_day", "julian"]
Q = [0, 2.5, 50, 90, 100]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_of_the_record(dtype: str) -> None:
    cube = cube_of(dtype="float64")
    cube = (cube.fillna(3) * 10).astype("int16") if dtype == "int16" else cube.astype(dtype)
    found = percentile(cube, Q)
    assert found.percentile.dims == ("quantile", "x")
    assert found["quantile"].values.tolist() == [0.0, 0.025, 0.5, 0.9, 1.0]
    expected = np.nanpercentile(cube.values.astype("float64"), Q, axis=0)
    np.testing.assert_allclose(found.percentile, expected, rtol=1e-14)
    np.testing.assert_array_equal(found["count"], cube.notnull().sum("time"))
    single = percentile(cube, 90)
    assert single.percentile.dims == ("x",)
    np.testing.assert_array_equal(single.percentile, found.percentile[3])


def test_packed_values_are_exact() -> None:
    integers = np.random.default_rng(3).integers(-300, 3200, (4000, 3))
    time = xr.date_range("2001-01-01", periods=4000)
    for decoded in ("float32", "float64"):
        values = (integers * np.float64(0.01) + 2.0).astype(decoded)
        cube = xr.DataArray(values, {"time": time}, ("time", "x"))
        cube.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 2.0}
        expected = np.percentile(integers * 0.01 + 2.0, 90, axis=0)
        np.testing.assert_allclose(percentile(cube, 90).percentile, expected, rtol=1e-15)


@settings(max_examples=60)
@given(
    arrays("float64", st.integers(1, 60), elements=st.floats(-1e9, 1e9) | st.just(np.nan)),
    st.floats(0, 100),
)
def test_numpy_is_right(values: np.ndarray, q: float) -> None:
    cube = xr.DataArray(values, {"time": xr.date_range("2001-01-01", periods=len(values))}, "time")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = percentile(cube, q, min_samples=1)
    known = values[np.isfinite(values)]
    assert int(found["count"]) == len(known)
    if len(known):
        expected = np.percentile(known, q)
        scale = np.abs(known).max()
        np.testing.assert_allclose(found.percentile, expected, rtol=1e-12, atol=1e-13 * scale)
    else:
        assert np.isnan(found.percentile)


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("half", [0, 5])
def test_days_by_definition(calendar: str, half: int) -> None:
    cube = cube_of(calendar, years=9)
    found = percentile(
        cube, [10, 90], "day", window=2 * half + 1, base_period=(2002, 2008), leap="pool",
        min_samples=4,
    )  # fmt: skip
    year, keys = cube.time.dt.year.values, np.unique(month_day(cube))
    period = (year >= 2002) & (year <= 2008)
    for row in (0, 58, 59, 60, 200, len(keys) - 1):
        centres = np.flatnonzero((month_day(cube) == keys[row]) & period)
        pool = cube.values[(centres[:, None] + np.arange(-half, half + 1)).ravel()]
        count = np.isfinite(pool).sum(axis=0)
        np.testing.assert_array_equal(found["count"][row], count)
        for i, q in enumerate((10, 90)):
            columns = pool.T.astype("float64")
            expected = [
                np.percentile(c[np.isfinite(c)], q) if n >= 4 else np.nan
                for c, n in zip(columns, count, strict=True)
            ]
            np.testing.assert_allclose(found.percentile[i, row], expected, rtol=1e-13)


@pytest.mark.parametrize("frequency", ["month", "season"])
def test_months_and_seasons(frequency: str) -> None:
    cube = cube_of(dtype="float64")
    found = percentile(cube, [10, 50], frequency).percentile
    expected = cube.groupby(f"time.{frequency}").quantile([0.1, 0.5])
    expected = expected.transpose("quantile", frequency, "x").sel({frequency: found[frequency]})
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_leap_rules() -> None:
    cube = cube_of(years=9)
    options = {"window": 11, "min_samples": 1}
    by_rule = {
        r: percentile(cube, 90, "day", leap=r, **options) for r in ("interp", "pool", "drop")
    }
    interp, pool = by_rule["interp"], by_rule["pool"]
    around = 0.5 * (interp.percentile[58] + interp.percentile[60])
    np.testing.assert_array_equal(interp.percentile[59], around)
    fewer = np.minimum(interp["count"][58], interp["count"][60])
    np.testing.assert_array_equal(interp["count"][59], fewer)
    assert (pool["count"][59] < fewer).all()
    without = cube.convert_calendar("noleap")
    for name in ("percentile", "count"):
        np.testing.assert_array_equal(
            by_rule["drop"][name], percentile(without, 90, "day", **options)[name]
        )


def test_too_few_samples_are_counted_and_missing() -> None:
    cube = cube_of(years=1, dtype="float64").fillna(1.0)
    cube[:-9, 0] = np.nan
    cube[:-10, 1] = np.nan
    found = percentile(cube, 50)
    assert found["count"].values.tolist() == [9, 10, 365]
    assert np.isnan(found.percentile).values.tolist() == [True, False, False]
    assert not np.isnan(percentile(cube, 50, min_samples=9).percentile).any()
    daily = percentile(cube, 90, "day")  # one value a day
    assert np.isnan(daily.percentile).all() and int(daily["count"][200, 2]) == 1
    infinite = cube.copy()
    infinite[-1, 0] = np.inf
    assert int(percentile(infinite, 50)["count"][0]) == 8


def test_a_climatology_of_percentiles_is_the_threshold_of_heatwaves() -> None:
    cube = cube_of(years=9, dtype="float64")
    packed = (cube * 100).round().astype("float32") * np.float32(0.01)
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    options = {"window": 11, "smooth": 31, "base_period": (2002, 2007)}
    for each in (cube, packed, packed.chunk(x=2)):
        with no_compute():
            found = climatology(each, statistic="percentile", percentile=95, **options)
            count = climatology(each, statistic="count", window=11, base_period=(2002, 2007))
        theirs = heatwaves(each, percentile=95, **options).climatology
        np.testing.assert_array_equal(found, theirs.thresh)
        rows = np.r_[0:59, 60:366]  # 29 February is no centre of its own
        np.testing.assert_array_equal(count[rows], theirs["count"][rows])
        own = percentile(each, 95, "day", window=11, base_period=(2002, 2007))
        np.testing.assert_array_equal(count, own["count"])
    assert found.attrs["units"] == "degC"
    assert found.attrs["long_name"] == "percentile 95 of sst"
    assert set(found.coords) == {"dayofyear", "x"}
    assert count.dtype == "int32"


@settings(max_examples=15)
@given(st.permutations(["time", "x", "z"]), st.integers(1, 3), st.sampled_from([None, "day"]))
def test_chunks_and_order_never_matter(order: list[str], width: int, frequency: str | None) -> None:
    cube = cube_of(years=3).expand_dims(z=2)
    window = 11 if frequency else 1
    expected = percentile(cube, [10, 90], frequency, window=window)
    lazy = cube.transpose(*order).chunk(time=-1, x=width, z=1)
    with no_compute():
        found = percentile(lazy, [10, 90], frequency, window=window)
    for name in ("count", "percentile"):
        own = found[name].transpose(*expected[name].dims)
        assert own.values.tobytes() == expected[name].values.tobytes()


def test_units_and_provenance() -> None:
    cube = cube_of()
    found = percentile(cube, [10, 90], "month")
    assert found.percentile.attrs["units"] == "degC"
    assert found["count"].attrs["units"] == "1"
    assert "percentile(q=[10, 90], frequency='month'" in found.attrs["history"]
    quantified = percentile(cube.pint.quantify(), 90)
    assert str(quantified.percentile.pint.units) == "degree_Celsius"
    xr.testing.assert_equal(percentile(cube.to_dataset(), [10, 90], "month"), found)


@pytest.mark.parametrize(
    ("q", "options", "error", "message"),
    [
        (101, {}, ParameterError, "percentile out of range"),
        (np.nan, {}, ParameterError, "percentile out of range"),
        ("high", {}, ParameterError, "percentile out of range"),
        (True, {}, ParameterError, "percentile out of range"),
        ([], {}, ParameterError, "percentile out of range"),
        ([50, 50], {}, ParameterError, "given twice"),
        (90, {"min_samples": 0}, ParameterError, "min_samples out of range"),
        (90, {"frequency": "week"}, ParameterError, "unknown frequency"),
        (90, {"window": 11}, ParameterError, "window counts days of year"),
        (90, {"base_period": (1991, 2020)}, CalendarError, "outside the record"),
    ],
)
def test_options_that_make_no_sense(
    q: object, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        percentile(cube_of(years=1), q, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_shares_for_percentiles_are_doubted() -> None:
    with pytest.warns(UserWarning, match="the median is 50"):
        percentile(cube_of(years=1), [0.1, 0.9])


@pytest.mark.parametrize("frequency", [None, "month"])
@pytest.mark.parametrize("name", ["quantile", "percentile", "count"])
def test_dimensions_with_a_name_of_the_result(frequency: str | None, name: str) -> None:
    cube = cube_of(years=1)
    with pytest.raises(CubeError, match=f"'{name}'") as caught:
        percentile(cube.rename({str(cube.dims[-1]): name}), [10, 90], frequency)
    assert "\n" not in str(caught.value)


def test_bounds_say_which_year_a_month_labelled_by_its_end_belongs_to() -> None:
    starts = xr.date_range("2000-01-01", periods=25, freq="MS").values
    bounds = ("time", "edge"), np.stack([starts[:-1], starts[1:]], axis=1)
    time = ("time", starts[1:], {"bounds": "time_bnds"})
    cube = xr.Dataset({"x": ("time", np.arange(24.0)), "time_bnds": bounds}, {"time": time})
    found = percentile(cube, [0, 100], base_period=(2000, 2000))
    np.testing.assert_array_equal(found.percentile, [0, 11])


def test_a_cube_cut_along_time() -> None:
    cube = cube_of(years=1).chunk(time=100)
    for call in (lambda: percentile(cube, 90), lambda: climatology(cube, statistic="percentile")):
        with pytest.raises(ChunkError, match="rechunk"):
            call()


@pytest.mark.parametrize(
    "options",
    [
        {"percentile": 90},
        {"min_samples": 3, "statistic": "std"},
        {"statistic": "percentile", "percentile": (10, 90)},
        {"statistic": "percentile", "percentile": 900},
        {"statistic": "percentile", "min_samples": 2.5},
    ],
)
def test_climatologies_that_make_no_sense(options: dict[str, object]) -> None:
    with pytest.raises(ParameterError) as caught:
        climatology(cube_of(years=2), **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
