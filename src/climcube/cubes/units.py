"""Units in, units out: plain CF attributes and pint-quantified cubes alike."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import xarray as xr

from climcube.errors import UnitsError

__all__ = ["Units", "is_quantified", "requantify", "unquantify", "without_quantities"]

# Spellings that pint does not know, or takes for an angle ("deg C", "degrees Celsius").
_TEMPERATURE = re.compile(
    r"(?:(?:deg(?:ree)?s?\.?|[°º])[ _]?(?P<letter>[cfk])"
    r"|(?:(?:deg(?:ree)?s?\.?|[°º])[ _]?)?(?P<word>celsius|centigrade|fahrenheit|kelvins?))",
    re.IGNORECASE,
)
_SCALES = {"c": "degC", "f": "degF", "k": "K"}
_DELTAS = {
    "degree_Celsius": "delta_degree_Celsius",
    "degree_Fahrenheit": "delta_degree_Fahrenheit",
}
# pint's decade is a logarithmic unit without dimension; its ten years are a decayear.
_DECADES = {"decade": "decayear"}
# A factor in front of a unit ("1e6 km2", "10^6 km2"), as UDUNITS allows.
_FACTOR = re.compile(
    r"\s*(?:10\s*(?:\^|\*\*)\s*(?P<power>[+-]?\d+)|(?P<number>[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?))"
    r"\s*[ *.x]?\s*(?P<unit>[^\W\d_].*|%.*)"
)
_ROUNDING = 1e-12
_DIFFERENCE = "temperature: difference"  # CF-1.11 units_metadata: degC here is a difference


class Units:
    """The units of one cube, and what statistics of it are measured in.

    ``Units.of(cube)`` reads them; ``absolute``, ``difference``, ``rate`` and ``times`` say what
    attributes a result of that nature carries. An absolute temperature and a temperature
    difference are different things: a difference is marked as CF-1.11 does.
    """

    def __init__(self, text: str | None, where: str = "cube") -> None:
        self.text = text
        self._factor, self._parsed = 1.0, None
        if text is not None:
            self._factor, self._parsed = _scaled(text, where)

    @classmethod
    def of(cls, cube: xr.DataArray, units: str | None = None) -> Units:
        """Read the units of a plain cube (see `unquantify`); units given by the caller win."""
        text = units if units is not None else cube.attrs.get("units")
        return cls(None if text is None else str(text), f"variable {cube.name!r}")

    @property
    def is_temperature(self) -> bool:
        """Whether these are units of temperature."""
        return self._parsed is not None and self._parsed.dimensionality == {"[temperature]": 1}

    def agree(self, text: Any) -> bool:
        """Whether other units mean the same, however they are spelled ("Celsius" and "degC").

        >>> Units("Celsius").agree("degC"), Units("K").agree("degC"), Units(None).agree("K")
        (True, False, False)
        >>> Units("1e6 km2").agree("10^12 m2"), Units("1e6 km2").agree("km2")
        (True, False)
        """
        if text == self.text or self._parsed is None:
            return bool(text == self.text)
        factor, unit = _scaled(str(text), "units")
        if factor == self._factor:
            return bool(unit == self._parsed)
        if unit.dimensionality != self._parsed.dimensionality or self.is_temperature:
            return False
        ratio = _registry().Quantity(factor / self._factor, unit).to(self._parsed).magnitude
        return bool(abs(ratio - 1) <= _ROUNDING)

    def converted(self, values: Any, text: str, where: str = "values") -> Any:
        """Return absolute values given in other units (``text``) in these units.

        >>> float(Units("K").converted(20.0, "degC"))
        293.15

        Raises
        ------
        UnitsError
            One cannot be converted into the other.
        """
        import pint

        factor, other = _scaled(text, where)
        values = values if factor == 1 else values * factor
        try:
            found = _registry().Quantity(values, other).to(self._parsed).magnitude
            return found if self._factor == 1 else found / self._factor
        except pint.DimensionalityError:
            raise UnitsError(
                "units do not fit each other", where=where,
                expected=f"what can be converted to {self.text!r}", found=repr(text),
            ) from None  # fmt: skip

    def absolute(self) -> dict[str, str]:
        """Attributes of a value of the same nature as the cube's."""
        return {} if self.text is None else {"units": self.text}

    def difference(self) -> dict[str, str]:
        """Attributes of a difference of two values (an anomaly, an intensity)."""
        attrs = self.absolute()
        if self.is_temperature:
            attrs["units_metadata"] = _DIFFERENCE
        return attrs

    def times(self, factor: str, *, absolute: bool = False) -> dict[str, str]:
        """Attributes of a difference multiplied by another unit (``"day"``, ``"decade-1"``).

        An absolute value multiplied (a sum over days of degC) is not marked as a difference:
        it would be converted as one.
        """
        if self.text is None:
            return {}
        text = factor if self.text in ("1", "") else f"{self.text} {factor}"
        attrs = {"units": text}
        if self.is_temperature and not absolute:
            attrs["units_metadata"] = _DIFFERENCE
        return attrs

    def product(self, unit: str) -> dict[str, str]:
        """Attributes of a sum of values times another unit, put in its shortest form.

        >>> Units("kg m-2 s-1").product("m2"), Units("1").product("km2"), Units(None).product("m2")
        ({'units': 'kg s-1'}, {'units': 'km2'}, {})
        """
        if self._parsed is None:
            return {}
        if self.is_temperature or self._parsed.dimensionless or self._factor != 1:
            return self.times(unit, absolute=True)
        return _write(self._parsed * _parse(unit, "unit"))


