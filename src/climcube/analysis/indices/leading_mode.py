"""The leading mode of a field, from the products of its months: tile by tile, then xeofs.

A field has far more cells than months. Its modes are those of the table of products months x
months, a sum over cells (the method of snapshots): each tile adds its own, and none is held for
longer than it takes to look at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.errors import CubeError, require_module
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.pieces import PIECE

__all__ = ["EXTRA", "leading_mode", "require_xeofs"]

EXTRA = "eof"
_LEAST_MONTHS = 3
_FAN_IN = 8  # tiles whose products are added up at once

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class _Products(NamedTuple):
    """What some cells, those without a gap, add to the table of products."""

    months: Flags  # that have a value in any cell; cells that lack one of them are left out
    gram: Floats  # months x months: sum over cells of area times value times value
    coast: Floats  # sum over the coast's cells of area times value
    cells: tuple[int, int]  # how many cells, and how many along the coast


class _Mode(NamedTuple):
    """The leading mode of the whole field."""

    series: Floats  # the index
    share: Floats
    cells: npt.NDArray[np.int64]
    months: Flags
    loading: Floats  # of each month in the pattern


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
        Time first, in one chunk, then the dimensions of the cells.
    areas, coast
        By the dimensions of the cells: their areas, and where the pattern is to be positive.
    in_base
        Which times make the mode.
    where
        For messages.
    """
    tables = [table.transpose(*field.dims[1:]) for table in (areas, coast)]
    if not any(hasattr(each.data, "dask") for each in (field, *tables)):
        values, area, along = (each.values for each in (field, *tables))
        mode = _mode(_products(values, area, along), in_base, where)
        return mode.series, _pattern(values, area, mode), mode.share, mode.cells
    field = field.chunk({field.dims[0]: -1})
    chunks = {d: field.chunksizes[d] for d in field.dims[1:]}
    tiles = np.asarray(field.data.to_delayed())[0]
    area, along = (np.asarray(table.chunk(chunks).data.to_delayed()) for table in tables)
    products, pattern = (dask.delayed(f, pure=True) for f in (_products, _pattern))
    parts = [products(tiles[at], area[at], along[at]) for at in np.ndindex(tiles.shape)]
    found = dask.delayed(_mode, pure=True)(_added(parts), in_base, where)
    patterns = np.empty(tiles.shape, object)
    for at in np.ndindex(tiles.shape):
        shape = tuple(chunks[d][n] for d, n in zip(field.dims[1:], at, strict=True))
        block = pattern(tiles[at], area[at], found)
        patterns[at] = da.from_delayed(block, shape, dtype="float64")
    shapes: list[tuple[tuple[int, ...], str]] = [((field.shape[0],), "float64"), ((), "float64")]
    index, share, count = (
        da.from_delayed(found[number], shape, dtype=dtype)
        for number, (shape, dtype) in enumerate([*shapes, ((), "int64")])
    )
    return index, da.block(patterns.tolist()), share, count


def _added(parts: list[Any]) -> Any:
    """Return the products of all tiles, added up as a tree."""
    merge = dask.delayed(_merged, pure=True)
    while len(parts) > 1:
        parts = [merge(parts[i : i + _FAN_IN]) for i in range(0, len(parts), _FAN_IN)]
    return parts[0]


def _products_cost(field: Outline, areas: Any, coast: Any) -> Cost:
    """Return what a tile's products take: a piece with its flags and weighted values."""
    months = field.shape[0]
    sizes = ((months,), "bool"), ((months, months), "float64"), ((months,), "float64")
    piece = 3 * 8 * max(PIECE, months)
    result = tuple(Outline(*size) for size in sizes)
    return Cost(result, piece + 2 * 8 * months**2)


