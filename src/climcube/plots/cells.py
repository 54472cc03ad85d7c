"""One cell of a heatwave result: found by its coordinates, computed alone, never the cube."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.events.heatwaves import Heatwaves, heatwaves
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.errors import AxisError, CubeError, ParameterError
from climcube.plots.dates import day_index
from climcube.plots.selection import nothing_found, plain
from climcube.plots.words import is_cold, kind_words, place_words

__all__ = ["Series", "event_number", "narrow", "one_cell", "strongest_cell"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One cell of a heatwave result, computed.

    Attributes
    ----------
    value, seas, thresh
        Daily values, climatology and threshold of each day. Where the linear trend was removed
        before heatwaves were sought, it is from ``value``, too.
    event, category, severity
        As in ``mhw.daily``.
    found
        The heatwaves of this cell alone.
    """

    axis: TimeAxis
    time: npt.NDArray[Any]
    value: Floats
    seas: Floats
    thresh: Floats
    event: npt.NDArray[np.int64]
    category: npt.NDArray[np.int64]
    severity: Floats
    units: str | None
    place: str
    found: Any

    def strongest(self, cold: bool, window: slice = slice(None)) -> int:
        """Return the number of the event with the largest intensity; 0 when there is none."""
        intensity = (self.value - self.seas)[window] * (-1 if cold else 1)
        event = self.event[window]
        inside = np.where((event > 0) & np.isfinite(intensity), intensity, -np.inf)
        best = int(np.argmax(inside))
        return int(event[best]) if np.isfinite(inside[best]) else 0


def one_cell(mhw: Any, cell: Mapping[str, float] | None) -> Series:
    """Compute the series of one cell: the nearest to the coordinates given, or the strongest."""
    cube = plain(mhw.cube)
    axis = TimeAxis.of(cube)
    where = strongest_cell(mhw) if cell is None else _nearest(cube, cell, axis.name)
    few = narrow(mhw, where)
    wanted = {
        "value": few.cube,
        **{n: few.daily[n] for n in ("anomaly", "event", "category", "severity")},
        **{n: few.climatology[n] for n in ("seas", "thresh")},
    }
    parts = xr.Dataset({n: plain(v).reset_coords(drop=True) for n, v in wanted.items()}).compute()
    value = np.asarray(parts["value"].values, "float64")
    place = place_words(cube, where)
    if not np.isfinite(value).any():
        raise CubeError(
            "the cell has no values",
            where=place or f"variable {cube.name!r}",
            expected="a cell in the ocean",
            remedy="pass another cell=dict(lat=..., lon=...)",
        )
    seas, thresh = (_by_sample(parts[n], axis) for n in ("seas", "thresh"))
    if mhw.parameters.get("baseline") == "detrended":
        value = np.where(np.isfinite(value), seas + parts["anomaly"].values, np.nan)
    return Series(
        axis, np.asarray(cube[axis.name].values), value, seas, thresh,
        np.asarray(parts["event"].values, "int64"),
        np.asarray(parts["category"].values, "int64"),
        np.asarray(parts["severity"].values, "float64"),
        cube.attrs.get("units"), place, few,
    )  # fmt: skip


def _by_sample(table: xr.DataArray, axis: TimeAxis) -> Floats:
    """Spread a table by day of year, or by year and day of year, over the samples."""
    if "year" not in table.dims:
        return np.asarray(table.values, "float64")[axis.dayofyear]
    values = np.asarray(table.transpose("year", "dayofyear").values, "float64")
    spread: Floats = values[axis.year - int(table["year"].values[0]), axis.dayofyear]
    return spread


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
    parameters: dict[str, Any] = {
        name: value.isel(where, missing_dims="ignore").compute()
        if isinstance(value, xr.DataArray | xr.Dataset)
        else value
        for name, value in mhw.parameters.items()
    }
    # The cube as it was given: a shifting baseline needs the years that results leave out.
    return heatwaves(mhw.inputs[0].isel(where).compute(), **parameters)


