"""Polygons of the cells that tracked events ever covered."""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.analysis.tracking.grid import TrackGrid
from climcube.cubes.outlines import cell_corners, column_edges, row_edges
from climcube.errors import ParameterError, StoreError, require_module
from climcube.stores.tables import require_table_target

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

__all__ = ["Outlines", "footprint_frame", "require_footprint_target", "write_footprints"]

_EXTRA = "tracking"

Ints = npt.NDArray[Any]
Shapes = npt.NDArray[np.object_]


def footprint_frame(
    outlines: Outlines, events: pd.DataFrame, simplify: float | None
) -> geopandas.GeoDataFrame:
    """Return the events of tracks with their footprints; see `Tracks.footprints`."""
    number = isinstance(simplify, int | float) and not isinstance(simplify, bool)
    if simplify is not None and not (number and simplify >= 0):
        raise ParameterError(
            "simplify not understood", where=f"simplify={simplify!r}",
            expected="a tolerance in degrees, not negative",
        )  # fmt: skip
    frames, shapely = require_module("geopandas", _EXTRA), require_module("shapely", _EXTRA)
    owner, shapes = outlines.pieces(shapely)
    ends = np.searchsorted(owner, np.arange(1, len(events) + 2))
    whole = [
        shapely.simplify(shapely.union_all(shapes[a:b]), simplify or 0.0)
        for a, b in itertools.pairwise(ends)
    ]
    return frames.GeoDataFrame(events, geometry=whole, crs="EPSG:4326")


def write_footprints(frame: geopandas.GeoDataFrame, target: Path) -> Path:
    """Write footprints as GeoParquet; the file appears when it is complete."""
    for name in frame.columns:
        if name.startswith("date") and frame[name].dtype == object:  # dates of another calendar
            frame[name] = [None if d != d else d.isoformat()[:10] for d in frame[name]]
    staging = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(staging, index=False)
        if target.is_dir():
            shutil.rmtree(target)
        staging.replace(target)
    except OSError as error:
        raise StoreError("the table cannot be written", where=str(target), found=error) from error
    finally:
        with suppress(OSError):
            staging.unlink()
    return target


def require_footprint_target(path: str | Path, *, overwrite: bool) -> Path:
    """Return the path of a GeoParquet file to be written, or say why it cannot be."""
    target = require_table_target(path, overwrite=overwrite)
    if target.suffix != ".parquet":
        raise ParameterError(
            "unknown format of footprints", where=str(target), expected="a name ending in .parquet"
        )
    require_module("geopandas", _EXTRA)
    return target


@dataclass(frozen=True)
class Outlines:
    """Pairs of event and cell of a map, ordered, whose outlines are wanted.

    ``given`` is the cube or the data set that brings the bounds of coordinates along.
    """

    given: Any
    grid: TrackGrid
    event: Ints
    cell: Ints

    def pieces(self, shapely: Any) -> tuple[Ints, Shapes]:
        """Return polygons that make up the footprints, and the event of each, ordered."""
        curved = self.grid.mask[self.grid.latitude].ndim == 2
        return self._quads(shapely) if curved else self._boxes(shapely)

    def _boxes(self, shapely: Any) -> tuple[Ints, Shapes]:
        """Make a box of each run of cells in a row, two where it crosses the dateline."""
        grid, event = self.grid, self.event
        south, north = row_edges(self.given, grid.mask, grid.latitude).T
        edges = column_edges(self.given, grid.mask, grid.longitude)
        row, column = np.divmod(self.cell, grid.shape[3])
        new = np.ones(len(event), bool)
        new[1:] = (np.diff(event) != 0) | (np.diff(row) != 0) | (np.diff(column) != 1)
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(event))[: len(first)] - 1
        owner, row, ends = event[first], row[first], np.stack([column[first], column[last]])
        if len(edges) > 1 and (edges[1, 0] - edges[0, 0]) % 360 > 180:
            ends = ends[::-1]  # longitudes that fall: the last of a run lies west
        west, east = edges[ends[0], 0], edges[ends[1], 1]
        crosses = east <= west
        boxes = shapely.box(west, south[row], np.where(crosses, 180.0, east), north[row])
        beyond = row[crosses]
        far = shapely.box(-180.0, south[beyond], east[crosses], north[beyond])
        owner = np.concatenate([owner, owner[crosses]])
        order = np.argsort(owner, kind="stable")
        return owner[order], np.concatenate([boxes, far])[order]

    def _quads(self, shapely: Any) -> tuple[Ints, Shapes]:
        """Make a polygon of each cell of a 2-D grid, several where it crosses the dateline."""
        grid = self.grid
        corners = cell_corners(self.given, grid.mask, grid.latitude, grid.longitude)
        quads = shapely.polygons(corners.reshape(-1, *corners.shape[2:])[self.cell])
        pieces = []
        for turns in (-360, 0, 360):  # corners may lie beyond either end of the map
            part = shapely.intersection(quads, shapely.box(turns - 180, -90, turns + 180, 90))
            pieces.append(shapely.transform(part, lambda points, t=turns: points - [t, 0]))
        shapes, owner = np.concatenate(pieces), np.tile(self.event, len(pieces))
        some = shapely.area(shapes) > 0
        order = np.argsort(owner[some], kind="stable")
        return owner[some][order], shapes[some][order]
