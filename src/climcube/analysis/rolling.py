"""Running means, weighted by days, in real time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.means import mean_attributes, require_share
from climcube.analysis.steps import Step, step_places
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.periods import own_axis, period_days, sample_days
from climcube.cubes.subject import examine, finish_array
from climcube.errors import ParameterError
from climcube.kernels.rolling import RollingTables
from climcube.lift.windows import lift_windows

__all__ = ["rolling_mean"]

_KERNEL = "climcube.kernels.rolling:rolling_mean"
_MONTHS_OF_A_YEAR = 12


def rolling_mean(
    cube: xr.DataArray, window: int, *, center: bool = True, min_coverage: float = 0.9
) -> xr.DataArray:
    """Return the running mean of a cube, weighted by days.

    sum(days * value) / sum(days) over the values whose time lies within ``window`` steps of the
    record, the days being those that each value stands for (see `climcube.annual_mean`).

    Parameters
    ----------
    cube
        A time axis and any other dimensions in any order, NumPy or Dask in any chunks, plain or
        pint-quantified, in any calendar.
    window
        Width in the record's usual steps: days of daily data, months of monthly data. Steps are
        counted in real time, so a gap in the record is as wide as it is long.
    center
        Put the value in the middle of its window, which must then be odd; else at its end (the
        value and the ``window - 1`` steps before it).
    min_coverage
        Share of the days of the whole window that must have a value; below it the mean is NaN.

    Returns
    -------
    DataArray
        float64, in the cube's units, with the cube's dimensions and times. Chunks along time
        that are shorter than the window are joined.

    Notes
    -----
    Missing (and infinite) values carry no weight; steps that the record lacks, in a gap or
    beyond its ends, count as missing days. The results do not depend on chunks. Time of
    computing does not grow with the window.

    Raises
    ------
    AxisError
        No usable time axis.
    ParameterError
        A window that has no middle or is not a number of steps; ``min_coverage`` is not between
        0 and 1.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> cc.rolling_mean(cc.monthly_mean(sst), 3).isel(lat=0, lon=0).isnull().sum().item()
    2
    >>> cc.rolling_mean(sst, 30, center=False).dims
    ('time', 'lat', 'lon')
    """
    width = _require_window(window, center)
    share = require_share(min_coverage)
    subject = examine(cube, "rolling_mean")
    axis = own_axis(cube, subject.axis)
    tables = _tables(axis, sample_days(cube, axis), width, center, share)
    result = lift_windows(
        _KERNEL, subject.cube, subject.axis.name, tables.begin, tables.end, tables.length,
        tables=(tables,), purpose="rolling_mean",
    )  # fmt: skip
    result.name = subject.cube.name
    result.attrs, result.encoding = mean_attributes(subject), {}
    parameters = {"window": width, "center": bool(center), "min_coverage": share}
    return finish_array(result, "rolling_mean", parameters, [cube], subject.quantified)


def _tables(
    axis: TimeAxis, days: npt.NDArray[np.float64], width: int, center: bool, share: float
) -> RollingTables:
    """Find the window of every sample, and the days that it must cover."""
    step = Step.of(axis)
    places = _places(axis, step)
    after = width // 2 if center else 0
    begin = np.searchsorted(places, places - (width - 1 - after), side="left")
    end = np.searchsorted(places, places + after, side="right")
    expected = _expected(axis, step, places, days, (width - 1 - after, after))
    least = share * expected * (1 - 1e-12)  # a hair's breadth, for days that are not whole
    longest = int((end - begin).max())
    return RollingTables(begin, end, np.asarray(days, "float64"), least, longest)


def _places(axis: TimeAxis, step: Step) -> npt.NDArray[np.int64]:
    """Number the samples by steps since the first, gaps at their full length."""
    if step.unit == "day":
        return np.asarray(axis.ordinal - axis.ordinal[0])
    if step.unit == "second":
        return step_places(axis)
    months = axis.year * _MONTHS_OF_A_YEAR + axis.month
    steps = np.maximum(np.rint(np.diff(months) / step.length), 1).astype("int64")
    return np.concatenate([[0], np.cumsum(steps)])


def _expected(
    axis: TimeAxis,
    step: Step,
    places: npt.NDArray[np.int64],
    days: npt.NDArray[np.float64],
    reach: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """Days of every whole window: of its samples, and for steps without one what is usual."""
    before, after = reach
    every = np.arange(-before, places[-1] + after + 1)
    if step.unit == "month":
        months = axis.year[0] * _MONTHS_OF_A_YEAR + axis.month[0] - 1 + every * step.length
        length = period_days(months, step.length, axis.calendar)
    else:
        length = np.full(len(every), float(np.median(days)))
    length[places + before] = days
    total = np.concatenate([[0.0], np.cumsum(length)])
    return np.asarray(total[places + before + after + 1] - total[places])


def _require_window(window: Any, center: bool) -> int:
    whole = isinstance(window, int | np.integer) and not isinstance(window, bool)
    if not whole or window < 1:
        raise ParameterError(
            "window is not a number of steps", where=f"window={window!r}",
            expected="a whole number of the record's steps, 1 or more",
            remedy="for instance window=3 for three months of monthly data",
        )  # fmt: skip
    if center and window % 2 == 0:
        raise ParameterError(
            "an even window has no middle", where=f"window={window!r}",
            expected="an odd number of steps, or center=False",
            remedy=f"pass window={window + 1}, or center=False for a trailing mean",
        )  # fmt: skip
    return int(window)
