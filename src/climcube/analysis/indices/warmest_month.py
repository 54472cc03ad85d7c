"""The maximum monthly mean: what a reef is used to in its warmest month."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.indices.regional import examine_months, require_years
from climcube.analysis.means import monthly_mean
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.subject import Subject, finish
from climcube.cubes.units import unquantify
from climcube.errors import ParameterError
from climcube.lift.series import Output, lift_series

__all__ = ["CENTRE_YEAR", "maximum_monthly_mean", "monthly_lines"]

BASE_PERIOD = ("1985", "2012")
CENTRE_YEAR = 1988.2857
_SHARE = 0.9  # of a month's days, and of the base period's years


def maximum_monthly_mean(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod = BASE_PERIOD,
    centre_year: float = CENTRE_YEAR,
) -> xr.Dataset:
    """Return the climatology of Coral Reef Watch 3.1: twelve months, and the warmest of them.

    For each calendar month the monthly means of the base period are regressed on the year, and
    the line is evaluated at 1988.2857, the centre of the years of the first climatology
    (1985-90 and 1993; Heron et al. 2014; Skirving et al. 2020, doi:10.3390/rs12233856).

    Parameters
    ----------
    cube
        Sea surface temperature in degC or K (plain or pint-quantified), daily or monthly, any
        calendar and any other dimensions, NumPy or Dask in any chunks. Without units degC or K
        are assumed.
    base_period
        First and last year, both included, that the record must cover.
    centre_year
        Year at which the lines are evaluated.

    Returns
    -------
    Dataset
        ``monthly`` by ``month`` (1 to 12) and ``mmm``, the largest of them: temperatures in the
        cube's units, float64. Lazy where the cube is.

    Notes
    -----
    A month of less than 0.9 of its days is missing; a calendar month of less than 0.9 of the
    years is NaN, and the warmest month is that of the others.

    Raises
    ------
    UnitsError
        The cube is no temperature.
    CalendarError
        Neither daily nor monthly, or the record does not cover the base period.
    ParameterError
        ``centre_year`` is no year; a base period of one year, which has no line.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=6, shape=(4, 6)).sst
    >>> found = cc.maximum_monthly_mean(sst, base_period=("2000", "2005"), centre_year=2002.5)
    >>> bool((found.mmm == found.monthly.max("month")).where(found.mmm.notnull(), True).all())
    True
    """
    subject = examine_months(cube, "maximum_monthly_mean")
    result = monthly_lines(cube, subject, base_period, centre_year)
    parameters = {"base_period": base_period, "centre_year": centre_year}
    return finish(result, "maximum_monthly_mean", parameters, [cube], subject.quantified)


def monthly_lines(
    given: Any, subject: Subject, base_period: BasePeriod, centre_year: float,
    purpose: str = "maximum_monthly_mean",
) -> xr.Dataset:  # fmt: skip
    """Return the climatology of a cube that was looked at, in its units."""
    number = isinstance(centre_year, int | float) and not isinstance(centre_year, bool)
    if not number or not np.isfinite(centre_year):
        raise ParameterError(
            "centre_year is no year", where=f"centre_year={centre_year!r}",
            expected="a number, as 1988.2857",
        )  # fmt: skip
    require_years(subject.axis, base_period, purpose)  # a line needs two points
    months, _ = unquantify(monthly_mean(given, min_coverage=_SHARE))
    axis = TimeAxis.of(months)
    first, last = axis.period(base_period)
    used = (np.arange(len(axis)) >= first) & (np.arange(len(axis)) <= last)
    label = {"long_name": "calendar month"}
    absolute, name = subject.absolute(), str(subject.cube.name or "temperature")
    text = f"monthly climatology of {name}, on its trend at {centre_year:g}"
    return lift_series(
        "climcube.kernels.warmest_month:warmest_month",
        [(months, axis.name)],
        [
            Output("monthly", "month", attrs={"long_name": text, **absolute}),
            Output("mmm", None, attrs={"long_name": "maximum of the monthly means", **absolute}),
        ],
        tables=(np.where(used, axis.month - 1, -1), axis.year - float(centre_year), _SHARE),
        coordinates={"month": xr.DataArray(np.arange(1, 13), dims="month", attrs=label)},
        purpose=purpose,
    )
