"""What reading stretches of netCDF files takes: requests are not known, sizes are."""

from __future__ import annotations

from typing import Any

import numpy as np

from climcube.cubes.pieces import read_stretches
from climcube.lift.costs import Cost, Outline, costs

__all__: list[str] = []

_RAW = 2  # values as stored and decoded, while those of one file become the type asked for


def _cost(
    parts: tuple[tuple[Any, int, int], ...],
    name: str,
    axis: int,
    key: tuple[slice, ...],
    dtype: Any,
    options: Any,
) -> Cost:
    """Return what a task takes: its files one after the other, then all of them as one."""
    steps = [stop - start for _, start, stop in parts]
    sizes = [len(range(one.start or 0, one.stop or 0, one.step or 1)) for one in key]
    sizes[axis] = sum(steps)
    result = Outline(tuple(sizes), np.dtype(dtype))
    longest = result.nbytes * max(steps) // max(1, sum(steps))
    return Cost(result, _RAW * longest + (result.nbytes if len(steps) > 1 else 0))


costs(_cost)(read_stretches)
