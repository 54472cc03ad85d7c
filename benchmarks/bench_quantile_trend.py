"""Quantile trends: time a fit beside statsmodels, and how often trends are found where none are.

python benchmarks/bench_quantile_trend.py            # one core, from memory
python benchmarks/bench_quantile_trend.py --rates    # false alarms in red noise
"""

from __future__ import annotations

import argparse
import os
import warnings
from functools import partial

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import xarray as xr
from measuring import best

import climcube as cc

QUANTILES = (0.05, 0.5, 0.9)
SIZES = ((40, 4000, "YS"), (480, 400, "MS"), (14_610, 32, "D"))
WAYS = {
    "rank_score, ar1": {},
    "rank_score, ar1_uncorrected": {"autocorrelation": "ar1_uncorrected"},
    "rank_score, none": {"autocorrelation": "none"},
    "t, ar1": {"test": "t"},
    "t, none": {"test": "t", "autocorrelation": "none"},
}


def cube_of(series: np.ndarray, step: str) -> xr.DataArray:
    """Series as cells of a cube of anomalies."""
    times = xr.date_range("1601-01-01", periods=series.shape[1], freq=step, unit="s")
    return xr.DataArray(series, dims=("cell", "time"), coords={"time": times}, name="anomaly")


def speed() -> None:
    """Microseconds a fit: one series and one quantile."""
    print(f"one core, from memory, microseconds a fit (mean of the quantiles {QUANTILES})")
    for n, cells, step in SIZES:
        series = np.random.default_rng(2).standard_normal((cells, n))
        cube = cube_of(series, step)
        fits = cells * len(QUANTILES)
        ours = best(partial(cc.quantile_trend, cube, QUANTILES), 3) / fits * 1e6
        plain = best(partial(cc.quantile_trend, cube, QUANTILES, test="t"), 3) / fits * 1e6
        few = series[: max(1, 800 // n)]
        theirs = best(partial(_statsmodels, few), 1) / len(few) / len(QUANTILES) * 1e6
        print(
            f"n = {n:6d}: with limits by rank scores {ours:8.1f}, Student's {plain:8.1f}, "
            f"statsmodels {theirs:12.1f} ({theirs / ours:.0f} x)",
            flush=True,
        )


def _statsmodels(series: np.ndarray) -> None:
    from statsmodels.regression.quantile_regression import QuantReg

    n = series.shape[1]
    design = np.column_stack([np.ones(n), np.arange(n)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it did not converge
        for x in series:
            for q in QUANTILES:
                QuantReg(x, design).fit(q=q, vcov="iid")


def rates(count: int) -> None:
    """Share of p < 0.05 among AR(1) series without a trend."""
    print("| n | phi | noise | way | " + " | ".join(f"q = {q}" for q in QUANTILES) + " |")
    for n in (40, 100, 480):
        for phi in (0.0, 0.3, 0.6, 0.8):
            noise = _red(count, n, phi)
            for kind in ("normal", "lognormal"):
                cube = cube_of(noise if kind == "normal" else np.exp(noise / noise.std()), "YS")
                for way, options in WAYS.items():
                    found = cc.quantile_trend(cube, QUANTILES, **options).pvalue
                    known = np.isfinite(found).any("cell")
                    share = (found < 0.05).mean("cell").where(known)
                    numbers = " | ".join(f"{value:.3f}" for value in share.values)
                    print(f"| {n} | {phi} | {kind} | {way} | {numbers} |", flush=True)


def _red(count: int, n: int, phi: float) -> np.ndarray:
    noise = np.random.default_rng(7).standard_normal((n, count))
    noise[0] /= np.sqrt(1 - phi**2)
    for i in range(1, n):
        noise[i] += phi * noise[i - 1]
    return np.ascontiguousarray(noise.T)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rates", action="store_true")
    parser.add_argument("--series", type=int, default=10_000)
    arguments = parser.parse_args()
    if arguments.rates:
        rates(arguments.series)
    else:
        speed()
