"""Where, and for how long, the sea suits a species: its thermal range, or several ranges."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.habitats.ranges import bounds_of_range, check_temperature
from climcube.analysis.habitats.results import Habitat
from climcube.analysis.trends.common import label_of
from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import is_dated
from climcube.cubes.subject import Subject, examine, plain_cube
from climcube.cubes.units import Units
from climcube.errors import CubeError, ParameterError, VariableError, require_choice, suggest
from climcube.kernels.suitability import trapezoid
from climcube.lift.common import require_free_names
from climcube.lift.costs import Cost, Outline, costs

__all__ = ["Habitat", "habitat"]

FREQUENCIES = ("year", "month")
_SPECIES = "species"
# What results have as dimensions and variables of their own.
_TAKEN = ("hemisphere", "part", "band", "axis", "bound", "suitability", "mean", "days", "coverage",
          "area", "state", "change", "mean_a", "mean_b")  # fmt: skip


def habitat(
    cube: Any,
    *,
    thermal_range: Any = None,
    units: str | Mapping[str, str] | None = None,
    threshold: float = 0.5,
    frequency: str = "year",
    min_coverage: float = 0.9,
    areas: xr.DataArray | None = None,
) -> Habitat:
    """Return how suitable the sea is for a species: when, where, how much of it, and its shift.

    Suitability is the trapezoid of AquaMaps (Kaschner et al. 2006, doi:10.3354/meps316285): 1
    within the preferred range, 0 outside the absolute one, linear in between; of two numbers
    only, 1 from the one to the other, both included. Several variables combine by the product.

    Parameters
    ----------
    cube : DataArray, Dataset or mapping
        Temperature with a time axis and any other dimensions in any order and chunks; NumPy or
        Dask, plain or pint-quantified, in any calendar. Or several variables on one grid:
        ``{"temperature": (sst, (10, 20)), "oxygen": (oxygen, row)}``, or a Dataset, with
        ``thermal_range={"sst": (10, 20), "o2": (2, 8, 300, 400)}``. Some of these may lack time
        (the depth of the sea).
    thermal_range
        ``(min, max)`` or ``(min, preferred_min, preferred_max, max)``: numbers, pint quantities,
        or a row (mapping or Series) of a table with those columns, or AquaMaps' TempMin,
        TempPrefMin, TempPrefMax, TempMax. A DataFrame gives one species a row, and results a
        dimension ``species``.
    units : str or mapping, optional
        Units of the numbers, as ``"degC"``; by variable, where there are several. Default: those
        of the cube.
    threshold : float
        A cell is habitat where suitability is above it.
    frequency : {"year", "month"}
        Of ``days``, ``mean`` and ``coverage``.
    min_coverage : float
        Share of the days of a period that must have a value, and of the cells, by area, that
        must have one for an area or a centroid; below it NaN.
    areas : DataArray, optional
        Area of each cell (m2 or km2); default as for `climcube.area_mean`.

    Returns
    -------
    Habitat
        Lazy ``suitability``, ``days``, ``mean``, ``coverage``, ``area``, ``centroid``, and the
        methods ``latitudes``, ``poleward_shift`` and ``change``.

    Raises
    ------
    ParameterError
        The range is upside down, empty, or not two or four finite numbers; the row's columns
        are not known; the range is in degC and the cube in kelvin, and nobody said so; or
        another argument has a value that it does not take.
    UnitsError
        ``thermal_range`` for something that is no temperature; units of another kind.
    CubeError
        Anomalies; variables that lie on different grids.
    AxisError, VariableError
        No time axis; no such variable.

    Notes
    -----
    Missing (and infinite) values are missing: land is never counted, neither as suitable nor as
    unsuitable; a cell misses what any of its variables misses. A value that differs from a bound
    by rounding only (4 units in the last place of a float32, 1e-12 of a float64) lies on it.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(8, 6)).sst
    >>> cod = cc.habitat(sst, thermal_range=(5, 10, 18, 25), units="degC")
    >>> cod.days.sizes["time"], cod.area.units
    (4, 'km2')
    >>> sorted(cod.change((2000, 2001), (2002, 2003)).data_vars)[:3]
    ['area_gain', 'area_loss', 'area_stable']
    """
    require_choice("frequency", frequency, FREQUENCIES)
    shares = [_share(v, n) for n, v in (("threshold", threshold), ("min_coverage", min_coverage))]
    factors = _factors(cube, thermal_range, units)
    main = next((f for f in factors if f.subject is not None), factors[0])
    subject = main.subject or examine(main.given, "habitat")  # which says that there is no time
    require_free_names(subject.cube, subject.axis.name, dict.fromkeys(_TAKEN), "habitat")
    parameters = {
        "ranges": {f.name: f.numbers for f in factors}, "threshold": threshold,
        "frequency": frequency, "min_coverage": min_coverage, "areas": areas,
    }  # fmt: skip
    return Habitat(
        subject=subject,
        given=cube if isinstance(cube, xr.Dataset) else main.given,
        values=_product(factors, subject),
        ranges={f.name: f.bounds for f in factors},
        threshold=shares[0],
        frequency=frequency,
        min_coverage=shares[1],
        areas=areas,
        parameters=parameters,
        inputs=[f.given for f in factors],
    )


@dataclass(frozen=True, eq=False)
class _Factor:
    """One variable and what the species can bear of it."""

    name: str
    given: Any
    cube: xr.DataArray
    subject: Subject | None  # of a variable with time
    bounds: xr.DataArray
    numbers: list[list[float]]

    @classmethod
    def of(cls, name: str, given: Any, wanted: Any, said: Any, *, thermal: bool) -> _Factor:
        plain, _ = plain_cube(given, "habitat")
        try:
            subject = examine(given, "habitat")
        except CubeError:
            if thermal or _has_time(plain):
                raise
            subject = None
        units = Units.of(plain)
        where = "thermal_range" if thermal else f"range of {name!r}"
        if thermal:
            check_temperature(plain, units)
        bounds, numbers = bounds_of_range(wanted, units, said, where)
        if _SPECIES in bounds.dims and _SPECIES in plain.dims:
            raise CubeError(
                "the cube has a dimension species already", where=f"variable {plain.name!r}",
                expected="none of that name", remedy="rename it: cube.rename(species='my_species')",
            )  # fmt: skip
        return cls(name, given, plain, subject, bounds, numbers)

    def suitability(self) -> xr.DataArray:
        bounds = self.bounds
        if _SPECIES in bounds.dims and is_lazy(self.cube):
            bounds = bounds.chunk({_SPECIES: 1})  # a task's memory is that of one species
        four = [bounds.isel(bound=i) if bounds.ndim > 1 else float(bounds[i]) for i in range(4)]
        found: xr.DataArray = xr.apply_ufunc(
            trapezoid, self.cube, *four, dask="parallelized", output_dtypes=["float64"]
        )
        return found.drop_attrs(deep=False)


def _cost(values: Outline, *bounds: Any) -> Cost:
    """Return what one block takes: the values side by side, and a block for each species."""
    numbers = max([1, *(bound.size for bound in bounds if isinstance(bound, Outline))])
    shape = values.shape if numbers == 1 else (*values.shape[:-1], numbers)
    return Cost(Outline(shape, "float64"), 16 * values.size)


costs(_cost)(trapezoid)


def _factors(cube: Any, wanted: Any, units: Any) -> list[_Factor]:
    """Sort out what was given: one cube and one range, or several of both by name."""
    pairs: dict[str, tuple[Any, Any]]
    if isinstance(cube, xr.Dataset) and isinstance(wanted, Mapping) and _names(cube, wanted):
        pairs = {str(n): (cube[n], r) for n, r in wanted.items()}
    elif isinstance(cube, Mapping) and not isinstance(cube, xr.Dataset):
        pairs = _pairs(cube, wanted)
    else:
        if wanted is None:
            raise ParameterError(
                "no thermal range", where="thermal_range",
                expected="two or four numbers, or a row of a species table",
                remedy="pass for instance thermal_range=(10, 20), units='degC'",
            )  # fmt: skip
        said = _said(units, None)
        return [_Factor.of("temperature", cube, wanted, said, thermal=True)]
    return [
        _Factor.of(name, given, own, _said(units, name), thermal=False)
        for name, (given, own) in pairs.items()
    ]


def _names(dataset: xr.Dataset, wanted: Mapping[str, Any]) -> bool:
    """Whether the keys are variables (not the columns of a species table)."""
    known = [name in dataset.data_vars for name in wanted]
    if any(known) and not all(known):
        other = next(str(n) for n in wanted if n not in dataset.data_vars)
        raise VariableError(
            "no such variable", where="thermal_range", found=repr(other),
            remedy=suggest(other, map(str, dataset.data_vars)),
        )  # fmt: skip
    return bool(known) and all(known)


def _pairs(cubes: Mapping[Any, Any], wanted: Any) -> dict[str, tuple[Any, Any]]:
    fits = [isinstance(pair, tuple | list) and len(pair) == 2 for pair in cubes.values()]
    if not fits or not all(fits) or wanted is not None:
        raise ParameterError(
            "variables and their ranges not understood", where="cube",
            expected="{'temperature': (cube, range), 'oxygen': (cube, range)}, no thermal_range",
            found=f"{len(fits) - sum(fits)} of {len(fits)} values are no such pair"
            if wanted is None else "a mapping and a thermal_range",
        )  # fmt: skip
    return {str(name): (pair[0], pair[1]) for name, pair in cubes.items()}


def _said(units: Any, name: str | None) -> str | None:
    """Return the units of one variable's numbers, where the caller said them."""
    if units is None or (name is None and isinstance(units, str)):
        return units
    if name is None or isinstance(units, str):
        raise ParameterError(
            "units not understood", where=f"units={units!r}",
            expected="one name of units" if name is None else f"a mapping, {{{name!r}: 'degC'}}",
        )  # fmt: skip
    said = units.get(name)
    return None if said is None else str(said)


