"""What the dimensions of a cube are that observations are held beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dask
import numpy as np
import xarray as xr

from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import SpatialAxes, find_spatial, find_time, is_dated
from climcube.cubes.vertical import is_vertical, level_depths
from climcube.errors import CubeError

__all__ = ["Layout"]

_UPWARDS = ("height", "altitude")
_DECIBARS = ("dbar", "decibar", "decibars")


@dataclass(frozen=True)
class Layout:
    """A cube and the meaning of its dimensions.

    Attributes
    ----------
    cube
        With its time as a dimension, if it has one.
    axes
        Latitude and longitude.
    time
        The time dimension; ``None`` for a cube of no time (a climatological map).
    vertical
        The coordinate of its levels, or of its one level; ``None`` for one at the surface.
    """

    cube: xr.DataArray
    axes: SpatialAxes
    time: str | None
    vertical: str | None

    @classmethod
    def of(cls, cube: xr.DataArray) -> Layout:
        """Find out what the dimensions of a cube are.

        Raises
        ------
        AxisError
            No latitude or longitude.
        CubeError
            A dimension is neither time, depth, latitude nor longitude.
        """
        axes = find_spatial(cube)
        dated = [str(c) for c in cube.coords if cube[c].dims in ((), (c,)) and is_dated(cube[c])]
        times = [c for c in dated if c in cube.dims] or [c for c in dated if c == "time"]
        time = times[0] if len(times) == 1 else None
        if time is not None and time not in cube.dims:
            cube = cube.expand_dims(time)
        upright = [
            str(c) for c in cube.coords
            if c not in (time, axes.latitude, axes.longitude)
            and cube[c].dims in ((), (c,)) and is_vertical(cube, str(c))
        ]  # fmt: skip
        vertical = next((c for c in upright if c in cube.dims), upright[0] if upright else None)
        known = (time, vertical, *axes.dims)
        strange = [str(d) for d in cube.dims if d not in known and cube.sizes[d] != 1]
        if "time" in strange or any(cube[d].attrs.get("axis") == "T" for d in strange):
            find_time(cube)  # says what is the matter with it
        if strange:
            raise CubeError(
                "matchup knows time, depth, latitude and longitude",
                where=f"dimension {strange[0]!r}",
                remedy=f"select one: cube.isel({strange[0]}=0), or, if it is depth, set "
                f"cube[{strange[0]!r}].attrs['axis'] = 'Z'",
            )
        return cls(
            _with_places(cube, (axes.latitude, axes.longitude, vertical)), axes, time, vertical
        )

    @property
    def in_pressure(self) -> bool:
        """Whether levels are given in dbar."""
        return (
            self.vertical is not None
            and str(self.cube[self.vertical].attrs.get("units", "")).lower() in _DECIBARS
        )

    def levels(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
        """Return depth in m, positive downwards (or pressure in dbar), and the sign it took."""
        name = str(self.vertical)
        coordinate = self.cube[name]
        if self.in_pressure:
            return np.asarray(coordinate.values, "float64").reshape(-1), 1.0
        held = self.cube if coordinate.ndim else coordinate.expand_dims(name)
        values = level_depths(held, name)
        positive = str(coordinate.attrs.get("positive", "")).lower()
        standard = coordinate.attrs.get("standard_name")
        upwards = positive == "up" or (
            positive != "down"
            and (standard in _UPWARDS or name in _UPWARDS or ((values <= 0).all() and values.any()))
        )
        return (-values, -1.0) if upwards else (values, 1.0)


def _with_places(cube: xr.DataArray, names: Sequence[str | None]) -> xr.DataArray:
    """Return the cube with coordinates that say where cells are in memory, lazy ones read once.

    Which chunks of the cube are needed is known from them alone, and whether any is.
    """
    lazy = [name for name in names if name is not None and is_lazy(cube[name])]
    read = dask.compute(*(cube[name].variable for name in lazy))
    return cube.assign_coords(dict(zip(lazy, read, strict=True)))
