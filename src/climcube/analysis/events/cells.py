"""The coordinates of cells, as columns of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["CellLabels"]


@dataclass(frozen=True)
class CellLabels:
    """Coordinates of a cube's cells (1-D, 2-D, or plain numbers where there is none)."""

    coordinates: dict[str, tuple[tuple[int, ...], npt.NDArray[Any]]]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, cube: xr.DataArray, time: str) -> CellLabels:
        """Gather what belongs to cells; dimensions come first, in their order."""
        dims = [str(d) for d in cube.dims if d != time]
        places = {d: i for i, d in enumerate(dims)}
        names = [*(d for d in dims if d in cube.coords), *map(str, cube.coords)]
        coordinates: dict[str, tuple[tuple[int, ...], npt.NDArray[Any]]] = {}
        for name in dict.fromkeys(names):
            coordinate = cube[name]
            if coordinate.dims and all(d in places for d in coordinate.dims):
                along = tuple(places[str(d)] for d in coordinate.dims)
                coordinates[name] = (along, coordinate.values)
        for dim, place in places.items():
            coordinates.setdefault(dim, ((place,), np.arange(cube.sizes[dim])))
        return cls(coordinates, tuple(cube.sizes[d] for d in dims))

    def columns(self, cells: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """Return the coordinates of cells, given by their number in C order."""
        places = np.unravel_index(cells, self.shape) if self.shape else ()
        return {
            name: values[tuple(places[i] for i in along)]
            for name, (along, values) in self.coordinates.items()
        }
