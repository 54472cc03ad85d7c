"""The axes of a map, in the projection that suits, and cells in colours on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from climcube.errors import ParameterError, require_module
from climcube.plots.colours import colour_bar, diverging, sequential
from climcube.plots.geography import MapGrid, degree_axis, east_west, north_south
from climcube.plots.projections import (
    choose,
    divided,
    dress_globe,
    is_geographic,
    mesh_parts,
    ratio_of,
    seam_of,
)
from climcube.plots.style import LAND, canvas, scale_of_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

__all__ = [
    "draw_cells",
    "draw_diverging",
    "draw_sequential",
    "drawn_size",
    "map_canvas",
    "projection_of",
]

_PAGE, _TALLEST = 7.2, 5.0  # inches: a whole figure across, the map down
_AROUND = (0.8, 1.2)  # inches left to labels, beside the map and above and below it
_FLATTEST, _STEEPEST = 0.12, 5.0  # height by width: a strip of cells would else be a hairline


def projection_of(ax: Axes | None, projection: Any, grid: MapGrid) -> Any:
    """Return the cartopy projection that a new map will have; None for longitude by latitude.

    To be asked for first: what is wrong with ``projection``, or that cartopy is missing, is
    said before anything is computed.
    """
    if ax is None:
        return choose(projection, grid.x_edges, grid.y_edges)
    if projection is not None:
        raise ParameterError(
            "a projection is that of the axes", where="projection",
            remedy="leave projection= out, and make the axes with it: "
            "figure.add_subplot(projection=...)",
        )  # fmt: skip
    return None


@contextmanager
def map_canvas(ax: Axes | None, grid: MapGrid, beside: float, projection: Any) -> Iterator[Axes]:
    """Yield the axes of a map: the caller's, or new ones in the `projection_of` it.

    ``beside`` inches are left to what stands right of the map.
    """
    size = _map_size(grid, beside, projection)
    with canvas(ax, size, compressed=True, projection=projection) as axes:
        yield axes


def draw_cells(ax: Axes, grid: MapGrid, values: npt.NDArray[Any], **style: Any) -> QuadMesh:
    """Draw a picture of cells with degree labels, true proportions and grey where NaN."""
    ax.set_facecolor(LAND)
    if is_geographic(ax):
        return _draw_globe(ax, grid, values, style)
    mesh = ax.pcolormesh(grid.x_edges, grid.y_edges, values, rasterized=True, **style)
    ax.set_xlim(grid.x_edges[0], grid.x_edges[-1])
    ax.set_ylim(grid.y_edges[0], grid.y_edges[-1])
    ax.set_aspect(_ratio(grid) * _span(grid.x_edges) / _span(grid.y_edges))
    for spine in ax.spines.values():
        spine.set_visible(True)
    across, down = drawn_size(ax, grid)
    degree_axis(ax.xaxis, east_west, "Longitude", across / 0.7)
    degree_axis(ax.yaxis, north_south, "Latitude", down / 0.45)
    return mesh


def _draw_globe(
    ax: Any, grid: MapGrid, values: npt.NDArray[Any], style: dict[str, Any]
) -> QuadMesh:
    """Draw a picture of cells on a map projection."""
    mesh = None
    x_edges, columns = divided(grid.x_edges, seam_of(ax.projection))
    y_edges, rows = divided(grid.y_edges)
    values = values[rows][:, columns]
    parts = list(mesh_parts(ax.projection, x_edges, y_edges))
    if all(np.isfinite(x).all() and np.isfinite(y).all() for _, x, y in parts):
        # What lies beyond the grid is no land; of a map that shows one side only, all is grey.
        ax.set_facecolor("white")
        style = style | {"cmap": require_module("matplotlib", "plots").colormaps.get_cmap(
            style["cmap"]).with_extremes(bad=LAND)}  # fmt: skip
    for own, x, y in parts:
        seen = np.isfinite(x) & np.isfinite(y)  # an orthographic map shows one side only
        whole = seen[1:, 1:] & seen[1:, :-1] & seen[:-1, 1:] & seen[:-1, :-1]
        mesh = ax.pcolormesh(
            np.where(seen, x, 0.0), np.where(seen, y, 0.0),
            np.ma.masked_where(~whole, values[:, own]), rasterized=True,
            transform=ax.projection, **style,
        )  # fmt: skip
    dress_globe(ax, grid.x_edges, grid.y_edges)
    return cast("QuadMesh", mesh)


def draw_diverging(
    ax: Axes, grid: MapGrid, values: npt.NDArray[Any], label: str, centre: float = 0.0
) -> None:
    """Draw a picture of cells in colours symmetric about zero, and their colour bar."""
    _draw_with_bar(ax, grid, values, label, *diverging(values, centre))


def draw_sequential(ax: Axes, grid: MapGrid, values: npt.NDArray[Any], label: str) -> None:
    """Draw a picture of cells in colours that rise with the value, and their colour bar."""
    _draw_with_bar(ax, grid, values, label, *sequential(values))


def _draw_with_bar(
    ax: Axes, grid: MapGrid, values: npt.NDArray[Any], label: str, style: dict[str, Any],
    extend: str,
) -> None:  # fmt: skip
    """Draw cells, and right of the map a colour bar: an inset follows the box of the map."""
    mesh = draw_cells(ax, grid, values, **style)
    inch = 1 / max(0.5, drawn_size(ax, grid)[0])
    colour_bar(ax, mesh, (1 + 0.12 * inch, 0.0, 0.13 * inch, 1.0), label, extend)


def drawn_size(ax: Axes, grid: MapGrid) -> tuple[float, float]:
    """Return width and height in inches that the map takes of its axes' box."""
    figure = ax.get_figure(root=True)
    inches = figure.get_size_inches() if figure is not None else (6.0, 4.0)
    box = ax.get_position(original=True)
    width, height = box.width * float(inches[0]), box.height * float(inches[1])
    ratio = _ratio(grid, cast("Any", ax).projection if is_geographic(ax) else None)
    across = min(width, height / ratio)
    return across, across * ratio


def _map_size(grid: MapGrid, beside: float, projection: Any) -> tuple[float, float]:
    """Return a figure size in inches: the map in its proportions, and room beside it."""
    scale, ratio = scale_of_page(), _ratio(grid, projection)
    room = beside * min(1.0, 0.25 + 0.75 * scale) + _AROUND[0]  # letters shrink less than maps
    across = min(_PAGE * scale - room, max(1.5 * scale, _TALLEST * scale / ratio))
    down = min(_TALLEST * scale, max(1.2 * scale, across * ratio))
    return across + room, down + _AROUND[1]


def _ratio(grid: MapGrid, projection: Any = None) -> float:
    """Return the height of a map by its width."""
    if projection is not None:
        ratio = ratio_of(projection, grid.x_edges, grid.y_edges)
    else:
        ratio = _aspect(grid) * _span(grid.y_edges) / _span(grid.x_edges)
    return float(np.clip(ratio, _FLATTEST, _STEEPEST))


def _span(edges: npt.NDArray[np.float64]) -> float:
    return float(edges[-1] - edges[0])


def _aspect(grid: MapGrid) -> float:
    south, north = grid.y_edges[0], grid.y_edges[-1]
    if north - south > 60:  # one parallel cannot stand for a hemisphere
        return 1.0
    return float(min(3.0, 1 / np.cos(np.radians((south + north) / 2))))
