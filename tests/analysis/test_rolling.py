"""Running means: by definition, in real time, in every calendar, over any chunks."""

from __future__ import annotations

import dask
import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.means import annual_mean, monthly_mean
from climcube.analysis.rolling import rolling_mean
from climcube.errors import AxisError, ParameterError
from climcube.testing.laziness import no_compute
from tests.oracles.series import cube_of

CALENDARS = ["standard", "noleap", "360_day", "julian"]


def by_definition(
    cube: xr.DataArray, days: np.ndarray, places: np.ndarray, before: int, after: int, need: float
) -> np.ndarray:
    """Every window by itself; ``need`` is the weight that its valid values must have."""
    out = np.full(cube.shape, np.nan)
    values = cube.values.astype("float64")
    for i, place in enumerate(places):
        inside = (places >= place - before) & (places <= place + after)
        weight = np.where(np.isfinite(values[inside]), days[inside][:, None], 0.0)
        total, seen = (weight * np.nan_to_num(values[inside])).sum(axis=0), weight.sum(axis=0)
        out[i] = np.where((seen > 0) & (seen >= need), total / np.maximum(seen, 1e-300), np.nan)
    return out


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize(("window", "center"), [(1, True), (7, True), (31, True), (10, False)])
def test_days_by_definition(calendar: str, window: int, center: bool) -> None:
    cube = cube_of(calendar, years=1, dtype="float64")
    holes = cube.isel(time=np.r_[0:40, 47:90, 91:200, 260:300, 301:350])  # days that are not there
    places = holes.indexes["time"]
    ordinal = np.array([(d - places[0]).days for d in places])
    after = window // 2 if center else 0
    for share in (0.0, 0.9, 1.0):
        found = rolling_mean(holes, window, center=center, min_coverage=share)
        need = share * window * (1 - 1e-12)
        expected = by_definition(
            holes, np.ones(len(places)), ordinal, window - 1 - after, after, need
        )
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_months_weigh_by_their_days(calendar: str) -> None:
    daily = cube_of(calendar, dtype="float64").fillna(7.5)
    months = monthly_mean(daily)
    year = rolling_mean(months, 12, center=False)
    ends = year[11::12]  # each December looks back upon its year
    np.testing.assert_allclose(ends, annual_mean(daily), rtol=1e-13)
    assert np.isnan(year[:10]).all()  # eleven months are more than nine tenths of a year
    three = rolling_mean(months, 3)
    days = months.time.dt.days_in_month.astype("float64")
    total = (months * days).rolling(time=3, center=True).sum()
    np.testing.assert_allclose(three, total / days.rolling(time=3, center=True).sum(), rtol=1e-12)


def test_a_missing_month_is_as_wide_as_it_is_long() -> None:
    months = cube_of(freq="MS", dtype="float64").fillna(1.0)
    months[:] = 1.0
    without = months.drop_isel(time=[20, *range(30, 55)])  # a month, and more than two years
    found = rolling_mean(without, 3, min_coverage=0.6)
    known = np.delete(np.arange(72), [20, *range(30, 55)])
    count = np.array([np.isin([k - 1, k, k + 1], known).sum() for k in known])
    np.testing.assert_array_equal(np.isfinite(found[:, 0]), count >= 2)
    strict = rolling_mean(without, 3)
    np.testing.assert_array_equal(np.isfinite(strict[:, 0]), count == 3)
    values = months.copy(data=np.arange(72.0)[:, None] + np.zeros(3))
    loose = rolling_mean(values.isel(time=known), 3, min_coverage=0.0)
    here = int(np.searchsorted(known, 29))  # its right-hand neighbour is 26 months away
    assert 28 < float(loose[here, 0]) < 29


def test_bounds_weigh_and_place() -> None:
    edges = np.array(["2001-01-01", "2001-02-01", "2001-03-01", "2001-04-01"], "datetime64[ns]")
    bounds = np.stack([edges[:-1], edges[1:]], axis=1)
    dataset = xr.Dataset(
        {"x": ("time", [1.0, 2.0, 4.0]), "time_bnds": (("time", "bnds"), bounds)},
        coords={"time": ("time", edges[1:], {"bounds": "time_bnds"})},  # labelled by the end
    )
    found = rolling_mean(dataset, 3)
    np.testing.assert_allclose(found[1], (31 * 1 + 28 * 2 + 31 * 4) / 90, rtol=1e-14)
    assert np.isnan(found[[0, 2]]).all()


