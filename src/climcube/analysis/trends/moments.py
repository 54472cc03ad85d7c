"""The sums of a least-squares trend as a cube of their own, to which new times are added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.steps import Step
from climcube.analysis.trends.common import TrendOptions, described, label_of
from climcube.analysis.trends.least_squares import NAMES, inference_of
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.cubes.subject import Subject, examine, finish_array
from climcube.cubes.units import Units
from climcube.errors import AxisError, CalendarError, CubeError, ParameterError, UnitsError
from climcube.kernels.regression import NAMES as MOMENTS
from climcube.lift.common import Output
from climcube.lift.reduction import lift_reduction
from climcube.lift.series import lift_series

__all__ = ["are_moments", "trend_moments", "trend_of_moments"]

_DIM = "moment"
_KERNELS = "climcube.kernels.regression"
_KIND = "trend moments"
_ORIGIN = 2000.0  # years: the same for every record, so that records can be joined


def trend_moments(cube: xr.DataArray, *, before: xr.DataArray | None = None) -> xr.DataArray:
    """Return the sums from which `climcube.trend` makes a least-squares trend.

    A trend of forty years needs to be read once: keep these, and a new day costs what a day
    costs. ``cc.trend(moments)`` is the trend of all that went into them. They are counts, means
    and centred second moments of times and values, and of neighbours one step apart (Chan,
    Golub & LeVeque 1983), so that nothing is lost by adding.

    Parameters
    ----------
    cube : DataArray
        As for `climcube.trend`; all of the record, or (with ``before``) the times that follow.
    before : DataArray, optional
        Moments of the record up to ``cube``, of the same cells, calendar and units.

    Returns
    -------
    DataArray
        ``moment`` (18 of them) in place of time, over the cube's other dimensions; float64. Save it
        with `climcube.save`, open it with `climcube.open`. Lazy where the cube is. It is plain
        even of a pint-quantified cube, so that it can be saved; ``cc.trend(moments)`` is then
        quantified again, in pint's application registry.

    Raises
    ------
    AxisError
        No time axis, or times that are duplicated, not increasing, or not after those before.
    CalendarError, UnitsError
        Not those of the moments before; or unknown units.
    CubeError
        Other cells than before; no numbers; or (at compute) an infinite value.
    ParameterError
        ``before`` is no result of this function.

    Notes
    -----
    The result equals that of the whole record up to rounding (about 1e-15 of the spread). What
    counts as one step is decided by the first record; where that has a single time, a day is.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1951-01-01", periods=60, freq="YS")
    >>> sst = xr.DataArray(15 + 0.02 * np.arange(60), dims="time", coords={"time": time},
    ...                    attrs={"units": "degC"})
    >>> moments = cc.trend_moments(sst[:50])
    >>> moments = cc.trend_moments(sst[50:], before=moments)
    >>> round(float(cc.trend(moments).slope), 3), int(cc.trend(moments).n)
    (0.2, 60)
    """
    subject = examine(cube, "trend_moments")
    own = _Record.of_cube(subject)
    if before is not None:
        before = _ordered(before)
        earlier = _Record.of_moments(before)
        own = replace(own, step=earlier.step)
    moments = _reduced(subject, own)
    adjacent, inputs = True, [cube]
    if before is not None:
        own, adjacent = earlier.joined(own)
        moments = _merged(before, moments, adjacent)
        inputs = [before, cube]
    moments.attrs = own.attributes()
    return finish_array(moments, "trend_moments", {"before": before}, inputs)


def are_moments(cube: Any) -> bool:
    """Whether a cube is a result of `trend_moments`, perhaps saved and opened since."""
    return bool(_alone(cube).attrs.get("kind") == _KIND)


def trend_of_moments(moments: xr.DataArray, options: TrendOptions) -> tuple[Subject, xr.Dataset]:
    """Return what the moments are of, and its trend."""
    moments = _ordered(moments)
    record = _Record.of_moments(moments)
    subject = record.subject(moments)
    result = lift_series(
        f"{_KERNELS}:fit_moments",
        [(moments, _DIM)],
        described(subject, options, NAMES),
        tables=(
            float(record.axis.decimal_year[0] - _ORIGIN),
            inference_of(options, record.axis),
        ),
        purpose="trend",
    )
    return subject, result


def _alone(cube: Any) -> xr.DataArray:
    """Return the one variable of a Dataset, as `climcube.open` gives it."""
    if isinstance(cube, xr.Dataset) and len(cube.data_vars) == 1:
        cube = cube[next(iter(cube.data_vars))]
    return cube if isinstance(cube, xr.DataArray) else xr.DataArray()


def _ordered(moments: Any) -> xr.DataArray:
    """Return moments with all of their numbers where kernels look for them."""
    array = _alone(moments)
    if not are_moments(array) or _DIM not in array.dims:
        raise ParameterError(
            "these are no moments of a trend", found=type(moments).__name__,
            expected="a DataArray that cc.trend_moments(cube) returned",
        )  # fmt: skip
    present = [str(name) for name in array[_DIM].values]
    if sorted(present) != sorted(MOMENTS):
        raise ParameterError(
            "these are not all moments of a trend", expected=f"all {len(MOMENTS)} of them",
            found=", ".join(present), remedy="pass them as cc.trend_moments(cube) returned them",
        )  # fmt: skip
    own = array.isel({_DIM: [present.index(name) for name in MOMENTS]})
    return own.chunk({_DIM: -1}) if is_lazy(own) else own


@dataclass(frozen=True)
class _Record:
    """What must be known of a record to go on with it: its ends, its step, its units."""

    axis: TimeAxis  # the first and the last time, or all of them
    step: Step
    units: Units
    words: dict[str, str]
    quantified: bool = False  # whether trends of it are pint quantities

    @classmethod
    def of_cube(cls, subject: Subject) -> _Record:
        words = {"long_name": label_of(subject.cube), **subject.absolute()}
        step = Step.of(subject.axis)
        return cls(subject.axis, step, subject.units, words, bool(subject.quantified))

    @classmethod
    def of_moments(cls, moments: xr.DataArray) -> _Record:
        attrs = moments.attrs
        ends = np.asarray(attrs["times"], "int64").reshape(2, 4).T
        year, month, day, seconds = ends if ends[3, 0] < ends[3, 1] else ends[:, :1]
        axis = TimeAxis("time", str(attrs["calendar"]), year, month, day, seconds)
        unit, length = str(attrs["step"]).split()
        words = {
            name: str(attrs[f"cube_{name}"])
            for name in ("long_name", "units", "units_metadata")
            if f"cube_{name}" in attrs
        }
        units = Units(words.get("units"), "moments")
        quantified = bool(attrs.get("cube_quantified", 0))
        return cls(axis, Step(unit, int(length)), units, words, quantified)

    def joined(self, later: _Record) -> tuple[_Record, bool]:
        """Return the record that goes on, and whether its two parts are neighbours."""
        if later.axis.calendar != self.axis.calendar:
            raise CalendarError(
                "the new times have another calendar", expected=self.axis.calendar,
                found=later.axis.calendar,
            )  # fmt: skip
        if not self.units.agree(later.units.text):
            raise UnitsError(
                "the new times have other units", expected=repr(self.units.text),
                found=repr(later.units.text),
            )  # fmt: skip
        natures = ["difference" in r.words.get("units_metadata", "") for r in (self, later)]
        if natures[0] != natures[1]:
            words = {True: "differences (anomalies)", False: "values on a scale"}
            raise UnitsError(
                "anomalies and values do not make one record",
                expected=words[natures[0]], found=words[natures[1]],
            )  # fmt: skip
        if later.axis.seconds[0] <= self.axis.seconds[-1]:
            raise AxisError(
                "the new times do not follow those before", where=later.axis.name,
                expected=f"times after {self.axis.label(-1)}", found=later.axis.label(0),
            )  # fmt: skip
        border = _ends(self.axis, later.axis, last=-1, first=0)
        whole = _ends(self.axis, later.axis, last=0, first=-1)
        quantified = self.quantified or later.quantified
        return replace(self, axis=whole, quantified=quantified), bool(self.step.follows(border)[0])

    def attributes(self) -> dict[str, Any]:
        """Return all this as attributes of plain types, which every format can hold."""
        axis = self.axis
        fields = (axis.year, axis.month, axis.day, axis.seconds)
        return {
            "kind": _KIND,
            "long_name": f"moments of the trend of {self.words['long_name']}",
            "calendar": axis.calendar,
            "times": [int(f[i]) for i in (0, -1) for f in fields],
            "step": f"{self.step.unit} {self.step.length}",
            **{f"cube_{name}": text for name, text in self.words.items()},
            **({"cube_quantified": 1} if self.quantified else {}),
        }

    def subject(self, moments: xr.DataArray) -> Subject:
        """Return what results are named after."""
        named = moments.copy(deep=False)
        named.attrs = dict(self.words)
        return Subject(named, self.axis, self.units, self.quantified)


def _ends(one: TimeAxis, other: TimeAxis, *, last: int, first: int) -> TimeAxis:
    """Return an axis of two times: one of each."""
    year, month, day, seconds = (
        np.array([getattr(one, f)[last], getattr(other, f)[first]], "int64")
        for f in ("year", "month", "day", "seconds")
    )
    return TimeAxis(one.name, one.calendar, year, month, day, seconds)


def _reduced(subject: Subject, record: _Record) -> xr.DataArray:
    axis = subject.axis
    follows = record.step.follows(axis)
    follows[-1] = True  # whether it has a neighbour is known when that comes
    coordinate = xr.DataArray(list(MOMENTS), dims=(_DIM,), name=_DIM)
    reduced = lift_reduction(
        f"{_KERNELS}:MOMENTS",
        subject.cube,
        axis.name,
        [Output("trend_moments", _DIM)],
        tables=(axis.decimal_year - _ORIGIN, follows),
        coordinates={_DIM: coordinate},
        purpose="trend_moments",
    )
    return reduced["trend_moments"]


def _merged(before: xr.DataArray, after: xr.DataArray, adjacent: bool) -> xr.DataArray:
    try:
        earlier, later = xr.align(before, after, join="exact")
    except ValueError as error:
        raise CubeError(
            "the new times have other cells than those before", found=str(error).splitlines()[0]
        ) from None
    if set(earlier.dims) != set(later.dims):
        raise CubeError(
            "the new times have other dimensions than those before",
            expected=", ".join(map(str, earlier.dims)), found=", ".join(map(str, later.dims)),
        )  # fmt: skip
    return lift_series(
        f"{_KERNELS}:merge_moments",
        [(earlier, _DIM), (later, _DIM)],
        [Output("trend_moments", _DIM)],
        tables=(adjacent,),
        purpose="trend_moments",
    )["trend_moments"]
