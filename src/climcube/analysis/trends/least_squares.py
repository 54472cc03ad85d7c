"""Least-squares trends: one pass over chunks of any shape."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.steps import one_step_apart
from climcube.analysis.trends.common import TrendOptions, described
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject
from climcube.kernels.inference import Inference
from climcube.lift.reduction import lift_reduction

__all__ = ["NAMES", "inference_of", "ols_trend"]

NAMES = ("slope", "intercept", "stderr", "ci_low", "ci_high", "pvalue", "n", "n_eff", "r1")


def ols_trend(subject: Subject, options: TrendOptions) -> xr.Dataset:
    """Return the least-squares trend with Student's t."""
    axis = subject.axis
    # From the first sample: times of the size of a step keep all their digits.
    times = axis.decimal_year - axis.decimal_year[0]
    return lift_reduction(
        "climcube.kernels.regression:OLS",
        subject.cube,
        axis.name,
        described(subject, options, NAMES),
        tables=(times, one_step_apart(axis), inference_of(options, axis)),
        purpose="trend",
    )


def inference_of(options: TrendOptions, axis: TimeAxis) -> Inference:
    """Return the options as the kernel takes them."""
    return Inference(
        options.years(axis), options.autocorrelation, options.min_valid, float(options.confidence)
    )
