"""The results of a heatwave state, as of the last day of its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube.analysis.events.metadata import annual_attributes, daily_attributes
from climcube.analysis.following.snapshot import PURPOSE, Snapshot
from climcube.cubes.calendar import year_start_coordinate
from climcube.cubes.subject import finish
from climcube.cubes.units import Units
from climcube.errors import ParameterError
from climcube.lift.rows import RowPart
from climcube.lift.series import Output

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Results"]

_ROWS_AT_ONCE = 2_000_000  # of the event table


@dataclass(frozen=True, eq=False)
class Results:
    """What one snapshot gives; each is made when it is asked for, and kept."""

    state: Snapshot
    parameters: Mapping[str, Any]

    @cached_property
    def units(self) -> Units:
        """Units of the record."""
        return Units.of(self.state.window)

    @cached_property
    def climatology(self) -> xr.Dataset:
        """Seasonal climatology and threshold by day of year."""
        tables = self.state.climatology.copy()
        if self.state.lazy:  # stored in pieces, so that an update reads few days of year
            tables = tables.chunk({"dayofyear": -1})
        return self._finished(tables, last=False)

    @cached_property
    def annual(self) -> xr.Dataset:
        """Metrics of every calendar year, as `climcube.heatwaves` gives them."""
        state, axis = self.state, self.state.axis
        number = axis.year - axis.year[0]
        outputs = [
            Output(name, axis.name, dtype, attrs)
            for name, dtype, attrs in annual_attributes(self.units, state.definition)
        ]
        years = year_start_coordinate(axis.years, axis.calendar, axis.name)
        absent = axis.expected_days - np.bincount(number, minlength=len(axis.years))
        result = state.lift(
            "annual", len(axis), outputs, {axis.name: years}, years=axis.years, sums=True,
            options=(absent, np.asarray(axis.expected_days, np.int64)),
        )  # fmt: skip
        return self._finished(result)

    @cached_property
    def daily(self) -> xr.Dataset:
        """Anomaly, severity, category and event number of the days that may still change."""
        state, axis = self.state, self.state.axis
        floats = "float32" if state.window.dtype in (np.float16, np.float32) else "float64"
        types = {"anomaly": floats, "severity": floats, "category": "int8", "event": "int32"}
        attributes = {n: daily_attributes(n, self.units, state.definition) for n in types}
        outputs = [Output(n, axis.name, dtype, attributes[n]) for n, dtype in types.items()]
        result = state.lift(
            "daily", len(axis), outputs, {axis.name: state.times[state.settled :]},
            years=axis.years, options=(state.settled - state.first,),
        )  # fmt: skip
        return self._finished(result)

    def category(self, date: Any) -> xr.DataArray:
        """Category on one day, as it is known now."""
        daily = self.daily["category"]
        time, axis = self.state.time, self.state.axis
        if date is None:
            return daily[{time: -1}]
        label = str(date)[:10]
        labels = [axis.label(i) for i in range(self.state.settled, len(axis))]
        if label not in labels:
            raise ParameterError(
                "the state does not hold this day",
                where=f"date={label}",
                expected=f"one of the days from {labels[0]} to {labels[-1]} that it has",
                remedy="for days that are settled take cc.heatwaves(record, "
                "climatology=state.climatology).daily",
            )
        return daily[{time: labels.index(label)}]

    def events(self, path: str | Path | None, *, overwrite: bool) -> pd.DataFrame | Path:
        """Event table of the whole record."""
        from climcube.analysis.events.table import event_table  # noqa: PLC0415 - pandas on demand
        from climcube.analysis.following.events import StateEvents  # noqa: PLC0415

        state = self.state
        shape = tuple(state.window.sizes.values())
        place = state.window.dims.index(state.time)
        shape = (*shape[:place], len(state.axis), *shape[place + 1 :])
        record = xr.DataArray(  # of no size: only its labels are looked at
            np.broadcast_to(np.float32(0), shape),
            {**{n: c for n, c in state.window.coords.items() if n != state.time},
             state.time: state.times},
            state.window.dims,
        )  # fmt: skip
        source = StateEvents(
            "", [(record, state.time)], (), state.axis, state.definition.cold,
            closed=state.events, remaining=tuple(self._remaining()), at_once=_ROWS_AT_ONCE,
        )  # fmt: skip
        return event_table({"": source}, path, overwrite=overwrite)

    def _remaining(self) -> tuple[RowPart, ...]:
        """Return the events after the checkpoint, as if the record ended now."""
        return self.state.computed(self.state.rows("remaining", len(self.state.axis)))

    def _finished(self, result: xr.Dataset, *, last: bool = True) -> xr.Dataset:
        state, parameters = self.state, dict(self.parameters)
        if last:
            parameters["last_day"] = state.axis.label(len(state.axis) - 1)
        return finish(result, PURPOSE, parameters, [state.window], state.quantified)
