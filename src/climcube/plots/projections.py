"""Map projections where cartopy is installed; without it maps are longitude by latitude."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.errors import ParameterError, require_module, suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "PROJECTIONS",
    "choose",
    "corners",
    "dress_globe",
    "is_geographic",
    "projected",
    "ratio_of",
]

Floats = npt.NDArray[np.float64]

# Pseudocylindrical, all of them: parallels are straight, so rows of cells stay rows.
PROJECTIONS = {"equal_earth": "EqualEarth", "robinson": "Robinson"}
_PLAIN = "plate_carree"
_WIDE, _HIGH = 300.0, 100.0  # degrees: below, a map shows a region, for which no globe is needed


def choose(projection: Any, x_edges: Floats, y_edges: Floats) -> Any:
    """Return the cartopy projection of a new map; None for longitude by latitude.

    Parameters
    ----------
    projection
        ``"equal_earth"``, ``"robinson"``, ``"plate_carree"``, or a cartopy projection; None:
        Equal Earth for maps of the globe where cartopy is installed.
    x_edges, y_edges
        Of the cells, in degrees.
    """
    if projection is None:
        wide = x_edges[-1] - x_edges[0] >= _WIDE and y_edges[-1] - y_edges[0] >= _HIGH
        if not wide or importlib.util.find_spec("cartopy") is None:
            return None
        projection = "equal_earth"
    if isinstance(projection, str):
        if projection == _PLAIN:
            return None
        if projection not in PROJECTIONS:
            raise ParameterError(
                "unknown projection", where=f"projection={projection!r}",
                expected="one of " + ", ".join(repr(p) for p in (*PROJECTIONS, _PLAIN))
                + ", or a cartopy projection",
                remedy=suggest(projection, [*PROJECTIONS, _PLAIN]),
            )  # fmt: skip
        crs = require_module("cartopy.crs", "maps")
        middle = float(x_edges[0] + x_edges[-1]) / 2
        return getattr(crs, PROJECTIONS[projection])(central_longitude=middle)
    if not hasattr(projection, "transform_points"):
        raise ParameterError(
            "projection not understood", where="projection",
            expected="a name such as 'equal_earth', or a cartopy projection",
            found=type(projection).__name__,
        )  # fmt: skip
    return projection


def is_geographic(ax: Axes) -> bool:
    """Whether axes are cartopy's."""
    return hasattr(ax, "projection") and hasattr(ax, "gridlines")


def projected(ax: Any, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return where longitudes and latitudes lie on axes of any kind, in data coordinates."""
    x, y = (np.asarray(v, "float64") for v in (x, y))
    if not is_geographic(ax):
        return x, y
    middle = _middle(ax)
    away = x - middle
    if away.size and np.nanmin(away) >= -180.001 and np.nanmax(away) <= 180.001:
        return _on_map(ax, away, y)
    return _on_map(ax, (away + 180) % 360 - 180, y)


def corners(ax: Any, x_edges: Floats, y_edges: Floats) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield columns of cells with their corners: in two parts where the seam of a map cuts them.

    Of a cell that the seam itself cuts the part that is left of it is drawn.
    """
    west = (x_edges[:-1] - _middle(ax) + 180) % 360 - 180
    parts = np.flatnonzero(np.diff(west) < 0) + 1
    for first, last in zip([0, *parts], [*parts, len(west)], strict=True):
        width = x_edges[first : last + 1] - x_edges[first]
        away = np.minimum(west[first] + width, 180.0)
        yield slice(first, last), *_on_map(ax, *np.meshgrid(away, y_edges))


def _on_map(ax: Any, away: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return places from degrees away from the middle of a map."""
    crs = require_module("cartopy.crs", "maps")
    # Away from the seam by a hair, or cells at one end of a row come out at the other.
    away = np.clip(away, -180 + 1e-9, 180 - 1e-9)
    points = ax.projection.transform_points(
        crs.PlateCarree(central_longitude=_middle(ax)), away, np.broadcast_to(y, away.shape)
    )
    return points[..., 0], points[..., 1]


def _middle(ax: Any) -> float:
    return float(ax.projection.proj4_params.get("lon_0", 0.0))


def ratio_of(projection: Any) -> float:
    """Return height by width of a whole map in a projection."""
    (west, east), (south, north) = projection.x_limits, projection.y_limits
    return float((north - south) / (east - west))


def dress_globe(ax: Any, whole: bool, colour: str) -> None:
    """Show the globe, and thin lines of latitude and longitude with their degrees."""
    crs = require_module("cartopy.crs", "maps")
    if whole:
        ax.set_global()
    lines = ax.gridlines(
        crs=crs.PlateCarree(), draw_labels={"left": "y", "bottom": "x"}, linewidth=0.3,
        color="#5b6570", alpha=0.5, xlocs=range(-180, 180, 60), ylocs=range(-60, 61, 30),
    )  # fmt: skip
    lines.xlabel_style = lines.ylabel_style = {"size": "small", "color": colour}
    lines.xpadding, lines.ypadding = 5, 8
    ax.spines["geo"].set_linewidth(0.6)
    ax.spines["geo"].set_edgecolor("#8a939c")
