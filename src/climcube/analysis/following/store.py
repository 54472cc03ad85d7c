"""A heatwave state on disk or object storage: what each generation holds, written and read.

A generation writes what changed and names the rest where earlier ones put it: checkpoints and
window each time; of the annual sums the years that were touched; of the events the rows that
are new, merged with parts that are no larger, so that there are never many parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import dask
import numpy as np
import xarray as xr

from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.analysis.following.parts import (
    NewPart,
    StoredRows,
    joined,
    open_part,
    open_stored,
    write_part,
    write_rows,
)
from climcube.analysis.following.snapshot import Snapshot, open_years, start_years
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.decoding import decode_cf
from climcube.errors import StoreExistsError
from climcube.lift.rows import RowPart
from climcube.progress import dask_progress
from climcube.stores.generations import Generations

__all__ = ["StateStore", "require_free"]

_FORMAT, _VERSION = "climcube heatwave state", 1
_TILE_CELLS = 2**14  # of a stored chunk
_DAYS = {"dayofyear": 61}  # in a stored chunk of the climatology: an update needs a few days
_LARGEST = 2**20  # rows of a part that is not merged any more
_YEAR = "state_year"
_WINDOW, _CHECKPOINT, _SUMS = "state_window", "state_checkpoint", "state_sums"


class StateStore:
    """The generations of a state at one address."""

    def __init__(self, address: str, options: Mapping[str, Any] | None) -> None:
        self.generations = Generations(address, dict(options or {}), _FORMAT, _VERSION)
        self._known: dict[int, tuple[Any, Any]] = {}  # arrays that are in the store, and where

    def read(self, number: int | None) -> tuple[Snapshot, dict[str, Any]]:
        """Return a generation: a snapshot of lazy arrays, and what it says of itself."""
        document = self.generations.read(number)
        tile, coords = document["tile"], document["coords"]
        opened = partial(open_part, self.generations, coords=coords)
        current = opened(document["current"], chunks=tile)
        climatology = opened(document["climatology"], chunks=tile | _DAYS)
        parts = {
            part: opened(part, chunks=tile | {_YEAR: 1})[_SUMS]
            for part in {part for part, _ in document["years"].values()}
        }
        times = self._times(document)
        state = Snapshot(
            HeatwaveDefinition(**_definition(document["definition"])),
            document["revisable"],
            climatology,
            times,
            TimeAxis.of(times),
            current[_WINDOW].rename(document["name"]),
            current[_CHECKPOINT].rename(None),
            None if document["packing"] is None else tuple(document["packing"]),
            document["limits"],
            settled=document["settled"],
            sums={
                int(year): parts[part][{_YEAR: place}].rename(None)
                for year, (part, place) in document["years"].items()
            },
            events=tuple(self._rows(facts) for facts in document["events"]),
            open_years=tuple(document["open_years"]),
        )
        self.remember(state, document)
        return state, document

    def publish(
        self, state: Snapshot, number: int, facts: Mapping[str, Any], keep: int
    ) -> dict[str, Any]:
        """Write a generation: it exists when this returns, and not at all if it fails."""
        with self.generations.writing(number) as folder:
            document = self._written(state, folder) | dict(facts)
            self.generations.publish(number, document)
        self.remember(state, document)
        self._prune(number, keep)
        return document

    def remember(self, state: Snapshot, document: Mapping[str, Any]) -> None:
        """Keep in mind where the arrays of a snapshot lie: the next one may share them."""
        self._known = {id(state.climatology): (state.climatology, document["climatology"])}
        for year, place in document["years"].items():
            array = state.sums[int(year)]
            self._known[id(array)] = array, place

    def _written(self, state: Snapshot, folder: str) -> dict[str, Any]:
        """Write what is not there yet; return what the generation is made of."""
        document = _facts(state)
        tile = document["tile"]
        write = partial(write_part, self.generations)
        cut = partial(_cut, state)
        new: list[NewPart] = []
        document["climatology"] = self._place(state.climatology)
        if document["climatology"] is None:
            document["climatology"] = part = f"{folder}/climatology"
            new.append(write(part, cut(state.climatology, tile | _DAYS), tile | _DAYS))
        document["current"], document["record"] = f"{folder}/current", f"{folder}/record"
        current = state.window.to_dataset(name=_WINDOW)
        current[_CHECKPOINT] = state.checkpoint.variable
        new.append(write(document["current"], cut(current, tile), tile))
        time = state.times.to_dataset(name="record").drop_vars("record")
        new.append(write(document["record"], time, {}))
        document["years"], touched = self._placed_years(state, f"{folder}/years")
        if touched:
            years = cut(_stacked([state.sums[y] for y in touched]), tile | {_YEAR: 1})
            new.append(write(f"{folder}/years", years, tile | {_YEAR: 1}))
        return document | self._computed(state, folder, new)

    def _computed(self, state: Snapshot, folder: str, new: list[NewPart]) -> dict[str, Any]:
        """Compute and write everything in one go: each tile is read and worked on once."""
        stored = [e for e in state.events if self._is_here(e)]
        others = [e for e in state.events if not self._is_here(e)]
        fresh: list[Any] = [e.load() if isinstance(e, StoredRows) else e for e in others]
        # Of a new record the rows are many: each tile's are written where they are found.
        spread = state.lazy and not stored
        if spread:
            put = dask.delayed(partial(write_rows, self.generations))
            fresh = [put(f"{folder}/events-{k:04d}", rows) for k, rows in enumerate(fresh)]
        blocks = [] if state.open_years is not None else _start_years_of_blocks(state)
        with dask_progress("writing the state"):
            _, found, begun = dask.compute([part.pending for part in new], fresh, blocks)
        for part in new:
            part.seal()
        events = [f for f in found if f["count"]] if spread else self._merged(folder, stored, found)
        known = open_years(state) if state.open_years is None and not blocks else state.open_years
        years = sorted({int(y) for block in begun for y in block if y == y}) if blocks else known
        return {"events": events, "open_years": list(years or ())}

    def _merged(
        self, folder: str, stored: list[StoredRows], fresh: list[RowPart]
    ) -> list[dict[str, Any]]:
        """Write new rows, together with the last parts where these are no larger."""
        parts = [part for part in fresh if len(part.cells)]
        count = sum(len(part.cells) for part in parts)
        kept = list(stored)
        while count and kept and kept[-1].count <= 2 * count and count < _LARGEST:
            count += kept[-1].count
            parts.insert(0, kept.pop().load())
        facts = [part.facts() for part in kept]
        if parts:
            facts.append(write_rows(self.generations, f"{folder}/events", joined(parts)))
        return facts

    def _placed_years(self, state: Snapshot, part: str) -> tuple[dict[str, Any], list[int]]:
        """Return where each year's sums lie, and which are still to be written."""
        placed: dict[str, Any] = {}
        new: list[int] = []
        for year in sorted(state.sums):
            place = self._place(state.sums[year])
            if place is None:
                place = [part, len(new)]
                new.append(year)
            placed[str(year)] = place
        return placed, new

    def _place(self, array: Any) -> Any:
        held, place = self._known.get(id(array), (None, None))
        return place if held is array else None

    def _is_here(self, rows: Any) -> bool:
        """Whether rows lie in this store already."""
        return isinstance(rows, StoredRows) and rows.address == self.generations.part(rows.part)

    def _rows(self, facts: Mapping[str, Any]) -> StoredRows:
        address = self.generations.part(facts["part"])
        return StoredRows(address, self.generations.options, **facts)

    def _times(self, document: Mapping[str, Any]) -> xr.DataArray:
        raw = open_stored(self.generations.part(document["record"]), self.generations.options)
        cftime = document["times"] == "object" or None
        record = decode_cf(raw, self.generations.where, use_cftime=cftime)
        time: str = document["time"]
        own = xr.Variable(time, record[time].values.astype(document["times"]), record[time].attrs)
        return xr.DataArray(own, {time: own}, name=time)

    def _prune(self, number: int, keep: int) -> None:
        """Remove generations beyond ``keep``, and the parts that no other one uses."""
        kept = self.generations.numbers()[-keep:]
        used = []
        for each in kept:
            document = self.generations.read(each)
            used += [document[name] for name in ("climatology", "current", "record")]
            used += [part for part, _ in document["years"].values()]
            used += [facts["part"] for facts in document["events"]]
        self.generations.prune(kept, used, number)


