"""How often each test finds something in noise that has nothing to find."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.signal import lfilter

from climcube import provenance
from climcube.analysis.trends.breakpoint import breakpoint
from climcube.analysis.trends.change import change
from climcube.analysis.trends.common import is_number, is_whole
from climcube.analysis.trends.quantile_trend import quantile_trend
from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import year_start_coordinate
from climcube.errors import ParameterError

__all__ = ["false_positive_rates"]

_FIRST_YEAR = 1900
_SHORTEST = 10
_TOGETHER = 2**22  # numbers simulated at once

_Test = Callable[[xr.DataArray], xr.DataArray]


def _pvalue(function: Callable[..., xr.Dataset], **options: object) -> _Test:
    return lambda cube: function(cube, **options)["pvalue"]


def _halves(cube: xr.DataArray, **options: Any) -> xr.DataArray:
    """Compare the first half of the record with the second."""
    first, length = _FIRST_YEAR, cube.sizes["time"]
    middle, last = first + length // 2, first + length - 1
    found: xr.Dataset = change(cube, (first, middle - 1), (middle, last), **options)
    return found["pvalue"]


def _quantile(cube: xr.DataArray, quantile: float) -> xr.DataArray:
    found: xr.Dataset = quantile_trend(cube, (quantile,))
    return found["pvalue"].squeeze("quantile", drop=True)


_AR1 = ("ar1", "ar1_uncorrected", "none")
_RANKS: dict[str, dict[str, object]] = {
    **{name: {"autocorrelation": name} for name in (*_AR1, "hamed_rao")},
    "hamed_rao, lags=3": {"autocorrelation": "hamed_rao", "lags": 3},
    "yue_wang": {"autocorrelation": "yue_wang"},
    "yue_wang, lags=1": {"autocorrelation": "yue_wang", "lags": 1},
    **{name: {"autocorrelation": name} for name in ("pre_whitening", "tfpw")},
}
_TESTS: dict[str, _Test] = {
    **{f"ols: {name}": _pvalue(trend, autocorrelation=name) for name in _AR1},
    **{
        f"theil_sen: {name}": _pvalue(trend, method="theil_sen", **options)
        for name, options in _RANKS.items()
    },
    **{f"change: {name}": partial(_halves, autocorrelation=name) for name in _AR1},
    **{f"breakpoint: {name}": _pvalue(breakpoint, autocorrelation=name) for name in _AR1},
    **{f"quantile_trend: {q:g}": partial(_quantile, quantile=q) for q in (0.1, 0.5, 0.9)},
}


def false_positive_rates(
    n: int | Sequence[int] = 40,
    phi: float | Sequence[float] = (0.0, 0.3, 0.6),
    *,
    tests: Sequence[str] | None = None,
    alpha: float = 0.05,
    series: int = 2000,
    seed: int = 0,
) -> xr.DataArray:
    """Measure how often each test is significant in red noise that has no trend and no change.

    A test at level 0.05 should find something in 5 % of series that have nothing to find. For
    every length and memory, stationary Gaussian AR(1) series x_t = phi x_t-1 + e_t of annual
    values are made, and the public functions are asked for their p-values.

    Parameters
    ----------
    n : int or sequence of int
        Length of the series, 10 or more.
    phi : float or sequence of float
        Lag-1 autocorrelation, between -1 and 1.
    tests : sequence of str, optional
        Names of tests, default all: ``"ols: ar1"`` is ``cc.trend(cube)``, ``"theil_sen: tfpw"``
        is ``cc.trend(cube, method="theil_sen", autocorrelation="tfpw")``, ``"change: none"``
        compares the first half with the second, ``"quantile_trend: 0.9"`` is of that quantile. A
        name that is unknown lists those that are known.
    alpha : float
        Level of the tests.
    series : int
        Number of series for each length and memory. The standard error of a rate r is
        sqrt(r (1 - r) / series): 0.005 for 2000 series at 0.05.
    seed : int
        Of the random numbers: the same seed gives the same rates. Every phi uses the same ones.

    Returns
    -------
    DataArray
        ``false_positive_rate`` by ``test``, ``n`` and ``phi``. A p-value that is NaN (a test
        that could not be made) counts as not significant.

    Raises
    ------
    ParameterError
        An argument has a value that it does not take.

    Examples
    --------
    >>> import climcube as cc
    >>> rates = cc.false_positive_rates(40, 0.6, tests=["ols: none", "ols: ar1"], series=500)
    >>> bool(rates.sel(test="ols: none") > 0.2), bool(rates.sel(test="ols: ar1") < 0.09)
    (True, True)
    """
    names = _names(tests)
    lengths, memories = _lengths(n), _memories(phi)
    _require_numbers(alpha, series, seed)
    rates = np.array(
        [
            [_rates(names, length, memory, alpha, series, seed) for memory in memories]
            for length in lengths
        ]
    )
    result = xr.DataArray(
        np.moveaxis(rates, -1, 0),
        dims=("test", "n", "phi"),
        coords={
            "test": names,
            "n": ("n", lengths, {"long_name": "length of the series", "units": "1"}),
            "phi": ("phi", memories, {"long_name": "lag-1 autocorrelation", "units": "1"}),
        },
        name="false_positive_rate",
        attrs={"long_name": f"share of trendless series with p < {alpha:g}", "units": "1"},
    )
    parameters = {
        "n": lengths, "phi": memories, "tests": names, "alpha": alpha, "series": series,
        "seed": seed,
    }  # fmt: skip
    provenance.record(result, "false_positive_rates", parameters, [])
    return result


def _rates(
    names: list[str], length: int, phi: float, alpha: float, series: int, seed: int
) -> npt.NDArray[np.float64]:
    """Return the share of series in which each test is significant."""
    found = np.zeros(len(names))
    most = max(1, _TOGETHER // length)
    time = year_start_coordinate(_FIRST_YEAR + np.arange(length), "standard")
    for number, start in enumerate(range(0, series, most)):
        noise = _red_noise(length, min(most, series - start), phi, [seed, length, number])
        cube = xr.DataArray(noise, dims=("series", "time"), coords={"time": time}, name="noise")
        found += [int((_TESTS[name](cube) < alpha).sum()) for name in names]
    return found / series


def _red_noise(length: int, series: int, phi: float, seed: list[int]) -> npt.NDArray[np.float64]:
    """Return stationary AR(1) series of variance 1, ``(series, length)``."""
    noise = np.random.default_rng(seed).standard_normal((series, length))
    noise[:, 1:] *= math.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=-1), "float64")


def _names(tests: Any) -> list[str]:
    if tests is None:
        return list(_TESTS)
    asked = [tests] if isinstance(tests, str) else list(_iterable("tests", tests))
    unknown = [name for name in asked if name not in _TESTS]
    if unknown or not asked:
        raise ParameterError(
            "unknown test" if unknown else "no test is named",
            where=f"tests={tests!r}",
            expected="some of " + ", ".join(map(repr, _TESTS)),
        )
    return list(dict.fromkeys(asked))


def _lengths(n: Any) -> list[int]:
    values = [n] if is_number(n) else list(_iterable("n", n))
    if not values or not all(map(is_whole, values)) or min(values) < _SHORTEST:
        raise ParameterError(
            "length out of range", where=f"n={n!r}", expected=f"whole numbers, {_SHORTEST} or more"
        )
    return [int(v) for v in values]


def _memories(phi: Any) -> list[float]:
    values = [phi] if is_number(phi) else list(_iterable("phi", phi))
    if not values or not all(map(is_number, values)) or not all(-1 < v < 1 for v in values):
        raise ParameterError(
            "autocorrelation out of range", where=f"phi={phi!r}",
            expected="numbers between -1 and 1, both excluded",
        )  # fmt: skip
    return [float(v) for v in values]


def _iterable(name: str, value: Any) -> Iterable[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ParameterError(f"{name} not understood", where=f"{name}={value!r}")
    return value


def _require_numbers(alpha: Any, series: Any, seed: Any) -> None:
    if not is_number(alpha) or not 0 < alpha < 1:
        raise ParameterError(
            "alpha out of range", where=f"alpha={alpha!r}", expected="a number between 0 and 1"
        )
    for name, value, least in (("series", series, 1), ("seed", seed, 0)):
        if not is_whole(value) or value < least:
            raise ParameterError(
                f"{name} out of range", where=f"{name}={value!r}",
                expected=f"a whole number, {least} or more",
            )  # fmt: skip
