"""Seasonal climatology and threshold of marine heatwaves.

Of a fixed base period, of the years before each year (a shifting baseline), or brought along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import require_whole
from climcube.cubes.packing import Packing
from climcube.cubes.subject import Subject, plain_cube
from climcube.errors import CalendarError, CubeError, ParameterError
from climcube.kernels.settings import NO_GRID
from climcube.kernels.windows import sliding_windows
from climcube.lift.common import require_free_names
from climcube.lift.series import Output, lift_series

__all__ = [
    "FixedClimatology",
    "by_year",
    "fixed_climatology",
    "given_climatology",
    "in_calendar_order",
    "shifting_climatology",
    "tables_of_time",
]

_PURPOSE = "heatwaves"


@dataclass(frozen=True)
class FixedClimatology:
    """How the tables of a fixed base period are made from a cube.

    Attributes
    ----------
    outputs
        ``seas``, ``thresh`` and ``count`` by day of year.
    options
        Arguments of `climcube.kernels.heatwave.climatology` after the settings.
    """

    subject: Subject
    definition: HeatwaveDefinition
    outputs: list[Output]
    options: tuple[Any, ...]

    @classmethod
    def of(cls, subject: Subject, definition: HeatwaveDefinition) -> FixedClimatology:
        """Check what can be checked without computing, and build the tables of windows."""
        axis = subject.axis
        base = definition.base(axis)
        require_whole(subject.cube, axis.name, _PURPOSE)
        require_free_names(subject.cube, axis.name, {"dayofyear": axis.dayofyear}, _PURPOSE)
        options = (*_options(subject, definition), *_windows(axis, definition, *base))
        return cls(subject, definition, _outputs(subject, definition), options)

    @property
    def coordinates(self) -> dict[str, xr.DataArray]:
        """The coordinate of days of year."""
        return {"dayofyear": day_coordinate(self.subject.axis)}

    def tables(self) -> xr.Dataset:
        """Return ``seas``, ``thresh`` and ``count`` alone."""
        axis = self.subject.axis
        return lift_series(
            "climcube.kernels.heatwave:climatology",
            [(self.subject.cube, axis.name)],
            self.outputs,
            tables=(*tables_of_time(axis, self.definition), *self.options),
            coordinates=self.coordinates,
            purpose=_PURPOSE,
        )


def fixed_climatology(subject: Subject, definition: HeatwaveDefinition) -> xr.Dataset:
    """Return ``seas``, ``thresh`` and ``count`` by day of year, of the base period."""
    return FixedClimatology.of(subject, definition).tables()


def tables_of_time(axis: TimeAxis, definition: HeatwaveDefinition) -> tuple[Any, ...]:
    """Return what every kernel of heatwaves is told about the record."""
    return axis.dayofyear.astype("uint32"), axis.ordinal, definition.settings()


def shifting_climatology(
    subject: Subject, definition: HeatwaveDefinition
) -> tuple[xr.Dataset, Subject, npt.NDArray[np.int64]]:
    """Return tables of every year, the years that have them, and each day's row of the tables.

    The rows of all years stand behind each other along ``dayofyear``: to the kernels a year is
    just more days of year. See `by_year` for the readable form.
    """
    axis = subject.axis
    span = definition.baseline_years
    years = axis.years[span:]
    starts = np.searchsorted(axis.year, axis.years)
    # A first year that begins after January is no whole year of a baseline.
    if axis.dayofyear[0] > 0:
        years = years[1:]
    if not len(years):
        raise CalendarError(
            "the record is too short for a shifting baseline",
            where=f"baseline_years={span}",
            expected=f"more than {span} whole years",
            found=f"{axis.label(0)} to {axis.label(len(axis) - 1)}",
            remedy="pass a smaller baseline_years",
        )
    windows = []
    for year in years:
        first = starts[year - axis.years[0] - span]
        last = starts[year - axis.years[0]] - 1
        windows.append(_windows(axis, definition, int(first), int(last)))
    rows = np.arange(len(years) * axis.days_of_year)
    tables = lift_series(
        "climcube.kernels.baselines:shifting_climatology",
        [(subject.cube, axis.name)],
        _outputs(subject, definition),
        tables=(*tables_of_time(axis, definition), *_options(subject, definition), tuple(windows)),
        coordinates={"dayofyear": xr.DataArray(rows, dims="dayofyear")},
        purpose=_PURPOSE,
    )
    kept = subject.cube.isel({axis.name: axis.year >= years[0]})
    kept.encoding = dict(subject.cube.encoding)
    reported = replace(subject, cube=kept, axis=TimeAxis.of(kept))
    group = (reported.axis.year - years[0]) * axis.days_of_year + reported.axis.dayofyear
    return tables, reported, group


def by_year(tables: xr.Dataset, axis: TimeAxis) -> xr.Dataset:
    """Return the tables of a shifting baseline by ``year`` and ``dayofyear``."""
    size = axis.days_of_year
    split = tables.drop_vars("dayofyear").coarsen(dayofyear=size)
    readable = split.construct(dayofyear=("year", "dayofyear"))
    attrs = {"long_name": "year that the baseline before it is for", "units": "1"}
    years = xr.DataArray(axis.years, dims="year", attrs=attrs)
    return readable.assign_coords(year=years, dayofyear=day_coordinate(axis))


def given_climatology(climatology: Any, subject: Subject) -> xr.Dataset:
    """Check a climatology that the user brought, and give it the cube's chunks."""
    axis, cube = subject.axis, subject.cube
    missing = [n for n in ("seas", "thresh") if n not in getattr(climatology, "data_vars", {})]
    if missing:
        raise ParameterError(
            "climatology lacks " + " and ".join(missing),
            expected="a Dataset with seas and thresh by dayofyear",
            found=type(climatology).__name__,
            remedy="pass the .climatology of another cc.heatwaves(...) result",
        )
    plain = {n: plain_cube(climatology[n], _PURPOSE)[0] for n in ("seas", "thresh")}
    for table in plain.values():
        _require_same_nature(table, subject)
    ordered = {n: in_calendar_order(t, axis, f"climatology[{n!r}]") for n, t in plain.items()}
    tables = xr.Dataset(ordered).drop_encoding()
    try:
        tables = xr.align(tables, cube.isel({axis.name: 0}, drop=True), join="exact")[0]
    except ValueError as error:
        raise CubeError(
            "climatology and cube lie on different grids", found=str(error).splitlines()[0]
        ) from error
    chunks = {d: cube.chunksizes[d] for d in tables.dims if d in cube.chunksizes}
    return tables.chunk({**chunks, "dayofyear": -1}) if chunks else tables


