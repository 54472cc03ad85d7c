"""The spatial gradient of a field from 3x3 neighbourhoods, and how fast its isolines move.

Every pair of neighbours within the 3x3 cells around a cell tells the slope along the line that
joins them. Pairs that include the cell weigh 2, pairs at the rim weigh 1 (Burrows et al. 2011),
and the gradient is what fits the slopes best: the g that makes sum(w (slope - g . direction)^2)
least. On a grid of meridians and parallels that is the weighted mean of the six pairs along each
axis; on a curved grid it stays true to the local distances and directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KM_PER_DEGREE", "gradient", "motion"]

Floats = npt.NDArray[np.float64]
Corner = tuple[int, int]
Steps = Callable[[Corner, Corner], tuple[Floats, Floats]]

KM_PER_DEGREE = 111.325  # of a meridian, and of the equator
_NO_LENGTH = 1e-6  # km; the cells of a row at the pole are all at one place
_ONE_LINE = 1e-9  # determinant over its largest possible value: all pairs lie along one line
_STEP = 1.5  # columns; neighbours are one apart
_CENTRE = (1, 1)


def gradient(
    field: Floats, latitude: Floats, longitude: Floats, column: Floats, *, closes: Any, curved: bool
) -> Floats:
    """Return the eastward and northward gradient per km, along a new first axis.

    Parameters
    ----------
    field
        ``(..., rows + 2, columns + 2)``: values with a rim of neighbours, NaN where there is
        none or the value is missing.
    latitude, longitude
        Degrees, ``(rows + 2, columns + 2)``, or with length 1 along an axis without change.
    column
        Number of each column, likewise; the rim of the first column may be the last one.
    closes
        Whether the last column does touch the first.
    curved
        Whether distances are those of the sphere; else along meridians and parallels.

    Returns
    -------
    ndarray
        ``(2, ..., rows, columns)``. NaN where the cell is missing, or has no pair; where
        all its pairs lie along one line, the component across that line is 0.
    """
    shape = field.shape[-2:]
    latitude, longitude, column = (np.broadcast_to(a, shape) for a in (latitude, longitude, column))
    steps = _on_the_sphere(latitude, longitude) if curved else _along_axes(latitude, longitude)
    centre = _moved(field, _CENTRE)
    sums = np.zeros((5, *centre.shape))
    for first, second, weight in _pairs():
        east, north = steps(first, second)
        length = np.sqrt(east**2 + north**2)
        known = length > _NO_LENGTH
        for corner in (first, second):
            known &= _near(column, corner) | bool(closes)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (_moved(field, second) - _moved(field, first)) / length
            east, north = east / length, north / length
        own = np.where(known & np.isfinite(slope), weight, 0.0)
        slope, east, north = (np.where(own > 0, v, 0.0) for v in (slope, east, north))
        terms = (east * east, east * north, north * north, slope * east, slope * north)
        for total, term in zip(sums, terms, strict=True):
            total += own * term
    found = _solved(sums)
    found[:, np.isnan(centre)] = np.nan
    return found


def motion(
    east: Floats, north: Floats, trend: Floats, *, floor: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return velocity, magnitude of the gradient, direction, and the velocity's two components.

    Isolines move down the gradient where values rise, up the gradient where they fall. The
    direction (degrees clockwise from north) and the components are NaN where there is no
    gradient; where nothing moves the components are 0 and the direction is NaN.
    """
    size = np.hypot(east, north)
    speed = trend / np.maximum(size, floor)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = -speed * east / size, -speed * north / size
    direction = np.rad2deg(np.arctan2(x, y)) % 360.0
    direction = np.where(direction == 360.0, 0.0, direction)  # a hair west of north, rounded
    direction = np.where((x == 0) & (y == 0), np.nan, direction)
    return speed, size, direction, x + 0.0, y + 0.0  # without negative zeros


def _pairs() -> Iterator[tuple[Corner, Corner, float]]:
    """Yield the twelve pairs of neighbours along rows and columns of a 3x3 window."""
    for line in range(3):
        weight = 2.0 if line == 1 else 1.0
        for start in range(2):
            yield (line, start), (line, start + 1), weight
            yield (start, line), (start + 1, line), weight


def _moved(padded: Floats, corner: Corner) -> Floats:
    """Return, for every cell, its neighbour at a place of the 3x3 window."""
    row, column = corner
    rows, columns = padded.shape[-2] - 2, padded.shape[-1] - 2
    return padded[..., row : row + rows, column : column + columns]


def _near(column: Floats, corner: Corner) -> npt.NDArray[np.bool_]:
    apart = np.abs(_moved(column, corner) - _moved(column, _CENTRE))
    return np.asarray(~(apart > _STEP))  # beyond the rim there is no number, and no value either


def _along_axes(latitude: Floats, longitude: Floats) -> Steps:
    def steps(first: Corner, second: Corner) -> tuple[Floats, Floats]:
        south, north = _moved(latitude, first), _moved(latitude, second)
        turn = _moved(longitude, second) - _moved(longitude, first)
        turn = (turn + 180.0) % 360.0 - 180.0
        middle = np.deg2rad((south + north) / 2)
        return turn * np.cos(middle) * KM_PER_DEGREE, (north - south) * KM_PER_DEGREE

    return steps


def _on_the_sphere(latitude: Floats, longitude: Floats) -> Steps:
    """Return steps between neighbours as seen from the cell: along its own east and north."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    place = [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)]
    phi, lam = _moved(phi, _CENTRE), _moved(lam, _CENTRE)
    to_east = (-np.sin(lam), np.cos(lam), np.zeros_like(lam))
    to_north = (-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi))
    radius = KM_PER_DEGREE * 180 / np.pi

    def steps(first: Corner, second: Corner) -> tuple[Floats, Floats]:
        apart = [_moved(p, second) - _moved(p, first) for p in place]
        east, north = (
            radius * sum((a * b for a, b in zip(apart, axis, strict=True)), np.zeros_like(lam))
            for axis in (to_east, to_north)
        )
        return east, north

    return steps


def _solved(sums: Floats) -> Floats:
    """Return the gradient from the sums of squares and products of the pairs."""
    ee, en, nn, se, sn = sums
    weight = ee + nn
    determinant = ee * nn - en**2
    with np.errstate(invalid="ignore", divide="ignore"):
        across = np.stack([nn * se - en * sn, ee * sn - en * se]) / determinant
        along = np.stack([se, sn]) / weight
    found: Floats = np.where(determinant > _ONE_LINE * weight**2, across, along)
    return found
