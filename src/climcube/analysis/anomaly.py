"""Departures from the annual cycle."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.climatology import cycle_values
from climcube.analysis.cycle import Cycle, Treatment, is_one_year
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.subject import Subject, examine, finish_array, plain_cube
from climcube.errors import CubeError, ParameterError
from climcube.lift.gather import lift_gather

__all__ = ["anomaly"]

_KERNELS = "climcube.kernels.departures"
_LEAP_DAY = 59


def anomaly(
    cube: xr.DataArray,
    frequency: str = "day",
    *,
    base_period: BasePeriod | None = None,
    window: int = 1,
    smooth: int | None = None,
    harmonics: int | None = None,
    standardize: bool = False,
    climatology: xr.DataArray | None = None,
    leap: str = "interp",
) -> xr.DataArray:
    """Return value minus climatology, for every time of a cube.

    Parameters
    ----------
    cube, frequency, base_period, window, smooth, harmonics, leap
        As for `climcube.climatology`. ``frequency`` is that of the climatology: the anomaly
        keeps every time of the cube.
    standardize
        Divide by the standard deviation (ddof 1) of the base period, pooled and smoothed like
        the climatology; NaN where that is zero (sea ice, constants).
    climatology
        Take this climatology in place of the cube's own: a result of `climcube.climatology`,
        perhaps of another cube on the same grid, with the same units. Dimensions that it
        lacks (members, say) are repeated.

    Returns
    -------
    DataArray
        Dimensions and chunks of the cube; float32 for float32 cubes, else float64. Units: a
        difference in the cube's units, or 1 where standardized.

    Notes
    -----
    Missing values stay missing. With ``leap="drop"`` every 29 February is NaN. A climatology
    of 366 days serves a cube without leap days and the other way round (29 February then
    follows ``leap``); one of 360 days serves its own calendar only. Nothing is computed while
    the graph is built, which has at most three tasks for each chunk.

    Raises
    ------
    AxisError, CalendarError, ParameterError
        As for `climcube.climatology`.
    CubeError
        The climatology given has another grid, calendar, frequency or unit.

    Warns
    -----
    UserWarning
        The base period is one year: that year's anomalies are 0 because it is compared with
        itself.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> departure = cc.anomaly(sst, "month")
    >>> departure.dims == sst.dims
    True
    >>> cc.climatology(departure, "month").round(5).isin([0.0]).where(sst[0].notnull()).min().item()
    1.0
    """
    treatment = Treatment(frequency, base_period, window, smooth, harmonics, leap)
    subject = examine(cube, "anomaly", daily=frequency == "day")
    inputs: list[Any] = [cube]
    parameters: dict[str, Any] = {
        "frequency": frequency, "base_period": base_period, "window": window, "smooth": smooth,
        "harmonics": harmonics, "standardize": standardize, "leap": leap,
    }  # fmt: skip
    cycle = Cycle.of(cube, subject, treatment)
    if climatology is None:
        _warn_of_one_year(subject, cycle)
        tables = [cycle_values(subject, cycle, treatment, purpose="anomaly")]
        if standardize:
            tables.append(cycle_values(subject, cycle, treatment, "std", purpose="anomaly"))
        index = cycle.index
    else:
        _refuse_own_options(treatment, standardize)
        table, index = _given(climatology, subject, cycle, treatment)
        tables = [table]
        inputs.append(climatology)
        parameters["climatology"] = climatology
    result = _departures(subject, tables, treatment.dim, index)
    return finish_array(result, "anomaly", parameters, inputs, subject.quantified)


def _departures(
    subject: Subject, tables: list[xr.DataArray], dim: str, index: npt.NDArray[np.int64]
) -> xr.DataArray:
    cube = subject.cube
    kernel = "standardized" if len(tables) > 1 else "departure"
    dtype = "float32" if cube.dtype in (np.float16, np.float32) else "float64"
    out = lift_gather(f"{_KERNELS}:{kernel}", cube, subject.axis.name, tables, dim, index, dtype)
    label = cube.attrs.get("long_name", cube.name or "value")
    units = {"units": "1"} if len(tables) > 1 else subject.units.difference()
    text = f"{'standardized ' if len(tables) > 1 else ''}anomaly of {label}"
    out.attrs, out.encoding = units | {"long_name": text}, {}
    return out


def _warn_of_one_year(subject: Subject, cycle: Cycle) -> None:
    if is_one_year(subject.axis, *cycle.period):
        first, last = (subject.axis.label(i) for i in cycle.period)
        warnings.warn(
            f"the anomaly of {subject.cube.name!r} is relative to one year ({first} to {last}): "
            "that year's own anomalies say nothing, those of other years hold its weather; widen "
            "the base period, or pass climatology=",
            UserWarning,
            stacklevel=3,
        )


def _refuse_own_options(treatment: Treatment, standardize: bool) -> None:
    """Options that define the cube's own climatology mean nothing beside a given one."""
    given = {
        "base_period": treatment.base_period is not None,
        "window": treatment.window != 1,
        "smooth": treatment.smooth is not None,
        "harmonics": treatment.harmonics is not None,
        "standardize": standardize,
    }
    named = [name for name, is_set in given.items() if is_set]
    if named:
        raise ParameterError(
            f"{' and '.join(named)} beside climatology=",
            expected="one climatology: the cube's own or the one given",
            remedy="leave out " + ", ".join(named) + ", or climatology",
        )


