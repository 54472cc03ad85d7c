"""Maps of values and Hovmöller diagrams: the role decides on colours, the numbers are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CalendarError, CubeError, ParameterError
from climcube.plots.colours import centre_of, diverging, sequential
from climcube.testing.laziness import no_compute
from tests.plots.gallery import ocean


def _cube(**attrs: Any) -> xr.DataArray:
    time = xr.date_range("2001-01-01", periods=24, freq="MS", name="time")
    lat, lon = np.array([-60.0, 0.0, 60.0]), np.arange(5, 360, 10.0)
    values = np.arange(24.0)[:, None, None] + lat[:, None] + 0 * lon
    return xr.DataArray(
        values, {"time": time, "lat": lat, "lon": lon}, ("time", "lat", "lon"),
        name="sst", attrs={"units": "degC", "long_name": "temperature"} | attrs,
    )  # fmt: skip


def _image(ax: Any) -> np.ndarray:
    return np.ma.filled(ax.collections[0].get_array().astype(float), np.nan)


def test_absolute_values_rise_and_differences_are_symmetric() -> None:
    cube = _cube()
    ax = cc.plot.map(cube, projection="plate_carree")
    mesh = ax.collections[0]
    assert mesh.get_cmap().name == "viridis"
    away = cc.plot.map(cc.anomaly(cube, "month"), projection="plate_carree").collections[0]
    assert away.get_cmap().name == "RdBu_r"
    low, high = away.get_clim()
    assert low == -high
    centred = cc.plot.map(cube, centre=5, projection="plate_carree").collections[0]
    assert np.mean(centred.get_clim()) == 5
    plain = cc.plot.map(cc.anomaly(cube, "month"), centre=False, projection="plate_carree")
    assert plain.collections[0].get_cmap().name == "viridis"


def test_heat_stress_ends_at_zero() -> None:
    stress = _cube(units_metadata="temperature: difference", units="degC week")
    assert centre_of(stress, None, np.array([0.0, 3.0])) is None
    assert centre_of(stress, None, np.array([-1.0, 3.0])) == 0.0
    with pytest.raises(ParameterError, match="centre not understood"):
        centre_of(stress, "zero")


@pytest.mark.parametrize(
    ("date", "month", "words"), [(None, 23, "Dec 2002"), ("2001-02", 1, "Feb 2001")]
)
def test_the_month_drawn_is_the_one_asked_for(date: Any, month: int, words: str) -> None:
    ax = cc.plot.map(_cube(), date, projection="plate_carree")
    assert ax.get_title(loc="left") == f"Temperature, {words}"
    np.testing.assert_allclose(_image(ax)[:, 0], [month - 60, month, month + 60])


def test_a_year_of_months_is_several_values() -> None:
    with pytest.raises(ParameterError, match=r"several values.*found 12.*'2001-01-01'"):
        cc.plot.map(_cube(), "2001")
    with pytest.raises(ParameterError, match=r"not in the record.*2001-01-01 to 2002-12-01"):
        cc.plot.map(_cube(), "1999")


def test_a_cube_without_time_says_its_period() -> None:
    cube = _cube()
    one = cc.plot.map(cube.isel(time=3), projection="plate_carree")
    assert one.get_title(loc="left") == "Temperature, 1 Apr 2001"
    mean = cube.mean("time", keep_attrs=True).assign_attrs(
        time_coverage_start="2001-01-01", time_coverage_end="2002-12-31"
    )
    assert cc.plot.map(mean).get_title(loc="left") == "Temperature, 2001–2002"
    month = cc.climatology(cube, "month").isel(month=1)
    assert "month 2" in cc.plot.map(month).get_title(loc="left")
    with pytest.raises(ParameterError, match="without time has no date"):
        cc.plot.map(mean, "2001-01")


def test_limits_leave_out_single_cells() -> None:
    values = np.append(np.linspace(10, 20, 999), 500.0)
    style, extend = sequential(values)
    assert (style["vmin"], style["vmax"], extend) == (10, 20, "max")
    assert sequential(np.full(5, 3.0))[0]["vmin"] < sequential(np.full(5, 3.0))[0]["vmax"]
    assert sequential(np.array([np.nan]))[1] == "neither"
    style, extend = diverging(np.array([-1.0, 1.0, 3.0]), 1.0)
    assert style["vmin"], style["vmax"] == (-1.0, 3.0)


def test_only_what_is_drawn_is_computed() -> None:
    seen: list[int] = []

    def read(block: np.ndarray) -> np.ndarray:
        seen.append(block.size)
        return block

    cube = _cube().chunk(time=1, lat=-1, lon=-1)
    lazy = cube.copy(data=cube.data.map_blocks(read, meta=np.zeros((0, 0, 0))))
    cc.plot.map(lazy, "2001-05", projection="plate_carree")
    assert len(seen) == 1
    seen.clear()
    by_row = cube.chunk(time=-1, lat=1)
    lazy = by_row.copy(data=by_row.data.map_blocks(read, meta=np.zeros((0, 0, 0))))
    cc.plot.hovmoller(lazy, region=(0, 360, -10, 10))
    assert len(seen) == 1


def test_hovmoller_means_are_by_area() -> None:
    cube = _cube()
    cube = cube.where((cube.lon > 20) | (cube.lat > 30))
    ax = cc.plot.hovmoller(cube)
    image = _image(ax)
    assert image.shape == (24, 36)
    for column in (0, 20):
        one = cube.isel(lon=[column])
        # All columns of a regular grid have the same areas.
        np.testing.assert_allclose(image[:, column], cc.area_mean(one).values, rtol=1e-12)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # time runs down the page


def test_hovmoller_along_latitudes_is_the_zonal_mean() -> None:
    cube = ocean()
    ax = cc.plot.hovmoller(cube, "latitude")
    np.testing.assert_allclose(_image(ax).T, cc.zonal_mean(cube).values)
    again = cc.plot.hovmoller(cc.zonal_mean(cube))
    np.testing.assert_allclose(_image(again), _image(ax))
    assert again.get_ylabel() == "Latitude"


def test_a_gap_in_the_record_is_a_gap_in_the_picture() -> None:
    cube = _cube().isel(time=[*range(6), *range(18, 24)])
    ax = cc.plot.hovmoller(cube)
    image = _image(ax)
    assert image.shape[0] == 13
    assert np.isnan(image[6]).all()
    edges = ax.collections[0].get_coordinates()[:, 0, 1]
    assert edges[6] == pytest.approx(2001.5, abs=0.02)
    assert edges[7] == pytest.approx(2002.5, abs=0.02)


@pytest.mark.parametrize("along", ["longitude", "latitude"])
@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_hovmoller_is_tidy_in_every_calendar(tidy: Any, along: str, calendar: str) -> None:
    time = xr.date_range(
        "2001-01-01", periods=40, freq="MS", calendar=calendar, use_cftime=calendar != "standard"
    )
    cube = _cube().isel(time=[0] * 40).assign_coords(time=time)
    tidy(cc.plot.hovmoller(cube, along))


def test_long_records_are_thinned_and_say_so() -> None:
    time = xr.date_range("2001-01-01", periods=4100, name="time")
    cube = _cube().isel(time=0, drop=True).expand_dims(time=time)
    ax = cc.plot.hovmoller(cube)
    assert _image(ax).shape[0] == 1367
    assert any("every 3rd time drawn" in t.get_text() for t in ax.texts)


def test_a_curved_grid_has_no_columns() -> None:
    cube = _cube()
    y, x = xr.broadcast(cube.lat, cube.lon)
    curved = cube.drop_vars(["lat", "lon"]).rename(lat="j", lon="i").assign_coords(
        lat=(("j", "i"), y.values, {"units": "degrees_north"}),
        lon=(("j", "i"), x.values, {"units": "degrees_east"}),
    )  # fmt: skip
    with pytest.raises(CubeError, match=r"rows that are parallels|corners|areas"):
        cc.plot.hovmoller(curved)


@pytest.mark.parametrize(
    ("values", "ends"),
    [([-1.0, 1.0], "neither"), ([*[-1.0] * 99, 1.0, 9.0], "max"), ([*[1.0] * 99, -9.0], "min")],
)
def test_the_bar_points_only_to_where_values_lie_beyond(values: list[float], ends: str) -> None:
    style, extend = diverging(np.array(values))
    assert extend == ends
    assert style["vmin"] == -style["vmax"]


@pytest.mark.parametrize(("rows", "columns"), [(1, 36), (60, 1), (1, 1)])
def test_strips_of_cells_are_no_hairlines(rows: int, columns: int) -> None:
    lat, lon = -60 + 2.0 * np.arange(rows), 5 + 10.0 * np.arange(columns)
    cube = xr.DataArray(
        np.arange(1.0 * rows * columns).reshape(rows, columns),
        {"lat": lat, "lon": lon}, ("lat", "lon"), attrs={"units": "K"},
    )  # fmt: skip
    ax = cc.plot.map(cube)
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    assert min(box.width, box.height) > 0.5 * ax.figure.dpi
    south, north = ax.get_ylim()
    height = 2 * rows if rows > 1 else 10 if columns > 1 else 1  # a row is as high as wide
    assert north - south == pytest.approx(height)


def test_a_single_year_is_marked_as_a_year() -> None:
    one = _cube().isel(lat=0, lon=0, time=slice(0, 12))
    ax = cc.plot.warming_stripes(cc.annual_mean(one))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2001"]
    assert "standard deviations" not in ax.texts[0].get_text()  # of one year there are none


def test_a_base_period_without_values_is_no_base() -> None:
    years = cc.annual_mean(_cube().isel(lat=0, lon=0))
    gap = years.where(years.time.dt.year > 2001)
    with pytest.raises(CubeError, match=r"nothing to draw \(variable 'sst', 2001\)"):
        cc.plot.warming_stripes(gap, base_period=(2001, 2001))


def test_what_an_anomaly_departs_from_is_said() -> None:
    away = cc.anomaly(_cube(), "month", base_period=(2001, 2002))
    for ax in (
        cc.plot.map(away), cc.plot.anomaly_map(away), cc.plot.hovmoller(away),
        cc.plot.time_series(cc.area_mean(away)), cc.plot.index_line(cc.area_mean(away)),
    ):  # fmt: skip
        assert "climatology 2001–2002" in ax.texts[0].get_text().replace("\n", " ")
        assert ax.get_title(loc="left").startswith("Anomaly of temperature, ")


def test_stripes_are_sixteen_colours_to_2_6_deviations() -> None:
    years = xr.date_range("1950-01-01", periods=50, freq="YS", name="time")
    values = np.linspace(10, 12, 50)
    series = xr.DataArray(values, {"time": years}, ("time",), name="t", attrs={"units": "degC"})
    ax = cc.plot.warming_stripes(series, base_period=(1950, 1979))
    mesh = ax.collections[0]
    base = values[:30]
    np.testing.assert_allclose(_image(ax)[0], values - base.mean())
    np.testing.assert_allclose(mesh.get_clim()[1], 2.6 * base.std())
    assert mesh.get_cmap().N == 16
    gap = series.drop_isel(time=10)
    assert np.isnan(_image(cc.plot.warming_stripes(gap))[0, 10])
    with_line = cc.plot.warming_stripes(series, line=True)
    np.testing.assert_allclose(with_line.lines[0].get_ydata(), values - values.mean())
    with pytest.raises(CalendarError, match=r"one value a year.*cc\.annual_mean"):
        cc.plot.warming_stripes(cc.area_mean(_cube()))


def test_nothing_is_computed_before_a_mistake_is_told() -> None:
    cube = ocean().chunk(time=-1, lat=2)
    with no_compute():
        with pytest.raises(ParameterError):
            cc.plot.map(cube, centre="x")  # type: ignore[arg-type]
        with pytest.raises(ParameterError):
            cc.plot.hovmoller(cube, "depth")
        with pytest.raises(CubeError):
            cc.plot.warming_stripes(cube)
