"""Areas on the sphere."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EARTH_RADIUS", "polygon_areas"]

EARTH_RADIUS = 6_371_000.0  # metres, mean radius of the sphere

Floats = npt.NDArray[np.float64]


def polygon_areas(latitude: npt.NDArray[Any], longitude: npt.NDArray[Any]) -> Floats:
    """Return the area in m2 of polygons whose corners lie along the last axis, in degrees.

    Edges are great circles. Each polygon is a fan of triangles with signed spherical excess
    (Eriksson 1990), so that it need not be convex and corners may coincide.
    """
    points = _unit_vectors(np.asarray(latitude, "float64"), np.asarray(longitude, "float64"))
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


def _unit_vectors(latitude: Floats, longitude: Floats) -> Floats:
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    axes = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
    vectors: Floats = np.stack(axes, axis=-1)
    return vectors
