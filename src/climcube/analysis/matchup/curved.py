"""Linear interpolation between the centres of a curved grid: which four, and their shares.

A point lies in one of the quadrilaterals that four neighbouring centres span. Seen in the plane
that touches the sphere at the point, with great circles as straight lines (the gnomonic
projection), the shares are those of bilinear interpolation: the s and t in 0..1 with

    point = (1-s)(1-t) A + s (1-t) B + s t C + (1-s) t D

found by Newton's method. Poles and seams of longitude are places like any other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["quadrilateral_shares", "surrounding"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_STEPS = 12  # of Newton's method; a convex quadrilateral needs about five
_EDGE = 1e-7  # of a side: a point on the line between two quadrilaterals is in one of them
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))  # rows and columns from a quadrilateral's first cell
_NEAR = ((-1, -1), (-1, 0), (0, -1), (0, 0))  # quadrilaterals that have a cell as corner


def surrounding(
    centres: Floats, points: Floats, nearest: Integers, *, closes: bool
) -> tuple[Integers, Integers, Floats]:
    """Return rows, columns and shares of the four centres around each point.

    Parameters
    ----------
    centres
        Unit vectors, ``(rows, columns, 3)``; NaN where a cell has no place.
    points
        Unit vectors, ``(points, 3)``.
    nearest
        Flat numbers of the nearest cells of each point, ``(points, k)``, the nearest first: the
        quadrilaterals that have one of them as a corner are tried.
    closes
        Whether the last column has the first as its neighbour.

    Returns
    -------
    ndarray
        Three times ``(points, 4)``. A point in none of the quadrilaterals has all of the share
        at its nearest cell.
    """
    rows, columns = centres.shape[:2]
    own_row, own_column = np.divmod(nearest[:, 0], columns)
    found_row = np.repeat(own_row[:, None], 4, axis=1)
    found_column = np.repeat(own_column[:, None], 4, axis=1)
    shares = np.zeros((len(points), 4))
    shares[:, 0] = 1.0
    left = np.arange(len(points))
    for cell in nearest.T:
        for down, right in _NEAR:
            row, column = np.divmod(cell[left], columns)
            row, column = row + down, column + right
            fits = (row >= 0) & (row < rows - 1)
            fits &= closes | ((column >= 0) & (column < columns - 1))
            tried = left[fits]
            index = [
                (row[fits] + i, (column[fits] + j) % columns) for i, j in _CORNERS
            ]  # fmt: skip
            corners = np.stack([centres[pair] for pair in index], axis=1)
            share = quadrilateral_shares(corners, points[tried])
            inside = np.isfinite(share).all(axis=1)
            done = tried[inside]
            found_row[done] = np.stack([r for r, _ in index], axis=1)[inside]
            found_column[done] = np.stack([c for _, c in index], axis=1)[inside]
            shares[done] = share[inside]
            left = np.setdiff1d(left, done, assume_unique=True)
    return found_row, found_column, shares


def quadrilateral_shares(corners: Floats, points: Floats) -> Floats:
    """Return bilinear shares of four corners, ``(n, 4)``; NaN where a point is not within them.

    ``corners`` are unit vectors in order around each quadrilateral, ``(n, 4, 3)``.
    """
    a, b, c, d = np.moveaxis(_in_the_plane(corners, points), 1, 0)
    along, across, twist = b - a, d - a, a - b + c - d
    place = np.full((len(points), 2), 0.5)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(_STEPS):
            s, t = place[:, :1], place[:, 1:]
            miss = a + s * along + t * across + s * t * twist
            of_s, of_t = along + t * twist, across + s * twist
            area = of_s[:, 0] * of_t[:, 1] - of_s[:, 1] * of_t[:, 0]
            place = place - np.stack(
                [
                    (miss[:, 0] * of_t[:, 1] - miss[:, 1] * of_t[:, 0]) / area,
                    (of_s[:, 0] * miss[:, 1] - of_s[:, 1] * miss[:, 0]) / area,
                ],
                axis=1,
            )
        s, t = place[:, :1], place[:, 1:]
        miss = np.abs(a + s * along + t * across + s * t * twist).max(axis=1)
        size = np.abs(np.stack([along, across])).max(axis=(0, 2))
        inside = ((place >= -_EDGE) & (place <= 1 + _EDGE)).all(axis=1) & (miss <= _EDGE * size)
    s, t = np.clip(place.T, 0.0, 1.0)
    shares = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], axis=1)
    return np.where(inside[:, None], shares, np.nan)


def _in_the_plane(vectors: Floats, points: Floats) -> Floats:
    """Return vectors, ``(n, 4, 3)``, in the tangent plane of each point, ``(n, 4, 2)``."""
    axis = np.eye(3)[np.abs(points).argmin(axis=1)]  # any that is not along the point
    first = np.cross(points, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(points, first)
    height = np.einsum("nki,ni->nk", vectors, points)
    with np.errstate(invalid="ignore", divide="ignore"):
        height = np.where(height > 0, height, np.nan)  # no plane shows the other side
        plane = np.stack(
            [np.einsum("nki,ni->nk", vectors, side) / height for side in (first, second)], axis=-1
        )
    return np.asarray(plane)
