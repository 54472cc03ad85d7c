"""What `climcube.track` returns: tracked events, lazy until a table or the labels are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.delayed import Delayed

from climcube.analysis.tracking.grid import TrackGrid
from climcube.cubes.subject import finish_array
from climcube.errors import ParameterError
from climcube.lift.blocks import BlockKernels, Blocks

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

    from climcube.analysis.tracking.tables import TrackTables

__all__ = ["Tracks"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_KERNELS = BlockKernels(
    "climcube.kernels.labelling:find_objects",
    "climcube.kernels.stitching:join_block",
    "climcube.kernels.stitching:stitch",
)
_LABEL = "climcube.kernels.labelling:relabel"
_COVER = "climcube.kernels.labelling:covered"
_UNITE = "climcube.kernels.stitching:unite"
_AREAS = "climcube.kernels.stitching:sum_areas"


@dataclass(frozen=True, repr=False)
class Tracks:
    """Events followed through space and time.

    `labels` is lazy where the cube is. Tables compute when they are called: the first of them
    reads the cube once and keeps the objects of all days (some 100 bytes each) for the others;
    polygons, and labels, read it anew. Daily objects are numbered by date and first cell, events
    by their first object, in the order time, depth, latitude, longitude: chunks do not matter.

    Attributes
    ----------
    labels : DataArray
        Number of the event that each cell belongs to on each day, 0 for none.
    parameters : dict
        How events were tracked.
    """

    given: Any  # the cube, or the data set that brings bounds along
    grid: TrackGrid
    blocks: Blocks
    parameters: Mapping[str, Any]
    inputs: list[Any] = field(default_factory=list)
    intense: bool = False
    cold: bool = False
    lazy: bool = True

    @property
    def labels(self) -> xr.DataArray:
        """Number of the event that each cell belongs to on each day, 0 for none."""
        tables = self.__dict__.get("_tables")
        known = self._node if tables is None else tables.stitched
        data = self.blocks.applied(_LABEL, known, "lookups", "int32")
        if not self.lazy:
            data = self._compute(data)[0]
        attrs = {"long_name": "number of the tracked event, 0 for none", "units": "1"}
        labels = self.grid.restored(data, "event", attrs)
        return finish_array(labels, "track", self.parameters, self.inputs)

    def datasets(self, parts: tuple[str, ...] | None = None) -> NoReturn:
        """Say what can be saved and planned in place of all of it.

        Raises
        ------
        ParameterError
            Always: tables are no data sets, and their length is known when they are there.
        """
        raise ParameterError(
            "tracks are neither saved nor planned as a whole: what they take depends on the "
            "events that are found",
            remedy="pass tracks.labels, or write a table: tracks.events().to_parquet(...); to "
            "know what reading takes, plan the cube that was tracked: cc.plan(cube), "
            "cc.plan(mhw, parts=('daily',))",
        )

    def events(self) -> pd.DataFrame:
        """Return one row an event.

        Returns
        -------
        DataFrame
            ``event``; ``date_start``, ``date_end``, ``duration`` (days); ``objects`` (number
            of daily objects); ``area_max`` with ``date_area_max`` and ``area_mean`` (km2, of
            all objects of a day); ``footprint_area`` (km2 that it ever covered); ``volume``
            (km2 day; km3 day with depth); ``intensity_cumulative`` (intensity x km2 day, or
            km3 day), ``intensity_mean``, ``intensity_max`` with date and place; the centroid
            on the first and last day (``lat_start`` ... ``lon_end``); ``distance`` that the
            daily centroid travels (km); ``merges`` and ``splits``.
        """
        return self._tables.events()

    def objects(self) -> pd.DataFrame:
        """Return one row for each object of each day: the track of each event.

        Returns
        -------
        DataFrame
            ``event``, ``date``, ``object`` (its number, which the ledger uses), ``area`` (km2),
            centroid ``lat`` and ``lon``, number of ``cells``, ``intensity_mean`` (by area) and
            ``intensity_max``; with depth also ``volume`` (km3) and mean ``depth`` (m), ``area``
            then being that of the cells below which or in which the object lies.
        """
        return self._tables.objects()

    def ledger(self) -> pd.DataFrame:
        """Return one row for each merge and each split.

        Returns
        -------
        DataFrame
            ``date`` (of the later of the two days), ``kind`` (``"merge"``: one object that
            overlaps several of the day before; ``"split"``: several that overlap one of the
            day before), ``event``, ``objects_before`` and ``objects_after`` (numbers in
            `objects`) with their ``areas_before`` and ``areas_after`` (``volumes_...`` with
            depth).
        """
        return self._tables.ledger()

    def footprints(self, *, simplify: float | None = None) -> geopandas.GeoDataFrame:
        """Return `events` with a polygon each: the cells that the event ever covered.

        Parameters
        ----------
        simplify
            Tolerance in degrees; default none: polygons follow the edges of cells.

        Returns
        -------
        GeoDataFrame
            Longitudes from -180 to 180; polygons that cross the dateline are cut there.

        Raises
        ------
        DependencyError
            geopandas is missing: ``pip install 'climcube[tracking]'``.
        AxisError
            The corners of the cells of a 2-D grid are not known.
        """
        from climcube.analysis.tracking.footprints import Outlines, footprint_frame  # noqa: PLC0415

        event, cell = self._covered()
        outlines = Outlines(self.given, self.grid, event, cell)
        return footprint_frame(outlines, self.events(), simplify)

    def to_geoparquet(
        self, path: str | Path, *, overwrite: bool = False, simplify: float | None = None
    ) -> Path:
        """Write `footprints` to a GeoParquet file.

        Raises
        ------
        StoreExistsError
            ``path`` exists and ``overwrite`` is not set.
        """
        from climcube.analysis.tracking.footprints import (  # noqa: PLC0415
            require_footprint_target,
            write_footprints,
        )

        target = require_footprint_target(path, overwrite=overwrite)
        return write_footprints(self.footprints(simplify=simplify), target)

    def __repr__(self) -> str:
        shape = ", ".join(f"{d}: {n}" for d, n in self.grid.mask.sizes.items())
        shown = {k: v for k, v in self.parameters.items() if not isinstance(v, xr.DataArray)}
        options = ", ".join(f"{k}={v!r}" for k, v in shown.items())
        return (
            f"<climcube.Tracks: events in space and time of {self.grid.mask.name!r} ({shape})>\n"
            f"  {options}\n"
            "  .labels        number of the event of each cell and day\n"
            "  .events()      one row an event\n"
            "  .objects()     one row an event and day and connected region\n"
            "  .ledger()      merges and splits\n"
            "  .footprints()  polygons; .to_geoparquet(path)"
        )

    def _repr_html_(self) -> str:
        from climcube.analysis.pages import tracks_html  # noqa: PLC0415 - in notebooks only

        return tracks_html(self)

    @cached_property
    def _node(self) -> Delayed:
        return self.blocks.stitched(_KERNELS)

    @cached_property
    def _tables(self) -> TrackTables:
        """Compute everything but labels and polygons, reading the cube once."""
        from climcube.analysis.tracking.tables import TrackTables  # noqa: PLC0415 - pandas on demand

        deep = self.grid.depth is not None  # an object's size is then no area
        wanted = [self._areas("lookups"), *([self._areas("numbers")] if deep else [])]
        stitched, footprints, *areas = self._compute(self._node, *wanted)
        return TrackTables(
            self.grid, stitched, _sums(footprints, int(stitched.event.max(initial=0))),
            _sums(areas[0], len(stitched.objects)) if deep else None,
            self.intense, -1.0 if self.cold else 1.0,
        )  # fmt: skip

    def _areas(self, entry: str) -> Delayed:
        """Return the area of the cells of each entry (event or object), tile by tile."""
        return self.blocks.united(_COVER, self._node, entry, _UNITE, _AREAS)

    def _covered(self) -> tuple[Ints, Ints]:
        """Return each pair of event and cell of the map that occurs, ordered."""
        (found,) = self._compute(
            self.blocks.united(_COVER, self._tables.stitched, "lookups", _UNITE)
        )
        rows, columns = (np.cumsum([0, *sizes]) for sizes in self.blocks.subject.chunks[2:])
        events, cells = [np.zeros(0, "int64")], [np.zeros(0, "int64")]
        places = np.ndindex(len(rows) - 1, len(columns) - 1)
        for (i, j), pairs in zip(places, found, strict=True):
            width = columns[j + 1] - columns[j]
            event, cell = np.divmod(pairs, (rows[i + 1] - rows[i]) * width)
            row, column = np.divmod(cell, width)
            events.append(event)
            cells.append((row + rows[i]) * self.grid.shape[3] + column + columns[j])
        event, cell = np.concatenate(events), np.concatenate(cells)
        order = np.lexsort((cell, event))
        return event[order], cell[order]

    def _compute(self, *nodes: Any) -> tuple[Any, ...]:
        scheduler = {} if self.lazy else {"scheduler": "synchronous"}
        computed: tuple[Any, ...] = dask.compute(*nodes, **scheduler)
        return computed


def _sums(parts: Sequence[tuple[Ints, Floats]], count: int) -> Floats:
    """Return the sum over tiles for each entry, from 1."""
    total = np.zeros(count)
    for entry, area in parts:
        total[entry - 1] += area
    return total
