"""The events of all cells as a table: in memory, or streamed tile by tile to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr
from dask.delayed import Delayed

from climcube.analysis.events.cells import CellLabels
from climcube.analysis.events.metadata import CATEGORIES
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.lift.rows import RowPart, lift_rows
from climcube.stores.tables import require_table_target, write_frames

__all__ = ["EventSource", "event_table"]

_DATES = ("date_start", "date_end", "date_peak")
_INDICES = ("index_start", "index_end", "index_peak")


@dataclass(frozen=True)
class EventSource:
    """What the events of one definition are made from."""

    kernel: str
    cubes: list[tuple[xr.DataArray, str]]  # the first is the subject
    tables: tuple[Any, ...]
    axis: TimeAxis
    cold: bool

    def frames(self) -> list[Delayed]:
        """Return one lazy frame for each tile."""
        columns = _Columns.of(*self.cubes[0], self.axis, self.cold)
        return [dask.delayed(columns.frame, pure=True)(part) for part in self.parts()]

    def parts(self) -> list[Any]:
        """Return the rows, in parts that hold all events of their cells."""
        return lift_rows(self.kernel, self.cubes, tables=self.tables, purpose="heatwaves.events")


def event_table(
    sources: Mapping[str, EventSource], path: str | Path | None, *, overwrite: bool
) -> pd.DataFrame | Path:
    """Build the event table of one or several definitions, or write it to ``path``.

    Several are told apart by a column ``definition``, the names of the mapping.
    """
    target = None if path is None else require_table_target(path, overwrite=overwrite)
    frames = [source.frames() for source in sources.values()]
    if len(sources) > 1:
        mark = dask.delayed(_marked, pure=True)
        frames = [
            [mark(frame, name, number) for frame in own]
            for number, (name, own) in enumerate(zip(sources, frames, strict=True))
        ]
    # Tile by tile, so that definitions share the reading of a tile.
    ordered = [frame for tile in zip(*frames, strict=True) for frame in tile]
    subject = next(iter(sources.values())).cubes[0][0]
    scheduler = {} if is_lazy(subject) else {"scheduler": "synchronous"}
    if target is not None:
        return write_frames(_computed(ordered, scheduler), target)
    computed = dask.compute(*ordered, **scheduler)
    return _in_order(pd.concat(computed, ignore_index=True) if computed else pd.DataFrame())


def _marked(frame: pd.DataFrame, name: str, number: int) -> pd.DataFrame:
    marked = frame.assign(_definition=number)
    marked.insert(0, "definition", name)
    return marked


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return events by definition, cell and start, without the columns made for that."""
    order = [c for c in ("_definition", "_cell") if c in frame]
    ordered = frame.sort_values([*order, "index_start"], kind="stable", ignore_index=True)
    return ordered.drop(columns=order)


class _Columns:
    """Turns rows of numbers into a labelled frame."""

    def __init__(self, labels: CellLabels, times: Any, years: float, cold: bool) -> None:
        self.labels, self.times, self.years, self.cold = labels, times, years, cold

    @classmethod
    def of(cls, subject: xr.DataArray, time: str, axis: TimeAxis, cold: bool) -> _Columns:
        """Gather what rows are labelled with."""
        years = (axis.ordinal[-1] - axis.ordinal[0] + 1) / (
            365.25 if axis.leap_day else axis.days_of_year
        )
        return cls(CellLabels.of(subject, time), _days(subject[time].values), float(years), cold)

    def frame(self, part: RowPart) -> pd.DataFrame:
        """Label the rows of one tile."""
        from climcube.kernels.events import METRICS  # noqa: PLC0415 - compiled code, on workers only

        columns: dict[str, Any] = {"_cell": part.cells} | self.labels.columns(part.cells)
        indices = part.rows[:, len(METRICS) :].astype("int64")
        columns |= {n: self.times[i] for n, i in zip(_DATES, indices.T, strict=True)}
        columns |= dict(zip(_INDICES, indices.T, strict=True))
        for name, values in zip(METRICS, part.rows.T, strict=False):
            columns[name] = values.astype("int64") if name.startswith("duration") else values
        columns["category"] = np.array(CATEGORIES)[
            part.rows[:, METRICS.index("category")].astype(int)
        ]
        frame = pd.DataFrame(columns)
        strength = -frame["intensity_max"] if self.cold else frame["intensity_max"]
        rank = strength.groupby(frame["_cell"]).rank(ascending=False, method="min")
        return frame.assign(rank=rank.astype("int64"), return_period=(self.years + 1) / rank)


def _days(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the day of each time: an event has dates, whatever hour its samples are stamped."""
    if times.dtype.kind == "M":
        return times.astype("datetime64[D]").astype(times.dtype)
    days = [t.replace(hour=0, minute=0, second=0, microsecond=0) for t in times]
    return np.array(days, object)


def _computed(frames: list[Delayed], scheduler: dict[str, Any]) -> Iterator[pd.DataFrame]:
    """Compute a few tiles at a time, so that the whole table is never in memory."""
    batch = max(2, 2 * (os.cpu_count() or 1))
    for start in range(0, len(frames), batch):
        for frame in dask.compute(*frames[start : start + batch], **scheduler):
            yield _in_order(frame)
