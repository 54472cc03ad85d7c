"""Methods of trends, changes, breaks and emergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from climcube.reports.methods.words import Method, Parameters, given, period

__all__ = ["TRENDS", "fitted"]

_INDEPENDENT = (
    "Values were taken as independent: where they remember each other, p-values and confidence "
    "limits are too small."
)
_ONE_CHANGE = (
    "Pettitt's test assumes one change of level and nothing else: it also finds a break in most "
    "trends."
)
_NO_TIME = (
    "A year of emergence close to the end of the record says little: the ratio has had no time to "
    "return."
)
_SIZES = {
    "ar1": "the number of values was replaced by an effective one, from the lag-1 "
    "autocorrelation of the residuals [@santer2000] corrected for its bias [@marriott1954]",
    "ar1_uncorrected": "the number of values was replaced by an effective one, from the lag-1 "
    "autocorrelation of the residuals [@santer2000]",
    "none": "values were taken as independent",
}
_VARIANCES = {
    "ar1": "the variance of the statistic was inflated for AR(1) noise, the lag-1 "
    "autocorrelation of the residuals corrected for its bias [@marriott1954]",
    "ar1_uncorrected": "the variance of the statistic was inflated for AR(1) noise by the lag-1 "
    "autocorrelation of the residuals",
    "none": "values were taken as independent",
    "hamed_rao": "the variance of the statistic was corrected for the significant "
    "autocorrelations of the ranks [@hamed1998]",
    "yue_wang": "the variance of the statistic was corrected by an effective sample size from "
    "the autocorrelations at all lags [@yue2004]",
    "pre_whitening": "the series was pre-whitened before the test [@storch1995]",
    "tfpw": "the series was pre-whitened without its trend before the test [@yue2002]",
}
_SEASONS = {"month": "calendar month", "season": "season", "day": "day of the year"}


def fitted(p: Parameters) -> Method:
    """Return the words for a trend, whichever function fitted it."""
    ranks = p.get("method") == "theil_sen"
    # Where the test is not recorded it is the usual one of the method.
    kendall = (p.get("test") or ("mann_kendall" if ranks else "t")) == "mann_kendall"
    memory = str(p.get("autocorrelation", "ar1"))
    if ranks:
        text = f"Linear trends (per {p.get('per', 'decade')}) are Theil–Sen slopes, the median of "
        text += "the slopes of all pairs of values [@theil1950; @sen1968]"
    else:
        text = f"Linear trends (per {p.get('per', 'decade')}) were fitted by ordinary least squares"
    text += ", in real time"
    if p.get("seasonal"):
        season = _SEASONS.get(str(p["seasonal"]), p["seasonal"])
        text += f", from pairs of the same {season} only [@hirsch1982]"
    test = "the Mann–Kendall test [@mann1945; @kendall1975]" if kendall else "Student's t test"
    known = _VARIANCES if kendall else _SIZES
    text += f". P-values are those of {test}; {known.get(memory, f'autocorrelation: {memory}')}"
    if p.get("lags") is not None:
        text += f" (first {p['lags']} lags)"
    if p.get("confidence") is not None and memory not in ("pre_whitening", "tfpw"):
        text += f". Confidence limits are at {100 * float(p['confidence']):g} %"
    return Method(text + f". At least {p.get('min_valid', 3)} values were required.",
                  (_INDEPENDENT,) if memory == "none" else ())  # fmt: skip


def _moments(p: Parameters) -> Method:
    more = " and added to earlier ones" if given(p.get("before")) else ""
    return Method(
        "Sums of a least-squares trend (counts, means and centred moments of values and of "
        f"neighbouring pairs) were accumulated{more}, from which trends follow without the record."
    )


def _quantile(p: Parameters) -> Method:
    quantiles = p.get("quantiles")
    which = ", ".join(f"{q:g}" for q in quantiles) if isinstance(quantiles, list) else quantiles
    memory = str(p.get("autocorrelation", "ar1"))
    if p.get("test") == "t":
        test = "t tests, the density of the residuals estimated with the usual bandwidth "
        test += "[@hall1988]"
    else:
        test = "rank-score tests [@gutenbrunner1993]"
    size = {
        "ar1": "corrected for AR(1) memory, the bias of the lag-1 autocorrelation removed "
        "[@santer2000; @marriott1954]",
        "ar1_uncorrected": "corrected for AR(1) memory [@santer2000]",
        "none": "values taken as independent",
    }.get(memory, memory)
    return Method(
        f"Trends of the quantiles {which} (per {p.get('per', 'decade')}) were fitted by quantile "
        f"regression [@koenker1978], with p-values of {test}, {size}. Confidence limits are at "
        f"{100 * float(p.get('confidence', 0.95)):g} %.",
        (_INDEPENDENT,) if memory == "none" else (),
    )


def _change(p: Parameters) -> Method:
    memory = str(p.get("autocorrelation", "ar1"))
    size = {
        "ar1": "on effective sample sizes [@zwiers1995] from one lag-1 autocorrelation of both "
        "periods, corrected for its bias [@marriott1954]",
        "ar1_uncorrected": "on effective sample sizes [@zwiers1995] from one lag-1 "
        "autocorrelation of both periods",
        "none": "values taken as independent",
    }.get(memory, memory)
    return Method(
        f"Changes are means of {period(p.get('period_b'))} minus those of "
        f"{period(p.get('period_a'))}, with Welch's t test [@welch1947] {size}. Confidence limits "
        f"are at {100 * float(p.get('confidence', 0.95)):g} %.",
        (_INDEPENDENT,) if memory == "none" else (),
    )


def _breakpoint(p: Parameters) -> Method:
    memory = str(p.get("autocorrelation", "ar1"))
    size = {
        "none": "", "ar1": ", its exponent divided by n / n_eff of AR(1) noise, corrected for bias "
        "[@marriott1954]", "ar1_uncorrected": ", its exponent divided by n / n_eff of AR(1) noise",
    }.get(memory, f", autocorrelation: {memory}")  # fmt: skip
    cautions = (_ONE_CHANGE, _INDEPENDENT) if memory == "none" else (_ONE_CHANGE,)
    return Method(
        f"Breaks were sought by Pettitt's rank test [@pettitt1979]; the p-value is the usual "
        f"approximation{size}. At least {p.get('min_valid', 10)} values were required.",
        cautions,
    )


def _emergence(p: Parameters) -> Method:
    if given(p.get("driver")):
        signal = "the regression on a driver [@hawkins2020]"
    else:
        signal = {1: "a linear fit"}.get(int(p.get("degree", 1)),
                                         f"a polynomial of degree {p.get('degree')}")  # fmt: skip
    return Method(
        "The time of emergence is the first year from which the ratio of signal to noise stays "
        f"above {p.get('threshold', 2):g} to the end of the record [@hawkins2012]; the signal is "
        f"{signal}, relative to {period(p.get('base_period'))}, the noise the standard deviation "
        "of what is left.",
        (_NO_TIME,),
    )


def _detrend(p: Parameters) -> Method:
    shape = "parabola" if p.get("degree") == 2 else "line"
    mean = "; the mean was kept" if p.get("keep_mean") else ""
    return Method(f"The least-squares {shape} in real time was removed{mean}.")


def _fdr(p: Parameters) -> Method:
    return Method(
        f"Field significance: the false discovery rate over all cells was limited to "
        f"{p.get('alpha', 0.1):g} [@benjamini1995; @wilks2016]."
    )


def _rates(p: Parameters) -> Method:
    return Method(
        f"Rates of false positives are shares of p < {p.get('alpha', 0.05):g} among "
        f"{int(p.get('series') or 0):,} seeded AR(1) series without trend or change (seed "
        f"{p.get('seed', 0)}), for each length and lag-1 autocorrelation."
    )


TRENDS: dict[str, Callable[[Any], Method]] = {
    "breakpoint": _breakpoint,
    "change": _change,
    "detrend": _detrend,
    "emergence": _emergence,
    "false_positive_rates": _rates,
    "fdr": _fdr,
    "quantile_trend": _quantile,
    "trend": fitted,
    "trend_moments": _moments,
}
