"""Where observations lie on the grid of a cube: in which cells, and how far from their centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.matchup.cell_axis import CellAxis, Floats, Neighbours
from climcube.cubes.adjacency import axis_closes
from climcube.cubes.coordinates import SpatialAxes
from climcube.cubes.sphere import distances, unit_vectors
from climcube.errors import AxisError, ParameterError

__all__ = ["Horizontal", "locate"]

_POLE = 90.0
_CIRCLE = 360.0


@dataclass(frozen=True)
class Horizontal:
    """Where points lie on a horizontal grid.

    Attributes
    ----------
    neighbours
        Cells to take values from, along one dimension or more each.
    inside
        Which points lie in a cell of the grid, or within the distance asked for.
    distance
        To the centre of the nearest cell along great circles, in km.
    latitude, longitude
        Of that centre, as the cube has them.
    """

    neighbours: list[Neighbours]
    inside: npt.NDArray[np.bool_]
    distance: Floats
    latitude: Floats
    longitude: Floats


def locate(
    cube: xr.DataArray,
    axes: SpatialAxes,
    latitude: Floats,
    longitude: Floats,
    *,
    linear: bool,
    distance: float | None,
) -> Horizontal:
    """Find the cells of points given in degrees, in any convention of longitude.

    On 1-D axes a point belongs to the cell whose edges, half-way between centres, enclose it;
    on any other grid to the cell whose centre is nearest on the sphere.

    Raises
    ------
    AxisError
        Coordinates out of order, or without values.
    ParameterError
        Linear interpolation on a grid without 1-D axes; a grid that does not say how far its
        cells reach.
    """
    if set(cube[axes.latitude].dims) & set(cube[axes.longitude].dims):
        if linear:
            raise ParameterError(
                "linear interpolation in space needs 1-D latitude and longitude",
                where=f"variable {cube.name!r}",
                found=f"{axes.latitude!r} by {', '.join(map(str, cube[axes.latitude].dims))}",
                remedy="pass method='nearest', or "
                "method={'space': 'nearest', 'time': 'linear', 'depth': 'linear'}",
            )
        return _on_any_grid(cube, axes, latitude, longitude, distance)
    return _on_axes(cube, axes, latitude, longitude, linear, distance)


def _on_axes(
    cube: xr.DataArray, axes: SpatialAxes, latitude: Floats, longitude: Floats, linear: bool,
    distance: float | None,
) -> Horizontal:  # fmt: skip
    rows, columns = cube[axes.latitude], cube[axes.longitude]
    row_axis, column_axis = _rows(rows), _columns(columns)
    if distance is None and not (row_axis.known and column_axis.known):
        raise _unknown_reach(rows if not row_axis.known else columns)
    turned = _onto(column_axis, longitude)
    (row, in_row), (column, in_column) = row_axis.nearest(latitude), column_axis.nearest(turned)
    centre = (row_axis.centre[row], column_axis.centre[column])
    apart = distances(unit_vectors(*centre), unit_vectors(latitude, longitude)) / 1000
    return Horizontal(
        [
            row_axis.neighbours(latitude, _dim(rows), linear=linear),
            column_axis.neighbours(turned, _dim(columns), linear=linear),
        ],
        in_row & in_column if distance is None else apart <= distance,
        apart,
        centre[0],
        np.asarray(columns.values, "float64").reshape(-1)[column_axis.index[column]],
    )


def _dim(coordinate: xr.DataArray) -> str | None:
    return str(coordinate.dims[0]) if coordinate.ndim else None


def _rows(coordinate: xr.DataArray) -> CellAxis:
    values = np.asarray(coordinate.values, "float64").reshape(-1)
    step = np.diff(values)
    if not np.isfinite(values).all() or not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            "latitudes are not in order", where=f"coordinate {coordinate.name!r}",
            expected="strictly rising or falling, none missing",
            remedy=f"sort them: cube.sortby({coordinate.name!r})",
        )  # fmt: skip
    cells = CellAxis.of(values)
    if not cells.known:
        return cells
    low, high = np.maximum(cells.low, -_POLE), np.minimum(cells.high, _POLE)
    # The outermost rows reach the poles where no further row would fit.
    if low[0] + _POLE < cells.centre[1] - cells.centre[0]:
        low[0] = -_POLE
    if _POLE - high[-1] < cells.centre[-1] - cells.centre[-2]:
        high[-1] = _POLE
    return CellAxis(cells.centre, low, high, cells.index)


def _columns(coordinate: xr.DataArray) -> CellAxis:
    values = np.asarray(coordinate.values, "float64").reshape(-1)
    closed = axis_closes(values, str(coordinate.name))
    cells = CellAxis.of(np.unwrap(values, period=_CIRCLE))
    return cells.repeated(_CIRCLE) if closed else cells


def _onto(cells: CellAxis, longitude: Floats) -> Floats:
    """Return longitudes in the turn of the circle that a grid's are in."""
    ring = cells.high[-1] - cells.low[0] > _CIRCLE
    if ring:
        west = cells.low[1]  # of the first cell that is not repeated
        return np.asarray(west + (longitude - west) % _CIRCLE)
    middle = (cells.low[0] + cells.high[-1]) / 2
    return np.asarray(middle + ((longitude - middle + _CIRCLE / 2) % _CIRCLE - _CIRCLE / 2))


