"""What a heatwave state is at one moment, and how it moves on when days arrive.

A snapshot is never changed: moving on gives another one, so that whatever fails on the way
leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.analysis.following.parts import StoredRows, joined
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.lift.rows import RowPart, lift_rows
from climcube.lift.series import Output, lift_series
from climcube.options import get_option

__all__ = [
    "KERNELS",
    "PURPOSE",
    "ROW",
    "SLOT",
    "Snapshot",
    "loaded",
    "merge",
    "open_years",
    "settle",
    "start_years",
]

PURPOSE = "heatwave_state"
KERNELS = "climcube.kernels.stream"
SLOT, ROW = "state_slot", "state_row"  # dimensions of checkpoints and of annual sums

_BLOCK_SAMPLES, _MOST_CELLS = 2**16, 1024  # of a block that a kernel works on

Cubes = list[tuple[xr.DataArray, str]]
Ordinals = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a state holds; NumPy arrays, or Dask arrays where it lives in a store.

    Attributes
    ----------
    definition, revisable
        What is an event; days at the end of the record that may still be replaced.
    climatology
        ``seas`` and ``thresh`` by day of year; fixed.
    times, axis
        The time coordinate of the whole record, and the same taken apart.
    window
        Values as they were given, from the sample numbered ``first`` on.
    checkpoint
        `climcube.kernels.checkpoint.SLOTS` of each cell, with the first ``settled`` samples
        settled as far as they can be.
    sums
        Annual sums by year, of what is settled.
    events
        Rows of the events that are over: `RowPart` or what computes to one.
    open_years
        Years in which events that are under way began; ``None`` before that is computed.
    packing
        Grid of packed values, and how they were rounded; ``None`` for plain ones.
    limits
        Ice limits, applied to new days as well.
    """

    definition: HeatwaveDefinition
    revisable: int
    climatology: xr.Dataset
    times: xr.DataArray
    axis: TimeAxis
    window: xr.DataArray
    checkpoint: xr.DataArray
    packing: tuple[float, ...] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    quantified: Any = False
    settled: int = 0
    sums: Mapping[int, xr.DataArray] = field(default_factory=dict)
    events: tuple[Any, ...] = ()
    open_years: tuple[int, ...] | None = ()

    @property
    def time(self) -> str:
        """Name of the time dimension."""
        return str(self.times.dims[0])

    @property
    def first(self) -> int:
        """Number of the window's first sample in the record."""
        return int(self.times.size - self.window.sizes[self.time])

    @property
    def lazy(self) -> bool:
        """Whether values are computed when they are asked for."""
        return is_lazy(self.window)

    @cached_property
    def first_revisable(self) -> int:
        """Number of the first sample that may be replaced."""
        ordinal = self.axis.ordinal
        return int(np.searchsorted(ordinal, ordinal[-1] - self.revisable, side="right"))

    def cubes(self, stop: int) -> Cubes:
        """Return what kernels take to look at the window up to sample ``stop``."""
        needed = np.unique(self.axis.dayofyear[self.first : stop])
        whole = stop == self.times.size
        window = self.window if whole else self.window[{self.time: slice(0, stop - self.first)}]
        tables = self.climatology[["seas", "thresh"]]
        if len(needed) < tables.sizes["dayofyear"]:  # the others need not be read
            tables = tables.isel(dayofyear=needed)
        if is_lazy(tables):
            tables = tables.chunk({"dayofyear": -1})
        return [
            (window, self.time),
            (self.checkpoint, SLOT),
            (tables["seas"], "dayofyear"),
            (tables["thresh"], "dayofyear"),
        ]

    def tables(self, stop: int, years: npt.NDArray[np.int64]) -> tuple[Any, ...]:
        """Return the tables that kernels take with `cubes`."""
        from climcube.kernels.checkpoint import Clock  # noqa: PLC0415 - compiled code on demand
        from climcube.kernels.runs import long_holes  # noqa: PLC0415 - as above

        axis, part, definition = self.axis, slice(self.first, stop), self.definition
        needed, group = np.unique(axis.dayofyear[part], return_inverse=True)
        if len(needed) == axis.days_of_year:
            group = axis.dayofyear[part]
        row = np.searchsorted(years, axis.year[part])
        # Of the whole record: there may be one right before the window.
        holes = long_holes(axis.ordinal, definition.max_gap, definition.max_pad)
        holes = holes[holes >= self.first] - self.first
        clock = Clock(axis.ordinal[part], group, row, years, self.first, stop - self.first, holes)
        return clock, definition.settings(), self.packing

    def lift(
        self,
        kernel: str,
        stop: int,
        outputs: Sequence[Output],
        coordinates: Mapping[str, xr.DataArray],
        *,
        years: npt.NDArray[np.int64],
        sums: bool = False,
        options: tuple[Any, ...] = (),
    ) -> xr.Dataset:
        """Apply a kernel to every cell, from its checkpoint up to sample ``stop``."""
        cubes = self.cubes(stop)
        return lift_series(
            f"{KERNELS}:{kernel}",
            [*cubes, (self.sums_of(years.tolist()), ROW)] if sums else cubes,
            outputs,
            tables=(*self.tables(stop, years), *options),
            coordinates=coordinates,
            purpose=PURPOSE,
            block_cells=self._block_cells(stop),
        )

    def rows(self, kernel: str, stop: int, *options: Any) -> list[Any]:
        """Return the rows that a kernel finds, lazily, one part for each tile."""
        tables = (*self.tables(stop, self.axis.years), *options)
        return list(
            lift_rows(
                f"{KERNELS}:{kernel}", self.cubes(stop), tables=tables, purpose=PURPOSE,
                block_cells=self._block_cells(stop),
            )
        )  # fmt: skip

    def computed(self, parts: Sequence[Any]) -> tuple[RowPart, ...]:
        """Return parts of `rows` in memory."""
        scheduler = {} if self.lazy else {"scheduler": "synchronous"}
        found: tuple[RowPart, ...] = dask.compute(*parts, **scheduler)
        return found

    def _block_cells(self, stop: int) -> int:
        """Return how many cells kernels take at once: the more, the fewer samples each has."""
        cells = min(_MOST_CELLS, _BLOCK_SAMPLES // max(1, stop - self.first))
        return max(cells, int(get_option("block_cells")))

    def sums_of(self, years: Sequence[int]) -> xr.DataArray:
        """Return the annual sums of these years, one behind the other along `ROW`."""
        from climcube.kernels.checkpoint import empty_sums  # noqa: PLC0415 - as above

        empty = xr.DataArray(empty_sums(), dims=ROW)
        known = [self.sums[year] for year in years if year in self.sums]
        if not known:
            return xr.DataArray(np.tile(empty.values, len(years)), dims=ROW)
        like = known[0]
        parts = [self.sums[y] if y in self.sums else _spread(empty, like) for y in years]
        if len(parts) == 1:
            return parts[0]
        joined = xr.Variable.concat([part.variable for part in parts], ROW)
        joined = joined.chunk({ROW: -1}) if self.lazy else joined
        return xr.DataArray(joined, {n: c for n, c in like.coords.items() if ROW not in c.dims})


def settle(state: Snapshot) -> Snapshot:
    """Settle all samples but the revisable ones and the one before; let the others go."""
    stop = max(0, state.first_revisable - 1)
    if stop <= state.settled:
        return state
    axis = state.axis
    years = np.union1d(axis.year[state.first : stop], np.array(state.open_years or (), "int64"))
    outputs = [Output("checkpoint", SLOT), Output("sums", ROW)]
    result = state.lift("advance", stop, outputs, _introduced(len(years)), years=years, sums=True)
    columns = result.sizes[ROW] // len(years)
    rows = (slice(k * columns, (k + 1) * columns) for k in range(len(years)))
    bare = result.drop_vars([SLOT, ROW])
    sums = {int(y): bare["sums"][{ROW: r}] for y, r in zip(years, rows, strict=True)}
    kept = max(state.first, stop - _lag(state.definition))
    advanced = replace(
        state,
        checkpoint=bare["checkpoint"],
        sums={**state.sums, **sums},
        events=_with(state.events, _closed(state, bare["checkpoint"], stop)),
        window=_trimmed(state, kept),
        settled=stop,
        open_years=None,
    )
    return advanced if advanced.lazy else replace(advanced, open_years=open_years(advanced))


def merge(state: Snapshot, new: xr.DataArray) -> tuple[Snapshot, Ordinals]:
    """Return the snapshot with days replaced and added, and the numbers of these samples.

    ``new`` has the window's dimensions in its order; nothing is settled yet.
    """
    time, old, added = state.time, state.axis, TimeAxis.of(new)
    kept = ~np.isin(old.ordinal, added.ordinal)
    order = np.argsort(np.concatenate([old.ordinal[kept], added.ordinal]), kind="stable")
    fields = {
        name: np.concatenate([getattr(old, name)[kept], getattr(added, name)])[order]
        for name in ("year", "month", "day", "seconds")
    }
    axis = TimeAxis(old.name, old.calendar, **fields)
    values = new[time].values
    if np.issubdtype(values.dtype, np.datetime64):
        values = values.astype(state.times.dtype)
    times = np.concatenate([state.times.values[kept], values])[order]
    coordinate = xr.Variable(time, times, state.times.attrs)
    whole = xr.DataArray(coordinate, {time: coordinate}, name=time)
    window = _joined(state, new, kept[state.first :], order)
    numbers = np.searchsorted(axis.ordinal, added.ordinal)
    return replace(state, times=whole, axis=axis, window=window), numbers


def _joined(
    state: Snapshot, new: xr.DataArray, kept: npt.NDArray[np.bool_], order: Ordinals
) -> xr.DataArray:
    window, time = state.window, state.time
    whole = window if kept.all() else window[{time: kept}]
    data = new.variable if state.lazy else new.variable.load()
    joined = xr.Variable.concat([whole.variable, data], time)
    within = order[state.first :] - state.first
    if (np.diff(within) != 1).any():
        joined = joined[{time: within}]
    if state.lazy:
        joined = joined.chunk({time: -1})
    joined.attrs, joined.encoding = dict(window.attrs), {}
    return xr.DataArray(joined, window.coords, name=window.name)


def _closed(state: Snapshot, checkpoint: xr.DataArray, stop: int) -> list[Any]:
    """Return the rows of the events that closed: computed, or lazy as the snapshot is."""
    if state.lazy:
        return state.rows("closed", stop)
    from climcube.kernels.checkpoint import SLOTS  # noqa: PLC0415 - compiled code on demand

    number = SLOTS.index("closed")
    before = state.checkpoint[{SLOT: number}].variable
    concerned = np.flatnonzero((checkpoint[{SLOT: number}].variable > before).values)
    if not len(concerned):
        return []
    if 4 * len(concerned) > checkpoint.size / len(SLOTS):  # most cells: no copies of these
        return list(state.computed(state.rows("closed", stop)))
    sizes = {d: n for d, n in state.window.sizes.items() if d != state.time}
    chosen = [(_cells(c, dim, sizes, concerned), dim) for c, dim in state.cubes(stop)]
    tables = state.tables(stop, state.axis.years)
    parts = lift_rows(f"{KERNELS}:closed", chosen, tables=tables, purpose=PURPOSE)
    return [RowPart(concerned[p.cells], p.rows) for p in state.computed(parts)]


def _cells(
    cube: xr.DataArray, dim: str, sizes: Mapping[Any, int], chosen: Ordinals
) -> xr.DataArray:
    """Return some cells of a cube in memory, by their number among all of ``sizes``."""
    whole = cube.variable.set_dims({**sizes, dim: cube.sizes[dim]}).transpose(*sizes, dim)
    if not sizes:
        return xr.DataArray(whole)
    place = np.unravel_index(chosen, tuple(sizes.values()))
    return xr.DataArray(whole.values[place], dims=("state_cell", dim))


def _with(events: tuple[Any, ...], fresh: list[Any]) -> tuple[Any, ...]:
    """Return all rows; new ones are joined with the last parts where these are no larger."""
    known = list(events)
    if not all(isinstance(part, RowPart) for part in (*known[-1:], *fresh)):
        return (*known, *fresh)
    while fresh and known and len(known[-1].cells) <= 2 * sum(len(p.cells) for p in fresh):
        fresh.insert(0, known.pop())
    return (*known, joined(fresh)) if fresh else events


def _trimmed(state: Snapshot, first: int) -> xr.DataArray:
    """Return the window from a sample on, without holding on to a long record."""
    kept = state.window[{state.time: slice(first - state.first, None)}]
    long = 2 * kept.sizes[state.time] < state.window.sizes[state.time]
    return kept.copy(deep=True) if long and not state.lazy else kept


def loaded(state: Snapshot) -> Snapshot:
    """Return the snapshot in memory, computed in one go."""
    events = [e.load() if isinstance(e, StoredRows) else e for e in state.events]
    arrays = (state.window, state.checkpoint, state.climatology, dict(state.sums), events)
    window, checkpoint, climatology, sums, rows = dask.compute(*arrays)
    rows = [part for part in rows if len(part.cells)]
    whole = replace(
        state, window=window, checkpoint=checkpoint, climatology=climatology, sums=sums,
        events=(joined(rows),) if rows else (),
    )  # fmt: skip
    return replace(whole, open_years=open_years(whole))


def open_years(state: Snapshot) -> tuple[int, ...]:
    """Return the years in which events that are under way began."""
    years = np.unique(start_years(state.checkpoint).values)
    return tuple(int(year) for year in years[~np.isnan(years)])


def start_years(checkpoint: xr.DataArray) -> xr.DataArray:
    """Return the year in which the event of each cell began, NaN where none is under way."""
    from climcube.kernels.checkpoint import SLOTS  # noqa: PLC0415 - compiled code on demand

    return checkpoint[{SLOT: SLOTS.index("start_year")}]


def _introduced(years: int) -> dict[str, xr.DataArray]:
    from climcube.kernels.annual import ANNUAL  # noqa: PLC0415 - compiled code on demand
    from climcube.kernels.checkpoint import SLOTS  # noqa: PLC0415

    sizes = {SLOT: len(SLOTS), ROW: years * len(ANNUAL)}
    return {dim: xr.DataArray(np.arange(size), dims=dim) for dim, size in sizes.items()}


def _spread(part: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Return the sums of a year without samples, for every cell."""
    shape = {dim: part.size if dim == ROW else size for dim, size in like.sizes.items()}
    spread = part.variable.set_dims(shape)
    if is_lazy(like):
        spread = spread.chunk({d: c for d, c in like.chunksizes.items() if d != ROW})
    return xr.DataArray(spread)


def _lag(definition: HeatwaveDefinition) -> int:
    """Return how many settled samples kernels may still ask for."""
    return definition.min_duration + definition.max_gap + definition.max_pad
