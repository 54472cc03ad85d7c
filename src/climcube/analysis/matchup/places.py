"""Where observations lie on the grid of a cube: in which cells, and how far from their centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.matchup.candidates import cells_within
from climcube.analysis.matchup.cell_axis import CellAxis, Floats, Integers, Neighbours
from climcube.analysis.matchup.curved import surrounding
from climcube.cubes.adjacency import axis_closes, columns_close, require_known
from climcube.cubes.coordinates import SpatialAxes
from climcube.cubes.sphere import distances, unit_vectors
from climcube.errors import AxisError, ParameterError

__all__ = ["Candidates", "Horizontal", "locate"]

_POLE = 90.0
_CIRCLE = 360.0
_KM_PER_DEGREE = 111.19
_TRIED = 4  # cells nearest to a point, whose quadrilaterals are looked into
_LARGEST = 60_000_000  # cells of a grid that are put in order of distance: some 3 GB


@dataclass(frozen=True)
class Candidates:
    """The cells that a point may take its value from, the nearest first, ``(points, cells)``.

    Attributes
    ----------
    distance
        In km; infinite where there is none.
    latitude, longitude
        Of their centres, as the cube has them.
    """

    distance: Floats
    latitude: Floats
    longitude: Floats


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
    candidates
        Of the nearest cell that has a value: the last of the neighbours, in the same order.
    """

    neighbours: list[Neighbours]
    inside: npt.NDArray[np.bool_]
    distance: Floats
    latitude: Floats
    longitude: Floats
    candidates: Candidates | None = None


def locate(
    cube: xr.DataArray,
    axes: SpatialAxes,
    latitude: Floats,
    longitude: Floats,
    *,
    method: str,
    distance: float | None,
) -> Horizontal:
    """Find the cells of points given in degrees, in any convention of longitude.

    On 1-D axes a point belongs to the cell whose edges, half-way between centres, enclose it;
    on any other grid to the cell whose centre is nearest on the sphere. ``"linear"`` takes the
    four centres around it, ``"nearest_valid"`` all within the distance.

    Raises
    ------
    AxisError
        Coordinates out of order, or without values.
    ParameterError
        Linear interpolation on a grid without rows and columns; a grid that does not say how
        far its cells reach.
    """
    if method == "nearest_valid":
        return _nearest_valid(cube, axes, latitude, longitude, distance)
    linear = method == "linear"
    if not set(cube[axes.latitude].dims) & set(cube[axes.longitude].dims):
        return _on_axes(cube, axes, latitude, longitude, linear, distance)
    if linear and cube[axes.latitude].ndim != 2:
        raise ParameterError(
            "linear interpolation in space needs rows and columns of cells",
            where=f"variable {cube.name!r}",
            found=f"{axes.latitude!r} by {', '.join(map(str, cube[axes.latitude].dims))}",
            remedy="pass method='nearest', or "
            "method={'space': 'nearest', 'time': 'linear', 'depth': 'linear'}",
        )
    return _on_any_grid(cube, axes, latitude, longitude, distance, linear)


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
    require_known(values, str(coordinate.name), "latitude")
    step = np.diff(values)
    if not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            "latitudes are not in order", where=f"coordinate {coordinate.name!r}",
            expected="strictly rising or falling",
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
    distance: float | None, linear: bool,
) -> Horizontal:  # fmt: skip
    from scipy.spatial import cKDTree

    rows, columns = _everywhere(cube[axes.latitude], cube[axes.longitude])
    if distance is None and rows.ndim < 2:
        raise _unknown_reach(cube[axes.latitude])
    degrees = [np.asarray(c.values, "float64").reshape(-1) for c in (rows, columns)]
    placed = _placed(degrees, axes)
    tree = cKDTree(unit_vectors(degrees[0][placed], degrees[1][placed]))
    points = unit_vectors(latitude, longitude)
    nearest = placed[tree.query(points, k=[*range(1, min(_TRIED, len(placed)) + 1)])[1]]
    cell = nearest[:, 0]
    apart = distances(unit_vectors(degrees[0][cell], degrees[1][cell]), points) / 1000
    index = np.unravel_index(cell, rows.shape)
    reach = _reach(rows.values, columns.values, index) if distance is None else distance
    taken = [i[:, None] for i in index]
    shares = np.ones((len(cell), 1))
    if linear:
        centres = unit_vectors(*(d.reshape(rows.shape) for d in degrees))
        closes = _closes(rows.values, columns.values, axes.longitude)
        *taken, shares = surrounding(centres, points, nearest, closes=closes)
    return Horizontal(
        [Neighbours({str(d): i for d, i in zip(rows.dims, taken, strict=True)}, shares)],
        apart <= reach, apart, degrees[0][cell], degrees[1][cell],
    )  # fmt: skip


