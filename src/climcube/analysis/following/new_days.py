"""New days are looked at before a state takes them: the same sea, none older than may change."""

from __future__ import annotations

from typing import Any

import cftime
import numpy as np
import xarray as xr

from climcube.analysis.events.criteria import without_ice
from climcube.analysis.following.snapshot import KERNELS, PURPOSE, SLOT, Snapshot
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject, examine
from climcube.cubes.units import Units
from climcube.errors import (
    AxisError,
    CalendarError,
    CubeError,
    UnitsError,
    VariableError,
)
from climcube.lift.series import Output, lift_series

__all__ = ["new_days_of", "recent_days"]

_WHERE = "new_days"
_MANY = 8  # days from which on gaps between them are more than chance


def new_days_of(given: Any, state: Snapshot, ice: Any = None) -> xr.DataArray | None:
    """Return new days as the state's window holds values, or say why they do not continue it.

    ``None`` where there is no day among them.

    Raises
    ------
    VariableError, UnitsError, CalendarError, CubeError
        Another variable, units, calendar, type or grid; values off the packed grid.
    AxisError
        Days out of order or twice, before the record, or older than may be revised.
    """
    cube = _one_variable(given, state)
    if isinstance(cube, xr.DataArray) and state.time in cube.coords and state.time not in cube.dims:
        cube = cube.expand_dims(state.time)  # a single day, taken by its number
    if getattr(cube, "sizes", {}).get(state.time) == 0:
        return None
    subject = examine(cube, "HeatwaveState.update")
    _require_same_times(subject, state)
    _require_same_nature(subject, state)
    limits = state.limits
    free = without_ice(subject, ice, limits.get("max_ice", 0.15), limits.get("min_temperature"))
    plain = _on_grid(free.cube, state)
    if plain.dtype != state.window.dtype:
        raise CubeError(
            "new days are of another type than the record", where=_WHERE,
            expected=str(state.window.dtype), found=str(plain.dtype),
            remedy=f"convert them: new_days.astype('{state.window.dtype}')",
        )  # fmt: skip
    _require_same_packing(plain, state)
    return plain


def recent_days(record: Any, state: Snapshot) -> xr.DataArray:
    """Return the days of a longer record that are new to the state, or differ from what it has."""
    whole = _one_variable(record, state)
    subject = examine(whole, "HeatwaveState.recent")
    old, new = state.axis, subject.axis
    first = int(np.searchsorted(new.ordinal, old.ordinal[-1] - state.revisable, side="right"))
    recent: xr.DataArray = whole.isel({new.name: slice(first, None)})
    known = np.flatnonzero(np.isin(new.ordinal[first:], old.ordinal))
    if not len(known):
        return recent
    free = without_ice(subject, None, 0.15, state.limits.get("min_temperature"))
    plain = _on_grid(free.cube.isel({new.name: known + first}), state)
    held = np.searchsorted(old.ordinal[state.first :], new.ordinal[known + first])
    before, now = state.window[{state.time: held}].variable, plain.variable
    cells = [d for d in before.dims if d != state.time]
    # Nothing is equal to a missing value, not even another one.
    same = ((before == now) | (before.isnull() & now.isnull())).all(cells)
    unchanged = known[np.asarray(same.values)]
    kept = np.setdiff1d(np.arange(recent.sizes[new.name]), unchanged)
    changed: xr.DataArray = recent.isel({new.name: kept})
    return changed


def _one_variable(given: Any, state: Snapshot) -> Any:
    name = state.window.name
    if isinstance(given, xr.Dataset) and name in given.data_vars:
        return given[name]
    if isinstance(given, xr.DataArray) and None not in (name, given.name) and name != given.name:
        raise VariableError(
            "new days are of another variable", where=_WHERE,
            expected=repr(name), found=repr(given.name),
            remedy=f"if it is the same quantity, rename it: new_days.rename({name!r})",
        )  # fmt: skip
    return given


def _require_same_times(subject: Subject, state: Snapshot) -> None:
    new, old = subject.axis, state.axis
    if new.name != old.name:
        raise AxisError(
            "new days have another time dimension", where=_WHERE,
            expected=repr(old.name), found=repr(new.name),
            remedy=f"rename it: new_days.rename({new.name}={old.name!r})",
        )  # fmt: skip
    same_kind = (subject.cube[new.name].dtype == object) == (state.times.dtype == object)
    if new.calendar != old.calendar or not same_kind:
        raise CalendarError(
            "new days are in another calendar than the record", where=_WHERE,
            expected=_calendar(old, state.times), found=_calendar(new, subject.cube[new.name]),
        )  # fmt: skip
    if len(new) >= _MANY or (np.diff(new.ordinal) == 0).any():
        new.require_daily("HeatwaveState.update")
    _require_recent(new, state)