def _given(
    climatology: Any, subject: Subject, cycle: Cycle, treatment: Treatment
) -> tuple[xr.DataArray, npt.NDArray[np.int64]]:
    """Check a climatology that the user brought; return it and its row for each time."""
    table, _ = plain_cube(climatology, "anomaly")
    dim = treatment.dim
    if dim not in table.dims or dim not in table.coords:
        raise CubeError(
            "the climatology has another frequency",
            where=f"frequency={treatment.frequency!r}",
            expected=f"a dimension {dim!r} with its coordinate",
            found="dimensions " + ", ".join(map(str, table.dims)),
            remedy=f"make it with cc.climatology(cube, {treatment.frequency!r})",
        )
    _require_units(table, subject)
    aligned = _same_grid(table, subject, dim)
    if dim == "dayofyear":
        return _rows_of_days(aligned, subject, treatment)
    wanted = cycle.coordinate
    if sorted(map(str, table[dim].values)) != sorted(map(str, wanted.values)):
        raise CubeError(
            "the climatology is not complete",
            where=dim,
            expected=", ".join(map(str, wanted.values)),
            found=", ".join(map(str, table[dim].values)),
        )
    return aligned.sel({dim: wanted.values}), cycle.index


def _rows_of_days(
    table: xr.DataArray, subject: Subject, treatment: Treatment
) -> tuple[xr.DataArray, npt.NDArray[np.int64]]:
    """Match days of year by month and day, where one calendar has 29 February and one has not."""
    axis, days = subject.axis, table["dayofyear"].values
    have = 366 if days.max() == 366 else len(days)  # 1..366 without 60 is a leap year's, too
    if (have == 360) != (axis.days_of_year == 360) or have not in (360, 365, 366):
        raise CubeError(
            "climatology and cube have different calendars",
            where="climatology",
            expected=f"{axis.days_of_year} days of year ({axis.calendar})",
            found=f"{len(days)} days of year",
        )
    wanted = np.arange(1, have + 1) if have == axis.days_of_year else np.arange(1, 367)
    numbers = days + (days >= _LEAP_DAY + 1) if len(wanted) > have else days
    index = axis.dayofyear
    if axis.days_of_year == 365 and len(wanted) == 366:
        index = index + (index >= _LEAP_DAY)
    whole = table.assign_coords(dayofyear=numbers)
    missing = np.setdiff1d(wanted, numbers)
    if not len(missing):
        return whole.sel(dayofyear=wanted), index
    if list(missing) != [_LEAP_DAY + 1]:
        raise CubeError(
            "the climatology is not complete", where="dayofyear",
            expected=f"{len(wanted)} days", found=f"{len(numbers)} days",
        )  # fmt: skip
    if treatment.leap == "interp":
        before, after = (whole.sel(dayofyear=d, drop=True) for d in (_LEAP_DAY, _LEAP_DAY + 2))
        between = (0.5 * (before + after)).expand_dims(dayofyear=missing)
        return xr.concat([whole, between], "dayofyear").sel(dayofyear=wanted), index
    without = wanted[wanted != _LEAP_DAY + 1]
    rows = np.where(index == _LEAP_DAY, -1, index - (index > _LEAP_DAY))
    return whole.sel(dayofyear=without), rows


def _require_units(table: xr.DataArray, subject: Subject) -> None:
    units = table.attrs.get("units")
    if None not in (units, subject.units.text) and not subject.units.agree(units):
        raise CubeError(
            "climatology and cube have different units",
            where="climatology",
            expected=subject.units.text,
            found=units,
            remedy="convert one of them first",
        )


def _same_grid(table: xr.DataArray, subject: Subject, dim: str) -> xr.DataArray:
    extra = [d for d in table.dims if d not in (*subject.cells, dim)]
    if extra:
        raise CubeError(
            "the climatology has dimensions that the cube lacks", found=", ".join(map(str, extra))
        )
    cells = subject.cube.isel({subject.axis.name: 0}, drop=True)
    try:
        return xr.align(table, cells, join="exact")[0]
    except ValueError as error:
        raise CubeError(
            "climatology and cube lie on different grids", found=str(error).splitlines()[0]
        ) from error
