"""What an archive must be, beyond what one lazy cube needs, to be written as one packed store."""

from __future__ import annotations

from typing import Any

import numpy as np

from climcube.cubes.archive import Archive
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.headers import Header
from climcube.errors import IngestError
from climcube.provenance import redact

__all__ = ["find_gaps", "require_one_packing", "require_one_value_a_day"]

_PACKING = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")


def require_one_packing(archive: Archive) -> None:
    """Refuse a file whose numbers mean something else than the first one's.

    The integers are copied as they are, so type, scale, offset and fill value must be equal.
    """
    first = archive.headers[0]
    for header in archive.headers[1:]:
        for name in archive.roles.gridded:
            expected, found = _storage(first, name), _storage(header, name)
            if expected == found:
                continue
            key = next(k for k in expected | found if expected.get(k) != found.get(k))
            raise IngestError(
                "the files are packed differently",
                where=f"{redact(header.address)}, variable {name!r}",
                expected=f"{key} {expected.get(key)} as in {redact(first.address)}",
                found=f"{key} {found.get(key)}",
                remedy="repack the file, or leave it out",
            )


def require_one_value_a_day(archive: Archive, axis: TimeAxis) -> None:
    """Refuse a second value of a day in an archive of daily (or longer) steps.

    The times differ, or the archive could not have been scanned: a preliminary file beside the
    final one, say, stamped at another hour.
    """
    steps = np.diff(axis.ordinal)
    if not len(steps) or np.median(steps) < 1 or not (steps == 0).any():
        return
    index = int(np.argmax(steps == 0))
    files = [_file_of(archive, i) for i in (index, index + 1)]
    raise IngestError(
        "two values for one day",
        where=" and ".join(dict.fromkeys(redact(f.address) for f in files)),
        expected="one time a day",
        found=f"two on {axis.label(index)}",
        remedy="leave one of them out",
    )


def find_gaps(axis: TimeAxis) -> tuple[str, ...]:
    """List the missing stretches of a daily axis."""
    steps = np.diff(axis.ordinal)
    if not len(steps) or np.median(steps) != 1:
        return ()
    found = []
    for index in np.flatnonzero(steps > 1):
        missing = int(steps[index]) - 1
        after, before = axis.label(int(index)), axis.label(int(index) + 1)
        days = "1 day" if missing == 1 else f"{missing} days"
        found.append(f"{days} between {after} and {before}")
    return tuple(found)


def _storage(header: Header, name: str) -> dict[str, Any]:
    attrs = header.attrs[name]
    # As text: a fill value of NaN equals itself.
    packing = {k: str(np.asarray(attrs[k]).tolist()) for k in _PACKING if k in attrs}
    return {"type": str(header.dtypes[name])} | packing


def _file_of(archive: Archive, index: int) -> Header:
    ends = np.cumsum([h.steps(archive.roles.time) for h in archive.headers])
    return archive.headers[int(np.searchsorted(ends, index, "right"))]
