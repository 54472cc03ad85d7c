"""Which samples of a record are really one step apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.cubes.calendar import TimeAxis

__all__ = ["one_step_apart", "step_places"]

_LEAST_DAYS_OF_A_MONTH = 28


def one_step_apart(axis: TimeAxis) -> npt.NDArray[np.bool_]:
    """Say for each sample whether the next one follows one step later; False for the last.

    The step is the record's usual (median) one, counted as the record does:

    * days, where most samples are a day apart: the next day, whatever the hour;
    * months, where no month has two samples and most are whole months apart (monthly,
      seasonal, annual ... data): that number of calendar months later, whatever the day;
    * time otherwise: between half the median step and one and a half.
    """
    follows = np.zeros(len(axis), np.bool_)
    if len(axis) < 2:
        return follows
    months = np.diff(axis.year * 12 + axis.month)
    days = np.diff(axis.ordinal)
    if _usual(days) == 1:
        follows[:-1] = days == 1
    elif months.min() >= 1 and _usual(days) >= _LEAST_DAYS_OF_A_MONTH:
        follows[:-1] = months == _usual(months)
    else:
        seconds = np.diff(axis.seconds)
        follows[:-1] = np.abs(seconds - _usual(seconds)) <= _usual(seconds) / 2
    return follows


def step_places(axis: TimeAxis) -> npt.NDArray[np.int64]:
    """Number the samples by steps since the first: neighbours one step apart differ by one.

    Across a gap the number grows by the gap's length in usual steps, rounded, by two at least.
    """
    if len(axis) < 2:
        return np.zeros(len(axis), np.int64)
    seconds = np.diff(axis.seconds)
    across = np.maximum(np.rint(seconds / _usual(seconds)), 2).astype("int64")
    steps = np.where(one_step_apart(axis)[:-1], 1, across)
    return np.concatenate([[0], np.cumsum(steps)]).astype("int64")


def _usual(steps: npt.NDArray[np.int64]) -> int:
    """Lower median: always a step that occurs."""
    return int(np.sort(steps)[(len(steps) - 1) // 2])
