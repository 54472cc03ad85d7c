"""What a reading task reads: the array in its store behind xarray's wrappers, and which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.cubes.packing import Decoded
from climcube.planning.costs.grids import Grid, Touched

__all__ = ["Along", "Source", "source_of"]

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Along:
    """What is read along one axis.

    Attributes
    ----------
    count
        Number of places.
    ends
        The first of them, and the last; nothing where there is none.
    touched
        Objects that hold them, and their chunks that are read.
    """

    count: int
    ends: tuple[int, ...]
    touched: Touched


class Source:
    """What an array-like shows of an array in a Zarr store.

    Parameters
    ----------
    array
        Of Zarr.
    shown
        Places along each axis of that; a single one where the axis is gone.
    decoded
        Bytes of one value as it is given out, where it is decoded on the way, else 0.
    grid
        How the array is cut.
    """

    def __init__(self, array: Any, shown: list[Places | int], decoded: int, grid: Grid) -> None:
        self.array, self.decoded, self.grid = array, decoded, grid
        self._shown = shown
        self._axes = [axis for axis, here in enumerate(shown) if not isinstance(here, int)]
        self._known: dict[tuple[int, slice | None], Along] = {}

    def part(self, index: Any) -> tuple[Along, ...] | None:
        """Return what an index takes along each axis; ``None`` where it takes single points."""
        key = index if isinstance(index, tuple) else (index,)
        if len(key) > len(self._axes) or any(_odd(one) for one in key):
            return None
        taken = dict(zip(self._axes, key, strict=False))
        return tuple(self._along(axis, taken.get(axis)) for axis in range(len(self._shown)))

    def _along(self, axis: int, one: Any) -> Along:
        """Return what is taken of an axis; tiles side by side ask for the same again."""
        if one is not None and not isinstance(one, slice):
            return self._touched(axis, one)
        known = self._known.get((axis, one))
        if known is None:
            known = self._known[axis, one] = self._touched(axis, one)
        return known

    def _touched(self, axis: int, one: Any) -> Along:
        here: Any = np.atleast_1d(np.asarray(self._shown[axis], "int64"))
        if one is not None:
            here = np.atleast_1d(here[one if isinstance(one, slice) else np.asarray(one)])
        ends = (int(here[0]), int(here[-1])) if len(here) else ()
        return Along(len(here), ends, self.grid.touched(axis, here))


def source_of(array: Any, grid_of: Any) -> Source | None:
    """Return what is behind an array-like that tasks index; ``None`` where that is not known."""
    above: list[Any] = []
    decoded = 0
    while not _is_zarr(array):
        if isinstance(array, Decoded):
            decoded = array.dtype.itemsize
        key = getattr(array, "key", None)
        if key is not None and hasattr(key, "tuple"):
            above.append(key.tuple)
        inner = getattr(array, "array", None)
        if inner is None:
            inner = getattr(array, "_array", None)
        if inner is None:
            return None
        array = inner
    shown: list[Places | int] = [np.arange(n) for n in array.shape]
    for key in reversed(above):
        if not _cut(shown, key):
            return None
    return Source(array, shown, decoded, grid_of(array))


def _is_zarr(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] == "zarr" and hasattr(array, "chunks")


def _cut(shown: list[Places | int], key: tuple[Any, ...]) -> bool:
    """Apply an index to the axes that are left; False where it takes single points out."""
    axes = [i for i, here in enumerate(shown) if not isinstance(here, int)]
    if len(key) > len(axes) or any(_odd(one) for one in key):
        return False
    for axis, one in zip(axes, key, strict=False):
        here: Any = shown[axis]
        if isinstance(one, slice):
            shown[axis] = here[one]
        else:
            shown[axis] = int(here[int(one)]) if np.ndim(one) == 0 else here[np.asarray(one)]
    return True


def _odd(one: Any) -> bool:
    """Whether that is neither a slice, nor a number, nor a list of numbers."""
    if isinstance(one, slice):
        return False
    return not isinstance(one, int | np.integer | list | np.ndarray) or np.ndim(one) > 1
