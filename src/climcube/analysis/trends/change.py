"""The difference between two periods, and whether it can be believed."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.steps import one_step_apart
from climcube.analysis.trends.common import (
    label_of,
    require_confidence,
    require_min_valid,
    warn_of_seasons,
    words_of_memory,
)
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import ParameterError, require_choice
from climcube.kernels.comparison import Comparison, compare
from climcube.kernels.inference import AUTOCORRELATION
from climcube.lift.common import Output, dress, require_free_names
from climcube.lift.reduction import lift_reduction

__all__ = ["change"]

# Marked as not for the user: a cube may well have a dimension called n.
_PARTS = ("_n", "_mean", "_squares", "_neighbours")
_RESULTS = ("change", "stderr", "ci_low", "ci_high", "pvalue", "n_eff_a", "n_eff_b", "r1")


def change(
    cube: xr.DataArray,
    period_a: BasePeriod,
    period_b: BasePeriod,
    *,
    autocorrelation: str = "ar1",
    min_valid: int = 3,
    confidence: float = 0.95,
) -> xr.Dataset:
    """Return the difference of the means of two periods, with Welch's test.

    The mean of ``period_b`` minus that of ``period_a``, and Welch's t (1947) on effective sample
    sizes (Zwiers & von Storch 1995, doi:10.1175/1520-0442(1995)008<0336:TSCIAI>2.0.CO;2). With
    e the departures from the mean of each period and r1 = sum(e_i e_i+1) / sum(e_i^2) over the
    neighbours of both periods, ::

        n_eff = n (1 - r) / (1 + r), at most n, of each period
        variance = sum(e_i^2) / (n_eff - 1) / n, of each period
        t = (mean_b - mean_a) / sqrt(variance_a + variance_b)

    with the degrees of freedom of Welch & Satterthwaite for n_eff values. It takes one pass over
    chunks of any shape, and reads the two periods only.

    Parameters
    ----------
    cube : DataArray
        As for `climcube.trend`: any time step and calendar, any other dimensions.
    period_a, period_b : pair of years
        First and last year of each, both included; within the record and apart from each other.
    autocorrelation : {"ar1", "ar1_uncorrected", "none"}
        What is done about memory: r = (n r1 + 2) / (n - 6), clipped to 0..0.98, with n the values
        of both periods, because the means make r1 too small (default); r = r1; r = 0.
    min_valid : int
        Fewer valid values than this (at least 3) in either period give NaN, and the counts.
    confidence : float
        Level of the confidence limits, between 0 and 1.

    Returns
    -------
    Dataset
        Over the cube's other dimensions: ``change``, ``stderr``, ``ci_low``, ``ci_high`` (units
        of the cube; temperatures as differences), ``mean_a``, ``mean_b`` (units of the cube),
        ``pvalue`` (two-sided), ``n_a``, ``n_b`` (valid values), ``n_eff_a``, ``n_eff_b`` and
        ``r1`` (as measured). Lazy where the cube is.

    Raises
    ------
    AxisError, UnitsError
        As for `climcube.trend`.
    CalendarError
        The record does not cover a period.
    ParameterError
        A period is no pair of years, the two overlap, or another argument has a value that it
        does not take.
    CubeError
        The cube does not hold numbers, or (at compute) holds an infinite value.

    Warns
    -----
    UserWarning
        Several values a year, not known as anomalies: the cycle counts as noise.

    Notes
    -----
    Missing values (NaN) are skipped; every valid sample counts the same. Where an effective
    size is 1 or less, or NaN, the errors are NaN and the change is given all the same. Two
    constants have p = 1 if they are equal, else 0. Gaps are no neighbours: see
    `climcube.trend`. How often it finds a change in noise that has none is in the
    documentation; `climcube.false_positive_rates` measures it for your lengths.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1961-01-01", periods=60, freq="YS")
    >>> noise = np.random.default_rng(1).normal(0, 0.3, 60)
    >>> sst = xr.DataArray(15 + 0.02 * np.arange(60) + noise, dims="time",
    ...                    coords={"time": time}, attrs={"units": "degC"})
    >>> found = cc.change(sst, (1961, 1990), (1991, 2020))
    >>> round(float(found.change), 2), bool(found.pvalue < 0.01), found.change.units
    (0.61, True, 'degC')
    """
    require_choice("autocorrelation", autocorrelation, AUTOCORRELATION)
    asked = Comparison(
        autocorrelation, require_min_valid(min_valid), require_confidence(confidence)
    )
    subject = examine(cube, "change")
    axis = subject.axis
    spans = _spans(axis, period_a, period_b)
    remedy = "take it out first: cc.change(cc.anomaly(cube, 'month'), ...), or pass annual means"
    warn_of_seasons("change", subject.cube, axis, remedy)
    parts = [_spread(subject, *span) for span in spans]
    words = [f"{axis.label(first)[:4]}-{axis.label(last)[:4]}" for first, last in spans]
    result = _compared(subject, parts, asked, words)
    memory = words_of_memory(autocorrelation, "departures from both means")
    result.attrs |= {
        "title": f"change of {label_of(subject.cube)} from {words[0]} to {words[1]}",
        "method": f"difference of means, Welch's t; {memory}",
        "period_a": words[0],
        "period_b": words[1],
    }
    parameters = {
        "period_a": period_a, "period_b": period_b, "autocorrelation": autocorrelation,
        "min_valid": min_valid, "confidence": confidence,
    }  # fmt: skip
    return finish(result, "change", parameters, [cube], subject.quantified)


def _spans(axis: TimeAxis, a: BasePeriod, b: BasePeriod) -> list[tuple[int, int]]:
    """Return first and last sample of each period, which must not share one."""
    spans = [axis.period(a, "period_a"), axis.period(b, "period_b")]
    (first_a, last_a), (first_b, last_b) = spans
    if first_a <= last_b and first_b <= last_a:
        raise ParameterError(
            "the periods overlap: their means are not independent",
            where=f"period_a={a!r}, period_b={b!r}",
            expected="two periods without a common year",
        )
    return spans


def _spread(subject: Subject, first: int, last: int) -> xr.Dataset:
    """Return count, mean and sums of squares of one stretch of the record."""
    axis, own = subject.axis, slice(first, last + 1)
    times = axis.decimal_year[own] - axis.decimal_year[first]
    return lift_reduction(
        "climcube.kernels.comparison:SPREAD",
        subject.cube.isel({axis.name: own}),
        axis.name,
        [Output(name, None, "int64" if name == "_n" else "float64") for name in _PARTS],
        tables=(times, one_step_apart(axis)[own]),
        purpose="change",
    )


def _compared(
    subject: Subject, parts: list[xr.Dataset], asked: Comparison, words: list[str]
) -> xr.Dataset:
    """Compare the periods cell by cell, and name what comes of it."""
    given = [part[name] for part in parts for name in _PARTS]
    computed = xr.apply_ufunc(
        compare,
        *given,
        kwargs={"asked": asked},
        output_core_dims=[()] * len(_RESULTS),
        dask="parallelized",
        output_dtypes=["float64"] * len(_RESULTS),
    )
    variables = dict(zip(_RESULTS, computed, strict=True))
    for part, letter in zip(parts, "ab", strict=True):
        variables |= {f"mean_{letter}": part["_mean"], f"n_{letter}": part["_n"]}
    outputs = _outputs(subject, words, asked)
    require_free_names(subject.cube, subject.axis.name, {}, "change", outputs)
    arrays = [variables[output.name].data for output in outputs]
    return dress(arrays, outputs, subject.cube, subject.axis.name, {})


def _outputs(subject: Subject, words: list[str], asked: Comparison) -> list[Output]:
    name, one = label_of(subject.cube), {"units": "1"}
    difference, own = subject.units.difference(), subject.absolute()
    percent = f"{100 * asked.confidence:g} % confidence limit of the change of {name}"
    means = {
        f"mean_{letter}": (f"mean {name}, {period}", own)
        for letter, period in zip("ab", words, strict=True)
    }
    counts = {
        f"{key}_{letter}": (f"{text}, {period}", one)
        for key, text in (
            ("n", f"number of valid values of {name}"),
            ("n_eff", f"effective sample size ({asked.autocorrelation})"),
        )
        for letter, period in zip("ab", words, strict=True)
    }
    known = {
        "change": (f"change of {name}, {words[1]} minus {words[0]}", difference),
        **means,
        "stderr": (f"standard error of the change of {name}", difference),
        "ci_low": (f"lower {percent}", difference),
        "ci_high": (f"upper {percent}", difference),
        "pvalue": (f"two-sided p-value of the change of {name}", one),
        **counts,
        "r1": ("lag-1 autocorrelation of the departures from both means", one),
    }
    return [
        Output(key, None, attrs={"long_name": text, **units})
        for key, (text, units) in known.items()
    ]
