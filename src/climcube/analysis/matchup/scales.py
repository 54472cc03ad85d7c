"""Observed values in the units of the cube."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.units import Units
from climcube.errors import UnitsError

__all__ = ["values_in_units_of"]

# What Argo's names mean where a table has lost the attributes.
_ARGO = {"TEMP": "degC", "PSAL": "1e-3", "DOXY": "micromole/kg"}
_PLAUSIBLE = (150.0, 370.0)  # kelvin: degC that pass for K lie below, K that pass for degC above


def values_in_units_of(
    cube: xr.DataArray, units: Units, values: npt.NDArray[np.float64], name: str, given: str | None
) -> npt.NDArray[np.float64]:
    """Return observed values converted to the units of the cube.

    ``given`` are their units, of differences where the cube holds differences (anomalies).
    Without any, those of Argo's names count, else they are taken for the cube's.

    Raises
    ------
    UnitsError
        They cannot be converted; or temperatures without units that, in the cube's, are none.
    """
    where = f"column {name!r} of the observations"
    own = units.text
    difference = "difference" in str(cube.attrs.get("units_metadata"))
    if own is None:
        return values
    text = given if given is not None else _ARGO.get(name.removesuffix("_ADJUSTED"), own)
    if given is None and units.is_temperature and not difference:
        _require_plausible(values, text, where)
    if units.agree(text):
        return values
    found: Any = units.converted(values, text, where)
    if difference:  # an anomaly in degC is as large in K
        found = found - units.converted(0.0, text, where)
    return np.asarray(found, "float64")


def _require_plausible(values: npt.NDArray[np.float64], own: str, where: str) -> None:
    known = values[np.isfinite(values)]
    if not len(known):
        return
    middle = float(np.median(known))
    kelvin = float(Units("K").converted(middle, own))
    if not _PLAUSIBLE[0] <= kelvin <= _PLAUSIBLE[1]:
        raise UnitsError(
            "temperatures without units that cannot be in those expected", where=where,
            expected=f"{own!r}", found=f"a median of {middle:g}",
            remedy="say which: pass units='degC' or units='K'",
        )  # fmt: skip
