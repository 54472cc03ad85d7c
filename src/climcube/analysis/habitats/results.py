"""What `climcube.habitat` returns: lazy results of one species' ranges, or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.habitats.places import Surface
from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.periods import Periods, months, own_axis, sample_days, years
from climcube.cubes.subject import Subject, finish, finish_array
from climcube.errors import AxisError, ParameterError, require_choice
from climcube.lift.reduction import Output, lift_reduction

__all__ = ["Habitat"]

_PURPOSE = "habitat"
_PERIODS = "climcube.kernels.suitability:PERIODS"
_STATES = ("unsuitable in both", "stable", "gain", "loss")
_UNKNOWN = -1
_EDGES = (5.0, 95.0)


@dataclass(frozen=True, repr=False)
class Habitat:
    """Where and when a species finds what it needs: lazy until computed, saved or plotted.

    Attributes
    ----------
    suitability : DataArray
        0 to 1, by time and cell (and ``species``); NaN where a variable is missing.
    days : DataArray
        Days of each year (or month) with suitability above the threshold, by cell.
    mean : DataArray
        Mean suitability of each year (or month), weighted by days, by cell.
    coverage : DataArray
        Share of the days of each year (or month) that have a value, by cell.
    area : DataArray
        Suitable area by time: the sum of area times suitability, in km2.
    centroid : Dataset
        ``lat`` and ``lon`` (-180 to 180) by time: the centroid on the sphere of the area,
        weighted by suitability.
    ranges : dict of DataArray
        The four bounds of each variable, in its units.
    parameters : dict
        What was asked for.
    """

    subject: Subject
    given: Any
    values: xr.DataArray
    ranges: Mapping[str, xr.DataArray]
    threshold: float
    frequency: str
    min_coverage: float
    areas: xr.DataArray | None
    parameters: Mapping[str, Any]
    inputs: list[Any] = field(default_factory=list)

    @cached_property
    def suitability(self) -> xr.DataArray:
        """Suitability by time and cell."""
        return self._finish_array(self.values.copy(deep=False))

    @property
    def days(self) -> xr.DataArray:
        """Days of each period with suitability above the threshold."""
        return self._finish_array(self._by_period["days"].copy(deep=False))

    @property
    def mean(self) -> xr.DataArray:
        """Mean suitability of each period."""
        return self._finish_array(self._by_period["mean"].copy(deep=False))

    @property
    def coverage(self) -> xr.DataArray:
        """Share of the days of each period that have a value."""
        return self._finish_array(self._by_period["coverage"].copy(deep=False))

    @cached_property
    def area(self) -> xr.DataArray:
        """Suitable area by time, in km2."""
        found = self._surface.area(self.values, self.subject.axis.name).rename("area")
        found.attrs = {"units": "km2", "long_name": "suitable area"}
        return self._finish_array(found)

    @cached_property
    def centroid(self) -> xr.Dataset:
        """Latitude and longitude of the centroid by time."""
        found = self._surface.centroid(self.values, self.subject.axis.name)
        for name, text, units in (
            ("lat", "latitude", "degrees_north"), ("lon", "longitude", "degrees_east"),
        ):  # fmt: skip
            found[name].attrs = {
                "standard_name": text, "units": units, "long_name": f"{text} of the centroid",
            }  # fmt: skip
        return self._finish(found)

    def latitudes(self, edges: tuple[float, float] = _EDGES) -> xr.DataArray:
        """Return how far from the equator the habitat lies, year by year.

        Parameters
        ----------
        edges
            Percentages of the suitable area within the trailing and the leading edge.

        Returns
        -------
        DataArray
            Degrees of latitude from the equator by year, ``hemisphere`` (north, south) and
            ``part``: ``centre`` (the mean over the suitable area), ``trailing_edge`` (5 % of it
            lies nearer to the equator) and ``leading_edge`` (95 %). From the mean suitability of
            each year; area is spread evenly within each row of cells, or within bands of 0.1
            degrees on grids with 2-D coordinates. NaN where a hemisphere has no habitat.

        Notes
        -----
        The centre is the mean latitude, not that of the centroid on the sphere: of a belt around
        the globe the latter is the pole.
        """
        found = self._latitudes(edges).rename("latitude")
        found.attrs = {
            "units": "degree", "long_name": "latitude of the habitat, from the equator",
            "edges": f"{edges[0]:g} and {edges[1]:g} % of the suitable area",
        }  # fmt: skip
        return self._finish_array(found)

    def poleward_shift(
        self, *, edges: tuple[float, float] = _EDGES, per: str = "decade", **options: Any
    ) -> xr.Dataset:
        """Return how fast the habitat moves towards the pole, and how far to believe it.

        Parameters
        ----------
        edges
            As for `latitudes`.
        per
            Unit of time.
        **options
            Others of `climcube.trend`.

        Returns
        -------
        Dataset
            What `climcube.trend` returns, of the distances from the equator, by ``hemisphere``
            and ``part``: ``slope`` in km per decade, positive towards the pole.
        """
        distance = self._surface.kilometres(self._latitudes(edges)).rename("latitude")
        distance.attrs = {"units": "km", "long_name": "distance of the habitat from the equator"}
        fit = trend(distance, per=per, **options)
        parameters = {**self.parameters, "edges": edges, "per": per, **options}
        return finish(fit, "habitat.poleward_shift", parameters, self.inputs,
                      self.subject.quantified)  # fmt: skip

    def change(self, period_a: BasePeriod, period_b: BasePeriod) -> xr.Dataset:
        """Return what was gained and lost from one period to the other.

        Parameters
        ----------
        period_a, period_b
            First and last year of each, both included; without a common year.

        Returns
        -------
        Dataset
            By cell: ``state`` (0 unsuitable in both, 1 stable, 2 gain, 3 loss, -1 unknown: a
            cell is habitat where its mean suitability is above the threshold), ``mean_a``,
            ``mean_b`` and ``change`` (b minus a); and ``area_stable``, ``area_gain``,
            ``area_loss`` in km2, NaN where less than ``min_coverage`` of the area that is known
            in one period is known in both; a station has no areas.

        Raises
        ------
        ParameterError
            A period is no pair of years, or the two overlap.
        CalendarError
            The record does not cover a period.
        """
        axis = self._own_axis
        spans = [axis.period(period_a, "period_a"), axis.period(period_b, "period_b")]
        if spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]:
            raise ParameterError(
                "the periods overlap", where=f"period_a={period_a!r}, period_b={period_b!r}",
                expected="two periods without a common year",
            )  # fmt: skip
        words = [f"{axis.label(a)[:4]}-{axis.label(b)[:4]}" for a, b in spans]
        result = self._compared([self._mean_of(*span) for span in spans], words)
        if self._on_map:
            result = result.assign(self._areas_of_change(result))
        result.attrs = {"title": f"change of habitat from {words[0]} to {words[1]}"}
        parameters = {**self.parameters, "period_a": period_a, "period_b": period_b}
        return finish(result, "habitat.change", parameters, self.inputs, self.subject.quantified)

    def datasets(self, parts: tuple[str, ...] | None = None) -> dict[str, xr.Dataset]:
        """Return the results as `climcube.save` writes them, by name.

        Parameters
        ----------
        parts
            Which of ``"periods"`` (days, mean, coverage), ``"area"`` (area and centroid by time;
            a station has none) and ``"suitability"``; default the first two, where there are.

        Raises
        ------
        ParameterError
            There is no such part.
        """
        known = {
            "periods": lambda: self._finish(self._by_period.copy()),
            "suitability": lambda: self._finish(self.values.to_dataset()),
        }
        usual = ["periods"]
        if self._on_map:
            known["area"] = lambda: self._finish(self.centroid.assign(area=self.area))
            usual.append("area")
        wanted = usual if parts is None else parts
        for name in wanted:
            require_choice("part", name, known)
        return {name: known[name]() for name in wanted}

    def _areas_of_change(self, change: xr.Dataset) -> dict[str, xr.DataArray]:
        complete = self._surface.comparable(change["mean_a"], change["mean_b"])
        areas = {}
        for number, name in enumerate(_STATES[1:], start=1):
            area = self._surface.total(change["state"] == number).where(complete)
            attrs = {"units": "km2", "long_name": f"area of habitat: {name}"}
            areas[f"area_{name}"] = area.assign_attrs(attrs)
        return areas

    def _latitudes(self, edges: Any) -> xr.DataArray:
        yearly = self._yearly["mean"]
        return self._surface.latitudes(yearly, self.subject.axis.name, _edges(edges))

    def _compared(self, means: list[xr.DataArray], words: list[str]) -> xr.Dataset:
        a, b = means
        before, after = a > self.threshold, b > self.threshold
        state = before * (1 + 2 * ~after) + 2 * (~before & after)
        known = a.notnull() & b.notnull()
        state = xr.where(known, state, _UNKNOWN).astype("int8")
        state.attrs = {
            "long_name": "change of habitat",
            "flag_values": np.arange(_UNKNOWN, len(_STATES), dtype="int8"),
            "flag_meanings": " ".join(s.replace(" ", "_") for s in ("unknown", *_STATES)),
        }
        difference = (b - a).assign_attrs(
            units="1", long_name=f"change of mean suitability, {words[1]} minus {words[0]}"
        )
        named = {
            f"mean_{letter}": mean.assign_attrs(units="1", long_name=f"mean suitability, {word}")
            for letter, mean, word in zip("ab", (a, b), words, strict=True)
        }
        return xr.Dataset({"state": state, **named, "change": difference})

    @cached_property
    def _on_map(self) -> bool:
        """Whether there are cells that have an area: a station is a place without one."""
        try:
            dims = find_spatial(self.subject.cube).dims
        except AxisError:
            return self.subject.cube.ndim > 1  # cells without coordinates, which is a mistake
        return bool(set(dims) & set(self.subject.cube.dims))

    @cached_property
    def _surface(self) -> Surface:
        if not self._on_map:
            raise AxisError(
                "a station has no area", where=f"variable {self.subject.cube.name!r}",
                expected="cells along latitude or longitude",
                found="dimensions " + ", ".join(map(str, self.subject.cube.dims)),
                remedy="take its .suitability, .days, .mean and .coverage",
            )  # fmt: skip
        return Surface(self.given, self.subject.cube, self.areas, self.min_coverage)

    @cached_property
    def _by_period(self) -> xr.Dataset:
        return self._yearly if self.frequency == "year" else self._over(months(self._own_axis))

    @cached_property
    def _yearly(self) -> xr.Dataset:
        return self._over(years(self._own_axis))

    @cached_property
    def _own_axis(self) -> TimeAxis:
        return own_axis(self.given, self.subject.axis)

    def _over(self, periods: Periods) -> xr.Dataset:
        time = self.subject.axis.name
        weight = sample_days(self.given, self._own_axis)
        outputs = [
            Output("mean", time, attrs={"units": "1", "long_name": "mean suitability"}),
            Output("days", time, attrs={
                "units": "day", "long_name": f"days with suitability above {self.threshold:g}",
            }),
            Output("coverage", time, attrs={"units": "1", "long_name": "share of days known"}),
        ]  # fmt: skip
        return lift_reduction(
            _PERIODS, self.values, time, outputs,
            tables=(periods.group, weight, self.threshold, periods.expected, self.min_coverage),
            coordinates={time: periods.coordinate}, purpose=_PURPOSE,
        )  # fmt: skip

    def _mean_of(self, first: int, last: int) -> xr.DataArray:
        """Return the mean suitability over the whole of the years that the samples span."""
        axis, own = self._own_axis, slice(first, last + 1)
        number = axis.year - axis.years[0]
        expected = years(axis).expected[number[first] : number[last] + 1].sum()
        weight = sample_days(self.given, self._own_axis)[own]
        span = xr.DataArray([0], dims=axis.name)
        found = lift_reduction(
            _PERIODS, self.values.isel({axis.name: own}), axis.name,
            [Output(name, axis.name) for name in ("mean", "days", "coverage")],
            tables=(np.zeros(len(weight), "int64"), weight, self.threshold,
                    np.array([expected]), self.min_coverage),
            coordinates={axis.name: span}, purpose=_PURPOSE,
        )["mean"]  # fmt: skip
        return found.isel({axis.name: 0}, drop=True)

    def _finish(self, result: xr.Dataset) -> xr.Dataset:
        return finish(result, _PURPOSE, self.parameters, self.inputs, self.subject.quantified)

    def _finish_array(self, result: xr.DataArray) -> xr.DataArray:
        return finish_array(result, _PURPOSE, self.parameters, self.inputs,
                            self.subject.quantified)  # fmt: skip

    def __repr__(self) -> str:
        shape = ", ".join(f"{d}: {n}" for d, n in self.values.sizes.items())
        names = ", ".join(self.ranges)
        return (
            f"<climcube.Habitat: habitat by {names} ({shape})>\n"
            f"  .suitability     0 to 1, by time and cell\n"
            f"  .days .mean      of each {self.frequency}, above {self.threshold:g}\n"
            "  .area .centroid  by time\n"
            "  .latitudes() .poleward_shift()   north and south, centre and edges\n"
            "  .change((1961, 1990), (1991, 2020))   gain and loss, with their map"
        )

    def _repr_html_(self) -> str:
        from climcube.analysis.pages import habitat_html  # noqa: PLC0415 - in notebooks only

        return habitat_html(self)


def _edges(edges: Any) -> tuple[float, float]:
    """Return the percentages of the edges as shares."""
    try:
        low, high = (float(e) / 100 for e in edges)
    except (TypeError, ValueError):
        low = high = np.nan
    if not 0 <= low < high <= 1:
        raise ParameterError(
            "edges not understood", where=f"edges={edges!r}",
            expected="two percentages, rising, between 0 and 100", remedy="pass edges=(5, 95)",
        )  # fmt: skip
    return low, high
