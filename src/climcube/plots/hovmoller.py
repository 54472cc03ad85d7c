"""Hovmöller diagrams: time against longitude, or latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.area_means import zonal_mean
from climcube.analysis.masks import restrict
from climcube.cubes.area import cell_areas
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.subject import plain_cube
from climcube.errors import AxisError, CubeError, require_choice
from climcube.plots.colours import centre_of, colour_bar, diverging, sequential
from climcube.plots.dates import date_ticks
from climcube.plots.geography import (
    MAX_PIXELS,
    continuous_longitude,
    degree_axis,
    east_west,
    edges_of,
    north_south,
    require_values,
)
from climcube.plots.selection import plain
from climcube.plots.style import (
    LAND,
    canvas,
    clauses,
    drawing,
    headline,
    page,
    unit_words,
    width_of,
)
from climcube.plots.words import name_words, ordinal, period_words, region_words, source_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["hovmoller"]

Floats = npt.NDArray[np.float64]
_ALONG = ("longitude", "latitude")


@drawing
def hovmoller(
    cube: xr.DataArray,
    along: str = "longitude",
    *,
    region: Any = None,
    centre: float | bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a Hovmöller diagram: how values move along longitudes, or latitudes, in time.

    Parameters
    ----------
    cube : DataArray
        With time, latitude and longitude; or with time and one of them (the result of
        `climcube.zonal_mean`, a section), which is drawn as it is.
    along
        ``"longitude"``: the mean over latitudes, weighted by area, time running down the page
        (Hovmöller 1949). ``"latitude"``: the mean along each circle of latitude, time running
        to the right.
    region
        As for `climcube.area_mean`: ``"nino34"``, ``(west, east, south, north)`` ...; only its
        chunks are read.
    centre
        As for `climcube.plot.map`.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Land and gaps in the record are grey. Records of more than 2,000 times are drawn by every
        second, third ... of them, which the line under the title says.

    Raises
    ------
    AxisError
        No time axis.
    CubeError
        No horizontal dimension, further dimensions, a grid whose rows follow no parallels (for
        ``along="longitude"``), or no value at all.
    ParameterError
        ``along``, ``region`` or ``centre`` is not understood.

    References
    ----------
    Hovmöller, E. (1949): The trough-and-ridge diagram. Tellus, 1(2), 62-66.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(18, 36)).sst
    >>> ax = cc.plot.hovmoller(cc.anomaly(sst, "month"), region=(150, 270, -10, 10))
    >>> ax.get_xlabel()
    'Longitude'
    """
    require_choice("along", along, _ALONG)
    given = plain_cube(cube, "hovmoller")[0]
    centre_of(given, centre)  # what is not understood is said before anything is computed
    section, where = _section(cube, given, along, region)
    axis = TimeAxis.of(section)
    step = -(-len(axis) // MAX_PIXELS)
    part = section.isel({axis.name: slice(None, None, step)}).compute()
    values = np.asarray(part.transpose(axis.name, ...).values, "float64")
    require_values(np.isfinite(values), f"variable {given.name!r}")
    middle = centre_of(given, centre, values)
    along = "latitude" if _is_latitude(part) else "longitude"
    diagram = _Diagram.of(part, values, along)
    style, extend = sequential(values) if middle is None else diverging(values, middle)
    size = (6.4, 5.2) if along == "longitude" else (7.2, 3.5)
    with canvas(ax, page(*size)) as axes:
        mesh = _draw(axes, diagram, along, style)
        units = unit_words(given.attrs.get("units"))
        colour_bar(axes, mesh, (1.02, 0.0, 0.03, 1.0), units or "No units", extend)
        thinned = f"every {ordinal(step)} time drawn" if step > 1 else ""
        headline(
            axes, f"{name_words(given)}, {period_words(axis)}",
            clauses(where, source_words(given), thinned),
        )  # fmt: skip
    return axes


@dataclass(frozen=True)
class _Diagram:
    """What is drawn: values by time and place, gaps of the record included.

    Attributes
    ----------
    axis
        Times of the samples.
    begins
        Where, along the time axis of the figure, each sample begins (years).
    edges
        Of the rows, in years; one more than there are.
    places
        Edges of the columns, in degrees.
    """

    axis: TimeAxis
    begins: Floats
    edges: Floats
    places: Floats
    values: Floats

    @classmethod
    def of(cls, part: xr.DataArray, values: Floats, along: str) -> _Diagram:
        axis = TimeAxis.of(part)
        degrees = np.asarray(part[_name_along(part, along)].values, "float64")
        degrees = continuous_longitude(degrees) if along == "longitude" else degrees
        order = np.argsort(degrees)
        edges, rows = _without_gaps(axis.decimal_year, values[:, order])
        return cls(axis, axis.decimal_year, edges, edges_of(degrees[order]), rows)


def _name_along(part: xr.DataArray, along: str) -> str:
    """Return the name of the one coordinate of place."""
    names = part.cf.coordinates.get(along, [])
    return str(names[0] if names else next(d for d in part.dims if str(d)[:3] == along[:3]))


def _section(
    cube: xr.DataArray, given: xr.DataArray, along: str, region: Any
) -> tuple[xr.DataArray, str]:
    """Return, lazily, values by time and one coordinate, and what was averaged over."""
    time = TimeAxis.of(given).name
    others = [str(d) for d in given.dims if d != time]
    if len(others) == 1 and region is None and _one_place_axis(given, others[0]):
        return given, ""
    try:
        axes = find_spatial(given)
    except AxisError as error:
        raise _no_place(given) from error
    here = [d for d in axes.dims if d in given.dims]
    if not here or len(set(others) - set(axes.dims)):
        raise _no_place(given)
    cut, areas, _ = restrict(given, cell_areas(cube, given)[0], region)
    where = region_words(cut)
    if along == "latitude":
        return plain(zonal_mean(cube, region=region)), f"mean along each parallel; {where}"
    latitude, longitude = given[axes.latitude], given[axes.longitude]
    if latitude.ndim != 1 or longitude.ndim != 1 or latitude.dims == longitude.dims:
        raise CubeError(
            "a Hovmöller diagram along longitudes needs rows that are parallels",
            where=f"variable {given.name!r}", expected="1-D latitude and longitude",
            found="coordinates by " + ", ".join(map(str, longitude.dims)),
            remedy="pass along='latitude', or regrid first",
        )  # fmt: skip
    mean = cut.weighted(areas.fillna(0.0)).mean(str(latitude.dims[0]))
    return mean, f"mean over latitudes, by area; {where}"


def _one_place_axis(cube: xr.DataArray, dim: str) -> bool:
    import cf_xarray  # noqa: F401, PLC0415 - registers .cf; half of the start-up time

    known = cube.cf.coordinates
    if any(dim in known.get(kind, []) for kind in _ALONG):
        return True
    return dim in cube.coords and dim.lower() in ("lat", "lon", *_ALONG)


def _is_latitude(part: xr.DataArray) -> bool:
    names = part.cf.coordinates.get("latitude", [])
    return any(n in part.dims for n in names) or any(str(d).lower()[:3] == "lat" for d in part.dims)


def _no_place(cube: xr.DataArray) -> CubeError:
    return CubeError(
        "hovmoller needs time and place", where=f"variable {cube.name!r}",
        expected="time, and latitude or longitude or both",
        found="dimensions " + (", ".join(map(str, cube.dims)) or "none"),
        remedy="for one place draw time_series; of further dimensions select one",
    )  # fmt: skip


def _without_gaps(year: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return edges of rows and values; where the record has a gap stands a row without values."""
    step = float(np.median(np.diff(year))) if len(year) > 1 else 1 / 12
    ends = np.append(year[1:], year[-1] + step)
    broken = np.flatnonzero(ends - year > 1.6 * step)
    edges = np.insert(np.append(year, ends[-1]), broken + 1, year[broken] + step)
    return edges, np.insert(values, broken + 1, np.nan, axis=0)


def _draw(ax: Axes, diagram: _Diagram, along: str, style: dict[str, Any]) -> Any:
    values = np.ma.masked_invalid(diagram.values)
    ax.set_facecolor(LAND)
    upright = along == "longitude"
    inches = width_of(ax)
    figure = ax.get_figure(root=True)
    height = float(figure.get_size_inches()[1]) if figure is not None else 4.0
    room = min(1.0, (0.7 * height if upright else inches) / 5)
    chosen, labels = date_ticks(diagram.axis, slice(0, len(diagram.axis)), room)
    if upright:
        mesh = ax.pcolormesh(diagram.places, diagram.edges, values, rasterized=True, **style)
        ax.set_yticks(diagram.begins[chosen], [t.replace("\n", " ") for t in labels])
        ax.invert_yaxis()
        degree_axis(ax.xaxis, east_west, "Longitude", 0.8 * inches / 0.7)
    else:
        mesh = ax.pcolormesh(diagram.edges, diagram.places, values.T, rasterized=True, **style)
        ax.set_xticks(diagram.begins[chosen], labels)
        degree_axis(ax.yaxis, north_south, "Latitude", 0.7 * height / 0.45)
    for spine in ax.spines.values():
        spine.set_visible(True)
    return mesh
