"""The numbers that define a marine heatwave, checked before anything is built on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.errors import ParameterError, require_choice, require_odd
from climcube.kernels.settings import Settings

__all__ = ["BASELINES", "HeatwaveDefinition", "definitions_of"]

BASELINES = ("fixed", "detrended", "shifting")
MIN_BASE_YEARS = 3
# A value that differs from the threshold by less than rounding is equal to it, hence no
# exceedance. In quantised data such days occur; otherwise the order of a sum would decide them.
TIES = 16 * 2.0**-52
# What may be given as a list, to evaluate several definitions in one pass.
_VARYING = (
    "base_period",
    "percentile",
    "window",
    "smooth",
    "min_duration",
    "max_gap",
    "max_pad",
)

_MOST = 2**31  # kernels count in machine integers
_LEAST = {
    "min_duration": 1,
    "max_gap": 0,
    "max_pad": 0,
    "min_duration2": 1,
    "max_gap2": 0,
    "baseline_years": MIN_BASE_YEARS,
}


@dataclass(frozen=True)
class HeatwaveDefinition:
    """Parameters of `climcube.heatwaves`; see there for their meaning."""

    base_period: BasePeriod | None = None
    percentile: float = 90.0
    window: int = 11
    smooth: int | None = 31
    min_duration: int = 5
    max_gap: int = 2
    max_pad: int = 0
    cold: bool = False
    baseline: str = "fixed"
    baseline_years: int = 30
    min_duration2: int | None = None
    max_gap2: int | None = None
    compat: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):  # numbers of numpy are numbers
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())
        if not isinstance(self.cold, bool):  # "no" would be true
            raise ParameterError(
                "cold is no truth value", where=f"cold={self.cold!r}", expected="True or False"
            )
        number = isinstance(self.percentile, int | float) and not isinstance(self.percentile, bool)
        if not number or not 50 < self.percentile < 100:
            raise ParameterError(
                "percentile out of range",
                where=f"percentile={self.percentile!r}",
                expected="a number above 50 and below 100",
                remedy="for cold spells pass cold=True and keep the percentile of the negated "
                "series (percentile=90 is the 10th percentile of temperature)",
            )
        require_choice("compat", self.compat, (None, "reference"))
        require_odd("window", self.window)
        if self.smooth is not None:
            require_odd("smooth", self.smooth)
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name.endswith("2"):
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not least <= value <= _MOST:
                unit = "years" if name == "baseline_years" else "days"
                raise ParameterError(
                    f"{name} out of range",
                    where=f"{name}={value!r}",
                    expected=f"a whole number of {unit}, at least {least}",
                )
        require_choice("baseline", self.baseline, BASELINES)
        if self.baseline == "shifting" and self.base_period is not None:
            raise ParameterError(
                "a shifting baseline has no base period",
                where=f"base_period={self.base_period!r}",
                remedy="drop base_period; baseline_years says how many years count",
            )

    def base(self, axis: TimeAxis) -> tuple[int, int]:
        """First and last sample of the base period; at least three years are needed."""
        first, last = axis.period(self.base_period)
        years = _years_of_samples(axis, first, last)
        if years < MIN_BASE_YEARS:
            raise ParameterError(
                "the base period is too short for a percentile",
                where=f"base_period={self.base_period!r}",
                expected=f"at least {MIN_BASE_YEARS} years (the field uses 30)",
                found=f"{years} ({axis.label(first)} to {axis.label(last)})",
                remedy="widen the base period, or pass climatology= from a longer record",
            )
        return first, last

    def settings(self) -> Settings:
        """Return the numbers that kernels take."""
        ties = 0.0 if self.compat == "reference" else TIES
        sign = -1.0 if self.cold else 1.0
        return Settings(
            self.min_duration,
            self.max_gap,
            self.max_pad,
            sign,
            ties,
            self.min_duration2 or self.min_duration,
            self.max_gap if self.max_gap2 is None else self.max_gap2,
            self.baseline == "detrended",
        )

    def as_parameters(self) -> dict[str, Any]:
        """Return the parameters as the user would write them."""
        return asdict(self)


def definitions_of(
    definition: Mapping[str, Any],
) -> Iterator[tuple[dict[str, Any], HeatwaveDefinition]]:
    """Yield what is particular to each definition, and the definition.

    Every combination of the parameters that were given as lists, the last one varying fastest;
    one definition with nothing particular where none was.
    """
    varying = {n: v for n, v in definition.items() if n in _VARYING and _is_list(n, v)}
    for name, values in varying.items():
        if not values:
            raise ParameterError(f"{name} is an empty list", remedy=f"pass one {name} or several")
    fixed = HeatwaveDefinition(**{n: v for n, v in definition.items() if n not in varying})
    for values in itertools.product(*varying.values()):
        own = dict(zip(varying, values, strict=True))
        yield own, replace(fixed, **own)


def _years_of_samples(axis: TimeAxis, first: int, last: int) -> int:
    """In how many years of a period the best-sampled day of year is seen.

    Calendar years that the record lacks, or only touches at its ends, add nothing.
    """
    return int(np.bincount(axis.dayofyear[first : last + 1]).max())


def _is_list(name: str, value: Any) -> bool:
    """Whether a value is several; a base period is itself a pair."""
    if name == "base_period":
        return isinstance(value, list) and all(
            p is None or isinstance(p, list | tuple) for p in value
        )
    return isinstance(value, list | tuple)
