"""Degree heating weeks: the heat stress that has built up on a reef."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.indices.earlier_days import join_days
from climcube.analysis.indices.temperatures import (
    in_scale_of,
    refuse_other_scale,
    require_temperature,
)
from climcube.analysis.indices.warmest_month import (
    BASE_PERIOD,
    CENTRE_YEAR,
    monthly_lines,
)
from climcube.cubes.calendar import BasePeriod, year_start_coordinate
from climcube.cubes.chunks import require_whole
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, examine, finish, plain_cube
from climcube.cubes.units import Units
from climcube.errors import CubeError, ParameterError, UnitsError
from climcube.kernels.heat_stress import WINDOW, Rules
from climcube.lift.common import require_free_names
from climcube.lift.series import Output, lift_series

__all__ = ["degree_heating_weeks"]

_KERNELS = "climcube.kernels.heat_stress"
_ONE = "warmest"  # dimension of the one value that a cell's days are compared with
_ZERO_CELSIUS = 273.15
_ALERTS = (
    "unknown no_stress watch warning alert_1 alert_2", "alert_3 alert_4 alert_5",
)  # fmt: skip


def degree_heating_weeks(
    cube: xr.DataArray,
    *,
    mmm: xr.DataArray | xr.Dataset | float | None = None,
    base_period: BasePeriod = BASE_PERIOD,
    centre_year: float = CENTRE_YEAR,
    max_missing: int = 0,
    extended_alerts: bool = False,
    before: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return HotSpot, degree heating weeks and bleaching alert level of every day.

    NOAA Coral Reef Watch 3.1 (Liu et al. 2014; Skirving et al. 2020, doi:10.3390/rs12233856)::

        HotSpot = max(SST - MMM, 0)
        DHW     = sum of the HotSpots >= 1 of the last 84 days, today's included, / 7

    Parameters
    ----------
    cube
        Daily sea surface temperature in degC or K (plain or pint-quantified), any calendar and
        any other dimensions; if Dask, with time in one chunk. Without units degC or K are
        assumed.
    mmm
        Maximum monthly mean of every cell: a cube, or what `climcube.maximum_monthly_mean`
        returns (degC and K are converted; without units it is in the cube's), or a number in
        the cube's units. Default: the cube's own.
    base_period, centre_year
        Of the cube's own: see `climcube.maximum_monthly_mean`.
    max_missing
        Days that may be missing among the 84; they add 0.
    extended_alerts
        With the levels that were added in 2024, from 12, 16 and 20 degree weeks.
    before
        Days before the cube's, on the same grid, that count but get no result: with the last
        83 days (and ``mmm``) new days cost what they cost alone, and every value is the one
        that the whole record gives.

    Returns
    -------
    Dataset
        By day ``hotspot`` (a temperature difference), ``dhw`` (that times weeks) and ``alert``:
        0 no stress (HotSpot 0), 1 watch (below 1), 2 warning (DHW below 4), 3 alert level 1
        (4 to 8), 4 alert level 2 (8 and more; with ``extended_alerts`` 8 to 12, then 5, 6 and
        7), -1 unknown. By ``year`` (1 January) ``dhw_max``, the largest known value of the
        year's days. By cell ``mmm``. float32 for float32 cubes, else float64. Lazy where the
        cube is.

    Notes
    -----
    The first 83 days of the record have no DHW. A missing day (NaN, or absent from the time
    axis) makes DHW missing for 84 days unless ``max_missing`` allows it. HotSpots are compared
    with 0 and 1 after rounding to the packing (0.01 degC for data stored so), else to 1e-4
    degrees for float32 and 1e-6 for float64: exactly 1.00 counts, though it falls below 1 in
    binary. What is added is not rounded, but counted in billionths of a degree: sums are exact,
    and neither chunks nor the day on which a record begins change them.

    Raises
    ------
    UnitsError
        The cube (or ``mmm``) is no temperature, or is an anomaly.
    CalendarError
        Not daily; or no ``mmm`` was given and the record does not cover the base period.
    ChunkError
        Chunks cut time.
    CubeError
        ``mmm`` or ``before`` lies on another grid; or (at compute) an infinite value.
    ParameterError
        An argument has a value that it does not take; ``before`` without ``mmm``; a number for
        ``mmm`` in degC and the cube in kelvin, or the other way round.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("2005-06-01", periods=120)
    >>> sst = xr.DataArray(np.full(120, 30.5), coords={"time": time}, dims="time",
    ...                    attrs={"units": "degC"})
    >>> found = cc.degree_heating_weeks(sst, mmm=29.0)
    >>> float(found.dhw[83]), int(found.alert[83]), float(found.dhw_max[0])
    (18.0, 4, 18.0)
    """
    _require_count(max_missing)
    subject = examine(cube, "degree_heating_weeks", daily=True)
    require_temperature(subject, "degree_heating_weeks", absolute=True)
    require_whole(subject.cube, subject.axis.name, "degree_heating_weeks")
    taken = {"mmm": None, _ONE: None}
    require_free_names(subject.cube, subject.axis.name, taken, "degree_heating_weeks")
    warmest = _warmest(cube, subject, mmm, before, base_period, centre_year)
    joined, earlier = (subject, 0) if before is None else join_days(before, subject)
    rules = Rules(_per_degree(subject.cube), max_missing, 7 if extended_alerts else 4)
    result = _lifted(joined, warmest, rules)
    if earlier:
        result = _without_earlier(result, subject, earlier)
    result = result.assign(mmm=warmest)
    result[subject.axis.name].attrs.setdefault("axis", "T")
    result.attrs["title"] = "degree heating weeks"
    parameters = {
        "mmm": mmm, "base_period": base_period, "centre_year": centre_year,
        "max_missing": max_missing, "extended_alerts": extended_alerts, "before": before,
    }  # fmt: skip
    inputs = [c for c in (cube, before, mmm) if isinstance(c, xr.DataArray | xr.Dataset)]
    return finish(result, "degree_heating_weeks", parameters, inputs, subject.quantified)


