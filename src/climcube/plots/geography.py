"""Where the cells of any cube lie on a longitude-latitude picture, without a map library.

Regular grids are drawn cell by cell; curvilinear and unstructured ones by the nearest cell of
each pixel, which holds across the dateline, folds and poles. Land is where values are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.coordinates import SpatialAxes, find_spatial
from climcube.errors import AxisError, CubeError

__all__ = [
    "MapGrid",
    "continuous_longitude",
    "degree_axis",
    "east_west",
    "edges_of",
    "north_south",
    "require_map",
    "require_values",
]

Floats = npt.NDArray[np.float64]
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0)
MAX_PIXELS = 2000  # along one side: finer than any screen or page shows


@dataclass(frozen=True)
class MapGrid:
    """Where the cells of a cube lie on the picture.

    Attributes
    ----------
    longitude, latitude
        Centres of the picture's columns and rows, increasing.
    x_edges, y_edges
        Their edges.
    dims
        The cube's horizontal dimensions.
    """

    longitude: Floats
    latitude: Floats
    x_edges: Floats
    y_edges: Floats
    dims: tuple[str, ...]
    _take: dict[str, npt.NDArray[np.int64]]
    _nearest: npt.NDArray[np.int64] | None = None
    _centres: tuple[Floats, Floats] | None = None

    @classmethod
    def of(cls, cube: xr.DataArray) -> MapGrid:
        """Look at the coordinates of a cube; values are not touched."""
        axes = _spatial(cube)
        lat, lon = cube[axes.latitude], cube[axes.longitude]
        for coordinate in (lat, lon):
            if coordinate.size == 0:
                raise CubeError(
                    "the selection is empty",
                    where=f"coordinate '{coordinate.name}'",
                    expected="at least one cell",
                    remedy="check the bounds and the order of the slice",
                )
        if lat.ndim == 1 and lon.ndim == 1 and lat.dims != lon.dims:
            return cls._regular(lat, lon)
        return cls._scattered(lat, lon)

    @classmethod
    def _regular(cls, lat: xr.DataArray, lon: xr.DataArray) -> MapGrid:
        y, x = _floats(lat), continuous_longitude(_floats(lon))
        rows = np.argsort(y)[:: -(-y.size // MAX_PIXELS)]
        columns = np.argsort(x)[:: -(-x.size // MAX_PIXELS)]
        across, down = (float(np.ptp(v)) / max(1, v.size - 1) or 1.0 for v in (x, y))
        # A single row is as high as its cells are wide, a single column as wide as they are high.
        x_edges = edges_of(x[columns], down)
        y_edges = np.clip(edges_of(y[rows], across), -90, 90)
        return cls(
            x[columns], y[rows], x_edges, y_edges,
            (str(lat.dims[0]), str(lon.dims[0])),
            {str(lat.dims[0]): rows, str(lon.dims[0]): columns},
        )  # fmt: skip

    @classmethod
    def _scattered(cls, lat: xr.DataArray, lon: xr.DataArray) -> MapGrid:
        lat, lon = xr.broadcast(lat, lon)
        y, x = _floats(lat).ravel(), continuous_longitude(_floats(lon).ravel())
        known = np.flatnonzero(np.isfinite(y) & np.isfinite(x))
        if not len(known):
            raise CubeError("no cell has a position", where=f"coordinate '{lat.name}'")
        columns, rows = _pixels(x[known], y[known])
        nearest = _nearest_cells(x[known], y[known], columns, rows)
        nearest = np.where(nearest < 0, -1, known[nearest])
        return cls(
            columns, rows, edges_of(columns), np.clip(edges_of(rows), -90, 90),
            tuple(str(d) for d in lat.dims), {}, nearest, (x, y),
        )  # fmt: skip

    def places(self, cells: xr.DataArray, most: int) -> tuple[Floats, Floats, float, bool]:
        """Return where the computed cells that are true lie, about ``most`` a side at most.

        And how many cells (or the columns and rows that stand for them) a side has, and
        whether places were left out.
        """
        if self._centres is not None and self._centres[0].size <= most**2:
            x, y = self._centres
            true = cells.transpose(*self.dims).values.ravel() & np.isfinite(x) & np.isfinite(y)
            return x[true], y[true], float(np.sqrt(x.size)), False
        picture = np.asarray(self.picture(self.thin(cells)), "float64") == 1
        step = -(-max(picture.shape) // most)
        rows, columns = np.nonzero(picture[step // 2 :: step, step // 2 :: step])
        x, y = self.longitude[step // 2 :: step], self.latitude[step // 2 :: step]
        return x[columns], y[rows], max(picture.shape) / step, step > 1

    def thin(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cells that the picture shows, in its order; lazy stays lazy."""
        return cube.isel(self._take) if self._take else cube

    def picture(self, cells: xr.DataArray) -> npt.NDArray[Any]:
        """Turn computed values of `thin` into rows and columns; NaN where there is no cell."""
        values = cells.transpose(*self.dims).values
        if self._nearest is None:
            return values
        flat = np.append(values.astype("float64").ravel(), np.nan)
        return flat[self._nearest]


