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
from climcube.recipes.checks import gap_between, require_same_packing
from climcube.recipes.decisions import FILLED, LEFT_OUT, Decision
from climcube.recipes.facts import preliminary_days, remember
from climcube.recipes.gaps import fill_days
from climcube.recipes.layout import blocks_of
from climcube.recipes.places import Target, keeping
from climcube.recipes.reading import missing_cells, stretches_of
from climcube.recipes.run import LAYOUT, Whole, finish_store, how_of
from climcube.recipes.scan import Scan
from climcube.recipes.writing import RECORDS, Task, require_kept, write_blocks
from climcube.stores.integrity.manifest import Recorder, write_records
from climcube.stores.zarrs import open_zarr

__all__ = ["change_store", "whole_of"]


def change_store(
    scan: Scan, target: Target, identity: str, mode: str, workers: int, progress: bool | None
) -> tuple[str | None, Whole, Scan]:
    """Append or replace; return version, times and period of the store, and what was decided.

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
        stored = _Stored.of(target, work.base)
        before = len(stored.axis)
        stored.require_same(scan)
        scan, targets = (_appended if mode == "append" else _replaced)(scan, stored)
        total = max(before, int(targets[-1]) + 1)
        require_kept(work)
        if LAYOUT not in work.done:
            recorder = Recorder(work.store)
            if mode == "append":
                _extend(recorder, scan, before, total)
            known = preliminary_days(work.store)
            if mode == "replace":
                _require_no_step_back(scan, stored, known)
            early = _preliminary(known, scan)
            remember(recorder, identity, early, new=False)
            records = recorder.take()
            write_records(work.store, records)
            work.finish(LAYOUT, {"times": before, RECORDS: records.facts()})
        tasks = list(_tasks(scan, stored, targets, before, total))
        with progress_bar(mode, sum(b.stop - b.start for b, _ in tasks), progress) as advance:
            write_blocks(work, tasks, how_of(scan, workers, stored.raw), advance)
        ends = scan.axis if total > before else stored.axis
        period = stored.axis.label(0), ends.label(len(ends) - 1)
        version = finish_store(work, f"{mode} {scan.found.label}", scan, whole=(total, period))
        return version, (total, period), scan


@dataclass(frozen=True)
class _Stored:
    """A store as it is before the change.

    What is kept of it is checked when it is read, as readers do: what was damaged must not
    be written again, with a digest that calls it sound.
    """

    raw: xr.Dataset
    decoded: xr.Dataset
    label: str
    axis: TimeAxis

    @classmethod
    def of(cls, target: Target, version: str | None = None) -> _Stored:
        raw = open_zarr(
            target.address, target.options, version=version, versioned=target.versioned,
            verify="always",
        )  # fmt: skip
        decoded = decode_cf(raw, target.label)
        return cls(raw, decoded, target.label, TimeAxis.of(decoded))

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


def whole_of(target: Target) -> Whole:
    """Return times and period of a store as it is."""
    axis = _Stored.of(target).axis
    return len(axis), (axis.label(0), axis.label(len(axis) - 1))


def _appended(scan: Scan, stored: _Stored) -> tuple[Scan, npt.NDArray[np.int64]]:
    """Find the places of files that continue a store; refuse those that do not."""
    last, first = len(stored.axis) - 1, scan.archive.headers[0]
    daily = _is_daily(stored.axis if len(stored.axis) > 1 else scan.axis)
    again = scan.axis.ordinal[0] <= stored.axis.ordinal[-1] if daily else False
    if again or scan.axis.seconds[0] <= stored.axis.seconds[-1]:
        raise IngestError(
            "the store has these times already", where=redact(first.address),
            expected=f"times after {stored.axis.label(last)}, the store's last one",
            found=scan.axis.label(0),
            remedy="append later files only; mode='replace' puts other values for stored times",
        )  # fmt: skip
    _require_steps(scan, stored)
    gap = int(scan.axis.ordinal[0] - stored.axis.ordinal[-1]) - 1
    if daily and gap > 0 and scan.recipe.checks.missing == "refuse":
        raise IngestError(
            "days are missing between the store and the files", where=redact(first.address),
            expected=f"the day after {stored.axis.label(last)}", found=scan.axis.label(0),
            remedy="fetch them, or allow for them: missing: leave or fill",
        )  # fmt: skip
    targets = scan.targets + len(stored.axis)
    if daily and gap > 0:
        filled = FILLED if scan.recipe.checks.missing == "fill" else LEFT_OUT
        between = gap_between(gap, stored.axis.label(last), scan.axis.label(0))
        decision = Decision(between, "no file", filled)
        gaps = (between, *scan.gaps)
        scan = replace(scan, gaps=gaps, decisions=(decision, *scan.decisions))
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


def _require_steps(scan: Scan, stored: _Stored) -> None:
    """Refuse half days after days, or days after months: no day would have one value any more."""
    known = np.diff(stored.axis.seconds)
    if not len(known):
        return
    seconds = np.concatenate([stored.axis.seconds[-1:], scan.axis.seconds])
    days = np.concatenate([stored.axis.ordinal[-1:], scan.axis.ordinal])
    close = np.diff(seconds) < known.min() / 2
    if np.diff(stored.axis.ordinal).min() >= 1:
        close |= np.diff(days) < 1
    if close.any():
        at = int(np.argmax(close))
        raise IngestError(
            "the files have shorter time steps than the store",
            where=redact(scan.archive.headers[0].address),
            expected=f"steps of {known.min() / 86400:g} d",
            found=f"{np.diff(seconds)[at] / 86400:g} d before {scan.axis.label(at)}",
            remedy="average the files to the store's steps, or ingest them to another store",
        )  # fmt: skip


def _is_daily(axis: TimeAxis) -> bool:
    steps = np.diff(axis.ordinal)
    return bool(len(steps)) and bool(np.median(steps) == 1)


def _preliminary(known: list[str], scan: Scan) -> list[str]:
    """Return the preliminary dates of the store after the change."""
    changed, still = set(), []
    for dates, is_early in scan.dates():
        changed.update(dates)
        still += dates if is_early else []
    return sorted({d for d in known if d not in changed} | set(still))


def _require_no_step_back(scan: Scan, stored: _Stored, known: list[str]) -> None:
    """Refuse preliminary values for days whose final ones the store has."""
    variable = stored.raw[scan.archive.roles.gridded[0]].variable
    first = 0
    for header, (dates, is_early) in zip(scan.archive.headers, scan.dates(), strict=True):
        places, first = scan.targets[first : first + len(dates)], first + len(dates)
        for date, place in zip(dates if is_early else (), places, strict=False):
            # A day that was filled as missing may get its preliminary values.
            there = variable.isel({stored.axis.name: int(place)})
            if date not in known and not missing_cells(there.values, there.attrs).all():
                raise IngestError(
                    "a preliminary file would replace final values", where=redact(header.address),
                    expected="a day that is preliminary or missing in the store", found=date,
                    remedy="leave the file out, or fetch the final one",
                )  # fmt: skip


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
