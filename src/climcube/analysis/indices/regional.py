"""Monthly values of a region, and their anomalies."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.analysis.anomaly import anomaly
from climcube.analysis.area_means import area_mean
from climcube.analysis.cycle import is_one_year
from climcube.analysis.indices.temperatures import require_daily_or_monthly, require_temperature
from climcube.analysis.masks import restrict
from climcube.analysis.means import monthly_mean
from climcube.cubes.area import cell_areas
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.subject import Subject, examine
from climcube.errors import AxisError, CalendarError, ParameterError
from climcube.lift.common import require_free_names

__all__ = [
    "examine_months",
    "monthly_anomaly",
    "monthly_region",
    "monthly_series",
    "require_years",
]

_FULL = 0.9  # share of a month's days that must have a value


def examine_months(cube: Any, purpose: str) -> Subject:
    """Look at daily or monthly temperatures, raising the errors that need no values."""
    subject = examine(cube, purpose)
    require_temperature(subject, purpose)
    require_daily_or_monthly(subject.axis, purpose)
    return subject


def require_years(axis: TimeAxis, base_period: BasePeriod | None, purpose: str) -> None:
    """Refuse a base in which no calendar month comes twice: its own values would be the normal.

    Raises
    ------
    ParameterError
        The base period is one year.
    CalendarError
        The record is, and no base period was given; or it lacks the one that was.
    """
    first, last = axis.period(base_period)
    if not is_one_year(axis, first, last):
        return
    expected, found = "at least two years, usually 30", f"{axis.label(first)} to {axis.label(last)}"
    if base_period is None:
        raise CalendarError(
            f"one year is no base for {purpose}", where=axis.name, expected=expected, found=found,
            remedy="pass a longer record",
        )  # fmt: skip
    raise ParameterError(
        f"one year is no base for {purpose}", where=f"base_period={base_period!r}",
        expected=expected, found=found, remedy="widen the base period",
    )  # fmt: skip


def monthly_region(
    given: Any, subject: Subject, region: Any
) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Return monthly means of the cells of a region (of all where it is None), and their areas.

    Every month from the first to the last has its row. A cube without any place is the series
    of the region already: it has no areas.
    """
    cube = subject.cube
    if _is_series(cube):
        return _months(given, cube, subject), None
    areas, _ = cell_areas(given, cube, argument=None)
    cut, areas, _ = restrict(cube, areas, region)
    return _months(given, cut, subject), areas


def monthly_anomaly(
    given: Any, subject: Subject, region: Any, base_period: BasePeriod | None, purpose: str
) -> xr.DataArray:
    """Return the mean over a region of the anomalies of its cells, by month."""
    require_years(subject.axis, base_period, purpose)
    require_free_names(subject.cube, subject.axis.name, {"month": None, purpose: None}, purpose)
    months, areas = monthly_region(given, subject, region)
    return _mean(anomaly(months, "month", base_period=base_period), areas)


def monthly_series(given: Any, subject: Subject, region: Any) -> xr.DataArray:
    """Return the mean over a region, by month."""
    return _mean(*monthly_region(given, subject, region))


def _mean(values: xr.DataArray, areas: xr.DataArray | None) -> xr.DataArray:
    if areas is None or not areas.ndim:  # a series, or one cell: its own mean
        return values
    return area_mean(values, weights=areas)


def _months(given: Any, cut: xr.DataArray, subject: Subject) -> xr.DataArray:
    return monthly_mean(_with_time_bounds(given, cut, subject.axis.name), min_coverage=_FULL)


def _with_time_bounds(given: Any, cut: xr.DataArray, time: str) -> Any:
    """Give a part of the cube the time bounds back that travel with the data set."""
    name = given[time].attrs.get("bounds", given[time].encoding.get("bounds"))
    if not isinstance(given, xr.Dataset) or name not in given.variables:
        return cut
    return cut.to_dataset(name=cut.name).assign({name: given[name]})


def _is_series(cube: xr.DataArray) -> bool:
    if cube.ndim > 1:
        return False
    try:
        find_spatial(cube)
    except AxisError:
        return True
    return False
