"""The annual cycle of a cube: means or standard deviations by day, month or season."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.cycle import Cycle, Treatment
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, examine, finish_array
from climcube.errors import ParameterError, require_choice
from climcube.kernels.groups import Finish, Grid
from climcube.lift.reduction import Output, lift_reduction

__all__ = ["climatology", "cycle_values", "grid_of"]

STATISTICS = {"mean": "MEAN", "std": "STANDARD_DEVIATION"}
_KERNELS = "climcube.kernels.groups"


def climatology(
    cube: xr.DataArray,
    frequency: str = "day",
    *,
    window: int = 1,
    smooth: int | None = None,
    harmonics: int | None = None,
    base_period: BasePeriod | None = None,
    leap: str = "interp",
    statistic: str = "mean",
) -> xr.DataArray:
    """Return the climatology of a cube by day of year, month or season.

    The mean (or standard deviation, ddof 1) over the years of ``base_period`` of all values
    that fall on the same day (month and day of month), month or season.

    Parameters
    ----------
    cube
        A time axis and any other dimensions in any order, NumPy or Dask in any chunks, plain
        or pint-quantified, in any calendar. A Dataset with one gridded variable brings its
        time bounds along.
    frequency
        ``"day"`` (daily data), ``"month"`` or ``"season"`` (DJF, MAM, JJA, SON).
    window
        Full width, odd, of the window of neighbouring *samples of the record* that are pooled
        around each day of year; days just outside the base period count.
    smooth
        Width, odd, of a circular running mean over the days of year that have a value.
    harmonics
        In place of ``smooth``: keep the mean and this many harmonics of the annual cycle.
    base_period
        First and last year, both included; default the whole record.
    leap
        ``"interp"``: 29 February is the mean of 28 February and 1 March (its own values enter
        the windows of its neighbours). ``"pool"``: it is a day like others, with a quarter of
        their values. ``"drop"``: as if the record had no 29 February; 365 rows. Without effect
        in calendars without leap days.
    statistic
        ``"mean"`` or ``"std"``.

    Returns
    -------
    DataArray
        float64; time is replaced by ``dayofyear`` (1 to 366 where 1 March is always 61; 365
        or 360 in calendars of that length), ``month`` (1 to 12) or ``season``. Units: the
        cube's; a standard deviation is a difference.

    Notes
    -----
    Missing (and infinite) values are skipped; a group without any is NaN, and so is the
    standard deviation of fewer than two. Daily values weigh equally, and so do the years of a
    month; in a seasonal mean of monthly data each month weighs by its days. A season of the
    climatology takes all its months of the base period. Values known to be packed are taken
    as integer * scale + offset and summed as integers, so results do not depend on chunks.

    Raises
    ------
    AxisError
        No usable time axis.
    CalendarError
        The base period is outside the record, or the data too coarse (or sub-daily, for
        ``"day"``).
    ParameterError
        An option that is not understood.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> cc.climatology(sst, "day", window=11, smooth=31).sizes["dayofyear"]
    366
    >>> cc.climatology(sst, "month", statistic="std").attrs["units_metadata"]
    'temperature: difference'
    """
    treatment = Treatment(frequency, base_period, window, smooth, harmonics, leap)
    require_choice("statistic", statistic, STATISTICS)
    subject = examine(cube, "climatology", daily=frequency == "day")
    cycle = Cycle.of(cube, subject, treatment)
    result = cycle_values(subject, cycle, treatment, statistic)
    parameters = {
        "frequency": frequency, "window": window, "smooth": smooth, "harmonics": harmonics,
        "base_period": base_period, "leap": leap, "statistic": statistic,
    }  # fmt: skip
    return finish_array(result, "climatology", parameters, [cube], subject.quantified)


def cycle_values(
    subject: Subject, cycle: Cycle, treatment: Treatment, statistic: str = "mean"
) -> xr.DataArray:
    """Return the values of every row of a cycle, with their attributes, lazily on Dask."""
    if statistic == "std" and treatment.window == 1:
        _require_two_years(subject, treatment)
    attrs = _attributes(subject, treatment, statistic)
    name = str(subject.cube.name or "climatology")
    finishing = Finish(
        leap_day=cycle.leap_day, smooth=treatment.smooth or 1, harmonics=treatment.harmonics or 0
    )
    result = lift_reduction(
        f"{_KERNELS}:{STATISTICS[statistic]}",
        subject.cube,
        subject.axis.name,
        [Output(name, treatment.dim, attrs=attrs)],
        tables=(cycle.pools, grid_of(subject.cube), finishing),
        coordinates={treatment.dim: cycle.coordinate},
        purpose="climatology",
        # A state has a row for each class: small beside the data that it sums up.
        task_steps=max(128, 4 * cycle.pools.classes),
    )
    return result[name]


def grid_of(cube: xr.DataArray) -> Grid:
    """Return the packing of a cube as the kernels take it."""
    packing = Packing.of(cube)
    if packing is None or not np.issubdtype(cube.dtype, np.floating):
        return Grid()
    return Grid(packing.scale, packing.offset, float(np.finfo(cube.dtype).eps))


def _attributes(subject: Subject, treatment: Treatment, statistic: str) -> dict[str, Any]:
    kept = {k: v for k, v in subject.cube.attrs.items() if k == "standard_name"}
    label = subject.cube.attrs.get("long_name", subject.cube.name or "value")
    within = {"day": "days", "month": "months", "season": "seasons"}[treatment.frequency]
    if statistic == "mean":
        units, method, text = subject.absolute(), "mean", f"climatology of {label}"
    else:
        units, method = subject.units.difference(), "standard_deviation"
        text = f"standard deviation over the years of {label}"
    cell_methods = (
        f"{subject.axis.name}: mean within {within} {subject.axis.name}: {method} over years"
    )
    return kept | units | {"long_name": text, "cell_methods": cell_methods}


def _require_two_years(subject: Subject, treatment: Treatment) -> None:
    first, last = subject.axis.period(treatment.base_period)
    if subject.axis.year[first] == subject.axis.year[last] and treatment.frequency == "day":
        raise ParameterError(
            "one year has no standard deviation from year to year",
            where=f"base_period={treatment.base_period!r}",
            expected="at least two years",
            found=f"{subject.axis.label(first)} to {subject.axis.label(last)}",
            remedy="widen the base period, or pool neighbouring days (window=11)",
        )
