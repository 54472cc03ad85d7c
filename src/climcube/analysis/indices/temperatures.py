"""What every index asks of a cube: that it holds temperatures, by day or by month."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.steps import Step
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject
from climcube.cubes.units import Units
from climcube.errors import CalendarError, ParameterError, UnitsError

__all__ = [
    "in_scale_of",
    "refuse_other_scale",
    "require_daily_or_monthly",
    "require_temperature",
]

_EXPECTED = "a temperature in degC or K"
_COLDEST_KELVIN = 150.0  # no place on Earth: a number below is in degC, one above in kelvin


def require_temperature(subject: Subject, purpose: str, *, absolute: bool = False) -> None:
    """Raise `UnitsError` unless the cube can hold temperatures in degC or K.

    A cube without units is taken at its word, unless its standard name says otherwise.
    """
    units, attrs = subject.units, subject.cube.attrs
    where = f"variable {subject.cube.name!r}"
    standard = str(attrs.get("standard_name", ""))
    if units.text is None:
        if standard and "temperature" not in standard:
            raise UnitsError(
                f"{purpose} needs a temperature", where=where, expected=_EXPECTED,
                found=f"no units, standard_name {standard!r}", remedy="pass the temperature",
            )  # fmt: skip
        return
    if not (units.agree("degC") or units.agree("K")):
        remedy = "convert it to degC" if units.is_temperature else "pass the temperature"
        raise UnitsError(
            f"{purpose} needs a temperature",
            where=where,
            expected=_EXPECTED,
            found=f"units {units.text!r}",
            remedy=remedy,
        )
    if absolute and "difference" in str(attrs.get("units_metadata", "")):
        raise UnitsError(
            f"{purpose} needs the temperature itself",
            where=where,
            expected=_EXPECTED,
            found="a temperature difference (an anomaly)",
            remedy="pass the cube that the anomaly was made from",
        )


def require_daily_or_monthly(axis: TimeAxis, purpose: str) -> None:
    """Raise `CalendarError` unless the samples are days or months."""
    step = Step.of(axis)
    if step.unit == "day":
        axis.require_daily(purpose)
    elif (step.unit, step.length) != ("month", 1):
        hours = step.unit == "second" and step.length % 3600 == 0
        length, unit = (step.length // 3600, "hour") if hours else (step.length, step.unit)
        raise CalendarError(
            f"{purpose} needs daily or monthly values",
            where=axis.name,
            expected="a step of a day or a month",
            found=f"a usual step of {length} {unit}{'s' * (length != 1)}",
            remedy="make means first: cc.monthly_mean(cube)",
        )


def refuse_other_scale(number: float, units: str | None, name: str) -> None:
    """Refuse a number in degC beside a cube in kelvin, and the other way round."""
    if units is None:
        return
    kelvin = Units("K").agree(units)
    if (number < _COLDEST_KELVIN) == kelvin:
        other = "degC" if kelvin else "K"
        raise ParameterError(
            f"{name} looks like {other}, and the cube is in {units}", where=f"{name}={number:g}",
            expected=f"a temperature in the cube's units, {units}",
            remedy=f"convert it, or pass a DataArray whose attrs['units'] is {other!r}",
        )  # fmt: skip


def in_scale_of(units: Units, table: xr.DataArray, name: str) -> xr.DataArray:
    """Return temperatures without units, refusing those of the other scale: at compute if lazy."""
    checked: xr.DataArray = xr.apply_ufunc(
        _checked, table, kwargs={"units": units.text, "name": name},
        dask="parallelized", output_dtypes=[table.dtype], keep_attrs=True,
    )  # fmt: skip
    return checked


def _checked(values: Any, units: str | None, name: str) -> Any:
    known = np.ravel(values)[np.isfinite(np.ravel(values))]
    if known.size:
        for extreme in (known.min(), known.max()):
            refuse_other_scale(float(extreme), units, name)
    return values
