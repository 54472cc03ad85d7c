"""Vectors, places and distances on the sphere."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from climcube.cubes.sphere import EARTH_RADIUS, distances, places, unit_vectors

LATITUDE, LONGITUDE = st.floats(-89.9, 89.9), st.floats(-179.9, 180)


@given(LATITUDE, LONGITUDE, st.floats(1e-6, 1e12))
def test_places_undo_vectors(lat: float, lon: float, weight: float) -> None:
    vector = unit_vectors(np.array([lat]), np.array([lon]))
    assert np.isclose(np.linalg.norm(vector), 1)
    found = places(vector * weight, weight)
    np.testing.assert_allclose(np.ravel(found), [lat, lon], atol=1e-6)


@given(LATITUDE, LONGITUDE, LATITUDE, LONGITUDE)
def test_distances_are_great_circles(a: float, b: float, c: float, d: float) -> None:
    one, other = (
        unit_vectors(np.array([a]), np.array([b])),
        unit_vectors(np.array([c]), np.array([d])),
    )
    half = np.sin(np.deg2rad([c - a, d - b]) / 2) ** 2
    haversine = half[0] + np.cos(np.deg2rad(a)) * np.cos(np.deg2rad(c)) * half[1]
    expected = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(min(1.0, haversine)))
    np.testing.assert_allclose(distances(one, other * 7), expected, rtol=1e-5, atol=0.5)


def test_what_cancels_is_nowhere() -> None:
    ring = unit_vectors(np.zeros(4), np.array([0.0, 90, 180, 270])).sum(axis=0)
    assert np.isnan(places(ring[None], np.array([4.0]))).all()
    north = unit_vectors(np.full(4, 60.0), np.array([0.0, 90, 180, 270])).sum(axis=0)
    lat, lon = places(north[None], np.array([4.0]))
    assert lat[0] == 90
    assert np.isnan(lon[0])
