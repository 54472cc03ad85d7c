"""The days on which a series lies beyond a second limit, minding gaps to fill and ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.runs import fill_gaps

__all__ = ["beyond"]


def beyond(
    block: npt.NDArray[np.float64],
    limit: npt.NDArray[np.float64] | float,
    days: npt.NDArray[np.int64],
    max_pad: int,
    sign: float,
    ties: float,
) -> tuple[npt.NDArray[Any]]:
    """Return whether each sample lies strictly above the limit (below it where ``sign`` is -1).

    Gaps of at most ``max_pad`` days are interpolated first. A value that differs from the limit
    by less than ``ties`` times the limit is equal to it; a missing one lies beyond nothing.
    """
    fill_gaps(block, days, max_pad)
    margin = limit + sign * ties * np.abs(limit)
    return (block > margin if sign > 0 else block < margin,)
