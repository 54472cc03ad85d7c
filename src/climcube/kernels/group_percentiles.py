"""Percentiles of groups of samples: of days of year with their windows, months, a whole record."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.groups import Finish, refine
from climcube.kernels.percentile import sliding_statistics

__all__ = ["group_percentiles", "record_percentiles"]

Floats = npt.NDArray[np.float64]


def group_percentiles(
    block: Floats,
    size: int,
    quantiles: tuple[float, ...],
    grid: tuple[float, float],
    min_samples: int,
    finish: Finish,
    *windows: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """Return the number of samples of each group, then its percentiles; each ``(cells, size)``.

    Groups of fewer samples than ``min_samples`` are NaN, before the year is smoothed. See
    `climcube.kernels.percentile.sliding_statistics` for the other arguments.
    """
    found: list[npt.NDArray[Any]] = []
    count = np.zeros((len(block), size), np.int32)
    for quantile in quantiles:
        _, percentile, count = sliding_statistics(block, size, quantile, grid, *windows)
        percentile[count < min_samples] = np.nan
        found.append(refine(np.ascontiguousarray(percentile.T), finish).T)
    if finish.leap_day >= 0:
        day = finish.leap_day
        count[:, day] = np.minimum(count[:, day - 1], count[:, day + 1])
    return (count, *found)


def record_percentiles(
    block: Floats,
    quantiles: tuple[float, ...],
    grid: tuple[float, float],
    min_samples: int,
    *windows: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """Return the number of samples, ``(cells,)``, and percentiles, ``(cells, quantiles)``."""
    count, *found = group_percentiles(block, 1, quantiles, grid, min_samples, Finish(), *windows)
    return count[:, 0], np.concatenate(found, axis=1)
