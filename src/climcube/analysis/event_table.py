"""The events of all cells as a table: in memory, or streamed tile by tile to a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr
from dask.delayed import Delayed

from climcube.analysis.cell_labels import CellLabels
from climcube.analysis.heatwave_metadata import CATEGORIES
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.errors import ParameterError, StoreError, StoreExistsError, require_module
from climcube.lift.rows import RowPart, lift_rows
from climcube.provenance import redact

__all__ = ["EventSource", "event_table", "require_table_target", "write_table"]

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
        return _stream(_computed(ordered, scheduler), target)
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


def require_table_target(target: str | Path, *, overwrite: bool) -> Path:
    """Return the path of a table to be written, or say why it cannot be."""
    if "://" in str(target):
        raise ParameterError(
            "a table is written to a local file", where=redact(str(target)),
            remedy="write it locally and copy it, or take events() and its to_parquet",
        )  # fmt: skip
    path = Path(target).expanduser()
    if path.suffix not in (".csv", ".parquet"):
        raise ParameterError(
            "unknown table format", where=str(path), expected="a name ending in .csv or .parquet"
        )
    if path.exists() and not overwrite:
        raise StoreExistsError(
            "the target exists already",
            where=str(path),
            remedy="pass overwrite=True or another path",
        )
    if path.suffix == ".parquet":
        require_module("pyarrow", "parquet")
    return path


def _days(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the day of each time: an event has dates, whatever hour its samples are stamped."""
    if times.dtype.kind == "M":
        return times.astype("datetime64[D]").astype(times.dtype)
    days = [t.replace(hour=0, minute=0, second=0, microsecond=0) for t in times]
    return np.array(days, object)


def _stream(frames: Iterator[pd.DataFrame], path: Path) -> Path:
    """Write the frames one by one; the target appears only when it is complete."""
    staging = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write = _write_csv if path.suffix == ".csv" else _write_parquet
        write(frames, staging)
        if path.is_dir():
            shutil.rmtree(path)
        staging.replace(path)
    except OSError as error:
        raise StoreError("the table cannot be written", where=str(path), found=error) from error
    finally:
        if staging.is_dir():
            shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            staging.unlink()
    return path


def write_table(frame: pd.DataFrame, path: str | Path, *, overwrite: bool) -> Path:
    """Write a table that is in memory, complete or not at all."""
    target = require_table_target(path, overwrite=overwrite)
    return _stream(iter([frame]), target)


def _computed(frames: list[Delayed], scheduler: dict[str, Any]) -> Iterator[pd.DataFrame]:
    """Compute a few tiles at a time, so that the whole table is never in memory."""
    batch = max(2, 2 * (os.cpu_count() or 1))
    for start in range(0, len(frames), batch):
        for frame in dask.compute(*frames[start : start + batch], **scheduler):
            yield _in_order(frame)


def _write_csv(frames: Iterator[pd.DataFrame], target: Path) -> None:
    for number, frame in enumerate(frames):
        frame.to_csv(target, mode="a", header=number == 0, index=False)


def _write_parquet(frames: Iterator[pd.DataFrame], target: Path) -> None:
    target.mkdir()
    for number, frame in enumerate(frames):
        frame.to_parquet(target / f"part-{number:06d}.parquet", index=False)
