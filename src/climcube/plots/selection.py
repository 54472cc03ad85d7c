"""What a figure of heatwaves shows: the worst day, shares of the ocean, regions of it.

All of it stays lazy on Dask until one small result (a series, a map) is asked for.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from climcube.cubes.area import cell_areas
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.regions import selected
from climcube.cubes.shapes import cells_inside, find_place
from climcube.cubes.units import unquantify
from climcube.errors import AxisError, CubeError, ParameterError, VariableError
from climcube.plots.style import CATEGORIES
from climcube.plots.words import kind_words

__all__ = [
    "area_weights",
    "daily_share",
    "nothing_found",
    "ocean",
    "pick_worst_day",
    "plain",
    "require_heatwaves",
    "require_variable",
    "weighted_severity",
    "within",
    "worst_day",
    "yearly_shares",
]


def require_variable(result: Any, name: str, noun: str, origin: str) -> None:
    """Raise `VariableError` unless this is a Dataset with a variable, as ``origin`` returns."""
    if isinstance(result, xr.Dataset) and name in result:
        return
    raise VariableError(
        f"no {noun} to draw", expected=f"a Dataset with {name!r}, as {origin} returns",
        found=", ".join(map(str, result.data_vars)) or "an empty Dataset"
        if isinstance(result, xr.Dataset) else type(result).__name__,
    )  # fmt: skip


def require_heatwaves(mhw: Any) -> None:
    """Raise `ParameterError` unless this is the heatwaves of one definition."""
    # Not by `daily`: of an eager cube, asking for it computes it.
    if not (hasattr(mhw, "cube") and hasattr(mhw, "parameters")):
        raise ParameterError(
            "a figure of heatwaves needs heatwaves", expected="what cc.heatwaves(...) returns",
            found=type(mhw).__name__,
        )  # fmt: skip
    members = list(getattr(mhw, "members", {}))
    if members:
        raise ParameterError(
            "a figure shows heatwaves of one definition", found="; ".join(members),
            remedy=f"select one: mhw[{members[0]!r}]",
        )  # fmt: skip


def plain(cube: xr.DataArray) -> xr.DataArray:
    """Return a variable with its units as attribute, pint-quantified or not."""
    return unquantify(cube)[0]


def ocean(mhw: Any) -> xr.DataArray:
    """Return, lazily, whether each cell has a climatology at all: False on land."""
    seas = plain(mhw.climatology["seas"])
    return seas.notnull().any([d for d in ("year", "dayofyear") if d in seas.dims])


def area_weights(mhw: Any) -> tuple[xr.DataArray, str]:
    """Return the areas of the cells, and what they count: "area", "cells" or (a series) "".

    Where the grid does not say how large its cells are, all weigh the same, and the figure
    says that it counts cells.
    """
    known: tuple[xr.DataArray, str] | None = getattr(mhw, "areas", None)
    if known is not None:
        return known
    cube = plain(mhw.cube)
    try:
        axes = find_spatial(cube)
    except AxisError:
        axes = None
    if axes is None or not axes.dims or not set(axes.dims) <= set(map(str, cube.dims)):
        return xr.DataArray(1.0), "" if cube.ndim == 1 else "cells"
    try:
        return cell_areas(mhw.cube, cube)[0].drop_attrs(), "area"
    except AxisError:
        shape = {d: cube.sizes[d] for d in axes.dims}
        return xr.DataArray(np.ones(tuple(shape.values())), dims=tuple(shape)), "cells"


def weighted_severity(mhw: Any) -> xr.DataArray:
    """Return, lazily, the area in any category weighted by the category's number, by day."""
    category = plain(mhw.daily["category"])
    cells = [d for d in category.dims if d != TimeAxis.of(category).name]
    if not cells:
        return category.astype("float64")
    weights = area_weights(mhw)[0]
    severity: xr.DataArray = xr.dot(category, weights / weights.sum(), dim=cells)
    return severity


def worst_day(mhw: Any) -> int:
    """Return the index of the day with the largest area weighted by category.

    Raises
    ------
    CubeError
        No day of the record is in any category.
    """
    return pick_worst_day(mhw, weighted_severity(mhw))


def pick_worst_day(mhw: Any, severity: xr.DataArray) -> int:
    """Return the index of the largest value of a computed or lazy `weighted_severity`."""
    values = np.asarray(severity.values)
    if not values.size or not np.nanmax(values, initial=0.0) > 0:
        raise nothing_found(mhw, "pass date= to draw a day without any")
    return int(np.nanargmax(values))


