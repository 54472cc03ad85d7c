"""What every kind of trend shares: units of time, names, the words of the results."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.subject import Subject
from climcube.errors import ParameterError, require_choice
from climcube.lift.common import Output

__all__ = [
    "LEAST_VALID",
    "PERIODS",
    "TrendOptions",
    "described",
    "float_type",
    "is_number",
    "is_whole",
    "label_of",
    "require_confidence",
    "require_min_valid",
    "warn_of_seasons",
    "words_of_memory",
]

PERIODS = ("day", "month", "year", "decade", "century")
LEAST_VALID = 3
_DAYS_PER_YEAR = {
    "360_day": 360.0, "noleap": 365.0, "365_day": 365.0, "julian": 365.25,
    "all_leap": 366.0, "366_day": 366.0,
}  # fmt: skip
_DAYS_OF_A_SEASON_OR_LESS = 200
_TWO_YEARS = 2.0


@dataclass(frozen=True)
class TrendOptions:
    """What was asked for, checked before anything is built."""

    method: str
    test: str
    per: str
    autocorrelation: str
    lags: int | None
    seasonal: str | None
    min_valid: int
    confidence: float

    def __post_init__(self) -> None:
        require_choice("per", self.per, PERIODS)
        require_min_valid(self.min_valid)
        require_confidence(self.confidence)

    def years(self, axis: TimeAxis) -> float:
        """Length in years of the unit of time."""
        days = _DAYS_PER_YEAR.get(axis.calendar, 365.2425)
        known = {"month": 1 / 12, "year": 1.0, "decade": 10.0, "century": 100.0}
        return 1 / days if self.per == "day" else known[self.per]


def is_number(value: Any) -> bool:
    """Whether a value is a real number, of Python or NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer, of Python or NumPy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def require_min_valid(min_valid: Any, least: int = LEAST_VALID) -> int:
    """Return the least count of valid values, a whole number not below ``least``."""
    if not is_whole(min_valid) or min_valid < least:
        raise ParameterError(
            "too few values for an estimate with errors",
            where=f"min_valid={min_valid!r}",
            expected=f"a whole number, {least} or more",
        )
    return int(min_valid)


def require_confidence(confidence: Any) -> float:
    """Return the level of confidence limits, a number between 0 and 1."""
    if not is_number(confidence) or not 0 < confidence < 1:
        raise ParameterError(
            "confidence is no probability",
            where=f"confidence={confidence!r}",
            expected="a number between 0 and 1, both excluded",
            remedy="pass for instance confidence=0.95",
        )
    return float(confidence)


def label_of(cube: xr.DataArray) -> str:
    """Return what the cube is called in the names of results."""
    return str(cube.attrs.get("long_name") or cube.name or "the cube").replace("_", " ")


def float_type(cube: xr.DataArray) -> str:
    """Return the type of results as long as the cube: a task holds them beside its values."""
    return "float32" if cube.dtype in (np.float16, np.float32) else "float64"


def described(subject: Subject, options: TrendOptions, names: Sequence[str]) -> list[Output]:
    """Return the outputs of those names, with long names and units."""
    name = label_of(subject.cube)
    rate = subject.units.times(f"{options.per}-1")
    one = {"units": "1"}
    percent = f"{100 * options.confidence:g} % confidence limit of the trend of {name}"
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "slope": (f"linear trend of {name}", rate),
        # The trend of an anomaly starts at an anomaly.
        "intercept": (f"fitted {name} on {subject.axis.label(0)}", subject.absolute()),
        "stderr": (f"standard error of the trend of {name}", rate),
        "ci_low": (f"lower {percent}", rate),
        "ci_high": (f"upper {percent}", rate),
        "pvalue": (f"two-sided p-value of the trend of {name}", one),
        "z": (f"standard score of the Mann-Kendall test of {name}", one),
        "s": ("Mann-Kendall statistic S", one),
        "var_s": (f"variance of S ({options.autocorrelation})", one),
        "tau": ("Kendall's tau-b", one),
        "n": (f"number of valid values of {name}", one),
        "n_eff": (f"effective sample size ({options.autocorrelation})", one),
        "r1": ("lag-1 autocorrelation of the residuals", one),
    }
    return [
        Output(
            key,
            None,
            "int64" if key == "n" else "float64",
            {"long_name": known[key][0], **known[key][1]},
        )
        for key in names
    ]


def words_of_memory(autocorrelation: str, of: str) -> str:
    """Say in the attribute ``method`` what was done about memory, measured on ``of``."""
    if autocorrelation == "none":
        return f"{of} taken as independent"
    text = f"effective sample size from the lag-1 autocorrelation of the {of}"
    return text + ", its bias removed" * (autocorrelation == "ar1")


def warn_of_seasons(what: str, cube: xr.DataArray, axis: TimeAxis, remedies: str) -> None:
    """Warn that values within the year, which nobody called anomalies, have a seasonal cycle."""
    if len(axis) < 3 or np.median(np.diff(axis.ordinal)) > _DAYS_OF_A_SEASON_OR_LESS:
        return
    if axis.decimal_year[-1] - axis.decimal_year[0] < _TWO_YEARS:
        return
    words = [cube.name, *(cube.attrs.get(k) for k in ("long_name", "standard_name", "history"))]
    if "difference" in str(cube.attrs.get("units_metadata")) or any(
        "anomal" in str(word).lower() or "detrend" in str(word).lower() for word in words
    ):
        return
    warnings.warn(
        f"the {what} of {cube.name!r}, with several values a year, is taken with its seasonal "
        "cycle: the cycle counts as noise with a long memory and makes limits and p-values too "
        f"wide, and uneven years shift the {what}; {remedies} (anomalies are known by name, "
        "long_name or history)",
        UserWarning,
        stacklevel=3,
    )
