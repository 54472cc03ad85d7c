"""Days that no file has, filled as missing so that the time axis is whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.archive import Archive
from climcube.cubes.calendar import TimeAxis
from climcube.errors import IngestError
from climcube.provenance import redact

__all__ = ["fill_days"]


def fill_days(
    archive: Archive, axis: TimeAxis, before: int = 0
) -> tuple[xr.Dataset, npt.NDArray[np.int64]]:
    """Put the missing days of a daily archive into its columns, and some before its first one.

    Returns
    -------
    columns, targets
        The columns with all days, and the place of each time of the files among them.

    Raises
    ------
    IngestError
        A variable along time other than the times and their bounds: its values are not known.
    """
    time = archive.roles.time
    bounds = archive.columns[time].attrs.get("bounds")
    strange = [n for n in archive.roles.columns if n not in (time, bounds)]
    if strange:
        raise IngestError(
            "missing days cannot be filled", where=redact(archive.headers[0].address),
            expected="no variable along time but the times",
            found=", ".join(repr(n) for n in strange), remedy="leave them out: missing: leave",
        )  # fmt: skip
    targets = np.asarray(axis.ordinal - axis.ordinal[0] + before)
    # Each day that is missing follows the last one that is there, by as many whole days.
    sources = np.maximum(0, np.searchsorted(targets, np.arange(targets[-1] + 1), "right") - 1)
    columns = archive.columns.isel({time: sources})
    shift = np.arange(targets[-1] + 1) - targets[sources]
    for name in (time, bounds):
        if name in columns.variables:
            columns = _shifted(columns, str(name), shift, time)
    return columns, targets


def _shifted(columns: xr.Dataset, name: str, shift: npt.NDArray[np.int64], time: str) -> xr.Dataset:
    variable = columns[name].variable
    days: Any = np.asarray(shift).astype("timedelta64[D]")
    if variable.dtype.kind == "O":  # dates of other calendars
        import datetime as dt

        days = np.array([dt.timedelta(days=int(d)) for d in shift], dtype=object)
    moved = variable.values + days.reshape([-1 if d == time else 1 for d in variable.dims])
    attrs, encoding = variable.attrs, variable.encoding
    new = xr.Variable(variable.dims, moved, attrs, encoding)
    return columns.drop_vars(name).assign_coords({name: new})