@costs(_products_cost)
def _products(field: Floats, areas: Floats, coast: Flags) -> _Products:
    """Return the products of one tile, looked at some cells at a time."""
    values, area, along = field.reshape(len(field), -1), areas.reshape(-1), coast.reshape(-1)
    step = max(1, PIECE // len(values))
    pieces = [slice(first, first + step) for first in range(0, len(area), step)]
    months = np.zeros(len(values), bool)
    for here in pieces:
        months |= np.isfinite(values[:, here]).any(axis=1)
    gram, total = np.zeros((len(values), len(values))), np.zeros(len(values))
    cells = shore = 0
    for here in pieces:
        used = _complete(values[:, here], area[here], months)
        own = np.where(months[:, None], values[:, here][:, used], 0.0)
        weight, near = area[here][used], along[here][used]
        root = own * np.sqrt(weight)
        with _one_thread():
            gram += root @ root.T
            total += own[:, near] @ weight[near]
        cells, shore = cells + int(used.sum()), shore + int(near.sum())
    return _Products(months, gram, total, (cells, shore))


def _complete(values: Floats, areas: Floats, months: Flags) -> Flags:
    """Which cells have a value in each of the months, and an area."""
    return np.asarray(np.isfinite(values[months]).all(axis=0) & (areas > 0))


def _merged_cost(parts: Sequence[tuple[Outline, ...]]) -> Cost:
    return Cost(parts[0], parts[0][1].nbytes)


@costs(_merged_cost)
def _merged(parts: Sequence[_Products]) -> _Products:
    """Return the products of several tiles.

    A tile that lacks a month which others have has no cell without a gap: it adds nothing.
    """
    months = np.any([part.months for part in parts], axis=0)
    whole = [part for part in parts if (part.months == months).all()]
    gram, coast = np.zeros_like(parts[0].gram), np.zeros_like(parts[0].coast)
    for part in whole:
        gram += part.gram
        coast += part.coast
    cells = tuple(sum(part.cells[k] for part in whole) for k in (0, 1))
    return _Products(months, gram, coast, (cells[0], cells[1]))


def _mode_cost(products: tuple[Outline, ...], in_base: Any, where: str) -> Cost:
    """Return what the mode takes: the table centred, and what xeofs makes of it."""
    gram = products[1]
    row = gram.shape[:1]
    sizes = (row, "float64"), ((), "float64"), ((), "int64"), (row, "bool"), (row, "float64")
    return Cost(tuple(Outline(*size) for size in sizes), 6 * gram.nbytes)


@costs(_mode_cost)
def _mode(products: _Products, in_base: Flags, where: str) -> _Mode:
    """Take the table of products apart."""
    months = products.months
    fit = months & in_base
    _require_enough(products, fit, where)
    gram = products.gram[:, fit]
    gram = gram - gram.mean(axis=1, keepdims=True)
    gram -= gram[fit].mean(axis=0)
    score, variance = _fitted(gram[fit])
    index = np.full(len(months), np.nan)
    index[months] = gram[months] @ score
    spread = index[fit].std(ddof=1)
    # The sign of a mode is arbitrary: warm along North America's coast is positive.
    sign = -1.0 if products.coast[fit] @ score < 0 else 1.0
    loading = np.zeros(len(months))
    loading[fit] = sign * score * spread / variance
    share = np.asarray(variance / np.trace(gram[fit]))
    count = np.asarray(products.cells[0])
    return _Mode(sign * index / spread, share, count, months, loading)


def _fitted(gram: Floats) -> tuple[Floats, float]:
    """Return the leading vector of a centred table of products, its mean 0, and its value."""
    names = {"month": np.arange(len(gram)), "other": np.arange(len(gram))}
    table = xr.DataArray(gram, names, ("month", "other"))
    model = require_xeofs().single.EOF(n_modes=1, center=True, solver="full")
    with _one_thread():
        model.fit(table, dim="month")
    score = np.asarray(model.scores(normalized=True).isel(mode=0).values, "float64")
    return score - score.mean(), float(model.singular_values()[0])


def _one_thread() -> Any:
    """A task has one core; more threads wait for each other where others work, too."""
    return require_module("threadpoolctl", EXTRA).threadpool_limits(1)


def _pattern_cost(field: Outline, areas: Any, mode: Any) -> Cost:
    return Cost(Outline(field.shape[1:], "float64"), 3 * 8 * max(PIECE, field.shape[0]))


@costs(_pattern_cost)
def _pattern(field: Floats, areas: Floats, mode: _Mode) -> Floats:
    """Return the pattern of the cells of one tile, NaN where they have a gap."""
    values, area = field.reshape(len(field), -1), areas.reshape(-1)
    pattern = np.full(len(area), np.nan)
    step = max(1, PIECE // len(values))
    for first in range(0, len(area), step):
        here = slice(first, first + step)
        used = _complete(values[:, here], area[here], mode.months)
        own = np.where(mode.months[:, None], values[:, here][:, used], 0.0)
        pattern[here][used] = mode.loading @ own
    return pattern.reshape(areas.shape)


def _require_enough(products: _Products, fit: Flags, where: str) -> None:
    cells, shore = products.cells
    if fit.sum() < _LEAST_MONTHS or cells < 2:
        raise CubeError(
            "too few values for a leading mode", where=where,
            expected=f"{_LEAST_MONTHS} months and 2 cells without a missing value",
            found=f"{int(fit.sum())} months, {cells} cells",
        )  # fmt: skip
    if not shore:
        raise CubeError(
            "the sign of the mode is not known", where=where,
            expected="a cell along North America's coast that is never missing", found="none",
        )  # fmt: skip
