"""What cannot be drawn is one typed error of one line, whatever the figure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ClimcubeError, DependencyError, ParameterError, UnitsError
from climcube.plots import style
from climcube.testing.laziness import no_compute
from tests.plots.gallery import FIGURES, MAPS, OF_SERIES, ocean


def _place(cube: xr.DataArray) -> xr.DataArray:
    best = cube.std("time").argmax(["lat", "lon"])
    return cube.isel(best)


def _lazily(name: str, cube: xr.DataArray) -> Callable[..., Any]:
    """Return what draws a figure of a lazy cube."""
    lazy = cube.chunk(lat=3, lon=6)
    return lambda **options: FIGURES[name](lazy, **options)


def _nameless(cube: xr.DataArray) -> xr.DataArray:
    return cube.drop_vars(["lat", "lon"]).rename(lat="y", lon="x")


BAD: dict[str, Callable[[xr.DataArray], Any]] = {
    "no spatial dimension": _place,
    "dimensions without coordinates": _nameless,
    "no cell": lambda cube: cube.isel(lat=slice(0, 0)),
    "no time": lambda cube: cube.isel(time=slice(0, 0)),
    "missing values only": lambda cube: cube * np.nan,
    "a further dimension": lambda cube: cube.expand_dims(member=2),
    "a dataset of two": lambda cube: xr.Dataset({"sst": cube, "ice": cube}),
    "units that are none": lambda cube: cube.assign_attrs(units="bananas"),
    "text for numbers": lambda cube: cube.astype(str),
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
    "units that are none": ("hovmoller", "map"),  # they do not reckon with them
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
    before = plt.get_fignums()
    with pytest.raises(ClimcubeError) as caught:
        FIGURES[name](bad)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) > 15
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", FIGURES)
def test_the_one_variable_of_a_dataset(cube: xr.DataArray, name: str) -> None:
    assert FIGURES[name](xr.Dataset({"sst": cube})).has_data()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("given", [xr.Dataset(), xr.Dataset({"a": ("x", [1.0])})])
def test_a_dataset_of_something_else(name: str, given: xr.Dataset) -> None:
    with pytest.raises(ClimcubeError) as caught:
        getattr(cc.plot, name)(given)
    assert "\n" not in str(caught.value)


def test_degrees_are_no_area(cube: xr.DataArray) -> None:
    with pytest.raises(UnitsError, match=r"no area to draw.*in km2, found units 'degC'"):
        cc.plot.habitat_area(_place(cube))


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
    lazy = _lazily(name, cube)
    for module in [m for m in sys.modules if m.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with (
        no_compute(),
        pytest.raises(DependencyError, match=r"'matplotlib' is not installed.*climcube\[plots\]"),
    ):
        lazy()


@pytest.mark.parametrize("name", MAPS)
def test_without_cartopy_the_extra_is_named_where_it_is_asked_for(
    cube: xr.DataArray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", None)
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
    lazy = _lazily(name, cube)
    with (
        no_compute(),
        pytest.raises(DependencyError, match=r"'cartopy' is not installed.*climcube\[maps\]"),
    ):
        lazy(projection="robinson")


@pytest.mark.parametrize("name", MAPS)
def test_without_cartopy_maps_are_longitude_by_latitude(
    cube: xr.DataArray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", None)
    monkeypatch.setitem(sys.modules, "cartopy.crs", None)
    assert FIGURES[name](cube).get_xlabel() == "Longitude"


def test_a_figure_that_fails_half_way_is_not_left_open(
    cube: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(style, "_in_notebook", lambda: True)
    monkeypatch.setattr("climcube.plots.maps.headline", fail)
    before = plt.get_fignums()
    with pytest.raises(MemoryError):
        cc.plot.map(cube)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", MAPS)
def test_an_unknown_projection(cube: xr.DataArray, name: str) -> None:
    with pytest.raises(ParameterError, match=r"unknown projection.*did you mean 'robinson'"):
        FIGURES[name](cube, projection="robinsin")