def yearly_shares(mhw: Any) -> xr.Dataset:
    """Return, lazily, the share of observed ocean area and days in each category, by year.

    One variable for each category, between 0 and 1, and ``days``: heatwave days of the
    average place. Days without data, and days before the record begins, count in neither part
    of the fraction.
    """
    days = {name: plain(mhw.annual[f"days_{name.lower()}"]) for name in CATEGORIES}
    template = days[CATEGORIES[0]]
    axis = TimeAxis.of(template)
    cells = [d for d in template.dims if d != axis.name]
    weights = _weights(mhw)
    expected = xr.DataArray(TimeAxis.of(mhw.cube).expected_days, dims=axis.name)
    missing = plain(mhw.annual["days_missing"]) if "days_missing" in mhw.annual else 0
    observed = ((expected - missing) * weights).sum(cells)
    known = observed.where(observed > 0)
    shares = {n: (d * weights).sum(cells) / known for n, d in days.items()}
    total = weights.sum(cells)
    mean = (plain(mhw.annual["days"]) * weights).sum(cells) / total.where(total > 0)
    return xr.Dataset({**shares, "days": mean.where(observed > 0)})


def daily_share(mhw: Any, category: int = 1) -> xr.DataArray:
    """Return, lazily, the share of the observed ocean area in a category or a worse one, by day.

    Between 0 and 1; cells without a value on a day count in neither part of the fraction, and
    days on which no cell has one are NaN.
    """
    reached = plain(mhw.daily["category"]) >= category
    cells = [d for d in reached.dims if d != TimeAxis.of(reached).name]
    weights = _weights(mhw)
    # A gap that was filled is no value of the cube, but may be a day of an event.
    observed = xr.dot(plain(mhw.cube).notnull() | reached, weights, dim=cells)
    share: xr.DataArray = xr.dot(reached, weights, dim=cells) / observed.where(observed > 0)
    return share


def within(mhw: Any, region: Any) -> Any:
    """Return the heatwaves of a region, as far as shares of its area need them.

    Cells outside have no weight; rows and columns without any cell inside are left out, so that
    their tiles are never computed.
    """
    if region is None:
        return mhw
    cube = plain(mhw.cube)
    inside = _inside(cube, region)
    areas, measure = area_weights(mhw)  # of the whole grid: an edge of the region is no edge of it
    places = {
        d: selected(inside.any([o for o in inside.dims if o != d]).values) for d in inside.dims
    }
    parts = {n: getattr(mhw, n).isel(places) for n in ("cube", "climatology", "daily", "annual")}
    cut = areas.where(inside, 0.0).isel(places, missing_dims="ignore")
    return SimpleNamespace(**parts, parameters=mhw.parameters, areas=(cut, measure))


def _inside(cube: xr.DataArray, region: Any) -> xr.DataArray:
    """Return which cells of the grid lie in a region: by name, edges or outline, or as a mask."""
    where = "region" if isinstance(region, xr.DataArray) else f"region={region!r}"
    inside: xr.DataArray
    if isinstance(region, xr.DataArray):
        time = TimeAxis.of(cube).name
        sizes = {d: n for d, n in cube.sizes.items() if d != time}
        fits = all(sizes.get(d) == n for d, n in region.sizes.items())
        if region.dtype != bool or not region.ndim or not fits:
            raise ParameterError(
                "region not understood", where=where,
                expected="a boolean DataArray on the grid of the cube",
                found=f"{region.dtype} by {dict(region.sizes)}",
            )  # fmt: skip
        inside = region.drop_vars(list(region.coords)).compute()
    else:
        axes = find_spatial(cube)
        place = find_place(region)
        inside = cells_inside(place, cube[axes.latitude], cube[axes.longitude]).compute()
    if not inside.any():
        raise ParameterError(
            "the region has no cell of the cube", where=where,
            expected="at least one cell centre inside",
            remedy="the order is (west, east, south, north); or pass a wider region",
        )  # fmt: skip
    return inside


def _weights(mhw: Any) -> xr.DataArray:
    """Return the area of each ocean cell, 0 on land."""
    weights: xr.DataArray = area_weights(mhw)[0] * ocean(mhw)
    return weights


def nothing_found(mhw: Any, remedy: str) -> CubeError:
    """Return the error for a cube without any event."""
    return CubeError(
        f"there is no {kind_words(mhw)} in the cube",
        where=f"variable {mhw.cube.name!r}",
        expected=f"at least one {kind_words(mhw)}",
        found="none in any cell",
        remedy=remedy,
    )
