"""The cells around a point, the nearest first: which of them has a value shows when it is read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.cubes.sphere import EARTH_RADIUS, distances
from climcube.errors import ParameterError

__all__ = ["MOST", "cells_within"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST = 1000  # cells of one point
_DECIMALS = 6  # millimetres: rounding must not decide between cells that are as far away


def cells_within(centres: Floats, points: Floats, distance: float) -> tuple[Integers, Floats]:
    """Return the cells within a distance of each point, the nearest first, and how far they are.

    Parameters
    ----------
    centres, points
        Unit vectors, ``(cells, 3)`` and ``(points, 3)``.
    distance
        In km.

    Returns
    -------
    ndarray
        Numbers of cells, ``(points, most)``, and km, likewise; the nearest cell is there even
        if it is too far, else infinite distances fill the rows.

    Raises
    ------
    ParameterError
        More than `MOST` cells are that near to a point.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(centres)
    angle = min(distance * 1000 / EARTH_RADIUS, np.pi)
    reach = 2 * np.sin(angle / 2) * (1 + 1e-9)
    most = int(np.max(tree.query_ball_point(points, reach, return_length=True), initial=1))
    if most > MOST:
        raise ParameterError(
            "so many cells are near that the nearest with a value is not looked for",
            where=f"distance={distance:g}", expected=f"at most {MOST} cells within the distance",
            found=f"{most} around one observation", remedy="pass a smaller distance",
        )  # fmt: skip
    cells = np.asarray(tree.query(points, k=[*range(1, min(most, len(centres)) + 1)])[1])
    apart = distances(centres[cells], points[:, None]) / 1000
    order = _in_order(centres[cells], points, apart)
    cells, apart = (np.take_along_axis(a, order, axis=1) for a in (cells, apart))
    return cells, np.where(apart <= distance, apart, np.inf)


def _in_order(centres: Floats, points: Floats, apart: Floats) -> Integers:
    """Order cells by distance; of those as far away the northern, the eastern one first."""
    x, y, _ = points.T
    east = centres[..., 1] * x[:, None] - centres[..., 0] * y[:, None]
    keys = (-east, -centres[..., 2].round(_DECIMALS), apart.round(_DECIMALS))
    return np.asarray(np.lexsort(keys, axis=-1))
