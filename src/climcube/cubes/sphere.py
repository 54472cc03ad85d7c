"""Areas, places and distances on the sphere."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EARTH_RADIUS", "distances", "places", "polygon_areas", "unit_vectors"]

EARTH_RADIUS = 6_371_000.0  # metres, mean radius of the sphere

_NOWHERE = 1e-9  # of the weight: what is left when vectors cancel is rounding

Floats = npt.NDArray[np.float64]


def polygon_areas(latitude: npt.NDArray[Any], longitude: npt.NDArray[Any]) -> Floats:
    """Return the area in m2 of polygons whose corners lie along the last axis, in degrees.

    Edges are great circles. Each polygon is a fan of triangles with signed spherical excess
    (Eriksson 1990), so that it need not be convex and corners may coincide.
    """
    points = unit_vectors(np.asarray(latitude, "float64"), np.asarray(longitude, "float64"))
    origin = points[..., 0, :]
    total = np.zeros(points.shape[:-2])
    for i in range(1, points.shape[-2] - 1):
        total += _excess(origin, points[..., i, :], points[..., i + 1, :])
    areas: Floats = np.abs(total) * EARTH_RADIUS**2
    return areas


def _excess(a: Floats, b: Floats, c: Floats) -> Floats:
    # Corners are a small step apart: products of differences keep digits that a . (b x c) loses.
    volume = np.einsum("...i,...i", a, np.cross(b - a, c - a))
    dots = (np.einsum("...i,...i", p, q) for p, q in ((a, b), (b, c), (c, a)))
    excess: Floats = 2 * np.arctan2(volume, 1 + sum(dots))
    return excess


def unit_vectors(latitude: Floats, longitude: Floats) -> Floats:
    """Return points given in degrees as vectors of length one, along a new last axis."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    axes = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
    vectors: Floats = np.stack(axes, axis=-1)
    return vectors


def places(vectors: Floats, weight: Floats | float = 1.0) -> tuple[Floats, Floats]:
    """Return latitude and longitude in degrees (-180 to 180) of sums of weighted unit vectors.

    NaN where the vectors cancel: a belt around the globe has no centre in longitude.
    """
    x, y, z = np.moveaxis(vectors, -1, 0)
    across = np.hypot(x, y)
    least = _NOWHERE * np.asarray(weight)
    known = np.hypot(across, z) > least
    latitude = np.where(known, np.rad2deg(np.arctan2(z, across)), np.nan)
    longitude = np.where(known & (across > least), np.rad2deg(np.arctan2(y, x)), np.nan)
    return latitude, longitude


def distances(a: Floats, b: Floats) -> Floats:
    """Return the lengths in metres of the great circles between vectors of any length."""
    apart = np.linalg.norm(np.cross(a, b), axis=-1)
    along = np.einsum("...i,...i", a, b)
    metres: Floats = np.arctan2(apart, along) * EARTH_RADIUS
    return metres
