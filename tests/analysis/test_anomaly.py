"""Anomaly: value minus climatology, lazily in three tasks a chunk, against any climatology."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.anomaly import anomaly
from climcube.analysis.climatology import climatology
from climcube.errors import CalendarError, CubeError, ParameterError
from climcube.testing.laziness import no_compute
from tests.oracles.series import cube_of


def by_day(cube: xr.DataArray, table: xr.DataArray) -> np.ndarray:
    """Climatology of each time by (month, day), looked up in a dictionary."""
    leap = xr.date_range("2000-01-01", "2000-12-31")
    keys = {(d.month, d.day): i for i, d in enumerate(leap)}
    months, days = cube.time.dt.month.values, cube.time.dt.day.values
    return np.stack([table.values[keys[m, d]] for m, d in zip(months, days, strict=True)])


def test_by_definition() -> None:
    cube = cube_of(dtype="float64")
    for options in (
        {},
        {"window": 11, "smooth": 31, "base_period": (2002, 2004)},
        {"leap": "pool"},
    ):
        table = climatology(cube, **options)
        np.testing.assert_array_equal(anomaly(cube, **options), cube.values - by_day(cube, table))
    month = anomaly(cube, "month")
    np.testing.assert_allclose(
        month, cube.groupby("time.month") - cube.groupby("time.month").mean(), atol=1e-12
    )


def test_standardized() -> None:
    cube = cube_of(dtype="float64")
    result = anomaly(cube, window=11, standardize=True, base_period=(2001, 2004))
    mean = climatology(cube, window=11, base_period=(2001, 2004))
    std = climatology(cube, window=11, base_period=(2001, 2004), statistic="std")
    expected = (cube.values - by_day(cube, mean)) / by_day(cube, std)
    np.testing.assert_allclose(result, expected, rtol=1e-13)
    assert result.attrs["units"] == "1"
    monthly = anomaly(cube, "month", standardize=True)
    np.testing.assert_allclose(monthly.groupby("time.month").std(ddof=1), 1, rtol=1e-12)
    constant = anomaly(xr.full_like(cube, 0.1), "month", standardize=True)
    assert np.isnan(constant).all()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 2190), max_size=6),
    st.sampled_from(["day", "month", "season"]),
    st.sampled_from(["interp", "pool", "drop"]),
    st.booleans(),
    st.permutations(["time", "x", "z"]),
)
def test_chunks_and_order_never_matter(
    cuts: list[int], frequency: str, leap: str, standardize: bool, order: list[str]
) -> None:
    cube = cube_of().expand_dims(z=2)
    options = {"leap": leap, "standardize": standardize}
    expected = anomaly(cube, frequency, **options)
    edges = np.unique([0, *cuts, cube.sizes["time"]])
    lazy = cube.transpose(*order).chunk(time=tuple(np.diff(edges).tolist()), x=2, z=1)
    with no_compute():
        result = anomaly(lazy, frequency, **options)
    assert result.dims == lazy.dims
    assert result.chunks == lazy.chunks
    assert result.dtype == expected.dtype == "float32"
    values = result.compute().transpose(*expected.dims)
    if standardize:
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-7)
    else:
        assert values.values.tobytes() == expected.values.tobytes()


@pytest.mark.parametrize("frequency", ["day", "month", "season"])
def test_the_climatology_of_an_anomaly_is_zero(frequency: str) -> None:
    for calendar in ("standard", "noleap", "360_day"):
        cube = cube_of(calendar, dtype="float64").fillna(12.5)
        again = climatology(anomaly(cube, frequency, leap="pool"), frequency, leap="pool")
        np.testing.assert_allclose(again, 0, atol=1e-13)


@pytest.mark.parametrize(
    "chunks", [{"time": 365, "x": 2}, {"time": -1, "x": 1}, {"time": 1}, {"time": 31, "x": 4}]
)
def test_at_most_three_tasks_a_chunk(chunks: dict[str, int]) -> None:
    cube = cube_of(cells=8, years=8).chunk(chunks)
    with no_compute():
        result = anomaly(cube, window=11, smooth=31)
    here, before = (len(dask.optimize(c)[0].__dask_graph__()) for c in (result, cube))
    assert here - before <= 3 * cube.data.npartitions + 2  # the tables, once each


def test_leap_days_that_are_dropped() -> None:
    cube = cube_of(dtype="float64").fillna(0)
    result = anomaly(cube, leap="drop")
    leap = ((cube.time.dt.month == 2) & (cube.time.dt.day == 29)).values
    assert np.isnan(result[leap]).all()
    assert not np.isnan(result[~leap]).any()
    kept = anomaly(cube[~leap], leap="interp")
    np.testing.assert_allclose(result[~leap], kept, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("standard", "noleap"), ("noleap", "standard"), ("julian", "standard")]
)
def test_a_climatology_of_another_calendar(ours: str, theirs: str) -> None:
    cube = cube_of(ours, dtype="float64").fillna(0)
    table = climatology(cube_of(theirs, start=1991, dtype="float64"))
    result = anomaly(cube, climatology=table)
    dates = xr.date_range("2000-01-01", "2000-12-31")
    if theirs == "noleap":
        between = 0.5 * (table.values[58] + table.values[59])
        table = xr.DataArray(np.insert(table.values, 59, between, axis=0), dims=("d", "x"))
    assert len(dates) == len(table)
    np.testing.assert_allclose(result, cube.values - by_day(cube, table), atol=1e-13)


def test_a_climatology_without_29_february() -> None:
    cube = cube_of(dtype="float64").fillna(0)
    dropped = climatology(cube, leap="drop")
    same = anomaly(cube, climatology=dropped, leap="drop")
    np.testing.assert_array_equal(same, anomaly(cube, leap="drop"))
    filled = anomaly(cube, climatology=dropped)
    np.testing.assert_allclose(filled, anomaly(cube), atol=1e-13)


def test_given_climatologies_are_repeated_and_matched() -> None:
    cube = cube_of(dtype="float64").expand_dims(member=2).transpose("time", "member", "x")
    table = climatology(cube.isel(member=0), "month")
    expected = cube.groupby("time.month") - table
    for each in (cube, cube.chunk(time=100, x=2)):
        for given_table in (table, table[::-1], table.chunk(month=5)):
            result = anomaly(each, "month", climatology=given_table)
            np.testing.assert_allclose(result, expected.transpose(*cube.dims), atol=1e-12)
    assert "climatology" in result.attrs["climcube_provenance"]


def test_units_of_an_anomaly() -> None:
    cube = cube_of()
    result = anomaly(cube)
    assert result.attrs["units"] == "degC"
    assert result.attrs["units_metadata"] == "temperature: difference"
    assert "standard_name" not in result.attrs  # it is no sea_surface_temperature any more
    assert climatology(result).attrs["units_metadata"] == "temperature: difference"
    quantified = anomaly(cube.pint.quantify())
    assert str(quantified.pint.units) == "delta_degree_Celsius"


def test_types_and_the_input_is_not_written_to() -> None:
    for dtype, expected in (("float32", "float32"), ("float64", "float64"), ("int16", "float64")):
        cube = cube_of().fillna(0).astype(dtype)
        before = cube.copy(deep=True)
        assert anomaly(cube, "month").dtype == expected
        xr.testing.assert_identical(cube, before)
    packed = cube_of()
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01}
    assert "scale_factor" not in anomaly(packed, "month").encoding


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"base_period": (1991, 2020)}, CalendarError, "outside the record"),
        ({"base_period": (2001, 2002), "climatology": True}, ParameterError, "base_period beside"),
        ({"standardize": True, "climatology": True}, ParameterError, "standardize beside"),
        ({"frequency": "month", "climatology": True}, CubeError, "another frequency"),
        ({"standardize": True, "base_period": (2001, 2001)}, ParameterError, "two years"),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    cube = cube_of()
    if options.get("climatology"):
        options = options | {"climatology": climatology(cube)}
    with pytest.raises(error, match=message) as caught:
        anomaly(cube, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_climatologies_that_do_not_fit() -> None:
    cube = cube_of()
    table = climatology(cube)
    with pytest.raises(CubeError, match="different units"):
        anomaly(cube, climatology=table.assign_attrs(units="K"))
    spelled = table.assign_attrs(units="degree_Celsius")
    xr.testing.assert_equal(anomaly(cube, climatology=spelled), anomaly(cube, climatology=table))
    with pytest.raises(CubeError, match="different grids"):
        anomaly(cube, climatology=table.assign_coords(x=table.x + 1))
    with pytest.raises(CubeError, match="dimensions that the cube lacks"):
        anomaly(cube, climatology=table.expand_dims(z=2))
    with pytest.raises(CubeError, match="different calendars"):
        anomaly(cube, climatology=climatology(cube_of("360_day")))
    with pytest.raises(CubeError, match="not complete"):
        anomaly(cube, climatology=table.drop_sel(dayofyear=10))
    with pytest.raises(CubeError, match="not complete"):
        anomaly(cube, "month", climatology=climatology(cube, "month")[:11])
    with pytest.raises(ParameterError, match="needs a cube"):
        anomaly(cube, climatology=3.0)  # type: ignore[arg-type]


def test_the_graph_of_oisst_by_days() -> None:
    """Forty years of global daily maps, one a chunk: 7.7 million tasks where days are grouped."""
    days = 14_610
    data = da.zeros((days, 720, 1440), chunks=(1, 720, 1440), dtype="float32")
    time = xr.date_range("1981-09-01", periods=days)
    cube = xr.DataArray(data, {"time": time}, ("time", "lat", "lon"))
    with no_compute():
        result = anomaly(cube, window=11, smooth=31)
    assert len(result.__dask_graph__()) - len(data.__dask_graph__()) <= 3 * days