def is_quantified(cube: xr.DataArray) -> bool:
    """Whether a cube holds a pint quantity."""
    data = cube.variable._data
    return hasattr(data, "magnitude") and hasattr(data, "units")


def unquantify(cube: xr.DataArray) -> tuple[xr.DataArray, Any]:
    """Return the cube with its units as CF attributes, and the pint registry it came with.

    The registry is ``False`` for a plain cube, which is returned as it is. Coordinates lose their
    units as the values do; what they were comes with the registry (`Quantities`).
    """
    if not is_quantified(cube):
        return cube, False
    data: Any = cube.variable._data
    plain = cube.copy(data=data.magnitude)
    plain.encoding = dict(cube.encoding)
    plain.attrs.update(_write(data.units))
    units = {str(n): c.variable._data.units for n, c in cube.coords.items() if is_quantified(c)}
    registry = data._REGISTRY
    return without_quantities(plain), Quantities(registry, units) if units else registry


@dataclass(frozen=True)
class Quantities:
    """What a result needs to be quantified as its input was."""

    registry: Any
    coordinates: Mapping[str, Any]  # their units


def without_quantities[T: (xr.DataArray, xr.Dataset)](cube: T) -> T:
    """Return a cube whose coordinates hold plain numbers, their units as CF attributes."""
    for name, coordinate in cube.coords.items():
        if is_quantified(coordinate):
            data: Any = coordinate.variable._data
            attrs = coordinate.attrs | _write(data.units)
            plain = xr.Variable(coordinate.dims, data.magnitude, attrs, coordinate.encoding)
            cube = cube.drop_vars(str(name)).assign_coords({name: plain})
    return cube


def _with_quantities(result: xr.Dataset, units: Mapping[str, Any]) -> xr.Dataset:
    """Give coordinates their units back, so that result and input fit each other."""
    for name in units.keys() & result.coords.keys():
        variable = result[name].variable
        attrs = {k: v for k, v in variable.attrs.items() if k != "units"}
        if name in result.xindexes:
            from pint_xarray.index import PintIndex  # noqa: PLC0415 - the input had one

            index = PintIndex(index=result.xindexes[name], units={name: units[name]})
            own = {name: variable.to_base_variable()._replace(attrs=attrs)}
            coordinates = xr.Coordinates(index.create_variables(own), {name: index})
            result = result.drop_vars(name).assign_coords(coordinates)
        else:
            data = units[name]._REGISTRY.Quantity(variable._data, units[name])
            result = result.assign_coords({name: (variable.dims, data, attrs)})
    return result


