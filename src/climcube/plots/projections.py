"""Map projections where cartopy is installed; without it maps are longitude by latitude."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.errors import ParameterError, require_module, suggest
from climcube.plots.style import EDGE, MUTED, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "PROJECTIONS",
    "choose",
    "divided",
    "dress_globe",
    "is_geographic",
    "mesh_parts",
    "projected",
    "ratio_of",
    "seam_of",
]

Floats = npt.NDArray[np.float64]

# Pseudocylindrical, all of them: parallels are straight, so rows of cells stay rows.
PROJECTIONS = {"equal_earth": "EqualEarth", "robinson": "Robinson"}
_PLAIN = "plate_carree"
_WIDE, _HIGH = 300.0, 100.0  # degrees: below, a map shows a region, for which no globe is needed
_STRAIGHT = 10.0  # degrees: the sides of wider cells are drawn as curves


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
        if not _is_globe(x_edges, y_edges) or not _has_cartopy():
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


def _has_cartopy() -> bool:
    try:  # to have it is not enough: what it is linked to may be missing
        importlib.import_module("cartopy.crs")
    except ImportError:
        return False
    return True


def is_geographic(ax: Axes) -> bool:
    """Whether axes are cartopy's."""
    return hasattr(ax, "projection") and hasattr(ax, "gridlines")


def projected(ax: Any, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return where longitudes and latitudes lie on axes of any kind, in data coordinates."""
    x, y = (np.asarray(v, "float64") for v in (x, y))
    if not is_geographic(ax):
        return x, y
    away = x - _middle(ax.projection)
    if away.size and np.nanmin(away) >= -180.001 and np.nanmax(away) <= 180.001:
        return _on_map(ax.projection, away, y)
    return _on_map(ax.projection, (away + 180) % 360 - 180, y)


def divided(edges: Floats, seam: float | None = None) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Cut wide cells, whose sides are curves on a map, and cells at the seam of the map.

    Returns the edges, and which cell each of the parts belongs to.
    """
    counts = np.ceil(np.diff(edges) / _STRAIGHT - 1e-9).astype("int64")
    cuts = [np.linspace(edges[i], edges[i + 1], n + 1) for i, n in enumerate(counts) if n > 1]
    if seam is not None:
        turns = seam + 360 * np.arange(-2, 3)
        cuts.append(turns[(turns > edges[0]) & (turns < edges[-1])])
    fine = np.unique(np.concatenate([edges, *cuts]))
    fine = fine[np.append(True, np.diff(fine) > 1e-9)]
    return fine, np.searchsorted(edges, (fine[1:] + fine[:-1]) / 2) - 1


def seam_of(projection: Any) -> float:
    """Return the meridian along which a map is cut open."""
    return _middle(projection) + 180


def mesh_parts(
    projection: Any, x_edges: Floats, y_edges: Floats
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield columns of cells with their corners: in two parts where the seam of a map cuts them.

    Of a cell that the seam itself cuts the part that is left of it is yielded.
    """
    west = (x_edges[:-1] - _middle(projection) + 180) % 360 - 180
    parts = np.flatnonzero(np.diff(west) < 0) + 1
    for first, last in zip([0, *parts], [*parts, len(west)], strict=True):
        width = x_edges[first : last + 1] - x_edges[first]
        away = np.minimum(west[first] + width, 180.0)
        yield slice(first, last), *_on_map(projection, *np.meshgrid(away, y_edges))


def _on_map(projection: Any, away: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return places from degrees away from the middle of a map."""
    crs = require_module("cartopy.crs", "maps")
    # Away from the seam by a hair, or cells at one end of a row come out at the other.
    away = np.clip(away, -180 + 1e-9, 180 - 1e-9)
    points = projection.transform_points(
        crs.PlateCarree(central_longitude=_middle(projection)), away, np.broadcast_to(y, away.shape)
    )
    return points[..., 0], points[..., 1]


def _middle(projection: Any) -> float:
    return float(projection.proj4_params.get("lon_0", 0.0))


def ratio_of(projection: Any, x_edges: Floats, y_edges: Floats) -> float:
    """Return height by width of the part of a projection that `dress_globe` shows."""
    west, east, south, north = _frame(projection, x_edges, y_edges)
    return (north - south) / (east - west)


def _frame(
    projection: Any, x_edges: Floats, y_edges: Floats
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return what is shown, in the projection's metres: all of it for a globe, else the cells.

    Around a pole at most a hemisphere: the other pole is infinitely far away.
    """
    pole = _pole_of(projection)
    if pole:
        y_edges = np.clip(y_edges * pole, 0, 90) * pole
    elif _is_globe(x_edges, y_edges):
        return *projection.x_limits, *projection.y_limits
    parts = list(mesh_parts(projection, divided(x_edges)[0], divided(y_edges)[0]))
    x = np.concatenate([part[1].ravel() for part in parts])
    y = np.concatenate([part[2].ravel() for part in parts])
    seen = np.isfinite(x) & np.isfinite(y)
    if not seen.any() or np.ptp(x[seen]) == 0 or np.ptp(y[seen]) == 0:
        return *projection.x_limits, *projection.y_limits
    return float(x[seen].min()), float(x[seen].max()), float(y[seen].min()), float(y[seen].max())


def _is_globe(x_edges: Floats, y_edges: Floats) -> bool:
    return bool(x_edges[-1] - x_edges[0] >= _WIDE and y_edges[-1] - y_edges[0] >= _HIGH)


def _pole_of(projection: Any) -> int:
    """Return 1 or -1 for a stereographic map around the north or the south pole, else 0."""
    latitude = float(projection.proj4_params.get("lat_0", 0.0))
    polar = projection.proj4_params.get("proj") == "stere" and abs(latitude) == 90
    return int(np.sign(latitude)) if polar else 0


def dress_globe(ax: Any, x_edges: Floats, y_edges: Floats) -> None:
    """Show the cells or the globe, and thin lines of latitude and longitude with degrees."""
    from matplotlib import rcParams  # optional extra
    from matplotlib.font_manager import FontProperties

    crs = require_module("cartopy.crs", "maps")
    west, east, south, north = _frame(ax.projection, x_edges, y_edges)
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)
    letters = FontProperties(size=rcParams["xtick.labelsize"]).get_size_in_points()
    lines = ax.gridlines(
        crs=crs.PlateCarree(), draw_labels={"left": "y", "bottom": "x"}, linewidth=0.3,
        color=MUTED, alpha=0.5, ylocs=range(-60, 61, 30),
        xlocs=range(-180, 180, 60) if width_of(ax) > 4 else range(-120, 121, 120),
    )  # fmt: skip
    lines.xlabel_style = lines.ylabel_style = {"size": letters, "color": MUTED}
    lines.xpadding, lines.ypadding = 5, 8
    ax.spines["geo"].set_linewidth(0.6)
    ax.spines["geo"].set_edgecolor(EDGE)
