"""What else decides about a day besides the threshold: sea ice, and a second criterion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.events.baselines import in_calendar_order
from climcube.analysis.events.definition import TIES, HeatwaveDefinition
from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, plain_cube
from climcube.cubes.units import unquantify
from climcube.errors import CubeError, ParameterError
from climcube.lift.series import Output, lift_series

__all__ = ["second_criterion", "without_ice"]

_PERCENT = ("%", "percent")


def without_ice(subject: Subject, ice: Any, max_ice: float, min_temperature: Any) -> Subject:
    """Return the subject with the samples under ice missing."""
    cube = subject.cube
    free: Any = None
    if ice is not None:
        free = ~_under_ice(ice, max_ice, subject)
    if min_temperature is not None:
        warm = _at_least(cube, _number("min_temperature", min_temperature))
        free = warm if free is None else free & warm
    if free is None:
        return subject
    masked = cube.where(free)
    masked.attrs, masked.encoding = dict(cube.attrs), dict(cube.encoding)  # the packing still holds
    return replace(subject, cube=masked.transpose(*cube.dims))


def _under_ice(ice: Any, max_ice: float, subject: Subject) -> xr.DataArray:
    limit = _number("max_ice", max_ice)
    if not 0 < limit <= 1:
        raise ParameterError(
            "max_ice out of range",
            where=f"max_ice={max_ice!r}",
            expected="a share of the area, 0..1",
        )
    if _is_mask(ice):
        return _on_grid(ice, subject, "ice")
    plain, _ = plain_cube(ice, "heatwaves: ice")
    aligned = _on_grid(plain, subject, "ice")
    return _at_least(aligned, limit * (100 if _is_percentage(plain) else 1))


def _is_percentage(ice: xr.DataArray) -> bool:
    """Whether concentrations go to 100.

    The ice of OISST says so, but goes to 1: its limits are those of the packed integers.
    """
    if ice.attrs.get("units") not in _PERCENT:
        return False
    limits = ice.attrs.get("valid_max", ice.attrs.get("valid_range"))
    if limits is None:
        return True
    greatest = np.asarray(limits).reshape(-1)[-1]
    packing = Packing.of(ice)
    if packing is not None and np.issubdtype(greatest.dtype, np.integer):
        greatest = greatest * packing.scale + packing.offset
    return bool(greatest > 1)


def _at_least(values: xr.DataArray, limit: float) -> xr.DataArray:
    """Whether values reach a limit; those that miss it by the rounding of their type are on it.

    Packed values lie on such limits (15 % of ice, -1.8 degC), and float32(15) * float32(0.01)
    is less than float32(0.15).
    """
    exact = not np.issubdtype(values.dtype, np.floating)
    rounding = 0.0 if exact else 2 * float(np.finfo(values.dtype).eps)
    return values >= limit - rounding * abs(limit)


def second_criterion(
    subject: Subject, second: Any, definition: HeatwaveDefinition
) -> xr.DataArray | None:
    """Return, for each sample, whether it meets the second criterion; ``None`` without one.

    ``second`` is a number or a DataArray of thresholds (by day, by ``dayofyear``, by cell) that
    the values must lie beyond, too, or a boolean DataArray that says it outright. Values are
    those that the first threshold is compared with: packed ones exact, short gaps filled.
    """
    if second is None:
        return None
    cube, axis = subject.cube, subject.axis
    if not isinstance(second, xr.DataArray):
        return _beyond(subject, _number("second_threshold", second), definition)
    if _is_mask(second):
        met = _on_grid(second, subject, "second_threshold")
        return met.broadcast_like(cube).transpose(*cube.dims)
    limit, _ = plain_cube(second, "heatwaves: second_threshold")
    _require_units(limit, subject)
    if "dayofyear" in limit.dims:
        if limit.sizes["dayofyear"] != axis.days_of_year:
            raise CubeError(
                "second_threshold and cube have different calendars",
                expected=f"{axis.days_of_year} days of year ({axis.calendar})",
                found=str(limit.sizes["dayofyear"]),
            )
        limit = in_calendar_order(limit, axis, "second_threshold")
        rows = xr.DataArray(axis.dayofyear, dims=axis.name)
        limit = limit.drop_vars("dayofyear", errors="ignore").isel(dayofyear=rows)
    return _beyond(subject, _on_grid(limit, subject, "second_threshold"), definition)


def _beyond(
    subject: Subject, limit: xr.DataArray | float, definition: HeatwaveDefinition
) -> xr.DataArray:
    cube, axis, settings = subject.cube, subject.axis, definition.settings()
    cubes = [(cube, axis.name)]
    tables: tuple[Any, ...] = (axis.ordinal, settings.max_pad, settings.sign, TIES)
    if isinstance(limit, xr.DataArray):
        whole = limit.broadcast_like(cube).transpose(*cube.dims)
        if is_lazy(cube):
            whole = whole.chunk(cube.chunksizes)
        cubes.append((whole, axis.name))
    else:
        tables = (limit, *tables)
    output = Output("met", axis.name, "bool", {})
    met = lift_series("climcube.kernels.criterion:beyond", cubes, [output], tables=tables,
                      purpose="heatwaves")  # fmt: skip
    return met["met"]


def _on_grid(other: xr.DataArray, subject: Subject, name: str) -> xr.DataArray:
    """Return another cube in the subject's chunks, or say how its grid or times differ."""
    cube = subject.cube
    strange = [str(d) for d in other.dims if d not in cube.dims]
    if strange:
        raise CubeError(
            f"{name} has a dimension that the cube lacks", where=strange[0],
            expected=", ".join(map(str, cube.dims)),
        )  # fmt: skip
    try:
        aligned: xr.DataArray = xr.align(cube, other, join="exact")[1]
    except ValueError as error:
        raise CubeError(
            f"{name} and cube lie on different grids or times", where=name,
            found=str(error).splitlines()[0],
            remedy=f"bring it onto the cube's coordinates: {name}.reindex_like(cube)",
        ) from error  # fmt: skip
    # Coordinates along no dimension (a level's name) need not agree and must not travel.
    aligned = aligned.drop_vars([c for c in aligned.coords if c not in aligned.dims])
    if not is_lazy(cube):  # a lazy one must not cut the series of an eager cube
        return aligned.chunk({subject.axis.name: -1}) if _is_cut(aligned, subject) else aligned
    return aligned.chunk({d: cube.chunksizes[d] for d in aligned.dims})


def _is_cut(other: xr.DataArray, subject: Subject) -> bool:
    return len(other.chunksizes.get(subject.axis.name, ())) > 1


def _is_mask(cube: Any) -> bool:
    return isinstance(cube, xr.DataArray) and cube.dtype == bool


def _require_units(limit: xr.DataArray, subject: Subject) -> None:
    units, expected = limit.attrs.get("units"), subject.units.text
    if units is not None and expected is not None and not subject.units.agree(units):
        raise CubeError(
            "second_threshold and cube have different units", expected=expected, found=units,
            remedy="convert one of them first",
        )  # fmt: skip


def _number(name: str, value: Any) -> float:
    plain = unquantify(value)[0] if isinstance(value, xr.DataArray) and not value.ndim else value
    number = plain.item() if isinstance(plain, xr.DataArray | np.generic) else plain
    if isinstance(number, bool) or not isinstance(number, int | float) or not np.isfinite(number):
        raise ParameterError(
            f"{name} is no number", where=f"{name}={value!r}",
            expected="a number in the units of the cube"
            + (", or a DataArray" if name == "second_threshold" else ""),
        )  # fmt: skip
    return float(number)
