"""Cells of any grid on a picture of equal pixels, as browsers draw pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.plots.geography import MapGrid

__all__ = ["Raster"]

_MOST = 2000  # pixels along one side
_EVEN = 0.01  # share of a step by which edges may be off and still count as equal


@dataclass(frozen=True)
class Raster:
    """Where the cells of a cube lie on a picture whose pixels are all of one size.

    Attributes
    ----------
    west, east, south, north
        Edges of the picture in degrees; longitudes are continuous, and may exceed 180 or 360.
    """

    west: float
    east: float
    south: float
    north: float
    _grid: MapGrid
    _rows: npt.NDArray[np.int64]
    _columns: npt.NDArray[np.int64]

    @classmethod
    def of(cls, cube: xr.DataArray) -> Raster:
        """Look at the coordinates of a cube; values are not touched."""
        grid = MapGrid.of(cube)
        x, y = grid.x_edges, grid.y_edges
        return cls(
            float(x[0]), float(x[-1]), float(y[0]), float(y[-1]), grid, _pixels(y), _pixels(x)
        )

    @property
    def dims(self) -> tuple[str, ...]:
        """The cube's horizontal dimensions, in the order that `picture` takes."""
        return self._grid.dims

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return len(self._rows), len(self._columns)

    def picture(self, cells: npt.NDArray[Any], outside: Any) -> npt.NDArray[Any]:
        """Turn values of all cells, by `dims`, into pixels from south to north.

        ``outside`` is what a pixel gets that no cell is near.
        """
        labelled = self._grid.thin(xr.DataArray(cells, dims=self._grid.dims))
        drawn = self._grid.picture(labelled)
        if drawn.dtype != cells.dtype:  # scattered cells: NaN where there is none
            drawn = np.where(np.isnan(drawn), outside, drawn).astype(cells.dtype)
        return np.ascontiguousarray(drawn[np.ix_(self._rows, self._columns)])


def _pixels(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the cell of each pixel: one each where cells are alike, else pixels as small."""
    steps = np.diff(edges)
    span = float(edges[-1] - edges[0])
    if np.ptp(steps) <= _EVEN * float(steps.max()):
        return np.arange(len(steps))
    count = int(min(_MOST, np.ceil(span / max(float(steps.min()), span / _MOST))))
    centres = edges[0] + (np.arange(count) + 0.5) * span / count
    cells = np.searchsorted(edges, centres, "right") - 1
    return np.asarray(np.clip(cells, 0, len(steps) - 1), "int64")
