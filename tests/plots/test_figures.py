"""What holds for every figure of heatwaves: tidy, in the caller's axes, of one definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

import climcube
from climcube import plots
from climcube.analysis.events.heatwaves import heatwaves
from climcube.errors import ParameterError
from climcube.testing.ocean import synthetic_ocean
from tests.plots.conftest import shown_texts
from tests.plots.gallery import FIGURES as ALL
from tests.plots.gallery import ocean

FIGURES: dict[str, Callable[..., Any]] = {
    "category_calendar": plots.category_calendar,
    "category_map": plots.category_map,
    "category_share": plots.category_share,
    "event_line": plots.event_line,
    "flame": plots.flame,
    "lolliplot": plots.lolliplot,
    "share_calendar": plots.share_calendar,
}


def test_every_figure_is_public() -> None:
    others = {
        "anomaly_map", "bleaching_alert_map", "change_map", "habitat_area", "habitat_map",
        "hovmoller", "index_line", "map", "time_series", "trend_map", "warming_stripes",
    }  # fmt: skip
    assert set(climcube.plot.__all__) == set(FIGURES) | others
    assert climcube.plot.__all__ == sorted(climcube.plot.__all__)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("cold", "calendar"),
    [(False, "standard"), (True, "standard"), (True, "noleap"), (False, "360_day")],
)
def test_words_are_legible_and_inside(
    plant: Any, tidy: Any, name: str, cold: bool, calendar: str
) -> None:
    tidy(FIGURES[name](plant(cold=cold, calendar=calendar)))


@pytest.mark.parametrize("name", ALL)
def test_words_are_legible_in_one_column_of_a_page(tidy: Any, name: str) -> None:
    with climcube.set_options(figure_width=89):
        ax = ALL[name](ocean())
    inches, _ = ax.figure.get_size_inches()
    assert inches <= 89.1 / 25.4
    letters = [t.get_fontsize() for t in shown_texts(ax.figure)]
    assert min(letters) >= 5 and max(letters) <= 9  # as Nature's journals ask for
    tidy(ax)


@pytest.mark.parametrize("name", ALL)
def test_figures_fit_a_page(name: str) -> None:
    inches, _ = ALL[name](ocean()).figure.get_size_inches()
    assert inches <= 183.1 / 25.4


@pytest.mark.parametrize("name", FIGURES)
def test_words_are_legible_on_a_long_record(tidy: Any, name: str) -> None:
    sst = synthetic_ocean(years=12, shape=(3, 4), seed=4).sst
    tidy(FIGURES[name](heatwaves(sst, base_period=(2001, 2008), percentile=85)))


@pytest.mark.parametrize("name", ["event_line", "flame", "lolliplot", "category_calendar"])
@pytest.mark.parametrize("cold", [False, True])
def test_words_are_legible_on_real_data(
    reference_data: Any, tidy: Any, name: str, cold: bool
) -> None:
    table = pd.read_csv(reference_data / "series" / "sst_WA.csv", parse_dates=["time"])
    cube = table.set_index("time").sst.to_xarray().assign_attrs(units="degC")
    cube = cube.assign_coords(lat=-29.375, lon=112.625)
    ax = FIGURES[name](heatwaves(cube, base_period=(1983, 2012), cold=cold))
    tidy(ax)
    assert "climatology 1983–2012" in " ".join(" ".join(t.get_text() for t in ax.texts).split())
    assert "29.375°S, 112.625°E" in ax.get_title(loc="left")


@pytest.mark.parametrize("name", FIGURES)
def test_the_callers_axes_are_used(plant: Any, name: str) -> None:
    mine = Figure().add_subplot()
    assert FIGURES[name](plant(), ax=mine) is mine
    assert mine.has_data()


@pytest.mark.parametrize("name", FIGURES)
def test_several_definitions_are_one_clear_error(plant: Any, name: str) -> None:
    mhw = plant()
    both = heatwaves(mhw.cube, climatology=mhw.climatology, min_duration=[5, 10])
    with pytest.raises(ParameterError, match=r"one definition.*mhw\['min_duration=5'\]") as caught:
        FIGURES[name](both)
    assert "\n" not in str(caught.value)
    assert FIGURES[name](both["min_duration=5"]).has_data()


@pytest.mark.parametrize("name", FIGURES)
def test_a_cube_is_not_its_heatwaves(plant: Any, name: str) -> None:
    with pytest.raises(ParameterError, match=r"needs heatwaves.*cc\.heatwaves.*DataArray"):
        FIGURES[name](plant().cube)


@pytest.mark.parametrize("name", ["event_line", "flame", "lolliplot", "category_calendar"])
def test_a_quantified_cube_in_kelvin(plant: Any, name: str) -> None:
    pint_xarray = pytest.importorskip("pint_xarray")
    mhw = plant()
    kelvin = (mhw.cube + 273.15).assign_attrs(mhw.cube.attrs | {"units": "K"})
    quantified = kelvin.pint.quantify({"lat": None, "lon": None, "time": None})
    found = heatwaves(quantified, climatology=mhw.climatology + 273.15)
    ax = FIGURES[name](found, cell={"lat": 30, "lon": 170})
    assert pint_xarray and ax.has_data()
    if name != "category_calendar":
        assert "(K)" in ax.get_ylabel()


def test_one_level_of_several_is_named(plant: Any) -> None:
    mhw = plant()
    depth = xr.DataArray([0.0, 50.0], dims="depth", attrs={"units": "m"})
    cube = xr.concat([mhw.cube, mhw.cube], "depth").assign_coords(depth=depth)
    deep = heatwaves(cube, climatology=mhw.climatology)
    ax = plots.lolliplot(deep, cell={"lat": 30, "lon": 170, "depth": 45})
    assert "at 30°N, 170°E, depth 50 m" in ax.get_title(loc="left")
    with pytest.raises(ParameterError, match="also depth"):
        plots.lolliplot(deep, cell={"lat": 30, "lon": 170})


def test_a_member_is_chosen_by_its_name(plant: Any) -> None:
    mhw = plant()
    cube = xr.concat([mhw.cube, mhw.cube * np.nan], "member").assign_coords(member=["a", "b"])
    both = heatwaves(cube, climatology=mhw.climatology)
    ax = plots.category_calendar(both, cell={"lat": 30, "lon": 170, "member": "a"})
    assert "member a" in ax.get_title(loc="left")
    with pytest.raises(ParameterError, match=r"no such cell.*one of a, b"):
        plots.category_calendar(both, cell={"lat": 30, "lon": 170, "member": "c"})


def test_panels_of_the_callers_own_style(plant: Any, tidy: Any) -> None:
    figure = Figure(figsize=(11, 8), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    names = ("lolliplot", "flame", "category_calendar", "share_calendar")
    for name, panel in zip(names, panels, strict=True):
        FIGURES[name](plant(), ax=panel)
    tidy(panels[0])  # looks at the whole figure


@pytest.mark.parametrize("name", ["event_line", "flame", "lolliplot", "category_calendar"])
def test_daily_results_of_an_eager_cube_are_not_computed_for_one_cell(
    plant: Any, name: str
) -> None:
    mhw = plant()
    FIGURES[name](mhw, cell={"lat": 30, "lon": 170})
    assert "daily" not in vars(mhw)  # it is kept there once it was made
