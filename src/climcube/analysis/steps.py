"""Which samples of a record are really one step apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from climcube.cubes.calendar import TimeAxis

__all__ = ["Step", "one_step_apart", "step_places"]

_LEAST_DAYS_OF_A_MONTH = 28


@dataclass(frozen=True)
class Step:
    """The record's usual (median) step, counted as the record does.

    * days, where most samples are a day apart: the next day, whatever the hour;
    * months, where no month has two samples and most are whole months apart (monthly,
      seasonal, annual ... data): that number of calendar months later, whatever the day;
    * seconds otherwise: between half the median step and one and a half.
    """

    unit: str
    length: int

    @classmethod
    def of(cls, axis: TimeAxis) -> Step:
        """Find the usual step of a record; a day, where it has one sample only."""
        if len(axis) < 2:
            return cls("day", 1)
        months = np.diff(axis.year * 12 + axis.month)
        days = np.diff(axis.ordinal)
        if _usual(days) == 1:
            return cls("day", 1)
        if months.min() >= 1 and _usual(days) >= _LEAST_DAYS_OF_A_MONTH:
            return cls("month", _usual(months))
        return cls("second", _usual(np.diff(axis.seconds)))

    def follows(self, axis: TimeAxis) -> npt.NDArray[np.bool_]:
        """Say for each sample whether the next one is one step later; False for the last."""
        follows = np.zeros(len(axis), np.bool_)
        if self.unit == "day":
            follows[:-1] = np.diff(axis.ordinal) == 1
        elif self.unit == "month":
            follows[:-1] = np.diff(axis.year * 12 + axis.month) == self.length
        else:
            seconds = np.diff(axis.seconds)
            follows[:-1] = np.abs(seconds - self.length) <= self.length / 2
        return follows


def one_step_apart(axis: TimeAxis) -> npt.NDArray[np.bool_]:
    """Say for each sample whether the next one follows one step later; False for the last."""
    return Step.of(axis).follows(axis)


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
