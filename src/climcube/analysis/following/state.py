"""Heatwaves day by day: a state that new days update at the cost of the new days alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.events.baselines import fixed_climatology, given_climatology
from climcube.analysis.events.criteria import without_ice
from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.analysis.events.names import apart_from_results
from climcube.analysis.following.follower import HeatwaveState
from climcube.analysis.following.snapshot import PURPOSE, SLOT, Snapshot, settle
from climcube.analysis.following.store import require_free
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.chunks import is_lazy, require_whole
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, examine
from climcube.errors import ParameterError
from climcube.stores.addresses import address_of, lasting

__all__ = ["HeatwaveState", "heatwave_state", "open_heatwave_state"]


def heatwave_state(
    cube: xr.DataArray,
    *,
    climatology: xr.Dataset | None = None,
    base_period: BasePeriod | None = None,
    percentile: float = 90.0,
    window: int = 11,
    smooth: int | None = 31,
    min_duration: int = 5,
    max_gap: int = 2,
    max_pad: int = 0,
    cold: bool = False,
    compat: str | None = None,
    ice: xr.DataArray | None = None,
    max_ice: float = 0.15,
    min_temperature: float | None = None,
    revisable: int = 30,
    target: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> HeatwaveState:
    """Find the heatwaves of a record and keep what is needed to go on from its last day.

    `HeatwaveState.update` then takes new days, at the cost of these days alone, and gives what
    `climcube.heatwaves` of the whole record with this fixed climatology gives, to the last bit:
    ``cc.heatwaves(record, climatology=state.climatology)``. For each cell a state holds about
    thirty numbers, however long the record or an event that is under way, the values of the last
    ``revisable`` days and some more, the climatology, the annual sums, and the rows of the
    events that are over.

    Parameters
    ----------
    cube
        Daily values with a time axis and any other dimensions, in any order; NumPy or Dask
        (then time in one chunk, one task a tile), plain or pint-quantified, in any calendar.
    climatology
        Use this ``seas`` and ``thresh``, the ``climatology`` of another result. By default they
        are those of ``base_period`` in this record, and stay as they are from then on.
    base_period, percentile, window, smooth, min_duration, max_gap, max_pad, cold, compat
        The definition; see `climcube.heatwaves`.
    ice, max_ice, min_temperature
        What is missing under ice; see `climcube.heatwaves`. New days are treated the same; with
        ``ice`` each update needs its own.
    revisable
        Days at the end of the record whose values an update may replace, as final data replace
        preliminary ones.
    target
        Keep the state in this store (a folder or ``s3://...``) rather than in memory: it is
        written tile by tile, and each update becomes a generation of the store.
    overwrite
        Replace another state at the target.
    storage_options
        For the file system of ``target``, as fsspec takes them.

    Returns
    -------
    HeatwaveState
        ``update``, ``annual``, ``daily``, ``category``, ``events``, ``save``.

    Raises
    ------
    AxisError, CalendarError, ChunkError, CubeError, ParameterError
        As `climcube.heatwaves`.
    StoreExistsError
        Something is at the target, and ``overwrite`` is not set.

    See Also
    --------
    open_heatwave_state : Go on with a state that was saved.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> state = cc.heatwave_state(sst[:1200])
    >>> changes = state.update(sst[1200:])
    >>> record = cc.heatwaves(sst, climatology=state.climatology)
    >>> state.annual["days"].equals(record.annual["days"])
    True
    """
    definition = HeatwaveDefinition(
        base_period=base_period, percentile=percentile, window=window, smooth=smooth,
        min_duration=min_duration, max_gap=max_gap, max_pad=max_pad, cold=cold, compat=compat,
    )  # fmt: skip
    if isinstance(revisable, bool) or not isinstance(revisable, int) or revisable < 0:
        raise ParameterError(
            "revisable out of range", where=f"revisable={revisable!r}",
            expected="a whole number of days, at least 0",
        )  # fmt: skip
    if target is not None:  # before there is anything to lose
        require_free(lasting(address_of(target)), storage_options, overwrite=overwrite)
    limits = {"max_ice": max_ice, "min_temperature": min_temperature, "ice": ice is not None}
    subject = apart_from_results(examine(cube, PURPOSE, daily=True), definition, set())
    subject = without_ice(subject, ice, max_ice, min_temperature)
    require_whole(subject.cube, subject.axis.name, PURPOSE)
    tables = (
        fixed_climatology(subject, definition)
        if climatology is None
        else given_climatology(climatology, subject)
    )
    if not is_lazy(subject.cube):
        tables = tables.compute()  # of a stored state, say
    begun = settle(_begun(subject, definition, tables, revisable, limits))
    state = HeatwaveState(begun, given_climatology=climatology is not None)
    if target is None:
        return state.load()
    state.save(target, overwrite=overwrite, storage_options=storage_options)
    return open_heatwave_state(target, storage_options=storage_options)


def open_heatwave_state(
    target: str | os.PathLike[str],
    *,
    generation: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> HeatwaveState:
    """Go on with a state that was saved.

    Values are read when they are needed, tile by tile. Updates are written to the store, each
    as a new generation; the last few are kept.

    Parameters
    ----------
    target
        Where `HeatwaveState.save` put it.
    generation
        Go back to this one; the next update then follows it, under a new number. Default the
        newest.
    storage_options
        For the file system, as fsspec takes them.

    Returns
    -------
    HeatwaveState
        It lives in the store; its ``load`` brings it into memory.

    Raises
    ------
    StoreNotFoundError
        No state is there, or no such generation.
    StoreError
        The state cannot be read, or was written in a format that this version does not know.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> path = cc.heatwave_state(sst[:1200]).save(tempfile.mkdtemp() + "/state")
    >>> state = cc.open_heatwave_state(path)
    >>> _ = state.update(sst[1200:1202])
    >>> state.generation, state.last_day
    (2, '2003-04-16')
    """
    address = lasting(address_of(target))
    return HeatwaveState.stored(address, storage_options, generation)


def _begun(
    subject: Subject,
    definition: HeatwaveDefinition,
    climatology: xr.Dataset,
    revisable: int,
    limits: dict[str, Any],
) -> Snapshot:
    """Return the snapshot of a record before any of it is settled."""
    from climcube.kernels.checkpoint import empty_checkpoint  # noqa: PLC0415 - on demand

    cube, time = subject.cube, subject.axis.name
    packing = None
    claimed = Packing.of(cube)
    if claimed is not None and cube.dtype in (np.float32, np.float64):
        packing = (*claimed.grid(), float(np.finfo(cube.dtype).eps))
    window = cube.drop_vars([n for n, c in cube.coords.items() if time in c.dims])
    window.encoding = {}
    times = xr.Variable(time, cube[time].values, cube[time].attrs)
    return Snapshot(
        definition,
        revisable,
        climatology,
        xr.DataArray(times, {time: times}, name=time),
        subject.axis,
        window,
        xr.DataArray(empty_checkpoint(), dims=SLOT),
        packing,
        limits,
        subject.quantified,
    )
