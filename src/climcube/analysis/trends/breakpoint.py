"""When the level of a series changed most, and whether that is chance."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.analysis.steps import step_places
from climcube.analysis.trends.common import (
    label_of,
    require_min_valid,
    warn_of_seasons,
    words_of_memory,
)
from climcube.cubes.subject import Subject, examine, finish
from climcube.errors import require_choice
from climcube.kernels.inference import AUTOCORRELATION
from climcube.lift.series import Output, lift_series

__all__ = ["breakpoint"]

_LEAST_VALID = 4


def breakpoint(
    cube: xr.DataArray, *, autocorrelation: str = "ar1", min_valid: int = 10
) -> xr.Dataset:
    """Find the time at which each cell's level changed most, with Pettitt's test.

    Pettitt (1979, doi:10.2307/2346729): of all ways to cut a series of n values in two, the one
    with U furthest from 0, where U sums sign(x_i - x_j) over all i before the cut and j after it
    (the rank-sum statistic of Mann & Whitney), ::

        K = max |U_k|, p = 2 exp(-6 K^2 / (n^3 + n^2) / f), at most 1

    where f = n / n_eff >= 1 is what memory adds: n_eff = n (1 - r) / (1 + r), r the lag-1
    autocorrelation of the departures from the means of both parts.

    Parameters
    ----------
    cube : DataArray
        As for `climcube.trend`: any time step and calendar, any other dimensions; if Dask, with
        time in one chunk. A trend or a seasonal cycle is no break: take them out first.
    autocorrelation : {"ar1", "ar1_uncorrected", "none"}
        r = (n r1 + 2) / (n - 6), clipped to 0..0.98, because the means make r1 too small
        (default); r = r1; or r = 0, as Pettitt has it.
    min_valid : int
        Fewer valid values than this (at least 4) give NaN, and the count.

    Returns
    -------
    Dataset
        Over the cube's other dimensions: ``year`` (of the last value before the break: the
        calendar year, and the elapsed fraction of it), ``shift`` (mean after minus mean before;
        units of the cube, temperatures as differences), ``mean_before`` and ``mean_after``
        (units of the cube), ``u`` (U at the break: positive for a fall), ``pvalue``, ``n``,
        ``n_eff`` and ``r1`` (as measured). Lazy where the cube is.

    Raises
    ------
    AxisError, UnitsError
        As for `climcube.trend`.
    ParameterError
        An argument has a value that it does not take.
    ChunkError
        Chunks cut time.
    CubeError
        The cube does not hold numbers, or (at compute) holds an infinite value.

    Warns
    -----
    UserWarning
        Several values a year, not known as anomalies: the cycle counts as noise.

    Notes
    -----
    Missing values are skipped, and gaps are no neighbours. Ties have their mean rank; of
    several breaks as far from 0 the first is taken. A constant series has p = 1, U = 0
    and no year. The formula for p is an approximation, good below 0.5. The test supposes *one*
    change of level: it finds a "break" in the middle of every trend. Without an account of
    memory it finds breaks in 41 % of red noise (n = 40, phi = 0.6): see the documentation.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1951-01-01", periods=60, freq="YS")
    >>> noise = np.random.default_rng(1).normal(0, 0.3, 60)
    >>> sst = xr.DataArray(15 + 1.0 * (np.arange(60) >= 26) + noise, dims="time",
    ...                    coords={"time": time}, attrs={"units": "degC"})
    >>> found = cc.breakpoint(sst)
    >>> float(found.year), round(float(found["shift"]), 2), bool(found.pvalue < 0.001)
    (1976.0, 1.01, True)
    """
    require_choice("autocorrelation", autocorrelation, AUTOCORRELATION)
    require_min_valid(min_valid, _LEAST_VALID)
    subject = examine(cube, "breakpoint")
    axis, plain = subject.axis, subject.cube
    remedy = "take it out first: cc.breakpoint(cc.anomaly(cube, 'month')), or pass annual means"
    warn_of_seasons("breakpoint", plain, axis, remedy)
    result = lift_series(
        "climcube.kernels.change_point:change_point",
        [(plain, axis.name)],
        _outputs(subject, autocorrelation),
        tables=(axis.decimal_year, step_places(axis), autocorrelation, min_valid),
        purpose="breakpoint",
    )
    memory = words_of_memory(autocorrelation, "departures from both means")
    result.attrs |= {
        "title": f"breakpoint of {label_of(plain)}",
        "method": f"Pettitt's test; {memory}",
        "time_coverage_start": axis.label(0),
        "time_coverage_end": axis.label(len(axis) - 1),
    }
    parameters = {"autocorrelation": autocorrelation, "min_valid": min_valid}
    return finish(result, "breakpoint", parameters, [cube], subject.quantified)


def _outputs(subject: Subject, autocorrelation: str) -> list[Output]:
    name, one = label_of(subject.cube), {"units": "1"}
    own, difference = subject.absolute(), subject.units.difference()
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "year": (f"calendar year of the last {name} before the break", one),
        "shift": (f"mean {name} after the break minus that before it", difference),
        "mean_before": (f"mean {name} before the break", own),
        "mean_after": (f"mean {name} after the break", own),
        "u": ("Pettitt's statistic U at the break", one),
        "pvalue": (f"p-value of the break of {name}", one),
        "n": (f"number of valid values of {name}", one),
        "n_eff": (f"effective sample size ({autocorrelation})", one),
        "r1": ("lag-1 autocorrelation of the departures from both means", one),
    }
    return [
        Output(key, None, "int64" if key == "n" else "float64", {"long_name": text, **units})
        for key, (text, units) in known.items()
    ]
