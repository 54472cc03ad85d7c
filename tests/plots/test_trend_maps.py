"""Maps of trends and changes: which cells are marked, and what the rule says."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.path import Path

from climcube.analysis.trends.change import change
from climcube.analysis.trends.quantile_trend import quantile_trend
from climcube.analysis.trends.significance import fdr
from climcube.analysis.trends.trend import trend
from climcube.errors import CubeError, ParameterError, VariableError
from climcube.options import set_options
from climcube.plots import change_map, trend_map


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    """Noise of 40 years on 6 x 8 cells, warming in the west; across the dateline, some land."""
    rng = np.random.default_rng(5)
    values = rng.normal(0, 0.3, (40, 6, 8))
    values[:, :, :4] += 0.02 * np.arange(40)[:, None, None]
    values[:, 0, 0] = np.nan
    lon = (np.arange(8) * 5 + 165 + 180) % 360 - 180
    return xr.DataArray(
        values,
        {"time": xr.date_range("1980-01-01", periods=40, freq="YS"),
         "lat": ("lat", np.linspace(20, -20, 6), {"units": "degrees_north"}),
         "lon": ("lon", lon, {"units": "degrees_east"})},
        ("time", "lat", "lon"), name="sst",
        attrs={"units": "degC", "long_name": "Sea surface temperature"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def fit(cube: xr.DataArray) -> xr.Dataset:
    return trend(cube)


def artist(ax: Any, gid: str) -> Any:
    return next((a for a in (*ax.collections, *ax.patches) if a.get_gid() == gid), None)


def dotted(ax: Any) -> set[tuple[float, float]]:
    return {(round(x % 360, 6), round(y, 6)) for x, y in artist(ax, "significant").get_offsets()}


def hatched(ax: Any, fit: xr.Dataset) -> set[tuple[float, float]]:
    """Return the cells whose centre lies in the hatched path."""
    patch = artist(ax, "not significant")
    if patch is None:
        return set()
    vertices = patch.get_path().vertices.reshape(-1, 5, 2)
    boxes = [Path(corners) for corners in vertices]
    low = ax.get_xlim()[0]
    return {
        place for place in places(fit.slope.notnull() | True)
        if any(b.contains_point(((place[0] - low) % 360 + low, place[1])) for b in boxes)
    }  # fmt: skip


def places(mask: xr.DataArray) -> set[tuple[float, float]]:
    flat = mask.stack(cell=("lat", "lon"))
    return {
        (round(float(lon) % 360, 6), round(float(lat), 6))
        for lat, lon in flat["cell"].values[flat.values]
    }


def rule(ax: Any) -> str:
    return (
        " ".join(t.get_text() for t in ax.texts)
        .replace("\n", " ")
        .replace("\u00a0", " ")
        .replace("pre- ", "pre-")
    )


@pytest.mark.parametrize("field", [True, False])
def test_marks_are_exactly_where_the_rule_says(fit: xr.Dataset, field: bool) -> None:
    significant = fdr(fit.pvalue, alpha=0.05) if field else fit.pvalue < 0.05
    assert 5 < int(significant.sum()) < 24
    dots = trend_map(fit, field_significance=field)
    assert dotted(dots) == places(significant)
    assert artist(dots, "not significant") is None
    lines = trend_map(fit, marks="hatching", field_significance=field)
    assert hatched(lines, fit) == places(~significant & fit.slope.notnull())
    assert artist(lines, "significant") is None
    bare = trend_map(fit, marks=None)
    assert artist(bare, "significant") is artist(bare, "not significant") is None


def test_the_rule_in_words(fit: xr.Dataset) -> None:
    share = 100 * int(fdr(fit.pvalue, alpha=0.1).sum()) / 47
    tested = "Student's t test, autocorrelation taken into account"
    assert rule(trend_map(fit, alpha=0.1)) == (
        "dots: significant at a false discovery rate of 0.1 (Benjamini–Hochberg), "
        f"{share:.0f} % of cells; {tested}"
    )
    assert rule(trend_map(fit, alpha=0.1, marks="hatching")) == (
        "hatched: not significant at a false discovery rate of 0.1 (Benjamini–Hochberg), "
        f"{100 - share:.0f} % of cells; {tested}"
    )
    share = 100 * int((fit.pvalue < 0.05).sum()) / 47
    assert rule(trend_map(fit, field_significance=False)) == (
        f"dots: significant at p < 0.05 in each cell by itself, {share:.0f} % of cells "
        f"(5 % of cells pass by chance where nothing changes); {tested}"
    )
    assert rule(trend_map(fit, marks=None)) == "significance is not marked"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"autocorrelation": "none"}, "Student's t test, autocorrelation not taken into account"),
        ({"test": "mann_kendall"}, "Mann–Kendall test, autocorrelation taken into account"),
        ({"method": "theil_sen", "autocorrelation": "hamed_rao"},
         "Mann–Kendall test, autocorrelation taken into account (Hamed and Rao 1998)"),
        ({"method": "theil_sen", "autocorrelation": "tfpw"}, "(trend-free pre-whitening)"),
        ({"autocorrelation": "ar1_uncorrected"}, "its bias not removed"),
    ],
)  # fmt: skip
def test_the_test_is_named_as_recorded(cube: Any, options: dict[str, Any], words: str) -> None:
    assert rule(trend_map(trend(cube, **options))).endswith(words)


def test_what_is_not_recorded_is_not_invented(cube: xr.DataArray, fit: xr.Dataset) -> None:
    with set_options(provenance=False):
        silent = trend(cube, autocorrelation="none")
    assert rule(trend_map(silent)).endswith(
        "ordinary least squares on real time; residuals taken as independent"
    )
    bare = xr.Dataset({n: fit[n].drop_attrs() for n in ("slope", "pvalue")})
    ax = trend_map(bare)
    assert rule(ax).endswith("the test is not recorded with the data")
    assert ax.get_title(loc="left") == "Trend"


def test_cells_without_a_test_are_hatched_not_believed(fit: xr.Dataset) -> None:
    untested = fit.copy()
    untested["pvalue"] = fit.pvalue.where(fit.lat > 0)
    south = fit.slope.notnull() & (fit.lat < 0)
    assert places(south) <= hatched(trend_map(untested, marks="hatching"), fit)


def test_nothing_is_significant(fit: xr.Dataset) -> None:
    none = fit.assign(pvalue=xr.full_like(fit.pvalue, 0.9).where(fit.slope.notnull()))
    assert dotted(trend_map(none)) == set()
    assert "no cell is significant at a false" in rule(trend_map(none))
    ax = trend_map(none, marks="hatching")
    assert "all are hatched" in rule(ax)
    assert hatched(ax, fit) == places(fit.slope.notnull())
    everything = fit.assign(pvalue=none.pvalue * 0)
    assert artist(trend_map(everything, marks="hatching"), "not significant") is None


def test_a_change_is_mapped_by_the_same_rules(cube: xr.DataArray, tidy: Any) -> None:
    found = change(cube, (1980, 1995), (2004, 2019))
    ax = change_map(found, marks="hatching")
    assert ax.get_title(loc="left") == (
        "Change of sea surface temperature, 2004–2019 minus\n1980–1995"
    )
    assert "Welch's t test, autocorrelation taken into account" in rule(ax)
    assert ax.child_axes[0].get_ylabel() == "Change (°C)"
    significant = fdr(found.pvalue, alpha=0.05)
    assert significant.any()
    assert hatched(ax, found.rename(change="slope")) == places(
        ~significant & found.change.notnull()
    )
    tidy(ax)


def test_one_quantile_of_several(cube: xr.DataArray) -> None:
    fits = quantile_trend(cube, [0.1, 0.5])
    with pytest.raises(CubeError, match=r"one level at a time.*quantile=0"):
        trend_map(fits)
    ax = trend_map(fits.isel(quantile=1))
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title == "Trend of the 0.5 quantile of sea surface temperature, 1980–2019"
    assert "rank-score test" in rule(ax)


def test_units_per_any_period_and_quantified(cube: xr.DataArray) -> None:
    assert trend_map(trend(cube, per="century")).child_axes[0].get_ylabel() == (
        "Trend (°C per century)"
    )
    pytest.importorskip("pint_xarray")
    quantified = cube.pint.quantify({"lat": None, "lon": None, "time": None})
    ax = trend_map(trend(quantified, per="day"))
    assert ax.child_axes[0].get_ylabel() == "Trend (°C per day)"
    assert dotted(ax) == dotted(trend_map(trend(cube)))


def curvilinear(fit: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray, xr.DataArray]:
    lat, lon = xr.broadcast(fit.lat, (fit.lon % 360))
    lat = (lat + (lon - 180) * 0.1).rename(lat="y", lon="x").drop_vars(["x", "y"])
    lon = ((lon + 180) % 360 - 180).rename(lat="y", lon="x").drop_vars(["x", "y"])
    lat.attrs["units"], lon.attrs["units"] = "degrees_north", "degrees_east"
    moved = fit[["slope", "pvalue"]].rename(lat="y", lon="x").drop_vars(["x", "y"])
    return moved.assign_coords(nav_lat=lat, nav_lon=lon), lat, lon


def test_cells_of_a_curvilinear_grid_have_one_dot_each(fit: xr.Dataset) -> None:
    moved, lat, lon = curvilinear(fit)
    significant = fdr(moved.pvalue, alpha=0.05).values
    expected = {
        (round(float(x) % 360, 6), round(float(y), 6))
        for x, y in zip(lon.values[significant], lat.values[significant], strict=True)
    }
    assert dotted(trend_map(moved)) == expected
    cells = moved.stack(cell=("y", "x")).reset_index("cell").drop_vars(["x", "y"], errors="ignore")
    assert dotted(trend_map(cells)) == expected
    assert artist(trend_map(moved, marks="hatching"), "not significant") is not None


def wide(shape: tuple[int, int]) -> xr.Dataset:
    rng = np.random.default_rng(1)
    coords = {"lat": np.linspace(-80, 80, shape[0]), "lon": np.linspace(0, 359, shape[1])}
    return xr.Dataset(
        {"slope": (("lat", "lon"), rng.normal(size=shape)),
         "pvalue": (("lat", "lon"), rng.uniform(0, 1, shape) ** 8)},
        coords,
    )  # fmt: skip


def test_marks_of_large_maps_are_few_and_say_so() -> None:
    fits = wide((300, 600))
    ax = trend_map(fits, projection="plate_carree")
    assert "dots thinned" in rule(ax)
    significant = fdr(fits.pvalue, alpha=0.05)
    assert 500 < len(dotted(ax)) <= 5000
    assert dotted(ax) <= places(significant)
    lines = trend_map(fits, marks="hatching")
    buffer = io.BytesIO()
    lines.figure.savefig(buffer, format="pdf")
    assert buffer.tell() < 1_000_000
    assert "thinned" not in rule(trend_map(wide((50, 100))))


def test_hatching_of_a_coarsened_map_is_that_of_the_middle_cell() -> None:
    fits = wide((6, 1200))
    ax = trend_map(fits, marks="hatching", projection="plate_carree")
    bare = ~fdr(fits.pvalue, alpha=0.05).values
    path = artist(ax, "not significant").get_path().vertices.reshape(-1, 5, 2)
    west, east = path[:, 0, 0].min(), path[:, :, 0].max()
    low, high = ax.get_xlim()
    assert low <= west and east <= high
    columns = np.searchsorted(fits.lon.values, path[:, 0, 0] + 1e-6)
    assert (columns % 3 == 0).all()
    rows = np.argmin(np.abs(fits.lat.values - path[:, :, 1].mean(axis=1)[:, None]), axis=1)
    assert bare[np.minimum(rows // 3 * 3 + 1, 5), columns + 1].all()


@pytest.mark.parametrize("marks", ["stippling", "hatching", None])
@pytest.mark.parametrize("field", [True, False])
def test_words_are_legible(fit: xr.Dataset, tidy: Any, marks: str | None, field: bool) -> None:
    tidy(trend_map(fit, marks=marks, field_significance=field))
    tidy(trend_map(fit.isel(lat=slice(0, 2)), marks=marks))
    tidy(trend_map(fit.isel(lon=slice(0, 2)), marks=marks))


def test_panels(fit: xr.Dataset, cube: xr.DataArray, tidy: Any) -> None:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert trend_map(fit, ax=left) is left
    assert change_map(change(cube, (1980, 1995), (2004, 2019)), marks="hatching", ax=right) is right
    tidy(left)


@pytest.mark.parametrize("alpha", [0, 1, 5, True, "0.1", None, np.nan])
def test_alpha_is_a_level(fit: xr.Dataset, alpha: Any) -> None:
    with pytest.raises(ParameterError, match="alpha") as caught:
        trend_map(fit, alpha=alpha)
    assert "\n" not in str(caught.value)


def test_mistaken_arguments(cube: xr.DataArray, fit: xr.Dataset) -> None:
    with pytest.raises(ParameterError, match=r"marks.*stippling.*hatching"):
        trend_map(fit, marks="crosses")
    with pytest.raises(VariableError, match=r"no change.*cc\.change.*slope"):
        change_map(fit)
    with pytest.raises(VariableError, match="DataArray"):
        trend_map(fit.slope)  # type: ignore[arg-type]
    broken = fit.assign(pvalue=fit.pvalue + 1)
    for field in (True, False):
        with pytest.raises(CubeError, match=r"(?i)p-value"):
            trend_map(broken, field_significance=field)
    with pytest.raises(CubeError, match="change_map needs a map"):
        change_map(change(cube, (1980, 1995), (2004, 2019)).isel(lat=1, lon=1))


def test_lazy_results_give_the_same_map(cube: xr.DataArray, fit: xr.Dataset) -> None:
    assert dotted(trend_map(trend(cube.chunk(lat=2, lon=3)))) == dotted(trend_map(fit))