def _require_recent(new: TimeAxis, state: Snapshot) -> None:
    old, where = state.axis, f"new_days.{new.name}[0]"
    if new.ordinal[0] < old.ordinal[0]:
        raise AxisError(
            "new days begin before the record", where=where,
            expected=f"a day after {old.label(0)}", found=new.label(0),
            remedy="days cannot be put before a record: make a new state",
        )  # fmt: skip
    newest = old.ordinal[-1] - state.revisable
    if new.ordinal[0] > newest:
        return
    recent = np.flatnonzero(new.ordinal > newest)
    remedy = "make a new state with a larger revisable="
    if len(recent):
        since = new.label(int(recent[0]))
        remedy = f"drop them: new_days.sel({new.name}=slice({since!r}, None)), or {remedy}"
    raise AxisError(
        f"new days are older than the last {state.revisable} days of the record, "
        "which alone may be replaced",
        where=where,
        expected=f"days after {_label(newest, old)}", found=new.label(0),
        remedy=remedy,
    )  # fmt: skip


def _label(ordinal: int, axis: TimeAxis) -> str:
    """Return the ISO date of a day that the record need not have."""
    date = cftime.num2date(int(ordinal), "days since 1970-01-01", calendar=axis.calendar)
    return str(date.strftime("%Y-%m-%d"))


def _calendar(axis: TimeAxis, times: xr.DataArray) -> str:
    return f"{axis.calendar} ({'cftime' if times.dtype == object else 'datetime64'})"


def _require_same_nature(subject: Subject, state: Snapshot) -> None:
    expected = Units.of(state.window).text
    if subject.units.text != expected:
        raise UnitsError(
            "new days have other units than the record", where=_WHERE,
            expected=expected or "none", found=subject.units.text or "none",
            remedy="convert them first",
        )  # fmt: skip


def _on_grid(new: xr.DataArray, state: Snapshot) -> xr.DataArray:
    """Return new days in the window's order and chunks, with no coordinate but time."""
    window, time = state.window, state.time
    if set(new.dims) != set(window.dims):
        raise CubeError(
            "new days have other dimensions than the record", where=_WHERE,
            expected=", ".join(map(str, window.dims)), found=", ".join(map(str, new.dims)),
        )  # fmt: skip
    for dim in window.dims:
        if dim != time and new.sizes[dim] != window.sizes[dim]:
            raise _other_grid(dim, f"{window.sizes[dim]} cells", f"{new.sizes[dim]}")
    for name, coordinate in window.coords.items():
        if time in coordinate.dims or not coordinate.dims or name not in new.coords:
            continue
        other = new[name].transpose(*coordinate.dims) if coordinate.ndim > 1 else new[name]
        if other.dims == coordinate.dims and not other.variable.equals(coordinate.variable):
            raise _other_grid(name, _ends(coordinate), _ends(other))
    bare = new.drop_vars([n for n in new.coords if n != time]).transpose(*window.dims)
    chunks = {d: window.chunksizes[d] for d in window.dims if d != time and state.lazy}
    if chunks:
        bare = bare.chunk({**chunks, time: -1})
    bare.encoding = {}
    return bare


def _other_grid(name: Any, expected: str, found: str) -> CubeError:
    return CubeError(
        "new days lie on another grid than the record", where=f"coordinate {str(name)!r}",
        expected=expected, found=found,
        remedy="bring them onto the record's grid, in its order",
    )  # fmt: skip


def _ends(coordinate: xr.DataArray) -> str:
    values = coordinate.values.ravel()
    return f"{values.size} values from {values[0]} to {values[-1]}"


def _require_same_packing(new: xr.DataArray, state: Snapshot) -> None:
    """Refuse values off the packed grid: the record up to here was decoded as lying on it."""
    if state.packing is None:
        return
    from climcube.kernels.checkpoint import SLOTS  # noqa: PLC0415 - compiled code on demand

    exact = state.checkpoint[{SLOT: [SLOTS.index("exact")]}]
    found = lift_series(
        f"{KERNELS}:off_grid", [(new, state.time), (exact, SLOT)], [Output("off_grid", None)],
        tables=(state.packing,), purpose=PURPOSE,
    )  # fmt: skip
    cells = int(found["off_grid"].sum())
    if cells:
        scale, offset = state.packing[:2]
        raise CubeError(
            "new days are not packed as the record is", where=f"variable {state.window.name!r}",
            expected=f"values of whole number * {scale:g} + {offset:g}",
            found=f"others in {cells} cell{'s' * (cells != 1)}",
            remedy="bring them onto that grid, or make a state of plain values: "
            "cc.heatwave_state(cube.drop_encoding(), ...)",
        )  # fmt: skip
