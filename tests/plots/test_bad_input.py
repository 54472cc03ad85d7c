"""What cannot be drawn is one typed error of one line, whatever the figure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ClimcubeError, DependencyError, ParameterError
from tests.plots.gallery import FIGURES, MAPS, OF_SERIES, ocean


def _place(cube: xr.DataArray) -> xr.DataArray:
    best = cube.std("time").argmax(["lat", "lon"])
    return cube.isel(best)


def _nameless(cube: xr.DataArray) -> xr.DataArray:
    return cube.drop_vars(["lat", "lon"]).rename(lat="y", lon="x")


BAD: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "no spatial dimension": _place,
    "dimensions without coordinates": _nameless,
    "no cell": lambda cube: cube.isel(lat=slice(0, 0)),
    "no time": lambda cube: cube.isel(time=slice(0, 0)),
    "missing values only": lambda cube: cube * np.nan,
    "a further dimension": lambda cube: cube.expand_dims(member=2),
}
# What has an answer after all: heatwaves are found whatever the cells are called, and figures
# of one place look at the strongest event of all of them.
FINE = {
    "no spatial dimension": OF_SERIES,
    "dimensions without coordinates": (
        "category_calendar", "category_share", "event_line", "flame", "lolliplot",
        "share_calendar",
    ),
    "a further dimension": (
        "category_calendar", "category_share", "event_line", "flame", "habitat_area",
        "lolliplot", "share_calendar",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    return ocean()


def test_the_table_is_complete() -> None:
    assert list(FIGURES) == list(cc.plot.__all__)
    assert list(FIGURES) == sorted(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("fault", BAD)
def test_one_typed_error(cube: xr.DataArray, name: str, fault: str) -> None:
    bad = BAD[fault](cube)
    if name in FINE.get(fault, ()):
        assert FIGURES[name](bad).has_data()
        return
    with pytest.raises(ClimcubeError) as caught:
        FIGURES[name](bad)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) > 15


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("given", ["text", None, 3.5])
def test_what_is_no_result_is_named(name: str, given: Any) -> None:
    with pytest.raises(ClimcubeError) as caught:
        getattr(cc.plot, name)(given)
    text = str(caught.value)
    assert "\n" not in text
    assert type(given).__name__ in text, text


@pytest.mark.parametrize("name", FIGURES)
def test_without_matplotlib_the_extra_is_named(
    cube: xr.DataArray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DependencyError, match=r"'matplotlib' is not installed.*climcube\[plots\]"):
        FIGURES[name](cube)


@pytest.mark.parametrize("name", MAPS)
def test_without_cartopy_the_extra_is_named_where_it_is_asked_for(
    cube: xr.DataArray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", None)
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
    with pytest.raises(DependencyError, match=r"'cartopy' is not installed.*climcube\[maps\]"):
        FIGURES[name](cube, projection="robinson")


@pytest.mark.parametrize("name", MAPS)
def test_an_unknown_projection(cube: xr.DataArray, name: str) -> None:
    with pytest.raises(ParameterError, match=r"unknown projection.*did you mean 'robinson'"):
        FIGURES[name](cube, projection="robinsin")
