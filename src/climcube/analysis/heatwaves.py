"""Marine heatwaves and cold spells as Hobday et al. (2016, 2018) define them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube.analysis.heatwave_definition import HeatwaveDefinition
from climcube.analysis.heatwave_metadata import annual_attributes, daily_attributes
from climcube.cubes.calendar import BasePeriod, TimeAxis, year_start_coordinate
from climcube.cubes.subject import Subject, examine, finish, plain_cube
from climcube.errors import CubeError, ParameterError
from climcube.kernels.windows import sliding_windows
from climcube.lift.series import Output, lift_series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Heatwaves", "heatwaves"]

_KERNELS = "climcube.kernels.heatwave"
_PURPOSE = "heatwaves"


def heatwaves(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod | None = None,
    percentile: float = 90.0,
    window: int = 11,
    smooth: int | None = 31,
    min_duration: int = 5,
    max_gap: int = 2,
    max_pad: int = 0,
    cold: bool = False,
    climatology: xr.Dataset | None = None,
    compat: str | None = None,
) -> Heatwaves:
    """Find marine heatwaves (or cold spells) in every cell of a daily cube.

    A marine heatwave is a period of at least ``min_duration`` days strictly above the
    ``percentile`` of the day of year (Hobday et al. 2016). That threshold, and the seasonal
    climatology (the mean), pool the values of ``window`` days around each day of year over the
    base period and are smoothed by a circular running mean over ``smooth`` days; 29 February is
    the mean of its neighbours. Runs shorter than ``min_duration`` are dropped first, then runs
    at most ``max_gap`` days apart are joined. The category (Hobday et al. 2018) counts
    multiples of the distance from climatology to threshold: Moderate, Strong, Severe, Extreme.

    Parameters
    ----------
    cube
        Daily values with a time axis and any other dimensions, in any order; NumPy or Dask
        (then time in one chunk), plain or pint-quantified, in any calendar.
    base_period
        First and last year of the climatology, both included; default the whole record.
    percentile
        Percentile of the threshold, between 50 and 100. For cold spells it applies to the
        negated series: 90 means the coldest tenth.
    window
        Full width, odd, in days, of the window pooled around each day of year.
    smooth
        Width, odd, in days, of the running mean over days of year; ``None`` for none.
    min_duration, max_gap
        Shortest event, and longest gap between two runs that are joined, in days; ``max_gap=0``
        joins nothing.
    max_pad
        Longest gap of missing days to interpolate linearly; by default none is.
    cold
        Find cold spells; their intensities are negative.
    climatology
        Use this ``seas`` and ``thresh`` (the ``climatology`` of another result: another
        period, another data set) in place of the cube's own.
    compat
        ``"reference"`` rounds as the Python reference implementation does, whose last bit
        decides days that lie exactly on the threshold (4 of 34,313 events of a real data set
        end a day or two later). By default such a day is no exceedance, as the definition says.

    Returns
    -------
    Heatwaves
        Lazy results: ``climatology``, ``daily``, ``annual`` and the table ``events()``.

    Notes
    -----
    Missing values are no exceedance and end a run, unless the gap is joined; inside a joined
    event they count as the climatology. A cell without any value has count 0 and NaN elsewhere.
    Infinite values count as missing in the climatology. Where the threshold equals the
    climatology (sea ice, constant series) nothing is an event: ``annual["days_undefined"]``
    counts such days. Values known to be packed (from the cube's encoding, verified on the
    data) are compared as float64(integer) * scale + offset, all others as given, in float64.

    Raises
    ------
    AxisError
        No time axis, several, or times that are duplicated or out of order.
    CalendarError
        The data are not daily, or the base period is outside the record.
    ChunkError
        A Dask cube is cut along time.
    ParameterError
        An option out of range; a base period of fewer than three years.

    References
    ----------
    Hobday, A. J. et al. (2016), Progress in Oceanography 141, 227-238,
    doi:10.1016/j.pocean.2015.12.014. Hobday, A. J. et al. (2018), Oceanography 31(2), 162-173,
    doi:10.5670/oceanog.2018.205.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> mhw = cc.heatwaves(sst)
    >>> mhw.climatology.sizes["dayofyear"], mhw.annual.sizes["time"]
    (366, 4)
    >>> sorted(mhw.daily)
    ['anomaly', 'category', 'event', 'severity']
    """
    definition = HeatwaveDefinition(
        base_period, percentile, window, smooth, min_duration, max_gap, max_pad, cold, compat
    )
    subject = examine(cube, _PURPOSE, daily=True)
    parameters = definition.as_parameters()
    if climatology is None:
        tables = _climatology(subject, definition)
        inputs: list[Any] = [cube]
    else:
        tables = _given_climatology(climatology, subject)
        parameters["climatology"] = climatology
        inputs = [cube, climatology]
    finish(tables, _PURPOSE, parameters, inputs)
    return Heatwaves(subject, definition, tables, parameters, inputs)


@dataclass(frozen=True, repr=False)
class Heatwaves:
    """Marine heatwaves of a cube: lazy until computed, saved, plotted or listed.

    Attributes
    ----------
    climatology : Dataset
        ``seas``, ``thresh`` and ``count`` (pooled samples) by ``dayofyear`` (1 to 366; 365 or
        360 where the calendar has so many).
    daily : Dataset
        By day: ``anomaly`` (value - seas), ``severity`` ((value - seas) / (thresh - seas)),
        ``category`` (0 none to 4 Extreme) and ``event`` (number of the event in its cell,
        0 none).
    annual : Dataset
        By calendar year, labelled by its 1 January: ``count``, ``days`` ...; see
        `climcube.kernels.annual.ANNUAL`.
    cube : DataArray
        The cube that was analysed.
    parameters : dict
        The definition used.
    """

    subject: Subject
    definition: HeatwaveDefinition
    _tables: xr.Dataset
    parameters: Mapping[str, Any]
    _inputs: list[Any] = field(default_factory=list)

    @property
    def cube(self) -> xr.DataArray:
        """The cube that was analysed."""
        return self.subject.cube

    @cached_property
    def climatology(self) -> xr.Dataset:
        """Seasonal climatology and threshold by day of year."""
        return finish(
            self._tables.copy(), _PURPOSE, self.parameters, self._inputs, self.subject.quantified
        )

    @cached_property
    def daily(self) -> xr.Dataset:
        """Anomaly, severity, category and event number of every day."""
        axis, units = self.subject.axis, self.subject.units
        floats = "float32" if self.cube.dtype in (np.float16, np.float32) else "float64"
        types = {"anomaly": floats, "severity": floats, "category": "int8", "event": "int32"}
        parts = [
            lift_series(
                f"{_KERNELS}:{name}",
                self._cubes(),
                [Output(name, axis.name, dtype, daily_attributes(name, units, self.definition))],
                tables=self._tables_of_time(),
                purpose=_PURPOSE,
            )
            for name, dtype in types.items()
        ]
        return self._finish(xr.Dataset({n: part[n] for n, part in zip(types, parts, strict=True)}))

    @cached_property
    def annual(self) -> xr.Dataset:
        """Metrics of every calendar year."""
        axis = self.subject.axis
        years = year_start_coordinate(axis.years, axis.calendar, axis.name)
        number = axis.year - axis.year[0]
        outputs = [
            Output(name, axis.name, dtype, attrs)
            for name, dtype, attrs in annual_attributes(self.subject.units, self.definition)
        ]
        result = lift_series(
            f"{_KERNELS}:annual",
            self._cubes(),
            outputs,
            tables=(
                *self._tables_of_time(),
                number.astype("uint32"),
                axis.expected_days - np.bincount(number, minlength=len(axis.years)),
            ),
            coordinates={axis.name: years},
            purpose=_PURPOSE,
        )
        return self._finish(result)

    def events(
        self, path: str | Path | None = None, *, overwrite: bool = False
    ) -> pd.DataFrame | Path:
        """List the events of every cell.

        Parameters
        ----------
        path
            Stream the table there, tile by tile, instead of returning it: a ``.csv`` file, or
            a ``.parquet`` folder with one part for each tile.
        overwrite
            Replace what is there.

        Returns
        -------
        DataFrame or Path
            One row an event: the cell's coordinates, dates and samples of start, end and peak,
            and the metrics under the field's names. ``intensity_var`` is a standard deviation
            (ddof 0); ``rank`` orders the events of a cell by intensity_max, and
            ``return_period`` (years) is (length of the record + 1) / rank.

        Raises
        ------
        StoreExistsError
            ``path`` exists and ``overwrite`` is not set.
        """
        from climcube.analysis.event_table import event_table  # noqa: PLC0415 - pandas on demand

        return event_table(
            f"{_KERNELS}:events", self._cubes(), self._tables_of_time(), self.subject.axis,
            path, overwrite=overwrite, cold=self.definition.cold,
        )  # fmt: skip

    def to_datasets(self) -> Iterator[tuple[str, xr.Dataset]]:
        """Yield name and Dataset of the results that `climcube.save` writes as groups."""
        for name in ("climatology", "annual", "daily"):
            yield name, getattr(self, name)

    def __repr__(self) -> str:
        shape = ", ".join(f"{d}: {n}" for d, n in self.cube.sizes.items())
        kind = "cold spells" if self.definition.cold else "heatwaves"
        shown = {k: v for k, v in self.parameters.items() if k != "climatology"}
        options = ", ".join(f"{k}={v!r}" for k, v in shown.items())
        return (
            f"<climcube.Heatwaves: marine {kind} of {self.cube.name!r} ({shape})>\n"
            f"  {options}\n"
            "  .climatology  seas, thresh by day of year\n"
            "  .daily        anomaly, severity, category, event\n"
            f"  .annual       count, days, ... ({self.subject.axis.years[0]} to "
            f"{self.subject.axis.years[-1]})\n"
            "  .events()     the event table"
        )

    def _cubes(self) -> list[tuple[xr.DataArray, str]]:
        return [
            (self.cube, self.subject.axis.name),
            (self._tables["seas"], "dayofyear"),
            (self._tables["thresh"], "dayofyear"),
        ]

    def _tables_of_time(self) -> tuple[Any, ...]:
        axis = self.subject.axis
        return axis.dayofyear.astype("uint32"), axis.ordinal, self.definition.settings()

    def _finish(self, result: xr.Dataset) -> xr.Dataset:
        return finish(result, _PURPOSE, self.parameters, self._inputs, self.subject.quantified)


def _climatology(subject: Subject, definition: HeatwaveDefinition) -> xr.Dataset:
    axis, units = subject.axis, subject.units
    days = np.arange(axis.days_of_year)
    leap_day = axis.leap_day
    windows = sliding_windows(
        axis.dayofyear, *definition.base(axis), definition.window // 2,
        days if leap_day is None else days[days != leap_day],
    )  # fmt: skip
    extreme = "lower" if definition.cold else "upper"
    attrs = units.absolute()
    return lift_series(
        f"{_KERNELS}:climatology",
        [(subject.cube, axis.name)],
        [
            Output("seas", "dayofyear", attrs=attrs | {"long_name": "seasonal climatology"}),
            Output(
                "thresh",
                "dayofyear",
                attrs=attrs
                | {"long_name": f"{extreme} threshold, percentile {definition.percentile:g}"},
            ),
            Output(
                "count", "dayofyear", "int32", {"long_name": "pooled valid samples", "units": "1"}
            ),
        ],
        tables=(
            axis.dayofyear.astype("uint32"),
            axis.ordinal,
            definition.settings(),
            axis.days_of_year,
            definition.percentile / 100,
            definition.smooth or 1,
            -1 if leap_day is None else leap_day,
            *windows.tables(),
        ),
        coordinates={"dayofyear": _day_coordinate(axis)},
        purpose=_PURPOSE,
    )


def _given_climatology(climatology: xr.Dataset, subject: Subject) -> xr.Dataset:
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
    days = plain["seas"].sizes.get("dayofyear")
    if days != axis.days_of_year:
        raise CubeError(
            "climatology and cube have different calendars",
            where="climatology['seas']",
            expected=f"{axis.days_of_year} days of year ({axis.calendar})",
            found=str(days),
        )
    for table in plain.values():
        units = table.attrs.get("units")
        if subject.units.text is not None and units is not None and units != subject.units.text:
            raise CubeError(
                "climatology and cube have different units",
                where=f"climatology[{table.name!r}]",
                expected=subject.units.text,
                found=units,
                remedy="convert one of them first",
            )
    tables = xr.Dataset(plain).drop_encoding()
    try:
        tables = xr.align(tables, cube.isel({axis.name: 0}, drop=True), join="exact")[0]
    except ValueError as error:
        raise CubeError(
            "climatology and cube lie on different grids", found=str(error).splitlines()[0]
        ) from error
    chunks = {d: cube.chunksizes[d] for d in tables.dims if d in cube.chunksizes}
    return tables.chunk({**chunks, "dayofyear": -1}) if chunks else tables


def _day_coordinate(axis: TimeAxis) -> xr.DataArray:
    attrs = {
        "long_name": "day of year"
        + (" (of a leap year: 1 March is 61)" if axis.days_of_year == 366 else ""),
        "units": "1",
    }
    return xr.DataArray(np.arange(1, axis.days_of_year + 1), dims="dayofyear", attrs=attrs)
