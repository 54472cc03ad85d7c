"""Maps: what is drawn where, in which colour, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from climcube.errors import CubeError, ParameterError, VariableError
from climcube.plots import anomaly_map, category_map, trend_map
from climcube.plots.style import LAND, palette


def mesh_values(ax: Any) -> np.ndarray[Any, Any]:
    return np.ma.filled(ax.collections[0].get_array().astype(float), np.nan)


@pytest.mark.parametrize("cold", [False, True])
def test_category_map_draws_the_worst_day_in_the_fields_colours(
    make: Any, colours_of: Any, cold: bool
) -> None:
    ax = category_map(make(cold=cold))
    assert "3 Mar 2001" in ax.get_title(loc="left")  # the day with categories 4 and 1
    seen = colours_of(ax)
    assert {palette(cold)[3], palette(cold)[0], LAND} <= seen
    assert palette(not cold)[1] not in seen


def test_category_map_places_cells(mhw: Any) -> None:
    values = mesh_values(category_map(mhw, "2001-03-03"))
    np.testing.assert_array_equal(values, [[np.nan, 1, 0], [0, 4, 0]])


def test_shares_in_the_legend_are_of_the_oceans_area(mhw: Any) -> None:
    labels = [t.get_text() for t in category_map(mhw).get_legend().get_texts()]
    # Rows at 30 S and 30 N are equally large: five ocean cells of equal area.
    assert labels == [
        "None 60 %",
        "Moderate 20 %",
        "Strong 0 %",
        "Severe 0 %",
        "Extreme 20 %",
        "Land",
    ]


def test_a_day_without_data_is_not_called_calm(mhw: Any) -> None:
    mhw.cube[{"time": 5, "lat": 1, "lon": 2}] = np.nan
    ax = category_map(mhw, "2000-01-06")
    assert mesh_values(ax)[1, 2] == -1
    assert "No data that day" in [t.get_text() for t in ax.get_legend().get_texts()]


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_category_map_in_other_calendars(make: Any, calendar: str) -> None:
    assert "3 Mar 2001" in category_map(make(calendar=calendar)).get_title(loc="left")


def test_lazy_and_eager_pictures_are_equal(make: Any) -> None:
    eager, lazy = (mesh_values(category_map(make(lazy=lazy))) for lazy in (False, True))
    np.testing.assert_array_equal(eager, lazy)


def test_both_longitude_conventions_and_the_dateline(make: Any) -> None:
    east = category_map(make(lon=(150.0, 170.0, 190.0)), "2001-03-03")
    west = category_map(make(lon=(150.0, 170.0, -170.0)), "2001-03-03")
    np.testing.assert_array_equal(mesh_values(east), mesh_values(west))
    assert east.get_xlim() == pytest.approx(west.get_xlim())
    west.figure.canvas.draw()
    labels = [t.get_text() for t in west.get_xticklabels()]
    assert any(t.endswith("E") for t in labels)
    assert "180°" in labels or any(t.endswith("W") for t in labels)


def test_curvilinear_grid(mhw: Any) -> None:
    y, x = np.meshgrid(np.linspace(-40, -30, 12), np.linspace(140, 160, 24), indexing="ij")
    field = np.where(x < 150, -1.0, 1.0)
    coords = {
        "nav_lat": (("y", "x"), y, {"units": "degrees_north"}),
        "nav_lon": (
            ("y", "x"),
            (x + 3 * (y + 35) / 10 + 180) % 360 - 180,
            {"units": "degrees_east"},
        ),
        "time": xr.date_range("2000-01-01", periods=1),
    }
    cube = xr.DataArray(field[None], coords, ("time", "y", "x"), attrs={"units": "degC"})
    values = mesh_values(anomaly_map(cube))
    assert set(np.unique(values[np.isfinite(values)])) == {-1.0, 1.0}
    middle = values[values.shape[0] // 2]
    known = middle[np.isfinite(middle)]
    assert known[0] == -1
    assert known[-1] == 1
    assert (np.diff(known) >= 0).all()


def make_trend(shape: tuple[int, int] = (10, 20), significant: bool = True) -> xr.Dataset:
    rng = np.random.default_rng(0)
    slope = rng.normal(0.1, 0.1, shape)
    slope[0, 0] = np.nan
    p = np.full(shape, 0.5)
    if significant:
        p[:, :10] = 1e-4
    p[0, 0] = np.nan
    dims = ("lat", "lon")
    coords = {"lat": np.linspace(45, -45, shape[0]), "lon": np.linspace(0, 342, shape[1])}
    attrs = {"units": "degC decade-1", "long_name": "linear trend of SST"}
    data = {"slope": (dims, slope, attrs), "pvalue": (dims, p)}
    return xr.Dataset(
        data, coords, {"time_coverage_start": "1982-01-01", "time_coverage_end": "2016-01-01"}
    )


def dots(ax: Any) -> Any:
    return next(c for c in ax.collections if c.get_gid() == "significant").get_offsets()


def test_trend_map_is_symmetric_and_dotted_where_significant() -> None:
    ax = trend_map(make_trend())
    mesh = ax.collections[0]
    assert mesh.norm.vmin == -mesh.norm.vmax
    assert len(dots(ax)) == 10 * 10 - 1
    assert (dots(ax)[:, 0] < 180).all()
    texts = " ".join(t.get_text() for t in ax.texts)
    assert "false discovery rate of 0.05" in texts
    assert "1982–2016" in ax.get_title(loc="left")
    assert "Trend of SST" in ax.get_title(loc="left")
    bar = ax.child_axes[0]
    assert "°C per decade" in bar.get_ylabel()


def test_trend_map_says_when_nothing_is_significant() -> None:
    ax = trend_map(make_trend(significant=False))
    assert len(dots(ax)) == 0
    assert any("no cell is significant" in t.get_text() for t in ax.texts)


def test_trend_map_without_pvalues_has_no_rule() -> None:
    ax = trend_map(make_trend().drop_vars("pvalue"), period="all years")
    assert not any("significant" in t.get_text() for t in ax.texts)
    assert "all years" in ax.get_title(loc="left")


def test_large_grids_are_thinned_before_they_are_computed() -> None:
    trend = make_trend((40, 4500)).chunk(lon=500)
    ax = trend_map(trend)
    assert mesh_values(ax).shape == (40, 1500)
    assert len(dots(ax)) < 80 * 80


def test_axes_given_by_the_user_are_used() -> None:
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert trend_map(make_trend(), ax=left) is left
    assert anomaly_map(xr.DataArray(
        np.ones((1, 2, 2)),
        {"time": xr.date_range("2000", periods=1), "lat": [0.0, 1], "lon": [0.0, 1]},
        ("time", "lat", "lon")), ax=right) is right  # fmt: skip


def test_pyplot_knows_no_figure(mhw: Any) -> None:
    from matplotlib import pyplot as plt
    from matplotlib import rcParams

    before = dict(rcParams)
    category_map(mhw)
    assert plt.get_fignums() == []
    assert dict(rcParams) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.isel(lat=0, lon=0), "needs a map"),
        (lambda t: t.isel(lat=slice(0, 0)), "selection is empty"),
        (lambda t: t * np.nan, "nothing to draw"),
        (lambda t: t.expand_dims(depth=[0.0, 10.0]), "one level at a time"),
    ],
)
def test_trends_that_are_no_map(change: Any, words: str) -> None:
    with pytest.raises(CubeError, match=words) as caught:
        trend_map(change(make_trend()))
    assert "\n" not in str(caught.value)


def test_mistaken_arguments(mhw: Any) -> None:
    with pytest.raises(ParameterError, match="alpha"):
        trend_map(make_trend(), alpha=5)
    with pytest.raises(VariableError, match="slope"):
        trend_map(make_trend()[["pvalue"]])
    with pytest.raises(ParameterError, match="2000-01-01 to 2001-12-30"):
        category_map(mhw, "1999-01-01")
    with pytest.raises(ParameterError, match="not understood"):
        category_map(mhw, "yesterday")


def test_no_heatwave_anywhere(mhw: Any) -> None:
    mhw.daily["category"][:] = 0
    with pytest.raises(CubeError, match="no heatwave in the cube"):
        category_map(mhw)
    assert mesh_values(category_map(mhw, "2001-03-03")).max(where=~np.isnan(mesh_values(
        category_map(mhw, "2001-03-03"))), initial=0) == 0  # fmt: skip


def test_land_only(mhw: Any) -> None:
    mhw.climatology["seas"][:] = np.nan
    with pytest.raises(CubeError, match="nothing to draw"):
        category_map(mhw, "2001-03-03")