def _product(factors: list[_Factor], subject: Subject) -> xr.DataArray:
    """Return the product of all suitabilities, species first, else in the cube's order."""
    try:
        xr.align(*(f.cube for f in factors), join="exact", copy=False)
        product = functools.reduce(operator.mul, [f.suitability() for f in factors])
    except ValueError as error:
        names = ", ".join(f"{f.name!r} {dict(f.cube.sizes)}" for f in factors)
        raise CubeError(
            "the variables lie on different grids or times", where=names,
            expected="the same coordinates", found=str(error).partition("\n")[0],
            remedy="interpolate one to the other: oxygen.interp_like(sst)",
        ) from None  # fmt: skip
    order = [d for d in product.dims if d not in subject.cube.dims]
    product = product.transpose(*order, *subject.cube.dims)
    text = label_of(subject.cube) if len(factors) == 1 else ", ".join(f.name for f in factors)
    attrs = {"long_name": f"suitability of {text}", "units": "1", "valid_range": [0.0, 1.0]}
    return product.rename("suitability").assign_attrs(attrs)


def _has_time(cube: xr.DataArray) -> bool:
    return any(is_dated(cube[d]) for d in cube.dims if d in cube.coords)


def _share(value: Any, name: str) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1 or (name == "threshold" and value == 1):
        raise ParameterError(
            f"{name} out of range", where=f"{name}={value!r}", expected="a share between 0 and 1"
        )
    return float(value)
