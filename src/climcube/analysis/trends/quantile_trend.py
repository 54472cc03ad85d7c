"""Trends of quantiles: whether the extremes move as the middle does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.steps import step_places
from climcube.analysis.trends.common import (
    TrendOptions,
    described,
    label_of,
    warn_of_seasons,
    words_of_memory,
)
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import ParameterError, require_choice
from climcube.kernels.quantile_settings import (
    MEMORIES,
    TESTS,
    QuantileSettings,
    crossing_memory,
    density_widths,
)
from climcube.lift.series import Output, lift_series

__all__ = ["quantile_trend"]

NAMES = ("slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n", "n_eff", "r1")
_TESTS = {"rank_score": "rank-score test", "t": "Student's t with a kernel density"}
_REMEDY = "take it out first: cc.quantile_trend(cc.anomaly(cube, 'month')), or pass annual values"


def quantile_trend(
    cube: xr.DataArray,
    quantiles: Sequence[float] | float = (0.05, 0.5, 0.95),
    *,
    test: str = "rank_score",
    per: str = "decade",
    autocorrelation: str = "ar1",
    min_valid: int = 3,
    confidence: float = 0.95,
) -> xr.Dataset:
    """Fit the line below which a given share of every cell's values lies.

    Linear quantile regression (Koenker & Bassett 1978, doi:10.2307/1913643) of the values on
    real time t: for each quantile q the line a + b t with the least ::

        sum_i rho(x_i - a - b t_i),   rho(e) = q e where e >= 0, (q - 1) e where e < 0

    It is exact for any length: nothing is sampled, nothing iterated to a tolerance. Where
    several slopes are equally good (few values, and q n a whole number) the answer is the
    middle of them, and of the heights that are equally good at that slope.

    The default test and limits are those of rank scores (Gutenbrunner et al. 1993,
    J. Nonparametric Stat. 2, 307-331), which need no density of the residuals: with w_i = 1 for the
    q n least values of x - b t and 0 for the others (the one between them has the rest), ::

        T(b) = sum_i w_i (t_i - mean t),  Var T = f V sum_i (t_i - mean t)^2

    where V is the variance of w and f what memory adds. ``pvalue`` is that of T(0) / sd(T), and
    the limits are the first and the last slope with T(b) within z sd(T) of 0.

    Parameters
    ----------
    cube : DataArray
        As for `climcube.trend`; if Dask, with time in one chunk.
    quantiles : sequence of float, or float
        Between 0 and 1, both excluded, each once.
    test : {"rank_score", "t"}
        Where p-values and limits come from: rank scores, or ``stderr`` and Student's t with
        n_eff - 2 degrees of freedom, which finds too many trends of extreme quantiles (at
        q = 0.05 of 100 values in 13 % of series without one; see the documentation).
    per : {"decade", "year", "century", "month", "day"}
        Unit of time of the slope and its errors, as for `climcube.trend`.
    autocorrelation : {"ar1", "ar1_uncorrected", "none"}
        What is done about memory. With r1 = 2 sin(pi s / 6), s the lag-1 autocorrelation of the
        residuals' ranks (which for normal values is that of the values), ``"ar1"`` (default)
        takes r = (n r1 + 2) / (n - 4), ``"ar1_uncorrected"`` r = r1, both clipped to 0..0.98,
        and f = 1 + 2 sum_j (1 - j/n) rho_j, rho_j the correlation of being below the quantile
        now and j steps later in a Gaussian AR(1) process with that r: extremes come in shorter
        spells than moderate values. ``"none"`` is f = 1.
    min_valid : int
        Fewer valid values than this (at least 3) give NaN, and the count.
    confidence : float
        Level of the confidence limits, between 0 and 1.

    Returns
    -------
    Dataset
        Over the cube's other dimensions and ``quantile`` (with the numbers given), which stands
        where time stood: ``slope``, ``stderr``, ``ci_low``, ``ci_high`` (units of the cube per
        ``per``; temperatures as differences), ``intercept`` (units of the cube: the line's
        value at the first time of the record), ``pvalue`` (two-sided), ``n_eff`` = n / f and
        ``r1`` (as measured). ``n`` (valid values) has no quantile. Lazy where the cube is.

        ``stderr`` is sqrt(q (1 - q) f / sum (t_i - mean t)^2) / density at the line, the density
        that of all residuals by Epanechnikov's kernel with Hall & Sheather's bandwidth; NaN
        where that reaches beyond the quantiles 0 and 1 (q = 0.05 of fewer than 77 values), and
        where half of the residuals or more are equal.

    Raises
    ------
    AxisError, UnitsError
        As for `climcube.trend`.
    ParameterError
        An argument has a value that it does not take.
    ChunkError
        Chunks cut time.
    CubeError
        The cube does not hold numbers, has a dimension called quantile, or (at compute) holds
        an infinite value.

    Warns
    -----
    UserWarning
        Several values a year, not known as anomalies: the cycle counts as noise.

    Notes
    -----
    Missing values (NaN) are skipped and gaps keep their length. Where the quantile has few
    values beyond it (q n or (1 - q) n below about 5) the test is cautious: it finds too few
    trends rather than too many, and limits are NaN where no slope is steep enough to lie
    outside. Lines of different quantiles are fitted each by itself and may cross. A constant
    series has slope 0 and p = 1; a series on an exact line has that slope, stderr 0, r1 NaN and,
    with ``"rank_score"``, a p-value as small as so many values can give. The slope does not
    depend on whether an autocorrelation can be found (``"ar1"`` needs five values).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1951-01-01", periods=60, freq="YS")
    >>> years, noise = np.arange(60), np.random.default_rng(1).normal(0, 1, 60)
    >>> hottest = xr.DataArray(28 + (1 + 0.02 * years) * noise, dims="time",
    ...                        coords={"time": time}, attrs={"units": "degC"})
    >>> fit = cc.quantile_trend(hottest, [0.1, 0.5, 0.9])  # the spread grows
    >>> fit.slope.values.round(2), fit.slope.units
    (array([-0.33, -0.12,  0.17]), 'degC decade-1')
    """
    shares = _checked_quantiles(quantiles)
    require_choice("test", test, TESTS)
    require_choice("autocorrelation", autocorrelation, MEMORIES)
    options = TrendOptions(
        "quantile", test, per, autocorrelation, None, None, min_valid, confidence
    )
    subject = examine(cube, "quantile_trend")
    warn_of_seasons("trend", subject.cube, subject.axis, _REMEDY)
    result = _lifted(subject, options, shares)
    axis = subject.axis
    result.attrs |= {
        "title": f"linear trends of quantiles of {label_of(subject.cube)}",
        "method": f"quantile regression on real time; {_TESTS[test]}; "
        + words_of_memory(autocorrelation, "residuals' ranks"),
        "time_coverage_start": axis.label(0),
        "time_coverage_end": axis.label(len(axis) - 1),
    }
    parameters = {
        "quantiles": shares.tolist(), "test": test, "per": per,
        "autocorrelation": autocorrelation, "min_valid": min_valid, "confidence": confidence,
    }  # fmt: skip
    return finish(result, "quantile_trend", parameters, [cube], subject.quantified)


def _lifted(subject: Subject, options: TrendOptions, shares: npt.NDArray[np.float64]) -> xr.Dataset:
    axis = subject.axis
    settings = QuantileSettings(
        options.years(axis),
        MEMORIES.index(options.autocorrelation),
        TESTS.index(options.test),
        options.min_valid,
        float(options.confidence),
    )
    coordinate = xr.DataArray(
        shares, dims="quantile", attrs={"long_name": "quantile", "units": "1"}
    )
    return lift_series(
        "climcube.kernels.quantile_regression:quantile_trend",
        [(subject.cube, axis.name)],
        _outputs(subject, options),
        tables=(
            axis.decimal_year - axis.decimal_year[0],
            step_places(axis),
            shares,
            crossing_memory(shares),
            density_widths(shares, len(axis)),
            settings,
        ),
        coordinates={"quantile": coordinate},
        purpose="quantile_trend",
    )


def _outputs(subject: Subject, options: TrendOptions) -> list[Output]:
    """Return what comes out; all but the count is of quantiles."""
    words = {"long_name": f"quantiles of {label_of(subject.cube)}"}
    of_quantiles = replace(subject, cube=subject.cube.assign_attrs(words))
    outputs = []
    for output in described(of_quantiles, options, NAMES):
        if output.name == "r1":
            named = {**output.attrs, "long_name": f"{output.attrs['long_name']}, by ranks"}
            output = replace(output, attrs=named)
        outputs.append(replace(output, dim="quantile"))
    (count,) = described(subject, options, ["n"])
    outputs[NAMES.index("n")] = count
    return outputs


def _checked_quantiles(quantiles: Any) -> npt.NDArray[np.float64]:
    try:
        shares = np.atleast_1d(np.asarray(quantiles, "float64"))
    except (TypeError, ValueError):
        shares = np.array([np.nan])
    if shares.ndim != 1 or not shares.size or not ((shares > 0) & (shares < 1)).all():
        raise ParameterError(
            "quantiles out of range",
            where=f"quantiles={quantiles!r}",
            expected="numbers between 0 and 1, both excluded",
            remedy="pass for instance quantiles=(0.05, 0.5, 0.95)",
        )
    if np.unique(shares).size < shares.size:
        raise ParameterError(
            "a quantile is given twice",
            where=f"quantiles={quantiles!r}",
            expected="each quantile once",
        )
    return shares
