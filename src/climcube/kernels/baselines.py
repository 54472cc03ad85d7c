"""A baseline that moves: climatology and threshold once for each year of the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.heatwave import climatology

__all__ = ["shifting_climatology"]


def shifting_climatology(
    block: npt.NDArray[np.float64], *options: Any
) -> tuple[npt.NDArray[Any], ...]:
    """Return the tables of `climcube.kernels.heatwave.climatology`, one year behind the other.

    The last option holds the windows of each year, all others are those of that function.
    """
    *shared, windows = options
    # Each call works on its own copy: a kernel may overwrite the block that it is given.
    tables = [climatology(block.copy(), *shared, *own) for own in windows]
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*tables, strict=True))
