"""What `climcube.heatwaves` returns: lazy results of one definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.events.baselines import FixedClimatology, by_year, tables_of_time
from climcube.analysis.events.definition import HeatwaveDefinition
from climcube.analysis.events.metadata import annual_attributes, daily_attributes
from climcube.analysis.events.trends import annual_trend, annual_trends
from climcube.cubes.calendar import year_start_coordinate
from climcube.cubes.chunks import is_lazy
from climcube.cubes.subject import Subject, finish
from climcube.lift.series import Output, lift_series

if TYPE_CHECKING:
    import pandas as pd

    from climcube.analysis.tracking.track import Tracks

__all__ = ["Heatwaves"]

_PURPOSE = "heatwaves"
_COMPLETE = "climcube.kernels.complete"


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
    source: FixedClimatology | xr.Dataset  # of climatology and threshold, or the tables
    parameters: Mapping[str, Any]
    inputs: list[Any] = field(default_factory=list)
    group: npt.NDArray[np.int64] | None = None
    second: xr.DataArray | None = None

    @property
    def cube(self) -> xr.DataArray:
        """The cube that was analysed."""
        return self.subject.cube

    @cached_property
    def tables(self) -> xr.Dataset:
        """Climatology and threshold, as kernels take them."""
        if isinstance(self.source, xr.Dataset):
            return self.source
        if "_whole" in vars(self) and not is_lazy(self.cube):  # computed already
            return self._whole[0]
        return self.source.tables()

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
        parts = []
        for name, dtype in types.items():
            kernel, cubes, tables = self._kernel(name)
            attrs = daily_attributes(name, units, self.definition)
            output = Output(name, axis.name, dtype, attrs)
            parts.append(lift_series(kernel, cubes, [output], tables=tables, purpose=_PURPOSE))
        return self._finish(xr.Dataset({n: part[n] for n, part in zip(types, parts, strict=True)}))

    @cached_property
    def annual(self) -> xr.Dataset:
        """Metrics of every calendar year."""
        return self._finish(self._whole[1].copy())

    @cached_property
    def _whole(self) -> tuple[xr.Dataset, xr.Dataset]:
        """Tables and annual metrics; of the cube's own climatology both in one task a tile."""
        axis = self.subject.axis
        kernel, cubes, tables = self._kernel("annual")
        number = axis.year - axis.year[0]
        absent = axis.expected_days - np.bincount(number, minlength=len(axis.years))
        metrics = [
            Output(name, axis.name, dtype, attrs)
            for name, dtype, attrs in annual_attributes(self.subject.units, self.definition)
        ]
        outputs: list[Output] = []
        known = {axis.name: year_start_coordinate(axis.years, axis.calendar, axis.name)}
        if isinstance(self.source, FixedClimatology) and kernel.startswith(_COMPLETE):
            # Under names of their own: both have a variable count.
            outputs = [replace(o, name=f"climatology_{o.name}") for o in self.source.outputs]
            known |= self.source.coordinates
        result = lift_series(
            kernel,
            cubes,
            [*outputs, *metrics],
            tables=(*tables, number.astype("uint32"), absent),
            coordinates=known,
            purpose=_PURPOSE,
        )
        found = result[[o.name for o in metrics]].drop_vars("dayofyear", errors="ignore")
        if not outputs:
            return self.tables, found
        names = {o.name: o.name.removeprefix("climatology_") for o in outputs}
        return result[list(names)].rename(names).drop_vars(axis.name, errors="ignore"), found

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
        from climcube.analysis.events.table import event_table  # noqa: PLC0415 - pandas on demand

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

    def track(self, **options: Any) -> Tracks:
        """Follow the events through space and time: `climcube.track` with its options."""
        from climcube.analysis.tracking.track import track  # noqa: PLC0415 - it knows of heatwaves

        return track(self, **options)

    def to_datasets(self) -> Iterator[tuple[str, xr.Dataset]]:
        """Yield name and Dataset of the results that `climcube.save` writes as groups."""
        tables, annual = self._whole  # from the same tasks, as both are computed
        if self.definition.baseline == "shifting":
            tables = by_year(tables, self.subject.axis)
        yield "climatology", self._finish(tables.copy())
        yield "annual", self._finish(annual.copy())
        yield "daily", self.daily

    def __repr__(self) -> str:
        shape = ", ".join(f"{d}: {n}" for d, n in self.cube.sizes.items())
        kind = "cold spells" if self.definition.cold else "heatwaves"
        options = ", ".join(f"{k}={_short(v)}" for k, v in self._shown())
        return (
            f"<climcube.Heatwaves: marine {kind} of {self.cube.name!r} ({shape})>\n"
            f"  {options}\n"
            "  .climatology  seas, thresh by day of year\n"
            "  .daily        anomaly, severity, category, event\n"
            f"  .annual       count, days, ... ({self.subject.axis.years[0]} to "
            f"{self.subject.axis.years[-1]})\n"
            "  .events()     the event table\n"
            "  .trend()      trends of the annual metrics\n"
            "  .track()      events in space and time"
        )

    def _repr_html_(self) -> str:
        from climcube.analysis.pages import heatwaves_html  # noqa: PLC0415 - in notebooks only

        return heatwaves_html(self)

    def _shown(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters that matter for this result."""
        for name, value in self.parameters.items():
            idle = name == "baseline_years" and self.definition.baseline != "shifting"
            if value is not None and not idle:
                yield name, value

    def event_source(self) -> Any:
        """Return what the event table is made from."""
        from climcube.analysis.events.table import EventSource  # noqa: PLC0415 - pandas on demand

        kernel, cubes, tables = self._kernel("events")
        return EventSource(kernel, cubes, tables, self.subject.axis, self.definition.cold)

    def _kernel(self, name: str) -> tuple[str, list[tuple[xr.DataArray, str]], tuple[Any, ...]]:
        """Return the kernel of a result, the cubes and the first tables that it takes."""
        axis = self.subject.axis
        group, *others = tables_of_time(axis, self.definition)
        if self.group is not None:
            group = self.group.astype("uint32")
        cubes = [(self.cube, axis.name)]
        # Anomalies and severities know no events, and so no second criterion.
        known = self.second if name not in ("anomaly", "severity") else None
        second = [] if known is None else [(known, axis.name)]
        if isinstance(self.source, FixedClimatology) and name in ("annual", "events"):
            ready = not is_lazy(self.cube) and not {"tables", "_whole"}.isdisjoint(vars(self))
            if not ready:
                options = self.source.options
                return f"{_COMPLETE}:{name}", cubes + second, (group, *others, options)
        cubes += [(self.tables[n], "dayofyear") for n in ("seas", "thresh")]
        room = "second_threshold" if second else "heatwave"
        return f"climcube.kernels.{room}:{name}", cubes + second, (group, *others)

    def _finish(self, result: xr.Dataset) -> xr.Dataset:
        return finish(result, _PURPOSE, self.parameters, self.inputs, self.subject.quantified)


def _short(value: Any) -> str:
    return "given" if isinstance(value, xr.DataArray | xr.Dataset) else repr(value)
