"""Trends by ranks: Theil-Sen slopes and Mann-Kendall tests, on whole series."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.steps import step_places
from climcube.analysis.trends.common import TrendOptions, described, is_whole
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject
from climcube.errors import CalendarError, ParameterError, require_choice
from climcube.kernels.rank_settings import MEMORIES, RankSettings
from climcube.lift.series import lift_series

__all__ = ["DESCRIPTIONS", "SEASONS", "check_ranks", "rank_trend"]

NAMES = (
    "slope", "intercept", "ci_low", "ci_high", "pvalue", "z", "s", "var_s", "tau", "n", "n_eff",
    "r1",
)  # fmt: skip
SEASONS = ("month", "season", "day")
DESCRIPTIONS = {
    "none": "values taken as independent",
    "ar1": "variance of S for an AR(1) process, the bias of its coefficient removed",
    "ar1_uncorrected": "variance of S for an AR(1) process",
    "hamed_rao": "variance of S after Hamed and Rao (1998)",
    "yue_wang": "variance of S after Yue and Wang (2004)",
    "pre_whitening": "lag-1 autocorrelation of the values removed before the test",
    "tfpw": "lag-1 autocorrelation of the detrended values removed before the test",
}
_WITH_LAGS = ("hamed_rao", "yue_wang")
_ALL_LAGS = 2**31


def check_ranks(options: TrendOptions) -> None:
    """Refuse what a rank test does not take."""
    require_choice("autocorrelation", options.autocorrelation, MEMORIES)
    lags = options.lags
    if lags is not None:
        if options.autocorrelation not in _WITH_LAGS:
            raise ParameterError(
                "lags without a method that has them",
                where=f"lags={lags!r}, autocorrelation={options.autocorrelation!r}",
                expected="autocorrelation='hamed_rao' or 'yue_wang'",
                remedy="leave lags out",
            )
        if not is_whole(lags) or lags < 1:
            raise ParameterError(
                "lags out of range", where=f"lags={lags!r}", expected="a whole number, 1 or more"
            )
    if options.seasonal is None:
        return
    require_choice("seasonal", options.seasonal, SEASONS)
    if options.autocorrelation in (*_WITH_LAGS, "pre_whitening", "tfpw"):
        raise ParameterError(
            f"{options.autocorrelation} knows no seasons",
            where=f"autocorrelation={options.autocorrelation!r}, seasonal={options.seasonal!r}",
            expected="autocorrelation='ar1', 'ar1_uncorrected' or 'none'",
            remedy="take the cycle out first, cc.anomaly(cube, 'month'), and leave seasonal out",
        )


def rank_trend(subject: Subject, options: TrendOptions) -> xr.Dataset:
    """Return the Theil-Sen slope and the Mann-Kendall test."""
    axis = subject.axis
    settings = RankSettings(
        options.years(axis),
        MEMORIES.index(options.autocorrelation),
        _ALL_LAGS if options.lags is None else options.lags,
        options.min_valid,
        float(options.confidence),
    )
    order, starts = _seasons(axis, options.seasonal)
    return lift_series(
        "climcube.kernels.rank_trend:rank_trend",
        [(subject.cube, axis.name)],
        described(subject, options, NAMES),
        tables=(
            axis.decimal_year - axis.decimal_year[0],
            step_places(axis),
            order,
            starts,
            settings,
        ),
        purpose="trend",
    )


def _seasons(
    axis: TimeAxis, seasonal: str | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the samples, one season behind the other, and where each season begins."""
    if seasonal is None:
        return np.arange(len(axis)), np.array([0, len(axis)])
    days = {"month": 31, "season": 93, "day": 1}[seasonal]
    if len(axis) > 1 and np.median(np.diff(axis.ordinal)) > days:
        raise CalendarError(
            f"the record is too coarse for a test by {seasonal}",
            where=axis.name,
            expected=f"a step of one {seasonal} or less",
            found=f"a median step of {np.median(np.diff(axis.ordinal)):g} days",
            remedy="leave seasonal out",
        )
    number = {
        "month": axis.month,
        "season": axis.month % 12 // 3,
        "day": axis.dayofyear,
    }[seasonal]
    order = np.argsort(number, kind="stable")
    _, counts = np.unique(number, return_counts=True)
    return order.astype("int64"), np.concatenate([[0], np.cumsum(counts)]).astype("int64")