def _everywhere(latitude: xr.DataArray, longitude: xr.DataArray) -> Any:
    """Return latitude and longitude of every cell, both by all of their dimensions."""
    return xr.broadcast(latitude.reset_coords(drop=True), longitude.reset_coords(drop=True))


def _placed(degrees: list[Floats], axes: SpatialAxes) -> Integers:
    """Return the numbers of the cells whose place is known."""
    placed = np.flatnonzero(np.isfinite(degrees[0]) & np.isfinite(degrees[1]))
    if not len(placed):
        raise AxisError(
            "no cell of the cube has a place", where=f"coordinate {axes.latitude!r}",
            expected="degrees", found="nothing but missing values",
        )  # fmt: skip
    return placed


def _closes(latitude: Any, longitude: Any, name: str) -> bool:
    """Whether the columns of a 2-D grid join; columns that repeat others bridge the seam."""
    if latitude.shape[1] < 4:
        return False
    edges = [c[:, [0, 1, -2, -1]].astype("float64") for c in (latitude, longitude)]
    try:
        return columns_close(edges[0], edges[1], name)
    except AxisError:
        return False


def _nearest_valid(
    cube: xr.DataArray, axes: SpatialAxes, latitude: Floats, longitude: Floats,
    distance: float | None,
) -> Horizontal:  # fmt: skip
    if distance is None:
        raise ParameterError(
            "how far the nearest cell with a value may be is not said",
            where="method='nearest_valid'", expected="a distance in km",
            remedy="pass distance=..., for instance twice the width of a cell",
        )  # fmt: skip
    places, coordinates = {}, []
    for name, values in ((axes.latitude, latitude), (axes.longitude, longitude)):
        coordinate = cube[name]
        if coordinate.ndim == 1 and len(axes.dims) == 2:
            widest = np.abs(latitude).max() if name == axes.longitude else None
            near = _near(np.asarray(coordinate.values, "float64"), values, distance, widest)
            places[str(coordinate.dims[0])] = near
            coordinate = coordinate.isel({coordinate.dims[0]: near})
        coordinates.append(coordinate)
    rows, columns = _everywhere(*coordinates)
    _refuse_large(rows.size)
    degrees = [np.asarray(c.values, "float64").reshape(-1) for c in (rows, columns)]
    placed = _placed(degrees, axes)
    near, apart = cells_within(
        unit_vectors(degrees[0][placed], degrees[1][placed]),
        unit_vectors(latitude, longitude), distance,
    )  # fmt: skip
    cell = placed[near]
    index = dict(zip(map(str, rows.dims), np.unravel_index(cell, rows.shape), strict=True))
    index = {dim: places[dim][i] if dim in places else i for dim, i in index.items()}
    south, west = degrees[0][cell], degrees[1][cell]
    points = unit_vectors(latitude, longitude)
    return Horizontal(
        [Neighbours(index, np.isfinite(apart).astype("float64"))], np.isfinite(apart[:, 0]),
        distances(unit_vectors(south[:, 0], west[:, 0]), points) / 1000, south[:, 0], west[:, 0],
        Candidates(apart, south, west),
    )  # fmt: skip


def _refuse_large(cells: int) -> None:
    if cells > _LARGEST:
        raise ParameterError(
            "the grid is too large to look for the nearest cell with a value",
            where="method='nearest_valid'", expected=f"at most {_LARGEST:,} cells",
            found=f"{cells:,} around the observations",
            remedy="select a region or fewer observations, or pass method='nearest'",
        )  # fmt: skip


def _near(axis: Floats, wanted: Floats, distance: float, widest: float | None) -> Integers:
    """Return positions of an axis within a distance of any observation, at least one.

    ``widest`` is the latitude at which a degree of longitude, if it is one, is shortest.
    """
    reach, period = distance / _KM_PER_DEGREE * 1.01, np.inf
    if widest is not None:
        highest = min(_POLE, widest + reach)
        share = np.cos(np.deg2rad(highest))
        reach = reach / share if share * 180 > reach else 180.0
        period, axis, wanted = _CIRCLE, axis % _CIRCLE, wanted % _CIRCLE
    ordered = np.unique(wanted)
    if np.isfinite(period):
        ordered = np.concatenate([ordered[-1:] - period, ordered, ordered[:1] + period])
    after = np.clip(np.searchsorted(ordered, axis), 1, len(ordered) - 1)
    before = ordered[np.maximum(after - 1, 0)]
    apart = np.minimum(
        np.abs(axis - before), np.abs(ordered[np.minimum(after, len(ordered) - 1)] - axis)
    )
    found = np.flatnonzero(apart <= reach)
    return found if len(found) else np.array([np.argmin(apart)])


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
