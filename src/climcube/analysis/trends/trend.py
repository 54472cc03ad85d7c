"""Linear trends in real time, with errors that know about autocorrelation."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.trends import least_squares, ranks
from climcube.analysis.trends.common import (
    PERIODS,
    TrendOptions,
    label_of,
    warn_of_seasons,
    words_of_memory,
)
from climcube.analysis.trends.moments import are_moments, trend_of_moments
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import ParameterError, require_choice
from climcube.kernels.inference import AUTOCORRELATION

__all__ = ["METHODS", "PERIODS", "TESTS", "trend"]

METHODS = ("ols", "theil_sen")
TESTS = ("t", "mann_kendall")
_FROM_RANKS = ("pvalue", "z", "s", "var_s", "tau")


def trend(
    cube: xr.DataArray,
    *,
    method: str = "ols",
    test: str | None = None,
    per: str = "decade",
    autocorrelation: str = "ar1",
    lags: int | None = None,
    seasonal: str | None = None,
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

    Or by ranks: the median of the slopes of all pairs (Theil 1950, Sen 1968) in real time, exact
    for any length, its limits by ranks, and the Mann-Kendall test with ties, ::

        S = sum over pairs of sign(x_j - x_i), z = sign(S) (|S| - 1) / sqrt(f Var S)

    where f >= 1 is what memory adds: 1 + 2 sum_j (1 - j/n) r^j, r the lag-1 autocorrelation
    of the departures from Sen's line. This takes whole series: time in one chunk.

    Parameters
    ----------
    cube : DataArray
        Values with a time axis and any other dimensions, in any order; NumPy or Dask with any
        chunks, plain or pint-quantified, at any time step, regular or not, in any calendar. A
        Dataset with one gridded variable is taken too; so are moments that
        `climcube.trend_moments` kept.
    method : {"ols", "theil_sen"}
        Ordinary least squares, or the median of the slopes of all pairs.
    test : {"t", "mann_kendall"}, optional
        Where the p-value comes from: ``"t"`` for (and only for) ``"ols"``, ``"mann_kendall"`` for
        ``"theil_sen"`` and, if asked for, ``"ols"``; its limits are then still Student's.
    per : {"decade", "year", "century", "month", "day"}
        Unit of time of the slope and its errors. A month is a twelfth of a year; a day is the
        calendar's mean one (1/365.2425 of a year in the standard calendar).
    autocorrelation : str
        What is done about memory. ``"ar1"`` (default) takes r = (n r1 + 2) / (n - 4), clipped to
        0..0.98, because the fit makes r1 too small; ``"ar1_uncorrected"`` takes r = r1, as
        published; ``"none"`` takes values as independent. Of Mann-Kendall also ``"hamed_rao"``
        and ``"yue_wang"`` (variance from the autocorrelations at ``lags``), ``"pre_whitening"``
        and ``"tfpw"`` (trend-free pre-whitening), which reject too often or too seldom: see
        the documentation.
    lags : int, optional
        Of ``"hamed_rao"`` (default: all that are significant at 5 %) and ``"yue_wang"`` (default:
        all): look no further than this lag.
    seasonal : {"month", "season", "day"}, optional
        Of ``"theil_sen"``: use only pairs of the same calendar month, season or day (seasonal
        Kendall test and slope, Hirsch et al. 1982). ``autocorrelation`` must be ``"ar1"``,
        ``"ar1_uncorrected"`` or ``"none"``.
    min_valid : int
        Fewer valid values than this (at least 3) give NaN, and the count.
    confidence : float
        Level of the confidence limits, between 0 and 1.

    Returns
    -------
    Dataset
        Over the cube's other dimensions: ``slope``, ``stderr`` (least squares only),
        ``ci_low``, ``ci_high`` (units of the cube per ``per``; temperatures as differences),
        ``intercept`` (units of the cube: the line's value at the first time of the record; with
        ``"theil_sen"`` median(x) - slope median(t)), ``pvalue`` (two-sided), ``n`` (valid
        values), ``n_eff`` and ``r1`` (as measured, whatever ``autocorrelation``). With
        Mann-Kendall also ``z``, ``s``, ``var_s`` (memory included) and ``tau`` (tau-b). Lazy
        where the cube is.

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
    ChunkError
        Ranks were asked for and chunks cut time.
    CalendarError
        The record is coarser than ``seasonal``.

    Warns
    -----
    UserWarning
        Several values a year, not known as anomalies, and no ``seasonal``: the cycle counts as
        noise.

    Notes
    -----
    Missing values (NaN) are skipped and gaps keep their length. Where neighbours are missing the
    mean product of those that there are stands for the others in r1 (or gaps would hide memory);
    without any, errors are NaN. The slope does not depend on
    whether an autocorrelation can be found; where ``n_eff`` is 2 or less, or NaN (``"ar1"``
    needs five values), ``stderr``, ``pvalue`` and limits are NaN. A constant series has slope
    0 and p = 1, a series on an exact line p = 0; their r1 is NaN. A seasonal cycle left in
    monthly or daily data counts as memory and widens the limits: use anomalies. With ranks a
    constant has slope 0, p = 1 and no tau; limits are NaN where the record is too short to have
    any at that confidence, and for the two kinds of pre-whitening, whose test is of another
    series (``s``, ``var_s``, ``z`` and ``tau`` are that series').

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
    options = _checked(method, test, per, autocorrelation, lags, seasonal, min_valid, confidence)
    if are_moments(cube):
        _require_least_squares(options)
        subject, result = trend_of_moments(cube, options)
        how = _LEAST_SQUARES + words_of_memory(autocorrelation, "residuals")
    else:
        subject = examine(cube, "trend")
        if seasonal is None:
            warn_of_seasons("trend", subject.cube, subject.axis, _REMEDIES[method])
        result, how = _by_ranks(subject, options) if method != "ols" else _line(subject, options)
    axis = subject.axis
    result.attrs |= {
        "title": f"linear trend of {label_of(subject.cube)}",
        "method": how,
        "time_coverage_start": axis.label(0),
        "time_coverage_end": axis.label(len(axis) - 1),
    }
    parameters = {
        "method": method, "test": options.test, "per": per, "autocorrelation": autocorrelation,
        "lags": lags, "seasonal": seasonal, "min_valid": min_valid, "confidence": confidence,
    }  # fmt: skip
    return finish(result, "trend", parameters, [cube], subject.quantified)


_LEAST_SQUARES = "ordinary least squares on real time; "
_REMEDIES = {
    "ols": "take it out first: cc.trend(cc.anomaly(cube, 'month')), or pass annual means",
    "theil_sen": "pass seasonal='month' (or 'day'), or take it out first: "
    "cc.trend(cc.anomaly(cube, 'month'))",
}


def _line(subject: Subject, options: TrendOptions) -> tuple[xr.Dataset, str]:
    result = least_squares.ols_trend(subject, options)
    how = _LEAST_SQUARES + words_of_memory(options.autocorrelation, "residuals")
    if options.test == "mann_kendall":
        tested = ranks.rank_trend(subject, options)
        result = result.assign({name: tested[name] for name in _FROM_RANKS})
        how += "; p-value of the Mann-Kendall test"
    return result, how


def _by_ranks(subject: Subject, options: TrendOptions) -> tuple[xr.Dataset, str]:
    within = "" if options.seasonal is None else f", pairs of the same {options.seasonal} only"
    how = (
        f"Theil-Sen slope in real time and Mann-Kendall test{within}; "
        + ranks.DESCRIPTIONS[options.autocorrelation]
    )
    return ranks.rank_trend(subject, options), how


def _require_least_squares(options: TrendOptions) -> None:
    if options.method != "ols" or options.test != "t":
        raise ParameterError(
            "moments know no ranks",
            where=f"method={options.method!r}, test={options.test!r}",
            expected="method='ols', test='t'",
            remedy="pass the cube itself",
        )


def _checked(
    method: str,
    test: str | None,
    per: str,
    autocorrelation: str,
    lags: int | None,
    seasonal: str | None,
    min_valid: int,
    confidence: float,
) -> TrendOptions:
    require_choice("method", method, METHODS)
    if test is None:
        test = "t" if method == "ols" else "mann_kendall"
    require_choice("test", test, TESTS)
    options = TrendOptions(
        method, test, per, autocorrelation, lags, seasonal, min_valid, confidence
    )
    if method == "ols":
        _check_least_squares(options)
    elif test == "t":
        raise ParameterError(
            "a Theil-Sen slope has no Student's t",
            where="test='t', method='theil_sen'",
            expected="test='mann_kendall'",
            remedy="leave test out",
        )
    if test == "mann_kendall":
        ranks.check_ranks(options)
    return options


def _check_least_squares(options: TrendOptions) -> None:
    by_ranks = ranks.DESCRIPTIONS
    if options.autocorrelation in by_ranks and options.autocorrelation not in AUTOCORRELATION:
        raise ParameterError(
            f"{options.autocorrelation} is a method of the Mann-Kendall test",
            where=f"autocorrelation={options.autocorrelation!r}, method='ols'",
            expected="one of " + ", ".join(map(repr, AUTOCORRELATION)),
            remedy="pass method='theil_sen'",
        )
    require_choice("autocorrelation", options.autocorrelation, AUTOCORRELATION)
    if options.seasonal is not None:
        raise ParameterError(
            "least squares know no seasons",
            where=f"seasonal={options.seasonal!r}, method='ols'",
            remedy="take the cycle out first, cc.anomaly(cube, 'month'), or pass "
            "method='theil_sen'",
        )
    if options.lags is not None and options.test == "t":
        raise ParameterError(
            "lags without a method that has them",
            where=f"lags={options.lags!r}, method='ols'",
            expected="autocorrelation='hamed_rao' or 'yue_wang'",
            remedy="leave lags out",
        )
