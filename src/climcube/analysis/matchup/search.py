"""Which cells and samples of a cube observations belong to, and which have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.analysis.matchup.cell_axis import CellAxis, Floats, Integers, Neighbours
from climcube.analysis.matchup.layout import Layout
from climcube.analysis.matchup.observations import Observations
from climcube.analysis.matchup.options import MatchOptions
from climcube.analysis.matchup.places import Horizontal, locate
from climcube.analysis.matchup.times import cube_seconds, time_cells
from climcube.cubes.area import bounds_of
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, ParameterError

__all__ = ["Matches", "search"]

SURFACE_DEPTH = 10.0  # metres that a cube without levels stands for, if nothing else is said
_OUTSIDE_AREA, _OUTSIDE_TIME, _OUTSIDE_DEPTH = 1, 2, 3

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Along:
    """Where observations lie along one axis."""

    neighbours: Neighbours
    inside: Booleans
    difference: Floats | None = None
    centre: Any = None


@dataclass(frozen=True)
class Matches:
    """The cells of every observation.

    Attributes
    ----------
    horizontal, time, depth
        Where it lies along each axis that the cube has.
    flag
        0, or the first reason why there is no cell.
    """

    horizontal: Horizontal
    time: _Along | None
    depth: _Along | None
    flag: npt.NDArray[np.int8]

    def corners(self) -> tuple[dict[str, Integers], Floats]:
        """Return all cells to read along each dimension, and their weights: none without match.

        The order is that of time, depth, latitude and longitude, each rising, whatever the
        order of the cube's dimensions. The last runs fastest: with candidates for the nearest
        cell that has a value those are the last, and their weights are 1.
        """
        parts = [a.neighbours for a in (self.time, self.depth) if a is not None]
        parts += self.horizontal.neighbours
        weight = (self.flag == 0).astype("float64")[:, None]
        index: dict[str, Integers] = {}
        for part in parts:
            count = part.weight.shape[1]
            index = {dim: np.repeat(places, count, axis=1) for dim, places in index.items()}
            index |= {d: np.tile(p, (1, weight.shape[1])) for d, p in part.index.items()}
            weight = (weight[:, :, None] * part.weight[:, None, :]).reshape(len(weight), -1)
        return index, weight

    def described(
        self, places: tuple[Any, Any, Any] | None = None
    ) -> dict[str, tuple[Any, dict[str, Any]]]:
        """Return how far observations lie from the nearest cell, and where that is.

        ``places`` are distance, longitude and latitude of the cells that turned out to be the
        nearest with a value.
        """
        near, text = self.horizontal, "the nearest cell"
        if places is None:
            places = (near.distance, near.longitude, near.latitude)
        else:
            text += " with a value"
        found: dict[str, tuple[Any, dict[str, Any]]] = {
            "distance": (places[0], {"long_name": f"distance to the centre of {text}",
                                     "units": "km"}),
            "cell_lon": (places[1], {"long_name": f"longitude of {text}",
                                     "units": "degrees_east"}),
            "cell_lat": (places[2], {"long_name": f"latitude of {text}",
                                     "units": "degrees_north"}),
        }  # fmt: skip
        if self.time is not None:
            text = "observation minus middle of the period that the nearest sample stands for"
            found["time_difference"] = (self.time.difference, {"long_name": text, "units": "hours"})
            found["cell_time"] = (self.time.centre, {"long_name": "time of the nearest sample"})
        if self.depth is not None and self.depth.difference is not None:
            text = "observation minus nearest level"
            found["depth_difference"] = (self.depth.difference, {"long_name": text, "units": "m"})
            found["cell_depth"] = (self.depth.centre, {"long_name": "depth of the nearest level",
                                                       "units": "m"})  # fmt: skip
        return found


def search(given: Any, layout: Layout, found: Observations, options: MatchOptions) -> Matches:
    """Find the cells of observations.

    Raises
    ------
    CubeError
        Not one observation lies within the cube; the message names both ranges.
    """
    horizontal = locate(
        layout.cube, layout.axes, found.latitude, found.longitude,
        method=options.method["space"], distance=options.distance,
    )  # fmt: skip
    time = _in_time(given, layout, found, options)
    depth = _in_depth(given, layout, found, options)
    inside = [(horizontal.inside, _OUTSIDE_AREA)]
    inside += [(time.inside, _OUTSIDE_TIME)] if time is not None else []
    inside += [(depth.inside, _OUTSIDE_DEPTH)] if depth is not None else []
    flag = np.zeros(len(found), "int8")
    for within, code in reversed(inside):  # of several reasons the first one stays
        flag[~within] = code
    if flag.all():
        raise _nothing(layout, found, flag)
    return Matches(horizontal, time, depth, flag)


def _in_time(
    given: Any, layout: Layout, found: Observations, options: MatchOptions
) -> _Along | None:
    if layout.time is None:
        return None
    axis = TimeAxis.of(layout.cube)
    cells = time_cells(given, layout.cube, axis)
    if not cells.known and options.time_tolerance is None:
        raise ParameterError(
            "how long the only time of the cube stands for is not known",
            where=f"coordinate {layout.time!r}", found=axis.label(0),
            remedy="pass time_tolerance=..., for instance '12h'",
        )  # fmt: skip
    at = cube_seconds(found.time, axis.calendar)
    place, inside = cells.nearest(at)
    apart = at - cells.centre[place]
    if options.time_tolerance is not None:
        inside = np.abs(apart) <= options.time_tolerance
    return _Along(
        cells.neighbours(at, layout.time, linear=options.linear("time")),
        inside, apart / 3600, layout.cube[layout.time].values[cells.index[place]],
    )  # fmt: skip


def _in_depth(
    given: Any, layout: Layout, found: Observations, options: MatchOptions
) -> _Along | None:
    at = found.pressure if layout.in_pressure else found.depth
    if at is None:
        if layout.vertical is None or layout.cube[layout.vertical].size == 1:
            return None  # nobody asks for a depth
        raise CubeError(
            "the cube has levels, the observations have no "
            + ("pressure" if layout.in_pressure else "depth"),
            where=f"coordinate {layout.vertical!r}",
            remedy=f"select a level: cube.sel({layout.vertical}=0, method='nearest')",
        )
    tolerance = options.depth_tolerance
    if layout.vertical is None:
        inside = np.abs(at) <= (SURFACE_DEPTH if tolerance is None else tolerance)
        return _Along(Neighbours({}, np.ones((len(at), 1))), inside)
    cells = _levels(given, layout)
    if not cells.known:
        tolerance = SURFACE_DEPTH if tolerance is None else tolerance
    if cells.low[0] >= 0:
        at = np.maximum(at, 0.0)  # sensors drift to somewhat less than nothing
    place, inside = cells.nearest(at)
    apart = at - cells.centre[place]
    inside = inside if tolerance is None else np.abs(apart) <= tolerance
    dim = layout.vertical if layout.vertical in layout.cube.dims else None
    linear = options.linear("depth")
    return _Along(cells.neighbours(at, dim, linear=linear), inside, apart, cells.centre[place])


def _levels(given: Any, layout: Layout) -> CellAxis:
    values, sign = layout.levels()
    coordinate = layout.cube[str(layout.vertical)]
    bounds = bounds_of(given, layout.cube, coordinate) if coordinate.ndim else None
    if bounds is not None and bounds.ndim == 2 and len(values):
        scale = values[np.argmax(np.abs(values))] / coordinate.values[np.argmax(np.abs(values))]
        edges = np.asarray(bounds.transpose(coordinate.dims[0], ...).values, "float64")
        return CellAxis.of(values, edges * (scale if np.isfinite(scale) else sign))
    cells = CellAxis.of(values)
    if cells.known and cells.centre[0] >= 0:
        return CellAxis(cells.centre, np.maximum(cells.low, 0.0), cells.high, cells.index)
    return cells


def _nothing(layout: Layout, found: Observations, flag: npt.NDArray[np.int8]) -> CubeError:
    """Say where the cube is and where the observations are."""
    cube, axes = layout.cube, layout.axes
    reasons = {_OUTSIDE_AREA: "area", _OUTSIDE_TIME: "time", _OUTSIDE_DEPTH: "depth"}
    counts = ", ".join(
        f"{int((flag == code).sum())} outside its {word}"
        for code, word in reasons.items() if (flag == code).any()
    )  # fmt: skip
    theirs = [_range("lon", found.longitude), _range("lat", found.latitude)]
    ours = [_range("lon", cube[axes.longitude].values), _range("lat", cube[axes.latitude].values)]
    theirs.append(f"{str(found.time.min())[:10]} to {str(found.time.max())[:10]}")
    if layout.time is not None:
        axis = TimeAxis.of(cube)
        ours.append(f"{axis.label(0)} to {axis.label(len(axis) - 1)}")
    if found.depth is not None:
        theirs.append(_range("depth", found.depth))
        ours.append(
            "no levels" if layout.vertical is None
            else _range(layout.vertical, cube[layout.vertical].values)
        )  # fmt: skip
    return CubeError(
        "no observation lies within the cube", where=f"variable {cube.name!r}: {counts}",
        expected=", ".join(ours), found=", ".join(theirs),
        remedy="select others, or pass distance=..., time_tolerance=... or depth_tolerance=...",
    )  # fmt: skip


def _range(name: str, values: Any) -> str:
    return f"{name} {np.nanmin(values):g}..{np.nanmax(values):g}"
