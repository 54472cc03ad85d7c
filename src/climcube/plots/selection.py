"""What a figure of heatwaves shows: the worst day, the strongest event, shares of the ocean.

All of it stays lazy on Dask until one small result (a series, a map) is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.heatwaves import Heatwaves, heatwaves
from climcube.cubes.area import cell_areas
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.units import unquantify
from climcube.errors import AxisError, CubeError, ParameterError
from climcube.plots.style import CATEGORIES

__all__ = [
    "Series",
    "area_weights",
    "base_period_words",
    "day_index",
    "kind_words",
    "narrow",
    "ocean",
    "one_cell",
    "period_words",
    "pick_worst_day",
    "plain",
    "strongest_cell",
    "weighted_severity",
    "worst_day",
    "yearly_shares",
]


def plain(cube: xr.DataArray) -> xr.DataArray:
    """Return a variable with its units as attribute, pint-quantified or not."""
    return unquantify(cube)[0]


def is_cold(mhw: Any) -> bool:
    """Whether a result is of cold spells."""
    return bool(mhw.parameters.get("cold", False))


def kind_words(mhw: Any) -> str:
    """Return "heatwave" or "cold spell"."""
    return "cold spell" if is_cold(mhw) else "heatwave"


def period_words(axis: TimeAxis) -> str:
    """Return first and last year of a record, as read on a figure."""
    first, last = int(axis.year[0]), int(axis.year[-1])
    return str(first) if first == last else f"{first}–{last}"


def base_period_words(mhw: Any, axis: TimeAxis) -> str:
    """Return the years of the climatology, as read on a figure."""
    if mhw.parameters.get("climatology") is not None:
        return "a separate data set"
    period = mhw.parameters.get("base_period")
    if period is None:
        return period_words(axis)
    first, last = (str(p)[:4] for p in period)
    return f"{first}–{last}"


def ocean(mhw: Any) -> xr.DataArray:
    """Return, lazily, whether each cell has a climatology at all: False on land."""
    return plain(mhw.climatology["seas"]).notnull().any("dayofyear")


def area_weights(mhw: Any) -> tuple[xr.DataArray, str]:
    """Return the areas of the cells, and what they count: "area", "cells" or (a series) "".

    Where the grid does not say how large its cells are, all weigh the same, and the figure
    says that it counts cells.
    """
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
        raise _nothing_found(mhw, "pass date= to draw a day without any")
    return int(np.nanargmax(values))


def day_index(axis: TimeAxis, date: object) -> int:
    """Return the index of a day given as text, datetime64, datetime or cftime date.

    Raises
    ------
    ParameterError
        The date is not a day of the record; the message names the nearest there is.
    """
    iso = str(date)[:10]
    year, _, rest = iso.partition("-")
    month, _, day = rest.partition("-")
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        raise ParameterError(
            "date not understood", where=f"date={date!r}", expected="a day such as '2016-02-15'"
        )
    match = (axis.year == int(year)) & (axis.month == int(month)) & (axis.day == int(day))
    if not match.any():
        raise ParameterError(
            "the date is not in the record",
            where=f"date={iso}",
            expected=f"a day from {axis.label(0)} to {axis.label(len(axis) - 1)}",
        )
    return int(np.argmax(match))


@dataclass(frozen=True)
class Series:
    """One cell of a heatwave result, computed."""

    axis: TimeAxis
    time: npt.NDArray[Any]
    value: npt.NDArray[np.float64]
    seas: npt.NDArray[np.float64]
    thresh: npt.NDArray[np.float64]
    event: npt.NDArray[np.int64]
    severity: npt.NDArray[np.float64]
    units: str | None
    place: str

    def strongest(self, cold: bool) -> int:
        """Return the number of the event with the largest intensity; 0 when there is none."""
        intensity = (self.value - self.seas) * (-1 if cold else 1)
        inside = np.where((self.event > 0) & np.isfinite(intensity), intensity, -np.inf)
        best = int(np.argmax(inside))
        return int(self.event[best]) if np.isfinite(inside[best]) else 0


def strongest_map(mhw: Any) -> xr.DataArray:
    """Return, lazily, the largest intensity of any event in each cell (its size, for cold too)."""
    peak = plain(mhw.annual["intensity_max_max"])
    return abs(peak).max(TimeAxis.of(peak).name)


def strongest_cell(mhw: Any, peaks: xr.DataArray | None = None) -> dict[str, int]:
    """Return the place, as indices, of the event of the largest intensity.

    Raises
    ------
    CubeError
        There is no event in any cell.
    """
    peaks = strongest_map(mhw) if peaks is None else peaks
    values = np.asarray(peaks.values, "float64")
    if not np.isfinite(values).any():
        raise _nothing_found(mhw, "pass cell= to draw a series without any")
    place = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return {str(d): int(i) for d, i in zip(peaks.dims, place, strict=True)}


def one_cell(mhw: Any, cell: Mapping[str, float] | None) -> Series:
    """Compute the series of one cell: the nearest to the coordinates given, or the strongest."""
    cube = plain(mhw.cube)
    axis = TimeAxis.of(cube)
    where = strongest_cell(mhw) if cell is None else _nearest(cube, cell, axis.name)
    few = narrow(mhw, where)
    parts = xr.Dataset(
        {
            name: plain(part).reset_coords(drop=True)
            for name, part in (
                ("value", few.cube),
                ("event", few.daily["event"]),
                ("severity", few.daily["severity"]),
                ("seas", few.climatology["seas"]),
                ("thresh", few.climatology["thresh"]),
            )
        }
    ).compute()
    value = np.asarray(parts["value"].values, "float64")
    place = _place_words(cube.isel(where), axis.name)
    if not np.isfinite(value).any():
        raise CubeError(
            "the cell has no values",
            where=place or f"variable {cube.name!r}",
            expected="a cell in the ocean",
            remedy="pass another cell=dict(lat=..., lon=...)",
        )
    return Series(
        axis,
        np.asarray(cube[axis.name].values),
        value,
        np.asarray(parts["seas"].values, "float64")[axis.dayofyear],
        np.asarray(parts["thresh"].values, "float64")[axis.dayofyear],
        np.asarray(parts["event"].values, "int64"),
        np.asarray(parts["severity"].values, "float64"),
        cube.attrs.get("units"),
        place,
    )


def narrow(mhw: Any, where: Mapping[str, Any]) -> Any:
    """Return the same heatwaves of some cells only, chosen by index.

    Each cell's answer depends on its own series alone, so analysing the few again is exact,
    and spares computing whole tiles for the sake of one cell.
    """
    if not isinstance(mhw, Heatwaves):
        return SimpleNamespace(
            cube=mhw.cube.isel(where),
            climatology=mhw.climatology.isel(where),
            daily=mhw.daily.isel(where),
            parameters=mhw.parameters,
        )
    parameters = dict(mhw.parameters)
    climatology = parameters.get("climatology")
    if climatology is not None:
        parameters["climatology"] = climatology.isel(where, missing_dims="ignore").compute()
    return heatwaves(mhw.cube.isel(where).compute(), **parameters)


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
    weights = area_weights(mhw)[0] * ocean(mhw)
    expected = xr.DataArray(TimeAxis.of(mhw.cube).expected_days, dims=axis.name)
    missing = plain(mhw.annual["days_missing"]) if "days_missing" in mhw.annual else 0
    observed = ((expected - missing) * weights).sum(cells)
    known = observed.where(observed > 0)
    shares = {n: (d * weights).sum(cells) / known for n, d in days.items()}
    total = weights.sum(cells)
    mean = (plain(mhw.annual["days"]) * weights).sum(cells) / total.where(total > 0)
    return xr.Dataset({**shares, "days": mean.where(observed > 0)})


def _nearest(cube: xr.DataArray, cell: Mapping[str, float], time: str) -> dict[str, int]:
    wanted = dict(cell)
    where: dict[str, int] = {}
    try:
        axes = find_spatial(cube)
    except AxisError:
        axes = None
    if axes is not None:
        lat = _take(wanted, (axes.latitude, "lat", "latitude"), cell, cube)
        lon = _take(wanted, (axes.longitude, "lon", "longitude"), cell, cube)
        y, x = xr.broadcast(cube[axes.latitude], cube[axes.longitude])
        turn = np.radians((x - lon + 180) % 360 - 180)
        a, b = np.radians(y), np.radians(lat)
        near = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(turn / 2) ** 2
        place = np.unravel_index(int(np.nanargmin(near.values)), near.shape)
        where = {str(d): int(i) for d, i in zip(near.dims, place, strict=True)}
    for name, value in wanted.items():
        if name == time or name not in cube.dims:
            raise ParameterError(
                "unknown coordinate in cell",
                where=f"cell={dict(cell)!r}",
                expected="one of " + ", ".join(str(d) for d in cube.dims if d != time),
                found=repr(name),
            )
        where[name] = int(np.argmin(np.abs(np.asarray(cube[name].values, "float64") - value)))
    left = [str(d) for d in cube.dims if d != time and d not in where and cube.sizes[d] > 1]
    if left:
        raise ParameterError(
            "cell does not say which one",
            where=f"cell={dict(cell)!r}",
            expected="also " + ", ".join(left),
        )
    return where | {str(d): 0 for d in cube.dims if d != time and d not in where}


def _take(
    wanted: dict[str, float], names: tuple[str, ...], cell: Mapping[str, float], cube: xr.DataArray
) -> float:
    for name in names:
        if name in wanted:
            return float(wanted.pop(name))
    raise ParameterError(
        "cell lacks a coordinate",
        where=f"cell={dict(cell)!r}",
        expected=f"'{names[0]}' in degrees",
        remedy="pass cell=dict(lat=..., lon=...)",
    )


def _place_words(cell: xr.DataArray, time: str) -> str:
    from climcube.plots.geography import east_west, north_south

    try:
        axes = find_spatial(cell)
    except AxisError:
        return ""
    lat, lon = cell[axes.latitude], cell[axes.longitude]
    if lat.size != 1 or lon.size != 1:
        return ""
    return f"{north_south(float(lat.item()))}, {east_west(float(lon.item()))}"


def _nothing_found(mhw: Any, remedy: str) -> CubeError:
    return CubeError(
        f"there is no {kind_words(mhw)} in the cube",
        where=f"variable {mhw.cube.name!r}",
        expected=f"at least one {kind_words(mhw)}",
        found="none in any cell",
        remedy=remedy,
    )