def requantify(result: xr.Dataset, quantified: Any) -> xr.Dataset:
    """Turn the CF units of a result back into pint quantities, if the input was quantified.

    Parameters
    ----------
    result
        With CF units as attributes.
    quantified
        What `unquantify` returned: quantities of another registry could not be combined with
        the caller's. ``True`` stands for pint's application registry. A factor in units
        ("1e6 km2"), which pint's units have not, goes into the values.
    """
    if not quantified:
        return result
    out = result.copy()
    whole = isinstance(quantified, Quantities)
    registry = quantified.registry if whole else quantified
    for name, variable in result.data_vars.items():
        if "units" not in variable.attrs:
            continue
        factor, unit = _scaled(str(variable.attrs["units"]), f"variable {name!r}")
        if variable.attrs.get("units_metadata") == _DIFFERENCE:
            unit = _as_difference(unit)
        own, unit = _moved(unit, registry)
        attrs = {k: v for k, v in variable.attrs.items() if k not in ("units", "units_metadata")}
        data = variable.variable._data if factor == 1 else (variable.variable * factor)._data
        quantity = own.Quantity(data, unit)
        out[name] = variable.copy(data=quantity)
        out[name].attrs = attrs
    return _with_quantities(out, quantified.coordinates) if whole else out


def _moved(unit: Any, registry: Any) -> tuple[Any, Any]:
    """Return a registry and a unit of it that means the same."""
    if registry is True:
        import pint

        registry = pint.get_application_registry().get()  # type: ignore[no-untyped-call]
    try:
        return registry, registry.Unit(f"{unit:D}")
    except Exception:  # noqa: BLE001 - the caller's registry lacks the unit, in whatever way
        return _registry(), unit


@lru_cache(maxsize=1)
def _registry() -> Any:
    # pint and its CF definitions take 0.3 s to import, and most analyses parse one unit at most.
    # That import redefines some of pint's own units, and pint logs a warning for each; where there
    # is no matplotlib, which only the extra `plots` brings, it says so.
    log = logging.getLogger("pint.util")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Import.* matplotlib support", UserWarning)
            from cf_xarray.units import units
    finally:
        log.setLevel(level)

    return units


def _scaled(text: str, where: str) -> tuple[float, Any]:
    """Return the factor in front of a unit, 1 if there is none, and the unit."""
    found = None if _is_number(text) else _FACTOR.fullmatch(text)
    if found is not None:
        power, number = found["power"], found["number"]
        factor = float(number) if power is None else 10.0 ** int(power)
        try:
            unit = _parse(found["unit"], where)
        except UnitsError:
            factor = 0.0
        if factor > 0:
            return factor, unit
    return 1.0, _parse(text, where)  # which names the whole of what it refuses


@lru_cache(maxsize=256)
def _parse(text: str, where: str) -> Any:
    try:
        return _renamed(_registry().Unit(_spelling(text)), _DECADES)
    except Exception as error:
        raise UnitsError(
            "unknown units",
            where=where,
            expected="units that UDUNITS or pint knows",
            found=repr(text),
            remedy="correct cube.attrs['units'] (for instance 'degC' or 'K'), or delete it",
        ) from error


def _spelling(text: str) -> str:
    """Return what pint reads for units as UDUNITS writes them."""
    plain = text.strip()
    temperature = _TEMPERATURE.fullmatch(plain)
    if temperature:
        return _SCALES[(temperature["letter"] or temperature["word"])[0].lower()]
    return "dimensionless" if _is_number(plain or "1") else plain


def _is_number(text: str) -> bool:
    """Whether units are "1", or a scale as in salinity's "1e-3"."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_difference(unit: Any) -> Any:
    return _renamed(unit, _DELTAS)


def _renamed(unit: Any, names: dict[str, str]) -> Any:
    registry = _registry()
    parts = registry.Unit("dimensionless")
    for name, power in unit._units.items():
        parts *= registry.Unit(names.get(name, name)) ** power
    return parts


def _write(unit: Any) -> dict[str, str]:
    """Return the CF attributes that say what a pint unit of any registry says."""
    try:
        own = _renamed(_registry().Unit(f"{unit:D}"), _DECADES)
    except Exception:  # noqa: BLE001 - a unit that only the caller's registry knows
        return {"units": f"{unit:~D}"}
    difference = any(name.startswith("delta_") for name in own._units)
    for text in ("degC", "degF", "K", "1"):
        known = _parse(text, "units")
        if own == known or (difference and own == _as_difference(known)):
            break
    else:
        written = _renamed(own, {ten: word for word, ten in _DECADES.items()})
        text = f"{written:cf}".replace("delta_deg", "deg").replace("°", "deg")
    return {"units": text} | ({"units_metadata": _DIFFERENCE} if difference else {})
