"""Where cells begin and end on a map: edges of rows and columns, corners of curved cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.area import bounds_of
from climcube.errors import AxisError

__all__ = ["cell_corners", "column_edges", "row_edges"]

_DECIMALS = 6  # a tenth of a metre; neighbours' edges must agree to be one line
_CORNER_DECIMALS = 4  # corners are often stored in single precision

Floats = npt.NDArray[np.float64]


def row_edges(given: Any, cube: xr.DataArray, name: str) -> Floats:
    """Return southern and northern edge of each cell of a 1-D latitude axis, ``(cells, 2)``."""
    edges = np.clip(_edges(given, cube, name, np.atleast_1d(cube[name].values)), -90, 90)
    return np.asarray(edges.round(_DECIMALS))


def column_edges(given: Any, cube: xr.DataArray, name: str) -> Floats:
    """Return western and eastern edge of each cell of a 1-D longitude axis, from -180 to 180.

    Where the dateline lies within a cell, its eastern edge has the smaller number.
    """
    values = np.unwrap(np.atleast_1d(cube[name].values).astype("float64"), period=360.0)
    edges = (_edges(given, cube, name, values) + 180).round(_DECIMALS) % 360 - 180
    edges[edges[:, 1] == -180, 1] = 180
    return edges.round(_DECIMALS)


def _edges(given: Any, cube: xr.DataArray, name: str, values: Floats) -> Floats:
    """Return lower and upper edges: from bounds, else mid-points; ends as far out as in."""
    bounds = bounds_of(given, cube, cube[name])
    if bounds is not None and cube[name].ndim == 1:
        edges = np.unwrap(np.asarray(bounds.values, "float64"), axis=1, period=360.0)
    elif len(values) < 2:
        edges = np.stack([values - 0.5, values + 0.5], axis=1)
    else:
        middle = (values[1:] + values[:-1]) / 2
        first, last = 2 * values[0] - middle[0], 2 * values[-1] - middle[-1]
        line = np.concatenate([[first], middle, [last]])
        edges = np.stack([line[:-1], line[1:]], axis=1)
    return np.sort(edges, axis=1)


def cell_corners(given: Any, cube: xr.DataArray, latitude: str, longitude: str) -> Floats:
    """Return the corners of the cells of a 2-D grid, ``(rows, columns, corners, 2)``: lon, lat.

    Longitudes of one cell are within 180 degrees of each other, so may be beyond 180.

    Raises
    ------
    AxisError
        The data set does not tell them.
    """
    found = []
    for name in (longitude, latitude):
        bounds = bounds_of(given, cube, cube[name])
        if bounds is None:
            raise AxisError(
                "the corners of the cells of this grid are not known",
                where=f"coordinate {name!r}", expected="bounds", found="none",
                remedy="pass the whole Dataset, with the bounds of its coordinates",
            )  # fmt: skip
        corners = bounds.transpose(*cube[latitude].dims, ...).values
        found.append(np.asarray(corners, "float64").round(_CORNER_DECIMALS))
    first = found[0][..., :1]
    found[0] = first + (found[0] - first + 180) % 360 - 180
    return np.stack(found, axis=-1)
