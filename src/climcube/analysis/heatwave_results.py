"""What `climcube.heatwaves` returns: lazy results of one definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.heatwave_climatology import by_year
from climcube.analysis.heatwave_definition import HeatwaveDefinition
from climcube.analysis.heatwave_metadata import annual_attributes, daily_attributes
from climcube.analysis.heatwave_trend import annual_trend, annual_trends
from climcube.cubes.calendar import year_start_coordinate
from climcube.cubes.subject import Subject, finish
from climcube.lift.series import Output, lift_series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Heatwaves"]

_PURPOSE = "heatwaves"


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
    tables: xr.Dataset = field(repr=False)
    parameters: Mapping[str, Any]
    inputs: list[Any] = field(default_factory=list)
    group: npt.NDArray[np.int64] | None = None
    second: xr.DataArray | None = None

    @property
    def cube(self) -> xr.DataArray:
        """The cube that was analysed."""
        return self.subject.cube

    @cached_property
    def climatology(self) -> xr.Dataset:
        """Seasonal climatology and threshold by day of year."""
        if self.definition.baseline == "shifting":
            return self._finish(by_year(self.tables, self.subject.axis))
        return self._finish(self.tables.copy())

    @cached_property
    def daily(self) -> xr.Dataset:
        """Anomaly, severity, category and event number of every day."""
        axis, units = self.subject.axis, self.subject.units
        floats = "float32" if self.cube.dtype in (np.float16, np.float32) else "float64"
        types = {"anomaly": floats, "severity": floats, "category": "int8", "event": "int32"}
        parts = [
            lift_series(
                *self._kernel(name),
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
            *self._kernel("annual"),
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

        return event_table({"": self.event_source()}, path, overwrite=overwrite)

    @overload
    def trend(self, metric: str, *, min_coverage: float = ..., **options: Any) -> xr.Dataset: ...

    @overload
    def trend(
        self, metric: Sequence[str] | None = ..., *, min_coverage: float = ..., **options: Any
    ) -> xr.DataTree: ...

    def trend(
        self,
        metric: str | Sequence[str] | None = None,
        *,
        min_coverage: float = 0.9,
        **options: Any,
    ) -> xr.Dataset | xr.DataTree:
        """Fit trends to annual metrics, with confidence limits.

        Are there more heatwaves, and do they last longer?

        Parameters
        ----------
        metric
            A variable of ``annual`` (``"days"``, ``"count"``, ``"intensity_max"`` ...), a list
            of them, or ``None`` for all.
        min_coverage
            Share of the days of a year that must have a value and a defined threshold; years
            below it are left out (so are the partial years at the ends of the record).
        **options
            Those of `climcube.trend`: ``per``, ``autocorrelation``, ``confidence`` ...

        Returns
        -------
        Dataset or DataTree
            For one metric what `climcube.trend` returns; for several a tree of these, one node
            each: ``mhw.trend()["days"]["slope"]``. Lazy where the cube is.

        Notes
        -----
        Means over events are missing in years without an event; their trend is that of the
        years with one.
        """
        if isinstance(metric, str):
            return annual_trend(self.annual, self.subject.axis, metric, min_coverage, options)
        return annual_trends(self.annual, self.subject.axis, metric, min_coverage, options)

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
            "  .events()     the event table\n"
            "  .trend()      trends of the annual metrics"
        )

    def event_source(self) -> Any:
        """Return what the event table is made from."""
        from climcube.analysis.event_table import EventSource  # noqa: PLC0415 - pandas on demand

        tables = self._tables_of_time()
        axis, cold = self.subject.axis, self.definition.cold
        return EventSource(*self._kernel("events"), tables, axis, cold)

    def _kernel(self, name: str) -> tuple[str, list[tuple[xr.DataArray, str]]]:
        """Return the kernel of a result, and the cubes that it takes."""
        time = self.subject.axis.name
        cubes = [
            (self.cube, time),
            (self.tables["seas"], "dayofyear"),
            (self.tables["thresh"], "dayofyear"),
        ]
        if self.second is None or name in ("anomaly", "severity"):  # these know no events
            return f"climcube.kernels.heatwave:{name}", cubes
        return f"climcube.kernels.second_threshold:{name}", [*cubes, (self.second, time)]

    def _tables_of_time(self) -> tuple[Any, ...]:
        axis = self.subject.axis
        group = axis.dayofyear if self.group is None else self.group
        return group.astype("uint32"), axis.ordinal, self.definition.settings()

    def _finish(self, result: xr.Dataset) -> xr.Dataset:
        return finish(result, _PURPOSE, self.parameters, self.inputs, self.subject.quantified)
