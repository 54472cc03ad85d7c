"""Linear trends in real time, with errors that know about autocorrelation."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.analysis.steps import one_step_apart
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import ParameterError, require_choice
from climcube.kernels.inference import AUTOCORRELATION, Inference
from climcube.lift.reduction import Output, lift_reduction

__all__ = ["METHODS", "PERIODS", "trend"]

METHODS = ("ols",)
PERIODS = ("day", "month", "year", "decade", "century")

_PURPOSE = "trend"
_LEAST_VALID = 3
_DAYS_PER_YEAR = {"360_day": 360.0, "noleap": 365.0, "365_day": 365.0, "julian": 365.25}
_DESCRIPTIONS = {
    "ar1": "effective sample size from the lag-1 autocorrelation of the residuals, "
    "its bias removed",
    "ar1_uncorrected": "effective sample size from the lag-1 autocorrelation of the residuals",
    "none": "residuals taken as independent",
}


def trend(
    cube: xr.DataArray,
    *,
    method: str = "ols",
    per: str = "decade",
    autocorrelation: str = "ar1",
    min_valid: int = 3,
    confidence: float = 0.95,
) -> xr.Dataset:
    """Fit a straight line to every cell's series and say how far it can be believed.

    Ordinary least squares of the values on real time t (calendar year plus the elapsed fraction
    of that year, never the index), and Student's t with an effective sample size (Santer et al.
    2000, doi:10.1029/1999JD901105): with e the residuals and r1 = sum(e_i e_i+1) / sum(e_i^2)
    over neighbours really one step apart, ::

        n_eff = n (1 - r) / (1 + r), at most n
        stderr^2 = sum(e_i^2) / (n_eff - 2) / sum((t_i - mean t)^2)

    and t has n_eff - 2 degrees of freedom. It takes one pass over chunks of any shape.

    Parameters
    ----------
    cube : DataArray
        Values with a time axis and any other dimensions, in any order; NumPy or Dask with any
        chunks, plain or pint-quantified, at any time step, regular or not, in any calendar. A
        Dataset with one gridded variable is taken too.
    method : {"ols"}
        Ordinary least squares.
    per : {"decade", "year", "century", "month", "day"}
        Unit of time of the slope and its errors. A month is a twelfth of a year; a day is the
        calendar's mean one (1/365.2425 of a year in the standard calendar).
    autocorrelation : {"ar1", "ar1_uncorrected", "none"}
        ``"ar1"`` (default) takes r = (n r1 + 2) / (n - 4), clipped to 0..0.98, because the fit
        makes r1 too small; ``"ar1_uncorrected"`` takes r = r1, as published; ``"none"`` takes
        n_eff = n, right only for independent residuals.
    min_valid : int
        Fewer valid values than this (at least 3) give NaN, and the count.
    confidence : float
        Level of the confidence limits, between 0 and 1.

    Returns
    -------
    Dataset
        Over the cube's other dimensions: ``slope``, ``stderr``, ``ci_low``, ``ci_high`` (units
        of the cube per ``per``; temperatures as differences), ``intercept`` (units of the cube:
        the line's value at the first time of the record), ``pvalue`` (two-sided), ``n`` (valid
        values), ``n_eff`` and ``r1`` (as measured, whatever ``autocorrelation``). Lazy where
        the cube is.

    Raises
    ------
    AxisError
        No time axis, several, or times that are duplicated or not increasing.
    ParameterError
        An argument has a value that it does not take.
    UnitsError
        The cube's units are unknown.
    CubeError
        The cube does not hold numbers, or (at compute) holds an infinite value.

    Notes
    -----
    Missing values (NaN) are skipped and gaps keep their length. The slope does not depend on
    whether an autocorrelation can be found; where ``n_eff`` is 2 or less, or NaN (``"ar1"``
    needs five values), ``stderr``, ``pvalue`` and limits are NaN. A constant series has slope
    0 and p = 1, a series on an exact line p = 0; their r1 is NaN. A seasonal cycle left in
    monthly or daily data counts as memory and widens the limits: use anomalies.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1951-01-01", periods=60, freq="YS")
    >>> noise = np.random.default_rng(1).normal(0, 0.1, 60)
    >>> sst = xr.DataArray(15 + 0.02 * np.arange(60) + noise, dims="time",
    ...                    coords={"time": time}, attrs={"units": "degC"})
    >>> fit = cc.trend(sst)
    >>> round(float(fit.slope), 2), fit.slope.units, int(fit.n)
    (0.2, 'degC decade-1', 60)
    """
    _check(method, per, autocorrelation, min_valid, confidence)
    subject = examine(cube, _PURPOSE)
    axis = subject.axis
    inference = Inference(_years(per, axis), autocorrelation, min_valid, float(confidence))
    # From the first sample: times of the size of a step keep all their digits.
    times = axis.decimal_year - axis.decimal_year[0]
    result = lift_reduction(
        "climcube.kernels.regression:OLS",
        subject.cube,
        axis.name,
        _outputs(subject, per, autocorrelation, confidence),
        tables=(times, one_step_apart(axis), inference),
        purpose=_PURPOSE,
    )
    result.attrs |= {
        "title": f"linear trend of {_name(subject.cube)}",
        "method": f"ordinary least squares on real time; {_DESCRIPTIONS[autocorrelation]}",
        "time_coverage_start": axis.label(0),
        "time_coverage_end": axis.label(len(axis) - 1),
    }
    parameters = {
        "method": method,
        "per": per,
        "autocorrelation": autocorrelation,
        "min_valid": min_valid,
        "confidence": confidence,
    }
    return finish(result, _PURPOSE, parameters, [cube], subject.quantified)


def _check(method: str, per: str, autocorrelation: str, min_valid: int, confidence: float) -> None:
    require_choice("method", method, METHODS)
    require_choice("per", per, PERIODS)
    require_choice("autocorrelation", autocorrelation, AUTOCORRELATION)
    whole = isinstance(min_valid, int) and not isinstance(min_valid, bool)
    if not whole or min_valid < _LEAST_VALID:
        raise ParameterError(
            "too few values for a trend with errors",
            where=f"min_valid={min_valid!r}",
            expected=f"a whole number, {_LEAST_VALID} or more",
        )
    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ParameterError(
            "confidence is no probability",
            where=f"confidence={confidence!r}",
            expected="a number between 0 and 1, both excluded",
            remedy="pass for instance confidence=0.95",
        )


def _years(per: str, axis: TimeAxis) -> float:
    """Length in years of the unit of time."""
    days = _DAYS_PER_YEAR.get(axis.calendar, 365.2425)
    return {"day": 1 / days, "month": 1 / 12, "year": 1.0, "decade": 10.0, "century": 100.0}[per]


def _outputs(subject: Subject, per: str, autocorrelation: str, confidence: float) -> list[Output]:
    name = _name(subject.cube)
    rate = subject.units.times(f"{per}-1")
    level = subject.units.absolute()
    if "units_metadata" in subject.cube.attrs:  # the trend of an anomaly starts at an anomaly
        level["units_metadata"] = subject.cube.attrs["units_metadata"]
    percent = f"{100 * confidence:g} % confidence limit of the trend of {name}"
    described: list[tuple[str, str, dict[str, Any]]] = [
        ("slope", f"linear trend of {name}", rate),
        ("intercept", f"fitted {name} on {subject.axis.label(0)}", level),
        ("stderr", f"standard error of the trend of {name}", rate),
        ("ci_low", f"lower {percent}", rate),
        ("ci_high", f"upper {percent}", rate),
        ("pvalue", f"two-sided p-value of the trend of {name}", {"units": "1"}),
        ("n", f"number of valid values of {name}", {"units": "1"}),
        ("n_eff", f"effective sample size ({autocorrelation})", {"units": "1"}),
        ("r1", "lag-1 autocorrelation of the residuals", {"units": "1"}),
    ]
    return [
        Output(key, None, "int64" if key == "n" else "float64", {"long_name": text, **attrs})
        for key, text, attrs in described
    ]


def _name(cube: xr.DataArray) -> str:
    return str(cube.attrs.get("long_name") or cube.name or "the cube").replace("_", " ")
