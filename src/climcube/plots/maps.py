"""Maps of one time: values, anomalies, heatwave categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import plain_cube
from climcube.errors import AxisError, ParameterError
from climcube.plots.colours import centre_of
from climcube.plots.dates import day_index, sample_index, sample_words
from climcube.plots.geography import MapGrid, require_map, require_values
from climcube.plots.map_axes import (
    draw_cells,
    draw_diverging,
    draw_sequential,
    map_canvas,
    projection_of,
)
from climcube.plots.selection import (
    area_weights,
    ocean,
    plain,
    require_heatwaves,
    worst_day,
)
from climcube.plots.style import (
    CATEGORIES,
    LAND,
    MISSING,
    OCEAN,
    clauses,
    date_words,
    drawing,
    headline,
    palette,
    swatch,
    unit_words,
)
from climcube.plots.words import (
    basis_words,
    is_cold,
    kind_words,
    name_words,
    period_words,
    source_words,
    with_units,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["anomaly_map", "category_map", "draw_codes", "map", "percent", "side_legend"]


@drawing
def category_map(
    mhw: Any, date: object = None, *, projection: Any = None, ax: Axes | None = None
) -> Axes:
    """Draw the heatwave categories of one day (Hobday et al. 2018).

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves` on a cube with two horizontal dimensions.
    date : str, datetime64 or cftime date, optional
        The day. Default: the worst day, which is the day with the largest ocean area weighted
        by category (1 Moderate to 4 Extreme).
    projection
        As for `map`.
    ax : matplotlib Axes, optional
        Where to draw; default a new figure, at ``.figure`` of what is returned.

    Returns
    -------
    matplotlib Axes
        Colours as in Hobday et al. (2018), blue for cold spells; the legend gives the share of
        the ocean's area. Land (cells without any value) is grey, missing values light grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, an empty selection, no value at all, or (without ``date``)
        no heatwave on any day.
    ParameterError
        ``date`` is not in the record.
    DependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> cc.plot.category_map(mhw).get_title(loc="left")[:18]
    'Marine heatwaves, '
    """
    require_heatwaves(mhw)
    cube = plain(mhw.cube)
    axis = TimeAxis.of(cube)
    require_map(cube.isel({axis.name: 0}), "category_map")
    grid = MapGrid.of(cube)
    projection = projection_of(ax, projection, grid)
    index = worst_day(mhw) if date is None else day_index(axis, date)
    category = plain(mhw.daily["category"]).isel({axis.name: index})
    sea = ocean(mhw)
    weights, measure = area_weights(mhw)
    areas = [(weights * (sea & (category == k))).sum() for k in range(1, 5)]
    shown, wet, present, total, *areas = dask.compute(
        grid.thin(category),
        grid.thin(sea),
        grid.thin(cube.isel({axis.name: index}).notnull()),
        (weights * sea).sum(),
        *areas,
    )
    require_values(wet.values, f"variable {cube.name!r}")
    codes = np.where(
        grid.picture(wet) == 1,
        np.where(grid.picture(present) == 1, grid.picture(shown), -1.0),
        np.nan,
    )
    shares = [float(a) / float(total) for a in areas]
    with map_canvas(ax, grid, 1.7, projection) as axes:
        _draw_categories(axes, grid, codes, shares, is_cold(mhw), measure)
        headline(
            axes,
            f"Marine {kind_words(mhw)}s, {date_words(axis.label(index))}",
            ("worst day of " if date is None else "record ")
            + f"{period_words(axis)}; {basis_words(mhw, axis)}",
        )
    return axes


@drawing
def map(  # noqa: A001 - cc.plot.map is what it is called
    cube: xr.DataArray,
    date: object = None,
    *,
    centre: float | bool | None = None,
    projection: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a map of values, of one time: temperatures, a climatology, days in heatwaves.

    Parameters
    ----------
    cube : DataArray
        With two horizontal dimensions (regular, curvilinear or unstructured), and time or not.
    date
        The time to draw, as text or a date (``"2016-02-15"``, ``"2016-02"`` of monthly values);
        default the last of the record. It alone is computed.
    centre
        The value about which colours are symmetric; False for colours that rise with the value.
        Default: what is absolute is drawn in rising colours, and what says that it is a
        difference (an anomaly, a slope, a change) symmetric about zero.
    projection
        ``"equal_earth"``, ``"robinson"``, ``"plate_carree"``, or a cartopy projection. Default:
        Equal Earth for maps of the globe where cartopy is installed
        (``pip install "climcube[maps]"``), else longitude by latitude.
    ax
        Where to draw, plain axes or cartopy's; default a new figure.

    Returns
    -------
    matplotlib Axes
        Missing values (land) are grey. Colours end at the 1st and 99th percentile of the cells
        (of distances from ``centre`` at the 98th), rounded; the bar points on where cells lie
        beyond.

    Raises
    ------
    CubeError
        No horizontal dimensions, further dimensions, an empty selection, or no value at all.
    ParameterError
        ``date`` is not in the record, or ``centre`` or ``projection`` not understood.
    DependencyError
        matplotlib is not installed; or cartopy, where a projection is asked for.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst
    >>> cc.plot.map(sst, "2001-02-15").get_title(loc="left")[-13:]
    ', 15 Feb 2001'
    """
    return _draw_values(cube, date, centre, projection, ax, "map")


@drawing
def anomaly_map(
    anomaly: xr.DataArray, date: object = None, *, projection: Any = None, ax: Axes | None = None
) -> Axes:
    """Draw the anomalies of one day (or month).

    Parameters
    ----------
    anomaly : DataArray
        Result of `climcube.anomaly`, or ``mhw.daily["anomaly"]``.
    date
        The time to draw, as text or a date; default the last of the record.
    projection
        As for `map`.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Diverging colours, symmetric about zero; missing values are grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, an empty selection, or no value on that day.
    ParameterError
        ``date`` is not in the record.
    """
    return _draw_values(anomaly, date, 0.0, projection, ax, "anomaly_map")


def _draw_values(
    given: xr.DataArray, date: object, centre: Any, projection: Any, ax: Axes | None, purpose: str
) -> Axes:
    cube = plain_cube(given, purpose)[0]
    try:
        axis = TimeAxis.of(cube)
    except AxisError:
        if any(np.issubdtype(cube[d].dtype, np.datetime64) for d in cube.dims if d in cube.coords):
            raise
        axis = None
    index = 0
    if axis is not None:
        index = len(axis) - 1 if date is None else sample_index(axis, date)
        cube = cube.isel({axis.name: index})
    elif date is not None:
        raise ParameterError("a cube without time has no date", where=f"date={date!r}")
    require_map(cube, purpose)
    centre_of(cube, centre)  # what is not understood is said before anything is computed
    grid = MapGrid.of(cube)
    projection = projection_of(ax, projection, grid)
    values = np.asarray(grid.picture(grid.thin(cube).compute()), "float64")
    when = _time_words(cube) if axis is None else sample_words(axis, index)
    require_values(np.isfinite(values), f"variable {cube.name!r}" + (when and f", {when}"))
    middle = centre_of(cube, centre, values)
    units = unit_words(cube.attrs.get("units"))
    anomaly, name = purpose == "anomaly_map", name_words(cube)
    if anomaly and "anomaly" not in name.lower():
        name = "Anomaly"
    label = with_units("Anomaly", units) if anomaly else units or "No units"
    with map_canvas(ax, grid, 0.9, projection) as axes:
        if middle is None:
            draw_sequential(axes, grid, values, label)
        else:
            draw_diverging(axes, grid, values, label, middle)
        record = f"record {period_words(axis)}" if axis is not None and len(axis) > 1 else ""
        headline(axes, name + (when and f", {when}"), clauses(record, source_words(cube)))
    return axes


def _time_words(cube: xr.DataArray) -> str:
    """Return the time of a cube without time dimension, if it says so: one time, or a period."""
    for coordinate in cube.coords.values():
        if coordinate.ndim == 0 and hasattr(coordinate, "dt"):
            return date_words(str(coordinate.values)[:10])
        if coordinate.ndim == 0 and coordinate.name in ("year", "month", "season", "dayofyear"):
            return f"{coordinate.name} {coordinate.item()}"
    first, last = (str(cube.attrs.get(f"time_coverage_{e}", ""))[:4] for e in ("start", "end"))
    return first if first == last else f"{first}–{last}"


def _draw_categories(
    ax: Axes, grid: MapGrid, codes: npt.NDArray[Any], shares: list[float], cold: bool, measure: str
) -> None:
    draw_codes(ax, grid, codes, [MISSING, OCEAN, *palette(cold)], -1)
    handles = [
        swatch(colour, f"{name} {percent(s)}")
        for name, colour, s in zip(CATEGORIES, palette(cold), shares, strict=True)
    ]
    rest = 1 - sum(shares)
    handles.insert(0, swatch(OCEAN, f"None {percent(rest)}"))
    if np.isnan(codes).any():
        handles.append(swatch(LAND, "Land"))
    if (codes == -1).any():
        handles.append(swatch(MISSING, "No data that day"))
    side_legend(ax, handles, f"Category, share\nof ocean {measure}")


def draw_codes(
    ax: Axes, grid: MapGrid, codes: npt.NDArray[Any], colours: list[str], first: int
) -> None:
    """Draw a picture of whole numbers from ``first`` on, each in a colour of its own."""
    from matplotlib.colors import BoundaryNorm, ListedColormap  # optional extra

    norm = BoundaryNorm(np.arange(len(colours) + 1) + first - 0.5, len(colours))
    draw_cells(ax, grid, codes, cmap=ListedColormap(colours), norm=norm)


def side_legend(ax: Axes, handles: list[Any], title: str) -> None:
    """Put the legend to the right of the map, where it cannot hide cells."""
    legend = ax.legend(
        handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0, handlelength=1.2, handleheight=1.0, labelspacing=0.5, alignment="left",
    )  # fmt: skip
    legend.get_title().set_fontsize("small")


def percent(share: float) -> str:
    """Write a share as a percentage, with a decimal where it is small."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"
