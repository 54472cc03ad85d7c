"""The annual cycle as a few harmonics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["fit_harmonics"]

Floats = npt.NDArray[np.float64]


def fit_harmonics(values: Floats, harmonics: int) -> Floats:
    """Return the least-squares fit of a mean and ``harmonics`` waves to each column.

    ``values`` is ``(days, cells)``, one cycle long. Missing days take no part in the fit and
    stay missing; a column with fewer days than coefficients becomes missing.
    """
    days, cells = values.shape
    phase = 2 * np.pi * np.arange(days)[:, None] * np.arange(1, harmonics + 1) / days
    basis = np.concatenate([np.ones((days, 1)), np.cos(phase), np.sin(phase)], axis=1)
    valid = ~np.isnan(values)
    out = np.full((days, cells), np.nan)
    whole = valid.all(axis=0)
    if whole.any():
        out[:, whole] = basis @ np.linalg.lstsq(basis, values[:, whole], rcond=None)[0]
    for cell in np.flatnonzero(~whole & (valid.sum(axis=0) >= basis.shape[1])):
        rows = valid[:, cell]
        fit = np.linalg.lstsq(basis[rows], values[rows, cell], rcond=None)[0]
        out[rows, cell] = basis[rows] @ fit
    return out
