"""Regions: either convention of longitude, the dateline, edges, and boxes that make no sense."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climcube.cubes.regions import REGIONS, Region, find_region, selected
from climcube.errors import ParameterError


@given(st.floats(-180, 179), st.floats(1, 360), st.floats(-720, 720), st.integers(-2, 2))
def test_longitudes_of_any_convention(west: float, width: float, point: float, turns: int) -> None:
    box = Region(west, west + width, -10, 10)
    moved = Region((west + 180) % 360 - 180, west + width, -10, 10) if width < 180 else box
    inside = bool(box.contains_longitude(point))
    assert bool(box.contains_longitude(point + 360 * turns)) == inside
    assert bool(moved.contains_longitude(point)) == inside
    ahead = (point - west) % 360
    if min(ahead, abs(ahead - width), 360 - ahead) > 1e-3:
        assert inside == (ahead <= width)


def test_nino34_in_both_conventions() -> None:
    box = REGIONS["nino34"]
    for shift in (0, -360):
        inside = box.contains_longitude(np.array([189.0, 190.0, 215.0, 240.0, 241.0]) + shift)
        assert inside.tolist() == [False, True, True, True, False]
    assert box.contains_latitude(np.array([-5.5, -5.0, 0, 5.0, np.nan])).tolist() == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_across_the_dateline_and_float32_edges() -> None:
    places = np.array([159.9, 160, 180, -170, 209, 211])
    inside = REGIONS["nino4"].contains_longitude(places)
    assert inside.tolist() == [False, True, True, True, True, False]
    edge = np.float32(10.1)
    assert Region(10.1, 20, 0, 1).contains_longitude(edge)
    assert Region(0, 10.1, 0, 1).contains_longitude(edge)
    assert not Region(0, 10.1, 0, 1).contains_longitude(np.nan)


def test_the_whole_globe() -> None:
    longitude = np.arange(-720, 720, 0.5)
    assert REGIONS["global"].contains_longitude(longitude).all()
    assert REGIONS["global"].contains(np.array([-90.0, 90.0]), np.array([0.0, 359.9])).all()


@pytest.mark.parametrize(
    "given_as",
    ["nino3", "NINO3", (-150, -90, -5, 5), [210, 270, -5, 5], {"lon": (-150, -90), "lat": (-5, 5)},
     {"west": -150, "east": -90, "south": -5, "north": 5}, np.array([-150.0, -90, -5, 5])],
)  # fmt: skip
def test_ways_to_name_a_region(given_as: object) -> None:
    box = find_region(given_as)
    assert (box.width, box.south, box.north) == (60, -5, 5)
    assert box.contains_longitude(np.array([209, 210, 270, 271])).tolist() == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("given_as", "message"),
    [
        ("nino", "unknown region .*did you mean 'nino"),
        ((0, 10, 20), "region not understood"),
        ((0, 10, "a", 20), "region not understood"),
        ((0, 10, 20, -20), "latitudes of the region are out of order"),
        ((-5, 5, 160, 210), "the order is .west, east, south, north."),
        ((0, 0, 0, 10), "no width"),
        ((0, 400, 0, 10), "more than a full circle"),
        ((0, np.nan, 0, 10), "region not understood"),
        ({"lon": (0, 10)}, "region not understood"),
        (7, "region not understood"),
    ],
)
def test_boxes_that_make_no_sense(given_as: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        find_region(given_as)
    assert "\n" not in str(caught.value)


def test_neighbouring_cells_are_a_slice() -> None:
    assert selected(np.array([False, True, True, False])) == slice(1, 3)
    places = selected(np.array([True, False, True]))
    assert isinstance(places, np.ndarray)
    assert places.tolist() == [0, 2]
