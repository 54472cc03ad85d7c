"""What a reading task reads: the array in its store behind xarray's wrappers, and which part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.cubes.packing import Decoded

__all__ = ["Source", "source_of"]

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Part of an array in a Zarr store.

    Attributes
    ----------
    array
        Of Zarr.
    places
        What is read along each axis.
    decoded
        Bytes of one value as it is given out, where it is decoded on the way, else 0.
    """

    array: Any
    places: tuple[Places, ...]
    decoded: int = 0

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(len(places) for places in self.places)

    @property
    def token(self) -> Any:
        """What tells this part from others."""
        ends = tuple((int(p[0]), int(p[-1]), len(p)) if len(p) else () for p in self.places)
        return (id(self.array), ends)


def source_of(array: Any, index: Any = ()) -> Source | None:
    """Return what is read of an array-like that tasks index; ``None`` where that is not known."""
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
    places: list[Places | int] = [np.arange(n) for n in array.shape]
    for key in (*reversed(above), index if isinstance(index, tuple) else (index,)):
        if not _cut(places, key):
            return None
    whole = tuple(np.atleast_1d(np.asarray(p, "int64")) for p in places)
    return Source(array, whole, decoded)


def _is_zarr(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] == "zarr" and hasattr(array, "chunks")


def _cut(places: list[Places | int], key: Sequence[Any]) -> bool:
    """Apply an index to the axes that are left; False where it takes single points out."""
    axes = [i for i, here in enumerate(places) if not isinstance(here, int)]
    if len(key) > len(axes):
        return False
    for axis, one in zip(axes, key, strict=False):
        here: Any = places[axis]
        if isinstance(one, slice):
            places[axis] = here[one]
        elif np.ndim(one) == 0:
            places[axis] = int(here[int(one)])
        elif np.ndim(one) == 1:
            places[axis] = here[np.asarray(one)]
        else:
            return False
    return True
