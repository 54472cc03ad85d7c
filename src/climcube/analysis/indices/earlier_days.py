"""Put the days before a cube in front of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.indices.temperatures import in_scale_of
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject, examine
from climcube.errors import CalendarError, CubeError, UnitsError

__all__ = ["join_days"]


def join_days(before: Any, subject: Subject) -> tuple[Subject, int]:
    """Return the earlier days and the cube as one, whole in time, and how many came before.

    Raises
    ------
    UnitsError, CubeError, CalendarError
        The earlier days have other units, another grid or calendar, or do not come before.
    """
    earlier = examine(before, "degree_heating_weeks(before=...)", daily=True)
    own, theirs = subject.units.text, earlier.units.text
    if None not in (own, theirs) and not subject.units.agree(theirs):
        raise UnitsError(
            "the days before have other units", where="before", expected=own, found=theirs
        )
    if theirs is None and own is not None:
        earlier = replace(earlier, cube=in_scale_of(subject.units, earlier.cube, "before"))
    first = earlier.axis
    if first.calendar != subject.axis.calendar or first.ordinal[-1] >= subject.axis.ordinal[0]:
        raise CalendarError(
            "the days before do not come before the cube", where="before",
            expected=f"days up to {subject.axis.label(0)}, {subject.axis.calendar} calendar",
            found=f"{first.label(0)} to {first.label(len(first) - 1)}, {first.calendar} calendar",
        )  # fmt: skip
    time = subject.axis.name
    head = earlier.cube.rename({first.name: time}) if first.name != time else earlier.cube
    if set(head.dims) != set(subject.cube.dims):
        raise CubeError(
            "the days before have other dimensions", where="before",
            expected=", ".join(map(str, subject.cube.dims)), found=", ".join(map(str, head.dims)),
        )  # fmt: skip
    return _joined(head.transpose(*subject.cube.dims), subject, time), len(first)


def _joined(head: xr.DataArray, subject: Subject, time: str) -> Subject:
    cube = subject.cube
    bare = [part.drop_vars([c for c in part.coords if c not in part.dims]) for part in (head, cube)]
    try:
        joined = xr.concat(bare, time, join="exact", combine_attrs="override")
    except ValueError as error:
        raise CubeError(
            "the days before lie on another grid", where="before",
            found=str(error).splitlines()[0],
        ) from error  # fmt: skip
    if joined.chunks:
        joined = joined.chunk({time: -1})
    fixed = {n: c for n, c in cube.coords.items() if n not in cube.dims and time not in c.dims}
    joined = joined.assign_coords(fixed).rename(cube.name)
    joined = joined.astype(np.result_type(cube.dtype), copy=False)
    joined.attrs, joined.encoding = dict(cube.attrs), dict(cube.encoding)
    return Subject(joined, TimeAxis.of(joined), subject.units, subject.quantified)