def _on_any_grid(
    cube: xr.DataArray, axes: SpatialAxes, latitude: Floats, longitude: Floats,
    distance: float | None,
) -> Horizontal:  # fmt: skip
    from scipy.spatial import cKDTree

    rows, columns = xr.broadcast(
        cube[axes.latitude].reset_coords(drop=True), cube[axes.longitude].reset_coords(drop=True)
    )
    if distance is None and rows.ndim < 2:
        raise _unknown_reach(cube[axes.latitude])
    degrees = [np.asarray(c.values, "float64").reshape(-1) for c in (rows, columns)]
    placed = np.flatnonzero(np.isfinite(degrees[0]) & np.isfinite(degrees[1]))
    if not len(placed):
        raise AxisError(
            "no cell of the cube has a place", where=f"coordinate {axes.latitude!r}",
            expected="degrees", found="nothing but missing values",
        )  # fmt: skip
    tree = cKDTree(unit_vectors(degrees[0][placed], degrees[1][placed]))
    points = unit_vectors(latitude, longitude)
    cell = placed[tree.query(points)[1]]
    apart = distances(unit_vectors(degrees[0][cell], degrees[1][cell]), points) / 1000
    index = np.unravel_index(cell, rows.shape)
    reach = _reach(rows.values, columns.values, index) if distance is None else distance
    taken = {str(d): i[:, None] for d, i in zip(rows.dims, index, strict=True)}
    return Horizontal(
        [Neighbours(taken, np.ones((len(cell), 1)))],
        apart <= reach, apart, degrees[0][cell], degrees[1][cell],
    )  # fmt: skip


def _reach(latitude: Any, longitude: Any, index: tuple[Any, ...]) -> Floats:
    """Return how far cells of a curvilinear grid reach at most, in km.

    Half the way to the neighbours in each direction: the corner of a cell is not further.
    """
    total = np.zeros(len(index[0]))
    here = unit_vectors(latitude[index], longitude[index])
    for axis, size in enumerate(latitude.shape):
        longest = np.zeros(len(total))
        for step in (-1, 1):
            beside = list(index)
            beside[axis] = np.clip(index[axis] + step, 0, size - 1)
            there = unit_vectors(latitude[tuple(beside)], longitude[tuple(beside)])
            longest = np.fmax(longest, distances(here, there))
        total += longest / 2000
    return total


def _unknown_reach(coordinate: xr.DataArray) -> ParameterError:
    return ParameterError(
        "how far the cells of the cube reach is not known",
        where=f"coordinate {coordinate.name!r}",
        expected="the largest distance between an observation and its cell",
        remedy="pass distance=..., in km",
    )