def strongest_cell(mhw: Any) -> dict[str, int]:
    """Return the place, as indices, of the event of the largest intensity.

    This asks every cell; where there is but one it is free.

    Raises
    ------
    CubeError
        There is no event in any cell.
    """
    time = TimeAxis.of(mhw.cube).name
    cells = [str(d) for d in mhw.cube.dims if d != time]
    if all(mhw.cube.sizes[d] == 1 for d in cells):
        return dict.fromkeys(cells, 0)
    peaks = abs(plain(mhw.annual["intensity_max_max"])).max(time)
    values = np.asarray(peaks.values, "float64")
    if not np.isfinite(values).any():
        raise nothing_found(mhw, "pass cell= to draw a series without any")
    place = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return {str(d): int(i) for d, i in zip(peaks.dims, place, strict=True)}


def event_number(mhw: Any, series: Series, event: object) -> int:
    """Return the number of the event that is meant: by number, by one of its days, the strongest.

    Raises
    ------
    CubeError
        The cell has no event.
    ParameterError
        There is no such event.
    """
    kind = kind_words(mhw)
    known = int(series.event.max(initial=0))
    if known == 0:
        raise CubeError(
            f"there is no {kind} in the cell",
            where=series.place or f"variable {mhw.cube.name!r}",
            expected="at least one event",
            remedy="pass another cell=dict(lat=..., lon=...)",
        )
    if event is None:
        return series.strongest(is_cold(mhw))
    if isinstance(event, int | np.integer) and not isinstance(event, bool):
        if (series.event == event).any() and event > 0:
            return int(event)
        raise ParameterError(
            "no such event", where=f"event={event}", expected=f"a number from 1 to {known}",
            remedy="or pass a day of the event, such as event='2011-02-28'",
        )  # fmt: skip
    number = int(series.event[day_index(series.axis, event)])
    if number == 0:
        raise ParameterError(
            f"there is no {kind} on that day", where=f"event={str(event)[:10]}",
            expected="a day of an event", remedy="leave event= out for the strongest one",
        )  # fmt: skip
    return number


def _nearest(cube: xr.DataArray, cell: Mapping[str, float], time: str) -> dict[str, int]:
    if not isinstance(cell, Mapping):
        raise ParameterError(
            "cell not understood", where=f"cell={cell!r}",
            expected="coordinates by name, such as dict(lat=-29.4, lon=112.6)",
        )  # fmt: skip
    wanted = dict(cell)
    where: dict[str, int] = {}
    try:
        axes = find_spatial(cube)
    except AxisError:
        axes = None
    if axes is not None:
        lat = _take(wanted, (axes.latitude, "lat", "latitude"), cell)
        lon = _take(wanted, (axes.longitude, "lon", "longitude"), cell)
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
        where[name] = _index_along(cube[name], value)
    left = [str(d) for d in cube.dims if d != time and d not in where and cube.sizes[d] > 1]
    if left:
        raise ParameterError(
            "cell does not say which one",
            where=f"cell={dict(cell)!r}",
            expected="also " + ", ".join(left),
        )
    return where | {str(d): 0 for d in cube.dims if d != time and d not in where}


def _index_along(coordinate: xr.DataArray, value: Any) -> int:
    """Return the nearest number along a coordinate, or the equal one where it holds names."""
    values = coordinate.values
    if np.issubdtype(values.dtype, np.number):
        return int(
            np.argmin(np.abs(values.astype("float64") - _number(str(coordinate.name), value)))
        )
    if not (values == value).any():
        raise ParameterError(
            "no such cell", where=f"{coordinate.name}={value!r}",
            expected="one of " + ", ".join(map(str, values[:8])),
        )  # fmt: skip
    return int(np.argmax(values == value))


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ParameterError(
            "cell has a coordinate that is no number", where=f"{name}={value!r}",
            expected="a number",
        )  # fmt: skip
    return number


def _take(wanted: dict[str, float], names: tuple[str, ...], cell: Mapping[str, float]) -> float:
    for name in names:
        if name in wanted:
            return _number(name, wanted.pop(name))
    raise ParameterError(
        "cell lacks a coordinate",
        where=f"cell={dict(cell)!r}",
        expected=f"'{names[0]}' in degrees",
        remedy="pass cell=dict(lat=..., lon=...)",
    )
