"""What a species can bear, as users write it: numbers, quantities, rows of their own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climcube.cubes.units import Units
from climcube.errors import CubeError, ParameterError, UnitsError

__all__ = ["COLUMNS", "bounds_of_range", "check_temperature"]

COLUMNS = ("min", "preferred_min", "preferred_max", "max")
_AQUAMAPS = ("tempmin", "tempprefmin", "tempprefmax", "tempmax")
_SPECIES_COLUMNS = ("species", "speciesid", "name")
_NO_PLACE_ON_EARTH = 150.0  # above it no degC or degF, below it no kelvin, that anything lives in
_EXAMPLE = "thermal_range=(10, 20), or (8, 12, 18, 22) with the preferred range within"


def bounds_of_range(
    given: Any, units: Units, said: str | None, where: str
) -> tuple[xr.DataArray, list[list[float]]]:
    """Return the four bounds of one species or several, in the units of the cube.

    Parameters
    ----------
    given
        Two or four numbers or pint quantities; a mapping or Series with `COLUMNS`; a DataFrame
        with one species a row.
    units
        Those of the cube.
    said
        The units of the numbers; ``None`` for those of the cube.
    where
        What to call it in messages.

    Returns
    -------
    DataArray, list
        By ``bound`` (and ``species`` for a table); and the numbers, for the records.

    Raises
    ------
    ParameterError
        Not two or four finite numbers, rising; columns that are not known.
    UnitsError
        Units that are not of the cube's kind.
    """
    if isinstance(given, pd.DataFrame):
        return _of_table(given, units, said, where)
    numbers = _in_cube_units(_four(given, where), units, said, where)
    return xr.DataArray(numbers, dims="bound"), [numbers]


def check_temperature(cube: xr.DataArray, units: Units) -> None:
    """Refuse a cube that a thermal range cannot be of."""
    if "difference" in str(cube.attrs.get("units_metadata")):
        raise CubeError(
            "a thermal range is of temperatures, not of anomalies",
            where=f"variable {cube.name!r}", expected="absolute temperature",
            remedy="pass the cube itself",
        )  # fmt: skip
    if units.text is not None and not units.is_temperature:
        raise UnitsError(
            "a thermal range needs temperatures", where=f"variable {cube.name!r}",
            expected="units of temperature", found=repr(units.text),
            remedy="name the variables to use others: cc.habitat({'oxygen': (cube, (2, 8))})",
        )  # fmt: skip


def _of_table(
    table: pd.DataFrame, units: Units, said: str | None, where: str
) -> tuple[xr.DataArray, list[list[float]]]:
    if not len(table):
        raise ParameterError(
            "the species table has no row", where=where, expected="one row for each species"
        )
    column = next((c for c in table.columns if str(c).lower() in _SPECIES_COLUMNS), None)
    names = [str(n) for n in (table.index if column is None else table[column])]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ParameterError(
            "a species occurs twice in the table", where=where, expected="one row for each",
            found=repr(twice), remedy="give it the index, or a column 'species', of its own",
        )  # fmt: skip
    numbers = [
        _in_cube_units(_four(row, f"{where}, species {name!r}"), units, said, where)
        for name, (_, row) in zip(names, table.iterrows(), strict=True)
    ]
    coords = {"species": ("species", names, {"long_name": "species"})}
    return xr.DataArray(numbers, dims=("species", "bound"), coords=coords), numbers


def _four(given: Any, where: str) -> list[Any]:
    """Return least, low, high and most, as they were written."""
    if isinstance(given, pd.Series | Mapping):
        given = _of_row(given, where)
    try:
        parts = list(given)
    except TypeError:
        parts = []
    if isinstance(given, str) or len(parts) not in (2, 4):
        found = repr(given) if len(parts) in (0, 2, 4) else f"{len(parts)} of them"
        raise ParameterError(
            "range not understood", where=where,
            expected="two numbers (min, max), or four (min, preferred_min, preferred_max, max), "
            "or a row with such columns", found=found, remedy=f"pass for instance {_EXAMPLE}",
        )  # fmt: skip
    return [parts[0], parts[0], parts[1], parts[1]] if len(parts) == 2 else parts


def _of_row(row: Any, where: str) -> list[Any]:
    """Return two or four bounds of a row of a species table."""
    known = {str(key).strip().lower(): row[key] for key in row.keys()}  # noqa: SIM118 - a Series
    for columns in (COLUMNS, _AQUAMAPS):
        for wanted in (columns, (columns[0], columns[3])):
            if set(wanted) <= set(known) and not _half(columns, known):
                return [known[name] for name in wanted]
    raise ParameterError(
        "columns of the species table not understood", where=where,
        expected=f"{', '.join(COLUMNS)} (or min and max alone; or AquaMaps' TempMin, TempPrefMin, "
        "TempPrefMax, TempMax)",
        found=", ".join(map(str, row.keys())) or "none",
        remedy="rename them: table.rename(columns={'my_min': 'min', ...})",
    )  # fmt: skip


def _half(columns: tuple[str, ...], known: Mapping[str, Any]) -> bool:
    """Whether just one end of the preferred range is there."""
    return len({columns[1], columns[2]} & set(known)) == 1


def _in_cube_units(parts: list[Any], units: Units, said: str | None, where: str) -> list[float]:
    """Return checked numbers in the units of the cube."""
    numbers = []
    for part in parts:
        quantity = hasattr(part, "magnitude") and hasattr(part, "units")
        own = f"{part.units:D}" if quantity else said
        number = _number(part.magnitude if quantity else part, parts, where)
        if own is None:
            _refuse_other_scale(number, units, parts, where)
        else:
            number = _converted(number, own, units, where)
        numbers.append(number)
    least, low, high, most = numbers
    if not least <= low <= high <= most:
        raise ParameterError(
            "the range is upside down", where=where,
            expected="min <= preferred_min <= preferred_max <= max", found=_shown(parts),
            remedy="the order is from cold to warm, from little to much",
        )  # fmt: skip
    if least == most:
        raise ParameterError(
            "the range is empty: its ends are equal", where=where, expected="min < max",
            found=_shown(parts), remedy="widen it",
        )  # fmt: skip
    return numbers


def _converted(number: float, text: str, units: Units, where: str) -> float:
    if units.text is None:
        raise UnitsError(
            "the cube has no units to convert the range to", where=where,
            expected="units of the cube", found=f"a range in {text!r}",
            remedy="set cube.attrs['units'], or leave units out where the numbers are the cube's",
        )  # fmt: skip
    return float(units.converted(number, text, where))


def _number(value: Any, parts: list[Any], where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number) or isinstance(value, bool):
        raise ParameterError(
            "a bound of the range is missing or no number", where=where,
            expected="finite numbers", found=_shown(parts),
            remedy=f"pass for instance {_EXAMPLE}",
        )  # fmt: skip
    return number


def _refuse_other_scale(number: float, units: Units, parts: list[Any], where: str) -> None:
    """Refuse degC for a cube in kelvin, and the other way round: nothing would be habitat."""
    if not units.is_temperature:
        return
    kelvin = units.agree("K")
    if (number < _NO_PLACE_ON_EARTH) == kelvin:
        other = "degC" if kelvin else "K"
        raise ParameterError(
            f"the range looks like {other}, and the cube is in {units.text}", where=where,
            expected=f"bounds in the cube's units, {units.text}", found=_shown(parts),
            remedy=f"say so: units={other!r} (or units={units.text!r}, if it is meant)",
        )  # fmt: skip


def _shown(parts: list[Any]) -> str:
    if parts[0] is parts[1] and parts[2] is parts[3]:  # two were given
        parts = parts[::2]
    return "(" + ", ".join(str(p) for p in parts) + ")"
