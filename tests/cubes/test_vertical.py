"""Levels: which dimension they are, and how thick."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climcube.cubes.vertical import is_vertical, level_depths, level_thickness
from climcube.errors import AxisError, UnitsError


def levels(values: list[float], dim: str = "depth", **attrs: str) -> xr.DataArray:
    return xr.DataArray(np.zeros(len(values)), {dim: (dim, values, attrs)}, [dim], name="t")


@pytest.mark.parametrize(
    ("dim", "attrs", "vertical"),
    [
        ("depth", {}, True), ("Lev", {}, True), ("st_ocean", {}, True), ("member", {}, False),
        ("k", {"axis": "Z"}, True), ("k", {"positive": "down"}, True),
        ("k", {"standard_name": "depth"}, True), ("k", {"units": "m"}, False),
    ],
)  # fmt: skip
def test_which_dimension_is_vertical(dim: str, attrs: dict[str, str], vertical: bool) -> None:
    assert is_vertical(levels([1, 2], dim, **attrs), dim) is vertical
    assert not is_vertical(levels([1, 2], "member").drop_vars("member"), "member")


@pytest.mark.parametrize(
    ("values", "units", "thickness"),
    [
        ([5, 15, 25], "m", [10, 10, 10]),
        ([0.005, 0.015, 0.035], "km", [10, 15, 20]),
        ([0, 10, 20], "metres", [5, 10, 10]),  # nothing above the surface
        ([-25, -15, -5], "m", [10, 10, 10]),
        ([25, 15, 5], "m", [10, 10, 10]),
        ([2, 10], "m", [6, 8]),
    ],
)
def test_thickness_between_midpoints(
    values: list[float], units: str, thickness: list[float]
) -> None:
    cube = levels(values, units=units)
    np.testing.assert_allclose(level_thickness(cube, cube, "depth"), thickness, rtol=1e-12)


def test_bounds_win() -> None:
    data = levels([5, 15], units="cm", bounds="edges").to_dataset()
    data["edges"] = (("depth", "n"), [[0, 8], [8, 30]])
    np.testing.assert_allclose(level_thickness(data, data.t, "depth"), [0.08, 0.22])
    np.testing.assert_allclose(level_depths(data.t, "depth"), [0.05, 0.15])


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(UnitsError, match="dbar"):
        level_depths(levels([5, 15], units="dbar"), "depth")
    with pytest.raises(AxisError, match="not in order"):
        level_depths(levels([5, 15, 10], units="m"), "depth")
    one = levels([5], units="m")
    with pytest.raises(AxisError, match="single level"):
        level_thickness(one, one, "depth")
    with pytest.raises(AxisError, match="in metres"):
        level_depths(levels([5, 15]).drop_vars("depth"), "depth")
