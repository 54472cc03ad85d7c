"""Maps of NOAA Coral Reef Watch's bleaching alert levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.plots.dates import day_index
from climcube.plots.geography import MapGrid, require_map, require_values
from climcube.plots.map_axes import map_canvas, projection_of
from climcube.plots.maps import draw_codes, side_legend
from climcube.plots.selection import plain, require_variable
from climcube.plots.style import LAND, MISSING, date_words, drawing, headline, swatch
from climcube.plots.words import period_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bleaching_alert_map"]

# Coral Reef Watch's own colours up to level 2; for the levels added in 2024 darker violets.
_LEVELS = (
    ("No stress", "#c8fafa"), ("Watch", "#fff000"), ("Warning", "#faaa00"),
    ("Alert level 1", "#f00000"), ("Alert level 2", "#960000"),
    ("Alert level 3", "#c77be0"), ("Alert level 4", "#8d2fb0"), ("Alert level 5", "#4a0a66"),
)  # fmt: skip
_UNKNOWN = -1


@drawing
def bleaching_alert_map(
    stress: xr.Dataset, date: object = None, *, projection: Any = None, ax: Axes | None = None
) -> Axes:
    """Draw the bleaching alert level of one day, in the colours of NOAA Coral Reef Watch.

    Parameters
    ----------
    stress : Dataset
        Result of `climcube.degree_heating_weeks`.
    date
        The day; default the last of the record. It alone is computed.
    projection
        As for `climcube.plot.map`.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Land (cells without a maximum monthly mean) is grey, unknown levels light grey.

    Raises
    ------
    CubeError
        No horizontal dimensions, an empty selection, or no level at all.
    ParameterError
        ``date`` is not in the record.
    VariableError
        No ``alert``.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst
    >>> reef = cc.degree_heating_weeks(sst, base_period=(2000, 2001))
    >>> cc.plot.bleaching_alert_map(reef).get_title(loc="left")
    'Bleaching alert, 31 Dec 2001'
    """
    require_variable(stress, "alert", "alert level", "cc.degree_heating_weeks(...)")
    alert = plain(stress["alert"])
    axis = TimeAxis.of(alert)
    index = len(axis) - 1 if date is None else day_index(axis, date)
    day = alert.isel({axis.name: index})
    require_map(day, "bleaching_alert_map")
    grid = MapGrid.of(day)
    projection = projection_of(ax, projection, grid)
    sea = plain(stress["mmm"]).notnull() if "mmm" in stress else day >= 0
    levels, wet = dask.compute(grid.thin(day), grid.thin(sea.broadcast_like(day)))
    codes = np.where(grid.picture(wet) == 1, np.asarray(grid.picture(levels), "float64"), np.nan)
    require_values(codes >= 0, f"variable 'alert', {axis.label(index)}")
    count = max(5, int(np.nanmax(codes)) + 1)
    with map_canvas(ax, grid, 1.5, projection) as axes:
        draw_codes(axes, grid, codes, [MISSING, *(c for _, c in _LEVELS[:count])], _UNKNOWN)
        handles = [swatch(colour, name) for name, colour in _LEVELS[:count]]
        if np.isnan(codes).any():
            handles.append(swatch(LAND, "Land"))
        if (codes == _UNKNOWN).any():
            handles.append(swatch(MISSING, "Unknown"))
        side_legend(axes, handles, "Bleaching alert")
        headline(
            axes, f"Bleaching alert, {date_words(axis.label(index))}",
            f"record {period_words(axis)}; levels by degree heating weeks (°C weeks): warning "
            "below 4, level 1 from 4, level 2 from 8" + (", 3, 4, 5 from 12, 16, 20"
                                                         if count > 5 else ""),
        )  # fmt: skip
    return axes
