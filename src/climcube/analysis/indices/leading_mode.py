"""The leading mode of a field: one task, in which xeofs takes the values apart."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.errors import CubeError, require_module
from climcube.lift.costs import Cost, Outline, costs

__all__ = ["EXTRA", "leading_mode", "require_xeofs"]

EXTRA = "eof"
_LEAST_MONTHS = 3
_COPIES = 6  # of the field

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def require_xeofs() -> Any:
    """Import xeofs, or say how to install it."""
    return require_module("xeofs", EXTRA)


def leading_mode(
    field: xr.DataArray, areas: xr.DataArray, in_base: Flags, coast: xr.DataArray, where: str
) -> tuple[Any, Any, Any, Any]:
    """Return index, pattern, share of the variance, number of cells; lazy where an input is.

    Parameters
    ----------
    field
        Time first, then the dimensions of the cells.
    areas, coast
        By the dimensions of the cells: their areas, and where the pattern is to be positive.
    in_base
        Which times make the mode.
    where
        For messages.
    """
    cells = field.shape[1:]
    parts = (areas.transpose(*field.dims[1:]).data, coast.transpose(*field.dims[1:]).data)
    if not any(hasattr(part, "dask") for part in (field.data, *parts)):
        return _mode(field.values, np.asarray(parts[0]), np.asarray(parts[1]), in_base, where)
    found = dask.delayed(_mode, pure=True)(field.data, *parts, in_base, where)
    shapes = [((field.shape[0],), "float64"), (cells, "float64"), ((), "float64"), ((), "int64")]
    index, pattern, share, count = (
        da.from_delayed(found[number], shape, dtype=dtype)
        for number, (shape, dtype) in enumerate(shapes)
    )
    return index, pattern, share, count


def _cost(field: Outline, areas: Any, coast: Any, in_base: Flags, where: str) -> Cost:
    """Return what the mode takes: weighted values, those of the base, and what xeofs makes."""
    shape = field.shape[1:]
    sizes = ((field.shape[0],), shape, (), ())
    return Cost(tuple(Outline(s, "float64") for s in sizes), _COPIES * 8 * field.size)


@costs(_cost)
def _mode(
    field: Floats, areas: Floats, coast: Flags, in_base: Flags, where: str
) -> tuple[Floats, Floats, npt.NDArray[Any], npt.NDArray[Any]]:
    """Do the work: cells without a gap, weighted by the root of their area."""
    values = field.reshape(len(field), -1)
    there = np.isfinite(values)
    months = there.any(axis=1)
    used = there[months].all(axis=0) & (areas.reshape(-1) > 0)
    fit = months & in_base
    _require_enough(used, fit, coast.reshape(-1), where)
    weight = np.sqrt(areas.reshape(-1)[used])
    scaled = values[:, used] * weight
    model, vector = _fitted(scaled[fit])
    index = np.full(len(field), np.nan)
    index[months] = (scaled[months] - scaled[fit].mean(axis=0)) @ vector
    spread = index[fit].std(ddof=1)
    # The sign of a mode is arbitrary: warm along North America's coast is positive.
    along = (vector * weight)[coast.reshape(-1)[used]].sum()
    sign = -1.0 if along < 0 else 1.0
    pattern = np.full(values.shape[1], np.nan)
    pattern[used] = sign * vector * spread / weight
    share = np.asarray(float(model.explained_variance_ratio()[0]))
    return sign * index / spread, pattern.reshape(areas.shape), share, np.asarray(used.sum())


def _fitted(scaled: Floats) -> tuple[Any, Floats]:
    cells = {"month": np.arange(len(scaled)), "cell": np.arange(scaled.shape[1])}
    table = xr.DataArray(scaled, cells, ("month", "cell"))
    model = require_xeofs().single.EOF(n_modes=1, center=True, solver="full")
    # A task has one core; more threads wait for each other where others work, too.
    with require_module("threadpoolctl", EXTRA).threadpool_limits(1):
        model.fit(table, dim="month")
    return model, np.asarray(model.components().isel(mode=0).values, "float64")


def _require_enough(used: Flags, fit: Flags, coast: Flags, where: str) -> None:
    if fit.sum() < _LEAST_MONTHS or used.sum() < 2:
        raise CubeError(
            "too few values for a leading mode", where=where,
            expected=f"{_LEAST_MONTHS} months and 2 cells without a missing value",
            found=f"{int(fit.sum())} months, {int(used.sum())} cells",
        )  # fmt: skip
    if not (used & coast).any():
        raise CubeError(
            "the sign of the mode is not known", where=where,
            expected="a cell along North America's coast that is never missing", found="none",
        )  # fmt: skip
