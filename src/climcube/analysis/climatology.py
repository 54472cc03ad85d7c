"""The annual cycle of a cube: means, spreads or percentiles by day, month or season."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.cycle import Cycle, Treatment, is_one_year
from climcube.analysis.percentile import (
    MIN_SAMPLES,
    cycle_percentiles,
    require_percentiles,
    require_samples,
)
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, examine, finish_array
from climcube.errors import ParameterError, require_choice
from climcube.kernels.groups import Finish, Grid
from climcube.lift.reduction import Output, lift_reduction

__all__ = ["climatology", "cycle_values", "grid_of"]

STATISTICS = {"mean": "MEAN", "std": "STANDARD_DEVIATION", "count": "COUNT", "percentile": ""}
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
    percentile: float | None = None,
    min_samples: int | None = None,
) -> xr.DataArray:
    """Return the climatology of a cube by day of year, month or season.

    The mean (or standard deviation, ddof 1, percentile, number) over the years of
    ``base_period`` of all values that fall on the same day (month and day of month), month or
    season.

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
        ``"mean"``, ``"std"``, ``"percentile"`` or ``"count"`` (how many values there are).
    percentile
        For that statistic: 0 to 100, default 90. It needs each cell's whole series in one chunk.
    min_samples
        Values that a percentile needs, default 10; below it is NaN.

    Returns
    -------
    DataArray
        float64; time is replaced by ``dayofyear`` (1 to 366 where 1 March is always 61; 365
        or 360 in calendars of that length), ``month`` (1 to 12) or ``season``. Units: the
        cube's; a standard deviation is a difference, a count a number.

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
    ChunkError
        A percentile of a cube whose chunks cut time.
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
    >>> hot = cc.climatology(sst, statistic="percentile", percentile=90, window=11, smooth=31)
    >>> bool((hot >= cc.climatology(sst, window=11, smooth=31)).where(hot.notnull(), True).all())
    True
    """
    treatment = Treatment(frequency, base_period, window, smooth, harmonics, leap)
    require_choice("statistic", statistic, STATISTICS)
    share, least = _percentile_options(statistic, percentile, min_samples)
    subject = examine(cube, "climatology", daily=frequency == "day")
    cycle = Cycle.of(cube, subject, treatment)
    if statistic == "percentile":
        result = _percentiles(subject, cycle, treatment, share, least)
    else:
        result = cycle_values(subject, cycle, treatment, statistic)
    parameters: dict[str, Any] = {
        "frequency": frequency, "window": window, "smooth": smooth, "harmonics": harmonics,
        "base_period": base_period, "leap": leap, "statistic": statistic,
    }  # fmt: skip
    if statistic == "percentile":
        parameters |= {"percentile": 100 * share, "min_samples": least}
    return finish_array(result, "climatology", parameters, [cube], subject.quantified)


def cycle_values(
    subject: Subject, cycle: Cycle, treatment: Treatment, statistic: str = "mean",
    purpose: str = "climatology",
) -> xr.DataArray:  # fmt: skip
    """Return the values of every row of a cycle, with their attributes, lazily on Dask."""
    if statistic == "std" and treatment.window == 1:
        _require_two_years(subject, cycle, treatment)
    attrs = _attributes(subject, treatment, statistic)
    name = str(subject.cube.name or "climatology")
    finishing = Finish(
        leap_day=cycle.leap_day, smooth=treatment.smooth or 1, harmonics=treatment.harmonics or 0
    )
    pools = cycle.pools
    if statistic == "count":  # values, whatever their length in days
        pools = pools._replace(weight=np.ones(len(pools.weight)))
    result = lift_reduction(
        f"{_KERNELS}:{STATISTICS[statistic]}",
        subject.cube,
        subject.axis.name,
        [Output(name, treatment.dim, "int32" if statistic == "count" else "float64", attrs)],
        tables=(pools, grid_of(subject.cube), finishing),
        coordinates={treatment.dim: cycle.coordinate},
        purpose=purpose,
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


def _percentiles(
    subject: Subject, cycle: Cycle, treatment: Treatment, share: float, least: int
) -> xr.DataArray:
    found = cycle_percentiles(subject, cycle, treatment, np.array([share]), least)
    result = (
        found["percentile"]
        .isel(quantile=0, drop=True)
        .rename(str(subject.cube.name or "climatology"))
    )
    result.attrs = _attributes(subject, treatment, "percentile")
    label = subject.cube.attrs.get("long_name", subject.cube.name or "value")
    result.attrs["long_name"] = f"percentile {100 * share:g} of {label}"
    return result


def _percentile_options(
    statistic: str, percentile: float | None, min_samples: int | None
) -> tuple[float, int]:
    """Return share and least number of samples, which other statistics know nothing of."""
    if statistic != "percentile":
        for name, value in (("percentile", percentile), ("min_samples", min_samples)):
            if value is not None:
                raise ParameterError(
                    f"{name} belongs to statistic='percentile'",
                    where=f"{name}={value!r}, statistic={statistic!r}",
                    remedy=f"leave {name} out, or pass statistic='percentile'",
                )
        return 0.0, 1
    shares = require_percentiles(90.0 if percentile is None else percentile, "percentile")
    if len(shares) > 1:
        raise ParameterError(
            "a climatology has one percentile", where=f"percentile={percentile!r}",
            remedy="for several: cc.percentile(cube, (10, 50, 90), 'day')",
        )  # fmt: skip
    return float(shares[0]), require_samples(MIN_SAMPLES if min_samples is None else min_samples)


def _attributes(subject: Subject, treatment: Treatment, statistic: str) -> dict[str, Any]:
    kept = {k: v for k, v in subject.cube.attrs.items() if k == "standard_name"}
    label = subject.cube.attrs.get("long_name", subject.cube.name or "value")
    within = {"day": "days", "month": "months", "season": "seasons"}[treatment.frequency]
    if statistic == "mean":
        units, method, text = subject.absolute(), "mean", f"climatology of {label}"
    elif statistic == "percentile":
        units, method, text = subject.absolute(), "percentile", label
    elif statistic == "count":
        return {"units": "1", "long_name": f"valid samples of {label}"}
    else:
        units, method = subject.units.difference(), "standard_deviation"
        text = f"standard deviation over the years of {label}"
    cell_methods = (
        f"{subject.axis.name}: mean within {within} {subject.axis.name}: {method} over years"
    )
    return kept | units | {"long_name": text, "cell_methods": cell_methods}


def _require_two_years(subject: Subject, cycle: Cycle, treatment: Treatment) -> None:
    first, last = cycle.period
    alone = treatment.frequency == "day" or last - first < cycle.coordinate.size
    if alone and is_one_year(subject.axis, first, last):
        raise ParameterError(
            "one year has no standard deviation from year to year",
            where=f"base_period={treatment.base_period!r}",
            expected="at least two years",
            found=f"{subject.axis.label(first)} to {subject.axis.label(last)}",
            remedy="widen the base period"
            + (", or pool neighbouring days (window=11)" if treatment.frequency == "day" else ""),
        )
