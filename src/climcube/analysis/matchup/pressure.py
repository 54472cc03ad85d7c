"""Depth of a pressure in the sea."""

from __future__ import annotations

import importlib

import numpy as np
import numpy.typing as npt

__all__ = ["depth_of_pressure"]

Floats = npt.NDArray[np.float64]


def depth_of_pressure(pressure: Floats, latitude: Floats) -> tuple[Floats, str]:
    """Return depth in metres, positive downwards, of sea pressures in dbar; and by which formula.

    TEOS-10 (`gsw.z_from_p`) where the package gsw is installed. Else the formula of Saunders and
    Fofonoff (1976), for the International Equation of State of 1980, as printed by Fofonoff and
    Millard (1983, UNESCO technical papers in marine science 44, page 28); the two differ by less
    than 0.1 %. Both are for water of 35 g/kg at 0 degC.

    Notes
    -----
    The printed check value is 9712.653 m at 10,000 dbar and 30 degrees of latitude.
    """
    try:
        gsw = importlib.import_module("gsw")
    except ImportError:
        return _saunders_fofonoff(pressure, latitude), "Saunders and Fofonoff (1976)"
    return np.asarray(-gsw.z_from_p(pressure, latitude), "float64"), "TEOS-10 (gsw)"


def _saunders_fofonoff(pressure: Floats, latitude: Floats) -> Floats:
    x = np.sin(np.deg2rad(latitude)) ** 2
    # The rise of gravity with pressure is averaged over the column, hence 1.092e-6.
    gravity = 9.780318 * (1.0 + (5.2788e-3 + 2.36e-5 * x) * x) + 1.092e-6 * pressure
    p = pressure
    volume = (((-1.82e-15 * p + 2.279e-10) * p - 2.2512e-5) * p + 9.72659) * p
    return np.asarray(volume / gravity)