def require_free(address: str, options: Mapping[str, Any] | None, *, overwrite: bool) -> None:
    """Raise unless a new state may be put there."""
    generations = StateStore(address, options).generations
    generations.require_free()
    if generations.numbers() and not overwrite:
        raise StoreExistsError(
            "the target holds another state", where=generations.where,
            remedy="pass overwrite=True to put this one in its place, or another target",
        )  # fmt: skip


def _facts(state: Snapshot) -> dict[str, Any]:
    """Return all of a snapshot that is no array."""
    definition = asdict(state.definition)
    if definition["base_period"] is not None:
        definition["base_period"] = [str(year) for year in definition["base_period"]]
    coords = {*state.window.coords, *state.climatology.coords} - {"dayofyear"}
    return {
        "definition": definition,
        "revisable": state.revisable,
        "packing": None if state.packing is None else list(state.packing),
        "limits": dict(state.limits),
        "settled": state.settled,
        "name": state.window.name,
        "time": state.time,
        "times": str(state.times.dtype),
        "coords": sorted(map(str, coords)),
        "tile": _tile(state),
    }


def _definition(facts: Mapping[str, Any]) -> dict[str, Any]:
    period = facts["base_period"]
    return {**facts, "base_period": None if period is None else tuple(period)}


def _tile(state: Snapshot) -> dict[str, int]:
    """Return the stored chunks along the dimensions of cells: the cube's, or of like size."""
    window = state.window
    whole = {str(d): max(1, n) for d, n in window.sizes.items() if d != state.time}
    sizes = {d: max(window.chunksizes[d]) for d in whole} if state.lazy else dict(whole)
    while math.prod(sizes.values()) > _TILE_CELLS and not state.lazy:
        longest = max(sizes, key=lambda d: sizes[d])
        sizes[longest] = -(-sizes[longest] // 2)
    while small := [d for d in sizes if sizes[d] < whole[d]]:
        shortest = min(small, key=lambda d: sizes[d])
        if 2 * math.prod(sizes.values()) > _TILE_CELLS:
            break
        sizes[shortest] = min(whole[shortest], 2 * sizes[shortest])
    return sizes


def _cut(state: Snapshot, dataset: xr.Dataset, chunks: Mapping[Any, int]) -> xr.Dataset:
    """Return a data set in the chunks of the store, if it is lazy."""
    if not state.lazy:
        return dataset
    return dataset.chunk({d: chunks.get(d, -1) for d in dataset.dims})


def _stacked(sums: list[xr.DataArray]) -> xr.Dataset:
    whole = xr.Variable.concat([s.variable for s in sums], _YEAR)
    return xr.Dataset({_SUMS: whole})


def _start_years_of_blocks(state: Snapshot) -> list[Any]:
    if not state.lazy:
        return []
    blocks = np.asarray(start_years(state.checkpoint).data.to_delayed()).ravel()
    return [dask.delayed(np.unique)(block) for block in blocks]