def _lifted(subject: Subject, warmest: xr.DataArray, rules: Rules) -> xr.Dataset:
    """Build the values by day, and those by year: each alone where only it is computed."""
    cube, axis = subject.cube, subject.axis
    dtype = "float32" if cube.dtype in (np.float16, np.float32) else "float64"
    hot, weeks = subject.units.difference(), subject.units.times("week")
    names = _ALERTS[0] if rules.highest == 4 else " ".join(_ALERTS)
    alert = {
        "long_name": "bleaching alert level",
        "flag_values": np.arange(-1, rules.highest + 1, dtype=np.int8),
        "flag_meanings": names,
    }
    cubes = [(cube, axis.name), (warmest.expand_dims(_ONE), _ONE)]
    tables = (axis.ordinal, rules)
    by_day = lift_series(
        f"{_KERNELS}:daily",
        cubes,
        [
            Output("hotspot", axis.name, dtype, {"long_name": "coral bleaching HotSpot", **hot}),
            Output("dhw", axis.name, dtype, {"long_name": "degree heating weeks", **weeks}),
            Output("alert", axis.name, "int8", alert),
        ],
        tables=tables,
        purpose="degree_heating_weeks",
    )
    years = year_start_coordinate(axis.years, axis.calendar, "year")
    years.attrs = {"long_name": "start of the calendar year"}
    text = {"long_name": "largest degree heating weeks of the year", **weeks}
    by_year = lift_series(
        f"{_KERNELS}:yearly",
        cubes,
        [Output("dhw_max", "year", dtype, text)],
        tables=(*tables, axis.year - axis.years[0], len(axis.years)),
        coordinates={"year": years},
        purpose="degree_heating_weeks",
    )
    return by_day.merge(by_year, compat="override", combine_attrs="override")


