"""Append days to a versioned store, or put final days in the place of preliminary ones.

A store's last shards in time are rarely full. Appending reads them, adds the new days and writes
them again; the version before keeps its own. What that costs, and when it is worth waiting for
several days, is in docs/decisions/0016.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.decoding import decode_cf
from climcube.cubes.headers import Header, compare
from climcube.errors import CubeError, IngestError, StoreError
from climcube.progress import progress_bar
from climcube.provenance import redact
from climcube.recipes.checks import require_same_packing
from climcube.recipes.facts import preliminary_days, remember
from climcube.recipes.gaps import fill_days
from climcube.recipes.layout import blocks_of
from climcube.recipes.places import Target, keeping
from climcube.recipes.reading import stretches_of
from climcube.recipes.run import LAYOUT, Whole, finish_store, how_of
from climcube.recipes.scan import Scan
from climcube.recipes.writing import Task, write_blocks
from climcube.stores.integrity.manifest import Recorder, write_records

__all__ = ["change_store"]


def change_store(
    scan: Scan, target: Target, identity: str, mode: str, workers: int, progress: bool | None
) -> tuple[str | None, Whole]:
    """Append or replace; return the version, and times and period of the whole store.

    Raises
    ------
    StoreError
        The store has no versions: its readers would see half of a change.
    CubeError, IngestError
        The files do not continue the store; the message names one of them.
    """
    if not target.versioned:
        raise StoreError(
            f"a plain Zarr store cannot be changed by mode={mode!r}", where=target.label,
            found="a store without versions: its readers would see half of the change",
            remedy="ingest to a versioned store: a name that ends in .icechunk",
        )  # fmt: skip
    with target.workplace.work(identity, new=False) as work, keeping(work):
        stored = _Stored.of(work.store, target.label)
        before = int(work.done[LAYOUT]["times"]) if LAYOUT in work.done else len(stored.axis)
        stored = stored.first(before)
        stored.require_same(scan)
        scan, targets = (_appended if mode == "append" else _replaced)(scan, stored)
        total = max(before, int(targets[-1]) + 1)
        if LAYOUT not in work.done:
            recorder = Recorder(work.store)
            if mode == "append":
                _extend(recorder, scan, before, total)
            early = _preliminary(preliminary_days(work.store), scan)
            remember(recorder, identity, early, new=False)
            write_records(work.store, recorder.take())
            work.finish(LAYOUT, {"times": before})
        tasks = list(_tasks(scan, stored, targets, before, total))
        with progress_bar(mode, sum(b.stop - b.start for b, _ in tasks), progress) as advance:
            write_blocks(work, tasks, how_of(scan, workers), advance)
        ends = scan.axis if total > before else stored.axis
        period = stored.axis.label(0), ends.label(len(ends) - 1)
        version = finish_store(work, f"{mode} {scan.found.label}", scan, whole=(total, period))
        return version, (total, period)


@dataclass(frozen=True)
class _Stored:
    """A store as it is before the change."""

    raw: xr.Dataset
    decoded: xr.Dataset
    label: str
    axis: TimeAxis

    @classmethod
    def of(cls, store: Any, label: str) -> _Stored:
        raw = xr.open_dataset(
            store, engine="zarr", decode_cf=False, chunks=None, cache=False,
            backend_kwargs={"consolidated": False},
        )  # fmt: skip
        decoded = decode_cf(raw, label)
        return cls(raw, decoded, label, TimeAxis.of(decoded))

    def first(self, times: int) -> _Stored:
        """Return the store with its first times only: the rest is of an attempt that stopped."""
        if times == len(self.axis):
            return self
        decoded = self.decoded.isel({self.axis.name: slice(times)})
        raw = self.raw.isel({self.axis.name: slice(times)})
        return _Stored(raw, decoded, self.label, TimeAxis.of(decoded))

    def require_same(self, scan: Scan) -> None:
        """Refuse files on another grid, in other units or packed otherwise than the store."""
        roles, header = scan.archive.roles, scan.archive.headers[0]
        calendar = {"calendar": self.axis.calendar}
        theirs = {"calendar": scan.axis.calendar}
        gridded = {str(n) for n in self.raw.variables if roles.time in self.raw[n].dims}
        gridded -= set(roles.columns)
        names = tuple({*roles.gridded, *roles.columns, *roles.static, *gridded})
        there = [n for n in names if n in self.raw.variables]
        first = Header(
            self.label,
            {n: tuple(map(str, self.raw[n].dims)) for n in there},
            {n: self.raw[n].shape for n in there},
            {n: dict(self.raw[n].attrs) | (calendar if n == roles.time else {}) for n in there},
            {n: self.decoded[n].values for n in roles.static if n in there},
            {n: self.raw[n].dtype for n in there},
            tuple(there),
        )
        other = replace(
            header,
            attrs={n: a | (theirs if n == roles.time else {}) for n, a in header.attrs.items()},
            values={n: scan.archive.template[n].values for n in roles.static},
            names=tuple(header.dims),
        )
        compare(first, other, roles, strict=True)
        require_same_packing(first, other, roles)


def _appended(scan: Scan, stored: _Stored) -> tuple[Scan, npt.NDArray[np.int64]]:
    """Find the places of files that continue a store; refuse those that do not."""
    last, first = len(stored.axis) - 1, scan.archive.headers[0]
    daily = _is_daily(stored.axis)
    again = scan.axis.ordinal[0] <= stored.axis.ordinal[-1] if daily else False
    if again or scan.axis.seconds[0] <= stored.axis.seconds[-1]:
        raise IngestError(
            "the store has these times already", where=redact(first.address),
            expected=f"times after {stored.axis.label(last)}, the store's last one",
            found=scan.axis.label(0),
            remedy="append later files only; mode='replace' puts other values for stored times",
        )  # fmt: skip
    gap = int(scan.axis.ordinal[0] - stored.axis.ordinal[-1]) - 1
    if daily and gap > 0 and scan.recipe.checks.missing == "refuse":
        raise IngestError(
            "days are missing between the store and the files", where=redact(first.address),
            expected=f"the day after {stored.axis.label(last)}", found=scan.axis.label(0),
            remedy="fetch them, or allow for them: missing: leave or fill",
        )  # fmt: skip
    targets = scan.targets + len(stored.axis)
    if daily and gap > 0 and scan.recipe.checks.missing == "fill":
        columns, places = fill_days(scan.archive, TimeAxis.of(scan.archive.columns), gap)
        scan = replace(scan, columns=columns, targets=places, axis=TimeAxis.of(columns))
        targets = places + len(stored.axis)
    return replace(scan, targets=targets), targets


def _replaced(scan: Scan, stored: _Stored) -> tuple[Scan, npt.NDArray[np.int64]]:
    """Find the places of files whose times a store has."""
    axis = TimeAxis.of(scan.archive.columns)
    places = np.searchsorted(stored.axis.seconds, axis.seconds)
    known = np.minimum(places, len(stored.axis) - 1)
    strange = np.flatnonzero(stored.axis.seconds[known] != axis.seconds)
    if len(strange):
        raise IngestError(
            "the store does not have these times", where=scan.found.label,
            expected=f"times of the store, {stored.axis.label(0)} to "
            f"{stored.axis.label(len(stored.axis) - 1)}",
            found=axis.label(int(strange[0])), remedy="append new days with mode='append'",
        )  # fmt: skip
    return replace(scan, columns=scan.archive.columns, targets=known, axis=axis), known


def _is_daily(axis: TimeAxis) -> bool:
    steps = np.diff(axis.ordinal)
    return bool(len(steps)) and bool(np.median(steps) == 1)


def _preliminary(known: list[str], scan: Scan) -> list[str]:
    """Return the preliminary dates of the store after the change."""
    place = {int(t): scan.axis.label(i) for i, t in enumerate(np.unique(scan.targets))}
    early = set(scan.preliminary_addresses)
    time, changed, still = scan.archive.roles.time, set(), []
    ends = np.cumsum([h.steps(time) for h in scan.archive.headers])
    for header, end in zip(scan.archive.headers, ends, strict=True):
        dates = [place[int(t)] for t in scan.targets[end - header.steps(time) : end]]
        changed.update(dates)
        still += dates if header.address in early else []
    return sorted({d for d in known if d not in changed} | set(still))


def _extend(store: Any, scan: Scan, before: int, total: int) -> None:
    """Make all arrays along time longer, and write the new times."""
    import zarr

    time = scan.archive.roles.time
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    encoded = _encoded(scan, group)
    for name in (*scan.archive.roles.gridded, *scan.archive.roles.columns):
        array: Any = group[name]
        dims = scan.archive.template[name].dims
        axis = dims.index(time)
        shape = list(array.shape)
        shape[axis] = total
        array.resize(tuple(shape))
        if name in encoded:
            place: list[Any] = [slice(None)] * array.ndim
            place[axis] = slice(before, total)
            array[tuple(place)] = encoded[name]


def _encoded(scan: Scan, group: Any) -> dict[str, npt.NDArray[Any]]:
    """Write the new times in the units of the store, exactly."""
    time, found = scan.archive.roles.time, {}
    for name in scan.archive.roles.columns:
        variable, array = scan.columns[name].variable, group[name]
        # CF: bounds are in the units of their coordinate, and need not say so.
        attrs = array.attrs if "units" in array.attrs else group[time].attrs
        exact = True
        if variable.dtype.kind in "MO":
            variable, exact = _in_units(variable, str(name), attrs)
        values = np.asarray(variable.values)
        kept = values.astype(array.dtype)
        if not exact or not np.array_equal(kept, values, equal_nan=values.dtype.kind == "f"):
            raise CubeError(
                "the new times cannot be written exactly", where=f"variable {name!r}",
                expected=f"{attrs.get('units')} as {array.dtype}",
            )  # fmt: skip
        found[str(name)] = kept
    return found


def _in_units(variable: xr.Variable, name: str, attrs: Any) -> tuple[xr.Variable, bool]:
    """Encode dates; xarray takes other units where these are not exact, which is told."""
    bare = xr.Variable(variable.dims, variable.values, {})
    bare.encoding = {k: attrs[k] for k in ("units", "calendar") if k in attrs} | {"dtype": "int64"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encoded = xr.conventions.encode_cf_variable(bare, name=name)
    same = str(encoded.attrs.get("units")).split()[:1] == str(attrs.get("units")).split()[:1]
    return encoded, same


def _tasks(
    scan: Scan, stored: _Stored, targets: npt.NDArray[np.int64], before: int, total: int
) -> Iterator[Task]:
    """Yield the blocks that change; what a block has of the store is kept."""
    name = scan.archive.roles.gridded[0]
    variable = stored.raw[name]
    cut = variable.encoding.get("shards") or variable.encoding["chunks"]
    steps = int(cut[variable.dims.index(scan.archive.roles.time)])
    first = min(before, int(targets[0])) if total > before else int(targets[0])
    changed = set((targets // steps).tolist()) | set(range(before // steps, -(-total // steps)))
    if total == before:
        changed = set((targets // steps).tolist())
    for block in blocks_of(first, total, steps):
        if block.start // steps in changed:
            kept = max(0, min(before, block.stop) - block.start)
            yield (
                block,
                stretches_of(
                    scan.archive, scan.states, targets, block.start, block.stop,
                    kept=kept, limits=scan.limits,
                ),
            )  # fmt: skip