def test_hours() -> None:
    cube = cube_of(years=1, freq="6h", dtype="float64").fillna(0.0)
    expected = cube.rolling(time=5, center=True).mean()
    np.testing.assert_allclose(rolling_mean(cube, 5), expected, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 2190), max_size=8),
    st.sampled_from([1, 5, 31, 365, 2191]),
    st.booleans(),
    st.permutations(["time", "x", "z"]),
)
def test_chunks_and_order_never_matter(
    cuts: list[int], window: int, center: bool, order: list[str]
) -> None:
    cube = cube_of(dtype="float64").expand_dims(z=2).drop_isel(time=range(700, 741))
    expected = rolling_mean(cube, window, center=center, min_coverage=0.3)
    edges = np.unique([0, *[c for c in cuts if c < cube.sizes["time"]], cube.sizes["time"]])
    lazy = cube.transpose(*order).chunk(time=tuple(np.diff(edges).tolist()), x=2, z=1)
    with no_compute():
        result = rolling_mean(lazy, window, center=center, min_coverage=0.3)
    assert list(result.dims) == order
    assert result.transpose(*expected.dims).values.tobytes() == expected.values.tobytes()


def test_small_chunks_are_joined_and_others_stay() -> None:
    cube = cube_of(cells=4)
    days = rolling_mean(cube.chunk(time=1), 31)
    assert min(days.chunksizes["time"]) >= 31
    assert max(days.chunksizes["time"]) < 2 * 31 + 31
    years = cube.chunk(time=365, x=2)
    result = rolling_mean(years, 31)
    assert result.chunksizes["x"] == (2, 2)
    assert result.chunksizes["time"][:5] == (365,) * 5
    here, before = (len(dask.optimize(c)[0].__dask_graph__()) for c in (result, years))
    assert here - before <= 2 * years.data.npartitions + 2


def test_an_outlier_leaves_no_trace() -> None:
    cube = cube_of(dtype="float64").fillna(15.0)
    spoilt = cube.copy()
    spoilt[1000, 0] = 1e25
    plain, other = rolling_mean(cube, 31), rolling_mean(spoilt, 31)
    far = abs(np.arange(cube.sizes["time"]) - 1000) > 15
    np.testing.assert_array_equal(plain[far], other[far])
    infinite = cube.copy()
    infinite[1000, 0] = np.inf
    gone = cube.copy()
    gone[1000, 0] = np.nan
    np.testing.assert_array_equal(rolling_mean(infinite, 31), rolling_mean(gone, 31))


@settings(deadline=None, max_examples=20)
@given(st.floats(-1e6, 1e6), st.integers(0, 20).map(lambda n: 2 * n + 1))
def test_the_mean_of_a_constant_is_the_constant(value: float, window: int) -> None:
    cube = xr.full_like(cube_of(years=1, dtype="float64"), value)
    np.testing.assert_allclose(rolling_mean(cube, window, min_coverage=0), value, rtol=1e-13)


def test_labels_units_and_provenance() -> None:
    cube = cube_of().assign_attrs(cell_methods="area: mean")
    result = rolling_mean(cube, 5)
    assert (result.name, result.dtype, result.attrs["units"]) == ("sst", "float64", "degC")
    assert result.attrs["cell_methods"] == "area: mean time: mean"
    assert "rolling_mean(window=5" in result.attrs["history"]
    assert str(rolling_mean(cube.pint.quantify(), 5).pint.units) == "degree_Celsius"
    xr.testing.assert_equal(rolling_mean(cube.to_dataset(), 5), result)


@pytest.mark.parametrize("window", [0, -3, 2.5, "30D", True, 4])
def test_windows_that_make_no_sense(window: object) -> None:
    with pytest.raises(ParameterError, match="window") as caught:
        rolling_mean(cube_of(), window)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    with pytest.raises(AxisError, match="no time axis"):
        rolling_mean(cube_of().isel(time=0), 3)