def _without_earlier(result: xr.Dataset, subject: Subject, earlier: int) -> xr.Dataset:
    """Take the earlier days out of a result, and their years' part of the largest values."""
    time = subject.axis.name
    kept = result.isel({time: slice(earlier, None)})
    starts = year_start_coordinate(subject.axis.years, subject.axis.calendar, "year")
    numbers = subject.axis.year - subject.axis.years[0]
    largest = [
        kept.dhw.isel({time: np.flatnonzero(numbers == n)}).max(time)
        for n in range(len(subject.axis.years))
    ]
    attrs = result.dhw_max.attrs
    by_year = xr.concat(largest, "year").assign_coords(year=starts.values)
    by_year = by_year.transpose(*result.dhw_max.dims).assign_attrs(attrs)
    return kept.drop_dims("year").assign(dhw_max=by_year)


def _warmest(
    given: Any,
    subject: Subject,
    mmm: Any,
    before: Any,
    base_period: BasePeriod,
    centre_year: float,
) -> xr.DataArray:
    """Return the maximum monthly mean of each cell in the cube's units."""
    if mmm is None:
        if before is not None:
            raise ParameterError(
                "before without mmm", where="before", expected="the maximum monthly mean as well",
                remedy="pass mmm=, as cc.maximum_monthly_mean(record) gives it",
            )  # fmt: skip
        return monthly_lines(given, subject, base_period, centre_year, "degree_heating_weeks")[
            "mmm"
        ]
    if isinstance(mmm, int | float | np.number) and not isinstance(mmm, bool):
        refuse_other_scale(float(mmm), subject.units.text, "mmm")
        attrs = {"long_name": "maximum of the monthly means", **subject.absolute()}
        return xr.DataArray(float(mmm), attrs=attrs)
    if isinstance(mmm, xr.Dataset) and "mmm" in mmm:
        mmm = mmm["mmm"]
    table, _ = plain_cube(mmm, "degree_heating_weeks")
    return _converted(_on_grid(table, subject), subject)


def _on_grid(table: xr.DataArray, subject: Subject) -> xr.DataArray:
    extra = [str(d) for d in table.dims if d not in subject.cells]
    if extra:
        raise CubeError(
            "mmm has dimensions that the cube lacks", where="mmm",
            expected="dimensions among " + (", ".join(subject.cells) or "none"),
            found=", ".join(extra),
        )  # fmt: skip
    cells = subject.cube.isel({subject.axis.name: 0}, drop=True)
    try:
        xr.align(table, cells, join="exact")
    except ValueError as error:
        raise CubeError(
            "mmm and cube lie on different grids",
            where="mmm",
            found=str(error).splitlines()[0],
            remedy="mmm.reindex_like(cube, method='nearest', tolerance=1e-3)",
        ) from error
    return table


def _converted(table: xr.DataArray, subject: Subject) -> xr.DataArray:
    own, theirs = subject.units, Units.of(table)
    if theirs.text is None and own.text is not None:
        return in_scale_of(own, table, "mmm")
    if theirs.text is None or own.text is None or own.agree(theirs.text):
        return table
    if not (theirs.agree("degC") or theirs.agree("K")):
        raise UnitsError(
            "mmm needs to be a temperature", where="mmm", expected="degC or K",
            found=f"units {theirs.text!r}",
        )  # fmt: skip
    shift = _ZERO_CELSIUS if theirs.agree("degC") else -_ZERO_CELSIUS
    return (table.astype("float64") + shift).assign_attrs(table.attrs | own.absolute())


def _per_degree(cube: xr.DataArray) -> float:
    """Steps of a degree in which HotSpots are compared: a power of ten, 100 at least."""
    packing = Packing.of(cube)
    if packing is not None and np.issubdtype(cube.dtype, np.floating):
        digits = math.ceil(-math.log10(abs(packing.scale)) - 1e-6)
    else:
        digits = 4 if cube.dtype in (np.float16, np.float32) else 6
    return float(10 ** min(max(digits, 2), 9))


def _require_count(max_missing: Any) -> None:
    whole = isinstance(max_missing, int) and not isinstance(max_missing, bool)
    if not whole or not 0 <= max_missing < WINDOW:
        raise ParameterError(
            "max_missing out of range", where=f"max_missing={max_missing!r}",
            expected=f"a whole number of days from 0 to {WINDOW - 1}",
        )  # fmt: skip