def in_calendar_order(table: xr.DataArray, axis: TimeAxis, where: str) -> xr.DataArray:
    """Return a table by ``dayofyear`` from the first day to the last; kernels go by position."""
    days = np.arange(1, axis.days_of_year + 1)
    if "dayofyear" not in table.coords or np.array_equal(table["dayofyear"], days):
        return table
    if np.array_equal(np.sort(table["dayofyear"]), days):
        return table.sortby("dayofyear")
    raise CubeError(
        "days of year are not those of the calendar",
        where=where,
        expected=f"dayofyear 1 to {axis.days_of_year}, each once",
        found=f"{table['dayofyear'].values.min()} to {table['dayofyear'].values.max()}",
        remedy="relabel them: .assign_coords(dayofyear=range(1, ...)); 1 March is 61 where "
        "there is a 29 February",
    )


def day_coordinate(axis: TimeAxis) -> xr.DataArray:
    """Return the coordinate of days of year, from 1."""
    attrs = {
        "long_name": "day of year"
        + (" (of a leap year: 1 March is 61)" if axis.days_of_year == 366 else ""),
        "units": "1",
    }
    return xr.DataArray(np.arange(1, axis.days_of_year + 1), dims="dayofyear", attrs=attrs)


def _require_same_nature(table: xr.DataArray, subject: Subject) -> None:
    axis, where = subject.axis, f"climatology[{table.name!r}]"
    days = table.sizes.get("dayofyear")
    if days != axis.days_of_year:
        raise CubeError(
            "climatology and cube have different calendars",
            where=where,
            expected=f"{axis.days_of_year} days of year ({axis.calendar})",
            found=str(days),
        )
    strange = [str(d) for d in table.dims if d not in (*subject.cells, "dayofyear")]
    if strange:
        raise CubeError(
            "climatology has a dimension that the cube lacks",
            where=where,
            expected=", ".join(map(str, ("dayofyear", *subject.cells))),
            found=", ".join(strange),
            remedy=f"select one: climatology.isel({strange[0]}=0)",
        )
    units = table.attrs.get("units")
    if subject.units.text is not None and units is not None and not subject.units.agree(units):
        raise CubeError(
            "climatology and cube have different units",
            where=where,
            expected=subject.units.text,
            found=units,
            remedy="convert one of them first",
        )


def _windows(
    axis: TimeAxis, definition: HeatwaveDefinition, first: int, last: int
) -> tuple[Any, ...]:
    days = np.arange(axis.days_of_year)
    visited = days if axis.leap_day is None else days[days != axis.leap_day]
    windows = sliding_windows(axis.dayofyear, first, last, definition.window // 2, visited)
    return windows.tables()


def _options(subject: Subject, definition: HeatwaveDefinition) -> tuple[Any, ...]:
    axis, packing = subject.axis, Packing.of(subject.cube)
    return (
        axis.days_of_year,
        definition.percentile / 100,
        NO_GRID if packing is None else (abs(packing.scale), packing.offset),
        definition.smooth or 1,
        -1 if axis.leap_day is None else axis.leap_day,
    )


def _outputs(subject: Subject, definition: HeatwaveDefinition) -> list[Output]:
    attrs = subject.units.absolute()
    extreme = "lower" if definition.cold else "upper"
    threshold = f"{extreme} threshold, percentile {definition.percentile:g}"
    return [
        Output("seas", "dayofyear", attrs=attrs | {"long_name": "seasonal climatology"}),
        Output("thresh", "dayofyear", attrs=attrs | {"long_name": threshold}),
        Output("count", "dayofyear", "int32", {"long_name": "pooled valid samples", "units": "1"}),
    ]
