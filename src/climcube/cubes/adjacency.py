"""Whether the last column of a grid touches the first: a ring around the globe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.cubes.sphere import distances, unit_vectors
from climcube.errors import AxisError

__all__ = ["axis_closes", "columns_close", "require_known"]

_TOUCHING = 1.5  # steps between centres; two would leave out a column
_REPEATED = 0.5

Floats = npt.NDArray[np.float64]


def axis_closes(longitude: npt.NDArray[np.generic], name: str) -> bool:
    """Whether the last of the longitudes of a 1-D axis, in order, has the first as neighbour.

    Raises
    ------
    AxisError
        They are missing, out of order, or the last repeats the first.
    """
    require_known(np.asarray(longitude, "float64"), name, "longitude")
    values = np.unwrap(np.asarray(longitude, "float64"), period=360.0)
    step = np.diff(values)
    if not ((step > 0).all() or (step < 0).all()):
        raise AxisError(
            "longitudes are not in order", where=name, expected="strictly rising or falling",
            remedy=f"sort them: cube.sortby({name!r})",
        )  # fmt: skip
    if len(values) < 3:
        return False
    left = (360.0 - abs(values[-1] - values[0])) / max(abs(step[0]), abs(step[-1]))
    _refuse_repeated(left < _REPEATED, name)
    return bool(left < _TOUCHING)


def require_known(values: Floats, name: str, kind: str) -> None:
    """Refuse an axis that has missing values: sorting would not help.

    Raises
    ------
    AxisError
        It has.
    """
    missing = ~np.isfinite(values)
    if missing.any():
        raise AxisError(
            f"{kind} has missing values", where=name, expected="finite degrees",
            found=f"{int(missing.sum())} of {missing.size} missing",
            remedy="correct the coordinate",
        )  # fmt: skip


def columns_close(latitude: Floats, longitude: Floats, name: str) -> bool:
    """Do the same for a 2-D grid, given its first two and last two columns, ``(rows, 4)``.

    Most rows must agree: the columns of a grid with displaced poles draw near in some.
    """
    known = np.isfinite(latitude).all(axis=1) & np.isfinite(longitude).all(axis=1)
    if not known.any():
        return False
    first, second, before, last = np.moveaxis(unit_vectors(latitude[known], longitude[known]), 1, 0)
    step = np.maximum(distances(first, second), distances(before, last))
    around = distances(last, first)
    repeated = np.minimum(around, distances(before, first)) < _REPEATED * step
    _refuse_repeated(bool(repeated.mean() > 0.5), name)
    return bool((around < _TOUCHING * step).mean() > 0.5)


def _refuse_repeated(repeated: bool, name: str) -> None:
    if repeated:
        raise AxisError(
            "the last columns of the grid repeat the first", where=f"coordinate {name!r}",
            expected="each cell once",
            remedy="drop them: cube.isel(lon=slice(None, -1)), if it is one",
        )  # fmt: skip
