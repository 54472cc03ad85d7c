"""Percentiles over time: of a whole record, or by day, month or season; exact."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.cycle import Cycle, Treatment
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.packing import Packing
from climcube.cubes.periods import own_axis
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import ParameterError
from climcube.kernels.groups import Finish
from climcube.kernels.settings import NO_GRID
from climcube.kernels.windows import sliding_windows
from climcube.lift.common import require_free_names
from climcube.lift.series import Output, lift_series

__all__ = [
    "MIN_SAMPLES",
    "cycle_percentiles",
    "percentile",
    "require_percentiles",
    "require_samples",
]

MIN_SAMPLES = 10  # of fewer the 90th percentile is little else than the maximum
_KERNELS = "climcube.kernels.group_percentiles"
_COUNT = {"long_name": "valid samples", "units": "1"}


def percentile(
    cube: xr.DataArray,
    q: float | Sequence[float],
    frequency: str | None = None,
    *,
    base_period: BasePeriod | None = None,
    window: int = 1,
    smooth: int | None = None,
    leap: str = "interp",
    min_samples: int = MIN_SAMPLES,
) -> xr.Dataset:
    """Return percentiles over time, of the whole record or by day of year, month or season.

    The value below which ``q`` percent of the samples lie, by linear interpolation between
    order statistics (Hyndman and Fan 1996, type 7; NumPy's "linear"). No sampling, no bins.

    Parameters
    ----------
    cube
        Time and any other dimensions in any order, NumPy or Dask with each cell's whole series
        in one chunk; plain or pint-quantified, in any calendar.
    q
        Percentile, 0 (least) to 100 (greatest), or several.
    frequency
        ``None``: one value for the whole record. ``"day"``, ``"month"`` or ``"season"``: one
        for each row of the annual cycle, as in `climcube.climatology`.
    base_period
        First and last year, both included; default the whole record.
    window, smooth, leap
        As for `climcube.climatology`; for ``frequency="day"``.
    min_samples
        Valid samples that a percentile needs; below it is NaN. ``count`` says how many there are.

    Returns
    -------
    Dataset
        ``percentile`` (float64, in the cube's units) without the time dimension, or with
        ``dayofyear``, ``month`` or ``season`` in its place; for several ``q`` with a first
        dimension ``quantile`` (q / 100, as xarray has it). ``count``: the valid samples; for
        29 February under ``leap="interp"`` the fewer of its neighbours'.

    Notes
    -----
    Missing (and infinite) values are skipped; every other sample counts once, whatever its
    length in days. Values known to be packed are taken as integer * scale + offset, exactly.

    Raises
    ------
    AxisError, CalendarError
        As for `climcube.climatology`.
    ChunkError
        Chunks cut time.
    ParameterError
        A percentile outside 0 to 100, or another option that is not understood.

    Warns
    -----
    UserWarning
        Every ``q`` is above 0 and below 1: a share was meant, perhaps.

    Examples
    --------
    >>> import numpy as np, xarray as xr, climcube as cc
    >>> days = xr.date_range("2001-01-01", periods=101)
    >>> sst = xr.DataArray(np.arange(101.0), dims="time", coords={"time": days})
    >>> cc.percentile(sst, [10, 90]).percentile.values
    array([10., 90.])
    >>> cc.percentile(sst, 50, "month")["count"].values[:4].tolist()
    [31, 28, 31, 11]
    """
    quantiles = require_percentiles(q, "q")
    least = require_samples(min_samples)
    treatment = Treatment(
        "month" if frequency is None else frequency, base_period, window, smooth, None, leap
    )
    subject = examine(cube, "percentile", daily=frequency == "day")
    words = {
        "title": f"percentiles of {subject.cube.attrs.get('long_name', subject.cube.name)}",
        "min_samples": least,
    }
    if frequency is None:
        result = _of_record(cube, subject, treatment, quantiles, least)
    else:
        cycle = Cycle.of(cube, subject, treatment)
        result = cycle_percentiles(subject, cycle, treatment, quantiles, least)
    if np.ndim(q) == 0 and "quantile" in result.dims:
        result = result.isel(quantile=0)
    result.attrs |= words
    parameters = {
        "q": q, "frequency": frequency, "base_period": base_period, "window": window,
        "smooth": smooth, "leap": leap, "min_samples": least,
    }  # fmt: skip
    return finish(result, "percentile", parameters, [cube], subject.quantified)


def cycle_percentiles(
    subject: Subject,
    cycle: Cycle,
    treatment: Treatment,
    quantiles: npt.NDArray[np.float64],
    min_samples: int,
) -> xr.Dataset:
    """Return percentiles and number of samples of every row of a cycle; lazy on Dask."""
    names = [f"percentile-{number}" for number in range(len(quantiles))]
    time = subject.axis.name
    require_free_names(subject.cube, time, {"quantile": None, "percentile": None}, "percentile")
    finishing = Finish(
        leap_day=cycle.leap_day, smooth=treatment.smooth or 1, harmonics=treatment.harmonics or 0
    )
    dim = treatment.dim
    parts = lift_series(
        f"{_KERNELS}:group_percentiles",
        [(subject.cube, subject.axis.name)],
        [Output("count", dim, "int32", _COUNT), *(Output(name, dim) for name in names)],
        tables=(
            cycle.coordinate.size, tuple(quantiles.tolist()), _grid(subject.cube), min_samples,
            finishing, *_windows(cycle, treatment.window // 2),
        ),
        coordinates={dim: cycle.coordinate},
        purpose="percentile",
    )  # fmt: skip
    stacked = xr.concat([parts[name] for name in names], _quantiles(quantiles), coords="minimal")
    stacked.attrs = _attributes(subject)
    return parts[["count"]].assign(percentile=stacked)


def _of_record(
    given: Any,
    subject: Subject,
    treatment: Treatment,
    quantiles: npt.NDArray[np.float64],
    least: int,
) -> xr.Dataset:
    axis = own_axis(given, subject.axis)
    first, last = axis.period(treatment.base_period)
    windows = sliding_windows(np.zeros(len(axis), int), first, last, 0, np.zeros(1, int))
    found = lift_series(
        f"{_KERNELS}:record_percentiles",
        [(subject.cube, axis.name)],
        [
            Output("count", None, "int32", _COUNT),
            Output("percentile", "quantile", attrs=_attributes(subject)),
        ],
        tables=(tuple(quantiles.tolist()), _grid(subject.cube), least, *windows.tables()),
        coordinates={"quantile": _quantiles(quantiles)},
        purpose="percentile",
    )
    return found.transpose("quantile", ...)


def _windows(cycle: Cycle, half: int) -> tuple[Any, ...]:
    """Return the windows of every row; samples without a row (29 February) are left out."""
    rows = np.arange(cycle.coordinate.size)
    visited = rows if cycle.leap_day < 0 else rows[rows != cycle.leap_day]
    kept = np.flatnonzero(cycle.index >= 0)
    first, end = np.searchsorted(kept, [cycle.period[0], cycle.period[1] + 1])
    windows = sliding_windows(cycle.index[kept], int(first), int(end) - 1, half, visited)
    capacity, groups, start, slots, samples = windows.tables()
    nothing = len(cycle.index)
    return capacity, groups, start, slots, np.append(kept, nothing)[samples].astype("uint32")


def _grid(cube: xr.DataArray) -> tuple[float, float]:
    packing = Packing.of(cube)
    return NO_GRID if packing is None else (abs(packing.scale), packing.offset)


def _quantiles(quantiles: npt.NDArray[np.float64]) -> xr.DataArray:
    attrs = {"long_name": "quantile", "units": "1"}
    return xr.DataArray(quantiles, dims="quantile", attrs=attrs, name="quantile")


def _attributes(subject: Subject) -> dict[str, Any]:
    attrs = subject.cube.attrs
    kept = {"standard_name": attrs["standard_name"]} if "standard_name" in attrs else {}
    label = attrs.get("long_name", subject.cube.name or "value")
    return kept | subject.absolute() | {"long_name": f"percentile of {label}"}


def require_percentiles(q: Any, name: str) -> npt.NDArray[np.float64]:
    """Return percentiles as shares of 1, in the order given."""
    try:
        numbers = np.atleast_1d(np.asarray(q, "float64"))
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if (
        isinstance(q, bool)
        or numbers.ndim != 1
        or not numbers.size
        or not ((numbers >= 0) & (numbers <= 100)).all()
    ):
        raise ParameterError(
            "percentile out of range", where=f"{name}={q!r}", expected="numbers from 0 to 100",
            remedy=f"pass for instance {name}=90",
        )  # fmt: skip
    if np.unique(numbers).size < numbers.size:
        raise ParameterError(
            "a percentile is given twice", where=f"{name}={q!r}", expected="each once"
        )
    if ((numbers > 0) & (numbers < 1)).all():
        warnings.warn(
            f"{name}={q!r} is in percent: the median is 50, not 0.5", UserWarning, stacklevel=3
        )
    return np.asarray(numbers / 100)


def require_samples(value: Any) -> int:
    """Return the least number of samples, checked."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ParameterError(
            "min_samples out of range", where=f"min_samples={value!r}",
            expected="a whole number, 1 or more",
        )  # fmt: skip
    return int(value)
