"""Labels of a cube that have the name of a result: nothing may be overwritten in silence."""

from __future__ import annotations

from dataclasses import replace

from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.analysis.events.metadata import annual_attributes
from climcube.cubes.subject import Subject
from climcube.errors import CubeError

__all__ = ["apart_from_results"]

_TABLES = {"dayofyear", "seas", "thresh", "count"}
_DAILY = {"anomaly", "severity", "category", "event"}
# Of the event table, besides the metrics, which annual results have, too.
_COLUMNS = {
    "date_start", "date_end", "date_peak", "index_start", "index_end", "index_peak",
    "duration_moderate", "duration_strong", "duration_severe", "duration_extreme",
    "rank", "return_period", "_cell", "_definition",
}  # fmt: skip


def apart_from_results(
    subject: Subject, definition: HeatwaveDefinition, varying: set[str]
) -> Subject:
    """Return the subject without coordinates that have the name of a result.

    They would be lost in some results and stay in others, or end as an error of xarray.

    Parameters
    ----------
    varying
        Parameters that differ between several definitions: coordinates of their results.

    Raises
    ------
    CubeError
        A dimension has such a name: results need it for themselves.
    """
    taken = _TABLES | _DAILY | _COLUMNS | varying | ({"definition"} if varying else set())
    taken |= {name for name, _, _ in annual_attributes(subject.units, definition)}
    if definition.baseline == "shifting":
        taken.add("year")
    cube = subject.cube
    needed = dict.fromkeys([*cube.dims, *cube.xindexes])  # levels of a stacked dimension, too
    for dim in needed:
        if dim in taken and dim != subject.axis.name:
            raise CubeError(
                "heatwaves gives a result the name of a dimension that the cube has already",
                where=f"variable {cube.name!r}",
                expected=f"no dimension {dim!r}",
                found=", ".join(map(str, cube.dims)),
                remedy=f"rename it: cube.rename({dim}='my_{dim}')",
            )
    clashing = [name for name in cube.coords if name in taken and name not in needed]
    if not clashing:
        return subject
    bare = cube.drop_vars(clashing)
    bare.encoding = dict(cube.encoding)  # the packing
    return replace(subject, cube=bare)