def require_map(cube: xr.DataArray, purpose: str) -> None:
    """Raise `CubeError` unless a variable has the two horizontal dimensions and no other."""
    try:
        dims = _spatial(cube).dims
    except AxisError as error:
        raise CubeError(
            f"{purpose} needs a map",
            where=f"variable {cube.name!r}",
            expected="latitude and longitude dimensions",
            found="dimensions " + (", ".join(map(str, cube.dims)) or "none"),
            remedy="for one place draw event_line or time_series",
        ) from error
    extra = [str(d) for d in cube.dims if d not in dims]
    if extra:
        raise CubeError(
            f"{purpose} draws one level at a time",
            where=f"variable {cube.name!r}",
            expected="dimensions " + ", ".join(dims),
            found="also " + ", ".join(extra),
            remedy=f"select one first, for instance .isel({extra[0]}=0)",
        )


def require_values(valid: npt.NDArray[Any], where: str) -> None:
    """Raise `CubeError` unless there is something to draw."""
    if valid.size and np.asarray(valid, bool).any():
        return
    raise CubeError(
        "there is nothing to draw",
        where=where,
        expected="at least one value",
        found="an empty selection" if not valid.size else "missing values only",
        remedy="select a region with ocean",
    )


def _spatial(cube: xr.DataArray) -> SpatialAxes:
    axes = find_spatial(cube)
    if not axes.dims or not set(axes.dims) <= set(map(str, cube.dims)):
        raise AxisError("no horizontal dimensions", where=f"variable {cube.name!r}")
    return axes


def _floats(coordinate: xr.DataArray) -> Floats:
    return np.asarray(coordinate.values, "float64")


def continuous_longitude(lon: Floats) -> Floats:
    """Make longitudes continuous: a region across the dateline or Greenwich stays in one piece."""
    finite = np.unique(np.mod(lon[np.isfinite(lon)], 360))
    if len(finite) < 2:
        return lon
    gaps = np.diff(np.append(finite, finite[0] + 360))
    widest = int(np.argmax(gaps))
    if gaps[widest] < max(20.0, 3 * float(np.median(gaps))):
        return lon if np.ptp(lon[np.isfinite(lon)]) <= 360 else np.mod(lon, 360)
    start = finite[(widest + 1) % len(finite)]
    shifted: Floats = np.mod(lon - start, 360) + start
    middle = float(np.nanmin(shifted) + np.nanmax(shifted)) / 2
    return np.asarray(shifted - 360 * np.floor((middle + 180) / 360), "float64")


def edges_of(centres: Floats, width: float = 1.0) -> Floats:
    """Return the edges of cells from their centres; ``width`` is that of a single one."""
    if len(centres) == 1:
        return np.array([centres[0] - width / 2, centres[0] + width / 2])
    middle = (centres[:-1] + centres[1:]) / 2
    first, last = centres[0] - (middle[0] - centres[0]), centres[-1] + (centres[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])


def _pixels(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return a raster about twice as fine as the cells."""
    west, east, south, north = x.min(), x.max(), y.min(), y.max()
    area = max(east - west, 0.5) * max(north - south, 0.5)
    step = max(np.sqrt(area / len(x)) / 2, (east - west) / MAX_PIXELS, (north - south) / MAX_PIXELS)
    return np.arange(west, east + step, step), np.arange(south, north + step, step)


def _nearest_cells(x: Floats, y: Floats, columns: Floats, rows: Floats) -> npt.NDArray[np.int64]:
    from scipy.spatial import cKDTree  # only curvilinear grids need it

    tree = cKDTree(_on_sphere(x, y))
    spacing, _ = tree.query(tree.data, k=min(2, len(x)))
    reach = 2.5 * float(np.quantile(spacing[..., -1], 0.99)) if len(x) > 1 else 1.0
    grid_x, grid_y = np.meshgrid(columns, np.clip(rows, -90, 90))
    distance, index = tree.query(_on_sphere(grid_x.ravel(), grid_y.ravel()), workers=-1)
    return np.where(distance <= reach, index, -1).reshape(grid_x.shape)


def _on_sphere(lon: Floats, lat: Floats) -> Floats:
    a, b = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])


def degree_axis(axis: Any, words: Callable[[float], str], label: str, room: float) -> None:
    """Mark round degrees along an axis, as many as there is room for."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator  # optional extra

    low, high = axis.get_view_interval()
    most = min(8.0, max(2.0, room))
    step = next((s for s in _STEPS if (high - low) / s <= most), 90.0)
    axis.set_major_locator(MultipleLocator(step))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))
    axis.set_label_text(label)


def east_west(value: float) -> str:
    """Write a longitude of any convention: ``190`` is 170°W."""
    lon = (value + 180) % 360 - 180
    if abs(lon) < 1e-9 or abs(abs(lon) - 180) < 1e-9:
        return f"{abs(lon):.0f}°"
    return f"{abs(lon):.6g}°{'E' if lon > 0 else 'W'}"


def north_south(value: float) -> str:
    """Write a latitude: ``-29.5`` is 29.5°S."""
    if abs(value) < 1e-9:
        return "0°"
    return f"{abs(value):.6g}°{'N' if value > 0 else 'S'}"
